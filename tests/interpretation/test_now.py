"""What is happening now, ranked by what it does to orders."""

from __future__ import annotations

import random

import pytest

from lineside.interpretation.now import now

NOW = "2026-03-10T13:00:00+01:00"


def at(clock: str) -> str:
    return f"2026-03-10T{clock}:00+01:00"


@pytest.fixture
def busy(scribe):
    """A stopped oven whose order leaves at 15:00, a mill that stands idle for nobody, a held lot, two stock figures."""
    oven, mill = "hafenstrasse/backstube/ofen-2", "hafenstrasse/mühle/mühle-1"
    scribe.report("ofen-leit", at("10:00"), f"equipment:{mill}", state="stopped")
    scribe.report("ofen-leit", at("12:00"), f"equipment:{oven}", job_order="BA-5")
    scribe.event("ofen-leit", at("12:20"), "stop", equipment=oven, reason="Brenner aus", job_order="BA-5")
    scribe.report("wawi", at("06:00"), "job_order:BA-5", sales_order_line="AU-31/1", status="in Arbeit")
    scribe.report("wawi", at("06:00"), "shipment:FA-2", quantity=600)
    scribe.report("ofen-leit", at("12:00"), "job_order:BA-5", quantity_good=100)
    scribe.report(
        "lager",
        at("09:00"),
        "shipment:FA-2",
        lines=[{"sales_order_line": "AU-31/1", "quantity": 600}],
        planned_departure=at("15:00"),
        dock="hafenstrasse/rampe/tor-2",
    )
    scribe.event("labor", at("11:00"), "hold_placed", lot="Z-1", hold="S-9", reason="Schimmel", owner="qs-1")
    scribe.report("wawi", at("12:00"), "inventory:HEFE@K", "buchbestand", quantity=9)
    scribe.report("lager", at("12:00"), "inventory:HEFE@K", "lagerbestand", quantity=7)
    scribe.report("wawi", at("06:00"), "purchase_order_line:B-1/1", material="HEFE", eta=at("08:00"), status="bestellt")
    scribe.report("labor", at("11:00"), "lot:Y-2", quality_status="gesperrt")
    scribe.report("wawi", at("11:30"), "lot:Y-2", quality_status="frei")
    return scribe


def test_what_hits_the_next_truck_comes_first(remembered, busy, bakery):
    reading = now(remembered(busy.events, bakery, NOW).view())
    about = reading.data["about"]
    assert about[0] == "equipment:hafenstrasse/backstube/ofen-2"
    assert set(about[1:]) >= {
        "shipment:FA-2",
        "hold:S-9",
        "material:HEFE",
        "purchase_order_line:B-1/1",
        "lot:Y-2",
        "equipment:hafenstrasse/mühle/mühle-1",
    }
    first = reading.findings[0]
    assert "Brenner aus since 12:20 CET (40 min); touches AU-31/1, due 14:15 CET" in first.text
    assert len(reading.findings) < 10
    hold = next(f for f in reading.findings if f.data["about"] == "hold:S-9")
    assert (hold.data["owner"], hold.data["age_s"]) == ("qs-1", 7200.0)


def test_a_restart_a_release_and_a_receipt_end_the_exceptions(remembered, busy, bakery):
    oven = "hafenstrasse/backstube/ofen-2"
    busy.event("ofen-leit", at("12:40"), "start", equipment=oven)
    busy.event("labor", at("12:40"), "hold_released", hold="S-9", lot="Z-1")
    busy.report("wawi", at("12:40"), "purchase_order_line:B-1/1", status="geliefert")
    busy.report("wawi", at("12:41"), "lot:Y-2", quality_status="gesperrt")
    about = now(remembered(busy.events, bakery, NOW).view()).data["about"]
    assert set(about) == {"shipment:FA-2", "equipment:hafenstrasse/mühle/mühle-1", "material:HEFE"}


def test_one_line_is_asked_for(remembered, busy, bakery):
    about = now(remembered(busy.events, bakery, NOW).view(), equipment="hafenstrasse/mühle").data["about"]
    assert about == ["equipment:hafenstrasse/mühle/mühle-1"]


def test_a_silent_source_is_an_exception(remembered, scribe, shop):
    scribe.report("monitor", "2026-03-10T01:00:00+01:00", "material:A", description="x")
    quick = shop.replace('name = "monitor"\n', 'name = "monitor"\ncadence_s = 600\n')
    reading = now(remembered(scribe.events, quick, NOW).view())
    assert reading.data["about"] == ["source:monitor"]
    assert reading.findings[0].data["owner"] == "ekonomi"


def test_an_empty_memory_says_so(remembered, shop):
    bare = 'site = "verkstad-7"\ntime_zone = "Europe/Stockholm"\n'
    reading = now(remembered([], bare, NOW).view())
    assert (reading.findings, bool(reading.missing)) == ((), True)


def test_arrival_order_changes_nothing(remembered, busy, bakery):
    expected = now(remembered(busy.events, bakery, NOW).view())
    shuffled = random.Random(5).sample(busy.events, len(busy.events))
    assert now(remembered(shuffled, bakery, NOW).view()) == expected


def test_a_decision_whose_ground_is_gone_is_an_open_exception_of_its_own(remembered, scribe, bakery):
    scribe.report("labor", "2026-03-10T06:00:00+01:00", "lot:T-4", quality_status="frei")
    scribe.decide("buch", "2026-03-10T07:00:00+01:00", "Welcher Teig?", "Teig T-4", assumptions=["T-4 bleibt frei"])
    scribe.report("labor", "2026-03-10T08:00:00+01:00", "lot:T-4", quality_status="gesperrt")

    found = now(remembered(scribe.events, bakery, "2026-03-10T09:00:00+01:00").view())

    assert "decision:buch-2" in found.data["about"]
    assert "since 08:00 CET" in next(f.text for f in found.findings if f.data["about"] == "decision:buch-2")
