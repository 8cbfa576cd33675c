"""How the reading of each source stands, kept where every process sees it; and pausing it, which a restart respects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from lineside.memory import tables
from lineside.memory.feed_state import FeedState
from lineside.memory.letters import storable
from lineside.memory.moments import moment, stored
from lineside.memory.store import Memory

REFUSED_US = "its source"
"""Who paused a feed that was refused: nobody tries it again before a person says so."""

RESUMED = "resumed"
"""The reason of a feed that has not been begun anew since a person resumed it."""

_feeds = tables.feeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What the process that reads a source last said of it. failures: in a row, without a batch between. paused_by:
    who has it left alone; None where nobody does."""

    source: str
    state: FeedState
    reason: str
    since: datetime
    failures: int = 0
    paused_by: str | None = None
    reconciled_at: datetime | None = None

    def current(self, kept_at: datetime) -> bool:
        """Whether what came then is its news, and not the past that a feed catches up with when it begins."""
        return self.state is not FeedState.STARTING and kept_at >= self.since


def feeds_of(memory: Memory) -> dict[str, Feed]:
    """Every feed that was ever run or paused, by its source."""
    with memory.read() as connection:
        return {row.source: _feed(row) for row in connection.execute(select(_feeds).order_by(_feeds.c.source))}


def say(memory: Memory, source: str, state: FeedState, reason: str = "", *, failures: int = 0) -> None:
    """That is how its reading stands from now on; a pause stays one, whatever is said."""
    with memory.write() as connection:
        before = _found(connection, source)
        if before is not None and before.paused_by is not None:
            return
        now = stored(memory.clock())
        _put(connection, before, source=source, state=state, reason=reason, failures=failures, now=now)


def pause_source(memory: Memory, source: str, *, by: str, reason: str = "") -> None:
    """Nobody reads it, in this process or another, now or after a restart, until somebody resumes it."""
    with memory.write() as connection:
        before = _found(connection, source)
        said, now = reason or f"paused by {by}", stored(memory.clock())
        _put(connection, before, source=source, state=FeedState.PAUSED, reason=said, failures=0, now=now)
        connection.execute(update(_feeds).where(_feeds.c.source == source).values(paused_by=storable(by)))


def resume_source(memory: Memory, source: str) -> bool:
    """It is read again by the process that reads sources; whether it had stopped until somebody says so."""
    with memory.write() as connection:
        before = _found(connection, source)
        if before is None or before.state not in (FeedState.PAUSED, FeedState.FAILED):
            return False
        own = update(_feeds).where(_feeds.c.source == source)
        now = stored(memory.clock())
        connection.execute(own.values(state=FeedState.STARTING, reason=RESUMED, since=now, failures=0, paused_by=None))
        return True


def reconciled(memory: Memory, source: str) -> None:
    """It was compared with what it lists just now."""
    with memory.write() as connection:
        own = update(_feeds).where(_feeds.c.source == source)
        connection.execute(own.values(reconciled_at=stored(memory.clock())))


def _put(
    connection: Connection, before: Feed | None, *, source: str, state: FeedState, reason: str, failures: int, now: int
) -> None:
    values = {"state": str(state), "reason": storable(reason), "failures": failures}
    if before is None:
        connection.execute(insert(_feeds).values(source=source, since=now, **values))
        return
    since = stored(before.since) if before.state is state else now
    connection.execute(update(_feeds).where(_feeds.c.source == source).values(since=since, **values))


def _found(connection: Connection, source: str) -> Feed | None:
    row = connection.execute(select(_feeds).where(_feeds.c.source == source)).one_or_none()
    return None if row is None else _feed(row)


def _feed(row: Row[Any]) -> Feed:
    return Feed(
        source=row.source,
        state=FeedState(row.state),
        reason=row.reason,
        since=moment(row.since),
        failures=row.failures,
        paused_by=row.paused_by,
        reconciled_at=moment(row.reconciled_at),
    )
