"""PostgreSQL's changes by a real slot: what a log holds that no view shows, and what goes wrong with slots."""

# ruff: noqa: S608 - the statements are the test's own
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lineside.connector import TroubleKind
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside_ingest.postgres_changes import connector as reading
from lineside_ingest.postgres_changes import following, server

from .postgres_peer import MAPPING, Database, Postgres, started
from .reading import Read, drain

pytestmark = pytest.mark.postgres
WHEN = "'2026-05-04 10:00:00+00'"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Postgres]]:
    """A server of each version that is asked for."""
    running: dict[int, Postgres] = {}
    with ExitStack() as until_the_end:

        def of(version: int) -> Postgres:
            if version not in running:
                runtime = tmp_path_factory.mktemp("runtime")
                running[version] = until_the_end.enter_context(started(runtime, version=version))
            return running[version]

        yield of


@pytest.fixture
def server_of(request: pytest.FixtureRequest, servers: Callable[[int], Postgres]) -> Postgres:
    return servers(getattr(request, "param", 18))


@pytest.fixture
def database(server_of: Postgres) -> Database:
    found = server_of.fresh()
    found.run("CREATE TABLE said (k TEXT PRIMARY KEY, n TEXT, at TIMESTAMPTZ, note TEXT)")
    return found


@pytest.fixture
def followed(database: Database) -> Database:
    database.published()
    return database


async def after(database: Database, *statements: str, first: Read | None = None, **changes: Any) -> Read:
    """What is read after those statements, where the table was read before."""
    before = first or await drain(database.connector(**changes))
    database.run(*statements)
    return await drain(database.connector(**changes), before.checkpoint)


def said(read: Read) -> list[tuple[str, str]]:
    return [(message.key, message.content.decode().split('"n": ')[1].split(",")[0]) for message in read.messages]


async def test_each_state_that_was_committed_comes_with_the_time_of_its_commit(followed: Database) -> None:
    began = datetime.now(UTC)
    read = await after(
        followed,
        f"INSERT INTO said VALUES ('a', '1', {WHEN})",
        "UPDATE said SET n = '2'",
        "UPDATE said SET n = '1'",
    )
    assert said(read) == [("a", '"1"'), ("a", '"2"'), ("a", '"1"')]
    assert len(set(read.ids)) == 3, "a value that returns is news"
    stamps = [message.reported_at for message in read.messages]
    assert stamps == sorted(stamps)
    assert began <= stamps[0] <= datetime.now(UTC)


async def test_a_value_that_returns_within_a_transaction_is_news_too(followed: Database) -> None:
    read = await after(
        followed, f"INSERT INTO said VALUES ('a', '1', {WHEN}); UPDATE said SET n = '2'; UPDATE said SET n = '1'"
    )
    assert said(read) == [("a", '"1"'), ("a", '"2"'), ("a", '"1"')]
    assert len(set(read.ids)) == 3


