"""Who reads a source: one process at a time, on whatever host. A killed one's lease runs out; every commit of what was
read checks it inside its own transaction.

The database's clock rules, so that hosts need not agree about the time.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection
from secrets import token_hex

from sqlalchemy import Connection, delete, func, insert, select, update

from lineside.errors import SourceTaken
from lineside.memory import tables

LEASE_S = 30.0

_leases = tables.leases


def new_holder() -> str:
    """A name that nobody else has, and that tells an operator which process it is; one for each time of holding."""
    return f"{socket.gethostname()} process {os.getpid()} {token_hex(4)}"


def take(connection: Connection, source: str, holder: str, lease_s: float) -> bool:
    """Whether the source is `holder`'s now, for `lease_s`: it was free, run out, or theirs before."""
    now = _now(connection)
    free = update(_leases).where(_leases.c.source == source, (_leases.c.holder == holder) | (_leases.c.until <= now))
    until = now + round(lease_s * 1_000_000)
    if connection.execute(free.values(holder=holder, until=until)).rowcount:
        return True
    if connection.scalar(select(_leases.c.holder).where(_leases.c.source == source)) is not None:
        return False
    connection.execute(insert(_leases).values(source=source, holder=holder, until=until))
    return True


def renew(connection: Connection, holders: Collection[str], lease_s: float) -> set[str]:
    """Those of them that still hold what they held, for `lease_s` more."""
    until = _now(connection) + round(lease_s * 1_000_000)
    theirs = update(_leases).where(_leases.c.holder.in_(list(holders))).values(until=until)
    return set(connection.scalars(theirs.returning(_leases.c.holder)))


def require(connection: Connection, source: str, holder: str) -> None:
    """The source is `holder`'s as long as this transaction lasts. Raises SourceTaken."""
    found = connection.scalar(select(_leases.c.holder).where(_leases.c.source == source))
    if found != holder:
        raise SourceTaken(f"{source} is read by {found or 'nobody'} now, no longer by {holder}", source=source)


def release(connection: Connection, holders: Collection[str]) -> None:
    """Whoever comes next may read at once what they held."""
    connection.execute(delete(_leases).where(_leases.c.holder.in_(list(holders))))


def holding(connection: Connection, source: str) -> tuple[str, int] | None:
    """Who has the source, and until when by the database's clock, in microseconds; None where nobody does."""
    query = select(_leases.c.holder, _leases.c.until).where(
        _leases.c.source == source, _leases.c.until > _now(connection)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.holder, row.until)


def _now(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":  # which is on this machine
        return time.time_ns() // 1000
    moved = select(func.floor(func.extract("epoch", func.clock_timestamp()) * 1_000_000))
    return int(connection.scalar(moved) or 0)
