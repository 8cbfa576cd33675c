"""What another system delivers to a face, as a chat its clicks: each thing is worked on once, however often it is sent,
and what a process did not finish before it ended is finished by the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, insert, select, update

from lineside.memory import leases, tables
from lineside.memory.moments import stored
from lineside.memory.store import Memory

KEPT = timedelta(days=1)
"""How long it is remembered that something was delivered; senders retry for minutes."""
STRANDED = timedelta(minutes=1)
"""After so long, unfinished work of a process that can't be seen from here counts as abandoned."""
WORTHWHILE = timedelta(minutes=10)
"""Nobody waits any more for what was delivered longer ago."""

_deliveries = tables.deliveries


class Taken(StrEnum):
    """What a delivery is: new, one that is known, or the very bytes of one that is known."""

    NEW = "new"
    KNOWN = "known"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A delivery that its process did not finish."""

    name: str
    content: bytes


def take(
    memory: Memory, name: str, content: bytes, *, holder: str, now: datetime, marks: Sequence[str] = ()
) -> Taken:  # fmt: skip
    """The delivery is `holder`'s to work on where it is new; that is known for a day.

    marks: what can't come twice, as a signature; one that is known makes it a replay. now: by the machine's clock.
    """
    at = stored(now)
    with memory.write() as connection:
        connection.execute(delete(_deliveries).where(_deliveries.c.begun_at < at - _micros(KEPT)))
        known = set(connection.scalars(select(_deliveries.c.name).where(_deliveries.c.name.in_([name, *marks]))))
        if known.intersection(marks):
            return Taken.REPLAYED
        rows: list[dict[str, object]] = [{"name": mark, "done_at": at, "content": None} for mark in marks]
        if name not in known:
            rows.append({"name": name, "done_at": None, "content": content})
        for row in rows:
            connection.execute(insert(_deliveries).values(holder=holder, begun_at=at, **row))
    return Taken.KNOWN if name in known else Taken.NEW


def finish(memory: Memory, name: str, *, now: datetime) -> None:
    """Nobody works on it again; what was delivered is forgotten but for its name."""
    with memory.write() as connection:
        own = update(_deliveries).where(_deliveries.c.name == name)
        connection.execute(own.values(done_at=stored(now), content=None))


def forget(memory: Memory, name: str) -> None:
    """It may come again: nothing was done."""
    with memory.write() as connection:
        connection.execute(delete(_deliveries).where(_deliveries.c.name == name))


def adopt(memory: Memory, *, prefix: str, holder: str, now: datetime) -> list[Unfinished]:
    """What ended processes left unfinished of the deliveries whose names begin so, oldest first; it is `holder`'s to
    work on now. What nobody waits for any more is finished."""
    at = stored(now)
    query = select(_deliveries).where(_deliveries.c.done_at.is_(None), _deliveries.c.name.startswith(prefix))
    found = []
    with memory.read() as connection:
        open_ones = connection.execute(query.order_by(_deliveries.c.begun_at, _deliveries.c.name)).all()
    left = [
        row
        for row in open_ones
        if row.holder != holder and (leases.ended(row.holder) or row.begun_at <= at - _micros(STRANDED))
    ]
    if not left:
        return []
    with memory.write() as connection:
        for row in left:
            own = update(_deliveries).where(
                _deliveries.c.name == row.name, _deliveries.c.holder == row.holder, _deliveries.c.done_at.is_(None)
            )
            late = row.begun_at < at - _micros(WORTHWHILE)
            values = {"done_at": at, "content": None} if late else {"holder": holder, "begun_at": at}
            if connection.execute(own.values(values)).rowcount and not late:
                found.append(Unfinished(row.name, row.content or b""))
    return found


def done(memory: Memory, name: str) -> datetime | None:
    """When the work on it was finished; None where it was not, or is not known."""
    from lineside.memory.moments import moment

    with memory.read() as connection:
        at = connection.scalar(select(_deliveries.c.done_at).where(_deliveries.c.name == name))
    return None if at is None else moment(at)


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
