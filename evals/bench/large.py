"""What the memory takes when it holds a long history."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count as count_from_zero
from pathlib import Path
from typing import Any

from evals.bench.questions import ROUNDS, questions
from evals.bench.timing import percentile, took
from lineside.app import open_lineside
from lineside.serve.importing import import_file
from lineside.simulator.simulation import Simulation

_OWN_IDS = {"job_order", "lot", "sales_order", "shipment", "hold", "corrects", "of"}


def measure(seed: int, days: int, records: int) -> dict[str, Any]:
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
            took_import = took(lambda: import_file(lineside, home / "records.jsonl", quiet=True))
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
            asked = questions(simulation)
            recalls = [took(partial(lineside.memory.recall, text, view=view)) * 1000 for text in asked]
            each_took = {
                name: statistics.median(took(each) * 1000 for _ in range(ROUNDS)) for name, each in work.items()
            }
        finally:
            lineside.close()
    return {
        "large_records": count,
        "large_import_records_per_s": round(count / took_import),
        "large_recall_p50_ms": round(percentile(recalls, 50), 1),
        "large_recall_p95_ms": round(percentile(recalls, 95), 1),
        **{f"large_{name}_ms": round(value, 1) for name, value in each_took.items()},
    }


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
