"""A database that is only read. SQLAlchemy is imported when it is opened, not before."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineside.connector.sql_values import load_exactly
from lineside.errors import BadSettings, MissingExtra, SourceRefused, SourceUnavailable
from lineside_ingest.sql_view.dialects import DIALECTS, EXTRAS, Dialect
from lineside_ingest.sql_view.statements import CURSOR

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, Select

_CODE = re.compile(r"(?=.*[0-9])[0-9A-Z]{1,6}")
# Where a driver tells no code; PostgreSQL sends none with a login that it refuses.
_REFUSALS = (
    "password", "authentication", "access denied", "permission denied", "login failed", "not permitted", "pg_hba.conf",
    "no such table", "no such column", "does not exist", "no such view", "syntax error", "readonly",
)  # fmt: skip


class Database:
    """Opened for one read and closed after it: an idle connection to a foreign system helps nobody."""

    def __init__(self, url: str, *, source: str, timeout_s: float) -> None:
        self._url = url
        self._source = source
        self._limit = {"s": max(1, round(timeout_s)), "ms": max(1, round(timeout_s * 1000))}

    @contextmanager
    def opened(self) -> Iterator[Session]:
        """One connection. Raises SourceUnavailable or SourceRefused: it can't be had, or is lost."""
        from sqlalchemy.exc import DBAPIError

        engine, dialect = self._engine()
        try:
            with engine.connect() as connection:
                yield Session(connection, dialect, self._limit, self.failed, path=engine.url.database or "")
        except DBAPIError as error:
            raise self.failed(error, dialect) from error
        finally:
            engine.dispose()

    def failed(self, error: Exception, dialect: Dialect) -> SourceUnavailable | SourceRefused:
        """What the driver's error means to who reads."""
        cause = getattr(error, "orig", None) or error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        codes = _codes(cause)
        if codes & dialect.refusals or (not codes and any(word in reason.lower() for word in _REFUSALS)):
            return SourceRefused(f"source {self._source}: the database refuses: {reason}")
        return SourceUnavailable(f"source {self._source}: the database can't be read: {reason}")

    def _engine(self) -> tuple[Engine, Dialect]:
        import sqlalchemy
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError

        try:
            url = sqlalchemy.make_url(self._url)
            backend = url.get_backend_name()
            dialect = DIALECTS.get(backend)
            if dialect is None:
                known = ", ".join(DIALECTS)
                raise ArgumentError(f"{backend} is no database that can be read here; there are: {known}")
            if backend == "sqlite":
                return self._sqlite(url), dialect
            if "+" not in url.drivername:
                url = url.set(drivername=f"{backend}+{dialect.driver}")
            engine = sqlalchemy.create_engine(
                url, poolclass=sqlalchemy.NullPool, connect_args=self._arguments(dialect, url), **dialect.engine
            )
        except (ArgumentError, NoSuchModuleError) as error:
            raise BadSettings(f"source {self._source}: option url: {error}", source=self._source) from error
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"source {self._source}: the driver {error.name!r} is not installed;"
                f" pip install 'lineside[{EXTRAS[backend]}]'",
                driver=error.name,
            ) from error
        if backend == "postgresql":
            engine = engine.execution_options(postgresql_readonly=True)
        if engine.dialect.driver == "psycopg":
            sqlalchemy.event.listens_for(engine, "connect")(_reads_every_time)
            sqlalchemy.event.listens_for(engine, "handle_error")(_close_cursor)
        if backend == "oracle":
            sqlalchemy.event.listens_for(engine, "connect")(self._limit_calls)
        return engine, dialect

    def _arguments(self, dialect: Dialect, url: URL) -> dict[str, Any]:
        """The driver's time limits; those of another driver than the usual one are its own affair."""
        if not url.drivername.endswith(f"+{dialect.driver}"):
            return {}
        told = {name: value.format(**self._limit) for name, value in dialect.connect.items()}
        return {name: value == "true" or int(value) for name, value in told.items()}

    def _limit_calls(self, connection: Any, _: object) -> None:  # oracledb's
        connection.call_timeout = self._limit["ms"]

    def _sqlite(self, url: URL) -> Engine:
        """SQLite opened with mode=ro, which reads what stands in the write-ahead log too."""
        import sqlite3

        import sqlalchemy

        path = Path(url.database or "")
        if not path.is_file():
            raise SourceUnavailable(f"source {self._source}: the database file {path} is not there", path=str(path))

        def connect() -> sqlite3.Connection:
            address = f"{path.absolute().as_uri()}?mode=ro"
            return sqlite3.connect(
                address, uri=True, timeout=self._limit["s"], check_same_thread=False, isolation_level=None
            )

        return sqlalchemy.create_engine(url, creator=connect, poolclass=sqlalchemy.NullPool)


