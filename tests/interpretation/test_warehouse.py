"""A whole warehouse's differing figures: found at once, ranked by what they endanger, told by cause, some to count."""

from __future__ import annotations

import tomllib
from datetime import datetime
from importlib import resources

import pytest

from lineside.errors import BadSettings
from lineside.interpretation.reconcile import reconcile
from lineside.interpretation.reconciliation_policy import parse_policy, policy
from lineside.interpretation.warehouse import warehouse
from lineside.plant.entities import Entity

NOW = "2026-03-10T14:00:00+01:00"


def at(clock: str, day: int = 10) -> str:
    return f"2026-03-{day:02d}T{clock}:00+01:00"


def kg(value):
    return {"value": value, "unit": "kg"}


def stated(scribe, material, book, there, *, place="L1", when="13:00"):
    scribe.report("wawi", at(when), f"inventory:{material}@{place}", "buchbestand", quantity=kg(book))
    scribe.report("lager", at(when), f"inventory:{material}@{place}", "lagerbestand", quantity=kg(there))


@pytest.fixture
def store(scribe):
    """Flour, salt and yeast each lack one issue in the books; sugar is off for no reason; butter agrees."""
    scribe.event("wawi", at("05:00"), "goods_issue", material="MALZ", quantity=1, unit="kg", document="LA-0")
    for number, (material, issued) in enumerate((("MEHL", 28), ("SALZ", 5), ("HEFE", 3)), 1):
        stated(scribe, material, 100, 100, when="06:00")
        scribe.event("lager", at("11:00"), "goods_issue", material=material, quantity=issued, unit="kg",
                     document=f"LA-{number}", equipment="hafenstrasse/backstube/ofen-2")  # fmt: skip
        stated(scribe, material, 100, 100 - issued)
    stated(scribe, "ZUCKER", 60, 55)
    stated(scribe, "BUTTER", 40, 40)
    return scribe


def read(remembered, scribe, plant, **more):
    return warehouse(remembered(scribe.events, plant, NOW).view(), **more)


def rows(reading):
    return {row["entity"]: row for row in reading.data["rows"]}


def test_the_differences_of_one_cause_are_told_together(remembered, store, bakery):
    reading = read(remembered, store, bakery)
    assert (reading.data["differences"], reading.data["compared"]) == (4, 5)
    first = reading.findings[0]
    assert first.text == (
        "3 of 4 differences: unposted issue in wawi at hafenstrasse/backstube/ofen-2 (MEHL, SALZ and HEFE)."
    )
    assert first.data["where"] == "hafenstrasse/backstube/ofen-2"
    assert [c["cause"] for c in reading.data["causes"]] == ["unposted issue", "an unexplained rest"]
    assert "Have wawi set right: 3 unposted issues." in reading.next_steps


def test_what_no_record_explains_is_to_be_counted_with_the_reason(remembered, store, bakery):
    reading = read(remembered, store, bakery)
    assert reading.data["counts"] == [{"entity": "material:ZUCKER", "why": "5 kg unexplained by records"}]
    assert reading.next_steps[0] == "Count ZUCKER at L1: 5 kg unexplained by records."


def test_a_difference_that_a_shipment_hangs_on_comes_first(remembered, store, bakery):
    store.report("wawi", at("09:00"), "sales_order_line:A-1/10", material="HEFE", quantity=kg(98))
    store.report("wawi", at("09:00"), "sales_order_line:A-2/10", material="SALZ", quantity=kg(10))
    rows_carried = [{"sales_order_line": "A-1/10", "quantity": kg(98)}]
    store.report("lager", at("09:00"), "shipment:T-1", lines=rows_carried, planned_departure=at("17:00"))
    store.report("wawi", at("09:00"), "sales_order_line:A-2/10", promised_at=at("16:00", 11))
    store.report("wawi", at("09:00"), "job_order:F-1", status="planned", planned_start=at("18:00"),
                 components=[{"material": "MEHL", "quantity": kg(120), "staged": kg(10)}])  # fmt: skip
    reading = read(remembered, store, bakery)
    assert [(name, row["danger"]) for name, row in rows(reading).items()] == [
        ("material:HEFE", "depends"), ("material:MEHL", "short"), ("material:SALZ", "covered"),
        ("material:ZUCKER", "none"),
    ]  # fmt: skip
    assert rows(reading)["material:HEFE"]["endangers"] == ["shipment:T-1"]
    assert "T-1 needs 98 kg by 17:00 CET, which is there by wawi and not by lager" in reading.verdict
    assert any("F-1 needs 110 kg" in f.text and "not there by any figure" in f.text for f in reading.findings)


