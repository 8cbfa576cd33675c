"""Counting is exact, by every grouping, and cites what it counted."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.tally import Measure, tally
from lineside.plant.windows import Window

PRESS, OTHER = "harrow/tablets/press-2", "harrow/tablets/press-5"
NOW = "2026-03-04T00:00:00+00:00"


def at(clock, day=3):
    return f"2026-03-{day:02d}T{clock}:00+00:00"


def groups(reading):
    return {g["name"]: g["figure"] for g in reading.data["groups"]}


@pytest.fixture
def day(scribe):
    for clock, end, reason, place in (
        ("07:00", "07:30", "punch worn", f"{PRESS}/feeder"), ("09:00", "09:10", "Punch worn", PRESS),
        ("13:50", "14:20", "no powder", OTHER), ("16:00", "16:05", "punch worn", PRESS),
    ):  # fmt: skip
        scribe.event("mes", at(clock), "stop", equipment=place, reason=reason)
        scribe.event("mes", at(end), "start", equipment=place)
    scribe.event("wms", at("08:00"), "scrap", equipment=PRESS, material="M-1", quantity=2, unit="kg")
    scribe.event("wms", at("15:00"), "scrap", equipment=PRESS, material="M-1", quantity=500, unit="g")
    scribe.event("wms", at("15:30"), "scrap", equipment=OTHER, material="M-2", quantity=7, unit="ea")
    for lot, status in (("L-1", "blocked"), ("L-2", "unrestricted"), ("L-3", "Quarantine"), ("L-4", "blocked")):
        scribe.report("qms", at("06:00"), f"lot:{lot}", quality_status=status)
    for order, customer, end, status in (
        ("J-1", "C-1", at("10:00"), "in_progress"), ("J-2", "C-1", at("10:00"), "complete"),
        ("J-3", "C-2", at("10:00", 5), "planned"),
    ):  # fmt: skip
        scribe.report("erp", at("06:00"), f"job_order:{order}", customer=customer, planned_end=end, status=status)
    return scribe


@pytest.fixture
def view(remembered, day, press_house):
    return remembered(day.events, press_house, NOW).view()


def test_stops_are_counted_by_reason_line_shift_and_crew(view):
    assert groups(tally(view, "stop", group_by="reason")) == {"punch worn": "3", "no powder": "1"}
    assert groups(tally(view, "stop", group_by="line")) == {PRESS: "3", OTHER: "1"}
    assert groups(tally(view, "stop", group_by="shift")) == {"early": "3", "late": "1"}
    assert groups(tally(view, "stop", group_by="crew")) == {"amber": "3", "jade": "1"}


def test_stop_time_is_clipped_to_the_window(view):
    window = Window(start=datetime.fromisoformat(at("14:00")), end=datetime.fromisoformat(at("22:00")))

    reading = tally(view, "downtime", measure=Measure.DURATION, window=window)

    assert "25 min (2 times)" in reading.verdict


def test_sums_convert_units_and_never_mix_what_cannot_be_converted(view):
    reading = tally(view, "scrap", measure=Measure.SUM, group_by="material")

    assert groups(reading) == {"M-1": "2.5 kg", "M-2": "7 ea"}
    assert reading.data["figure"] == "2.5 kg and 7 ea"


def test_entities_are_counted_by_what_their_word_means(view):
    reading = tally(view, "lot", where={"quality_status": "blocked"})

    assert reading.data["count"] >= 2
    assert "L-1" in reading.verdict
    assert "L-2" not in reading.verdict
    assert reading.data["of"] == 4


def test_late_job_orders_are_those_past_their_end_and_not_over(view):
    assert "Count of late job orders: 1 (J-1)" in tally(view, "job_order", late=True).verdict
    assert groups(tally(view, "job_order", group_by="customer")) == {"C-1": "2", "C-2": "1"}


def test_none_is_a_count_that_rests_on_what_was_looked_through(view):
    reading = tally(view, "lot", where={"quality_status": "released to moon"})

    assert reading.verdict == "No lots with quality status released to moon (of 4 lots in all)."
    assert len(reading.findings[0].cites) == 4


def test_what_no_record_tells_is_missing(view):
    reading = tally(view, "complaint")

    assert reading.findings == ()
    assert reading.missing


def test_extremes_cite_the_record_that_holds_them(view):
    reading = tally(view, "scrap", measure=Measure.MAXIMUM, equipment=PRESS)

    assert reading.data["figure"] == "2 kg"
    assert [r.attributes["quantity"] for r in view.records(reading.findings[0].cites).values()] == [2]


@settings(max_examples=5)
@given(st.lists(st.tuples(st.integers(0, 23), st.sampled_from(["assay", "weight", "Härte"])), min_size=1, max_size=40))
def test_groups_sum_to_the_whole_and_equal_a_plain_count(remembered, new_scribe, press_house, found):
    scribe = new_scribe()
    for hour, characteristic in found:
        scribe.event("qms", at(f"{hour:02d}:15", 2), "nonconformity", equipment=PRESS, characteristic=characteristic)

    reading = tally(remembered(scribe.events, press_house, NOW).view(), "nonconformity", group_by="characteristic")

    assert groups(reading) == {k: str(v) for k, v in Counter(c for _, c in found).items()}
    assert sum(int(v) for v in groups(reading).values()) == reading.data["count"]


def test_none_of_a_kind_that_a_source_tells_of_is_an_answer(remembered, day, press_house):
    day.event("mes", at("23:00"), "start", equipment=OTHER)
    window = Window(start=datetime.fromisoformat(at("17:00")), end=datetime.fromisoformat(NOW))
    reading = tally(remembered(day.events, press_house, NOW).view(), "scrap", window=window)
    assert reading.data["count"] == 0
    assert "15:30 GMT" in reading.findings[0].text


def test_what_was_counted_is_the_figure_of_a_count(remembered, scribe, press_house):
    scribe.event("wms", at("08:00"), "count", material="M-1", counted=84, unit="ea")
    reading = tally(remembered(scribe.events, press_house, NOW).view(), "count", measure=Measure.SUM)
    assert "84 ea" in reading.verdict
