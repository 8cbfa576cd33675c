"""The conditions that views put on the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, union
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from lineside.memory import tables
from lineside.memory.moments import stored
from lineside.memory.tokens import looks_like_id, words_in
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import RecordType
from lineside.plant.windows import Window

_FEW = 2000
TAKING_BACK = (RecordType.CORRECTION.value, RecordType.DELETION.value)

_records, _said = tables.records, tables.statements


def known(table: Any, as_of: int) -> ColumnElement[bool]:
    """Reported by then and not taken back by then."""
    stands = or_(table.c.retracted_at.is_(None), table.c.retracted_at > as_of)
    return and_(table.c.reported_at <= as_of, stands)


def in_window(column: ColumnElement[int], window: Window | None) -> Iterable[ColumnElement[bool]]:
    """In the half-open window; without one there is no condition."""
    if window is not None:
        yield column >= stored(window.start)
        yield column < stored(window.end)


def of_source(source: str, source_id: str) -> ColumnElement[bool]:
    """The condition on `records` that the source calls them so. Found by themselves: beside a time of report, the
    database would go through all that the source ever said."""
    called = select(_records.c.id).where(_records.c.source == source, _records.c.source_id == source_id)
    return _records.c.id.in_(called)


def reported_within(window: Window) -> ColumnElement[bool]:
    """The condition on `statements` that their reports are of the half-open window: by time alone only records have an
    index."""
    reports = select(_records.c.id).where(_records.c.type == RecordType.REPORT.value)
    return _said.c.record_id.in_(reports.where(*in_window(_records.c.occurred_at, window)))


def statement_order() -> tuple[ColumnElement[Any], ...]:
    """By the time it is about, then by when it was said, then as the source counts its ids."""
    last = (func.length(_said.c.source_id), _said.c.source_id, _said.c.record_id, _said.c.property)
    return (_said.c.occurred_at, _said.c.reported_at, *last)


def newest(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Of the statements that fit the conditions, those about the last time that each source spoke of each property in
    each scope, in the store's order: of several about that time the last stands."""
    what = (_said.c.kind, _said.c.entity, _said.c.property, _said.c.source, _said.c.scope)
    last = select(*what, func.max(_said.c.occurred_at).label("last")).where(*conditions).group_by(*what).subquery()
    same = [column.is_not_distinct_from(last.c[column.name]) for column in what]
    query = select(_said).join(last, and_(*same, _said.c.occurred_at == last.c.last))
    return query.where(*conditions).order_by(*statement_order())


def at_or_below(path: str) -> ColumnElement[bool]:
    """The condition on `records` that they are at the path or below it.

    `0` is the sign after `/`: a range, where LIKE would trip over `_` and skip the index.
    """
    below = and_(_records.c.equipment >= f"{path}/", _records.c.equipment < f"{path}0")
    return or_(_records.c.equipment == path, below)


def is_about(connection: Connection, entity: Entity) -> ColumnElement[bool]:
    """The condition on `records` that the entity is a subject of theirs.

    By what the index of entities finds: with EXISTS the database would ask it of every record.
    """
    named = tables.record_entities
    return _among(connection, select(named.c.record_id).where(named.c.kind == entity.kind, named.c.entity == entity.id))


def names(connection: Connection, entity: Entity) -> ColumnElement[bool]:
    """As a union of what the indexes find: with OR between them the database would look at every record."""
    word, named = tables.record_words, tables.record_entities
    found = [
        select(word.c.record_id).where(word.c.word == entity.id.casefold()),
        select(named.c.record_id).where(named.c.kind == entity.kind, named.c.entity == entity.id),
    ]
    if not looks_like_id(entity.id):  # a plain word or several: only what people wrote is searched for those
        spelled = f" {' '.join(words_in(entity.id))} "
        written = tables.passages.c.words.contains(spelled, autoescape=True)
        found.append(select(tables.passages.c.record_id).where(written))
    if entity.kind == EntityKind.EQUIPMENT:
        found.append(select(_records.c.id).where(at_or_below(entity.id)))
    return _among(connection, union(*found))


def _among(connection: Connection, found: Any) -> ColumnElement[bool]:
    """Few ids are looked up first, since the database can't tell that they are few."""
    ids = list(connection.scalars(found.limit(_FEW)))
    return _records.c.id.in_(ids) if len(ids) < _FEW else _records.c.id.in_(found)


class _EachOf(GenericFunction[str]):
    """The strings of a list that is handed over as JSON, a row each."""

    inherit_cache = True


@compiles(_EachOf, "sqlite")
def _each_in_sqlite(element: Any, compiler: Any, **asked: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **asked)})"


@compiles(_EachOf, "postgresql")
def _each_in_postgresql(element: Any, compiler: Any, **asked: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **asked)} AS JSON))"


def among(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """It is one of the values, however many they are: as one parameter they are neither counted nor written out."""
    each = _EachOf(json.dumps(list(values), ensure_ascii=False)).table_valued("value")
    return column.in_(select(each.c.value))


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same, but no index on it is used: where ids are known, the database would go through a whole type instead."""
    return column.concat("")
