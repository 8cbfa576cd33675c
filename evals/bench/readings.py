"""How long each reading takes, warm, over a plant with years of history; against the same over one month."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lineside.agent.tools import TOOLS, Context
from lineside.app import Lineside, collect_seldom, open_lineside
from lineside.memory import View
from lineside.plant.windows import Window
from lineside.serve.importing import import_file
from lineside.simulator.simulation import Simulation

MONTH, ROUNDS = 30, 3
A_DAY = 728  # records that the demo plant makes, about


def measure(seed: int, records: int, home: Path | None) -> Iterator[tuple[str, str]]:
    """Milliseconds of processor time of each tool over so many records, and the same over a month: a reading is one
    thread, and a busy machine spoils the clock. Of several rounds the quickest, as what runs beside it only adds.

    home: where the long history is kept, and found again by the next run.
    """
    collect_seldom()  # as every command does
    with tempfile.TemporaryDirectory() as folder:
        month = [value for _, value in _times(Path(folder) / "month", seed, MONTH)]
        years = _times(home or Path(folder) / "years", seed, max(MONTH, round(records / A_DAY)))
        for (name, value), before in zip(years, month, strict=True):
            yield name, f"{value:.0f} ms ({before:.0f} over a month)"


def _times(home: Path, seed: int, days: int) -> Iterator[tuple[str, float]]:
    """Each call with how long it takes; a thing that is asked about is told by its kind."""
    now = _made(home, seed, days) + timedelta(seconds=1)
    lineside = open_lineside(home)
    try:
        for tool, arguments in _asked(lineside.memory.view(as_of=now)):
            told = {
                name: str(value).partition(":")[0] if name == "entity" else value for name, value in arguments.items()
            }
            yield f"{tool} {json.dumps(told)}", _quickest(lineside, now, tool, arguments)
    finally:
        lineside.close()


def _made(home: Path, seed: int, days: int) -> datetime:
    """The history is in the home, by this run or an earlier one; the time at its end."""
    end = home / "now"
    if end.exists():
        return datetime.fromisoformat(end.read_text(encoding="utf-8"))
    home.mkdir(parents=True, exist_ok=True)
    simulation = Simulation(seed, days)
    (home / "plant.toml").write_text(simulation.plant_toml(), encoding="utf-8")
    with (home / "records.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in simulation.open_records())
    lineside = open_lineside(home)
    try:
        import_file(lineside, home / "records.jsonl", quiet=True)
    finally:
        lineside.close()
    end.write_text(simulation.now.isoformat(), encoding="utf-8")
    return simulation.now


def _quickest(lineside: Lineside, now: datetime, tool: str, arguments: Mapping[str, Any]) -> float:
    def read() -> float:
        began = time.process_time()
        view = lineside.memory.view(as_of=now)
        TOOLS[tool].call(Context(memory=lineside.memory, view=view, asked=""), arguments)
        return (time.process_time() - began) * 1000

    read()
    return min(read() for _ in range(ROUNDS))


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
        ("tally", {"subject": "job_order"}),
        ("ranking", {"kinds": ["sales_order_line"], "by": "due"}),
        ("patterns", {}),
        ("briefing", {}),
        ("set_apart", {"dimension": "crew"}),
        ("similar", {"text": "jam at the filler"}),
        ("similar", {"text": "stop"}),
        *(("similar", {"text": "", "entity": each}) for each in (lot, f"equipment:{place}")),
        ("in_force", {}),
        ("broken_assumptions", {}),
        ("decided", {"text": "shortage of material"}),
        ("recalled", {}),
        ("handover", {}),
        ("rush_order", {"material": material, "quantity": 500, "due": "tomorrow"}),
        ("what_if_down", {"equipment": place, "until": "18:00"}),
        ("resequence_options", {"equipment": place}),
    ]
