"""A real MariaDB, read as a plant would: by an account that may only read, while others write."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from tests.ingest.reading import drain, keys

from lineside.connector import TroubleKind
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.memory.reconciling import reconcile
from lineside_ingest.sql_view import SqlView

from .installing import free_port, listens, program, started

STOCK = {
    "entity": "lot:{Charge}",
    "properties": {"location": "{platz}", "quantity": {"field": "menge", "unit": "kg"}, "order": "{order}"},
}


class Erp:
    """A MariaDB with a stock table; root writes, `reader` may read."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.run(
            "CREATE DATABASE IF NOT EXISTS erp",
            "CREATE TABLE erp.bestand (Charge VARCHAR(20) PRIMARY KEY, platz ENUM('A', 'B'), menge DECIMAL(20, 8),"
            " `order` INT, bild BLOB, dauer TIME, geaendert DATETIME(6))",
            "CREATE TABLE erp.geheim (k INT)",
            "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'right'",
            "GRANT SELECT ON erp.bestand TO reader@'127.0.0.1'",
        )

    def url(self, user: str = "reader:right") -> str:
        return f"mysql://{user}@127.0.0.1:{self.port}/erp"

    def run(self, *statements: str) -> None:
        engine = self.engine()
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def engine(self) -> sqlalchemy.Engine:
        return sqlalchemy.create_engine(f"mysql+pymysql://root@127.0.0.1:{self.port}/", poolclass=sqlalchemy.NullPool)

    def row(self, lot: str, *, back_s: float = 0) -> str:
        at = datetime.now(UTC) - timedelta(seconds=back_s)
        return (
            "INSERT INTO erp.bestand VALUES"  # noqa: S608
            f" ('{lot}', 'A', 12.12345678, 7, x'00ff', '01:30:00', '{at:%Y-%m-%d %H:%M:%S.%f}')"
        )

    def view(self, *, user: str = "reader:right", others: Sequence[dict[str, Any]] = (), **changes: Any) -> SqlView:
        view = {"table": "bestand", "key": "Charge", "cursor": "geaendert", "mapping": STOCK, **changes}
        view = {name: value for name, value in view.items() if value}
        options = {"url": self.url(user), "timeout_s": 2, "views": [view, *others]}
        return SqlView("erp", options, time_zone=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, port = tmp_path_factory.mktemp("mariadb"), free_port()
    user = ["--user=root"] if os.geteuid() == 0 else []
    install = [program("mariadb-install-db", "mariadb-server"), "--no-defaults", f"--datadir={folder}/data", *user]
    subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, stdout=subprocess.DEVNULL)
    command = [
        program("mariadbd", "mariadb-server"), "--no-defaults", f"--datadir={folder}/data", f"--port={port}", *user,
        "--bind-address=127.0.0.1", f"--socket={folder}/s", f"--pid-file={folder}/pid", "--skip-name-resolve",
    ]  # fmt: skip
    with started(command, log=Path(folder) / "log", ready=lambda: listens(port)):
        yield port


@pytest.fixture
def erp(server: int) -> Iterator[Erp]:
    made = Erp(server)
    yield made
    made.run("DROP DATABASE erp", "DROP USER reader@'127.0.0.1'")


async def test_rows_come_exactly_and_a_transaction_that_commits_late_is_not_missed(
    erp: Erp, remembered: Callable[..., Memory]
) -> None:
    memory, engine = remembered(now=datetime.now(UTC) + timedelta(minutes=1)), erp.engine()
    with engine.connect() as slow:
        slow.exec_driver_sql(erp.row("LATE", back_s=30))
        erp.run(erp.row("L-1"))
        await catch_up(memory, erp.view())
        slow.commit()
    engine.dispose()
    await catch_up(memory, erp.view())
    told = {each.entity.id: each.text for each in memory.view().statements(properties=("location",))}
    assert told == {"L-1": "A", "LATE": "A"}
    [row] = [each for each in (await drain(erp.view())).messages if each.key == "L-1"]
    assert b'"menge": 12.12345678' in row.content
    assert b'"bild": "AP8="' in row.content
    assert b'"dauer": 5400.0' in row.content


async def test_a_deleted_row_is_taken_back(erp: Erp, remembered: Callable[..., Memory]) -> None:
    memory = remembered(now=datetime.now(UTC) + timedelta(minutes=1))
    erp.run(erp.row("L-1"), erp.row("L-2"))
    await catch_up(memory, erp.view())
    erp.run("DELETE FROM erp.bestand WHERE Charge = 'L-1'")
    await catch_up(memory, erp.view())
    await reconcile(memory, erp.view())
    assert [each.entity.id for each in memory.view().statements(properties=("location",))] == ["L-2"]


async def test_a_view_without_a_grant_is_told_and_a_wrong_password_stops_the_source(erp: Erp) -> None:
    erp.run(erp.row("L-1"))
    secret = {"table": "geheim", "key": "k", "mapping": {"entity": "lot:{k}", "properties": {"k": "{k}"}}}
    read = await drain(erp.view(others=[secret]))
    assert keys(read.messages) == ["L-1"]
    assert [(each.kind, each.stream) for each in read.troubles] == [(TroubleKind.REFUSED, "geheim")]
    with pytest.raises(SourceRefused, match="Access denied"):
        await drain(erp.view(user="reader:wrong"))


async def test_nothing_can_be_written_even_by_an_account_that_may(erp: Erp) -> None:
    erp.run(
        erp.row("L-1"),
        "CREATE FUNCTION erp.writes() RETURNS INT BEGIN DELETE FROM erp.bestand; RETURN 1; END",
    )
    with pytest.raises((SourceRefused, SourceUnavailable), match="READ ONLY"):
        await drain(erp.view(user="root", table="", sql="SELECT erp.writes() AS n, 'a' AS Charge", name="x", cursor=[]))
    assert keys((await drain(erp.view())).messages) == ["L-1"]


async def test_a_server_that_takes_too_long_is_given_up(erp: Erp) -> None:
    asleep = "SELECT SLEEP(20) AS n, 'a' AS Charge, NOW() AS geaendert"
    async with asyncio.timeout(15):
        with pytest.raises(SourceUnavailable):
            await drain(erp.view(table="", sql=asleep, name="x"))


async def test_a_long_table_is_streamed_in_batches_that_can_be_gone_on_from(erp: Erp) -> None:
    erp.run(
        "INSERT INTO erp.bestand SELECT CONCAT('S-', seq), 'B', seq, seq, NULL, NULL,"
        " '2026-05-04 10:00:00' + INTERVAL seq SECOND FROM erp.seq_1_to_5000"
    )
    read = await drain(erp.view())
    assert len(set(read.ids)) == 5000
    half = read.checkpoints[2]
    rest = await drain(erp.view(), half)
    assert len({*read.ids[:3000], *rest.ids}) == 5000
    assert len(rest.ids) == 2000
