"""Decisions know whether they still hold."""

from __future__ import annotations

import pytest

from lineside.interpretation.assumptions import Holding, check
from lineside.interpretation.standing import broken, decided, in_force, pick
from lineside.plant.entities import Entity

LINE = "giesserei-nord/formerei/linie-a"
NOW = "2026-03-10T12:00:00+01:00"


def at(day, clock="08:00"):
    return f"2026-03-{day:02d}T{clock}:00+01:00"


@pytest.fixture
def short_of_resin(scribe):
    """A binder shortage: one choice, later overtaken; the second rests on a purchase order and on stock."""
    scribe.decide(
        "schichtbuch", at(2), "Wie mit dem Harz HZ-40 bis zur Lieferung umgehen?", "Linie B steht, Linie A läuft",
        case="F-7", rationale="nur 300 kg da", outcome="Auftrag FA-9 zwei Tage zu spät",
    )  # fmt: skip
    scribe.decide(
        "schichtbuch", at(5), "Woher kommt Ersatz für Harz HZ-40?", "HZ-41 mischen bis 2026-03-20",
        case="F-8", options=["warten", "HZ-41 mischen bis 2026-03-20", "zukaufen"], rationale="Kunde braucht FA-12",
        constraints=["höchstens 30 % HZ-41"], decided_by="leiter-2", authority="QS-Richtlinie 4",
        assumptions=["BE-77/1 eta <= 2026-03-12", "HZ-40 silo >= 200 kg", "lot:CH-5 quality_status = unrestricted",
                     "Das Labor prüft jede Charge"],
        expected="keine Ausschusssteigerung", equipment=LINE,
    )  # fmt: skip
    scribe.report("sap", at(4), "purchase_order_line:BE-77/1", eta="2026-03-11T10:00:00+01:00")
    scribe.report("sap", at(4), "inventory:HZ-40@S1", "silo", quantity={"value": 150, "unit": "kg"})
    scribe.report("sap", at(4), "inventory:HZ-40@S2", "silo", quantity={"value": 0.1, "unit": "t"})
    scribe.report("labor", at(4), "lot:CH-5", quality_status="frei")
    return scribe


def holdings(reading):
    return {c["text"]: c["holding"] for c in reading.data["checks"]}


def test_what_was_decided_comes_with_options_authority_and_whether_each_assumption_holds(
    remembered, short_of_resin, foundry
):
    view = remembered(short_of_resin.events, foundry, NOW).view()

    reading = decided(view, pick(view, [], entities=[Entity("material", "HZ-40")], text="Ersatz für Harz"))

    assert "HZ-41 mischen" in reading.verdict
    assert "still in force until" in reading.verdict
    assert holdings(reading) == {
        "BE-77/1 eta <= 2026-03-12": "holds",
        "HZ-40 silo >= 200 kg": "holds",
        "lot:CH-5 quality_status = unrestricted": "holds",
        "Das Labor prüft jede Charge": "not checkable by records",
    }
    told = " ".join(f.text for f in reading.findings)
    assert all(w in told for w in ("warten", "zukaufen", "leiter-2", "QS-Richtlinie 4", "höchstens 30 % HZ-41"))
    assert any("Das Labor prüft jede Charge" in m for m in reading.missing)


def test_an_assumption_breaks_when_the_promised_date_slips_and_the_decider_is_to_be_asked(
    remembered, short_of_resin, foundry
):
    short_of_resin.report("sap", at(9), "purchase_order_line:BE-77/1", eta="2026-03-16T10:00:00+01:00")
    memory = remembered(short_of_resin.events, foundry, NOW)

    reading = broken(memory.view())
    before = broken(memory.view(as_of=memory.clock().fromisoformat(at(8))))

    assert "1 decision in force rests on facts that changed" in reading.verdict
    assert any("BE-77/1 eta <= 2026-03-12" in f.text and "no longer holds" in f.text for f in reading.findings)
    assert reading.next_steps == ("Ask leiter-2 whether the decision still stands.",)
    assert before.findings == ()


