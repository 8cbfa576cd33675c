"""No two processes read one source at the same time, whatever becomes of either."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from lineside.errors import SourceTaken
from lineside.memory import leases, tables
from lineside.memory.intake import catch_up

from .lease_holder import Endless, crash_writer

HOLDER = Path(__file__).parent / "lease_holder.py"


LONG_S = 600.0  # a busy machine is slower than any short lease


@pytest.fixture
def start(store_url: str) -> Iterator[object]:
    """Starts processes that read the source until they are killed; each has committed a batch by then."""
    running = []

    def started(lease_s: float, *, confirms: bool = True) -> subprocess.Popen[str]:
        arguments = [sys.executable, str(HOLDER), store_url, str(lease_s), "confirms" if confirms else "hangs"]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        return process

    yield started
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def test_who_comes_first_has_it_until_the_lease_runs_out_or_is_given_back(store_url, open_memory):
    memory = open_memory(store_url)
    with memory.write() as connection:
        assert leases.take(connection, "erp", "a", 60.0)
        assert leases.take(connection, "erp", "a", 60.0), "taking again what one has renews it"
        assert not leases.take(connection, "erp", "b", 60.0)
        assert leases.take(connection, "mes", "b", 60.0)
        assert leases.renew(connection, ["a", "b", "c"], 60.0) == {"a", "b"}
        connection.execute(update(tables.leases).where(tables.leases.c.source == "erp").values(until=1))
        assert leases.holding(connection, "erp") is None
        assert leases.take(connection, "erp", "b", 60.0)
        leases.release(connection, ["b"])
        assert connection.scalars(select(tables.leases.c.source)).all() == []


def test_without_the_lease_nothing_of_a_batch_is_kept(store_url, open_memory):
    memory = open_memory(store_url, plant=crash_writer.PLANT)
    with memory.write() as connection:
        leases.take(connection, "plc", "a", 60.0)
    keep = {"source": "plc", "translate": crash_writer.translate}
    memory.remember(crash_writer.batch("plc", 0, 3), **keep, holder="a")
    with memory.write() as connection:
        connection.execute(update(tables.leases).values(holder="b"))
    with pytest.raises(SourceTaken):
        memory.remember(crash_writer.batch("plc", 1, 3), **keep, holder="a")
    assert (len(memory.view().notes()), memory.checkpoint("plc")) == (3, {"batch": 0})


async def test_while_another_process_reads_a_source_nobody_else_does(store_url, open_memory, start):
    memory = open_memory(store_url, plant=crash_writer.PLANT)
    start(30.0)  # whose renewal, after a third of it, tells that its holder lives
    idle = Endless(confirms=True)
    with pytest.raises(SourceTaken, match="process"):
        await catch_up(memory, idle, lease_s=1.0)
    assert idle.confirmed == []


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_process_killed_in_mid_lease_between_commit_and_confirm_loses_and_doubles_nothing(
    store_url, open_memory, start, elsewhere
):
    memory = open_memory(store_url, plant=crash_writer.PLANT)
    process = start(LONG_S, confirms=False)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert memory.checkpoint("plc") == {"batch": 0}
    with memory.read() as connection:
        (holder,) = connection.scalars(select(tables.leases.c.holder))
    if elsewhere:
        with memory.write() as connection:
            connection.execute(update(tables.leases).values(holder=holder.replace("@", "@elsewhere.")))
    with memory.read() as connection:
        assert (leases.holding(connection, "plc") is None) is not elsewhere
    if elsewhere:  # of another machine nobody can tell that it ended; its lease runs out
        with memory.write() as connection:
            connection.execute(update(tables.leases).values(until=1))

    outcome = await catch_up(memory, Endless(confirms=True, last=3), lease_s=LONG_S)

    assert (outcome.received, outcome.recorded) == (15, 15)
    assert len(memory.view().notes()) == 20
    with memory.read() as connection:
        assert leases.holding(connection, "plc") is None
