"""What each source says of one thing, and whether they contradict one another."""

from __future__ import annotations

import random

import pytest

from lineside.interpretation.reading import Kind
from lineside.interpretation.state import lookup, state
from lineside.plant.entities import Entity

NOW = "2026-03-10T14:00:00+01:00"


def at(clock: str) -> str:
    return f"2026-03-10T{clock}:00+01:00"


def conflicts(reading):
    return [f.data["words"] for f in reading.findings if "words" in f.data]


def test_released_here_and_blocked_there_goes_by_the_owner_of_the_datum(remembered, scribe, bakery):
    scribe.report("wawi", at("12:00"), "lot:C-7", quality_status="frei", material="BROT")
    blocked = scribe.report("labor", at("09:00"), "lot:C-7", quality_status="gesperrt")
    view = remembered(scribe.events, bakery, NOW).view()
    reading = state(view, Entity("lot", "C-7"))
    assert conflicts(reading) == [{"wawi": "frei", "labor": "gesperrt"}]
    assert reading.findings[0].data["go_by"] == "labor"
    assert "labor says gesperrt (09:00 CET)" in reading.verdict
    assert blocked in [view.record(c).provenance.source_id for c in reading.findings[0].cites]
    assert any("qs-1" in step for step in reading.next_steps)


def test_without_an_owner_the_stricter_word_binds(remembered, scribe, shop):
    scribe.report("monitor", at("12:00"), "job_order:M-8", status="released")
    scribe.report("cell", at("09:00"), "job_order:M-8", status="on hold")
    reading = state(remembered(scribe.events, shop, NOW).view(), Entity("job_order", "M-8"))
    assert reading.findings[0].data["go_by"] == "cell"


@pytest.mark.parametrize(
    ("one", "other"), [("released", "freigegeben"), ("in_progress", "läuft"), ("Ready", "READY "), ("planned", "ready")]
)
def test_two_words_of_one_meaning_are_no_conflict(remembered, scribe, shop, one, other):
    scribe.report("monitor", at("12:00"), "job_order:M-8", status=one)
    scribe.report("cell", at("09:00"), "job_order:M-8", status=other)
    reading = state(remembered(scribe.events, shop, NOW).view(), Entity("job_order", "M-8"))
    assert conflicts(reading) == []
    assert one.strip() in reading.verdict
    assert other.strip() in reading.verdict


def test_dates_and_units_are_compared_by_what_they_mean(remembered, scribe, shop):
    scribe.report("monitor", at("08:00"), "material:P", units={"case": {"value": 6, "unit": "ea"}})
    scribe.report("monitor", at("09:00"), "purchase_order_line:PO/1", eta="2026-03-12T08:00:00+01:00", material="P")
    scribe.report("portal", at("09:00"), "purchase_order_line:PO/1", eta="2026-03-12T07:00:00Z")
    scribe.report("monitor", at("09:00"), "purchase_order_line:PO/1", quantity={"value": 2, "unit": "case"})
    scribe.report("portal", at("09:00"), "purchase_order_line:PO/1", quantity={"value": 12, "unit": "pcs"})
    order = Entity("purchase_order_line", "PO/1")
    assert conflicts(state(remembered(scribe.events, shop, NOW).view(), order)) == []
    scribe.report("portal", at("10:00"), "purchase_order_line:PO/1", eta="2026-03-13T07:00:00Z")
    reading = lookup(remembered(scribe.events, shop, NOW).view(), order, ["eta"])
    assert len(conflicts(reading)) == 1
    assert "2026-03-13 08:00 CET" in reading.verdict
    assert "2026-03-12 08:00 CET" in reading.verdict


def test_an_active_hold_heads_the_verdict_and_a_released_one_is_gone(remembered, scribe, bakery):
    scribe.report("ofen-leit", at("08:00"), "lot:C-7", job_order="BA-1", quantity=40)
    scribe.report(
        "labor", at("09:00"), "hold:S-1", subject="lot:C-7", reason="Fremdkörper", owner="qs-2", status="aktiv"
    )
    reading = state(remembered(scribe.events, bakery, NOW).view(), Entity("lot", "C-7"))
    assert reading.verdict.startswith("Held by S-1.")
    assert any("qs-2" in f.text and "Fremdkörper" in f.text for f in reading.findings)
    scribe.event("labor", at("10:00"), "hold_released", hold="S-1", lot="C-7")
    reading = state(remembered(scribe.events, bakery, NOW).view(), Entity("lot", "C-7"))
    assert reading.data["holds"] == []


def test_a_release_by_another_system_than_the_owner_does_not_free(remembered, scribe, bakery):
    scribe.event("labor", at("09:00"), "hold_placed", hold="S-1", lot="C-7")
    scribe.report("wawi", at("11:00"), "hold:S-1", status="freigegeben")
    reading = state(remembered(scribe.events, bakery, NOW).view(), Entity("lot", "C-7"))
    assert reading.data["holds"] == ["S-1"]


