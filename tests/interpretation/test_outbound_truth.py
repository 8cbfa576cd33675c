"""What the dock and production are told of tomorrow, against what the simulated plant knows of it."""

from __future__ import annotations

from datetime import datetime

import pytest

from lineside.interpretation.production_risk import production_risk
from lineside.interpretation.readiness import readiness
from lineside.interpretation.slips import hit_by_carrier
from lineside.interpretation.staging import lacking_material
from lineside.interpretation.surprises import surprises, tomorrow
from lineside.plant.entities import Entity
from lineside.plant.plant_file import parse_plant
from lineside.simulator.simulation import Simulation

_NEEDED = ("erp", "mes", "wms", "qms", "tracker")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tomorrow_is_told_line_by_line_as_it_is(remembered, seed):
    simulation = Simulation(seed, days=14)
    truth = simulation.truth()
    records = [fact.cloud_event() for fact in simulation.facts() if fact.source in _NEEDED]
    view = remembered(records, parse_plant(simulation.plant_toml()), simulation.now).view()

    told = surprises(view)
    rows = {row["line"]: row for row in truth["outbound"]}
    shown = {row["line"] for row in told.data["surprises"]} | set(told.data["calm"])
    assert shown == set(rows)
    assert all(row["leaves"] and _same(row["leaves"], rows[row["line"]]["leaves"]) for row in told.data["surprises"])

    duties = [row for row in production_risk(view, tomorrow(view)).data["duties"] if row["subject"].startswith("job_")]
    still = {row["job_order"]: row for row in rows.values() if not row["made"]}
    assert {row["subject"].partition(":")[2] for row in duties} == set(still)
    assert {row["equipment"] for row in duties} == {row["equipment"] for row in still.values()}
    for row in duties:
        assert datetime.fromisoformat(row["by"]) <= datetime.fromisoformat(still[row["subject"][10:]]["cut_off"])

    for order in truth["orders"]:
        line = readiness(view, Entity("sales_order_line", order["line"])).data["lines"][0]
        assert line["shippable"] is (order["shippable"] == "yes")
        assert (line["buckets"]["wanted"], line["made"]) == (str(order["quantity"]), str(order["made"]))

    short = truth["short"]
    lacking = lacking_material(view, job=Entity("job_order", short["job_order"]))
    assert [(n["job_order"], n["material"]) for n in lacking.data["needs"] if n["buckets"]["staged"] == "0"] == [
        (short["job_order"], short["material"])
    ]
    truck = Entity("shipment", truth["truck"]["shipment"])
    hit = hit_by_carrier(view, shipment=truck, delay_s=7200)
    assert set(hit.data["lines"]) >= {order["line"] for order in truth["orders"]}


def _same(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) == datetime.fromisoformat(other)
