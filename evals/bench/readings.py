"""How long each reading takes, warm, over a plant with years of history; against the same over one month."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lineside.agent.tools import TOOLS, Context
from lineside.app import Lineside, open_lineside
from lineside.memory import View
from lineside.plant.windows import Window
from lineside.serve.importing import import_file
from lineside.simulator.simulation import Simulation

MONTH, ROUNDS = 30, 3
A_DAY = 728  # records that the demo plant makes, about


def measure(seed: int, records: int, home: Path | None) -> dict[str, Any]:
    """Median milliseconds of processor time of each tool over so many records, and how many times that of a month: a
    reading is one thread, and a busy machine spoils the clock.

    home: where the long history is kept, and found again by the next run.
    """
    with tempfile.TemporaryDirectory() as folder:
        month = _times(Path(folder) / "month", seed, MONTH)
        years = _times(home or Path(folder) / "years", seed, max(MONTH, round(records / A_DAY)))
    return {name: f"{value:.0f} ms, {value / max(month[name], 0.1):.1f} of a month's" for name, value in years.items()}


def _times(home: Path, seed: int, days: int) -> dict[str, float]:
    home.mkdir(parents=True, exist_ok=True)
    simulation = Simulation(seed, days)
    known = (home / "lineside.db").exists()
    if not known:
        (home / "plant.toml").write_text(simulation.plant_toml(), encoding="utf-8")
        with (home / "records.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in simulation.open_records())
    lineside = open_lineside(home)
    try:
        if not known:
            import_file(lineside, home / "records.jsonl", quiet=True)
        now = simulation.now + timedelta(seconds=1)
        return {
            f"{tool} {json.dumps(arguments)}": _median(lineside, now, tool, arguments)
            for tool, arguments in _asked(lineside.memory.view(as_of=now))
        }
    finally:
        lineside.close()


def _median(lineside: Lineside, now: datetime, tool: str, arguments: Mapping[str, Any]) -> float:
    def read() -> float:
        began = time.process_time()
        view = lineside.memory.view(as_of=now)
        TOOLS[tool].call(Context(memory=lineside.memory, view=view, asked=""), arguments)
        return (time.process_time() - began) * 1000

    read()
    return statistics.median(read() for _ in range(ROUNDS))


def _asked(view: View) -> list[tuple[str, dict[str, Any]]]:
    """A call of each of the nine kinds, of things that were spoken of lately."""
    lately = Window(start=view.as_of - timedelta(days=3), end=view.as_of)

    def one(kind: str, name: str) -> str:
        return str(view.statements(kind=kind, properties=(name,), within=lately)[-1].entity)

    lot, job, line = one("lot", "quality_status"), one("job_order", "status"), one("sales_order_line", "status")
    shipment, stock = one("shipment", "status"), one("inventory", "quantity")
    material = f"material:{stock.partition(':')[2].partition('@')[0]}"
    place = next(each.id for each in view.plant.equipment if each.id.count("/") == 2)
    return [
        *(("state", {"entity": each}) for each in (lot, job, line, shipment)),
        *(("by_state", {"kinds": [kind], "state": "blocked"}) for kind in ("lot", "job_order", "sales_order_line")),
        ("conflicts", {}),
        ("stock", {"entity": material}),
        ("warehouse", {}),
        ("apart", {}),
        ("readiness", {"entity": line}),
        ("readiness", {"entity": shipment}),
        ("looks_complete", {}),
        ("departure", {}),
        ("dock_surprises", {}),
        ("production_risk", {}),
        ("carrier_delay", {"minutes": 120, "shipment": shipment}),
        ("material_readiness", {}),
        ("now", {}),
        ("pace", {"equipment": place}),
        ("kpi", {"equipment": place, "window": "last 7 days"}),
        ("bottleneck", {}),
        ("changes", {"window": "last 24 hours"}),
        ("sources", {}),
        ("feed_changes", {}),
        ("interfaces", {}),
        ("tally", {"subject": "stop", "window": "last 7 days", "group_by": "equipment"}),
        ("ranking", {"kinds": ["sales_order_line"], "by": "due"}),
        ("patterns", {}),
        ("set_apart", {"dimension": "crew"}),
        ("similar", {"text": "jam at the filler"}),
        ("in_force", {}),
        ("broken_assumptions", {}),
        ("decided", {"text": "shortage of material"}),
        ("recalled", {}),
        ("handover", {}),
        ("rush_order", {"material": material, "quantity": 500, "due": "tomorrow"}),
        ("what_if_down", {"equipment": place, "until": "18:00"}),
        ("resequence_options", {"equipment": place}),
    ]