def test_what_a_lot_touches_is_found_in_both_directions(remembered, scribe, shop):
    scribe.report("monitor", at("08:00"), "lot:A1", job_order="M-8")
    scribe.report("monitor", at("08:00"), "job_order:M-8", sales_order_line="77/10")
    scribe.report("monitor", at("08:00"), "shipment:S1", lines=[{"sales_order_line": "77/10", "quantity": 4}])
    scribe.report("monitor", at("08:00"), "shipment:S2", lines=[{"sales_order_line": "88/10", "quantity": 4}])
    view = remembered(scribe.events, shop, NOW).view()
    for start, wanted in (("lot:A1", "shipment:S1"), ("shipment:S1", "lot:A1")):
        text = str([f.data for f in state(view, Entity.parse(start)).findings])
        assert wanted in text
        assert "S2" not in text


def test_an_unmapped_property_is_looked_up_like_any_other(remembered, scribe, shop):
    scribe.report("monitor", at("08:00"), "lot:A1", heat_number="H-5521", supplier="Ovako")
    view = remembered(scribe.events, shop, NOW).view()
    assert "H-5521" in lookup(view, Entity("lot", "A1"), ["heat_number"]).verdict
    reading = lookup(view, Entity("lot", "A1"), ["colour"])
    assert reading.findings == ()
    assert reading.missing == (
        "No source has reported colour of A1.",
        "Known of A1: heat number, supplier.",
    )


def test_the_history_of_a_property_shows_each_change_once(remembered, scribe, shop):
    for clock, value in (("08:00", "A"), ("09:00", "A"), ("10:00", "B")):
        scribe.report("monitor", at(clock), "material:P", revision=value)
    view = remembered(scribe.events, shop, NOW).view()
    changes = [
        f for f in lookup(view, Entity("material", "P"), ["revision"], history=True).findings if "from" in f.data
    ]
    assert [(f.data["from"], f.data["to"]) for f in changes] == [("A", "B")]
    assert "10:00 CET" in changes[0].text


def test_a_correction_replaces_the_word_and_a_deletion_removes_it(remembered, scribe, shop):
    wrong = scribe.report("monitor", at("08:00"), "material:P", revision="X")
    scribe.correct("monitor", at("09:00"), wrong, {"entity": "material:P", "properties": {"revision": "C"}})
    memory = remembered(scribe.events, shop, NOW)
    part = Entity("material", "P")
    assert "says C" in lookup(memory.view(), part, ["revision"]).verdict
    assert "says X" in lookup(memory.view(as_of=memory.clock().replace(hour=8, minute=30)), part, ["revision"]).verdict
    lone = type(scribe)()
    gone = lone.report("monitor", at("08:00"), "material:P", revision="X")
    lone.delete("monitor", at("09:00"), gone)
    assert lookup(remembered(lone.events, shop, NOW).view(), part, ["revision"]).findings == ()


def test_every_finding_is_a_fact_or_derived_and_cites_records(remembered, scribe, bakery):
    scribe.report("wawi", at("12:00"), "lot:C-7", quality_status="frei", material="BROT", quantity=5)
    scribe.report("labor", at("12:00"), "lot:C-7", quality_status="seltsam")
    view = remembered(scribe.events, bakery, NOW).view()
    for finding in state(view, Entity("lot", "C-7")).findings:
        assert finding.kind in (Kind.FACT, Kind.DERIVED)
        assert len(view.records(finding.cites)) == len(set(finding.cites))


def test_arrival_order_changes_nothing(remembered, scribe, bakery):
    for hour in range(6, 12):
        scribe.report("wawi", at(f"{hour:02d}:00"), "lot:C-7", quality_status="frei" if hour % 2 else "gesperrt")
        scribe.report("labor", at(f"{hour:02d}:30"), "lot:C-7", quality_status="in Prüfung", material="BROT")
    expected = state(remembered(scribe.events, bakery, NOW).view(), Entity("lot", "C-7"))
    shuffled = random.Random(3).sample(scribe.events, len(scribe.events))
    assert state(remembered(shuffled, bakery, NOW).view(), Entity("lot", "C-7")) == expected


def test_an_unknown_thing_is_said_to_be_unknown(remembered, shop):
    reading = state(remembered([], shop, NOW).view(), Entity("lot", "?"))
    assert reading.findings == ()
    assert reading.missing


def test_an_order_of_which_only_lines_are_reported_speaks_of_its_lines(remembered, scribe, bakery):
    scribe.report("wawi", at("08:00"), "sales_order_line:A-20/10", status="offen", credit="gesperrt")
    reading = state(remembered(scribe.events, bakery, NOW).view(), Entity("sales_order", "A-20"))
    assert any(f.data.get("shared_state") == "blocked" and "A-20/10" in f.text for f in reading.findings)
    assert "A-20/10" in reading.verdict
