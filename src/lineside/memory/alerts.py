"""Alerts: each opens once and closes once, whoever looks, across restarts and processes.

The table is the one store. That a feed stopped, went on or changed its shape is also remembered as an event of the
source `lineside`, so that the assistant can tell of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Select, insert, select, update

from lineside.connector import Batch, Gap, SourceMessage, Trouble, TroubleKind
from lineside.memory import tables
from lineside.memory.feed_state import STOPPED
from lineside.memory.freshness import OURS
from lineside.memory.letters import storable
from lineside.memory.moments import moment
from lineside.memory.remember import Remembering
from lineside.plant.plant import Plant
from lineside.plant.records import Event, Provenance

log = structlog.get_logger()

GAP, UNFETCHED, DOUBTED, UNRECONCILED = "gap", "unfetched", "doubted", "unreconciled"
DRIFTED = "drifted"  # what we saw of a stream ourselves; what its connector tells is a trouble
DRIFTS = frozenset({str(TroubleKind.DRIFT), DRIFTED})
_TOLD = frozenset(str(kind) for kind in TroubleKind)
TROUBLES = _TOLD | {DRIFTED}

_alerts = tables.alerts


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a person should know about a source. stream: empty for all of it. closed_at: None while open."""

    id: int
    source: str
    stream: str
    kind: str
    reason: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An alert that has just opened or closed."""

    alert: Alert
    opened: bool


Named = Mapping[tuple[str, str], str]
"""(stream, kind) to the reason."""


def settle(connection: Connection, source: str, kinds: Collection[str], named: Named, *, now: int) -> list[Turn]:
    """Of these kinds exactly those that are named are open afterwards; what changed by that."""
    open_now = {(each.stream, each.kind): each for each in open_alerts(connection, source) if each.kind in kinds}
    turns = [_close(connection, each, now) for key, each in open_now.items() if key not in named]
    for (stream, kind), reason in named.items():
        if (stream, kind) in open_now:
            still = update(_alerts).where(_alerts.c.id == open_now[stream, kind].id)
            connection.execute(still.values(last_at=now, reason=storable(reason)))
        else:
            turns.append(_open(connection, source, stream=stream, kind=kind, reason=reason, now=now))
    return turns


def tell(connection: Connection, source: str, kind: str, reason: str, *, now: int, stream: str = "") -> list[Turn]:
    """It is told, and over at once."""
    opened = _open(connection, source, stream=stream, kind=kind, reason=reason, now=now)
    return [opened, _close(connection, opened.alert, now)]


def tell_gap(connection: Connection, source: str, gap: Gap, plant: Plant, *, now: int) -> list[Turn]:
    """The hole is told once; that it stays one, the gaps themselves say."""
    since, until = (at.astimezone(plant.time_zone).isoformat(timespec="seconds") for at in (gap.since, gap.until))
    return tell(connection, source, GAP, f"unheard from {since} to {until}: {gap.reason}", now=now)


def settle_troubles(connection: Connection, source: str, troubles: Iterable[Trouble], *, now: int) -> list[Turn]:
    """The connector's troubles are the open ones; a passing one is told once for each time that it is named."""
    lasting: dict[tuple[str, str], str] = {}
    turns: list[Turn] = []
    for each in troubles:
        if each.passing:
            turns += tell(connection, source, str(each.kind), each.reason, now=now, stream=storable(each.stream))
        else:
            lasting[storable(each.stream), str(each.kind)] = each.reason
    return settle(connection, source, _TOLD, lasting, now=now) + turns


def open_alerts(connection: Connection, source: str | None = None) -> list[Alert]:
    """Oldest first."""
    query = select(_alerts).where(_alerts.c.open_key.is_not(None)).order_by(_alerts.c.id)
    return _read(connection, query if source is None else query.where(_alerts.c.source == source))


def alerts_of(connection: Connection, source: str | None = None, *, limit: int = 100) -> list[Alert]:
    """Open and closed ones, newest first."""
    query = select(_alerts).order_by(_alerts.c.id.desc()).limit(limit)
    return _read(connection, query if source is None else query.where(_alerts.c.source == source))


