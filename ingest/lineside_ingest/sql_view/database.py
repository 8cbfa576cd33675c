"""A database that is only read. SQLAlchemy is imported when it is opened, not before."""

from __future__ import annotations

import base64
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lineside.errors import BadSettings, MissingExtra, SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside.plant.row_values import Notation, number
from lineside_ingest.sql_view.cursor import Position

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine, FromClause

_PLAIN = Notation(time_zone=UTC)
_REFUSALS = (
    "password", "authentication", "access denied", "permission denied", "login failed", "not permitted",
    "no such table", "no such column", "does not exist", "unknown column", "unknown database", "doesn't exist",
    "invalid object name", "syntax error", "readonly",
)  # fmt: skip


class Database:
    """Opened for one read and closed after it: an idle connection to a foreign system helps nobody."""

    def __init__(self, url: str, *, source: str) -> None:
        self._url = url
        self._source = source

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One read-only transaction that sees one state of the database, where the database can do that.

        Raises SourceUnavailable or SourceRefused, also for what goes wrong inside.
        """
        from sqlalchemy.exc import DBAPIError

        engine = self._engine()
        try:
            with engine.connect() as connection:
                try:
                    yield connection
                finally:
                    connection.rollback()
        except DBAPIError as error:
            raise _failed(error, self._source) from error
        finally:
            engine.dispose()

    def _engine(self) -> Engine:
        import sqlalchemy
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError

        try:
            url = sqlalchemy.make_url(self._url)
            if url.get_backend_name() == "sqlite":
                return _sqlite(url, self._source)
            options: dict[str, Any] = {"poolclass": sqlalchemy.NullPool}
            if url.get_backend_name() in {"postgresql", "mysql", "mariadb"}:
                options["isolation_level"] = "REPEATABLE READ"
            engine = sqlalchemy.create_engine(url, **options)
        except (ArgumentError, NoSuchModuleError) as error:
            raise BadSettings(f"source {self._source}: option url: {error}", source=self._source) from error
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"source {self._source}: the driver {error.name!r} is not installed; pip install it beside lineside",
                driver=error.name,
            ) from error
        if engine.dialect.name == "postgresql":
            return engine.execution_options(postgresql_readonly=True)
        return engine


def rows(
    connection: Connection, view: FromClause, *, cursor: ColumnElement[Any] | None, low: Position | None, size: int
) -> Generator[tuple[dict[str, Any], Any], None, None]:
    """(row, cursor value) from `low` on in the cursor's order; first the rows whose cursor is null."""
    import sqlalchemy

    probe: Any = sqlalchemy.select(sqlalchemy.literal_column("*")).select_from(view).where(sqlalchemy.false())
    connection.execute(probe).close()  # a query that fails as a server-side cursor would leave that open
    stream = connection.execution_options(stream_results=True, yield_per=size)
    if cursor is None:
        everything: Any = sqlalchemy.select(sqlalchemy.literal_column("*")).select_from(view)
        with stream.execute(everything) as result:
            for row in result.mappings():
                yield dict(row), None
        return
    mark = cursor.label("lineside_cursor")
    select = sqlalchemy.select(sqlalchemy.literal_column("v.*"), mark).select_from(view)
    bound: Any = int(low) if isinstance(low, Decimal) and low == low.to_integral_value() else low
    later = cursor.is_not(None) if low is None else cursor >= bound
    for query in (select.where(cursor.is_(None)), select.where(later).order_by(mark)):
        with stream.execute(query) as result:
            for row in result.mappings():
                values = dict(row)
                yield values, values.pop("lineside_cursor")


def as_json(value: object) -> Json:
    """A column's value without loss: decimals exact, times in ISO, bytes in base64."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return number(str(value), _PLAIN) if value.is_finite() else str(value)
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


def from_clause(table: str, sql: str, columns: Sequence[str]) -> tuple[FromClause, ColumnElement[Any] | None]:
    """The view under the name `v`, and its cursor: the first of `columns` that is not null."""
    import sqlalchemy

    view: FromClause
    named: list[Any] = [sqlalchemy.column(name) for name in columns]
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


def _sqlite(url: Any, source: str) -> Engine:  # sqlalchemy.URL
    """SQLite opened with mode=ro, which reads what stands in the write-ahead log too."""
    import sqlite3

    import sqlalchemy

    path = Path(url.database or "")
    if not path.is_file():
        raise SourceUnavailable(f"source {source}: the database file {path} is not there", path=str(path))

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10, check_same_thread=False, isolation_level=None
        )

    engine = sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=sqlalchemy.NullPool)

    @sqlalchemy.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")  # one snapshot for the whole read; the driver would begin only for writes

    return engine


def _failed(error: Exception, source: str) -> SourceUnavailable | SourceRefused:
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    if any(word in reason.lower() for word in _REFUSALS):
        return SourceRefused(f"source {source}: the database refuses: {reason}")
    return SourceUnavailable(f"source {source}: the database can't be read: {reason}")
