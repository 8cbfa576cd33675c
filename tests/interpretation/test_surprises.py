"""What will surprise the dock, what would flip a gate, what production must do by when, and whom a slip hits."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.production_risk import production_risk
from lineside.interpretation.readiness import readiness
from lineside.interpretation.reading import Kind
from lineside.interpretation.slips import hit_by_carrier
from lineside.interpretation.surprises import surprises
from lineside.plant.entities import Entity
from lineside.plant.windows import Window

NOW = "2026-06-02T13:00:00+02:00"
MILL = """
site = "spinnerei"
time_zone = "Europe/Berlin"
[[equipment]]
id = "spinnerei/spulerei/spule-1"
name = "Spule 1"
[[equipment]]
id = "spinnerei/spulerei/spule-2"
name = "Spule 2"
[[sources]]
name = "abas"
kind = "erp"
owner = "dispo"
cadence_s = 7200
[[sources]]
name = "qs"
kind = "qms"
owner = "prüferin"
owns = ["lot.quality_status"]
[[cut_offs]]
dock = "spinnerei/versand/tor-1"
departure = "16:00"
cut_off = "15:30"
[[customers]]
id = "WEBER"
documents = []
[[customers]]
id = "STRICK"
documents = []
"""


def at(clock: str, day: int = 2) -> str:
    return f"2026-06-{day:02d}T{clock}:00+02:00"


def order(scribe, number, *, promised, customer="WEBER", **more):
    scribe.report("abas", at("08:00", 1), f"sales_order:{number}", customer=customer, credit="ok", **more)
    scribe.report(
        "abas", at("08:00", 1), f"sales_order_line:{number}/1", quantity={"value": 100, "unit": "kg"},
        material="GARN", promised_at=promised,
    )  # fmt: skip


def made(scribe, number, lot, *, word="frei", done=100, packed=True):
    scribe.report(
        "mes", at("09:00"), f"job_order:FA-{number}", sales_order_line=f"{number}/1", status="fertig",
        quantity={"value": 100, "unit": "kg"}, quantity_good={"value": done, "unit": "kg"},
        equipment="spinnerei/spulerei/spule-1",
    )  # fmt: skip
    scribe.report("mes", at("09:00"), f"lot:{lot}", job_order=f"FA-{number}", quantity={"value": done, "unit": "kg"})
    scribe.report("qs", at("10:00"), f"lot:{lot}", quality_status=word)
    scribe.report(
        "mes", at("10:30"), f"handling_unit:{lot}", lot=lot, quantity={"value": done, "unit": "kg"}, packed=packed,
        labelled=packed,
    )  # fmt: skip


def load(scribe, shipment, lines, *, leaves, carrier="Rapp", dock="spinnerei/versand/tor-1", **more):
    carried = [{"sales_order_line": f"{n}/1", "quantity": {"value": 100, "unit": "kg"}} for n in lines]
    scribe.report(
        "abas", at("11:00"), f"shipment:{shipment}", lines=carried, planned_departure=leaves, dock=dock,
        carrier=carrier, status="geplant", **more,
    )  # fmt: skip


@pytest.fixture
def mill(scribe):
    """Tomorrow's truck: one order ready, one whose lot waits for the laboratory, one still to be wound."""
    for number, lot, word in (("K1", "P1", "frei"), ("K2", "P2", "in Prüfung")):
        order(scribe, number, promised=at("18:00", 3))
        made(scribe, number, lot, word=word)
    scribe.report("qs", at("11:00"), "inspection:X2", lot="P2", result="offen", due_at=at("17:00", 3))
    order(scribe, "K3", promised=at("18:00", 3), customer="STRICK", priority="eilig")
    scribe.report(
        "abas", at("11:00"), "job_order:FA-K3", sales_order_line="K3/1", status="geplant",
        quantity={"value": 100, "unit": "kg"}, equipment="spinnerei/spulerei/spule-2",
        planned_start=at("06:00", 3), planned_end=at("12:00", 3),
    )  # fmt: skip
    load(scribe, "T7", ["K1", "K2", "K3"], leaves=at("16:00", 3))
    order(scribe, "K9", promised=at("18:00", 9))  # next week's: none of tomorrow's business
    return scribe


def seen(reading):
    return {row["line"]: row["expected"] for row in reading.data["surprises"]}