def publish(connection: Connection, turns: Sequence[Turn], plant: Plant, *, now: int) -> None:
    """What the source `lineside` says of them is remembered in the same transaction."""
    if messages := messages_of(connection, turns, plant, now=now):
        work = Remembering(connection, plant=plant, now=now, translate=translate_own)
        work.keep(Batch(messages=messages), source=OURS, stream="")


def messages_of(connection: Connection, turns: Sequence[Turn], plant: Plant, *, now: int) -> list[SourceMessage]:
    """What the source `lineside` has to say of them: that feeds stopped, started or changed their shape.

    Nothing of a source that only some may read: its alerts are shown to those, an event would be shown to all.
    """
    said = []
    for source in sorted({turn.alert.source for turn in turns} - {OURS}):
        if plant.source(source).readers:
            continue
        own = [turn for turn in turns if turn.alert.source == source]
        said += [
            _message(turn.alert, "schema_changed", f"{source} changed: {turn.alert.reason}", now)
            for turn in own
            if turn.opened and turn.alert.kind in DRIFTS
        ]
        turned = [turn for turn in own if turn.alert.kind in STOPPED]
        news = {turn.alert.id for turn in turned if turn.opened}
        standing = [each for each in open_alerts(connection, source) if each.kind in STOPPED]
        stood = any(each.id not in news for each in standing) or any(not turn.opened for turn in turned)
        if standing and not stood:
            reason = turned[0].alert.kind.replace("_", " ")
            said.append(_message(turned[0].alert, "feed_stopped", f"{source} brings nothing: {reason}", now))
        if turned and stood and not standing:
            said.append(_message(turned[-1].alert, "feed_started", f"{source} brings news again", now))
    return said


def translate_own(message: SourceMessage) -> list[Event]:
    """The event in a message of the source `lineside`. Pure."""
    said = json.loads(message.content)
    at = message.occurred_at or message.received_at
    own = Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=at,
        reported_at=at,
        recorded_at=message.received_at,
    )
    attributes = {"interface": said["interface"], "reason": said["alert"]}
    return [Event(provenance=own, kind=said["kind"], text=said["text"], attributes=attributes)]


def log_turns(turns: Iterable[Turn]) -> None:
    """One line each; called by whoever made them, after the commit."""
    for turn in turns:
        alert = turn.alert
        tell_it = log.warning if turn.opened else log.info
        event = "alert_opened" if turn.opened else "alert_closed"
        tell_it(event, source=alert.source, stream=alert.stream, kind=alert.kind, reason=alert.reason)


def _message(alert: Alert, kind: str, text: str, now: int) -> SourceMessage:
    at = moment(now)
    said = {"kind": kind, "interface": alert.source, "alert": alert.kind, "text": text}
    return SourceMessage(
        source=OURS,
        source_id=f"alert-{alert.id}-{kind}",
        content=json.dumps(said, ensure_ascii=False).encode(),
        received_at=at,
        occurred_at=at,
        reported_at=at,
    )


def _open(connection: Connection, source: str, *, stream: str, kind: str, reason: str, now: int) -> Turn:
    said = storable(reason)
    row = {
        "source": source,
        "stream": stream,
        "kind": kind,
        "reason": said,
        "opened_at": now,
        "last_at": now,
        "open_key": json.dumps([source, stream, kind]),
    }
    made = connection.execute(insert(_alerts).values(row).returning(_alerts.c.id))
    alert = Alert(
        id=made.scalar_one(),
        source=source,
        stream=stream,
        kind=kind,
        reason=said,
        opened_at=moment(now),
        closed_at=None,
    )
    return Turn(alert=alert, opened=True)


def _close(connection: Connection, alert: Alert, now: int) -> Turn:
    own = update(_alerts).where(_alerts.c.id == alert.id)
    connection.execute(own.values(open_key=None, closed_at=now, last_at=now))
    return Turn(alert=alert, opened=False)


def _read(connection: Connection, query: Select[Any]) -> list[Alert]:
    return [
        Alert(
            id=row.id,
            source=row.source,
            stream=row.stream,
            kind=row.kind,
            reason=row.reason,
            opened_at=moment(row.opened_at),
            closed_at=moment(row.closed_at),
        )
        for row in connection.execute(query)
    ]
