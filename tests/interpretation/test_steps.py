"""Every named kind of step between two figures, one invented plant for each, and its records."""

from __future__ import annotations

from datetime import datetime

import pytest

from lineside.interpretation.reading import Kind
from lineside.interpretation.reconcile import reconcile
from lineside.plant.entities import Entity

NOW = "2026-03-10T14:00:00+01:00"
PART = Entity("material", "P-44")


def at(clock: str) -> str:
    return f"2026-03-10T{clock}:00+01:00"


def stated(scribe, book, there, when="13:00"):
    scribe.report("monitor", at(when), "inventory:P-44@A", "book", quantity=book)
    scribe.report("stacker", at(when), "inventory:P-44@A", "on_hand", quantity=there)


def read(remembered, scribe, shop, entity=PART):
    return reconcile(remembered(scribe.events, shop, NOW).view(), entity)


def steps(reading):
    return [[(s["name"], s["value"]) for s in b["steps"]] for b in reading.data["bridges"]]


def rests(reading):
    return [b["rest"] for b in reading.data["bridges"]]


def step(reading, name):
    return next(f for f in reading.findings if f.data.get("step") == name)


@pytest.mark.parametrize("documents", [("I-5", "I-6"), (None, None), ("I-5", None)])
def test_one_issue_typed_twice_is_a_double_posting_under_any_number(remembered, scribe, shop, documents):
    stated(scribe, 100, 100, "05:00")
    for minute, document in zip(("00", "04"), documents, strict=True):
        numbered = {"document": document} if document else {}
        scribe.event("monitor", at(f"09:{minute}"), "goods_issue", material="P-44", quantity=7, **numbered)
    first = {"document": documents[0]} if documents[0] else {}
    scribe.event("stacker", at("09:00"), "goods_issue", material="P-44", quantity=7, **first)
    stated(scribe, 86, 93)
    reading = read(remembered, scribe, shop)
    assert steps(reading) == [[("double posting", "7")]]
    assert step(reading, "double posting").kind is Kind.GUESSED
    assert any("double posting" in s and s.startswith("Have monitor") for s in reading.next_steps)


def test_two_equal_issues_that_both_systems_have_are_no_double_posting(remembered, scribe, shop):
    stated(scribe, 100, 100, "05:00")
    for minute, document in (("00", "I-5"), ("04", "I-6")):
        for source in ("monitor", "stacker"):
            scribe.event(source, at(f"09:{minute}"), "goods_issue", material="P-44", quantity=7, document=document)
    stated(scribe, 86, 86)
    assert read(remembered, scribe, shop).data["bridges"] == []


def test_a_number_in_another_unit_is_a_unit_slip(remembered, scribe, bakery):
    scribe.report("wawi", at("05:00"), "inventory:P-44@A", "buchbestand", quantity={"value": 900, "unit": "kg"})
    scribe.report("lager", at("05:00"), "inventory:P-44@A", "lagerbestand", quantity={"value": 900, "unit": "kg"})
    for source, unit in (("wawi", "g"), ("lager", "kg")):
        scribe.event(source, at("09:00"), "goods_issue", material="P-44", quantity=50, unit=unit, document="LA-1")
    scribe.report("wawi", at("13:00"), "inventory:P-44@A", "buchbestand", quantity={"value": "899.95", "unit": "kg"})
    scribe.report("lager", at("13:00"), "inventory:P-44@A", "lagerbestand", quantity={"value": 850, "unit": "kg"})
    reading = reconcile(remembered(scribe.events, bakery, NOW).view(), PART)
    assert (steps(reading), rests(reading)) == ([[("unit slip", "-49.95")]], ["0"])
    assert "Document LA-1" in step(reading, "unit slip").text


def test_a_whole_figure_in_another_unit_is_a_guess(remembered, scribe, bakery):
    scribe.report("wawi", at("13:00"), "inventory:P-44@A", "buchbestand", quantity={"value": 840, "unit": "kg"})
    scribe.report("lager", at("13:00"), "inventory:P-44@A", "lagerbestand", quantity={"value": 840, "unit": "g"})
    reading = reconcile(remembered(scribe.events, bakery, NOW).view(), PART)
    assert [[name for name, _ in each] for each in steps(reading)] == [["unit slip"]]
    assert step(reading, "unit slip").kind is Kind.GUESSED


def test_a_packaging_slip_at_one_of_two_places_is_found(remembered, scribe, shop):
    scribe.report("monitor", at("05:00"), "material:P-44", units={"case": {"value": 12, "unit": "ea"}})
    for place, book, there in (("A", 100, 100), ("B", 240, 20)):
        scribe.report("monitor", at("13:00"), f"inventory:P-44@{place}", "book", quantity=book)
        scribe.report("stacker", at("13:00"), f"inventory:P-44@{place}", "on_hand", quantity=there)
    reading = read(remembered, scribe, shop)
    assert steps(reading) == [[("packaging slip", "-220")]]
    assert "at B" in step(reading, "packaging slip").text


