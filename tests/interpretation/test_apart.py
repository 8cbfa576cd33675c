"""States, dates and revisions that sources tell differently: why, by records, and which to use for what."""

from __future__ import annotations

from datetime import datetime

import pytest

from lineside.interpretation.apart import apart
from lineside.interpretation.reading import Kind
from lineside.interpretation.reconcile import reconcile
from lineside.plant.entities import Entity

NOW = "2026-03-10T14:00:00+01:00"
PLANT = """
site = "werft"
time_zone = "Europe/Berlin"
[[sources]]
name = "hauptbuch"
kind = "erp"
owner = "controlling"
[[sources]]
name = "vertrieb"
kind = "crm"
owner = "innendienst"
[[sources]]
name = "fuhrpark"
kind = "tms"
[[sources]]
name = "leitstand"
kind = "mes"
owns = ["job_order.status"]
"""
LINE = Entity("sales_order_line", "A-7/10")
TRUCK = Entity("shipment", "T-3")


def at(clock: str, day: int = 10) -> str:
    return f"2026-03-{day:02d}T{clock}:00+01:00"


def read(remembered, scribe, entity=None, as_of=None, plant=PLANT):
    memory = remembered(scribe.events, plant, NOW)
    return apart(memory.view() if as_of is None else memory.view(as_of=datetime.fromisoformat(as_of)), entity)


def causes(reading):
    return [row["cause"] for row in reading.data["rows"]]


@pytest.fixture
def moved(scribe):
    """The customer moved the date; sales has it, the ledger not yet."""
    for source in ("hauptbuch", "vertrieb"):
        scribe.report(source, at("08:00"), str(LINE), promised_at=at("12:00", 12))
    scribe.event("vertrieb", at("11:00"), "promise_changed", sales_order="A-7", from_=at("12:00", 12),
                 to=at("12:00", 14), by="innendienst", reason="crane is late")  # fmt: skip
    scribe.report("vertrieb", at("11:05"), str(LINE), promised_at=at("12:00", 14))
    return scribe


def test_a_change_that_one_system_has_not_followed_yet_is_in_flight(remembered, moved):
    reading = read(remembered, moved, LINE)
    assert causes(reading) == ["change in flight"]
    why = next(f for f in reading.findings if f.data.get("cause") and "crane is late" in f.text)
    assert "hauptbuch's word is of 08:00 CET, before it" in why.text
    assert len(why.cites) == 3


def test_a_system_that_repeats_the_old_date_after_the_change_has_not_taken_it_over(remembered, moved):
    moved.report("hauptbuch", at("13:00"), str(LINE), promised_at=at("12:00", 12))
    assert causes(read(remembered, moved, LINE)) == ["change not taken over"]


def test_before_the_change_there_was_no_difference(remembered, moved):
    reading = read(remembered, moved, LINE, as_of=at("10:00"))
    assert reading.data["differences"] == 0
    assert reading.findings == ()


def test_without_an_event_the_history_tells_who_changed_its_word(remembered, scribe):
    scribe.report("hauptbuch", at("08:00"), str(TRUCK), eta=at("18:00"))
    scribe.report("fuhrpark", at("09:00"), str(TRUCK), eta=at("18:00"))
    scribe.report("fuhrpark", at("12:00"), str(TRUCK), eta=at("20:30"))
    reading = read(remembered, scribe, TRUCK)
    assert causes(reading) == ["late data"]
    assert reading.data["rows"][0]["use"] == {
        "ship": "fuhrpark", "promise": "fuhrpark", "plan": "fuhrpark", "post": "hauptbuch",
    }  # fmt: skip
    assert reading.next_steps[0].startswith("Wait for hauptbuch to follow")


def test_the_declared_owner_governs_every_purpose(remembered, scribe):
    scribe.report("hauptbuch", at("12:00"), "job_order:F-1", status="fertig")
    scribe.report("leitstand", at("10:00"), "job_order:F-1", status="läuft")
    reading = read(remembered, scribe, Entity("job_order", "F-1"))
    assert set(reading.data["rows"][0]["use"].values()) == {"leitstand"}
    assert causes(reading) == ["unexplained"]
    assert reading.missing == ("Why hauptbuch and leitstand differ on status of F-1.",)


