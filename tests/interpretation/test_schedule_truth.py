"""When running job orders end: what is predicted, against what the simulated plant then does."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median

import pytest

from lineside.interpretation.planned_work import planned_work
from lineside.interpretation.schedule import dispatch
from lineside.plant.plant_file import parse_plant
from lineside.simulator.simulation import Simulation

_FLOOR = ("mes", "erp")


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_predicted_end_is_near_the_real_one_and_its_bounds_are_honest(remembered, seed):
    simulation = Simulation(seed, days=14)
    kinds = ("job_order", "started", "completed", "production", "changeover_start", "changeover_end", "stop", "start",
             "slow", "slow_end")  # fmt: skip
    records = [fact.cloud_event() for fact in simulation.facts() if fact.source in _FLOOR and fact.kind in kinds]
    memory = remembered(records, parse_plant(simulation.plant_toml()), simulation.now)
    runs = [
        (run["job_order"], datetime.fromisoformat(run["from"]), datetime.fromisoformat(run["to"]))
        for run in simulation.truth()["runs"]
    ]
    errors, inside, relative = [], [], []
    for hours in range(0, 48, 6):
        moment = simulation.now - timedelta(hours=hours)
        work = planned_work(memory.view(as_of=moment))
        present = dispatch(work.shop)
        spans = work.span(work.shop, present)
        for job, began, done in runs:
            if began <= moment < done:
                late = (present.operations[job].end - done).total_seconds() / 60
                errors.append(abs(late))
                relative.append(abs(late) / max(30.0, (done - moment).total_seconds() / 60))
                inside.append(spans[job][0] <= done <= spans[job][1])

    # Eight moments of up to four lines. The bounds are where nine of ten runs lie; what no record tells ahead (a part
    # that will wear, a changeover that will overrun) falls outside.
    assert len(errors) >= 20
    assert median(errors) <= 25
    assert sum(relative) / len(relative) <= 0.15
    assert sum(inside) / len(inside) >= 0.75
