"""A real PostgreSQL, followed by its slot, against the suite."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from lineside.connector import Connector
from lineside.memory import Memory

from .conformance import Bench, Conformance
from .postgres_peer import Database, Postgres, started

pytestmark = pytest.mark.postgres


class ChangesBench(Bench):
    """A table that a DBA published. One transaction that began before everything else commits only with `say_late`."""

    name = "postgres_changes"
    lacks: Mapping[str, str] = {
        "throttled": "a database names no pause: too many connections are an outage",
        "hushed": "every read is a session of its own, and each of its steps has a time limit",
    }

    def __init__(self, database: Database) -> None:
        self.database = database
        database.run("CREATE TABLE said (k TEXT PRIMARY KEY, n TEXT, at TIMESTAMPTZ)")
        database.published()
        self.open: list[psycopg.Connection[Any]] = []
        self.late = self.begun()
        self.late.execute("SELECT pg_current_xact_id()")

    def begun(self) -> psycopg.Connection[Any]:
        self.open.append(self.database.opened())
        return self.open[-1]

    def ended(self) -> None:
        for connection in self.open:
            connection.close()

    def connector(self) -> Connector:
        self.database.run("DROP TABLE IF EXISTS breaks")
        return self.at()

    def at(self, **changes: Any) -> Connector:
        found: Connector = self.database.connector(**changes)
        return found

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self.database.run(_added(number))

    async def say_poison(self) -> None:
        self.database.run("INSERT INTO said VALUES ('x', 'not a number', '2026-05-04 10:00:00+00')")

    async def say_shuffled(self, *numbers: int) -> None:
        saying = {number: self.begun() for number in sorted(numbers)}
        for number, connection in saying.items():
            connection.execute(_added(number).encode())
        for number in numbers:
            saying[number].commit()

    async def say_late(self, number: int) -> None:
        self.late.execute(_added(number, "2026-05-04 09:00:00+00").encode())
        self.late.commit()

    async def lose(self, number: int) -> None:
        self.ended()
        self.database.unslotted()
        await self.say(number)
        await self.delete(number)
        self.database.slotted()

    async def begin_anew(self) -> None:
        self.ended()
        self.database.unslotted()
        self.database.server.restored()
        self.database.slotted()

    async def rename_field(self, number: int) -> None:
        self.database.run("ALTER TABLE said RENAME COLUMN n TO m")
        await self.say(number)

    def refused(self) -> Connector:
        return self.at(user="nobody_here")

    def unavailable(self) -> Connector:
        return self.at(url="postgresql://127.0.0.1:1/x")

    def slow(self) -> Connector:
        self.begun().execute("LOCK TABLE said IN ACCESS EXCLUSIVE MODE")
        return self.at(timeout_s=1)

    async def cut(self) -> None:
        """The server ends our session while it sends the third row."""
        self.database.run(
            "CREATE TABLE breaks (k TEXT)",
            "CREATE FUNCTION holds(row_k TEXT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$ BEGIN"
            " IF to_regclass('breaks') IS NOT NULL AND row_k = '3'"
            " THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN true; END $$",
            "ALTER TABLE said ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY breaking ON said TO lineside USING (holds(k))",
        )

    async def say_ahead(self, number: int) -> None:
        self.database.run(_added(number, "2027-12-01 00:00:00+00"))

    async def delete(self, number: int) -> None:
        self.database.run(f"DELETE FROM said WHERE k = '{number}'")  # noqa: S608

    def recorded(self, memory: Memory) -> list[int]:
        view = memory.view(as_of=datetime(2100, 1, 1, tzinfo=UTC))  # its deletions are stamped by the server's clock
        return sorted(int(statement.text) for statement in view.statements(properties=("n",)))


def _added(number: int, at: str = "2026-05-04 10:00:00+00") -> str:
    return f"INSERT INTO said VALUES ('{number}', '{number}', '{at}')"  # noqa: S608


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with started(tmp_path_factory.mktemp("runtime")) as running:
        yield running


class TestPostgresChanges(Conformance):
    @pytest.fixture
    def bench(self, server: Postgres) -> Iterator[Bench]:
        bench = ChangesBench(server.fresh())
        yield bench
        bench.ended()
