"""Cases are counted against what fits them: lots, units, changeovers, order lines; hours only where that isn't told."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.interpretation.chance import at_least_drawn
from lineside.interpretation.patterns import patterns
from lineside.interpretation.set_apart import set_apart

PRESS, OTHER = "harrow/tablets/press-2", "harrow/tablets/press-5"
NOW = "2026-03-13T22:00:00+00:00"
SOURCE = '\n[[sources]]\nname = "mes"\nkind = "mes"\ncadence_s = 3600\n'


def when(day, clock):
    return f"2026-03-{day:02d}T{clock}:00+00:00"


def batch(scribe, number, day, clock, *, line=PRESS, material="ASPIRIN", inspected=True):
    """A job that begins, its lot, and the sample of it."""
    scribe.report("mes", when(day, clock), f"job_order:J-{number}", material=material, equipment=line)
    scribe.event("mes", when(day, clock), "started", equipment=line, job_order=f"J-{number}")
    scribe.report("mes", when(day, clock), f"lot:L-{number}", material=material, job_order=f"J-{number}")
    if inspected:
        scribe.event("lims", when(day, "21:00"), "sample", lot=f"L-{number}")


def thin(scribe, number, day):
    scribe.event("lims", when(day, "21:30"), "hold_placed", lot=f"L-{number}", hold=f"H-{number}", reason="too thin")


@pytest.fixture
def lots(scribe):
    """Two lots a day on either press; of press 2 most are held, of one of them twice."""
    for day in range(2, 13):
        for turn, clock in enumerate(("07:00", "15:00")):
            batch(scribe, f"{day}{turn}", day, clock)
            batch(scribe, f"{day}{turn}5", day, clock, line=OTHER, material="ZINC")
        if day < 10:
            thin(scribe, f"{day}0", day)
    thin(scribe, "20", 3)
    return scribe


def finding(reading, key):
    return next(f for f in reading.findings if key in f.data)


def test_held_lots_are_counted_against_inspected_lots_each_once(remembered, lots, press_house):
    reading = patterns(remembered(lots.events, press_house, NOW).view(), kind="hold_placed")

    rate = reading.findings[0]
    assert (rate.data["of"], rate.data["count"], rate.data["numerator"], rate.data["denominator"]) == ("lots", 9, 8, 44)
    assert "18.18 per 100 inspected lots (8 in 44 inspected lots" in rate.text
    lead = finding(reading, "raw_p")
    assert lead.data["test"] == "Fisher's exact test"
    assert (lead.data["hits"], lead.data["trials"]) == (8, 8)
    assert lead.data["raw_p"] == pytest.approx(comb(22, 8) / comb(44, 8))
    assert "comparisons" in lead.text


def test_without_inspections_on_record_hours_are_taken_and_that_is_said(remembered, scribe, press_house):
    for day in range(2, 9):
        batch(scribe, day, day, "07:00", inspected=False)
        scribe.event("mes", when(day, "08:00"), "nonconformity", equipment=PRESS, lot=f"L-{day}", reason="too thin")

    reading = patterns(remembered(scribe.events, press_house, NOW).view())

    assert reading.findings[0].data["of"] == "running_hours"
    assert "running hours are taken instead" in reading.findings[0].text
    assert any(
        m.startswith("Inspected lots: nonconformity cases are counted against running hours") for m in reading.missing
    )


def test_a_fault_at_start_up_is_counted_against_changeovers(remembered, scribe, press_house):
    for day in range(2, 14):
        scribe.event("mes", when(day, "06:30"), "changeover_start", equipment=PRESS)
        scribe.event("mes", when(day, "07:00"), "changeover_end", equipment=PRESS)
        for clock in ("07:10", "07:40") if day % 3 == 0 else ():
            start = datetime.fromisoformat(when(day, clock))
            scribe.event("mes", start.isoformat(), "stop", equipment=PRESS, reason="Anfahrstörung Füllschuh")
            scribe.event("mes", (start + timedelta(minutes=5)).isoformat(), "start", equipment=PRESS)

    reading = patterns(remembered(scribe.events, press_house, NOW).view())

    data = reading.findings[0].data
    assert (data["of"], data["count"], data["numerator"], data["denominator"]) == ("changeovers", 8, 4, 12)
    assert data["base_rate"] == pytest.approx(1 / 3)


@pytest.fixture
def scrapped(scribe):
    """One run a shift; what late shifts reject is three times as much, and booked as the shift ends."""
    for day in range(2, 13):
        for turn, (start, end, share) in enumerate((("06:00", "14:00", 0.01), ("14:00", "22:00", 0.03))):
            batch(scribe, f"{day}{turn}", day, start)
            made = 800 + 7 * day
            about = {"equipment": PRESS, "lot": f"L-{day}{turn}", "job_order": f"J-{day}{turn}", "material": "ASPIRIN"}
            scribe.event("mes", when(day, end), "production", quantity=made, unit="ea", **about)
            scribe.event(
                "mes", when(day, end), "scrap", quantity=round(made * share), unit="ea", reason="weight", **about
            )
    return scribe


def test_rejects_are_counted_against_units_and_tested_by_runs(remembered, scrapped, press_house):
    view = remembered(scrapped.events, press_house, NOW).view()

    reading, shift = patterns(view), set_apart(view, "shift", kind="scrap")

    made = sum(2 * (800 + 7 * day) for day in range(2, 13))
    lost = sum(round((800 + 7 * day) * share) for day in range(2, 13) for share in (0.01, 0.03))
    data = reading.findings[0].data
    assert (data["of"], data["numerator"], data["denominator"]) == ("units", lost, pytest.approx(made))
    assert f"{1000 * lost / made:.2f} per 1000 good units" in reading.findings[0].text
    rates = shift.findings[0].data["levels"]
    assert rates["late"]["count"] == pytest.approx(3 * rates["early"]["count"], rel=0.05)
    assert shift.data["beyond_chance"] is True
    assert "11 of 11 above the usual rate" in shift.findings[1].text
    assert "Fisher's exact test" in shift.verdict


def test_a_corrected_booking_late_data_and_an_earlier_moment_change_the_count(remembered, scrapped, press_house):
    last = next(e for e in reversed(scrapped.events) if e["data"]["kind"] == "scrap")
    wrong = {**last["data"], "attributes": {**last["data"]["attributes"], "quantity": 500}}
    scrapped.event("mes", when(12, "23:00"), "scrap", told=when(13, "20:00"), equipment=PRESS, quantity=40, unit="ea",
                   reason="weight", material="ASPIRIN")  # fmt: skip
    scrapped.correct("mes", when(13, "21:00"), last["id"], wrong)
    memory = remembered(scrapped.events, press_house, NOW)

    def lost(moment):
        return patterns(memory.view(as_of=datetime.fromisoformat(moment))).findings[0].data["numerator"]

    before, late, now = lost(when(13, "19:00")), lost(when(13, "20:30")), lost(when(13, "21:30"))

    assert late - before == 40
    assert now - late == 500 - last["data"]["attributes"]["quantity"]


def test_a_silent_source_is_said_beside_the_rate(remembered, scrapped, press_house):
    late = datetime.fromisoformat("2026-03-16T22:00:00+00:00")

    reading = patterns(remembered(scrapped.events, press_house + SOURCE, late).view())

    assert any(m.startswith("mes is silent") for m in reading.missing)


def test_a_complaint_goes_to_the_shift_that_made_the_lot(remembered, scrapped, press_house):
    for day in range(3, 12):
        scrapped.event("crm", when(13, f"{day + 6:02d}:00"), "complaint", lot=f"L-{day}1", reason="broken tablets")

    reading = set_apart(remembered(scrapped.events, press_house, NOW).view(), "shift", kind="complaint")

    assert reading.data["of"] == "units"
    levels = reading.findings[0].data["levels"]
    assert (levels["late"]["count"], levels["early"]["count"]) == (9, 0)
    assert reading.data["beyond_chance"] is True


def test_late_order_lines_are_counted_against_those_shipped_by_carrier(remembered, scribe, shop):
    for day in range(2, 14):
        for number, carrier in enumerate(("NORDFRAKT", "SNABB")):
            line = f"O-{day}{number}/1"
            scribe.report("monitor", when(day, "08:00"), f"sales_order_line:{line}", promised_at=when(day, "16:00"))
            lines = [{"sales_order_line": line, "quantity": 4}]
            scribe.report("monitor", when(day, "09:00"), f"shipment:S-{day}{number}", carrier=carrier, lines=lines,
                          dock="verkstad-7/lager/port-1")  # fmt: skip
            left = "18:00" if carrier == "SNABB" and day % 4 else "15:30"
            scribe.event("monitor", when(day, left), "departed", shipment=f"S-{day}{number}")
    scribe.report("monitor", when(5, "12:00"), "sales_order_line:O-51/1", promised_at=when(6, "16:00"))
    view = remembered(scribe.events, shop, NOW).view()

    reading, by_carrier = patterns(view), set_apart(view, "carrier", kind="late_delivery")

    data = reading.findings[0].data
    assert (data["of"], data["numerator"], data["denominator"]) == ("orders", 8, 24)
    lead = finding(reading, "dimension").data
    assert (lead["dimension"], lead["level"], lead["test"]) == ("carrier", "SNABB", "Fisher's exact test")
    assert by_carrier.verdict.startswith(
        "Yes, more than chance explains: 66.67 late delivery per 100 order lines shipped"
    )


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_the_tail_of_drawing_is_that_of_all_ways_to_draw(marked, rest, data):
    total = marked + rest
    drawn = data.draw(st.integers(0, total))
    hits = data.draw(st.integers(0, min(marked, drawn)))

    ways = sum(comb(marked, k) * comb(rest, drawn - k) for k in range(hits, min(marked, drawn) + 1))

    assert at_least_drawn(hits, marked, drawn, total) == pytest.approx(ways / comb(total, drawn))