async def test_deleted_and_put_back_in_one_transaction_it_stands(
    followed: Database, remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2100-01-01T00:00:00Z")
    followed.run(f"INSERT INTO said VALUES ('a', '1', {WHEN})")
    await catch_up(memory, followed.connector())
    followed.run(f"DELETE FROM said; INSERT INTO said VALUES ('a', '1', {WHEN})")
    await catch_up(memory, followed.connector())
    assert [each.text for each in memory.view().statements(properties=("n",))] == ["1"]
    followed.run("UPDATE said SET k = 'b'")
    read = await drain(followed.connector(), memory.checkpoint("bench"))
    assert [each.key for each in read.messages] == ["b"]
    assert [each.key for each in read.gone] == ["a"]


async def test_a_table_read_anew_brings_known_ids(followed: Database) -> None:
    first = await drain(followed.connector())
    read = await after(followed, f"INSERT INTO said VALUES ('a', '1', {WHEN})", "UPDATE said SET n = '2'", first=first)
    anew = await drain(followed.connector())
    assert anew.ids[:1] == read.ids[-1:]


@pytest.mark.parametrize("server_of", [18, 16], indirect=True)
async def test_values_are_the_same_from_the_table_and_from_the_log(database: Database) -> None:
    database.run(
        "CREATE DOMAIN weight AS NUMERIC(9,2)",
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        "CREATE TABLE types (k INT PRIMARY KEY, w weight, b BOOLEAN, f FLOAT8, y BYTEA, d DATE, s TIMESTAMP,"
        " z TIMESTAMPTZ, i INTERVAL, j JSONB, l TEXT[], m mood, x NUMERIC, e TIMESTAMPTZ, t TEXT,"
        " g INT GENERATED ALWAYS AS (k + 1) STORED)",
    )
    database.published("types")
    tables = [{"table": "types", "key": "k", "mapping": MAPPING}]
    row = (
        "1, 1.50, true, 0.1, '\\x00ff', '2026-05-04', '2026-05-04 10:00', '2026-05-04 10:00+02', '1 day 2 hours',"
        " '{\"a\": 12345678901234567890.12}', '{a,NULL}', 'glad', 'NaN', 'infinity', E'it''s\\tü'"
    )
    read = await after(database, f"INSERT INTO types VALUES ({row})", tables=tables)
    whole = await drain(database.connector(tables=tables))
    assert [each.content for each in read.messages[:1]] == [each.content for each in whole.messages[:1]]
    text = read.messages[0].content.decode()
    for part in ('"w": 1.5', '"b": true', '"y": "AP8="', '"i": 93600.0', "12345678901234567890.12", '"x": "NaN"'):
        assert part in text
    assert '"e": "infinity"' in text
    assert '"g"' not in text


async def test_a_large_value_that_an_update_left_as_it_was_is_there(followed: Database) -> None:
    large = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i)"
    read = await after(followed, f"INSERT INTO said VALUES ('a', '1', {WHEN}, {large})", "UPDATE said SET n = '2'")
    assert [len(each.content) > 60_000 for each in read.messages] == [True, True]
    followed.run("ALTER TABLE said REPLICA IDENTITY FULL")
    read = await after(followed, "UPDATE said SET n = '3'", "DELETE FROM said", first=read)
    assert [len(each.content) > 60_000 for each in read.messages] == [True]
    assert [each.key for each in read.gone] == ["a"]


async def test_a_large_value_that_nobody_can_tell_any_more_is_a_dead_letter(followed: Database) -> None:
    mapping = {"entity": "lot:{k}", "properties": {"note": "{note}"}}
    tables = [{"table": "said", "key": "k", "mapping": mapping}]
    large = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i)"
    read = await after(
        followed,
        f"INSERT INTO said VALUES ('a', '1', {WHEN}, {large})",
        "UPDATE said SET n = '2'",
        "DELETE FROM said",
        tables=tables,
    )
    assert len(read.messages) == 1
    [letter] = read.unreadable
    assert "note" in letter.reason
    assert "REPLICA IDENTITY FULL" in letter.reason
    assert [each.key for each in read.gone] == ["a"]


async def test_a_huge_transaction_comes_in_pieces_and_is_gone_on_from_within(followed: Database) -> None:
    first = await drain(followed.connector())
    followed.run(f"INSERT INTO said SELECT i, i, {WHEN} FROM generate_series(1, 5000) i")
    read = Read()
    async with aclosing(followed.connector().capture(first.checkpoint)) as batches:
        async for batch in batches:
            read.messages += batch.messages
            assert len(batch.messages) <= following.MOST
            if len(read.messages) == 2000:
                break
    assert batch.checkpoint is not None
    rest = await drain(followed.connector(), batch.checkpoint)
    assert len(rest.messages) == 3000
    assert len({*read.ids, *rest.ids}) == 5000
    assert followed.waiting() > 5000, "nothing was confirmed"


async def test_the_log_is_decoded_a_stretch_at_a_time(followed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "STEP", 1000)
    statements = [f"INSERT INTO said VALUES ('{n}', '{n}', {WHEN})" for n in range(12)]
    read = await after(followed, *statements)
    assert [each.key for each in read.messages] == [str(n) for n in range(12)]


