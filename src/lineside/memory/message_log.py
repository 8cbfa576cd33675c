"""The log of every message that ever came: what became of it, and how long that took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from lineside.memory import tables
from lineside.memory.moments import moment, stored
from lineside.memory.store import Memory

_log = tables.message_log
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One message seen, a repeated one too. source_id: None where none could be told. latency_us: from being taken up
    to being ready to write, in microseconds. mapping: the version that read it."""

    id: int
    source: str
    source_id: str | None
    stream: str
    origin: str
    size: int
    outcome: str
    reason: str | None
    received_at: datetime
    kept_at: datetime
    latency_us: int
    mapping: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long the messages of a source took, in microseconds: half, 95 and 99 of 100 at most that long."""

    source: str
    messages: int
    p50_us: int
    p95_us: int
    p99_us: int


def log_lines(
    memory: Memory,
    *,
    source: str | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> list[LogLine]:
    """Newest first. since: by when they were kept."""
    query = select(_log).order_by(_log.c.kept_at.desc(), _log.c.id.desc()).limit(limit)
    if source is not None:
        query = query.where(_log.c.source == source)
    if outcome is not None:
        query = query.where(_log.c.outcome == outcome)
    if since is not None:
        query = query.where(_log.c.kept_at >= stored(since))
    with memory.read() as connection:
        return [
            LogLine(
                id=row.id,
                source=row.source,
                source_id=row.source_id,
                stream=row.stream,
                origin=row.origin,
                size=row.size,
                outcome=row.outcome,
                reason=row.reason,
                received_at=moment(row.received_at),
                kept_at=moment(row.kept_at),
                latency_us=row.latency_us,
                mapping=row.mapping,
            )
            for row in connection.execute(query)
        ]


def latencies(memory: Memory, *, since: datetime, source: str | None = None) -> list[Latency]:
    """One for each source that sent anything since then, by name. source: only that one."""
    after = _log.c.kept_at >= stored(since)
    counted = select(_log.c.source, func.count()).where(after).group_by(_log.c.source).order_by(_log.c.source)
    if source is not None:
        counted = counted.where(_log.c.source == source)
    with memory.read() as connection:
        found = []
        for name, messages in connection.execute(counted).all():
            ranked = select(_log.c.latency_us).where(after, _log.c.source == name).order_by(_log.c.latency_us)
            p50, p95, p99 = (
                connection.scalar(ranked.offset((messages * pct + 99) // 100 - 1).limit(1)) or 0 for pct in (50, 95, 99)
            )
            found.append(Latency(source=name, messages=messages, p50_us=p50, p95_us=p95, p99_us=p99))
    return found


def hourly(memory: Memory, *, hours: int = 24) -> dict[str, list[int]]:
    """How many messages each source sent in each of the last hours, the oldest first; silent sources are left out."""
    now = stored(memory.clock())
    ago = ((now - _log.c.kept_at) // _HOUR_US).label("ago")
    aged = select(_log.c.source, ago).where(_log.c.kept_at > now - hours * _HOUR_US).subquery()
    query = select(aged.c.source, aged.c.ago, func.count()).group_by(aged.c.source, aged.c.ago)
    found: dict[str, list[int]] = {}
    with memory.read() as connection:
        for source, back, count in connection.execute(query):
            if 0 <= back < hours:
                found.setdefault(source, [0] * hours)[hours - 1 - back] = count
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLine:
    """What one stream of a source ever sent. last_at: when its newest message was kept."""

    stream: str
    messages: int
    last_at: datetime


def streams_of(memory: Memory, source: str) -> list[StreamLine]:
    """Every stream that ever sent anything, by name."""
    query = select(_log.c.stream, func.count(), func.max(_log.c.kept_at)).where(_log.c.source == source)
    with memory.read() as connection:
        return [
            StreamLine(stream=stream, messages=count, last_at=moment(last))
            for stream, count, last in connection.execute(query.group_by(_log.c.stream).order_by(_log.c.stream))
        ]
