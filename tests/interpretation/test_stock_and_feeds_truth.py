"""Which stock differs and what that endangers, and what changed in the feeds, against what the simulated plant knows.

Before anything was planted no feed may be said to have changed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lineside.interpretation.apart import apart
from lineside.interpretation.facts import Facts
from lineside.interpretation.sentinel import sentinel
from lineside.interpretation.warehouse import warehouse
from lineside.plant.entities import Entity
from lineside.plant.plant_file import parse_plant
from lineside.simulator.simulation import Simulation

_SLACK = timedelta(minutes=5)  # between the systems' clocks
_BESIDE = ("stop", "start", "production", "staged", "packed", "labelled", "loaded", "", "operation", "released")


def told_changes(reading):
    return {
        (f.data["what"], f.data["source"], f.data.get("kind") or f.data["property"].partition(".")[0]): f.data
        for f in reading.findings
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_whole_warehouse_and_every_feed_are_told_as_the_plant_upset_them(remembered, seed):
    simulation = Simulation(seed, days=14, upset=True)
    truth = simulation.truth()
    records = [fact.cloud_event() for fact in simulation.facts() if fact.kind not in _BESIDE]
    memory = remembered(records, parse_plant(simulation.plant_toml()), simulation.now)
    view = memory.view()

    reading = warehouse(view)

    rows = {row["entity"].partition(":")[2]: row for row in reading.data["rows"]}
    expected = {row["material"]: row for row in truth["warehouse"]["differing"]}
    assert {name: {k.partition(":")[0]: int(v) for k, v in row["figures"].items()} for name, row in rows.items()} == {
        name: row["figures"] for name, row in expected.items()
    }
    known = [name for name, row in expected.items() if row["danger"] is not None]
    assert [name for name in rows if name in known] == known
    assert {name: rows[name]["danger"] for name in known} == {name: expected[name]["danger"] for name in known}
    worst = expected[known[0]]
    assert rows[known[0]]["endangers"][0] == f"job_order:{worst['first']}"
    assert datetime.fromisoformat(rows[known[0]]["due"]) == datetime.fromisoformat(worst["due"])
    assert reading.data["compared"] > truth["warehouse"]["agreeing"]

    found = told_changes(sentinel(view))
    planted = {(d["what"], d["source"], d["kind"]): d for d in truth["drift"]}
    assert found.keys() == planted.keys()
    for key, drift in planted.items():
        since = datetime.fromisoformat(found[key]["since"])
        assert abs(since - datetime.fromisoformat(drift["since"])) <= _SLACK, key
        if key[0] in ("unknown code", "unit"):
            assert found[key]["now"] == drift["now"]

    first = min(datetime.fromisoformat(drift["since"]) for drift in planted.values())
    for before in (timedelta(minutes=5), timedelta(days=2)):
        quiet = sentinel(memory.view(as_of=first - before))
        assert (quiet.findings, quiet.data["changes"], quiet.data["mismatches"]) == ((), 0, 0)

    change = truth["change"]
    since = planted["revision", "mes", "job_order"]["since"]
    (wrong,) = revisions_apart(view)
    assert (wrong["revision"], wrong["effective"]) == (change["on_the_floor"], change["in_erp"])
    job = Facts(view).about(Entity.parse(f"job_order:{wrong['job_order']}"))
    assert change["material"] in {said.value for said in job if said.property == "material"}
    assert revisions_apart(memory.view(as_of=datetime.fromisoformat(since) - _SLACK)) == []


def revisions_apart(view):
    return [found.data for found in apart(view).findings if "revision" in found.data]