def test_what_misses_the_truck_comes_before_what_is_in_time(remembered, mill):
    reading = surprises(remembered(mill.events, MILL, NOW).view())
    assert seen(reading) == {"K2/1": "misses"}
    assert reading.data["calm"] == ["K3/1", "K1/1"]
    assert "K2/1 will miss the last moment" in reading.verdict
    assert any("prüferin" in step and "15:30" in step for step in reading.next_steps)


def test_the_costliest_stands_first_and_a_promise_that_breaks_before_one_that_holds(remembered, mill):
    for number, fine, promised in (
        ("K4", 500, at("19:00", 3)),
        ("K5", 9000, at("19:00", 3)),
        ("K6", 20000, at("19:00", 8)),
    ):
        order(mill, number, promised=promised, penalty={"value": fine, "unit": "EUR"})
        made(mill, number, f"L{number}", word="in Prüfung")
        mill.report("qs", at("11:00"), f"inspection:I{number}", lot=f"L{number}", result="offen", due_at=at("23:00", 3))
    load(mill, "T8", ["K4", "K5", "K6"], leaves=at("16:00", 3), dock="spinnerei/versand/tor-2")
    reading = surprises(remembered(mill.events, MILL, NOW).view())
    assert [row["line"] for row in reading.data["surprises"]] == ["K5/1", "K4/1", "K6/1", "K2/1"]
    assert "9000 EUR" in reading.findings[0].text


def test_a_line_on_no_truck_is_found_by_its_promise(remembered, mill):
    order(mill, "K7", promised=at("20:00", 3))
    made(mill, "K7", "P7", packed=False)
    reading = surprises(remembered(mill.events, MILL, NOW).view())
    assert seen(reading)["K7/1"] == "doubtful"
    assert any("Name a shipment for K7/1" in step for step in reading.next_steps)


def test_trucks_surprise_the_dock_too(remembered, mill):
    load(mill, "T1", [], leaves=at("15:45", 3))
    load(mill, "T2", ["K1"], leaves=at("09:00"))
    texts = " ".join(f.text for f in surprises(remembered(mill.events, MILL, NOW).view()).findings)
    assert "T1 leaves at 2026-06-03 15:45 CEST, and no record says what it carries" in texts
    assert "T2 was to leave at 09:00 CEST; no record says that it has left" in texts
    assert "T1 and T7 need spinnerei/versand/tor-1 at the same time" in texts


def test_nothing_on_record_is_said(remembered):
    reading = surprises(remembered([], MILL, NOW).view())
    assert reading.findings == ()
    assert reading.missing


def test_a_cancelled_shipment_takes_nothing_along(remembered, mill):
    mill.report("abas", at("12:00"), "shipment:T7", status="storniert")
    reading = surprises(remembered(mill.events, MILL, NOW).view())
    assert {row["shipment"] for row in reading.data["surprises"]} == {None}


def flips(reading, gate):
    return [f for f in reading.findings if f.data.get("gate") == gate and "near" in f.data]


def test_shelf_life_that_ends_before_arrival_would_close_the_gate_and_an_expired_lot_is_closed(remembered, mill):
    mill.report("qs", at("10:00"), "lot:P1", expires_at="2026-06-03")
    line = Entity("sales_order_line", "K1/1")
    reading = readiness(remembered(mill.events, MILL, NOW).view(), line)
    assert (
        "P1 expires at 2026-06-04 00:00 CEST, 6 h 00 min after the goods arrive" in flips(reading, "inspected")[0].text
    )
    late = readiness(remembered(mill.events, MILL, at("00:30", 4)).view(), line)
    assert late.data["lines"][0]["buckets"]["blocked"] == "100"
    assert "expired" in late.verdict


def test_a_complaint_since_without_a_hold_may_close_the_gate_and_is_only_a_guess(remembered, mill):
    mill.event("crm", at("12:30"), "complaint", lot="P1", reason="Fadenbruch")
    found = flips(
        readiness(remembered(mill.events, MILL, NOW).view(), Entity("sales_order_line", "K1/1")), "free of holds"
    )
    assert [(f.kind, f.data["to"]) for f in found] == [(Kind.GUESSED, "closed")]
    mill.event("qs", at("12:40"), "hold_placed", lot="P1", hold="S1")
    after = readiness(remembered(mill.events, MILL, NOW).view(), Entity("sales_order_line", "K1/1"))
    assert not [f for f in flips(after, "free of holds") if f.kind is Kind.GUESSED]


