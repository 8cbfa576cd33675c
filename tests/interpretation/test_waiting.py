"""Waiting told apart from own stops: by words that say so, or by records beside the stop, never by a word alone."""

from __future__ import annotations

import pytest

from lineside.errors import SetupError
from lineside.interpretation.pace import pace
from lineside.interpretation.reading import Kind
from lineside.interpretation.stops import intervals
from lineside.interpretation.waiting import meant, parse, told

PRESS = "harrow/tablets/press-2"
FEEDER = f"{PRESS}/feeder"
TURRET = f"{PRESS}/turret"


def at(clock):
    return f"2026-03-03T{clock}:00+00:00"


def waits(memory, equipment=PRESS):
    view = memory.view()
    return {(i.equipment, i.why): (i.waits_for, i.inferred) for i in told(view, intervals(view, equipment))}


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        ("Waiting for material", "material"),
        ("wartet auf Material", "material"),
        ("STARVED", "upstream"),
        ("Rückstau Palettierer", "downstream"),
        ("blocked", "downstream"),
        ("Wartet auf Freigabe QS", "release"),
        ("waiting for QA", "inspection"),
        ("kein Bediener", "crew"),
        ("waiting for the shaman", "others"),
        ("nozzle blocked", ""),
        ("Stau am Einlauf", ""),
        ("jam at infeed", ""),
        ("", ""),
    ],
)
def test_a_reason_says_what_is_waited_for_in_both_languages(reason, what):
    assert meant(reason) == (what, False)


def test_a_word_that_may_mean_waiting_counts_only_beside_a_record_that_shows_it(remembered, scribe, press_house):
    scribe.event("scada", at("07:00"), "stop", equipment=FEEDER, reason="label missing", job_order="B-1")
    scribe.event("scada", at("07:10"), "start", equipment=FEEDER)
    scribe.event("wms", at("08:30"), "pick_late", job_order="B-1", material="M-4")
    scribe.event("scada", at("09:00"), "stop", equipment=FEEDER, reason="hopper empty", job_order="B-1")
    scribe.event("scada", at("09:20"), "start", equipment=FEEDER)

    found = waits(remembered(scribe.events, press_house, at("10:00")))

    assert found == {(FEEDER, "label missing"): ("", False), (FEEDER, "hopper empty"): ("material", False)}


def test_a_pick_that_was_staged_long_before_explains_no_empty_hopper(remembered, scribe, press_house):
    scribe.event("wms", at("07:00"), "pick_late", job_order="B-1", material="M-4")
    scribe.event("wms", at("07:30"), "staged", job_order="B-1", material="M-4")
    scribe.event("scada", at("09:00"), "stop", equipment=FEEDER, reason="hopper empty", job_order="B-1")

    assert waits(remembered(scribe.events, press_house, at("10:00"))) == {(FEEDER, "hopper empty"): ("", False)}


def test_an_idle_unit_whose_neighbour_stands_waits_for_it_and_that_is_a_guess(remembered, scribe, press_house):
    for clock, made in (("06:00", 0), ("10:00", 3000)):
        scribe.report("scada", at(clock), f"equipment:{PRESS}", good_count=made, target_rate=1000)
    scribe.event("mes", at("07:00"), "stop", equipment=TURRET, reason="punch worn")
    scribe.event("mes", at("07:30"), "start", equipment=TURRET)
    scribe.report("scada", at("07:01"), f"equipment:{FEEDER}", state="idle")
    scribe.report("scada", at("07:29"), f"equipment:{FEEDER}", state="running")
    memory = remembered(scribe.events, press_house, at("10:00"))

    assert waits(memory)[FEEDER, f"while {TURRET} stood"] == ("others", True)
    own = pace(memory.view(), PRESS)
    # Of the line it is the turret's stop, once.
    assert {p["name"]: p["minutes"] for p in own.data["parts"]}["stop: punch worn"] == 30
    assert not any("waiting" in p["name"] for p in own.data["parts"])


def test_an_idle_line_with_a_component_that_is_not_staged_is_guessed_to_wait_for_material(
    remembered, scribe, press_house
):
    scribe.report("scada", at("06:00"), f"equipment:{PRESS}", target_rate=60, good_count=0, job_order="B-7")
    scribe.report("erp", at("05:00"), "job_order:B-7", components=[{"material": "M-4", "quantity": 9, "staged": False}])
    scribe.report("scada", at("08:00"), f"equipment:{PRESS}", state="idle", good_count=120)
    scribe.report("scada", at("09:00"), f"equipment:{PRESS}", state="running", good_count=120)
    scribe.report("scada", at("10:00"), f"equipment:{PRESS}", good_count=180)

    reading = pace(remembered(scribe.events, press_house, at("10:00")).view(), PRESS)

    part = next(f for f in reading.findings if f.data.get("part") == "waiting for material")
    assert (part.kind, part.data["minutes"]) == (Kind.GUESSED, 60)
    assert reading.data["split"]["waiting"] == [60, 60]
    assert sum(units for units, _ in reading.data["split"].values()) == reading.data["gap"]


def test_an_idle_line_whose_last_job_order_is_over_is_guessed_to_wait_for_orders(remembered, scribe, press_house):
    scribe.event("mes", at("06:00"), "started", equipment=PRESS, job_order="B-7")
    scribe.event("mes", at("08:00"), "completed", equipment=PRESS, job_order="B-7")
    scribe.report("scada", at("08:01"), f"equipment:{PRESS}", state="idle")
    scribe.event("mes", at("09:00"), "started", equipment=PRESS, job_order="B-8")
    scribe.report("scada", at("09:00"), f"equipment:{PRESS}", state="running")
    scribe.report("scada", at("09:30"), f"equipment:{PRESS}", state="idle")
    scribe.report("scada", at("09:40"), f"equipment:{PRESS}", state="running")

    view = remembered(scribe.events, press_house, at("10:00")).view()

    assert [(i.waits_for, i.inferred) for i in told(view, intervals(view, PRESS))] == [("orders", True), ("", False)]


def test_a_note_on_another_stop_is_no_cause_of_an_idle_stretch_that_says_none(remembered, scribe, press_house):
    for clock, made in (("06:00", 0), ("08:00", 2000), ("10:00", 2000)):
        scribe.report("scada", at(clock), f"equipment:{PRESS}", good_count=made, target_rate=1000)
    scribe.report("scada", at("08:00"), f"equipment:{PRESS}", state="idle")
    scribe.note("log", at("08:30"), "Press 2 stood 5 min because of a cracked punch", equipment=PRESS)
    lost = pace(remembered(scribe.events, press_house, at("10:00")).view(), PRESS)
    assert "gives as the cause" not in lost.verdict

    scribe.note("log", at("08:40"), "Press 2 is idle because we are waiting for QA", equipment=PRESS, author="mills")
    told_why = pace(remembered(scribe.events, press_house, at("10:00")).view(), PRESS)
    assert "mills gives as the cause" in told_why.verdict


def test_a_pack_with_an_unknown_list_is_refused():
    with pytest.raises(SetupError, match="material"):
        parse("site/waiting.toml", {"material": {"said": ["no sand"]}})
