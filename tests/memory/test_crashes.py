"""What a kill, a second process or a full disk leave behind: whole batches, or nothing of them."""

from __future__ import annotations

import importlib.util
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import func, select, text

from lineside.errors import StoreUnavailable
from lineside.memory import tables

WRITER = Path(__file__).parent / "crash_writer.py"


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("crash_writer", WRITER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(url: str, name: str, batches: int, size: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, str(WRITER), url, name, str(batches), str(size)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_a_killed_process_leaves_whole_batches_and_its_restart_loses_nothing(store_url, open_memory, writer):
    memory = open_memory(store_url, plant=writer.PLANT)
    size, acknowledged = 40, -1
    for attempt in range(4):
        process = run(store_url, "plc", 1000, size)
        assert process.stdout is not None
        for _ in range(random.Random(attempt).randint(1, 6)):
            acknowledged = max(acknowledged, int(process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        process.communicate()

        kept = (memory.checkpoint("plc") or {})["batch"]
        with memory.read() as connection:
            counts = {
                table.name: connection.scalar(select(func.count()).select_from(table))
                for table in (tables.messages, tables.records, tables.passages)
            }
            highest = connection.scalar(select(func.max(tables.messages.c.id)))
        assert kept <= highest // size - 1
        assert set(counts.values()) == {highest}
        assert highest % size == 0
        assert highest // size >= acknowledged + 1
        (account,) = memory.sources_seen()
        assert account.received == account.recorded + account.known + account.dead_lettered
    if memory.database.is_sqlite:
        with closing(sqlite3.connect(memory.database.sqlite_path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_two_processes_write_at_once_while_a_third_reads_and_nothing_is_lost(store_url, open_memory, writer):
    memory = open_memory(store_url, plant=writer.PLANT)
    processes = [run(store_url, name, 15, 20) for name in ("wms", "erp")]
    while any(process.poll() is None for process in processes):
        seen = len(memory.view().notes())
        assert seen % 20 == 0
    for process in processes:
        process.communicate()
        assert process.returncode == 0

    assert [(each.source, each.recorded) for each in memory.sources_seen()] == [("erp", 300), ("wms", 300)]
    assert len(memory.view().notes()) == 600


def test_a_full_disk_keeps_nothing_of_the_batch_and_says_so(tmp_path, open_memory, writer):
    memory = open_memory(f"sqlite:///{tmp_path / 'lineside.db'}", plant=writer.PLANT)
    memory.remember(writer.batch("plc", 0, 10), source="plc", translate=writer.translate)
    with memory.read() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
    memory.close()

    from sqlalchemy import event

    def fill(connection, _record):
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(memory.engine, "connect", fill)
    with pytest.raises(StoreUnavailable, match="full"):
        memory.remember(writer.batch("plc", 1, 2000), source="plc", translate=writer.translate)

    assert memory.checkpoint("plc") == {"batch": 0}
    assert len(memory.view().notes()) == 10
    event.remove(memory.engine, "connect", fill)
    memory.close()
    assert memory.remember(writer.batch("plc", 1, 2000), source="plc", translate=writer.translate).recorded == 2000


def test_a_home_that_can_not_be_written_is_unavailable_not_a_crash(tmp_path, writer):
    with pytest.raises(StoreUnavailable):
        writer.open_home(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'lineside.db'}")


def test_readers_go_on_while_a_writer_holds_its_transaction(store_url, open_memory, writer):
    memory, other = open_memory(store_url, plant=writer.PLANT), open_memory(store_url, plant=writer.PLANT)
    with memory.write() as connection:
        connection.execute(tables.contacts.insert().values(source="plc", contact_at=1))
        assert other.view().notes() == []
        assert other.sources_seen() == []
    assert [each.source for each in other.sources_seen()] == ["plc"]
