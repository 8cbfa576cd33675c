"""What repeats, by whom it was mended and for how long, against what the simulated plant knows of it."""

from __future__ import annotations

import pytest

from lineside.interpretation.denominators import LOTS, ORDERS, UNITS
from lineside.interpretation.occurrences import occurrences
from lineside.interpretation.patterns import look_back, patterns
from lineside.interpretation.running_hours import LineHours
from lineside.interpretation.set_apart import set_apart
from lineside.interpretation.similar_cases import similar
from lineside.interpretation.stops import intervals
from lineside.interpretation.trials import Trials
from lineside.plant.plant_file import parse_plant
from lineside.plant.records import RecordType
from lineside.simulator.simulation import Simulation

_COUNTED = (
    "stop", "start", "changeover_start", "changeover_end", "started", "production", "scrap", "sample", "hold_placed",
    "departed", "lot", "job_order", "shipment", "sales_order_line",
)  # fmt: skip
_TAKEN_BACK = (RecordType.CORRECTION, RecordType.DELETION)
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


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_cases_are_counted_against_is_what_was_made_inspected_and_shipped(remembered, seed):
    simulation = Simulation(seed, days=14)
    truth = simulation.truth()["counted"]
    records = [
        fact.cloud_event()
        for fact in simulation.facts()
        if fact.kind in _COUNTED or (fact.source == "mes" and fact.type in _TAKEN_BACK)
    ]
    view = remembered(records, parse_plant(simulation.plant_toml()), simulation.now).view()
    span = look_back(view, None)
    trials = Trials(LineHours(view, span, intervals(view, None, span)))

    lots, units, orders = (trials.counted(of, []) for of in (LOTS, UNITS, ORDERS))
    made_on = {piece.called[0]: piece.line for piece in lots.pieces}
    assert {lot: line for lot, line in made_on.items() if line} == truth["lots"]
    assert {*truth["held"]} <= {*made_on}
    assert units.total == pytest.approx(sum(truth["good"].values()), rel=0.01)
    assert units.by["crew"] == pytest.approx(truth["good"], rel=0.02)
    assert orders.total == truth["shipped"]

    scrap = set_apart(view, "crew", kind="scrap")
    rejects = {crew: level["count"] for crew, level in scrap.findings[0].data["levels"].items()}
    # What the running shift has rejected is booked as it ends; a component's scrap counts in no run.
    assert rejects == pytest.approx(truth["rejects"], rel=0.13)
    assert sum(abs(rejects[crew] - truth["rejects"][crew]) < 20 for crew in rejects) >= 2
    # No crew, material or line of the plant rejects more than another: each run draws its own share.
    assert not any(set_apart(view, each, kind="scrap").data["beyond_chance"] for each in ("crew", "material", "line"))

    assert sorted(c.about[0] for c in occurrences(view) if c.kind == "late_delivery") == sorted(truth["late"])