class Session:
    """A connection in which each read is a transaction that writes nothing."""

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        limit: dict[str, int],
        failed: Callable[[Exception, Dialect], SourceUnavailable | SourceRefused],
        *,
        path: str,
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._limit = limit
        self._failed = failed
        self._path = path

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One transaction that sees one state of the database, where the database can do that.

        Raises SourceUnavailable or SourceRefused for what goes wrong inside; a lost connection as the driver told it.
        """
        from sqlalchemy.exc import DBAPIError

        try:
            for statement in self._dialect.session:
                self._connection.exec_driver_sql(statement.format(**self._limit)).close()
            yield
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            raise self._failed(error, self._dialect) from error
        finally:
            if not self._connection.invalidated:
                self._connection.rollback()

    def columns(self, probe: Select[Any]) -> dict[str, str]:
        """The columns of a view, each with its type in the driver's words."""
        result = self._connection.execute(probe)
        try:
            description = result.cursor.description if result.cursor is not None else ()
            return {name: str(each[1]) for name, each in zip(result.keys(), description, strict=True)}
        finally:
            result.close()

    def rows(self, selects: Sequence[Select[Any]], *, size: int) -> Generator[tuple[dict[str, Any], Any], None, None]:
        """(row, cursor value) of each, `size` at a time from the server."""
        stream = self._connection.execution_options(stream_results=True, yield_per=size)
        for select in selects:
            with stream.execute(select) as result:
                for row in result.mappings():
                    values = {str(name): value for name, value in row.items()}
                    yield values, values.pop(CURSOR, None)

    def clock(self) -> datetime | None:
        """Its time now; None where it has no clock of its own."""
        told = self._told(self._dialect.clock)
        return None if told is None else told if told.tzinfo else told.replace(tzinfo=UTC)

    def identity(self) -> str:
        """What tells this database from one made anew; empty where it can't be told."""
        if self._dialect.driver == "pysqlite":
            found = Path(self._path).stat()
            return f"{found.st_dev}/{found.st_ino}"
        return str(self._told(self._dialect.identity) or "")

    def _told(self, statement: str) -> Any:  # a driver's value
        if not statement:
            return None
        row = self._connection.exec_driver_sql(statement).first()
        return None if row is None else row[-1]


def _codes(cause: BaseException) -> set[str]:
    """An error's codes as its driver tells them: SQLSTATE, or the server's own number."""
    first = cause.args[0] if cause.args else None
    first = first[0] if isinstance(first, tuple) else first  # pymssql's, where it can't connect
    told = (getattr(cause, "sqlstate", None), getattr(first, "code", first), getattr(cause, "number", None))
    return {str(each) for each in told if _CODE.fullmatch(str(each))}


def _close_cursor(context: Any) -> None:  # sqlalchemy's ExceptionContext
    """A server-side cursor that failed is closed, also where its connection is lost."""
    running = context.execution_context
    if running is not None and running.cursor is not None:
        running.cursor.close()


def _reads_every_time(connection: Any, _: object) -> None:  # psycopg's
    load_exactly(connection)
