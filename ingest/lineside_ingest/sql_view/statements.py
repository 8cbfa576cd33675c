"""The statements that read a view."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lineside_ingest.sql_view.cursor import Position

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Select

CURSOR = "lineside_cursor"


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
