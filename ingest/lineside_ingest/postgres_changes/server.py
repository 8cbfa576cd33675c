"""A session at the PostgreSQL server, each step with a time limit, and what the server's errors mean to who reads."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from threading import Timer
from typing import TYPE_CHECKING, Any

from lineside.connector.sql_values import as_json, load_exactly
from lineside.errors import BadSettings, MissingExtra, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Json

if TYPE_CHECKING:
    import psycopg

GRACE_S = 5.0  # the server's own limit comes first: it says more, and ends what it was doing
_SESSION = (
    "SET default_transaction_read_only = on",
    "SET idle_in_transaction_session_timeout = 0",  # it counts the time that we take to keep what we read
    "SET client_encoding = 'UTF8'",
    "SET datestyle = 'ISO'",
    "SET intervalstyle = 'postgres'",
    "SET bytea_output = 'hex'",
    "SET extra_float_digits = 1",
    "SET timezone = 'UTC'",
)
_REFUSALS = frozenset(
    {
        "28000",
        "28P01",
        "3D000",
        "3F000",
        "42501",
        "42P01",
        "42703",
        "42704",
        "42601",
        "42883",
        "55000",
        "0A000",
        "25006",
    }
)
# libpq tells no code with a login that fails.
_REFUSED_WORDS = (
    "authentication", "password", "pg_hba.conf", "does not exist", "not permitted to log in", "permission denied",
    "certificate", "does not support ssl", "invalid connection option", "no encryption",
)  # fmt: skip


class Server:
    """Where the source is. Opened for one read and closed after it."""

    def __init__(self, url: str, password: str, *, source: str, timeout_s: float) -> None:
        self._url = url
        self._password = password
        self._source = source
        self._timeout_s = timeout_s

    @contextmanager
    def opened(self) -> Iterator[Session]:
        """A session that writes nothing. Raises SourceUnavailable, SourceRefused, BadSettings or MissingExtra."""
        try:
            import psycopg
        except ModuleNotFoundError as error:
            told = f"source {self._source}: the driver is not installed; pip install 'lineside[postgres]'"
            raise MissingExtra(told, driver="psycopg") from error
        options: dict[str, Any] = {"password": self._password} if self._password else {}
        try:
            psycopg.conninfo.conninfo_to_dict(self._url)
        except psycopg.Error:  # its words repeat the url, which may hold a password
            told = f"source {self._source}: option url is no URL that libpq reads"
            raise BadSettings(told, source=self._source) from None
        try:
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=max(2, round(self._timeout_s)),
                fallback_application_name="lineside",
                **options,
            )
        except psycopg.Error as error:
            raise self.failed(error) from error
        with connection:
            session = Session(connection, self)
            limit = f"{max(1, round(self._timeout_s * 1000))}ms"
            limits = (f"SET statement_timeout = '{limit}'", f"SET lock_timeout = '{limit}'")
            with session.step():
                for statement in (*_SESSION, *limits):
                    connection.execute(statement)
                load_exactly(connection)
            session.learn_types()
            yield session

    @property
    def patience_s(self) -> float:
        """How long one step is waited for."""
        return self._timeout_s + GRACE_S

    def silent(self) -> SourceUnavailable:
        """The error of a server that stands and says nothing."""
        return SourceUnavailable(f"source {self._source}: the server gave no answer in {self.patience_s:g} s")

    def failed(self, error: psycopg.Error) -> SourceUnavailable | SourceRefused:
        """What the driver's error means."""
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        code = error.sqlstate
        if code in _REFUSALS or (code is None and any(word in reason.lower() for word in _REFUSED_WORDS)):
            return SourceRefused(f"source {self._source}: the server refuses: {reason}", code=code)
        if code == "57014":
            reason += "; raise timeout_s where it needs longer"
        return SourceUnavailable(f"source {self._source}: the server can't be read: {reason}", code=code)