def test_a_source_that_fell_silent_makes_its_gate_unsteady(remembered, mill):
    line = Entity("sales_order_line", "K1/1")
    late = remembered(mill.events, MILL, at("09:00", 3)).view()
    found = [f for f in flips(readiness(late, line), "credit") if f.data["to"] == "unknown"]
    assert "rests on abas, which is silent" in found[0].text
    assert (
        seen(surprises(late, Window(start=late.as_of, end=late.as_of + timedelta(hours=12))))["K1/1"]
        == "ready but unsteady"
    )


def test_a_status_that_turned_twice_may_turn_again(remembered, mill):
    for clock, word in (("11:30", "gesperrt"), ("12:00", "frei")):
        mill.report("qs", at(clock), "lot:P1", quality_status=word)
    reading = readiness(remembered(mill.events, MILL, NOW).view(), Entity("sales_order_line", "K1/1"))
    assert "quality status of P1 changed 2 times in the last 24 h" in flips(reading, "inspected")[0].text


def test_production_hears_what_must_be_done_by_when_on_each_line(remembered, mill):
    view = remembered(mill.events, MILL, NOW).view()
    duties = {row["subject"]: row for row in production_risk(view).data["duties"]}
    assert set(duties) == {"job_order:FA-K3", "lot:P2"}
    job = duties["job_order:FA-K3"]
    assert datetime.fromisoformat(job["by"]) == datetime.fromisoformat(at("15:30", 3))
    assert datetime.fromisoformat(job["latest_start"]) == datetime.fromisoformat(at("09:30", 3))
    assert job["slack_s"] == 3.5 * 3600
    assert duties["lot:P2"]["slack_s"] == -1.5 * 3600
    alone = production_risk(view, equipment="spinnerei/spulerei/spule-2")
    assert [row["subject"] for row in alone.data["duties"]] == ["job_order:FA-K3"]
    assert "Spule 2" in alone.findings[0].text


def test_a_job_behind_its_plan_is_forecast_by_its_own_pace_and_that_is_a_guess(remembered, mill):
    mill.report(
        "mes", at("12:00"), "job_order:FA-K3", status="läuft", actual_start=at("06:00"),
        quantity_good={"value": 10, "unit": "kg"},
    )  # fmt: skip
    found = production_risk(remembered(mill.events, MILL, NOW).view())
    row = next(f for f in found.findings if f.data["subject"] == "job_order:FA-K3")
    assert row.kind is Kind.GUESSED
    assert (
        row.data["slack_s"]
        == (datetime.fromisoformat(at("15:30", 3)) - datetime.fromisoformat(at("18:00", 4))).total_seconds()
    )


def test_a_slip_breaks_promises_meets_the_next_truck_at_the_dock_and_shows_the_ways_out(remembered, mill):
    load(mill, "T8", ["K9"], leaves=at("18:00", 3), carrier="Ott")
    view = remembered(mill.events, MILL, at("08:00", 3)).view()
    reading = hit_by_carrier(view, carrier="rapp", delay_s=2.25 * 3600)
    assert set(reading.data["late"]) == {"K1/1", "K2/1", "K3/1"}
    assert reading.data["dock"] == ["T8"]
    ways = [f for f in reading.findings if f.data.get("way_out")]
    assert {f.data["line"] for f in ways} == {"K1/1", "K2/1", "K3/1"}
    assert all("T8" in f.text for f in ways)
    assert any(f.data.get("gains") and f.data["line"] == "K2/1" for f in reading.findings)
    assert hit_by_carrier(view, carrier="rapp", delay_s=1800).data["late"] == []


