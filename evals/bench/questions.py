"""Import of a plant's history against a bare bulk insert, and the own time of questions against a bare lookup."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from evals.bench.timing import percentile, took
from lineside.app import Lineside, open_lineside
from lineside.serve.asking import ask_once
from lineside.serve.importing import import_file
from lineside.simulator.simulation import Simulation

WARM_UP, ROUNDS = 1, 5


def measure(seed: int, days: int) -> dict[str, Any]:
    """Import of a plant's history against a bare bulk insert, and the own time of questions against a bare full-text
    lookup of their words. Times in ms unless said otherwise."""
    simulation = Simulation(seed, days)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "plant.toml").write_text(simulation.plant_toml(), encoding="utf-8")
        lines = [json.dumps(event, ensure_ascii=False) for event in simulation.open_records()]
        (home / "records.jsonl").write_text("\n".join(lines), encoding="utf-8")
        lineside = open_lineside(home)
        try:
            took_import = took(lambda: import_file(lineside, home / "records.jsonl", quiet=True))
            took_index = took(lineside.memory.index_pending)
            bare, words = _bare(home / "bare.db", lines)
            asked = questions(simulation)
            now = simulation.now + timedelta(seconds=1)
            per_kind: dict[str, list[float]] = {question: [] for question in asked}
            for turn in range(WARM_UP + ROUNDS):
                for question in asked:
                    seconds = took(partial(_ask, lineside, question, now))
                    if turn >= WARM_UP:
                        per_kind[question].append(seconds * 1000)
        finally:
            lineside.close()
        lookups = [took(partial(words, question)) * 1000 for question in asked for _ in range(ROUNDS)]
    times = [one for each in per_kind.values() for one in each]
    slowest = max(per_kind, key=lambda question: statistics.median(per_kind[question]))
    return {
        "records": len(lines),
        "import_records_per_s": round(len(lines) / took_import),
        "import_times_bare_insert": round(took_import / bare, 1),
        "index_s": round(took_index, 1),
        "questions": len(times),
        "question_p50_ms": round(percentile(times, 50), 1),
        "question_p95_ms": round(percentile(times, 95), 1),
        "question_p95_times_bare_lookup": round(percentile(times, 95) / percentile(lookups, 95), 1),
        "slowest": slowest,
        "slowest_p50_ms": round(statistics.median(per_kind[slowest]), 1),
    }


def _ask(lineside: Lineside, question: str, now: datetime) -> None:
    asyncio.run(ask_once(lineside, question, at=now, person=None))


def questions(simulation: Simulation) -> list[str]:
    asked: Any = simulation.truth()["questions"]  # plain JSON
    return [str(question["text"]) for question in asked]


def _bare(path: Path, lines: Sequence[str]) -> tuple[float, Callable[[str], object]]:
    """Seconds that SQLite alone takes to keep the same lines with a full-text index, and a lookup in that index."""
    base = sqlite3.connect(path)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    base.execute("CREATE TABLE lines (id INTEGER PRIMARY KEY, line TEXT)")
    base.execute("CREATE VIRTUAL TABLE words USING fts5(line)")

    def insert() -> None:
        base.executemany("INSERT INTO lines (line) VALUES (?)", ((line,) for line in lines))
        base.executemany("INSERT INTO words (line) VALUES (?)", ((line,) for line in lines))
        base.commit()

    def lookup(question: str) -> object:
        terms = " OR ".join(f'"{word}"' for word in question.replace('"', " ").split())
        return base.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT 10", (terms,)).fetchall()

    return took(insert), lookup
