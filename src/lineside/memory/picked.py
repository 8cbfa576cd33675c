"""Events in columns: of very many, only what is needed of each is read, and the same words are decoded once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from lineside.memory import tables
from lineside.memory.conditions import among, at_or_below, in_window, unindexed
from lineside.memory.moments import moment, stored
from lineside.memory.view import View
from lineside.plant.records import RecordType
from lineside.plant.windows import Window

_records = tables.records


class _Picked(GenericFunction[str]):
    """What stands at some places of a JSON text, as a JSON list: null where nothing does. Names need no quoting."""

    inherit_cache = True


@compiles(_Picked, "sqlite")
def _picked_in_sqlite(element: Any, compiler: Any, **asked: Any) -> str:
    body, *paths = element.clauses
    places = [f"'$.{path.name}'" for path in paths]
    asked_for = ", ".join(places if len(places) > 1 else places * 2)  # of one place alone SQLite makes no list
    return f"json_extract({compiler.process(body, **asked)}, {asked_for})"


@compiles(_Picked, "postgresql")
def _picked_in_postgresql(element: Any, compiler: Any, **asked: Any) -> str:
    body, *paths = element.clauses
    json = f"CAST({compiler.process(body, **asked)} AS JSON)"
    keys = ["{" + path.name.replace(".", ",") + "}" for path in paths]
    return f"CAST(json_build_array({', '.join(f'{json} #> {key!r}' for key in keys)}) AS TEXT)"


def picked(
    view: View,
    kinds: Sequence[str],
    places: Sequence[str],
    *,
    equipment: str | None = None,
    within: Window | None = None,
    ordered: bool = False,
) -> list[tuple[str, str, str, str | None, int, str, str]]:
    """Of each event of these kinds its id, kind, source, equipment, the microsecond and quality, and what it says at
    these places (such as `text` or `attributes.reason`) as a JSON list; in no order, or in that of `View.events`.

    equipment, within: as in `View.events`.
    """
    row = _records.c
    shown = (row.id, row.kind, row.source, row.equipment, row.occurred_at, row.quality)
    query = _chosen(view, select(*shown, spoken(places)), kinds, equipment=equipment, within=within)
    if ordered:
        query = query.order_by(*in_order())
    with view.read() as connection:
        return [tuple(each) for each in connection.execute(query).all()]


def in_order() -> list[ColumnElement[Any]]:
    """The order of `View.events`."""
    row = _records.c
    told = (row.occurred_at, row.reported_at, row.source, func.length(row.source_id), row.source_id, row.part)
    return list(told)


def spoken(places: Sequence[str]) -> Any:
    """What an event says at these places, as a column that holds a JSON list."""
    return _Picked(_records.c.body, *(literal_column(place) for place in places))


def _chosen(
    view: View, query: Select[Any], kinds: Sequence[str], *, equipment: str | None = None, within: Window | None = None
) -> Select[Any]:
    """The query, over the events of these kinds that the view sees: as in `View.events`."""
    query = query.where(view.sees(), unindexed(_records.c.type) == RecordType.EVENT.value)
    query = query.where(_records.c.kind.in_(list(kinds)))
    if equipment is not None:
        query = query.where(at_or_below(equipment))
    if within is None:
        return query.where(_records.c.occurred_at <= stored(view.as_of))
    return query.where(*in_window(_records.c.occurred_at, within))


def alike(
    view: View, kinds: Sequence[str], places: Sequence[str], *, without_equipment: Sequence[str] = ()
) -> list[tuple[str, str | None, str, str, int]]:
    """How many events of these kinds there are of one kind, equipment and quality that say the same at these places, a
    JSON list; of those without equipment that say the same at those places too, which come last."""
    row = _records.c
    said = case((row.equipment.is_(None), spoken((*places, *without_equipment))), else_=spoken(places)).label("said")
    query = _chosen(view, select(row.kind, row.equipment, row.quality, said, func.count()), kinds)
    with view.read() as connection:
        rows = connection.execute(query.group_by(row.kind, row.equipment, row.quality, "said")).all()
    return [(kind, equipment, quality, words, number) for kind, equipment, quality, words, number in rows]


def first_named(view: View, place: str, equipment: str, within: Window) -> dict[str, datetime]:
    """What the events at the equipment and below it name at this place, such as `job_order`, and when first."""
    named = spoken((place,)).label("named")
    query = select(named, func.min(_records.c.occurred_at)).where(view.sees(), at_or_below(equipment))
    query = query.where(_records.c.type == RecordType.EVENT.value, *in_window(_records.c.occurred_at, within))
    with view.read() as connection:
        rows = connection.execute(query.group_by("named")).all()
    return {str(name): moment(at) for said, at in rows if (name := json.loads(said)[0])}


def places_of(view: View, kinds: Sequence[str]) -> list[str]:
    """The equipment of all events of these kinds, whatever the time asked about and the reader."""
    query = select(_records.c.equipment).where(_records.c.kind.in_(list(kinds)), _records.c.equipment.is_not(None))
    with view.read() as connection:
        return sorted(connection.scalars(query.distinct()).all())


def sources_of(view: View, ids: Iterable[str]) -> set[str]:
    """Which sources told those of the records that the view sees."""
    query = select(_records.c.source).where(among(_records.c.id, sorted(set(ids))), view.sees())
    with view.read() as connection:
        return set(connection.scalars(query.distinct()))


def acted(
    view: View,
    kinds: Sequence[str],
    at: tuple[str, str],
    within: Window,
    *,
    bare: Sequence[str],
    fields: Sequence[str],
) -> list[Any]:
    """The id, time and equipment of the events of these kinds at the place, below it and above it up to the line.

    at: the place and its line. bare: kinds of which only those events count that name one of these fields, in any case
    of its letters; others may be among them.
    """
    place, line = at
    row, steps = _records.c, place.split("/")
    above = ["/".join(steps[:depth]) for depth in range(line.count("/") + 1, len(steps))]
    spelled = or_(*(func.lower(row.body).contains(name, autoescape=True) for name in fields))
    query = _chosen(view, select(row.id, row.occurred_at, row.equipment), kinds, within=within)
    query = query.where(or_(at_or_below(place), row.equipment.in_(above)))
    with view.read() as connection:
        return list(connection.execute(query.where(or_(row.kind.not_in(list(bare)), spelled))))


def noted(view: View, within: Window) -> list[Any]:
    """The id, time and equipment of every note of that time."""
    row = _records.c
    query = select(row.id, row.occurred_at, row.equipment).where(view.sees(), row.type == RecordType.NOTE.value)
    with view.read() as connection:
        return list(connection.execute(query.where(*in_window(row.occurred_at, within))))
