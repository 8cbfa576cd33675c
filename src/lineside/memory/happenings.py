"""What happened to things, looked up in columns first: of very many events only those that are wanted are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import func, select

from lineside.memory import tables
from lineside.memory.conditions import unindexed
from lineside.memory.moments import stored
from lineside.memory.view import View
from lineside.plant.entities import Entity
from lineside.plant.records import Event

_CHUNK = 500
_records, _named = tables.records, tables.record_entities


def newest_events(
    view: View, kinds: Sequence[str], things: Sequence[Entity], *, each: int
) -> dict[Entity, list[Event]]:
    """The newest events of these kinds about each of the things, newest first, at most so many of one."""
    order = (_records.c.occurred_at, _records.c.reported_at, _records.c.source, func.length(_records.c.source_id))
    backwards = [column.desc() for column in (*order, _records.c.source_id, _records.c.part)]
    wanted: dict[Entity, list[str]] = defaultdict(list)
    with view.read() as connection:
        for kind, group in groupby(sorted(set(things)), key=lambda thing: thing.kind):
            ids = [thing.id for thing in group]
            for start in range(0, len(ids), _CHUNK):
                query = select(_named.c.entity, _records.c.id).join(_records, _records.c.id == _named.c.record_id)
                query = query.where(_named.c.kind == kind, _named.c.entity.in_(ids[start : start + _CHUNK]))
                query = query.where(unindexed(_records.c.kind).in_(list(kinds)), view.sees())
                query = query.where(_records.c.occurred_at <= stored(view.as_of))
                for row in connection.execute(query.order_by(*backwards)):
                    found = wanted[Entity(kind, row.entity)]
                    if len(found) < each:
                        found.append(row.id)
    records = view.records(dict.fromkeys(one for found in wanted.values() for one in found))
    return {
        thing: [record for one in found if isinstance(record := records.get(one), Event)]
        for thing, found in wanted.items()
    }


def unended(
    view: View, kind: str, endings: Sequence[str], *, called: str, about: Sequence[str], before: datetime
) -> list[Event]:
    """The events of the kind before that time that none of `endings` followed by `as_of`, oldest first.

    An ending is of the same thing of the kind `called` or, where the event names none, about the same thing of the
    kinds `about`.
    """
    shown = (_records.c.id, _records.c.kind, _records.c.occurred_at, _named.c.kind.label("of"), _named.c.entity)
    query = select(*shown).join(_named, _named.c.record_id == _records.c.id, isouter=True)
    query = query.where(view.sees(), _records.c.kind.in_([kind, *endings]))
    things: dict[tuple[str, str, int], set[Entity]] = {}
    with view.read() as connection:
        for row in connection.execute(query.where(_records.c.occurred_at <= stored(view.as_of))):
            named = things.setdefault((row.id, row.kind, row.occurred_at), set())
            if row.of in (called, *about):
                named.add(Entity(row.of, row.entity))
    last: dict[Entity, int] = {}
    for (_, of, when), named in things.items():
        if of in endings:
            last |= {each: max(when, last.get(each, when)) for each in named}
    open_ids = []
    for (record_id, of, when), named in things.items():
        by = {each for each in named if each.kind == called} or named
        if of == kind and when < stored(before) and not any(last.get(each, -1) >= when for each in by):
            open_ids.append(record_id)
    found = [record for record in view.records(open_ids).values() if isinstance(record, Event)]
    return sorted(found, key=lambda event: (event.provenance.occurred_at, event.provenance.record_id))
