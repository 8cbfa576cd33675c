"""All that reports and events of a stretch of time hold, as columns: to look at every feed at once."""

from __future__ import annotations

import json
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import select

from lineside.memory import tables
from lineside.memory.conditions import in_window, unindexed
from lineside.memory.moments import moment, stored
from lineside.memory.view import View
from lineside.plant.entities import EntityKind
from lineside.plant.records import Json, RecordType
from lineside.plant.windows import Window

_records, _said = tables.records, tables.statements


class Said(NamedTuple):
    """One property in one report."""

    record_id: str
    source: str
    kind: str
    entity: str
    property: str
    scope: str
    value: Json
    at: datetime


class Happened(NamedTuple):
    """One event."""

    record_id: str
    source: str
    kind: str
    at: datetime


class Flow(NamedTuple):
    """What a source says of a property of a kind, or an event kind (of `event`): how often, when last."""

    source: str
    kind: str
    property: str
    times: int
    last: datetime
    record_id: str


def said_within(view: View, within: Window) -> list[Said]:
    """What the view sees of the reports about that time, in an order that the order of arrival does not change."""
    shown = (_said.c.record_id, _said.c.source, _said.c.kind, _said.c.entity, _said.c.property, _said.c.scope)
    query = (
        select(*shown, _said.c.value, _said.c.occurred_at)
        .join(_records, _records.c.id == _said.c.record_id)
        .where(view.sees(), _records.c.type == RecordType.REPORT.value)
        .where(*in_window(_records.c.occurred_at, within), _records.c.occurred_at <= stored(view.as_of))
    )
    with view.read() as connection:
        rows = sorted(connection.execute(query).all(), key=itemgetter(7, 1, 3, 4, 0))
    values: dict[str, Json] = {text: json.loads(text) for text in {row[6] for row in rows}}
    times = {when: moment(when) for when in {row[7] for row in rows}}
    return [
        Said(record_id, source, kind, entity, name, scope or "", values[text], times[when])
        for record_id, source, kind, entity, name, scope, text, when in rows
    ]


def happened_within(view: View, within: Window) -> list[Happened]:
    """The events of that time that the view sees, in the same way."""
    query = (
        select(_records.c.id, _records.c.source, _records.c.kind, _records.c.occurred_at)
        .where(view.sees(), _records.c.type == RecordType.EVENT.value)
        .where(*in_window(_records.c.occurred_at, within), _records.c.occurred_at <= stored(view.as_of))
    )
    with view.read() as connection:
        rows = sorted(connection.execute(query).all(), key=itemgetter(3, 1, 2, 0))
    return [Happened(record_id, source, kind, moment(when)) for record_id, source, kind, when in rows]


def places_within(view: View, within: Window) -> set[str]:
    """The equipment at which the view sees events of that time, or that reports of that time are about."""
    happened = select(_records.c.equipment).where(view.sees(), _records.c.type == RecordType.EVENT.value)
    happened = happened.where(*in_window(_records.c.occurred_at, within), _records.c.equipment.is_not(None))
    told = select(_said.c.entity).join(_records, _records.c.id == _said.c.record_id).where(view.sees())
    told = told.where(unindexed(_said.c.kind) == EntityKind.EQUIPMENT.value)
    told = told.where(*in_window(_records.c.occurred_at, within), _records.c.type == RecordType.REPORT.value)
    with view.read() as connection:
        return {*connection.scalars(happened.distinct()).all(), *connection.scalars(told.distinct()).all()}


def flows(view: View, within: Window) -> list[Flow]:
    """What each source delivered in that time, by source, kind and property, with its last record."""
    found: dict[tuple[str, str, str], tuple[int, datetime, str]] = {}
    told = [((s.source, s.kind, s.property), s.at, s.record_id) for s in said_within(view, within)]
    told += [((h.source, "event", h.kind), h.at, h.record_id) for h in happened_within(view, within)]
    for key, when, record_id in told:
        times, last, newest = found.get(key, (0, when, record_id))
        found[key] = (times + 1, *max((last, newest), (when, record_id)))
    return [Flow(*key, *counted) for key, counted in sorted(found.items())]
