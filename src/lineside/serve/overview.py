"""How the sources are doing and what could not be read, as rows that every face shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lineside import connector
from lineside.app import Lineside
from lineside.memory import EVERYTHING, DeadLetter, Reader, SourceAccount
from lineside.memory.alerts import TROUBLES, Alert
from lineside.memory.feed_state import Concern, concerns_of, state_of
from lineside.memory.feeds import feeds_of
from lineside.memory.freshness import HEARTBEAT_S, OURS
from lineside.memory.remember import Translate
from lineside.memory.signals import Habit, sight_of
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.records import Json

_BYTES_SHOWN = 4000

Row = dict[str, Json]


def source_rows(lineside: Lineside, reader: Reader = EVERYTHING) -> list[Row]:
    """A row for every source that is configured, declared or was heard, and that `reader` may read.

    received = recorded + known + dead_lettered + held + ignored. state: as in `FeedState`, since when and why;
    freshness: what answers say of it. rate_per_h: messages of the last hour. Times in the plant's zone.
    """
    memory, plant, now = lineside.memory, lineside.plant, lineside.clock()
    accounts = {account.source: account for account in memory.sources_seen()}
    fresh = {found.source: found for found in memory.view().freshness()}
    feeds = feeds_of(memory)
    configured = {source.name: source.connector for source in lineside.settings.sources}
    declared = {card.name: card for card in plant.sources}
    alerts: dict[str, list[Alert]] = defaultdict(list)
    for alert in memory.alerts():
        alerts[alert.source].append(alert)
    calendar = ShiftCalendar(plant)
    rows: list[Row] = []
    for name in sorted({*accounts, *fresh, *configured, *declared}):
        if not reader.may_read_source(name, plant):
            continue
        account, card, feed = accounts.get(name, SourceAccount(source=name)), declared.get(name), feeds.get(name)
        with memory.read() as connection:
            sight = sight_of(
                connection,
                name,
                feed=feed if name in configured else None,
                life_s=HEARTBEAT_S if name == OURS else lineside.life_s(name),
                habit=Habit(),  # weeks of the log: the watchdog knows, and its alert says so
                calendar=calendar,
                now=now,
            )
        missed = any(each.kind == Concern.NO_RECORDS for each in alerts[name])
        signals = replace(sight.signals, missed_hour=missed)
        state, concerns = state_of(signals), concerns_of(signals)
        since = min((each.opened_at for each in alerts[name]), default=feed.since if feed else None)
        rows.append(
            {
                "source": name,
                "kind": card.kind if card else "",
                "connector": configured.get(name, ""),
                "state": str(state),
                "since": _local(lineside, since if concerns or not feed else feed.since),
                "reason": signals.reason or "; ".join(dict.fromkeys((*concerns.values(), *_reasons(alerts[name])))),
                "freshness": str(fresh[name].state) if name in fresh else "silent",
                "last_heard": _local(lineside, sight.last_heard or (fresh[name].last_heard if name in fresh else None)),
                "cadence_s": fresh[name].cadence_s if name in fresh else None,
                "lag_s": signals.lag_s,
                "rate_per_h": sight.rate,
                "error_share": round(signals.error_share, 3),
                "received": account.received,
                "recorded": account.recorded,
                "known": account.known,
                "dead_lettered": account.dead_lettered,
                "held": account.held,
                "ignored": account.ignored,
                "open_letters": account.open_letters,
                "gaps": account.gaps,
                "alerts": [alert_row(lineside, each) for each in alerts[name]],
                "checkpoint_age_s": (now - sight.checkpoint_at).total_seconds() if sight.checkpoint_at else None,
                "owner": card.owner if card else None,
            }
        )
    return rows


def alert_row(lineside: Lineside, alert: Alert) -> Row:
    """One alert; closed_at is null while it is open."""
    return {
        "id": alert.id,
        "source": alert.source,
        "stream": alert.stream,
        "kind": alert.kind,
        "reason": alert.reason,
        "opened_at": _local(lineside, alert.opened_at),
        "closed_at": _local(lineside, alert.closed_at),
    }


def _reasons(alerts: Sequence[Alert]) -> list[str]:
    return [f"{each.stream}: {each.reason}" if each.stream else each.reason for each in alerts if each.kind in TROUBLES]


def _local(lineside: Lineside, at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(lineside.plant.time_zone).isoformat()


def dead_letter_rows(lineside: Lineside, *, source: str | None = None, reader: Reader = EVERYTHING) -> list[Row]:
    """Open dead letters of the sources that `reader` may read, newest first."""
    found = lineside.memory.dead_letters(source=source)
    return [dead_letter_row(each) for each in reversed(found) if reader.may_read_source(each.source, lineside.plant)]


def dead_letter_row(letter: DeadLetter) -> Row:
    """One dead letter; its bytes as text, at most the first few thousand characters."""
    return {
        "id": letter.id,
        "source": letter.source,
        "source_id": letter.source_id,
        "origin": letter.origin,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "received_at": letter.received_at.isoformat(),
        "status": letter.status,
        "closed_by": letter.closed_by,
        "closed_because": letter.closed_because,
        "content_type": letter.content_type,
        "content": letter.content[:_BYTES_SHOWN].decode("utf-8", errors="replace"),
    }


def translator_for(lineside: Lineside, source: str) -> Translate:
    """How messages of a source are read: by its configured connector, or as open records where it has none."""
    sources: Sequence[str] = [each.name for each in lineside.settings.sources]
    if source in sources:
        return lineside.connector(source)[0].translate
    return connector.load("open_records")(
        source, {}, time_zone=lineside.plant.time_zone, clock=lineside.clock
    ).translate