def test_what_one_system_told_after_its_figure_is_late_data(remembered, scribe, shop):
    stated(scribe, 100, 100, "05:00")
    scribe.event("stacker", at("09:00"), "goods_issue", material="P-44", quantity=7, document="I-5")
    scribe.event("monitor", at("09:00"), "goods_issue", told=at("13:30"), material="P-44", quantity=7, document="I-5")
    stated(scribe, 100, 93)
    reading = read(remembered, scribe, shop)
    assert steps(reading) == [[("late data", "-7")]]
    assert "told of it only after its figure" in step(reading, "late data").text


def test_production_that_the_store_has_not_received_is_named(remembered, scribe, shop):
    scribe.event("stacker", at("03:00"), "goods_receipt", material="OTHER", quantity=1, document="R-0")
    scribe.report("cell", at("13:00"), "inventory:P-44@A", "on_hand", quantity=60)
    scribe.report("stacker", at("13:00"), "inventory:P-44@A", "on_hand", quantity=40)
    scribe.event("cell", at("11:00"), "production", material="P-44", quantity=20, document="J-9", equipment="x/cell")
    reading = read(remembered, scribe, shop)
    assert [[name for name, _ in each] for each in steps(reading)] == [["production not received"]]
    assert rests(reading) == ["0"]


def test_what_lies_between_two_operations_is_in_process(remembered, scribe, shop):
    scribe.report("monitor", at("13:00"), "job_order:J-9", quantity_good=840)
    scribe.report("cell", at("13:00"), "job_order:J-9", quantity_good=791)
    for number, good in (("10", 840), ("20", 812), ("30", 791)):
        scribe.report("cell", at("13:00"), f"operation:J-9/{number}", quantity_good=good)
    reading = read(remembered, scribe, shop, Entity("job_order", "J-9"))
    assert (steps(reading), rests(reading)) == ([[("work in process", "-49")]], ["0"])
    told = step(reading, "work in process")
    assert told.kind is Kind.DERIVED
    assert "J-9/10" in told.text
    assert "J-9/30" in told.text


def test_what_an_open_job_order_made_and_no_lot_holds_may_be_in_process(remembered, scribe, shop):
    scribe.report("cell", at("12:00"), "job_order:J-9", material="P-44", status="started", quantity_good=21)
    stated(scribe, 812, 791)
    reading = read(remembered, scribe, shop)
    assert steps(reading) == [[("work in process", "-21")]]
    assert step(reading, "work in process").kind is Kind.GUESSED


def test_job_responses_are_shares_of_one_total(remembered, scribe, shop):
    scribe.report("monitor", at("13:00"), "job_order:J-9", quantity_good=791)
    for number, good in (("R-1", 500), ("R-2", 291)):
        scribe.report("b2mml", at("12:00"), "job_order:J-9", f"response {number}", quantity_good=good)
    reading = read(remembered, scribe, shop, Entity("job_order", "J-9"))
    assert "agree on 791 of J-9" in reading.verdict
    assert any("the sum of 2 responses" in f.text for f in reading.findings)


def test_a_total_stands_before_its_own_shares(remembered, scribe, shop):
    scribe.report("b2mml", at("13:00"), "job_order:J-9", quantity_good=800)
    scribe.report("b2mml", at("12:00"), "job_order:J-9", "response R-1", quantity_good=500)
    reading = read(remembered, scribe, shop, Entity("job_order", "J-9"))
    assert [f["value"] for f in reading.data["figures"]] == ["800"]


def test_a_correction_in_between_takes_its_step_away(remembered, scribe, shop):
    stated(scribe, 100, 100, "05:00")
    issue = scribe.event("stacker", at("09:00"), "goods_issue", material="P-44", quantity=7, document="I-5")
    scribe.event("monitor", at("04:00"), "goods_issue", material="OTHER", quantity=1, document="I-1")
    stated(scribe, 100, 93, "10:00")
    scribe.delete("stacker", at("12:00"), issue)
    memory = remembered(scribe.events, shop, NOW)
    assert rests(reconcile(memory.view(), PART)) == ["-7"]
    before = memory.view(as_of=datetime.fromisoformat(at("11:00")))
    assert (steps(reconcile(before, PART)), rests(reconcile(before, PART))) == ([[("unposted issue", "-7")]], ["0"])


def test_a_count_that_both_took_over_ends_what_differed_before(remembered, scribe, bakery):
    scribe.report("wawi", at("05:00"), "inventory:P-44@A", "buchbestand", quantity=120)
    scribe.report("ofen-leit", at("05:00"), "inventory:P-44@A", "verfügbar", quantity=70)
    for source in ("wawi", "ofen-leit"):
        scribe.event(source, at("06:00"), "count", material="P-44", counted=100, document="Z-1")
    scribe.event("wawi", at("07:00"), "goods_receipt", material="P-44", quantity=8, document="W-1")
    scribe.event("ofen-leit", at("06:30"), "goods_receipt", material="OTHER", quantity=8, document="W-0")
    scribe.report("wawi", at("13:00"), "inventory:P-44@A", "buchbestand", quantity=108)
    scribe.report("ofen-leit", at("13:00"), "inventory:P-44@A", "verfügbar", quantity=90)
    scribe.report("labor", at("05:00"), "lot:H-4", material="P-44", quantity=10, quality_status="gesperrt")
    reading = reconcile(remembered(scribe.events, bakery, NOW).view(), PART)
    assert (steps(reading), rests(reading)) == ([[("unposted receipt", "-8"), ("blocked stock", "-10")]], ["0"])
