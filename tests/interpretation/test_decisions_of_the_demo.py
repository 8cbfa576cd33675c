"""On the simulated plant: what is in force, what broke and when, what came of choices, and what must be told again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from lineside.interpretation.recalled import How, Told, recalls
from lineside.interpretation.standing import broken, decided, in_force
from lineside.simulator.simulation import Simulation

KINDS = ("purchase_order_line:", "maintenance_order:", "lot:", "hold:")


def about(event: Any, job_order: str) -> bool:
    """The records that decisions rest on, and those of the job order whose count was corrected."""
    data, type_ = event["data"], event["type"].rpartition(".")[2]
    if type_ == "report":
        return bool(data["entity"].startswith(KINDS))
    return type_ in ("decision", "correction", "deletion") or data.get("job_order") == job_order


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_decisions_and_what_was_told_stand_as_the_simulation_knows_them(remembered, seed):
    simulation = Simulation(seed, 14)
    truth: Any = simulation.truth()
    events = [e for e in simulation.open_records() if about(e, truth["corrected"]["job_order"])]
    memory = remembered(events, simulation.plant_toml(), truth["anchor"])
    view = memory.view()
    known, repair = truth["decisions"], truth["decisions"]["repair"]

    def name(decision: str) -> str:
        return f"notes:{decision}"

    standing = {name(each) for each in in_force(view).data["decisions"]}
    assert standing == {d["id"] for d in known.values() if d["in_force"]}

    reading = broken(view)
    (lost,) = reading.data["broken"]
    by = view.record(lost["by"]).provenance
    slipped = datetime.fromisoformat(repair["broken_at"])
    assert name(lost["decision"]) == repair["id"]
    assert f"{by.source}:{by.source_id}" in repair["broken_by"]
    assert abs(datetime.fromisoformat(lost["since"]) - slipped) < timedelta(minutes=5)
    assert reading.next_steps == (f"Ask {repair['decided_by']} whether the decision still stands.",)
    assert broken(memory.view(as_of=slipped - timedelta(minutes=10))).data.get("broken") is None

    for decision in view.decisions():
        choice = next((d for d in known.values() if d["came"] and d["choice"] == decision.choice), None)
        if choice and decision.outcome:
            told = decided(view, [decision]).data
            assert told["right"] == "borne out"
            assert told["came"] in (choice["came"], "unsaid")
            if choice is known.get("override"):
                assert told["came"] == choice["came"]

    corrected = truth["corrected"]
    at = datetime.fromisoformat(corrected["at"])
    before = memory.view(as_of=at - timedelta(minutes=1))
    made = before.events(kinds=("production",), within=None)
    ids = {e.provenance.record_id: e for e in made if e.job_order == corrected["job_order"]}
    wrong = next(i for i, e in ids.items() if f"mes:{e.provenance.source_id}" == corrected["wrong"])
    told_before = Told(
        kind="answer", place="c#1", question="How much?", as_of=before.as_of, claims=(("So much.", tuple(ids)),)
    )
    (recall,) = recalls(view, [told_before])
    assert [(c.record, c.how) for c in recall.changes] == [(wrong, How.CORRECTED)]
    assert str(corrected["right"]) in recall.changes[0].now
    assert recalls(before, [told_before]) == []
