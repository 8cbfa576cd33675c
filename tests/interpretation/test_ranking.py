"""Things in the order of one property, what waits for a release, and how a hold came and went."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.held import held
from lineside.interpretation.hold_story import hold_story
from lineside.interpretation.ranking import ranking
from lineside.interpretation.state import lookup
from lineside.plant.entities import Entity
from lineside.plant.windows import Window

NOW = "2026-03-10T13:00:00+01:00"


def at(clock: str, day: str = "10") -> str:
    return f"2026-03-{day}T{clock}:00+01:00"


def amount(value: float, unit: str = "kg") -> dict[str, object]:
    return {"value": value, "unit": unit}


@pytest.fixture
def flours(scribe):
    """Four lots of flour: one past its day, one that lasts, one without a date, one used up; two orders of rolls."""
    scribe.report("lager", at("06:00"), "lot:M-1", material="MEHL", quantity=amount(200), expires_at="2026-03-12")
    scribe.report("lager", at("06:00"), "lot:M-2", material="MEHL", quantity=amount(1.5, "t"), expires_at=at("12:00"))
    scribe.report("lager", at("06:00"), "lot:M-3", material="MEHL", quantity=amount(900))
    scribe.report("lager", at("06:00"), "lot:M-4", material="MEHL", quantity=amount(0), expires_at=at("14:00"))
    scribe.report("wawi", at("06:00"), "material:ECK", units={"Korb": {"value": 40, "unit": "ea"}})
    scribe.report("wawi", at("06:00"), "sales_order_line:AU-7/1", material="ECK", quantity=amount(9, "Korb"))
    scribe.report("wawi", at("06:00"), "sales_order_line:AU-8/1", material="ECK", quantity=amount(300, "ea"))
    scribe.report("wawi", at("06:00"), "sales_order_line:AU-8/2", material="ECK", quantity=amount(40, "ea"))
    return scribe


def test_what_expires_first_is_told_with_what_is_past_and_what_has_no_date(remembered, flours, bakery):
    view = remembered(flours.events, bakery, NOW).view()
    reading = ranking(view, ["lot"], "expires_at")
    assert reading.data["order"] == ["lot:M-2", "lot:M-1"]
    assert "M-1 is first" in reading.verdict
    assert "Past it already: M-2" in reading.verdict
    assert any("M-3" in missing for missing in reading.missing)
    assert all("M-4" not in f.text for f in reading.findings)


def test_a_property_that_no_record_has_is_not_known(remembered, flours, bakery):
    view = remembered(flours.events, bakery, NOW).view()
    reading = ranking(view, ["purchase_order_line"], "eta")
    assert reading.findings == ()
    assert reading.verdict == "No purchase order lines are on record."
    bare = ranking(view, ["lot"], "supplier")
    assert bare.findings == ()
    assert "none of the 3 lots" in bare.verdict


def test_amounts_compare_across_units_and_lines_add_up_to_their_order(remembered, flours, bakery):
    view = remembered(flours.events, bakery, NOW).view()
    assert ranking(view, ["lot"], "quantity", highest=True).data["order"] == ["lot:M-2", "lot:M-3", "lot:M-1"]
    orders = ranking(view, ["sales_order"], "quantity", highest=True)
    assert orders.data["order"] == ["sales_order:AU-7", "sales_order:AU-8"]
    assert "340 ea" in orders.verdict


def test_only_times_in_the_stretch_asked_for_are_listed(remembered, flours, bakery):
    view = remembered(flours.events, bakery, NOW).view()
    coming = Window(start=view.as_of, end=view.as_of.replace(day=20))
    assert ranking(view, ["lot"], "expires_at", window=coming).data["order"] == ["lot:M-1"]


def test_as_of_before_a_correction_the_earlier_word_ranks(remembered, scribe, bakery):
    told = scribe.report("lager", at("06:00"), "lot:M-1", expires_at=at("10:00", "12"))
    scribe.report("lager", at("06:00"), "lot:M-2", expires_at=at("10:00", "14"))
    scribe.correct("lager", at("11:00"), told, {"entity": "lot:M-1", "properties": {"expires_at": at("10:00", "19")}})
    memory = remembered(scribe.events, bakery, NOW)
    assert ranking(memory.view(), ["lot"], "expires_at").data["order"] == ["lot:M-2", "lot:M-1"]
    earlier = memory.view(as_of=memory.view().as_of.replace(hour=8))
    assert ranking(earlier, ["lot"], "expires_at").data["order"] == ["lot:M-1", "lot:M-2"]


@settings(max_examples=12)
@given(days=st.lists(st.integers(11, 28), min_size=1, max_size=8, unique=True), seed=st.integers(0, 99))
def test_the_order_is_that_of_the_dates_however_they_arrived(remembered, new_scribe, bakery, *, days, seed):
    scribe = new_scribe()
    for day in days:
        scribe.report("lager", at("06:00"), f"lot:T-{day}", expires_at=at("10:00", f"{day:02}"))
    random.Random(seed).shuffle(scribe.events)
    view = remembered(scribe.events, bakery, NOW).view()
    assert ranking(view, ["lot"], "expires_at").data["order"] == [f"lot:T-{day}" for day in sorted(days)]


def test_what_may_not_leave_names_the_hold_its_reason_and_what_hangs_on_it(remembered, scribe, bakery):
    scribe.report("labor", at("08:00"), "hold:S-4", subject="lot:C-9", reason="Glassplitter", owner="Frau Ott",
                  status="aktiv")  # fmt: skip
    scribe.report("ofen-leit", at("07:00"), "lot:C-9", sales_order_line="AU-9/1", quantity=amount(60, "ea"))
    scribe.report("wawi", at("07:00"), "sales_order_line:AU-9/1", status="fertig", credit="ok")
    scribe.report("wawi", at("07:00"), "sales_order_line:AU-5/1", status="fertig", credit="gesperrt")
    scribe.report("labor", at("07:00"), "lot:C-2", quality_status="in Prüfung")
    scribe.report("labor", at("07:00"), "lot:C-3", quality_status="frei")
    reading = held(remembered(scribe.events, bakery, NOW).view())
    assert set(reading.data["things"]) == {"lot:C-9", "lot:C-2", "sales_order_line:AU-5/1"}
    assert "hold S-4: Glassplitter, Frau Ott decides; AU-9/1 hangs on it" in reading.verdict
    assert any("Frau Ott" in step for step in reading.next_steps)


def test_nothing_held_is_told_as_such(remembered, scribe, bakery):
    scribe.report("labor", at("07:00"), "lot:C-3", quality_status="frei")
    reading = held(remembered(scribe.events, bakery, NOW).view())
    assert reading.verdict.startswith("Nothing on record waits for a release")
    assert reading.findings


def test_the_newest_hold_tells_that_nobody_released_it_and_the_one_before_who_did(remembered, scribe, bakery):
    scribe.event("labor", at("06:00"), "hold_placed", hold="S-1", lot="C-1", reason="Farbe", by="Herr Lau")
    scribe.event("labor", at("09:00"), "hold_released", hold="S-1", lot="C-1", by="Frau Ott", reason="Nachprüfung gut")
    scribe.event("labor", at("11:00"), "hold_placed", hold="S-2", lot="C-2", reason="Gewicht", by="Herr Lau")
    view = remembered(scribe.events, bakery, NOW).view()
    newest, last = hold_story(view).verdict.split(" Hold S-1")
    assert "S-2 on C-2" in newest
    assert "by Herr Lau" in newest
    assert "no release of it is on record" in newest
    assert "released 09:00 CET by Frau Ott" in last
    assert any("Nachprüfung gut" in f.text for f in hold_story(view).findings)
    assert hold_story(view, Entity("lot", "C-1")).data["holds"] == ["S-1"]
    assert hold_story(view, Entity("lot", "C-77")).findings == ()


def test_who_decided_on_a_hold_is_told_with_the_grounds(remembered, scribe, bakery):
    scribe.report("labor", at("06:00"), "hold:S-1", subject="lot:C-1", reason="Farbe", status="aktiv")
    scribe.decide("wawi", at("08:00"), "S-1 freigeben?", "S-1 freigeben", rationale="nur Optik", decided_by="qs-1",
                  authority="Qualität")  # fmt: skip
    scribe.report("labor", at("09:00"), "hold:S-1", status="freigegeben")
    verdict = hold_story(remembered(scribe.events, bakery, NOW).view()).verdict
    assert "qs-1 (Qualität) decided: S-1 freigeben, because nur Optik" in verdict


def test_what_a_thing_does_not_say_itself_is_told_by_things_around_it(remembered, scribe, bakery):
    scribe.report(
        "wawi", at("06:00"), "purchase_order_line:B-2/1", material="HEFE", supplier="Kern", eta=at("9:00", "12")
    )
    scribe.report("lager", at("06:00"), "inventory:HEFE@K-3", quantity=amount(12))
    scribe.report("wawi", at("06:00"), "material:HEFE", description="Hefe")
    view = remembered(scribe.events, bakery, NOW).view()
    hefe = Entity("material", "HEFE")
    assert "Kern" in lookup(view, hefe, ["supplier"]).verdict
    assert "lies at K-3" in lookup(view, hefe, ["location"]).verdict
    assert lookup(view, hefe, ["carrier"]).findings == ()
