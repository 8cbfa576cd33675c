"""What repeats, by whom it was mended and for how long, against what the simulated plant knows of it."""

from __future__ import annotations

import pytest

from lineside.interpretation.patterns import patterns
from lineside.interpretation.set_apart import set_apart
from lineside.interpretation.similar_cases import similar
from lineside.plant.plant_file import parse_plant
from lineside.simulator.simulation import Simulation

_KINDS = ("stop", "start", "changeover_start", "changeover_end")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_stop_that_comes_back_is_told_with_each_crews_cases_and_fix(remembered, seed):
    simulation = Simulation(seed, days=14)
    truth = simulation.truth()["recurring"]
    told = {i for crew in truth["crews"].values() for i in crew["notes"]}
    records = [
        fact.cloud_event()
        for fact in simulation.facts()
        if fact.data.get("kind") in _KINDS or f"{fact.source}:{fact.id}" in told
    ]
    view = remembered(records, parse_plant(simulation.plant_toml()), simulation.now).view()

    reading = patterns(view, equipment=truth["line"])
    group = next(g for g in reading.data["groups"] if g["label"] == truth["reason"])
    assert (group["count"], group["equipment"]) == (truth["stops"], f"{truth['line']}/{truth['unit']}")
    assert group["minutes"] == pytest.approx(sum(c["minutes"] for c in truth["crews"].values()), abs=truth["stops"])

    by_crew = set_apart(view, "crew", equipment=truth["line"], reason=truth["reason"])
    counts = {crew: level["count"] for crew, level in by_crew.findings[0].data["levels"].items()}
    assert counts == {crew: mended["stops"] for crew, mended in truth["crews"].items()}

    reading = similar(view, truth["reason"])
    assert f"{truth['stops']} times" in reading.verdict
    lasting = max(truth["crews"].values(), key=lambda c: c["median_hours_until_back"] or 0)
    outcomes = {crew: f.data for f in reading.findings if "fix" in f.data for crew in f.data["crews"]}
    assert set(outcomes) == set(truth["crews"])
    best = max(outcomes, key=lambda crew: outcomes[crew]["median_away_s"] or 0)
    assert truth["crews"][best] is lasting
