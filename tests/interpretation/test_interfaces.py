"""Who owns what runs between the systems, and what breaks when one of them is away."""

from __future__ import annotations

from datetime import datetime

import pytest

from lineside.errors import BadSettings
from lineside.interpretation.interfaces import inventory
from lineside.interpretation.outage import without
from lineside.interpretation.rests import parse_rests
from lineside.plant.windows import Window

NOW = "2026-03-20T12:00:00+01:00"


def at(clock):
    return f"2026-03-20T{clock}:00+01:00"


@pytest.fixture
def systems(scribe):
    scribe.report(
        "wawi", at("05:00"), "interface:bestand", owner="it-3", **{"from": "lager", "to": "erp"}, cadence_s=900,
        depends_on=["inventory.quantity:lagerbestand"],
    )  # fmt: skip
    scribe.report("lager", at("06:00"), "inventory:MEHL@1", "lagerbestand", quantity={"value": 4, "unit": "t"})
    scribe.report("wawi", at("06:00"), "inventory:MEHL@1", "buch", quantity={"value": 5, "unit": "t"})
    scribe.report("lager", at("06:00"), "handling_unit:HU-1", packed=True)
    scribe.report("lager", at("06:00"), "shipment:S-1", planned_departure=at("15:00"), status="geplant")
    return scribe


def test_an_interface_is_found_by_the_names_or_the_kinds_of_its_ends(remembered, systems, bakery):
    view = remembered(systems.events, bakery, NOW).view()

    for ends in (("wawi", "lager"), ("erp", "wms"), ("lager", "erp")):
        assert inventory(view, ends).verdict == "Interface bestand runs from lager to erp; it-3 owns it."


def test_what_only_a_system_tells_is_lost_with_it_and_what_falls_due_is_named(remembered, systems, bakery):
    window = Window(start=datetime.fromisoformat(at("14:00")), end=datetime.fromisoformat(at("16:00")))

    reading = without(remembered(systems.events, bakery, NOW).view(), "wms", window=window)

    assert reading.data["interfaces"] == ["bestand"]
    assert reading.data["only_here"] == ["what can leave on a truck"]
    assert set(reading.data["owners"]) == {"buchhaltung-1", "it-3", "lager-1"}
    assert any("S-1 (15:00 CET)" in f.text for f in reading.findings)
    assert any("Go by wawi for inventory.quantity" in step for step in reading.next_steps)


def test_a_past_view_knows_no_later_interface_and_an_unknown_system_is_asked_for(remembered, systems, bakery):
    memory = remembered(systems.events, bakery, NOW)

    assert inventory(memory.view(as_of=datetime.fromisoformat(at("04:00")))).data["interfaces"] == []
    assert without(memory.view(), "fibu").findings == ()


def test_another_source_elsewhere_changes_nothing_of_a_system(remembered, systems, bakery):
    before = without(remembered(systems.events, bakery, NOW).view(), "wms")
    systems.report("labor", at("07:00"), "inspection:P-1", characteristic="Feuchte")

    assert without(remembered(systems.events, bakery, NOW).view(), "wms").verdict == before.verdict


def test_an_answer_that_rests_on_what_the_vocabulary_lacks_is_refused():
    with pytest.raises(BadSettings, match=r"lot\.colour"):
        parse_rests(
            "site/interfaces.toml", {"version": "1", "days": 2, "rests": [{"answer": "a", "on": ["lot.colour"]}]}
        )
