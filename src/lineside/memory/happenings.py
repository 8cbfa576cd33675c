"""What happened to things, looked up in columns first: of very many events only those that are wanted are read."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, select

from lineside.memory import tables
from lineside.memory.conditions import unindexed
from lineside.memory.moments import moment, stored
from lineside.memory.picked import in_order, spoken
from lineside.memory.view import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Event, Quality, RecordType

_CHUNK = 500
_WIDER = 8  # times as many events are looked at where those of its parts hid those of a thing
_PARTS = (EntityKind.OPERATION, EntityKind.SALES_ORDER_LINE, EntityKind.INVENTORY)  # their wholes are found by them too
_records, _named = tables.records, tables.record_entities


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """That something happened to a thing, without what else the event tells."""

    record_id: str
    source: str
    source_id: str
    kind: str
    occurred_at: datetime
    reported_at: datetime
    quality: Quality


def newest_events(
    view: View, kinds: Sequence[str], things: Sequence[Entity], *, each: int
) -> dict[Entity, list[Event]]:
    """The newest events of these kinds about each of the things, newest first, at most so many of one."""
    wanted = _newest(view, kinds, things, each, ())
    records = view.records(dict.fromkeys(row.id for found in wanted.values() for row in found))
    return {
        thing: [record for row in found if isinstance(record := records.get(row.id), Event)]
        for thing, found in wanted.items()
    }


def newest_told(
    view: View, kinds: Sequence[str], things: Sequence[Entity], places: Sequence[str], *, each: int
) -> dict[Entity, list[tuple[datetime, list[Any]]]]:
    """When they happened and what they say at these places, as in `picked`: of what `newest_events` tells."""
    newest = _newest(view, kinds, things, each, (_records.c.occurred_at, spoken(places).label("said")))
    return {
        thing: [(moment(row.occurred_at), json.loads(row.said)) for row in found] for thing, found in newest.items()
    }


def newest_of_each(
    view: View, kinds: Sequence[str], things: Sequence[Entity], *, each: int
) -> dict[Entity, list[Happened]]:
    """That they happened: the newest events of these kinds about each of the things, newest first, at most so many of
    one. What happened to a part of a thing, such as an operation of a job order, did not happen to the thing."""
    row = _records.c
    shown = (row.source, row.source_id, row.kind, row.occurred_at, row.reported_at, row.quality)
    told: dict[Entity, list[Any]] = {}
    asked, most = sorted(set(things)), each
    while asked:
        newest = _newest(view, kinds, asked, most, shown)
        by_part = _naming_parts(view, {one.id for found in newest.values() for one in found})
        for thing, found in newest.items():
            told[thing] = [one for one in found if one.id not in by_part or thing in by_part[one.id]][:each]
        # Where all that was asked for was seen and too much of it befell the parts, there may be more before it.
        asked = [thing for thing in asked if len(newest.get(thing, ())) == most and len(told[thing]) < each]
        most *= _WIDER
    return {
        thing: [
            Happened(
                record_id=one.id,
                source=one.source,
                source_id=one.source_id,
                kind=one.kind,
                occurred_at=moment(one.occurred_at),
                reported_at=moment(one.reported_at),
                quality=Quality(one.quality),
            )
            for one in found
        ]
        for thing, found in told.items()
    }


def _naming_parts(view: View, ids: Collection[str]) -> dict[str, set[Entity]]:
    """What those of the events are about themselves that name a part of something."""
    wanted, found = sorted(ids), list[str]()
    with view.read() as connection:
        for start in range(0, len(wanted), _CHUNK):
            query = select(_named.c.record_id).where(_named.c.record_id.in_(wanted[start : start + _CHUNK]))
            found += connection.scalars(query.where(unindexed(_named.c.kind).in_(_PARTS)))
    return {one: set(record.entities()) for one, record in view.records(dict.fromkeys(found)).items()}


def _newest(
    view: View, kinds: Sequence[str], things: Sequence[Entity], each: int, shown: Sequence[ColumnElement[Any]]
) -> dict[Entity, list[Any]]:
    backwards = [column.desc() for column in in_order()]
    wanted: dict[Entity, list[Any]] = defaultdict(list)
    with view.read() as connection:
        for kind, group in groupby(sorted(set(things)), key=lambda thing: thing.kind):
            ids = [thing.id for thing in group]
            if kind == EntityKind.EQUIPMENT:
                # One by one, each from its newest on: a machine has more events than all that is made on it.
                for one in ids:
                    mine = select(_records.c.id, *shown).where(_records.c.equipment == one, view.sees())
                    mine = mine.where(unindexed(_records.c.type) == RecordType.EVENT.value)
                    mine = mine.where(unindexed(_records.c.kind).in_(list(kinds)))
                    mine = mine.where(_records.c.occurred_at <= stored(view.as_of))
                    wanted[Entity(kind, one)] = list(connection.execute(mine.order_by(*backwards).limit(each)))
                continue
            for start in range(0, len(ids), _CHUNK):
                query = select(_named.c.entity, _records.c.id, *shown)
                query = query.join(_records, _records.c.id == _named.c.record_id)
                query = query.where(_named.c.kind == kind, _named.c.entity.in_(ids[start : start + _CHUNK]))
                query = query.where(unindexed(_records.c.kind).in_(list(kinds)), view.sees())
                query = query.where(_records.c.occurred_at <= stored(view.as_of))
                for row in connection.execute(query.order_by(*backwards)).all():
                    found = wanted[Entity(kind, row.entity)]
                    if len(found) < each:
                        found.append(row)
    return wanted


def words_from(view: View, kind: str, name: str, first: str) -> list[Entity]:
    """What of the kind has a last word on the property that comes at or after `first` in the order of characters, as
    written times have it; whatever the time asked about."""
    word = tables.last_words.c
    query = select(word.entity).where(word.kind == kind, word.property == name, word.word >= first).distinct()
    with view.read() as connection:
        return [Entity(kind, each) for each in sorted(connection.scalars(query))]


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
        for row in connection.execute(query.where(_records.c.occurred_at <= stored(view.as_of))).all():
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
