"""Whoever is new hears what stands, what to leave alone, what keeps coming back and whom to ask; of no other place."""

from __future__ import annotations

from datetime import datetime

import pytest

from lineside.interpretation.briefing import briefing
from lineside.interpretation.reading import Kind

LINE = "giesserei-nord/formerei/linie-a"
OTHER = "giesserei-nord/formerei/linie-b"
NOW = "2026-03-04T07:00:00+01:00"


def at(clock, day):
    return f"2026-03-{day:02d}T{clock}:00+01:00"


@pytest.fixture
def fortnight(scribe):
    for day in (1, 2, 3):
        scribe.event("leitstand", at("03:00", day), "stop", equipment=LINE, reason="Lichtschranke")
        scribe.event("leitstand", at("03:20", day), "start", equipment=LINE)
    scribe.event("leitstand", at("06:30", 4), "stop", equipment=LINE, reason="Sandförderung")
    scribe.event("leitstand", at("06:30", 4), "stop", equipment=OTHER, reason="Kernbüchse")
    scribe.note("schichtbuch", at("03:30", 3), "Lichtschranke gereinigt, hat nicht geholfen", equipment=LINE)
    scribe.note("schichtbuch", at("03:40", 2), "Druck 4 bar bitte nicht verstellen", equipment=LINE)
    scribe.note("schichtbuch", at("03:40", 2), "Formsand bitte nicht anfassen", equipment=OTHER)
    scribe.note("schichtbuch", at("23:00", 3), "Fast Unfall am Kran, Haken lose", equipment=LINE)
    scribe.decide(
        "schichtbuch", at("21:00", 3), "Tempo?", "Linie A mit 80 % fahren", rationale="Getriebe", equipment=LINE
    )
    return scribe


def sections(reading):
    found = {}
    for finding in reading.findings:
        found.setdefault(finding.data["section"], []).append(finding.text)
    return found


def test_each_part_tells_of_the_line_and_of_no_other(remembered, fortnight, foundry):
    reading = briefing(remembered(fortnight.events, foundry, NOW).view(), LINE)
    found = sections(reading)

    assert next(iter(found)) == "safety"
    assert "Haken lose" in found["safety"][0]
    assert any("Sandförderung" in text for text in found["carried over"])
    assert any("80 %" in text and "Getriebe" in text for text in found["decisions in force"])
    assert ["4 bar" in text for text in found["do not change"]] == [True]
    assert ["nicht geholfen" in text for text in found["tried and failed"]] == [True]
    assert any("Lichtschranke" in text and "3 times" in text for text in found["keeps coming back"])
    assert "Lichtschranke" in reading.verdict
    told = " ".join(finding.text for finding in reading.findings)
    assert "Kernbüchse" not in told
    assert "Formsand" not in told
    assert all(finding.cites for finding in reading.findings)
    assert all(
        f.kind is Kind.CLAIMED for f in reading.findings if f.data["section"] in ("do not change", "tried and failed")
    )


def test_as_of_then_nothing_later_is_told(remembered, fortnight, foundry):
    memory = remembered(fortnight.events, foundry, NOW)
    told = sections(briefing(memory.view(as_of=datetime.fromisoformat(at("12:00", 2))), LINE))
    assert "decisions in force" not in told
    assert "tried and failed" not in told
    assert any("4 bar" in text for text in told["do not change"])


def test_where_nothing_is_on_record_that_is_said(remembered, scribe, foundry):
    reading = briefing(remembered(scribe.events, foundry, NOW).view(), LINE)
    assert "0 open, 0 decisions in force" in reading.verdict
    assert {finding.data["section"] for finding in reading.findings} <= {"people"}
    assert reading.missing
