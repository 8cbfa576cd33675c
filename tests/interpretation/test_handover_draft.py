"""A drafted handover holds each thing once, and what comes in late and in any order changes nothing but that it was."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.handover_draft import Draft, DraftItem, Section, draft
from lineside.interpretation.reading import Kind

LINE = "giesserei-nord/formerei/linie-a"
OTHER = "giesserei-nord/formerei/linie-b"
FINAL = "2026-03-06T06:00:00+01:00"


def at(clock, day=3):
    return f"2026-03-{day:02d}T{clock}:00+01:00"


def night_told(scribe):
    scribe.event("leitstand", at("20:00"), "stop", equipment=LINE, reason="Kernschießer defekt")
    scribe.event("leitstand", at("02:00", 4), "start", equipment=LINE)
    scribe.event("leitstand", at("05:30", 4), "stop", equipment=LINE, reason="Sandförderung")
    for hour in (3, 4):
        scribe.event("leitstand", at(f"0{hour}:00", 4), "stop", equipment=LINE, reason="Lichtschranke")
        scribe.event("leitstand", at(f"0{hour}:10", 4), "start", equipment=LINE)
    scribe.event("leitstand", at("23:10"), "alarm", equipment=OTHER, code="A-7", text="Hydraulik warm")
    scribe.event("leitstand", at("23:40"), "alarm_cleared", equipment=OTHER, code="A-7")
    scribe.report("qs", at("15:00"), "hold:SP-4", subject="lot:CH-9", reason="Lunker", status="active")
    scribe.report("qs", at("23:30"), "hold:SP-5", subject="lot:CH-10", reason="Maß", status="active")
    scribe.report("sap", at("10:00"), "maintenance_order:IH-7", equipment=LINE, description="Filter", status="open")
    scribe.report("sap", at("01:00", 4), "maintenance_order:IH-7", status="closed")
    scribe.note("schichtbuch", at("23:00"), "Fast Unfall am Kran, Haken lose", equipment=LINE)
    scribe.note("schichtbuch", at("03:30", 4), "Lichtschranke gereinigt, hat nicht geholfen", equipment=LINE)
    scribe.note("schichtbuch", at("03:40", 4), "Druck 4 bar bitte nicht verstellen", equipment=LINE)
    scribe.note("schichtbuch", at("05:00", 4), "Glaube das Getriebe klingt anders", equipment=OTHER)
    scribe.decide("schichtbuch", at("21:00"), "Tempo?", "Linie A mit 80 % fahren", rationale="Getriebe", equipment=LINE)
    scribe.report("leitstand", at("21:00"), f"equipment:{LINE}", good_count=500, target_rate=30)
    scribe.report("leitstand", at("22:00"), f"equipment:{LINE}", good_count=500)
    scribe.report("leitstand", at("06:00", 4), f"equipment:{LINE}", good_count=590)
    return scribe


@pytest.fixture
def night(scribe):
    return night_told(scribe)


def drafted(memory, as_of=None, place=None, proposals=()) -> Draft:
    view = memory.view(as_of=as_of and datetime.fromisoformat(as_of))
    slot = view.calendar.at(datetime.fromisoformat(at("23:00")))
    return draft(view, slot, place, proposals=proposals)


def essence(found: Draft):
    """All but what speaks of lateness."""
    return [replace(i, late=False) for i in found.items if i.section is not Section.FEEDS]


def test_the_sections_stand_in_order_and_each_item_has_its_age_and_sources(remembered, night, foundry):
    found = drafted(remembered(night.events, foundry, FINAL))
    sections = found.sections()

    told = [s for s in sections if s in list(Section)[:8]]

    assert told == [
        Section.SAFETY, Section.CARRIED, Section.NEW, Section.CLOSED, Section.IN_FORCE, Section.FAILED, Section.LEAVE,
    ]  # fmt: skip
    assert all(i.cites or i.facts for i in found.items if i.section is not Section.FEEDS)
    (hold,) = [i for i in sections[Section.CARRIED] if "SP-4" in i.text]
    assert (hold.age_s, hold.kind) == (15 * 3600, Kind.DERIVED)
    assert {i.kind for i in sections[Section.UNVERIFIED]} == {Kind.CLAIMED}
    assert any("90 made of 240 due" in i.text for i in sections[Section.PERFORMANCE])
    assert any("Getriebe" in i.text for i in sections[Section.IN_FORCE])


def test_a_work_center_has_its_own_and_not_the_others(remembered, night, foundry):
    found = drafted(remembered(night.events, foundry, FINAL), place=LINE)

    assert not [i for i in found.items if "klingt anders" in i.text or "A-7" in i.text]
    assert [i for i in found.items if "Sandförderung" in i.text]


def test_drafted_again_later_it_says_the_same_of_the_same(remembered, night, foundry):
    memory = remembered(night.events, foundry, FINAL)
    once, again = drafted(memory, at("06:10", 4)), drafted(memory, at("06:10", 5))

    assert once.digest == again.digest
    assert [i.text for i in once.items] == [i.text for i in again.items]


def test_in_the_middle_of_the_shift_it_holds_what_was_known_then_under_the_same_keys(remembered, night, foundry):
    memory = remembered(night.events, foundry, FINAL)
    half, whole = drafted(memory, at("01:00", 4)), drafted(memory)

    assert (len(half.missing), len(whole.missing)) == (1, 0)
    assert not [i for i in half.items if "Lichtschranke" in i.text]
    assert {i.key for i in half.items} - {i.key for i in whole.items} <= {
        i.key for i in half.items if "defekt" in i.text
    }
    (hold,) = [i for i in half.items if "SP-5" in i.text]
    assert [i.digest for i in whole.items if i.key == hold.key] == [hold.digest]


def test_an_earlier_one_of_the_same_that_comes_in_late_changes_its_item_and_adds_none(remembered, night, foundry):
    night.event("leitstand", at("00:10", 4), "stop", told=at("07:30", 4), equipment=LINE + "/former", reason="Sensor")
    night.event("leitstand", at("00:20", 4), "start", told=at("07:30", 4), equipment=LINE + "/former")
    night.event("leitstand", at("01:10", 4), "stop", equipment=LINE + "/former", reason="Sensor")
    night.event("leitstand", at("01:20", 4), "start", equipment=LINE + "/former")
    memory = remembered(night.events, foundry, FINAL)
    (before,) = [i for i in drafted(memory, at("06:30", 4)).items if "Sensor" in i.text]
    (after,) = [i for i in drafted(memory).items if "Sensor" in i.text]

    assert (before.key == after.key, before.digest == after.digest) == (True, False)
    assert (before.late, after.late) == (False, True)


def test_a_complaint_that_led_to_a_hold_and_work_that_has_an_order_are_one_item_each(remembered, night, foundry):
    night.event("qs", at("00:10", 4), "nonconformity", lot="CH-11", reason="Riss", text="Riss im Flansch")
    night.report("qs", at("00:20", 4), "hold:SP-6", subject="lot:CH-11", reason="Riss", status="active")
    night.event("qs", at("00:40", 4), "nonconformity", lot="CH-12", reason="Grat", text="Grat am Rand")
    night.event("sap", at("02:30", 4), "maintenance_requested", equipment=OTHER, code="S1")
    night.report("sap", at("02:30", 4), "maintenance_order:IH-8", equipment=OTHER, description="Pumpe", status="open")
    night.event("sap", at("03:00", 4), "maintenance_started", equipment=OTHER)
    night.event("sap", at("04:00", 4), "maintenance_finished", equipment=OTHER)
    night.report("sap", at("04:00", 4), "maintenance_order:IH-8", status="closed")
    night.event("sap", at("04:30", 4), "maintenance_requested", equipment=LINE, code="S2")
    found = [i.text for i in drafted(remembered(night.events, foundry, FINAL)).items]

    assert [t for t in found if "CH-11" in t] == [t for t in found if "SP-6" in t]
    assert len([t for t in found if "CH-11" in t]) == len([t for t in found if "CH-12" in t]) == 1
    assert [t for t in found if OTHER in t and "aintenance" in t] == [t for t in found if "IH-8" in t]
    assert len([t for t in found if "IH-8" in t]) == len([t for t in found if "S2" in t]) == 1


def test_open_proposals_stand_in_it(remembered, night, foundry):
    asked = DraftItem(
        key="proposal PR-1", section=Section.PROPOSALS, text="PR-1: SP-5 freigeben.", kind=Kind.FACT, cites=()
    )
    found = drafted(remembered(night.events, foundry, FINAL), proposals=[asked])

    assert [i.key for i in found.items if i.section is Section.PROPOSALS] == ["proposal PR-1"]


@settings(max_examples=25)
@given(data=st.data())
def test_records_that_come_hours_late_and_in_any_order_change_nothing_else(data, remembered, new_scribe, foundry):
    punctual = night_told(new_scribe()).events
    count = max(1, len(punctual) // 10)
    chosen = data.draw(st.sets(st.integers(0, len(punctual) - 1), min_size=count, max_size=2 * count))
    late = deepcopy(punctual)
    for number in chosen:
        told = datetime.fromisoformat(late[number]["time"]) + timedelta(minutes=data.draw(st.integers(60, 900)))
        late[number]["reportedat"] = told.isoformat()
    shuffled = data.draw(st.permutations(late))

    expected = drafted(remembered(punctual, foundry, FINAL))
    found = drafted(remembered(shuffled, foundry, FINAL))

    assert essence(found) == essence(expected)
    assert len({i.key for i in found.items}) == len(found.items)
