"""A handover holds each item once, whatever arrives late."""

from __future__ import annotations

from datetime import datetime

import pytest

from lineside.interpretation.handover import handover
from lineside.interpretation.reading import Finding, Kind

LINE = "giesserei-nord/formerei/linie-a"
NOW = "2026-03-04T07:00:00+01:00"


def at(clock, day=3):
    return f"2026-03-{day:02d}T{clock}:00+01:00"


@pytest.fixture
def night(scribe):
    scribe.event("leitstand", at("20:00"), "stop", equipment=LINE, reason="Kernschießer defekt")
    scribe.event("leitstand", at("02:00", 4), "start", equipment=LINE)
    scribe.event("leitstand", at("05:30", 4), "stop", equipment=LINE, reason="Sandförderung")
    for hour in (3, 4):
        scribe.event("leitstand", at(f"0{hour}:00", 4), "stop", equipment=LINE, reason="Lichtschranke")
        scribe.event("leitstand", at(f"0{hour}:10", 4), "start", equipment=LINE)
    scribe.report("qs", at("15:00"), "hold:SP-4", subject="lot:CH-9", reason="Lunker", status="active")
    scribe.report("qs", at("23:30"), "hold:SP-5", subject="lot:CH-10", reason="Maß", status="active")
    scribe.report("sap", at("10:00"), "maintenance_order:IH-7", equipment=LINE, description="Filter", status="open")
    scribe.report("sap", at("01:00", 4), "maintenance_order:IH-7", status="closed")
    scribe.note("schichtbuch", at("23:00"), "Fast Unfall am Kran, Haken lose", equipment=LINE)
    scribe.note("schichtbuch", at("03:30", 4), "Lichtschranke gereinigt, hat nicht geholfen", equipment=LINE)
    scribe.note("schichtbuch", at("03:40", 4), "Druck 4 bar bitte nicht verstellen", equipment=LINE)
    scribe.note("schichtbuch", at("05:00", 4), "Glaube das Getriebe klingt anders", equipment=LINE)
    scribe.decide("schichtbuch", at("21:00"), "Tempo?", "Linie A mit 80 % fahren", rationale="Getriebe", equipment=LINE)
    scribe.report("leitstand", at("21:00"), f"equipment:{LINE}", good_count=500, target_rate=30)
    scribe.report("leitstand", at("22:00"), f"equipment:{LINE}", good_count=500)
    scribe.report("leitstand", at("06:00", 4), f"equipment:{LINE}", good_count=590)
    return scribe


def drafted(memory, as_of=None):
    view = memory.view(as_of=as_of and datetime.fromisoformat(as_of))
    return handover(view, view.calendar.at(datetime.fromisoformat(at("23:00"))))


def sections(reading):
    found = {}
    for finding in reading.findings:
        found.setdefault(finding.data["section"], []).append(finding.text)
    return found


def test_each_item_stands_in_its_section_safety_first(remembered, night, foundry):
    reading = drafted(remembered(night.events, foundry, NOW))
    found = sections(reading)

    assert next(iter(found)) == "safety"
    assert ["Haken lose" in t for t in found["safety"]] == [True]
    assert [w for w in ("SP-4",) if any(w in t for t in found["carried over"])] == ["SP-4"]
    assert sorted(w for t in found["new"] for w in ("Sandförderung", "SP-5") if w in t) == ["SP-5", "Sandförderung"]
    assert sorted(w for t in found["closed"] for w in ("Kernschießer", "Lichtschranke", "IH-7") if w in t) == [
        "IH-7", "Kernschießer", "Lichtschranke",
    ]  # fmt: skip
    assert any("2 times" in t for t in found["closed"])
    assert any("80 %" in t and "Getriebe" in t for t in found["decisions in force"])
    assert any("nicht geholfen" in t for t in found["tried and failed"])
    assert any("4 bar" in t for t in found["do not change"])
    assert any("klingt anders" in t for t in found["unverified"])
    assert any("90 made of 240 due" in t for t in found["performance"])
    assert all(f.kind is Kind.CLAIMED for f in reading.findings if f.data["section"] == "unverified")


def test_late_data_doubles_no_item(remembered, night, foundry):
    night.event("scada", at("20:01"), "stop", told=at("06:30", 4), equipment=LINE, reason="E-17")
    night.event("scada", at("02:01", 4), "start", told=at("06:30", 4), equipment=LINE)
    night.event(
        "leitstand", at("22:30"), "stop", told=at("06:45", 4), equipment=f"{LINE}/former", reason="Nachgetragen"
    )
    night.event("leitstand", at("22:40"), "start", told=at("06:45", 4), equipment=f"{LINE}/former")
    memory = remembered(night.events, foundry, NOW)

    early, late = drafted(memory, at("06:05", 4)), drafted(memory)

    assert not any("Nachgetragen" in f.text for f in early.findings)
    for word in ("Nachgetragen", "Kernschießer", "Sandförderung"):
        assert sum(word in f.text for f in late.findings if f.data["section"] != "performance") == 1
    keys = [f.data["key"] for f in late.findings if "key" in f.data]
    assert len(keys) == len(set(keys))


def test_the_shift_before_did_not_know_what_came_later(remembered, night, foundry):
    view = remembered(night.events, foundry, NOW).view(as_of=datetime.fromisoformat(at("22:30")))

    reading = handover(view, view.calendar.at(view.as_of))

    assert any("Kernschießer" in t for t in sections(reading)["carried over"])
    assert any("ends at" in m for m in reading.missing)
    assert not any("SP-5" in f.text for f in reading.findings)


def test_open_proposals_and_silent_feeds_are_handed_over(remembered, night, foundry):
    memory = remembered(night.events, foundry, at("12:00", 4))
    view = memory.view()
    proposal = Finding(text="Hold lot CH-11, waits for approval.", kind=Kind.FACT, cites=("p-1",))

    reading = handover(view, view.calendar.at(datetime.fromisoformat(at("23:00"))), proposals=[proposal])

    assert sections(reading)["open proposals"] == ["Hold lot CH-11, waits for approval."]
    assert any(m.startswith("leitstand is silent") for m in reading.missing)


def test_an_empty_shift_is_said_to_be_empty(remembered, foundry):
    reading = drafted(remembered([], foundry, NOW))

    assert reading.findings == ()
    assert "the records tell of nothing" in reading.verdict


def test_a_hazard_of_the_shift_before_stands_first_until_it_is_closed(remembered, scribe, foundry):
    text = "Stapler 3 hat defekte Bremse, nicht benutzen! Schnittwunde Finger bei Former A."
    scribe.note("schichtbuch", at("21:00"), text, author="kurz")
    found = sections(drafted(remembered(scribe.events, foundry, NOW)))
    assert "Stapler 3" in found["safety"][0]
    assert "9 h 00 min ago" in found["safety"][0]


@pytest.mark.parametrize("day", [2, 3])
def test_a_hazard_is_carried_for_a_day_and_ends_with_its_repair(remembered, scribe, foundry, day):
    scribe.note("log", at("20:00", day), "Forklift 3 has a faulty brake, do not use", author="kurz")
    scribe.note("log", at("23:30", 3), "Brake of forklift 3 repaired", author="lang")
    assert "safety" not in sections(drafted(remembered(scribe.events, foundry, NOW)))
