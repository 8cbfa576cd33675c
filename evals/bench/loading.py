"""python -m evals.bench.loading KIND ROWS [postgresql]: one source into a fresh memory, in a process of its own,
so that nothing else is in its figures; they come as JSON on the last line."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.bench.kinds import KINDS, postgres
from evals.bench.timing import took
from lineside import connector
from lineside.memory import Memory
from lineside.memory.intake import Progress, catch_up
from lineside.plant.plant_file import parse_plant

_PLANT = 'site = "northfield"\ntime_zone = "UTC"\n'
_SETTLED_PCT = 20  # by then caches and buffers are as large as they get
_AT_ONCE = 10_000


def load(kind: str, rows: int, store: str) -> dict[str, Any]:
    """Everything that the source says is remembered, and its rows are inserted bare for comparison. Sizes in MB."""
    with tempfile.TemporaryDirectory() as folder, _store(store, Path(folder)) as url:
        home = Path(folder)
        plant = parse_plant(_PLANT)
        with KINDS[kind](home, rows) as (name, options):
            memory = Memory.open(url, index_dir=None, plant=plant, clock=lambda: datetime.now(UTC), migrate=True)
            try:
                reader = connector.load(name)(kind, options, time_zone=plant.time_zone, clock=memory.clock)
                sizes: list[tuple[int, float]] = []

                def told(progress: Progress) -> None:
                    sizes.append((progress.outcome.received, _resident_mb()))

                began = time.process_time()
                loads = took(lambda: sizes.append((asyncio.run(catch_up(memory, reader, progress=told)).received, 0)))
                worked = time.process_time() - began
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                received = sizes.pop()[0]
                account = next(each for each in memory.sources_seen() if each.source == kind)
                bare, records = _bare(memory, url, home)
            finally:
                memory.close()
    settled = next((size for count, size in sizes if count * 100 >= received * _SETTLED_PCT), sizes[-1][1])
    return {
        "kind": kind,
        "store": store,
        "messages": received,
        "dead": account.dead_lettered,
        "records": records,
        "seconds": round(loads, 1),
        "records_per_s": round(records / loads),
        "records_per_cpu_s": round(records / worked),
        "bare_records_per_s": round(records / bare),
        "share_of_bare_pct": round(100 * bare / loads, 1),
        "rss_at_start_mb": round(sizes[0][1]),
        "rss_peak_mb": round(peak),
        "rss_growth_mb": round(max(size for _, size in sizes) - settled, 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _bare(memory: Memory, url: str, home: Path) -> tuple[float, int]:
    """Seconds that the database alone takes to keep the same rows, by executemany in one transaction; how many."""
    base, insert = _bare_table(url, home)
    seconds, count = 0.0, 0
    with memory.read() as connection:
        query = "SELECT source_id, occurred_at, reported_at, body FROM records"
        found = connection.execution_options(stream_results=True).exec_driver_sql(query)
        for some in found.partitions(_AT_ONCE):
            rows = [tuple(row) for row in some]
            seconds += took(lambda rows=rows: base.cursor().executemany(insert, rows))  # type: ignore[misc]
            count += len(rows)
    seconds += took(base.commit)
    base.close()
    return seconds, count


def _bare_table(url: str, home: Path) -> tuple[Any, str]:
    make = "CREATE TABLE bare (source_id TEXT, occurred_at BIGINT, reported_at BIGINT, body TEXT)"
    if url.startswith("sqlite"):
        base = sqlite3.connect(home / "bare.db")
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute(make)
        return base, "INSERT INTO bare VALUES (?, ?, ?, ?)"
    import psycopg

    served = psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:"))
    served.execute(make.encode())
    return served, "INSERT INTO bare VALUES (%s, %s, %s, %s)"


@contextmanager
def _store(store: str, home: Path) -> Iterator[str]:
    if store == "sqlite":
        yield f"sqlite:///{home / 'lineside.db'}"
        return
    with postgres(home) as url:
        yield url.replace("postgresql:", "postgresql+psycopg:")


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "sqlite")))
