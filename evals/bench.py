"""How fast Lineside is, as a share of a baseline in the same run: machines differ and are noisy, ratios less so.

python -m evals.bench [--seed N] [--days N] [--large N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count as count_from_zero
from pathlib import Path
from typing import Any

from lineside.app import Lineside, open_lineside
from lineside.serve.asking import ask_once
from lineside.serve.importing import import_file
from lineside.simulator.simulation import Simulation

WARM_UP, ROUNDS = 1, 5
_OWN_IDS = {"job_order", "lot", "sales_order", "shipment", "hold", "corrects", "of"}


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
            took_import = _once(lambda: import_file(lineside, home / "records.jsonl", quiet=True))
            took_index = _once(lineside.memory.index_pending)
            bare, words = _bare(home / "bare.db", lines)
            asked = _questions(simulation)
            now = simulation.now + timedelta(seconds=1)
            per_kind: dict[str, list[float]] = {question: [] for question in asked}
            for turn in range(WARM_UP + ROUNDS):
                for question in asked:
                    took = _once(partial(_ask, lineside, question, now))
                    if turn >= WARM_UP:
                        per_kind[question].append(took * 1000)
        finally:
            lineside.close()
        lookups = [_once(partial(words, question)) * 1000 for question in asked for _ in range(ROUNDS)]
    times = [took for each in per_kind.values() for took in each]
    slowest = max(per_kind, key=lambda question: statistics.median(per_kind[question]))
    return {
        "records": len(lines),
        "import_records_per_s": round(len(lines) / took_import),
        "import_times_bare_insert": round(took_import / bare, 1),
        "index_s": round(took_index, 1),
        "questions": len(times),
        "question_p50_ms": round(_percentile(times, 50), 1),
        "question_p95_ms": round(_percentile(times, 95), 1),
        "question_p95_times_bare_lookup": round(_percentile(times, 95) / _percentile(lookups, 95), 1),
        "slowest": slowest,
        "slowest_p50_ms": round(statistics.median(per_kind[slowest]), 1),
    }


def measure_large(seed: int, days: int, records: int) -> dict[str, Any]:
    """What the memory alone takes when it holds a longer history: the plant's own, again and again, each time earlier
    and under other ids. The vector index is left out: it is measured above."""
    simulation = Simulation(seed, days)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "plant.toml").write_text(simulation.plant_toml(), encoding="utf-8")
        count = 0
        with (home / "records.jsonl").open("w", encoding="utf-8") as file:
            for line in _history(list(simulation.open_records()), days):
                file.write(line + "\n")
                if (count := count + 1) == records:
                    break
        lineside = open_lineside(home)
        try:
            took_import = _once(lambda: import_file(lineside, home / "records.jsonl", quiet=True))
            view = lineside.memory.view(as_of=simulation.now + timedelta(seconds=1))
            lots = view.entities("lot")
            work: dict[str, Callable[[], object]] = {
                "entities": view.entities,
                "find": lambda: view.find(lots[-1].id),
                "knows": lambda: view.knows(lots[-1]),
                "mentions": lambda: view.mentions(lots[-1]),
                "said_of_one": lambda: view.said(entity=lots[-1]),
                "said_of_200": lambda: view.said(entities=lots[:200]),
                "freshness": view.freshness,
            }
            asked = _questions(simulation)
            recalls = [_once(partial(lineside.memory.recall, text, view=view)) * 1000 for text in asked]
            took = {name: statistics.median(_once(each) * 1000 for _ in range(ROUNDS)) for name, each in work.items()}
        finally:
            lineside.close()
    return {
        "large_records": count,
        "large_import_records_per_s": round(count / took_import),
        "large_recall_p50_ms": round(_percentile(recalls, 50), 1),
        "large_recall_p95_ms": round(_percentile(recalls, 95), 1),
        **{f"large_{name}_ms": round(value, 1) for name, value in took.items()},
    }


def _ask(lineside: Lineside, question: str, now: datetime) -> None:
    asyncio.run(ask_once(lineside, question, at=now, person=None))


def _questions(simulation: Simulation) -> list[str]:
    asked: Any = simulation.truth()["questions"]  # plain JSON
    return [str(question["text"]) for question in asked]


def _history(events: Sequence[dict[str, Any]], days: int) -> Iterator[str]:
    """The same events for ever, each round `days` earlier; its messages and all but places and materials are others."""
    for turn in count_from_zero():
        for event in events:
            data = {
                name: f"{value}-{turn}" if name in _OWN_IDS else value for name, value in dict(event["data"]).items()
            }
            if str(data.get("entity", "")).partition(":")[0] not in {"", "equipment", "material"}:
                data["entity"] = f"{data['entity']}-{turn}"
            times = {name: _earlier(event[name], days * turn) for name in ("time", "reportedat") if name in event}
            yield json.dumps({**event, **times, "id": f"{event['id']}-{turn}", "data": data}, ensure_ascii=False)


def _earlier(time_text: str, days: int) -> str:
    return (datetime.fromisoformat(time_text) - timedelta(days=days)).isoformat()


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

    return _once(insert), lookup


def _once(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _percentile(values: Sequence[float], percent: int) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, round(percent / 100 * (len(ranked) - 1)))]


def main() -> int:
    """Prints the figures; exit 0 whatever they are: they are read, not asserted."""
    options = argparse.ArgumentParser(prog="python -m evals.bench", description=__doc__)
    options.add_argument("--seed", type=int, default=3)
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--large", type=int, default=100_000, help="records of the long history; 0 leaves it out")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    figures = measure(chosen.seed, chosen.days)
    _show(figures)
    if chosen.large:
        large = measure_large(chosen.seed, chosen.days, chosen.large)
        _show(large)
        figures |= large
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return 0


def _show(figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        print(f"{name:32} {value}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