class Session:
    """A connection whose every step ends, one way or the other."""

    def __init__(self, connection: psycopg.Connection[Any], server: Server) -> None:
        from psycopg.adapt import Transformer
        from psycopg.pq import Format

        self._connection = connection
        self._server = server
        self._transformer, self._format = Transformer(connection), Format.TEXT
        self._domains: dict[int, int] = {}

    @property
    def lost(self) -> bool:
        return bool(self._connection.closed)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Whatever is asked inside. Raises SourceUnavailable or SourceRefused; a server that says nothing is left."""
        import psycopg

        cut: list[bool] = []

        def cuts() -> None:
            cut.append(True)
            with socket.fromfd(self._connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as line:
                line.shutdown(socket.SHUT_RDWR)

        timer = Timer(self._server.patience_s, cuts)
        timer.daemon = True
        timer.start()
        try:
            yield
        except psycopg.Error as error:
            raise (self._server.silent() if cut else self._server.failed(error)) from error
        finally:
            timer.cancel()

    def asked(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """The rows of a statement, by column."""
        from psycopg.rows import dict_row

        with self.step(), self._connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The one place where something is made at the source."""
        self.asked("SET default_transaction_read_only = off")
        try:
            yield
        finally:
            if not self.lost:
                self.asked("SET default_transaction_read_only = on")

    @contextmanager
    def transaction(self, *, one_state: bool = False) -> Iterator[None]:
        """One transaction; of one state of the database where asked."""
        self.asked(f"BEGIN ISOLATION LEVEL {'REPEATABLE READ' if one_state else 'READ COMMITTED'}")
        try:
            yield
        finally:
            if not self.lost:
                self.asked("ROLLBACK")

    def streamed(self, statement: str, *values: object, size: int) -> Generator[list[bytes], None, None]:
        """The only column of a statement's rows, `size` rows at a time: the rest waits at the server. Wants a
        transaction."""
        with self._connection.cursor(name="lineside", binary=True) as cursor:
            with self.step():
                cursor.execute(statement.encode(), values)
            while True:
                with self.step():
                    found = cursor.fetchmany(size)
                if not found:
                    return
                yield [bytes(value) for (value,) in found]

    def copied(self, select: str, *, size: int) -> Generator[list[tuple[str | None, ...]], None, None]:
        """The rows of a select as PostgreSQL writes them, `size` at a time, as slowly as they are taken."""
        self.asked("SET LOCAL statement_timeout = 0")  # it would count the time that we take
        with ExitStack() as open_now:
            cursor = open_now.enter_context(self._connection.cursor())
            with self.step():
                copy = open_now.enter_context(cursor.copy(f"COPY ({select}) TO STDOUT".encode()))
            rows = copy.rows()
            while True:
                with self.step():
                    found = list(islice(rows, size))
                if not found:
                    return
                yield found

    def text_values(self, statement: str, *values: object) -> list[bytes | None] | None:
        """The first row of a statement, each value as its type writes it; None where there is none. An error undoes no
        more than the statement."""
        with self.step(), self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(statement.encode(), values)
            result = cursor.pgresult
            if result is None or not result.ntuples:
                return None
            return [result.get_value(0, place) for place in range(result.nfields)]

    def value(self, type_oid: int, text: bytes | None) -> Json:
        """A value of that type in JSON. Raises UnreadableMessage where it can't be one."""
        from psycopg import DataError

        if text is None:
            return None
        try:
            return as_json(self._transformer.get_loader(self._plain(type_oid), self._format).load(text))
        except (DataError, ValueError) as error:
            raise UnreadableMessage(f"the value {text[:40]!r} can't be read: {error}") from error

    def learn_types(self) -> None:
        """Which types are domains of which is known: the log names the domain."""
        found = self.asked("SELECT oid::int8, typbasetype::int8 FROM pg_type WHERE typtype = 'd'")
        self._domains = {each["oid"]: each["typbasetype"] for each in found}

    def _plain(self, type_oid: int) -> int:
        while type_oid in self._domains:
            type_oid = self._domains[type_oid]
        return type_oid


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def in_full(table: str) -> str:
    """A table's `schema.name` as SQL writes it."""
    schema, _, name = table.partition(".")
    return f"{quoted(schema)}.{quoted(name)}"