def test_only_what_is_not_over_superseded_or_closed_is_in_force(remembered, scribe, press_house):
    press = "harrow/tablets/press-2"
    scribe.decide("log", at(2), "Speed of press 2?", "Run press 2 at 80 %", equipment=press)
    scribe.decide("log", at(4), "Speed of press 2?", "Run press 2 at 90 %", equipment=press)
    scribe.decide("log", at(5), "Who samples?", "Sample hourly until 2026-03-09", equipment=press)
    scribe.decide("log", at(6), "Ship early?", "Ship B-7 early", outcome="shipped")
    scribe.decide("log", at(7), "Press 5 tooling?", "Leave punch set 9 in", equipment="harrow/tablets/press-5")
    view = remembered(scribe.events, press_house, NOW).view()

    everywhere, here = in_force(view), in_force(view, equipment=press)

    assert everywhere.data["decisions"] == ["log-5", "log-2"]
    assert here.data["decisions"] == ["log-2"]


def test_an_earlier_view_shows_what_was_in_force_then(remembered, scribe, press_house):
    scribe.decide("log", at(2), "Speed?", "Run at 80 % until 2026-03-05 14:00")
    memory = remembered(scribe.events, press_house, NOW)

    assert in_force(memory.view()).data == {}
    assert in_force(memory.view(as_of=memory.clock().fromisoformat(at(5, "13:00")))).data["decisions"] == ["log-1"]


def test_active_holds_are_not_to_be_touched_and_released_ones_are(remembered, scribe, press_house):
    scribe.report("qms", at(2), "hold:H-1", subject="lot:B-7", reason="assay low", status="active")
    scribe.report("qms", at(2), "hold:H-2", subject="lot:B-8", reason="label", status="active")
    scribe.report("qms", at(3), "hold:H-2", status="released")
    scribe.event("qms", at(4), "hold_placed", hold="H-3", lot="B-9", reason="dissolution")

    reading = in_force(remembered(scribe.events, press_house, NOW).view())

    assert [f.data["hold"] for f in reading.findings] == ["H-1", "H-3"]


@pytest.mark.parametrize(
    ("text", "holding"),
    [
        ("lot:B-7 quality_status = blocked", Holding.HOLDS),
        ("B-7 is blocked", Holding.HOLDS),
        ("B-7 ist nicht gesperrt", Holding.BROKEN),
        ("B-7 quantity >= 0.5 t", Holding.BROKEN),
        ("B-7 quantity at least 400 kg", Holding.HOLDS),
        ("B-7 quantity > 3 L", Holding.UNKNOWN),
        ("B-7 expires_at > 2026-04-01", Holding.HOLDS),
        ("B-99 quantity > 3", Holding.UNCHECKABLE),
        ("valid until 2026-03-09", Holding.BROKEN),
        ("gültig bis 11.03.2026", Holding.HOLDS),
        ("bis Freitag 14:00", Holding.BROKEN),
        ("the night shift keeps an eye on it", Holding.UNCHECKABLE),
    ],
)
def test_an_assumption_is_checked_or_said_not_to_be_checkable(remembered, scribe, press_house, text, holding):
    scribe.report(
        "erp", at(2), "lot:B-7", quality_status="blocked", quantity={"value": 450, "unit": "kg"},
        expires_at="2026-05-01T00:00:00Z",
    )  # fmt: skip
    memory = remembered(scribe.events, press_house, NOW)

    assert check(text, said_at=memory.clock().fromisoformat(at(4)), view=memory.view()).holding is holding


def test_sources_that_differ_contest_an_assumption_unless_one_owns_it(remembered, scribe, press_house):
    scribe.report("erp", at(2), "lot:B-7", quality_status="unrestricted")
    scribe.report("qms", at(3), "lot:B-7", quality_status="blocked")
    owned = press_house + '\n[[sources]]\nname = "qms"\nowns = ["lot.quality_status"]\n'

    views = [remembered(scribe.events, plant, NOW).view() for plant in (press_house, owned)]

    found = [check("B-7 quality_status = unrestricted", said_at=v.as_of, view=v).holding for v in views]
    assert found == [Holding.CONTESTED, Holding.BROKEN]


def test_nothing_decided_is_said_and_not_invented(remembered, foundry):
    view = remembered([], foundry, NOW).view()

    assert decided(view, pick(view, [], text="Harz")).findings == ()
    assert "No decision" in decided(view, []).verdict


def test_what_came_of_a_choice_for_one_machine_closes_no_choice_for_another(remembered, scribe, press_house):
    scribe.decide("log", at(2), "Which speed?", "Run at 80 %", equipment="harrow/tablets/press-2")
    scribe.decide("log", at(3), "Which speed?", "Run at 70 %", equipment="harrow/tablets/press-5", outcome="closed")

    assert in_force(remembered(scribe.events, press_house, NOW).view()).data["decisions"] == ["log-1"]