@pytest.mark.parametrize("server_of", [18, 16], indirect=True)
async def test_what_commits_while_a_table_is_read_is_told_once(followed: Database) -> None:
    """One transaction is open, one commits while the table is read, one after it."""
    with followed.opened() as early, followed.opened() as meanwhile:
        early.execute(f"INSERT INTO said VALUES ('early', '1', {WHEN})".encode())
        meanwhile.execute("SELECT pg_current_xact_id()")
        followed.run(f"INSERT INTO said SELECT i, i, {WHEN} FROM generate_series(1, 2500) i")
        read = Read()
        async with aclosing(followed.connector().capture(None)) as batches:
            async for batch in batches:
                if not read.messages:
                    early.commit()
                    meanwhile.execute(f"INSERT INTO said VALUES ('meanwhile', '1', {WHEN})".encode())
                    meanwhile.commit()
                read.messages += batch.messages
                assert batch.checkpoint is not None
                read.checkpoints.append(batch.checkpoint)
                if batch.empty:
                    break
    last = await drain(followed.connector(), read.checkpoint)
    keys = [each.key for each in (*read.messages, *last.messages)]
    assert len(keys) == len(set(keys)) == 2502


async def test_the_slot_moves_only_when_what_was_read_is_confirmed(followed: Database) -> None:
    first = await drain(followed.connector())
    connector = followed.connector()
    followed.run(f"INSERT INTO said VALUES ('a', '1', {WHEN})")
    read = await drain(connector, first.checkpoint)
    assert followed.waiting() > 0
    assert read.checkpoint is not None
    await connector.confirm(read.checkpoint)
    assert followed.waiting() == 0
    await followed.connector().confirm(first.checkpoint or {})  # an older one moves nothing
    assert (await drain(connector, read.checkpoint)).gaps == []


def test_killed_between_commit_and_confirm_nothing_is_lost_or_doubled(followed: Database, tmp_path: Path) -> None:
    program = f"""
import asyncio, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.plant.plant_file import parse_plant
from lineside_ingest.postgres_changes import PostgresChanges
home = Path({str(tmp_path)!r})
plant = parse_plant('site = "x"\\ntime_zone = "UTC"\\n')
memory = Memory.open(f"sqlite:///{{home / 'lineside.db'}}", index_dir=home / "index", plant=plant, migrate=True,
    clock=lambda: datetime.now(UTC))
connector = PostgresChanges("bench", {{"url": {followed.url()!r}, "slot": {followed.slot!r},
    "tables": [{{"table": "said", "key": "k", "mapping": {MAPPING!r}}}]}}, time_zone=UTC)
async def die(_):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1] == "die":
    connector.confirm = die
asyncio.run(catch_up(memory, connector, lease_s=0.5))
print(sorted(each.text for each in memory.view().statements(properties=("n",))))
memory.close()
"""

    def run(how: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, how],
            capture_output=True,
            text=True,
            check=False,
        )

    first = run("live")
    assert first.stdout.strip() == "[]", first.stderr
    followed.run(f"INSERT INTO said VALUES ('a', '1', {WHEN})")
    assert run("die").returncode == -signal.SIGKILL
    assert followed.waiting() > 0, "it was not confirmed"
    followed.run(f"INSERT INTO said VALUES ('b', '2', {WHEN})")
    assert run("live").stdout.strip() == "['1', '2']"
    assert followed.waiting() == 0


async def test_an_emptied_table_is_told_and_its_listing_shows_it(followed: Database) -> None:
    read = await after(followed, f"INSERT INTO said VALUES ('a', '1', {WHEN})", "TRUNCATE said")
    assert [(each.kind, each.stream) for each in read.troubles if "TRUNCATE" in each.reason] == [("epoch", "said")]
    assert [each.keys async for each in followed.connector().listing()] == [frozenset()]


async def test_a_log_that_is_archived_takes_nothing_back(followed: Database) -> None:
    tables = [{"table": "said", "key": "k", "immutable": True, "mapping": MAPPING}]
    read = await after(followed, f"INSERT INTO said VALUES ('a', '1', {WHEN})", "DELETE FROM said", tables=tables)
    assert [each.source_id for each in read.messages] == ["said/a"]
    assert read.gone == []
    assert [each async for each in followed.connector(tables=tables).listing()] == []


async def test_single_rows_are_fetched_once_more_under_the_same_ids(followed: Database) -> None:
    read = await after(followed, f"INSERT INTO said VALUES ('a', '1', {WHEN}), ('b', '2', {WHEN})")
    batch = await followed.connector().resolve("said", ["b", "nobody"])
    assert [each.source_id for each in batch.messages] == read.ids[1:]


