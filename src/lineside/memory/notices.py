"""What somebody need hear only once, across restarts, processes and faces."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from lineside.memory import tables
from lineside.memory.moments import stored
from lineside.memory.store import Memory

_notices = tables.notices


@dataclass(frozen=True, slots=True)
class News:
    """new: keys that this person was never told, or not since they were over. over: those told and no longer so."""

    new: tuple[str, ...] = ()
    over: tuple[str, ...] = ()


def tell_once(memory: Memory, person: str | None, kind: str, keys: Collection[str]) -> News:
    """Exactly these keys stand as told to the person afterwards; what that changes, for whoever shows it now.

    Two who ask at the same time get each key once between them.
    """
    news = _pending(memory, person, kind, keys)
    if not news.new and not news.over:
        return news  # most of the time: nobody waits for the only writer
    now, who = stored(memory.clock()), person or ""
    with memory.write() as connection:
        own = select(_notices.c.key, _notices.c.over_at).where(_notices.c.person == who, _notices.c.kind == kind)
        known = {row.key: row.over_at for row in connection.execute(own)}
        new = [key for key in dict.fromkeys(keys) if known.get(key, now) is not None]
        over = [key for key, since in known.items() if since is None and key not in set(keys)]
        mine = update(_notices).where(_notices.c.person == who, _notices.c.kind == kind)
        for key in new:
            if key in known:
                connection.execute(mine.where(_notices.c.key == key).values(told_at=now, over_at=None))
            else:
                connection.execute(insert(_notices).values(person=who, kind=kind, key=key, told_at=now))
        for key in over:
            connection.execute(mine.where(_notices.c.key == key).values(over_at=now))
    return News(tuple(new), tuple(sorted(over)))


def untold(memory: Memory, person: str, kind: str, keys: Collection[str]) -> tuple[str, ...]:
    """Those of the keys that this person was never told; nothing is kept."""
    return _pending(memory, person, kind, keys).new


def mark_told(memory: Memory, person: str, kind: str, keys: Collection[str]) -> int:
    """These keys stand as told to the person, and others as they did; how many are new."""
    if not untold(memory, person, kind, keys):
        return 0
    with memory.write() as connection:
        own = select(_notices.c.key).where(_notices.c.person == person, _notices.c.kind == kind)
        known = set(connection.scalars(own))
        new = [key for key in dict.fromkeys(keys) if key not in known]
        for key in new:
            row = {"person": person, "kind": kind, "key": key, "told_at": stored(memory.clock())}
            connection.execute(insert(_notices).values(row))
    return len(new)


def _pending(memory: Memory, person: str | None, kind: str, keys: Collection[str]) -> News:
    query = select(_notices.c.key, _notices.c.over_at)
    with memory.read() as connection:
        rows = connection.execute(query.where(_notices.c.person == (person or ""), _notices.c.kind == kind)).all()
    standing = {row.key for row in rows if row.over_at is None}
    return News(tuple(k for k in dict.fromkeys(keys) if k not in standing), tuple(sorted(standing - set(keys))))
