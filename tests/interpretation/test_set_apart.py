"""Whether a crew, a material or a changeover is to blame, and past cases alike by what happened."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from lineside.interpretation.occurrences import occurrences
from lineside.interpretation.patterns import patterns
from lineside.interpretation.set_apart import set_apart
from lineside.interpretation.similar_cases import similar
from lineside.plant.entities import Entity

PRESS = "harrow/tablets/press-2"
FEEDER = f"{PRESS}/feeder"
NOW = "2026-03-13T22:00:00+00:00"


def stop(scribe, at, reason, *, minutes=15, equipment=FEEDER):
    start = datetime.fromisoformat(at)
    scribe.event("mes", start.isoformat(), "stop", equipment=equipment, reason=reason)
    scribe.event("mes", (start + timedelta(minutes=minutes)).isoformat(), "start", equipment=equipment)


@pytest.fixture
def told(scribe):
    """Crew jade works late shifts to 8 March, early ones after; lots of B-2 run on the days of even number."""
    for day in range(2, 14):
        material = "B-2" if day % 2 == 0 else "B-1"
        scribe.report("mes", f"2026-03-{day:02d}T05:50:00+00:00", f"job_order:J-{day}", material=material)
        scribe.event("mes", f"2026-03-{day:02d}T06:00:00+00:00", "started", equipment=PRESS, job_order=f"J-{day}")
        hours = (14, 16, 18, 20) if day < 9 else (6, 8, 10, 12)
        for hour in hours[: 3 + day % 2]:
            stop(scribe, f"2026-03-{day:02d}T{hour:02d}:30:00+00:00", "powder bridging")
    stop(scribe, "2026-03-04T09:10:00+00:00", "punch worn")
    return scribe


def test_a_crew_that_is_worse_is_told_with_both_rates_whatever_shift_it_works(remembered, told, press_house):
    view = remembered(told.events, press_house, NOW).view()

    reading, other = set_apart(view, "crew", level="JADE"), set_apart(view, "crew", level="amber")

    assert reading.verdict.startswith("Yes, more than chance explains")
    assert reading.data["beyond_chance"] is True
    rates = reading.findings[0].data["levels"]
    assert rates["jade"]["count"] > 30
    assert 60 < rates["jade"]["running_hours"] < 96  # of what it worked, less what it stood
    assert other.verdict.startswith("No, not more")


def test_a_material_that_makes_no_difference_is_said_to_make_none(remembered, told, press_house):
    reading = set_apart(remembered(told.events, press_house, NOW).view(), "material", reason="powder bridging")

    assert reading.data["beyond_chance"] is False
    assert "chance" in reading.verdict


def test_what_no_record_names_is_missing_not_guessed(remembered, told, press_house, foundry):
    view = remembered(told.events, press_house, NOW).view()

    unheard, tool = set_apart(view, "crew", level="ruby"), set_apart(view, "tool")

    assert "known: amber and jade" in unheard.verdict
    assert unheard.findings == ()
    assert tool.verdict.startswith("The records cannot tell")
    assert tool.missing


def test_arrival_order_and_irrelevant_records_change_no_pattern(remembered, new_scribe, told, press_house):
    shuffled = list(told.events)
    random.Random(3).shuffle(shuffled)
    other = new_scribe()
    other.report("lab", "2026-03-05T08:00:00+00:00", "lot:Z-9", quality_status="blocked")

    first = patterns(remembered(told.events, press_house, NOW).view())
    second = patterns(remembered(shuffled + other.events, press_house, NOW).view())

    assert first.verdict == second.verdict
    assert [f.text for f in first.findings] == [f.text for f in second.findings]


def test_a_view_of_the_past_knows_only_what_was_so_then(remembered, told, press_house):
    memory = remembered(told.events, press_house, NOW)

    early = set_apart(memory.view(as_of=datetime.fromisoformat("2026-03-02T15:00:00+00:00")), "crew", level="jade")

    assert early.verdict.startswith("Too few to tell: 1 case")


def test_the_mounted_tool_is_compared_where_reports_name_it(remembered, scribe, press_house):
    for day in range(2, 13):
        tool = "T-7" if day % 2 else "T-8"
        scribe.report("mes", f"2026-03-{day:02d}T06:00:00+00:00", f"equipment:{PRESS}", werkzeug=tool)
        if tool == "T-7":
            for hour in (7, 11, 16, 20):
                stop(scribe, f"2026-03-{day:02d}T{hour:02d}:00:00+00:00", "capping")

    reading = patterns(remembered(scribe.events, press_house, NOW).view())

    lead = next(f for f in reading.findings if "dimension" in f.data)
    assert (lead.data["dimension"], lead.data["level"]) == ("tool", "T-7")
    assert "still clear after correction" in lead.text


def test_the_same_incident_is_no_precedent_of_itself_and_likeness_is_explained(remembered, scribe, press_house):
    for day in (3, 6, 12):
        scribe.event("mes", f"2026-03-{day:02d}T08:40:00+00:00", "alarm", equipment=PRESS, code="V-12")
        stop(scribe, f"2026-03-{day:02d}T09:00:00+00:00", "feeder starved")
    scribe.note("log", "2026-03-06T09:20:00+00:00", "feeder starved: cleaned the vibrator", equipment=FEEDER)
    stop(scribe, "2026-03-12T09:02:00+00:00", "line waits for feeder", equipment=PRESS)
    view = remembered(scribe.events, press_house, NOW).view()
    own = next(c for c in occurrences(view) if c.label == "feeder starved" and c.start.day == 12)

    reading = similar(view, own)

    assert "happened 2 times" in reading.verdict
    assert "before the one at 2026-03-12 09:00" in reading.verdict
    assert not any("line waits" in f.text or "2026-03-12 08:40" in f.text for f in reading.findings)
    alike = next(f for f in reading.findings if "2026-03-03 09:00" in f.text)
    assert set(alike.data["alike"]) >= {"reason", "place", "before"}
    assert "before it alarm V-12" in alike.text
    assert any("vibrator" in f.text and "came back" in f.text for f in reading.findings)


def test_a_case_in_other_words_is_found_by_what_happened(remembered, scribe, press_house):
    for day, reason in ((3, "feeder starved"), (10, "no powder")):
        scribe.event("mes", f"2026-03-{day:02d}T08:40:00+00:00", "alarm", equipment=PRESS, code="V-12")
        stop(scribe, f"2026-03-{day:02d}T09:00:00+00:00", reason)
        scribe.event("mes", f"2026-03-{day:02d}T10:00:00+00:00", "scrap", equipment=PRESS, reason="weight")
    view = remembered(scribe.events, press_house, NOW).view()
    own = next(c for c in occurrences(view) if c.label == "no powder")

    reading = similar(view, own)

    assert "feeder starved" in reading.verdict
    assert "reason feeder starved instead of no powder" in " ".join(f.text for f in reading.findings)


@pytest.fixture
def starved(scribe):
    """The feeder starves after the same alarm on three days; the last one still lasts. One lot is held as before."""
    for day in (3, 6, 13):
        scribe.event("mes", f"2026-03-{day:02d}T20:40:00+00:00", "alarm", equipment=PRESS, code="V-12")
        if day < 13:
            stop(scribe, f"2026-03-{day:02d}T21:00:00+00:00", "feeder starved")
            scribe.report("lims", f"2026-03-{day:02d}T09:00:00+00:00", f"lot:L-{day}", material="B-2")
            scribe.event(
                "lims", f"2026-03-{day:02d}T10:00:00+00:00", "hold_placed", lot=f"L-{day}", hold=f"H-{day}",
                reason="too thin",
            )  # fmt: skip
    scribe.note("log", "2026-03-06T21:20:00+00:00", "feeder starved: cleaned the vibrator", equipment=FEEDER)
    scribe.event("mes", "2026-03-13T21:30:00+00:00", "stop", equipment=FEEDER, reason="feeder starved")
    stop(scribe, "2026-03-09T09:00:00+00:00", "punch worn", equipment="harrow/tablets/press-5")
    return scribe


def test_what_lasts_on_equipment_is_compared_without_any_words(remembered, starved, press_house):
    view = remembered(starved.events, press_house, NOW).view()

    reading = similar(view, "have we seen what happens on press 2 now before", of=Entity("equipment", PRESS))

    assert reading.verdict.startswith('Yes: stop "feeder starved" at harrow/tablets/press-2/feeder happened 2 times')
    assert reading.findings[0].text.startswith('Asked about: stop "feeder starved"')
    assert "before it alarm V-12" in reading.findings[1].text


def test_a_hold_and_a_lot_are_compared_by_what_they_are_cases_of(remembered, starved, press_house):
    view = remembered(starved.events, press_house, NOW).view()

    by_hold, by_lot = (similar(view, "", of=Entity(kind, f"{kind[0].upper()}-6")) for kind in ("hold", "lot"))

    assert by_hold.verdict.startswith('Yes, once: hold placed "too thin" at 2026-03-03')
    assert by_lot == by_hold
    assert "material B-2" in by_hold.findings[1].text


def test_a_hold_that_only_reports_tell_of_is_compared_too(remembered, starved, press_house):
    starved.report(
        "lims", "2026-03-12T08:00:00+00:00", "hold:H-77", reason="too thin", subject="lot:L-9", status="active"
    )

    reading = similar(remembered(starved.events, press_house, NOW).view(), "", of=Entity("hold", "H-77"))

    assert 'hold placed "too thin" happened 2 times' in reading.verdict


def test_where_nothing_happens_now_it_is_said_and_words_still_speak(remembered, starved, press_house):
    view = remembered(starved.events, press_house, NOW).view()
    idle = Entity("equipment", "harrow/tablets/press-5")

    silent, told = similar(view, "has this happened", of=idle), similar(view, "feeder starved", of=idle)

    assert silent.verdict.startswith("Nothing lasts or happened lately on Press 5")
    assert silent.missing
    assert 'stop "feeder starved"' in told.verdict


def test_a_case_taken_back_is_no_precedent(remembered, starved, press_house):
    wrong = next(e["id"] for e in starved.events if e["data"].get("hold") == "H-3")
    starved.delete("lims", "2026-03-10T08:00:00+00:00", wrong)
    memory = remembered(starved.events, press_house, NOW)

    then = similar(memory.view(as_of=datetime.fromisoformat("2026-03-09T12:00:00+00:00")), "", of=Entity("hold", "H-6"))
    now = similar(memory.view(), "", of=Entity("hold", "H-6"))

    assert then.verdict.startswith("Yes, once")
    assert now.verdict.startswith("No record of anything like")