async def test_a_slot_made_anew_is_a_gap_and_what_is_there_is_read_anew(followed: Database) -> None:
    first = await drain(followed.connector())
    read = await after(followed, f"INSERT INTO said VALUES ('a', '1', {WHEN})", first=first)
    followed.unslotted()
    followed.slotted()
    anew = await drain(followed.connector(), read.checkpoint)
    assert [gap.since < gap.until for gap in anew.gaps] == [True]
    assert anew.ids == read.ids
    assert [each.passing for each in anew.troubles if each.kind == TroubleKind.EPOCH] == [True]
    again = await drain(followed.connector(), anew.checkpoint)
    assert (again.messages, again.gaps) == ([], [])


@pytest.mark.parametrize("server_of", [18, 16], indirect=True)
async def test_a_publication_made_anew_is_noticed(followed: Database) -> None:
    first = await drain(followed.connector())
    followed.run(
        "DROP PUBLICATION lineside",
        f"INSERT INTO said VALUES ('a', '1', {WHEN})",
        "CREATE PUBLICATION lineside FOR TABLE said",
    )
    [(version,)] = followed.run("SELECT current_setting('server_version_num')::int")
    if version < 180000:  # what was committed meanwhile can't be decoded: the slot has to be made anew
        with pytest.raises(SourceRefused):
            await drain(followed.connector(), first.checkpoint)
        followed.unslotted()
        followed.slotted()
    read = await drain(followed.connector(), first.checkpoint)
    assert [each.key for each in read.messages] == ["a"]
    assert len(read.gaps) == 1