def test_a_slip_that_the_eta_already_tells_is_not_counted_twice(remembered, scribe):
    order(scribe, "K1", promised=at("18:00"))
    load(scribe, "T3", ["K1"], leaves=at("12:00"), eta=at("15:00"))
    scribe.event("spedition", at("12:30"), "eta_changed", shipment="T3", from_=at("15:00"), to=at("17:00"))
    view = remembered(scribe.events, MILL, NOW).view()
    assert hit_by_carrier(view, shipment=Entity("shipment", "T3"), delay_s=7200).data["late"] == []
    scribe.report("abas", at("12:40"), "shipment:T3", eta=at("17:00"))
    told = hit_by_carrier(remembered(scribe.events, MILL, NOW).view(), shipment=Entity("shipment", "T3"), delay_s=7200)
    assert told.findings[0].data["new"].startswith("2026-06-02T17:00")
    more = hit_by_carrier(remembered(scribe.events, MILL, NOW).view(), shipment=Entity("shipment", "T3"), delay_s=14400)
    assert more.data["late"] == ["K1/1"]


def readings(view):
    return (
        surprises(view),
        production_risk(view),
        hit_by_carrier(view, delay_s=7200),
        readiness(view, Entity("sales_order", "K2")),
    )


def test_arrival_order_and_foreign_records_change_nothing(remembered, mill):
    expected = readings(remembered(mill.events, MILL, NOW).view())
    mill.report("qs", at("10:00"), "lot:ZZ", quality_status="gesperrt", job_order="FA-77", expires_at="2026-06-02")
    mill.event("qs", at("10:00"), "complaint", lot="ZZ", reason="x")
    mill.report("mes", at("10:00"), "job_order:FA-77", status="läuft", equipment="spinnerei/spulerei/spule-1")
    load(mill, "T99", [], leaves=at("16:00", 29), dock="spinnerei/versand/tor-9")
    for seed in range(3):
        shuffled = random.Random(seed).sample(mill.events, len(mill.events))
        assert readings(remembered(shuffled, MILL, NOW).view()) == expected


def test_what_was_known_then_is_told_then_and_a_correction_counts_from_when_it_came(remembered, mill):
    then = datetime.fromisoformat(NOW)
    expected = seen(surprises(remembered(mill.events, MILL, NOW).view()))
    wrong = mill.report("qs", at("14:00"), "lot:P1", quality_status="gesperrt")
    mill.report("abas", at("19:30"), "material:GARN", description="Garn")  # it is not silent
    memory = remembered(mill.events, MILL, at("20:00"))
    assert seen(surprises(memory.view(as_of=then))) == expected
    assert seen(surprises(memory.view()))["K1/1"] == "doubtful"
    mill.delete("qs", at("15:00"), wrong)
    memory = remembered(mill.events, MILL, at("20:00"))
    assert "K1/1" not in seen(surprises(memory.view()))
    assert seen(surprises(memory.view(as_of=datetime.fromisoformat(at("14:30")))))["K1/1"] == "doubtful"


SIZES = st.integers(0, 200)


@settings(max_examples=12)
@given(
    rows=st.lists(
        st.tuples(SIZES, st.sampled_from(["frei", "gesperrt", "in Prüfung", "?"]), st.booleans(), st.integers(0, 72)),
        min_size=1,
        max_size=5,
    ),
    delays=st.tuples(st.integers(0, 48), st.integers(0, 48)),
)
def test_a_longer_slip_never_hits_fewer_and_slack_is_what_it_says(remembered, new_scribe, *, rows, delays):
    scribe = new_scribe()
    for number, (done, word, packed, hours) in enumerate(rows):
        due = datetime.fromisoformat(NOW) + timedelta(hours=24 + hours)
        order(scribe, f"R{number}", promised=due.isoformat())
        made(scribe, f"R{number}", f"B{number}", word=word, done=done, packed=packed)
    load(scribe, "T5", [f"R{n}" for n in range(len(rows))], leaves=at("16:00", 3))
    view = remembered(scribe.events, MILL, NOW).view()
    less, more = (set(hit_by_carrier(view, delay_s=hours * 3600).data["late"]) for hours in sorted(delays))
    assert less <= more
    told = surprises(view)
    shown = [row["line"] for row in told.data["surprises"]] + list(told.data["calm"])
    assert sorted(shown) == [f"R{n}/1" for n in range(len(rows))]
    for row in production_risk(view).data["duties"]:
        assert row["slack_s"] is None or row["by"] is not None
        if row["latest_start"] is not None:
            assert row["latest_start"] <= row["by"]
    for finding in (*told.findings, *production_risk(view).findings):
        assert set(view.records([c for c in finding.cites if isinstance(c, str)])) == {
            c for c in finding.cites if isinstance(c, str)
        }
