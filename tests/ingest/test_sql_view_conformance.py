"""Views of SQLite and of PostgreSQL against the suite: real files, a real server."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from lineside.connector import Connector
from lineside_ingest.sql_view import SqlView

from .conformance import Bench, Conformance
from .reading import NOW

MAPPING = {"entity": "lot:L-{n}", "properties": {"n": {"field": "n", "type": "number"}}}
NEVER = {
    "gap": "a view shows what is; what came and went between two reads left no trace that could be told",
    "throttled": "a database names no pause: too many connections are an outage",
    "hushed": "every read is a session of its own, and each of its steps has a time limit",
}
OF_A_FILE = {**NEVER, "dropped": "a file has no connection that could break"}


class SqlBench(Bench):
    """A table, written through an engine of its own. later: the value of `changed` for what it says now."""

    name = "sql_view"

    def __init__(self, url: sqlalchemy.URL) -> None:
        self.url = url
        self.made()

    def made(self) -> None:
        self.run("CREATE TABLE said (k VARCHAR(9), n VARCHAR(20), changed TIMESTAMP)")

    def connector(self) -> Connector:
        return self.at(self.url)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self.add(number, "2026-05-04 10:00:00")

    async def say_poison(self) -> None:
        self.run("INSERT INTO said VALUES ('x', 'not a number', '2026-05-04 10:00:00')")

    async def say_shuffled(self, *numbers: int) -> None:
        for place, number in enumerate(numbers):
            self.add(number, f"2026-05-04 10:00:{place:02d}")

    async def say_late(self, number: int) -> None:
        self.add(number, "2026-05-04 09:57:00")

    async def say_ahead(self, number: int) -> None:
        self.add(number, "2027-12-01 00:00:00")

    async def rename_field(self, number: int) -> None:
        self.run("ALTER TABLE said RENAME COLUMN n TO m")
        self.add(number, "2026-05-04 10:00:00")

    async def delete(self, number: int) -> None:
        self.run(f"DELETE FROM said WHERE k = '{number}'")  # noqa: S608

    def refused(self) -> Connector:
        return self.at(self.url, table="no_such_table")

    def at(self, url: sqlalchemy.URL, *, timeout_s: float = 20, **changes: Any) -> Connector:
        view = {"table": "said", "key": "k", "cursor": "changed", "mapping": MAPPING, **changes}
        options = {"url": url.render_as_string(hide_password=False), "timeout_s": timeout_s, "views": [view]}
        return SqlView("bench", options, time_zone=UTC, clock=lambda: NOW)

    def add(self, number: int, changed: str) -> None:
        self.run(f"INSERT INTO said VALUES ('{number}', '{number}', '{changed}')")  # noqa: S608

    def run(self, *statements: str, url: sqlalchemy.URL | None = None, **options: Any) -> None:
        engine = sqlalchemy.create_engine(url or self.url, poolclass=sqlalchemy.NullPool, **options)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()


class SqliteBench(SqlBench):
    lacks = OF_A_FILE

    def __init__(self, folder: Path) -> None:
        self.path = folder / "foreign.db"
        super().__init__(sqlalchemy.URL.create("sqlite", database=str(self.path)))
        self.lock: sqlite3.Connection | None = None

    def unavailable(self) -> Connector:
        return self.at(self.url.set(database=str(self.path.with_name("nowhere.db"))))

    def slow(self) -> Connector:
        self.lock = sqlite3.connect(self.path, isolation_level=None)
        self.lock.execute("BEGIN EXCLUSIVE")
        return self.at(self.url, timeout_s=1)

    async def begin_anew(self) -> None:
        old, self.path = self.path, self.path.with_name("fresh.db")
        self.url = self.url.set(database=str(self.path))
        self.made()
        await self.say(1, 2, 3)
        self.path = self.path.replace(old)
        self.url = self.url.set(database=str(old))


class PostgresBench(SqlBench):
    lacks = NEVER

    def connector(self) -> Connector:
        self.run("DROP TABLE IF EXISTS breaks")
        return super().connector()

    def refused(self) -> Connector:
        return self.at(self.url.set(username="nobody_here"))

    def unavailable(self) -> Connector:
        return self.at(sqlalchemy.make_url("postgresql+psycopg://127.0.0.1:1/x"))

    def slow(self) -> Connector:
        sql = "SELECT 'a' AS k, '1' AS n, TIMESTAMP '2026-05-04 10:00:00' AS changed FROM pg_sleep(25)"
        return self.at(self.url, timeout_s=0.5, table="", sql=sql, name="slow")

    async def cut(self) -> None:
        """The server ends our session while it sends the third row."""
        self.run(
            "CREATE TABLE breaks (k TEXT)",
            "INSERT INTO breaks VALUES ('3')",
            "CREATE FUNCTION holds(row_k TEXT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$ BEGIN"
            " IF to_regclass('breaks') IS NOT NULL AND row_k = '3'"
            " THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN true; END $$",
            "ALTER TABLE said RENAME TO said_at_all",
            "CREATE VIEW said AS SELECT * FROM said_at_all WHERE holds(k)",
        )

    async def begin_anew(self) -> None:
        server = self.url.set(database="postgres")
        for statement in (f"DROP DATABASE {self.url.database}", f"CREATE DATABASE {self.url.database}"):
            self.run(statement, url=server, isolation_level="AUTOCOMMIT")
        self.made()
        await self.say(1, 2, 3)


class TestSqlite(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        bench = SqliteBench(tmp_path)
        yield bench
        if bench.lock is not None:
            bench.lock.close()


@pytest.mark.postgres
class TestPostgres(Conformance):
    @pytest.fixture
    def bench(self, postgres_server: Callable[[], str]) -> Bench:
        return PostgresBench(sqlalchemy.make_url(postgres_server()))