@pytest.mark.parametrize("server_of", [18, 16], indirect=True)
async def test_a_lost_slot_is_told_with_what_to_run_or_made_anew(followed: Database) -> None:
    first = await drain(followed.connector())
    followed.server.run("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    followed.server.run("SELECT pg_reload_conf()")
    try:
        for _ in range(4):
            followed.run("CREATE TABLE filler AS SELECT repeat('x', 500) FROM generate_series(1, 40000)")
            followed.run("DROP TABLE filler", "SELECT pg_switch_wal()")
        followed.run("CHECKPOINT")
        followed.run(f"INSERT INTO said VALUES ('a', '1', {WHEN})")
        with pytest.raises(SourceRefused, match=r"pg_drop_replication_slot.*pg_create_logical_replication_slot"):
            await drain(followed.connector(), first.checkpoint)
        assert not all(check.ok for check in await followed.connector().check())
        read = await drain(followed.connector(create=True), first.checkpoint)
        assert [each.key for each in read.messages] == ["a"]
        assert len(read.gaps) == 1
    finally:
        followed.server.run("ALTER SYSTEM RESET max_slot_wal_keep_size")
        followed.server.run("SELECT pg_reload_conf()")


async def test_a_log_that_grows_for_the_slot_is_told(followed: Database) -> None:
    read = await drain(followed.connector(max_retained_mb=0))
    [told] = [each for each in read.troubles if each.kind == TroubleKind.RETAINED]
    assert not told.passing
    assert "max_retained_mb" in told.reason
    assert [check.name for check in await followed.connector(max_retained_mb=0).check() if "MB" in check.detail]


async def test_what_is_not_there_is_told_as_statements_that_work(database: Database) -> None:
    with pytest.raises(SourceRefused) as refused:
        await drain(database.connector())
    statements = refused.value.message.partition("has to run: ")[2].split("; ")
    assert not all(check.ok for check in await database.connector().check())
    database.run("GRANT SELECT ON said TO lineside", *statements)
    assert (await drain(database.connector())).gaps == []
    checks = await database.connector().check()
    assert [check.name for check in checks if not check.ok] == ["clock"]  # ours is fixed


async def test_slot_and_publication_are_made_where_the_settings_say_so(database: Database) -> None:
    await drain(database.connector(user="postgres", create=True))
    read = await after(database, f"INSERT INTO said VALUES ('a', '1', {WHEN})", user="postgres")
    assert [each.key for each in read.messages] == ["a"]


async def test_a_table_whose_updates_would_fail_is_not_published(database: Database) -> None:
    database.run("CREATE TABLE bare (k TEXT, n TEXT, at TIMESTAMPTZ)")
    tables = [{"table": "bare", "key": "k", "mapping": MAPPING}]
    with pytest.raises(SourceRefused, match="REPLICA IDENTITY FULL"):
        await drain(database.connector(user="postgres", create=True, tables=tables))
    assert database.run("SELECT * FROM pg_publication") == []


async def test_rights_that_are_lacking_are_told_one_by_one(followed: Database) -> None:
    with psycopg.connect(followed.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS poor")
        connection.execute("CREATE ROLE poor LOGIN")
    wrong = {check.name: check for check in await followed.connector(user="poor").check() if not check.ok}
    assert "REPLICATION" in wrong[f"follow {followed.slot}"].fix
    assert wrong["read said"].fix.startswith('GRANT SELECT ON "public"."said" TO "poor"')
    with pytest.raises(SourceRefused):
        await drain(followed.connector(user="poor"))


async def test_one_table_that_is_refused_does_not_stop_the_other(followed: Database) -> None:
    followed.run(
        "CREATE TABLE secret (k TEXT PRIMARY KEY, n TEXT, at TIMESTAMPTZ)",
        "ALTER PUBLICATION lineside ADD TABLE secret",
    )
    tables = [{"table": name, "key": "k", "mapping": MAPPING} for name in ("secret", "said", "unknown")]
    read = await after(followed, f"INSERT INTO said VALUES ('a', '1', {WHEN})", tables=tables)
    assert [each.key for each in read.messages] == ["a"]
    refused = [each.stream for each in read.troubles if each.kind == TroubleKind.REFUSED]
    assert refused == ["secret", "unknown"]
    followed.run("GRANT SELECT ON secret TO lineside", f"INSERT INTO secret VALUES ('s', '1', {WHEN})")
    later = await drain(followed.connector(tables=tables), read.checkpoint)
    assert [each.key for each in later.messages] == ["s"]


async def test_a_changed_column_is_told_once(followed: Database) -> None:
    read = await after(
        followed, "ALTER TABLE said ADD COLUMN colour TEXT", f"INSERT INTO said VALUES ('a', '1', {WHEN}, '', 'red')"
    )
    assert ["colour is new" in each.reason for each in read.troubles if each.kind == TroubleKind.DRIFT] == [True]
    more = await after(followed, f"INSERT INTO said VALUES ('b', '1', {WHEN}, '', 'red')", first=read)
    assert [each for each in more.troubles if each.kind == TroubleKind.DRIFT] == []


async def test_only_the_rows_that_are_published_are_read(database: Database) -> None:
    database.run("GRANT SELECT ON said TO lineside", f"INSERT INTO said VALUES ('a', '1', {WHEN}), ('b', '2', {WHEN})")
    database.run("CREATE PUBLICATION lineside FOR TABLE said (k, n, at) WHERE (k = 'b')")
    database.slotted()
    read = await drain(database.connector())
    assert said(read) == [("b", '"2"}')]


async def test_a_server_process_that_hangs_is_left(followed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE_S", 0.3)
    followed.run(f"INSERT INTO said SELECT i, i, {WHEN} FROM generate_series(1, 200000) i")
    stopped = []
    async with aclosing(followed.connector(timeout_s=1).capture(None)) as batches:
        await anext(batches)
        stopped += followed.run(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'lineside' AND state = 'active'"
        )
        os.kill(stopped[0][0], signal.SIGSTOP)
        try:
            with pytest.raises(SourceUnavailable, match="no answer"):
                async for _ in batches:
                    pass
        finally:
            os.kill(stopped[0][0], signal.SIGCONT)


async def test_rows_of_another_server_are_known_by_a_version_of_their_own(followed: Database) -> None:
    tables = [{"table": "said", "key": "k", "version": "at", "mapping": MAPPING}]
    first = await drain(followed.connector(tables=tables))
    read = await after(followed, f"INSERT INTO said VALUES ('a', '1', {WHEN})", first=first, tables=tables)
    other = followed.server.fresh()
    other.run(
        "CREATE TABLE said (k TEXT PRIMARY KEY, n TEXT, at TIMESTAMPTZ, note TEXT)",
        f"INSERT INTO said VALUES ('a', '1', {WHEN})",
    )
    other.published()
    moved = await drain(other.connector(tables=tables), read.checkpoint)
    assert moved.ids == read.ids
    assert len(moved.gaps) == 1


async def test_a_url_that_is_none_is_not_repeated(database: Database) -> None:
    with pytest.raises(BadSettings) as refused:
        await drain(database.connector(url="secret word"))
    assert "word" not in refused.value.message
