"""The database behind the memory: SQLite in a file, or PostgreSQL by URL. One writer at a time; readers never wait."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lineside.errors import MissingExtra, SetupError, StoreUnavailable

BUSY_TIMEOUT_S = 30.0
_WRITER_KEY = 0x6C696E65  # "line": the advisory lock of PostgreSQL that makes one writer


class Database:
    """An engine with a read and a write door. Both raise StoreUnavailable where the database can't be used."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.sqlite_path = _sqlite_path(url)
        self._writing = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        return self.sqlite_path is not None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent state from its first statement on."""
        with _store_errors(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that holds the only writer's place; committed at the end, rolled back on any error."""
        with self.alone(), _store_errors(), self.engine.connect() as connection:
            if self.is_sqlite:
                # A deferred BEGIN would fail at once on upgrading its lock, ignoring the busy timeout.
                connection.execution_options(lineside_write=True)
            with connection.begin():
                if not self.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_KEY})
                yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes, here or in another process.

        SQLite up to 3.51.2 may corrupt a write-ahead log when one connection writes while another checkpoints. Only
        writers checkpoint here (at commit), so one lock over all processes keeps the two apart.
        """
        with self._writing:
            if self.sqlite_path is None or str(self.sqlite_path) == ":memory:":
                yield
                return
            with only_process(self.sqlite_path.with_name(self.sqlite_path.name + ".writer")):
                yield


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows, all of the same columns, are in the transaction; the driver gets them as they are.

    SQLAlchemy's own many-row insert takes longer to prepare each row than SQLite to store it.
    """
    if not rows:
        return
    compiled = insert(table).inline().compile(dialect=connection.dialect, column_keys=list(rows[0]))
    if compiled.positional:
        names = compiled.positiontup or []
        connection.exec_driver_sql(str(compiled), [tuple([row[name] for name in names]) for row in rows])
    else:
        connection.exec_driver_sql(str(compiled), [dict(row) for row in rows])


@contextmanager
def only_process(lock: Path) -> Iterator[None]:
    """This process alone is inside; others wait, and a killed one lets go. Raises StoreUnavailable where the lock's
    file can't be made."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"the database can't be used: {error}; nothing was kept", path=str(lock)) from error
    try:
        if os.name == "posix":
            import fcntl  # not there on Windows, where BEGIN IMMEDIATE alone must do

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # a fault of ours, not of the disk
    except PoolTimeout as error:
        raise StoreUnavailable("every connection to the database is in use; nothing was kept") from error
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailable(f"the database can't be used: {error.orig}; nothing was kept") from error
    except DBAPIError as error:
        if error.connection_invalidated or type(error) is DatabaseError:
            raise StoreUnavailable(f"the database can't be used: {error.orig}; nothing was kept") from error
        raise


def _sqlite_path(url: str) -> Path | None:
    parsed = make_url(url)
    return Path(parsed.database or ":memory:") if parsed.get_backend_name() == "sqlite" else None


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            engine = create_engine(
                parsed, connect_args={"timeout": BUSY_TIMEOUT_S}, max_overflow=-1
            )  # readers never wait
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            try:
                engine = create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
            except ImportError as error:
                raise MissingExtra("PostgreSQL needs its driver: pip install 'lineside[postgres]'") from error
        case other:
            raise SetupError(f"the store can be sqlite or postgresql, not {other!r}", url=parsed.render_as_string())
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would be deferred; see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # NORMAL was seen to lose acknowledged rows in a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA mmap_size=0")
    cursor.execute("PRAGMA cache_size=-16384")  # 16 MiB: the ids are hashes, their index is written all over
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("lineside_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