def test_two_clocks_of_one_moment_are_guessed(remembered, scribe):
    scribe.report("hauptbuch", at("08:00"), str(TRUCK), planned_departure="2026-03-10T15:00:00+01:00")
    scribe.report("fuhrpark", at("08:00"), str(TRUCK), planned_departure="2026-03-10T15:00:00+00:00")
    reading = read(remembered, scribe, TRUCK)
    assert causes(reading) == ["time zone slip"]
    assert next(f for f in reading.findings if "time zone slip" in f.text).kind is Kind.GUESSED


def test_a_day_alone_differs_from_a_time_of_that_day_by_nothing_else(remembered, scribe):
    scribe.report("hauptbuch", at("08:00"), str(LINE), promised_at=at("00:00", 12))
    scribe.report("vertrieb", at("08:00"), str(LINE), promised_at=at("16:00", 12))
    assert causes(read(remembered, scribe, LINE)) == ["date without a time"]


def test_a_silent_source_is_late(remembered, scribe):
    plant = PLANT.replace('kind = "tms"', 'kind = "tms"\ncadence_s = 600')
    scribe.report("fuhrpark", at("06:00"), str(TRUCK), eta=at("18:00"))
    scribe.report("hauptbuch", at("13:00"), str(TRUCK), eta=at("19:10"))
    assert causes(read(remembered, scribe, TRUCK, plant=plant)) == ["late data"]


def test_a_correction_ends_the_difference(remembered, moved):
    old = next(e for e in moved.events if e["source"] == "hauptbuch")
    moved.correct("hauptbuch", at("13:00"), old["id"], {**old["data"], "properties": {"promised_at": at("12:00", 14)}})
    assert read(remembered, moved, LINE).data["differences"] == 0


def test_the_whole_plant_is_told_by_cause(remembered, moved):
    for number in (1, 2):
        moved.report("hauptbuch", at("08:00"), f"shipment:T-{number}", eta=at("18:00"))
        moved.report("fuhrpark", at("07:00"), f"shipment:T-{number}", eta=at("18:00"))
        moved.report("fuhrpark", at("12:00"), f"shipment:T-{number}", eta=at("20:00"))
    reading = read(remembered, moved)
    assert reading.data["differences"] == 3
    assert reading.findings[0].text == "2 of 3 differences: late data, 2 of them with hauptbuch behind."


def test_a_job_order_on_an_old_revision_is_told_with_the_change(remembered, scribe):
    scribe.report("konstruktion", at("08:00"), "engineering_change:AE-1", material="RUMPF", revision="C",
                  effective_at=at("09:00"), status="effective")  # fmt: skip
    scribe.report("leitstand", at("08:00"), "job_order:F-1", material="RUMPF", revision="B", status="läuft",
                  actual_start=at("06:00"))  # fmt: skip
    scribe.report("leitstand", at("10:00"), "job_order:F-2", material="RUMPF", revision="B", status="geplant",
                  planned_start=at("15:00"))  # fmt: skip
    scribe.report("leitstand", at("10:00"), "job_order:F-3", material="RUMPF", revision="C", status="geplant")
    texts = {f.data["job_order"]: f.text for f in read(remembered, scribe).findings}
    assert set(texts) == {"F-1", "F-2"}
    assert "it began before C took effect at 09:00 CET: a change in flight" in texts["F-1"]
    assert "the change has not reached it" in texts["F-2"]


def test_what_has_no_quantity_is_reconciled_by_its_words(remembered, moved):
    view = remembered(moved.events, PLANT, NOW).view()
    reading = reconcile(view, LINE)
    assert "change in flight" in reading.verdict
    assert reading.data["rows"][0]["property"] == "promised_at"


def test_the_order_in_which_records_arrive_changes_nothing(remembered, moved):
    here, there = (apart(remembered(e, PLANT, NOW).view()) for e in (moved.events, moved.events[::-1]))
    assert (here.verdict, here.data) == (there.verdict, there.data)
