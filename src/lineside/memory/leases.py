"""Who reads a source: one process at a time, on whatever host. A killed one's lease runs out, at once where it can be
seen here that it is gone; every commit of what was read checks the lease inside its own transaction.

The database's clock rules, so that hosts need not agree about the time.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection
from pathlib import Path
from secrets import token_hex

from sqlalchemy import Connection, delete, func, insert, select, update

from lineside.errors import SourceTaken
from lineside.memory import tables

LEASE_S = 30.0
_WORDS = 5  # of a holder's name
_STARTED = 18  # the start among what /proc tells of a process, behind its state

_leases = tables.leases


def new_holder() -> str:
    """A name that nobody else has, and that tells an operator which process it is; one for each time of holding."""
    return f"{socket.gethostname()} process {os.getpid()} {_started(os.getpid())}@{_here()} {token_hex(4)}"


def take(connection: Connection, source: str, holder: str, lease_s: float) -> bool:
    """Whether the source is `holder`'s now, for `lease_s`: it was free, run out, theirs before, or of a process of this
    machine that ended."""
    now = _now(connection)
    before = connection.scalar(select(_leases.c.holder).where(_leases.c.source == source))
    if before is not None and ended(before):
        connection.execute(delete(_leases).where(_leases.c.source == source, _leases.c.holder == before))
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
        raise SourceTaken(
            f"{source} is read by {_called(found or 'nobody')} now, no longer by {_called(holder)}", source=source
        )


def release(connection: Connection, holders: Collection[str]) -> None:
    """Whoever comes next may read at once what they held."""
    connection.execute(delete(_leases).where(_leases.c.holder.in_(list(holders))))


def holding(connection: Connection, source: str) -> tuple[str, int] | None:
    """Who has the source, and until when by the database's clock, in microseconds; None where nobody does."""
    query = select(_leases.c.holder, _leases.c.until).where(
        _leases.c.source == source, _leases.c.until > _now(connection)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None or ended(row.holder) else (_called(row.holder), row.until)


def _called(holder: str) -> str:
    """The part of its name that tells an operator something."""
    return holder if len(holder.split()) < _WORDS else " ".join(holder.split()[:-2])


def ended(holder: str) -> bool:
    """Whether the holder is a process that was started where we run, and runs no more. Where that can't be told, as on
    another host, in another container or without Linux, it counts as running."""
    words = holder.split()
    if len(words) < _WORDS or not words[-3].isdecimal():
        return False
    started, _, place = words[-2].partition("@")
    return bool(place) and place == _here() and _started(int(words[-3])) != started


def _here() -> str:
    """This boot of this machine, and its numbering of processes; empty where there is no such thing."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _started(process: int) -> str:
    """When it was started, in ticks since boot, so that a number given out again is not taken for it; empty where it
    does not run."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *rest = told.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[_STARTED]


def _now(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":  # which is on this machine
        return time.time_ns() // 1000
    moved = select(func.floor(func.extract("epoch", func.clock_timestamp()) * 1_000_000))
    return int(connection.scalar(moved) or 0)
