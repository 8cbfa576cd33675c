"""What changed: state differences with who and why, corrections included."""

from __future__ import annotations

from datetime import datetime

import pytest

from lineside.interpretation.change import changes
from lineside.plant.entities import Entity
from lineside.plant.windows import Window

LINE = "giesserei-nord/formerei/linie-a"
NOW = "2026-03-03T14:00:00+01:00"


def at(clock):
    return f"2026-03-03T{clock}:00+01:00"


def window(start, end):
    return Window(start=datetime.fromisoformat(at(start)), end=datetime.fromisoformat(at(end)))


@pytest.fixture
def morning(scribe):
    scribe.report(
        "sap", at("05:00"), "sales_order_line:AB-5/10", promised_at="2026-03-05", customer="K-9", status="open"
    )
    scribe.report("sap", at("08:00"), "sales_order_line:AB-5/10", promised_at="2026-03-09", status="open")
    scribe.event(
        "sap", at("08:01"), "promise_changed", sales_order_line="AB-5/10", by="vertrieb-3", reason="Kran defekt"
    )
    scribe.report("qs", at("05:00"), "lot:CH-9", quality_status="unrestricted")
    scribe.report("qs", at("09:00"), "lot:CH-9", quality_status="blocked")
    scribe.report("leitstand", at("05:00"), f"equipment:{LINE}", good_count=5, target_rate=60, state="running")
    scribe.report("leitstand", at("09:00"), f"equipment:{LINE}", good_count=90, target_rate=60, state="running")
    scribe.report("sap", at("07:00"), "inventory:SAND@1", "buch", quantity={"value": 20, "unit": "t"})
    scribe.correct(
        "sap",
        at("10:00"),
        "sap-8",
        {"entity": "inventory:SAND@1", "scope": "buch", "properties": {"quantity": {"value": 2, "unit": "t"}}},
    )
    return scribe


def test_only_differences_are_told_with_source_who_and_why(remembered, morning, foundry):
    reading = changes(remembered(morning.events, foundry, NOW).view(), window("06:00", "12:00"))

    told = {(f.data["entity"], f.data["property"]): f for f in reading.findings if "property" in f.data}
    assert set(told) == {
        ("lot:CH-9", "quality_status"),
        ("sales_order_line:AB-5/10", "promised_at"),
        ("inventory:SAND@1", "quantity"),
    }
    promise = told["sales_order_line:AB-5/10", "promised_at"].text
    assert all(w in promise for w in ("2026-03-05", "2026-03-09", "sap", "vertrieb-3", "Kran defekt"))
    assert reading.findings[0].data["entity"] == "lot:CH-9"


def test_a_correction_tells_what_stood_before_and_what_stands_now(remembered, morning, foundry):
    view = remembered(morning.events, foundry, NOW).view()

    corrected = [f for f in changes(view, window("06:00", "12:00")).findings if "corrects" in f.data]

    assert [("20 t" in f.text, "2 t" in f.text, "typed wrongly" in f.text) for f in corrected] == [(True, True, True)]


def test_what_went_there_and_back_is_no_difference(remembered, scribe, press_house):
    for clock, status in (("05:00", "unrestricted"), ("07:00", "blocked"), ("08:00", "unrestricted")):
        scribe.report("qms", at(clock), "lot:B-7", quality_status=status)

    reading = changes(remembered(scribe.events, press_house, NOW).view(), window("06:00", "12:00"))

    assert reading.verdict.startswith("Nothing changed")
    assert reading.findings == ()


def test_a_question_about_one_thing_gets_only_that(remembered, morning, foundry):
    view = remembered(morning.events, foundry, NOW).view()

    reading = changes(view, window("06:00", "12:00"), entity=Entity("lot", "CH-9"))
    line = changes(view, window("06:00", "12:00"), equipment=LINE)

    assert {f.data["entity"] for f in reading.findings} == {"lot:CH-9"}
    assert line.findings == ()


def test_the_same_view_in_the_past_knows_no_later_change(remembered, morning, foundry):
    view = remembered(morning.events, foundry, NOW).view(as_of=datetime.fromisoformat(at("08:30")))

    reading = changes(view, window("06:00", "12:00"))

    assert not any("CH-9" in f.text for f in reading.findings)


def test_a_correction_is_told_apart_from_what_changed_in_the_plant(remembered, morning, foundry):
    reading = changes(remembered(morning.events, foundry, NOW).view(), window("06:00", "12:00"))

    told = {f.data["entity"]: f.data["corrected"] for f in reading.findings if "property" in f.data}
    assert told == {"lot:CH-9": False, "sales_order_line:AB-5/10": False, "inventory:SAND@1": True}
    assert reading.data["differences"] == 2


def test_the_shared_state_is_told_as_it_was_and_as_it_is(remembered, morning, foundry):
    reading = changes(remembered(morning.events, foundry, NOW).view(), window("06:00", "12:00"))

    states = [(f.data["entity"], f.data["state_before"], f.data["state_after"]) for f in reading.findings
              if "state_after" in f.data]  # fmt: skip
    assert states == [("lot:CH-9", "released", "blocked")]


def test_a_decision_that_names_the_thing_says_why(remembered, morning, foundry):
    morning.decide("chat", at("08:50"), "Is CH-9 good?", "Block CH-9", rationale="sand too wet", decided_by="qs-2")

    reading = changes(remembered(morning.events, foundry, NOW).view(), window("06:00", "12:00"))

    (why,) = [f.text for f in reading.findings if f.data.get("entity") == "lot:CH-9" and "property" in f.data]
    assert "qs-2" in why
