"""How the sources are doing and what could not be read, as rows that every face shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from lineside import connector
from lineside.app import Lineside
from lineside.connector import TroubleKind
from lineside.errors import NotFound, SetupError
from lineside.memory import EVERYTHING, DeadLetter, Reader, SourceAccount
from lineside.memory.alerts import DRIFTS, TROUBLES, Alert
from lineside.memory.drift import open_drift
from lineside.memory.feed_state import Concern, concerns_of, state_of
from lineside.memory.feeds import feeds_of
from lineside.memory.freshness import HEARTBEAT_S, OURS
from lineside.memory.letters import Wanted
from lineside.memory.mending import ALL, count_letters, open_letters
from lineside.memory.message_log import LogLine, hourly, latencies, log_lines, streams_of
from lineside.memory.remember import Translate
from lineside.memory.signals import Habit, sight_of
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.records import Json
from lineside.serve.mapping import drift_rows

_BYTES_SHOWN = 4000
_SHOWN = 20
LETTERS_SHOWN = 1000

Row = dict[str, Json]


def source_rows(lineside: Lineside, reader: Reader = EVERYTHING, *, only: str | None = None) -> list[Row]:
    """A row for every source that is configured, declared or was heard, and that `reader` may read; or for one.

    received = recorded + known + dead_lettered + held + ignored. state: as in `FeedState`, since when and why;
    freshness: what answers say of it. rate_per_h: messages of the last hour; hours: of each of the last 24, oldest
    first. drift: in how many streams something is other than it was. Times in the plant's zone.
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
    sent = hourly(memory)
    rows: list[Row] = []
    for name in sorted({*accounts, *fresh, *configured, *declared}):
        if (only is not None and name != only) or not reader.may_read_source(name, plant):
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
                "hours": list[Json](sent.get(name, [0] * 24)),
                "error_share": round(signals.error_share, 3),
                "received": account.received,
                "recorded": account.recorded,
                "known": account.known,
                "dead_lettered": account.dead_lettered,
                "held": account.held,
                "ignored": account.ignored,
                "open_letters": account.open_letters,
                "gaps": account.gaps,
                "drift": sum(each.kind in DRIFTS for each in alerts[name]),
                "alerts": [alert_row(lineside, each) for each in alerts[name]],
                "checkpoint_age_s": (now - sight.checkpoint_at).total_seconds() if sight.checkpoint_at else None,
                "paused_by": feed.paused_by if feed else None,
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


def source_detail(lineside: Lineside, name: str, reader: Reader = EVERYTHING) -> Row:
    """All there is to know of one source but its letters and its log: its row, with the accounts as one equation, its
    streams, latencies of the last day, gaps, drift, alerts that are over, checkpoints and mapping.

    Raises NotFound also where `reader` may not know of it.
    """
    rows = source_rows(lineside, reader, only=name)
    if not rows:
        raise NotFound(f"there is no source {name!r} that you may read", source=name)
    (row,) = rows
    memory, now = lineside.memory, lineside.clock()
    account = next((each for each in memory.sources_seen() if each.source == name), SourceAccount(source=name))
    past = [each for each in memory.alerts(name, only_open=False, limit=3 * _SHOWN) if each.closed_at is not None]
    epochs = [each.opened_at for each in past if each.kind == TroubleKind.EPOCH]
    quick = latencies(memory, since=now - timedelta(days=1), source=name)
    version, drift, unfit = _mapped(lineside, name)
    detail: Row = {
        **row,
        "equation": equation(row),
        "streams": [asdict(each) | {"last_at": _local(lineside, each.last_at)} for each in streams_of(memory, name)],
        "latency": asdict(quick[0]) if quick else None,
        "gap_list": [
            {"since": _local(lineside, each.since), "until": _local(lineside, each.until), "reason": each.reason}
            for each in reversed(memory.view(reader=reader).gaps(name)[-_SHOWN:])
        ],
        "drift_list": drift,
        "past_alerts": [alert_row(lineside, each) for each in past[:_SHOWN]],
        "checkpoints": {stream: dict(mark) for stream, mark in account.checkpoints.items()},
        "epoch_at": _local(lineside, max(epochs, default=None)),
        "mapping": version,
        "configuration_error": unfit,
    }
    return detail


def equation(row: Row) -> str:
    """received = recorded + known + dead-lettered + held + ignored, in numbers."""
    named = ("recorded", "known", "dead_lettered", "held", "ignored")
    terms = " + ".join(f"{row[each]:,} {each.replace('_', '-')}" for each in named)
    return f"{row['received']:,} received = {terms}"


def _mapped(lineside: Lineside, name: str) -> tuple[str, list[Json], str]:
    """(the mapping's version, the drift that is open, why the configuration can't be used)."""
    try:
        mapping = lineside.mapping(name)
    except SetupError as error:
        return "", [], error.message
    return mapping.version, drift_rows(open_drift(lineside.memory, mapping)), ""


def log_rows(lineside: Lineside, source: str, *, outcome: str | None = None, limit: int = _SHOWN) -> list[Row]:
    """The newest lines of the message log, without content."""
    return [
        _log_row(lineside, each) for each in log_lines(lineside.memory, source=source, outcome=outcome, limit=limit)
    ]


def _log_row(lineside: Lineside, line: LogLine) -> Row:
    return {
        "id": line.id,
        "at": _local(lineside, line.kept_at),
        "source_id": line.source_id,
        "stream": line.stream,
        "origin": line.origin,
        "outcome": line.outcome,
        "reason": line.reason,
        "size": line.size,
        "latency_us": line.latency_us,
        "mapping": line.mapping,
    }


def _reasons(alerts: Sequence[Alert]) -> list[str]:
    return [f"{each.stream}: {each.reason}" if each.stream else each.reason for each in alerts if each.kind in TROUBLES]


def _local(lineside: Lineside, at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(lineside.plant.time_zone).isoformat()


def dead_letter_rows(
    lineside: Lineside, wanted: Wanted = ALL, *, reader: Reader = EVERYTHING, limit: int = LETTERS_SHOWN
) -> list[Row]:
    """Open dead letters of the sources that `reader` may read, newest first."""
    found = open_letters(lineside.memory, readable(lineside, wanted, reader), limit=limit)
    return [dead_letter_row(each) for each in found]


def readable(lineside: Lineside, wanted: Wanted, reader: Reader) -> Wanted:
    """Of the wanted dead letters those whose source `reader` may read."""
    there = count_letters(lineside.memory, wanted)
    return replace(wanted, sources=[each for each in there if reader.may_read_source(each, lineside.plant)])


def dead_letter_row(letter: DeadLetter) -> Row:
    """One dead letter; its bytes as text, at most the first few thousand characters."""
    return {
        "id": letter.id,
        "source": letter.source,
        "source_id": letter.source_id,
        "stream": letter.stream,
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
