"""Figures that several systems tell differently, and the way from one to the other."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.reading import Kind
from lineside.interpretation.reconcile import reconcile
from lineside.plant.entities import Entity

NOW = "2026-03-10T14:00:00+01:00"
FLOUR = Entity("material", "MEHL-550")


def at(clock: str) -> str:
    return f"2026-03-10T{clock}:00+01:00"


@pytest.fixture
def flour(scribe):
    """840 in the books, 812 in the store, 791 by the bakehouse: an unposted issue, then spilled flour."""
    scribe.report("wawi", at("06:00"), "inventory:MEHL-550@L1", "buchbestand", quantity={"value": 840, "unit": "kg"})
    scribe.report("lager", at("06:00"), "inventory:MEHL-550@L1", "lagerbestand", quantity={"value": 840, "unit": "kg"})
    scribe.event("lager", at("11:40"), "goods_issue", material="MEHL-550", quantity=28, unit="kg", document="LA-77")
    scribe.report("lager", at("13:20"), "inventory:MEHL-550@L1", "lagerbestand", quantity={"value": 812, "unit": "kg"})
    scribe.event("ofen-leit", at("11:41"), "goods_issue", material="MEHL-550", quantity=28, unit="kg", document="LA-77")
    scribe.event("ofen-leit", at("12:30"), "scrap", material="MEHL-550", quantity=21, unit="kg", document="AB-3")
    scribe.report("ofen-leit", at("13:25"), "inventory:MEHL-550@L1", quantity={"value": 791, "unit": "kg"})
    scribe.report("wawi", at("13:00"), "inventory:MEHL-550@L1", "buchbestand", quantity={"value": 840, "unit": "kg"})
    scribe.event("wawi", at("05:10"), "goods_issue", material="MEHL-550", quantity=5, unit="kg", document="LA-70")
    scribe.event("lager", at("05:10"), "goods_issue", material="MEHL-550", quantity=5, unit="kg", document="LA-70")
    return scribe


def bridges(reading):
    return {(b["from"], b["to"]): b for b in reading.data["bridges"]}


def named(bridge):
    return [(s["name"], s["value"]) for s in bridge["steps"]]


def test_each_step_between_three_figures_is_named_by_its_records(remembered, flour, bakery):
    view = remembered(flour.events, bakery, NOW).view()
    reading = reconcile(view, FLOUR)
    ways = bridges(reading)
    assert named(ways["wawi", "lager"]) == [("unposted issue", "-28")]
    assert named(ways["lager", "ofen-leit"]) == [("unposted scrap", "-21")]
    assert {way["rest"] for way in ways.values()} == {"0"}
    step = next(f for f in reading.findings if f.data.get("value") == "-28" and "step" in f.data)
    assert {r.provenance.source for r in view.records(step.cites).values()} == {"lager", "ofen-leit"}
    assert "LA-77" in step.text
    assert "11:40 CET" in step.text


def test_each_purpose_has_its_figure(remembered, flour, bakery):
    flour.report("labor", at("12:00"), "lot:C-9", material="MEHL-550", quantity={"value": 40, "unit": "kg"})
    flour.report("labor", at("12:00"), "lot:C-9", quality_status="gesperrt")
    view = remembered(flour.events, bakery, NOW).view()
    reading = reconcile(view, FLOUR)
    assert reading.data["usable"]["ship"] == "772"
    assert reading.data["usable"]["post"] == "812"
    assert reading.verdict.startswith(
        "For shipping, promising and planning use 772 kg (lager 812, less 40 not free (C-9))"
    )
    assert any("lager 812 kg (lagerbestand, 13:20 CET)" in f.text for f in reading.findings)
    assert reconcile(view, FLOUR, purpose="post").verdict == "For posting use 812 kg (wawi 840, less 28 still to post)."


def test_an_older_figure_is_brought_to_the_instant_of_the_newer(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "inventory:P-44@A", "book", quantity=100)
    scribe.event("monitor", at("09:00"), "goods_receipt", material="P-44", quantity=20, document="R1")
    scribe.event("truck-scale", at("09:00"), "goods_receipt", material="P-44", quantity=20, document="R1")
    scribe.report("truck-scale", at("10:00"), "inventory:P-44@A", "on_hand", quantity=120)
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [named(b) for b in reading.data["bridges"]] == [[("cut-off", "20")]]
    assert reading.data["usable"] == {"promise": "120", "plan": "120", "ship": "120", "post": "120"}


def test_a_movement_after_a_figure_is_never_called_unposted(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "inventory:P-44@A", "book", quantity=100)
    scribe.event("truck-scale", at("09:00"), "goods_receipt", material="P-44", quantity=20, document="R1")
    scribe.report("truck-scale", at("10:00"), "inventory:P-44@A", "on_hand", quantity=120)
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [named(b) for b in reading.data["bridges"]] == [[("cut-off", "20")]]


def test_the_same_document_twice_in_one_system_is_a_double_posting(remembered, scribe, shop):
    scribe.report("monitor", at("05:00"), "inventory:P-44@A", "book", quantity=100)
    scribe.report("stacker", at("05:00"), "inventory:P-44@A", "on_hand", quantity=100)
    for source in ("monitor", "monitor", "stacker"):
        scribe.event(source, at("09:00"), "goods_issue", material="P-44", quantity=7, document="I-5")
    scribe.report("monitor", at("10:00"), "inventory:P-44@A", "book", quantity=86)
    scribe.report("stacker", at("10:00"), "inventory:P-44@A", "on_hand", quantity=93)
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [named(b) for b in reading.data["bridges"]] == [[("double posting", "7")]]
    assert reading.data["usable"]["post"] == "93"


def test_units_are_brought_together_by_the_factor_on_record(remembered, scribe, shop):
    scribe.report("monitor", at("05:00"), "material:P-44", units={"case": {"value": 12, "unit": "ea"}})
    scribe.report("monitor", at("06:00"), "inventory:P-44@A", "book", quantity={"value": 10, "unit": "case"})
    scribe.report("stacker", at("06:00"), "inventory:P-44@A", "on_hand", quantity={"value": 120, "unit": "ea"})
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("inventory", "P-44@A"))
    assert reading.data["bridges"] == []
    assert "agree on 120 ea" in reading.verdict


def test_without_a_factor_the_figures_are_not_compared(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "inventory:P-44@A", "book", quantity={"value": 10, "unit": "case"})
    scribe.report("stacker", at("06:00"), "inventory:P-44@A", "on_hand", quantity={"value": 120, "unit": "ea"})
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert any(m.startswith("No factor from ") for m in reading.missing)
    assert reading.data["bridges"] == []


def test_a_factor_between_two_figures_is_a_guess_and_is_called_one(remembered, scribe, shop):
    scribe.report("monitor", at("05:00"), "material:P-44", units={"case": {"value": 12, "unit": "ea"}})
    scribe.report("monitor", at("06:00"), "inventory:P-44@A", "book", quantity={"value": 240, "unit": "ea"})
    scribe.report("stacker", at("06:00"), "inventory:P-44@A", "on_hand", quantity={"value": 20, "unit": "ea"})
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    step = next(f for f in reading.findings if f.data.get("step") == "packaging slip")
    assert step.kind is Kind.GUESSED
    assert any(s.startswith("Count P-44") for s in reading.next_steps)


def test_the_rest_that_no_record_explains_is_said(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "inventory:P-44@A", "book", quantity=100)
    scribe.report("stacker", at("06:00"), "inventory:P-44@A", "on_hand", quantity=91)
    scribe.event("stacker", at("05:00"), "scrap", material="P-44", quantity=4, document="S")
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert bridges(reading)["monitor", "stacker"]["rest"] == "-5"
    assert "unexplained" in reading.verdict
    assert any(s.startswith("Count P-44") for s in reading.next_steps)


def test_a_place_that_only_one_system_covers_is_a_step(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "inventory:P-44@A", "book", quantity=100)
    scribe.report("monitor", at("06:00"), "inventory:P-44@B", "book", quantity=30)
    scribe.report("stacker", at("06:00"), "inventory:P-44@A/1", "on_hand", quantity=60)
    scribe.report("stacker", at("06:00"), "inventory:P-44@A/2", "on_hand", quantity=40)
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [named(b) for b in reading.data["bridges"]] == [[("another place", "-30")]]


def test_blocked_stock_explains_what_the_free_figure_leaves_out(remembered, scribe, bakery):
    scribe.report("wawi", at("06:00"), "inventory:HEFE@K", "verfügbar", quantity={"value": 70, "unit": "kg"})
    scribe.report("lager", at("06:00"), "inventory:HEFE@K", "lagerbestand", quantity={"value": 90, "unit": "kg"})
    scribe.report("labor", at("05:00"), "lot:H-4", material="HEFE", quantity={"value": 20, "unit": "kg"})
    scribe.event("labor", at("05:30"), "hold_placed", lot="H-4", hold="S-1", reason="Temperatur", owner="qs-1")
    view = remembered(scribe.events, bakery, NOW).view()
    reading = reconcile(view, Entity("material", "HEFE"))
    assert [named(b) for b in reading.data["bridges"]] == [[("blocked stock", "-20")]]
    assert reading.data["usable"]["promise"] == "70" == reading.data["usable"]["ship"]


def test_stock_at_the_line_is_in_the_books_and_not_in_the_store(remembered, scribe, bakery):
    scribe.report("wawi", at("06:00"), "inventory:SALZ@W", "buchbestand", quantity={"value": 100, "unit": "kg"})
    scribe.report("lager", at("06:00"), "inventory:SALZ@W", "lagerbestand", quantity={"value": 88, "unit": "kg"})
    scribe.report("ofen-leit", at("06:00"), "inventory:SALZ@ofen-2", "linie", quantity={"value": 12, "unit": "kg"})
    reading = reconcile(remembered(scribe.events, bakery, NOW).view(), Entity("material", "SALZ"))
    assert [named(b) for b in reading.data["bridges"]] == [[("stock at the line", "-12")]]


def test_a_job_orders_good_count_is_reconciled_with_the_lots_received(remembered, scribe, bakery):
    scribe.report("ofen-leit", at("09:00"), "job_order:BA-9", material="BROT", quantity_good=500)
    scribe.report("wawi", at("09:00"), "job_order:BA-9", quantity_good=440)
    scribe.event("ofen-leit", at("08:50"), "production", job_order="BA-9", quantity=60, document="RM-8")
    scribe.event("wawi", at("07:50"), "production", job_order="BA-9", quantity=440, document="RM-7")
    scribe.event("ofen-leit", at("07:50"), "production", job_order="BA-9", quantity=440, document="RM-7")
    reading = reconcile(remembered(scribe.events, bakery, NOW).view(), Entity("job_order", "BA-9"))
    assert [named(b) for b in reading.data["bridges"]] == [[("production not received", "60")]]


def test_a_silent_source_is_named_where_its_figure_is_used(remembered, flour, bakery):
    slow = bakery.replace('name = "wawi"\n', 'name = "wawi"\ncadence_s = 300\n')
    reading = reconcile(remembered(flour.events, slow, NOW).view(), FLOUR)
    assert any("wawi is silent" in f.text for f in reading.against)


def test_what_was_taken_back_vanishes(remembered, flour, bakery):
    wrong = flour.event("lager", at("12:00"), "scrap", material="MEHL-550", quantity=300, unit="kg", document="X")
    flour.delete("lager", at("12:10"), wrong)
    reading = reconcile(remembered(flour.events, bakery, NOW).view(), FLOUR)
    assert named(bridges(reading)["wawi", "lager"]) == [("unposted issue", "-28")]


def test_as_of_an_earlier_time_only_what_was_known_then_counts(remembered, flour, bakery):
    memory = remembered(flour.events, bakery, NOW)
    early = memory.view(as_of=memory.clock().replace(hour=8))
    assert "agree on 840 kg" in reconcile(early, FLOUR).verdict


def test_nothing_known_is_said(remembered, scribe, shop):
    reading = reconcile(remembered([], shop, NOW).view(), Entity("material", "NONE"))
    assert reading.findings == ()
    assert reading.missing


def test_arrival_order_changes_nothing(remembered, flour, bakery):
    expected = reconcile(remembered(flour.events, bakery, NOW).view(), FLOUR)
    for seed in range(3):
        shuffled = random.Random(seed).sample(flour.events, len(flour.events))
        assert reconcile(remembered(shuffled, bakery, NOW).view(), FLOUR) == expected


def test_records_of_another_material_change_nothing(remembered, flour, bakery):
    expected = reconcile(remembered(flour.events, bakery, NOW).view(), FLOUR)
    flour.event("lager", at("12:00"), "goods_issue", material="ZUCKER", quantity=9, unit="kg", document="LA-78")
    flour.report("wawi", at("12:00"), "inventory:ZUCKER@L1", "buchbestand", quantity={"value": 9, "unit": "kg"})
    flour.report("labor", at("12:00"), "lot:Z-1", material="ZUCKER", quality_status="gesperrt", quantity=9)
    found = reconcile(remembered(flour.events, bakery, NOW).view(), FLOUR)
    assert (found.verdict, found.findings, found.data) == (expected.verdict, expected.findings, expected.data)


def test_a_count_that_one_system_took_over_is_owed_by_the_other(remembered, scribe, shop):
    scribe.report("monitor", at("06:00"), "inventory:P-44@A", "book", quantity=100)
    scribe.report("stacker", at("06:00"), "inventory:P-44@A", "on_hand", quantity=100)
    scribe.event("stacker", at("07:00"), "goods_issue", material="P-44", quantity=10, document="I-1")
    scribe.event("monitor", at("07:00"), "goods_issue", material="P-44", quantity=10, document="I-1")
    scribe.event("stacker", at("09:00"), "count", material="P-44", counted=84, document="INV-1")
    scribe.report("stacker", at("09:05"), "inventory:P-44@A", "on_hand", quantity=84)
    scribe.report("monitor", at("09:05"), "inventory:P-44@A", "book", quantity=90)
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [named(b) for b in reading.data["bridges"]] == [[("count on one side only", "-6")]]
    assert reading.data["usable"]["post"] == "84"


def test_a_transfer_that_left_and_did_not_arrive_is_guessed_where_it_fits(remembered, scribe, shop):
    for place, book, there in (("A", 50, 30), ("B", 50, 50)):
        scribe.report("monitor", at("12:00"), f"inventory:P-44@{place}", "book", quantity=book)
        scribe.report("stacker", at("12:00"), f"inventory:P-44@{place}", "on_hand", quantity=there)
    scribe.event("stacker", at("11:30"), "transfer", material="P-44", quantity=20, from_="A", to="B", document="T1")
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    step = next(f for f in reading.findings if f.data.get("step") == "movement in flight")
    assert (step.kind, step.data["value"]) == (Kind.GUESSED, "-20")


def test_a_line_figure_of_the_others_size_is_bridged_like_a_whole_one(remembered, scribe, shop):
    scribe.report("monitor", at("13:00"), "inventory:P-44@A", "book", quantity=840)
    scribe.report("stacker", at("13:00"), "inventory:P-44@A", "on_hand", quantity=812)
    scribe.report("cell", at("13:00"), "inventory:P-44@cell-1", "line_side", quantity=791)
    scribe.event("stacker", at("11:00"), "goods_issue", material="P-44", quantity=28, document="D1")
    scribe.event("cell", at("12:10"), "consumption", material="P-44", quantity=21, document="D2")
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    steps = [named(b) for b in reading.data["bridges"]]
    assert steps == [[("unposted issue", "-28")], [("unposted issue", "-21")]]


def canonical(scribe, *, mes_scope="line_side", **stated):
    """840, 812 and 791, each stated once: an issue that only the WMS posted, then one that only the MES recorded."""
    scribe.report("monitor", at("13:00"), "inventory:P-44@A", "book", quantity=840)
    scribe.report("stacker", at("13:00"), "inventory:P-44@A", "on_hand", quantity=812)
    scribe.report("cell", at("13:00"), "inventory:P-44@A", mes_scope, quantity=791)
    scribe.event("stacker", at("11:00"), "goods_issue", material="P-44", quantity=28, document="D1")
    scribe.event("cell", at("12:10"), "scrap", material="P-44", quantity=21, document="D2")
    return scribe


@pytest.mark.parametrize("mes_scope", ["line_side", "Bestand an der Linie", None])
def test_what_one_system_alone_recorded_is_a_step_only_to_the_next(remembered, scribe, shop, mes_scope):
    canonical(scribe, mes_scope=mes_scope)
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [named(b) for b in reading.data["bridges"]] == [[("unposted issue", "-28")], [("unposted scrap", "-21")]]
    # Where nothing tells how near a figure is to the goods, only the sum speaks for what it holds.
    sure = Kind.GUESSED if mes_scope is None else Kind.DERIVED
    assert next(f for f in reading.findings if f.data.get("value") == "-21" and "step" in f.data).kind is sure


def test_stock_that_lies_where_a_third_system_saw_scrap_is_one_step_only(remembered, scribe, shop):
    scribe.report("monitor", at("13:00"), "inventory:P-44@A", "buchbestand", quantity=840)
    scribe.report("stacker", at("13:00"), "inventory:P-44@A", "lagerbestand", quantity=819)
    scribe.event("cell", at("12:10"), "scrap", material="P-44", quantity=21, document="D2")
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [named(b) for b in reading.data["bridges"]] == [[("unposted scrap", "-21")]]


def test_a_third_systems_movement_that_explains_nothing_is_no_step(remembered, scribe, shop):
    scribe.report("monitor", at("13:00"), "inventory:P-44@A", "buchbestand", quantity=840)
    scribe.report("stacker", at("13:00"), "inventory:P-44@A", "lagerbestand", quantity=841)
    scribe.event("cell", at("12:10"), "scrap", material="P-44", quantity=21, document="D2")
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [(named(b), b["rest"]) for b in reading.data["bridges"]] == [([], "1")]
    assert any(s.startswith("Count P-44") for s in reading.next_steps)


def test_a_receipt_that_the_books_have_not_taken_over_is_named(remembered, scribe, shop):
    for when, there in (("06:00", 100), ("13:00", 148)):
        scribe.report("monitor", at(when), "inventory:P-44@A", "book", quantity=100)
        scribe.report("stacker", at(when), "inventory:P-44@A/R-1", "on_hand", quantity=there)
    scribe.event("stacker", at("09:00"), "goods_receipt", material="P-44", quantity=48, document="WE-5", to="A/R-1")
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [(named(b), b["rest"]) for b in reading.data["bridges"]] == [([("unposted receipt", "48")], "0")]
    step = next(f for f in reading.findings if f.data.get("step") == "unposted receipt")
    assert step.kind is Kind.DERIVED
    assert "WE-5" in step.text


def test_a_figure_counted_after_the_movement_holds_it(remembered, scribe, shop):
    scribe.report("monitor", at("13:00"), "inventory:P-44@A", "book", quantity=100)
    counted = {"quantity": 93, "as_counted_at": at("12:00")}
    scribe.report("stacker", at("13:00"), "inventory:P-44@A", "on_hand", **counted)
    scribe.event("monitor", at("11:00"), "goods_issue", material="P-44", quantity=5, document="I-1")
    scribe.event("stacker", at("08:00"), "goods_issue", material="OTHER", quantity=1, document="I-0")
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [(named(b), b["rest"]) for b in reading.data["bridges"]] == [([], "-7")]


def test_boxes_in_one_system_are_pieces_in_the_other(remembered, scribe, shop):
    scribe.report("monitor", at("05:00"), "material:P-44", units={"Kiste": {"value": 12, "unit": "ea"}})
    scribe.report("monitor", at("13:00"), "inventory:P-44@A", "book", quantity={"value": 840, "unit": "ea"})
    scribe.report("stacker", at("13:00"), "inventory:P-44@A", "on_hand", quantity={"value": 68, "unit": "Kiste"})
    scribe.event("stacker", at("11:00"), "goods_issue", material="P-44", quantity=2, unit="Kiste", document="D1")
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "P-44"))
    assert [(named(b), b["rest"]) for b in reading.data["bridges"]] == [([("unposted issue", "-24")], "0")]


moves = st.lists(
    st.tuples(
        st.sampled_from(["erp", "wms", "mes"]),
        st.sampled_from(["goods_issue", "goods_receipt", "production", "scrap", "transfer", "staged", "count"]),
        st.integers(0, 500),
        st.sampled_from(["ea", "case", ""]),
        st.integers(0, 3),
        st.integers(0, 59),
        st.sampled_from(["", "A", "B"]),
        st.sampled_from(["", "A", "C"]),
    ),
    max_size=8,
)
figures = st.lists(
    st.tuples(
        st.sampled_from(["erp", "wms", "mes"]),
        st.sampled_from(["book", "on_hand", "line_side", "unrestricted", "in_transit", "seltsam", None]),
        st.sampled_from(["A", "A/1", "B", "X"]),
        st.decimals(0, 1000, places=2),
        st.sampled_from(["ea", "case", ""]),
        st.integers(0, 59),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40)
@given(figures=figures, moves=moves)
def test_a_bridge_sums_exactly_from_one_figure_to_the_other(remembered, new_scribe, shop, figures, moves):
    scribe = new_scribe()
    scribe.report("erp", at("00:01"), "material:M", units={"case": {"value": "12.5", "unit": "ea"}})
    for source, scope, place, value, unit, minute in figures:
        amount = {"value": str(value), "unit": unit} if unit else str(value)
        scribe.report(source, at(f"09:{minute:02d}"), f"inventory:M@{place}", scope, quantity=amount)
    for source, kind, value, unit, document, minute, start, end in moves:
        where = {k: v for k, v in (("from", start), ("to", end)) if v}
        numbered = {"document": f"D{document}"} if document else {}
        amount = {"counted" if kind == "count" else "quantity": value} | ({"unit": unit} if unit else {})
        scribe.event(source, at(f"09:{minute:02d}"), kind, material="M", **amount, **where, **numbered)
    reading = reconcile(remembered(scribe.events, shop, NOW).view(), Entity("material", "M"))
    values = {(f["source"], f["scope"]): Decimal(f["value"]) for f in reading.data.get("figures", [])}
    for bridge in reading.data.get("bridges", []):
        steps = sum((Decimal(s["value"]) for s in bridge["steps"]), Decimal(0))
        assert steps + Decimal(bridge["rest"]) == Decimal(bridge["difference"])
    total = sum((Decimal(b["difference"]) for b in reading.data.get("bridges", [])), Decimal(0))
    told = list(values.values())
    assert not told or total == told[-1] - told[0]