def test_the_dearer_difference_comes_first_where_nothing_waits(remembered, store, bakery):
    store.report("wawi", at("05:00"), "material:SALZ", standard_price="90")
    store.report("wawi", at("05:00"), "material:MEHL", standard_price="0.5")
    reading = read(remembered, store, bakery)
    assert list(rows(reading))[:2] == ["material:SALZ", "material:MEHL"]
    assert rows(reading)["material:SALZ"]["worth"] == "450"


def test_equal_totals_at_unequal_places_are_a_difference(remembered, scribe, bakery):
    stated(scribe, "MEHL", 50, 30, place="L1")
    stated(scribe, "MEHL", 50, 70, place="L2")
    reading = read(remembered, scribe, bakery)
    assert set(rows(reading)) == {"inventory:MEHL@L1", "inventory:MEHL@L2"}


def test_a_lot_without_a_place_is_compared_too(remembered, scribe, bakery):
    scribe.report("labor", at("09:00"), "lot:C-9", material="MEHL", quantity=kg(40))
    scribe.report("lager", at("09:00"), "lot:C-9", quantity=kg(38))
    reading = read(remembered, scribe, bakery)
    assert list(rows(reading)) == ["lot:C-9"]


def test_only_one_place_can_be_asked_for(remembered, store, bakery):
    stated(store, "EIER", 9, 8, place="KUEHL/2")
    reading = read(remembered, store, bakery, location="KUEHL")
    assert list(rows(reading)) == ["material:EIER"]
    assert reading.data["compared"] == 1


def test_the_one_line_bridge_is_that_of_the_material_alone(remembered, store, bakery):
    view = remembered(store.events, bakery, NOW).view()
    for name, row in rows(warehouse(view)).items():
        alone = reconcile(view, Entity("material", name.partition(":")[2]))
        assert [(s["name"], s["value"]) for s in row["steps"]] == [
            (s["name"], s["value"]) for b in alone.data["bridges"] for s in b["steps"]
        ]


def test_what_was_known_before_the_difference_is_agreement(remembered, store, bakery):
    view = remembered(store.events, bakery, NOW).view(as_of=datetime.fromisoformat(at("07:00")))
    reading = warehouse(view)
    assert reading.data["differences"] == 0
    assert reading.verdict.startswith("All figures agree: 3 materials and lots")


def test_a_correction_takes_a_difference_away(remembered, store, bakery):
    wrong = next(e for e in reversed(store.events) if e["data"].get("entity") == "inventory:ZUCKER@L1")
    store.correct(wrong["source"], at("13:30"), wrong["id"], {**wrong["data"], "properties": {"quantity": kg(60)}})
    assert "material:ZUCKER" not in rows(read(remembered, store, bakery))


def test_a_silent_source_makes_a_count_worthwhile(remembered, scribe):
    plant = """
site = "molkerei"
time_zone = "Europe/Berlin"
[[sources]]
name = "lager"
kind = "wms"
cadence_s = 600
"""
    scribe.report("buch", at("13:50"), "inventory:RAHM@K", "buchbestand", quantity=kg(10))
    scribe.report("lager", at("06:00"), "inventory:RAHM@K", "lagerbestand", quantity=kg(12))
    scribe.event("buch", at("12:00"), "goods_issue", material="RAHM", quantity=2, unit="kg", document="B-1")
    reading = read(remembered, scribe, plant)
    assert rows(reading)["material:RAHM"]["rest"] == "0"
    assert reading.data["counts"][0]["why"] == "lager is silent"
    assert any("lager is silent" in f.text for f in reading.against)


def test_one_source_alone_is_no_comparison(remembered, scribe, bakery):
    scribe.report("wawi", at("13:00"), "inventory:MEHL@L1", "buchbestand", quantity=kg(10))
    reading = read(remembered, scribe, bakery)
    assert reading.findings == ()
    assert reading.missing


def test_the_order_in_which_records_arrive_changes_nothing(remembered, store, bakery):
    shuffled = [*store.events[1::2], *store.events[::2]]
    here, there = (warehouse(remembered(events, bakery, NOW).view()) for events in (store.events, shuffled))
    assert (here.verdict, here.data) == (there.verdict, there.data)


@pytest.mark.parametrize(
    ("was", "now", "wrong"),
    [("shifts_ahead = 2", "shifts_ahead = 0", "shifts_ahead"), ("[go_by.eta]", "[go_by.eta]\nship_it = []", "go_by"),
     ("eta_changed", "eta_moved", "changes.eta")],
)  # fmt: skip
def test_a_policy_that_is_wrong_is_refused_with_its_key(was, now, wrong):

    text = resources.files("lineside.packs").joinpath("core/reconciliation.toml").read_text("utf-8")
    assert parse_policy("core", tomllib.loads(text)) == policy()
    with pytest.raises(BadSettings, match=wrong):
        parse_policy("core", tomllib.loads(text.replace(was, now)))
