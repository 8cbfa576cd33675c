"""Complete is not shippable: gates and buckets on two plants that share no word."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.departures import departure
from lineside.interpretation.readiness import looks_complete, readiness
from lineside.interpretation.slips import hit_by_carrier
from lineside.plant.entities import Entity

NOW = "2026-03-10T13:00:00+01:00"
LINE = Entity("sales_order_line", "AU-31/1")


def at(clock: str) -> str:
    return f"2026-03-10T{clock}:00+01:00"


def amount(value: int, unit: str = "Stk") -> dict[str, object]:
    return {"value": value, "unit": unit}


@pytest.fixture
def rolls(scribe):
    """600 rolls wanted and made, 540 of them through everything, 60 of the second lot still at the laboratory."""
    scribe.report("wawi", at("06:00"), "sales_order:AU-31", customer="K-12", status="abgeschlossen", credit="ok")
    scribe.report("wawi", at("06:00"), "sales_order_line:AU-31/1", quantity=amount(600), material="BRÖTCHEN")
    scribe.report(
        "ofen-leit",
        at("11:00"),
        "job_order:BA-5",
        sales_order_line="AU-31/1",
        quantity_good=amount(600),
        status="fertig",
    )
    for lot, size, word in (("C-1", 540, "frei"), ("C-2", 60, "in Prüfung")):
        scribe.report("ofen-leit", at("11:00"), f"lot:{lot}", job_order="BA-5", quantity=amount(size))
        scribe.report("labor", at("11:30"), f"lot:{lot}", quality_status=word)
        scribe.report("lager", at("12:00"), f"handling_unit:PAL-{lot}", lot=lot, quantity=amount(size), packed=True)
        scribe.report("lager", at("12:10"), f"handling_unit:PAL-{lot}", labelled="ja")
    scribe.report("labor", at("11:30"), "inspection:P-8", lot="C-2", result="offen", due_at=at("14:00"))
    scribe.report("wawi", at("12:20"), "document:lieferschein/AU-31", subject="sales_order:AU-31", status="ausgestellt")
    scribe.report(
        "lager",
        at("12:30"),
        "shipment:FA-2",
        lines=[{"sales_order_line": "AU-31/1", "quantity": amount(600)}],
        planned_departure=at("15:00"),
        dock="hafenstrasse/rampe/tor-2",
        carrier="Spedition Alt",
        status="geplant",
    )
    return scribe


def buckets(reading):
    return reading.data["lines"][0]["buckets"]


def stands(reading):
    return {g["gate"]: g["stand"] for g in reading.data["lines"][0]["gates"]}


def test_a_part_is_shippable_and_the_rest_waits_for_the_laboratory(remembered, rolls, bakery):
    view = remembered(rolls.events, bakery, NOW).view()
    reading = readiness(view, LINE)
    assert buckets(reading) == {
        "wanted": "600",
        "shippable": "540",
        "at_risk": "60",
        "blocked": "0",
        "not_made": "0",
        "shipped": "0",
        "on_record": "540",
    }
    assert stands(reading)["inspected"] == "closed"
    assert [name for name, stand in stands(reading).items() if stand != "open"] == ["inspected"]
    assert reading.verdict.startswith(
        "AU-31/1 is shippable in part: 540 ea of 600 ea, and that part may leave alone; inspected: 60 ea, C-2"
    )
    assert "earliest 14:00 CET" in reading.verdict
    assert any("90 %" in f.text and "may leave alone" in f.text for f in reading.findings)
    assert any("qs-1" in step for step in reading.next_steps)
    assert set(view.records([c for f in reading.findings for c in f.cites if isinstance(c, str)]))


def test_what_has_no_record_is_never_open(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "sales_order_line:77/10", quantity=20, status="klar")
    scribe.report("monitor", at("09:00"), "job_order:M-1", sales_order_line="77/10", quantity_good=20)
    reading = readiness(remembered(scribe.events, shop, NOW).view(), Entity("sales_order_line", "77/10"))
    assert buckets(reading)["shippable"] == "0"
    assert {g for g, s in stands(reading).items() if s == "unknown"} == {
        "inspected",
        "packed",
        "labelled",
        "documents",
        "credit",
        "carrier",
    }
    assert "not confirmed as shippable" in reading.verdict
    assert any("credit" in m for m in reading.missing)


def test_a_hold_binds_the_lot_and_names_its_owner(remembered, rolls, bakery):
    rolls.event("labor", at("12:40"), "hold_placed", lot="C-1", hold="S-3", reason="Fremdkörper", owner="qs-2")
    reading = readiness(remembered(rolls.events, bakery, NOW).view(), LINE)
    assert (buckets(reading)["shippable"], buckets(reading)["blocked"]) == ("0", "540")
    gate = next(f for f in reading.findings if f.data.get("gate") == "free of holds")
    assert gate.data["owner"] == "qs-2"
    rolls.event("labor", at("12:50"), "hold_released", lot="C-1", hold="S-3")
    assert buckets(readiness(remembered(rolls.events, bakery, NOW).view(), LINE))["shippable"] == "540"


def test_a_hold_on_the_order_or_its_material_binds_all_of_it(remembered, rolls, bakery):
    for number, subject in enumerate(("sales_order:AU-31", "shipment:FA-2", "job_order:BA-5", "material:BRÖTCHEN")):
        events = rolls.events
        hold = type(rolls)()
        hold.report(f"labor-{number}", at("12:40"), f"hold:S-{number}", subject=subject, status="aktiv")
        reading = readiness(remembered([*events, *hold.events], bakery, NOW).view(), LINE)
        assert (subject, buckets(reading)["shippable"]) == (subject, "0")


def test_a_missing_document_and_a_blocked_credit_close_their_gates(remembered, rolls, bakery):
    rolls.report("wawi", at("12:45"), "document:lieferschein/AU-31", status="entwurf")
    reading = readiness(remembered(rolls.events, bakery, NOW).view(), LINE)
    assert (stands(reading)["documents"], buckets(reading)["shippable"]) == ("closed", "0")
    rolls.report("wawi", at("12:46"), "sales_order:AU-31", credit="gesperrt")
    reading = readiness(remembered(rolls.events, bakery, NOW).view(), LINE)
    assert (stands(reading)["credit"], buckets(reading)["blocked"]) == ("closed", "600")


def test_a_certificate_for_one_lot_does_not_cover_the_other(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "sales_order_line:77/10", quantity=20, customer="SANDLINE", credit="ok")
    for lot in ("A1", "A2"):
        scribe.report("monitor", at("09:00"), f"lot:{lot}", sales_order_line="77/10", quantity=10, quality_status="ok")
        scribe.report("monitor", at("09:00"), f"handling_unit:{lot}", lot=lot, quantity=10, packed=True, labelled=True)
    scribe.report("monitor", at("09:00"), "document:3.1/A1", subject="lot:A1", status="issued")
    reading = readiness(remembered(scribe.events, shop, NOW).view(), Entity("sales_order_line", "77/10"))
    gate = next(g for g in reading.data["lines"][0]["gates"] if g["gate"] == "documents")
    assert (gate["stand"], gate["passed"]) == ("closed", "10")
    assert "A2" in reading.verdict


def test_after_the_cut_off_the_truck_is_no_longer_open(remembered, rolls, bakery):
    reading = readiness(remembered(rolls.events, bakery, "2026-03-10T14:20:00+01:00").view(), LINE)
    assert stands(reading)["carrier"] == "closed"


def test_what_left_is_shipped(remembered, rolls, bakery):
    rolls.report("lager", at("12:55"), "shipment:FA-2", status="abgefahren")
    reading = readiness(remembered(rolls.events, bakery, NOW).view(), LINE)
    assert buckets(reading)["shipped"] == "600"
    assert "has left" in reading.verdict


def test_orders_that_look_complete_are_listed_with_their_closed_gates(remembered, rolls, bakery):
    reading = looks_complete(remembered(rolls.events, bakery, NOW).view())
    assert reading.data["lines"] == ["AU-31/1"]
    assert "inspected" in reading.findings[0].text
    assert "abgeschlossen" in reading.findings[0].text


def test_a_departure_says_who_must_act_by_when(remembered, rolls, bakery):
    memory = remembered(rolls.events, bakery, NOW)
    for reading in (
        departure(memory.view()),
        departure(memory.view(), at=memory.clock().replace(hour=15)),
        departure(memory.view(), dock="tor-2"),
    ):
        assert reading.data["lines"] == [{"line": "AU-31/1", "shipment": "FA-2", "stand": "in part"}]
        assert "14:15 CET" in reading.verdict
        assert any("qs-1" in s and "14:15" in s for s in reading.next_steps)


def test_lots_together_are_never_more_than_the_job_order_made(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "sales_order_line:77/10", quantity=100)
    scribe.report("monitor", at("06:00"), "job_order:M-1", sales_order_line="77/10", quantity_good=70)
    for lot in ("A1", "A2"):
        scribe.report("monitor", at("06:00"), f"lot:{lot}", job_order="M-1", quantity=50, quality_status="ok")
    reading = readiness(remembered(scribe.events, shop, NOW).view(), Entity("sales_order_line", "77/10"))
    assert reading.data["lines"][0]["made"] == "70"
    assert buckets(reading)["not_made"] == "30"


def test_a_part_does_not_leave_where_the_order_forbids_it(remembered, rolls, bakery):
    rolls.report("wawi", at("06:30"), "sales_order:AU-31", partial_allowed="nein")
    view = remembered(rolls.events, bakery, NOW).view()
    assert "a part may not leave alone" in readiness(view, LINE).verdict
    assert [row["stand"] for row in departure(view).data["lines"]] == ["not ready"]


def test_no_truck_is_said(remembered, rolls, bakery):
    memory = remembered(rolls.events, bakery, NOW)
    reading = departure(memory.view(), at=memory.clock().replace(hour=22))
    assert reading.findings == ()
    assert reading.missing


def test_a_slipping_carrier_hits_the_promises_it_makes_late(remembered, rolls, bakery):
    rolls.report("wawi", at("06:00"), "sales_order:AU-31", promised_at=at("16:00"))
    view = remembered(rolls.events, bakery, NOW).view()
    reading = hit_by_carrier(view, carrier="Spedition Alt", delay_s=7200)
    assert reading.data["late"] == ["AU-31/1"]
    assert "16:00 CET" in reading.findings[0].text
    assert hit_by_carrier(view, carrier="Spedition Alt", delay_s=1800).data["late"] == []


def test_units_without_a_factor_are_not_counted(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "sales_order_line:77/10", quantity={"value": 20, "unit": "case"})
    scribe.report(
        "monitor", at("09:00"), "job_order:M-1", sales_order_line="77/10", quantity_good={"value": 240, "unit": "ea"}
    )
    reading = readiness(remembered(scribe.events, shop, NOW).view(), Entity("sales_order_line", "77/10"))
    assert any("No factor from ea to case" in m for m in reading.missing)
    assert buckets(reading)["shippable"] == "0"


def test_arrival_order_and_foreign_records_change_nothing(remembered, rolls, bakery):
    expected = readiness(remembered(rolls.events, bakery, NOW).view(), LINE)
    rolls.report("labor", at("12:00"), "lot:Z-9", quality_status="gesperrt", job_order="BA-99")
    rolls.report("lager", at("12:00"), "handling_unit:PAL-Z", lot="Z-9", quantity=5, packed=False)
    rolls.event("labor", at("12:00"), "hold_placed", lot="Z-9", hold="S-77")
    for seed in range(3):
        shuffled = random.Random(seed).sample(rolls.events, len(rolls.events))
        assert readiness(remembered(shuffled, bakery, NOW).view(), LINE) == expected


def test_a_correction_takes_the_wrong_word_out(remembered, rolls, bakery):
    wrong = rolls.report("labor", at("12:00"), "lot:C-1", quality_status="gesperrt")
    memory = remembered(rolls.events, bakery, NOW)
    assert buckets(readiness(memory.view(), LINE))["blocked"] == "540"
    rolls.delete("labor", at("12:30"), wrong)
    assert buckets(readiness(remembered(rolls.events, bakery, NOW).view(), LINE))["shippable"] == "540"


def test_an_unknown_line_is_said_to_be_unknown(remembered, shop):
    reading = readiness(remembered([], shop, NOW).view(), Entity("sales_order_line", "9/9"))
    assert reading.findings == ()
    assert reading.missing


lots = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.sampled_from(["ok", "blocked", "inspection", "???", None]),
        st.lists(
            st.tuples(st.integers(0, 400), st.sampled_from([True, False, None]), st.sampled_from([True, False, None])),
            max_size=3,
        ),
        st.booleans(),
        st.booleans(),
    ),
    max_size=4,
)


@settings(max_examples=40)
@given(wanted=st.integers(1, 500), made=st.one_of(st.none(), st.integers(0, 400)), lots=lots, gone=st.integers(0, 200))
def test_no_gate_passes_more_than_was_made(remembered, new_scribe, shop, *, wanted, made, lots, gone):
    scribe = new_scribe()
    scribe.report("monitor", at("06:00"), "sales_order_line:7/1", quantity=wanted, credit="ok", customer="SANDLINE")
    if made is not None:
        scribe.report("monitor", at("06:00"), "job_order:M", sales_order_line="7/1", quantity_good=made)
    for number, (size, word, units, held, ordered) in enumerate(lots):
        link = {"job_order": "M"} if ordered else {"sales_order_line": "7/1"}
        scribe.report("monitor", at("06:00"), f"lot:{number}", quantity=size, **link)
        if word:
            scribe.report("lab", at("07:00"), f"lot:{number}", quality_status=word)
        if held:
            scribe.event("lab", at("07:00"), "hold_placed", lot=str(number))
        scribe.report("lab", at("07:00"), f"document:3.1/{number}", subject=f"lot:{number}", status="issued")
        for index, (value, packed, labelled) in enumerate(units):
            flags = {"packed": packed, "labelled": labelled}
            told = {name: flag for name, flag in flags.items() if flag is not None}
            named = {"lot": str(number)} if index < 2 else {"sales_order_line": "7/1"}
            scribe.report("lager", at("08:00"), f"handling_unit:{number}-{index}", quantity=value, **named, **told)
    lines = [{"sales_order_line": "7/1", "quantity": gone}]
    scribe.report("lager", at("08:00"), "shipment:S1", lines=lines, status="departed")
    scribe.report("lager", at("08:00"), "shipment:S2", lines=lines, planned_departure=at("16:30"))
    reading = readiness(remembered(scribe.events, shop, NOW).view(), Entity("sales_order_line", "7/1"))
    line = reading.data["lines"][0]
    assert all(Decimal(0) <= Decimal(g["passed"]) <= Decimal(line["made"]) for g in line["gates"])
    if made is not None:
        direct = sum(size for size, _, _, _, ordered in lots if not ordered)
        assert Decimal(line["made"]) <= made + direct
    parts = {name: Decimal(value) for name, value in line["buckets"].items()}
    assert all(value >= 0 for value in parts.values())
    assert sum(parts[n] for n in ("shippable", "at_risk", "blocked", "not_made", "shipped")) == parts["wanted"]
    assert parts["shippable"] <= Decimal(line["made"])
