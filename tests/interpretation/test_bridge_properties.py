"""What holds for every bridge, whatever was moved, in which unit, in which order the records came."""

from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.reconcile import reconcile
from lineside.interpretation.warehouse import warehouse
from lineside.plant.entities import Entity

NOW = "2026-03-10T14:00:00+01:00"
PLANT = """
site = "moulin"
time_zone = "Europe/Paris"
[[sources]]
name = "erp"
kind = "erp"
[[sources]]
name = "wms"
kind = "wms"
[[sources]]
name = "mes"
kind = "mes"
"""
MATERIALS = ("ORGE", "SEIGLE")
UNITS = st.sampled_from(["kg", "g", "t", "sac", "palette", ""])
FACTORS = {"sac": {"value": "25.5", "unit": "kg"}, "palette": {"value": 40, "unit": "sac"}}
SOURCES = st.sampled_from(["erp", "wms", "mes"])


def at(minute: int, hour: int = 9) -> str:
    return f"2026-03-10T{hour:02d}:{minute:02d}:00+01:00"


moves = st.lists(
    st.fixed_dictionaries(
        {
            "source": SOURCES, "material": st.sampled_from(MATERIALS), "minute": st.integers(0, 59),
            "kind": st.sampled_from(
                ["goods_issue", "goods_receipt", "production", "consumption", "scrap", "transfer", "staged", "count"]
            ),
            "value": st.decimals(-50, 500, places=1), "unit": UNITS, "document": st.integers(0, 3),
            "late": st.booleans(), "start": st.sampled_from(["", "Q1", "Q2"]), "end": st.sampled_from(["", "Q1", "X"]),
        }
    ),
    max_size=7,
)  # fmt: skip
figures = st.lists(
    st.fixed_dictionaries(
        {
            "source": SOURCES, "material": st.sampled_from(MATERIALS), "minute": st.integers(0, 59),
            "scope": st.sampled_from(["book", "on_hand", "line_side", "unrestricted", "in_transit", "étrange", None]),
            "place": st.sampled_from(["Q1", "Q1/1", "Q2", "X"]), "value": st.decimals(0, 900, places=1), "unit": UNITS,
        }
    ),
    min_size=2,
    max_size=7,
)  # fmt: skip


def written(new_scribe, stated, moved):
    scribe = new_scribe()
    for material in MATERIALS:
        scribe.report("erp", at(1, 0), f"material:{material}", units=FACTORS)
    for each in stated:
        amount = {"value": str(each["value"]), "unit": each["unit"]} if each["unit"] else str(each["value"])
        place = f"inventory:{each['material']}@{each['place']}"
        scribe.report(each["source"], at(each["minute"]), place, each["scope"], quantity=amount)
    for each in moved:
        told = at(each["minute"], 11) if each["late"] else None
        more = {name: each[key] for name, key in (("from_", "start"), ("to", "end"), ("unit", "unit")) if each[key]}
        more |= {"document": f"B{each['document']}"} if each["document"] else {}
        name = "counted" if each["kind"] == "count" else "quantity"
        scribe.event(each["source"], at(each["minute"]), each["kind"], told, material=each["material"],
                     **{name: str(each["value"])}, **more)  # fmt: skip
    return scribe


def told(view):
    """All that is computed, without the ids of records."""
    alone = [reconcile(view, Entity("material", each)) for each in MATERIALS]
    whole = warehouse(view)
    return [(r.verdict, r.data, [(f.text, f.kind) for f in r.findings]) for r in (*alone, whole)]


@settings(max_examples=15)
@given(stated=figures, moved=moves)
def test_start_and_steps_and_rest_are_the_end_exactly(remembered, new_scribe, stated, moved):
    view = remembered(written(new_scribe, stated, moved).events, PLANT, NOW).view()
    differing = set()
    for material in MATERIALS:
        reading = reconcile(view, Entity("material", material))
        bridges = reading.data.get("bridges", [])
        for bridge in bridges:
            steps = sum((Decimal(s["value"]) for s in bridge["steps"]), Decimal(0))
            assert steps + Decimal(bridge["rest"]) == Decimal(bridge["difference"])
        told_figures = [Decimal(f["value"]) for f in reading.data.get("figures", [])]
        total = sum((Decimal(b["difference"]) for b in bridges), Decimal(0))
        assert not told_figures or total == told_figures[-1] - told_figures[0]
        whole = {f["source"] for f in reading.data.get("figures", [])}
        differing |= {f"material:{material}"} if bridges and len(whole) > 1 else set()
    rows = warehouse(view).data.get("rows", [])
    assert {row["entity"] for row in rows if row["entity"].startswith("material:")} == differing


@settings(max_examples=6)
@given(stated=figures, moved=moves, seed=st.integers(0, 99))
def test_neither_order_nor_what_does_not_concern_it_changes_anything(remembered, new_scribe, stated, moved, seed):
    scribe = written(new_scribe, stated, moved)
    before = told(remembered(scribe.events, PLANT, NOW).view())
    scribe.note("chat", at(30), "ORGE smells fine today.")
    scribe.event("scada", at(10), "stop", equipment="moulin/a/b", reason="belt")
    scribe.report("qms", at(10), "lot:Z-1", material="AVOINE", quality_status="blocked", quantity=9)
    scribe.event("other", at(20), "goods_issue", material="AVOINE", quantity=5, unit="kg", document="B1")
    scribe.report("erp", at(20), "sales_order_line:A/1", material="AVOINE", quantity=5, promised_at=at(0, 16))
    shuffled = [*scribe.events]
    random.Random(seed).shuffle(shuffled)
    assert told(remembered(shuffled, PLANT, NOW).view()) == before
