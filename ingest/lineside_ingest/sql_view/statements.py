"""The statements that read a view, and what its values are in JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lineside.plant.records import Json
from lineside.plant.row_values import Notation, number
from lineside_ingest.sql_view.cursor import Position

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Select

CURSOR = "lineside_cursor"
_PLAIN = Notation(time_zone=UTC)


def probe(table: str, sql: str, columns: Sequence[str]) -> Select[Any]:
    """No row at all: what it costs nothing to ask, and shows the view's columns."""
    import sqlalchemy

    view, _ = _view(table, sql, columns)
    return sqlalchemy.select(sqlalchemy.literal_column("v.*")).select_from(view).where(sqlalchemy.false())


def reads(table: str, sql: str, columns: Sequence[str], low: Position | None) -> list[Select[Any]]:
    """What reads the view from `low` on, in the order of its cursor; first the rows whose cursor is null.

    The cursor is one more column, named CURSOR; a view without one is read whole.
    """
    import sqlalchemy

    view, cursor = _view(table, sql, columns)
    everything: Any = sqlalchemy.select(sqlalchemy.literal_column("v.*")).select_from(view)
    if cursor is None:
        return [everything]
    mark = cursor.label(CURSOR)
    select = sqlalchemy.select(sqlalchemy.literal_column("v.*"), mark).select_from(view)
    bound: Any = int(low) if isinstance(low, Decimal) and low == low.to_integral_value() else low
    later = cursor.is_not(None) if low is None else cursor >= bound
    return [select.where(cursor.is_(None)), select.where(later).order_by(mark)]


def keys(table: str, sql: str, columns: Sequence[str], key: Sequence[str]) -> Select[Any]:
    """The key columns of every row."""
    import sqlalchemy

    view, _ = _view(table, sql, columns, more=key)
    return sqlalchemy.select(*(view.c[name] for name in key)).select_from(view)


def as_json(value: object) -> Json:
    """A column's value without loss: decimals exact, times in ISO, bytes in base64, what is no number as text."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return number(str(value), _PLAIN) if value.is_finite() and abs(value.adjusted()) <= 300 else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID():
            return str(value)
        case bytes() | memoryview() | bytearray():
            return base64.b64encode(bytes(value)).decode()
        case dict():
            return {str(key): as_json(each) for key, each in value.items()}
        case list() | tuple() | set():
            return [as_json(each) for each in value]
    return str(value)


def exact(text: str | bytes) -> Json:
    """A JSON column's value with its numbers as they stand."""
    return as_json(json.loads(text, parse_float=Decimal))


def _view(
    table: str, sql: str, columns: Sequence[str], *, more: Sequence[str] = ()
) -> tuple[FromClause, ColumnElement[Any] | None]:
    """The view under the name `v`, and its cursor: the first of `columns` that is not null."""
    import sqlalchemy

    view: FromClause
    named: list[Any] = [sqlalchemy.column(name) for name in dict.fromkeys((*columns, *more))]
    if sql:
        plain = sql.strip().rstrip(";").replace(":", "\\:")  # a colon of theirs is no parameter of ours
        view = sqlalchemy.text(plain).columns(*named).subquery("v")
    else:
        schema, _, name = table.rpartition(".")
        view = sqlalchemy.table(name, *named, schema=schema or None).alias("v")
    parts = [view.c[name] for name in columns]
    if not parts:
        return view, None
    return view, parts[0] if len(parts) == 1 else sqlalchemy.func.coalesce(*parts)
