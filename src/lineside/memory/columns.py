"""All that reports and events of a stretch of time hold, as columns: to look at every feed at once."""

from __future__ import annotations

import json
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from lineside.memory import tables
from lineside.memory.conditions import in_window
from lineside.memory.moments import moment, stored
from lineside.memory.view import View
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
    values: dict[str, Json] = {}
    times: dict[int, datetime] = {}
    found = []
    with view.read() as connection:
        for row in connection.execute(query):
            record_id, source, kind, entity, name, scope, text, when = row
            if text not in values:
                values[text] = json.loads(text)
            if when not in times:
                times[when] = moment(when)
            found.append(Said(record_id, source, kind, entity, name, scope or "", values[text], times[when]))
    return sorted(found, key=lambda each: (each.at, each.source, each.entity, each.property, each.record_id))


def happened_within(view: View, within: Window) -> list[Happened]:
    """The events of that time that the view sees, in the same way."""
    query = (
        select(_records.c.id, _records.c.source, _records.c.kind, _records.c.occurred_at)
        .where(view.sees(), _records.c.type == RecordType.EVENT.value)
        .where(*in_window(_records.c.occurred_at, within), _records.c.occurred_at <= stored(view.as_of))
    )
    with view.read() as connection:
        found = [Happened(row.id, row.source, row.kind, moment(row.occurred_at)) for row in connection.execute(query)]
    return sorted(found, key=lambda each: (each.at, each.source, each.kind, each.record_id))


def flows(view: View, within: Window) -> list[Flow]:
    """What each source delivered in that time, by source, kind and property, with its last record."""
    found: dict[tuple[str, str, str], tuple[int, datetime, str]] = {}
    told = [((s.source, s.kind, s.property), s.at, s.record_id) for s in said_within(view, within)]
    told += [((h.source, "event", h.kind), h.at, h.record_id) for h in happened_within(view, within)]
    for key, when, record_id in told:
        times, last, newest = found.get(key, (0, when, record_id))
        found[key] = (times + 1, *max((last, newest), (when, record_id)))
    return [Flow(*key, *counted) for key, counted in sorted(found.items())]
