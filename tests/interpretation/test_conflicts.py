"""Released here, blocked there: the rule, the owner, what it touches, the way out, and what comes first."""

from __future__ import annotations

from lineside.interpretation.by_state import by_state
from lineside.interpretation.disagreement import conflicts

NOW = "2026-03-10T14:00:00+01:00"


def at(clock: str) -> str:
    return f"2026-03-10T{clock}:00+01:00"


def disputed(scribe):
    scribe.report("wawi", at("12:00"), "lot:C-7", quality_status="frei")
    scribe.report("labor", at("09:00"), "lot:C-7", quality_status="gesperrt", job_order="BA-1", quantity=40)
    scribe.report("lager", at("09:00"), "lot:C-7", location="R-4")
    scribe.report("wawi", at("06:00"), "job_order:BA-1", sales_order_line="A-20/10", status="fertig")
    scribe.report("wawi", at("06:00"), "sales_order_line:A-20/10", quantity=40, status="versandbereit")
    scribe.report("lager", at("09:00"), "shipment:FA-2", lines=[{"sales_order_line": "A-20/10", "quantity": 40}])
    scribe.report("lager", at("09:00"), "shipment:FA-2", planned_departure=at("16:00"), status="geplant")
    scribe.report("wawi", at("12:00"), "job_order:BA-3", status="freigegeben")
    scribe.report("ofen-leit", at("12:30"), "job_order:BA-3", status="gesperrt")


def test_a_conflict_names_rule_owner_stock_orders_and_the_way_out(remembered, scribe, bakery):
    disputed(scribe)
    reading = conflicts(remembered(scribe.events, bakery, NOW).view())
    first = reading.findings[0]
    assert first.text.startswith("A-20/10, status: wawi says versandbereit")
    assert "lot C-7 is blocked" in first.text
    assert any(
        "go by labor, which the plant file calls the owner of quality status" in f.text for f in reading.findings
    )
    touches = next(f for f in reading.findings if f.text.startswith("What C-7 touches"))
    for word in ("40 at R-4", "sales order line A-20/10", "shipment FA-2 (leaves 16:00 CET)"):
        assert word in touches.text
    assert any("qs-1" in step and "labor" in step and "wawi" in step for step in reading.next_steps)
    assert any("plant file" in step and "BA-3" in step for step in reading.next_steps)


def test_what_endangers_an_open_order_comes_before_what_endangers_none(remembered, scribe, bakery):
    scribe.report("wawi", at("12:00"), "lot:A-1", quality_status="frei")
    scribe.report("labor", at("09:00"), "lot:A-1", quality_status="gesperrt")
    disputed(scribe)
    things = conflicts(remembered(scribe.events, bakery, NOW).view()).data["things"]
    assert things.index("C-7") < things.index("A-1")


def test_a_word_that_frees_what_a_hold_binds_is_a_conflict(remembered, scribe, bakery):
    scribe.report("wawi", at("12:00"), "lot:C-9", quality_status="frei")
    scribe.report("labor", at("09:00"), "hold:S-4", subject="lot:C-9", status="aktiv", owner="qs-2", reason="Metall")
    reading = conflicts(remembered(scribe.events, bakery, NOW).view())
    assert "hold S-4 is active (Metall)" in reading.findings[0].text
    assert any("qs-2" in step and "buchhaltung-1" in step for step in reading.next_steps)
    scribe.event("labor", at("13:00"), "hold_released", hold="S-4", lot="C-9")
    assert conflicts(remembered(scribe.events, bakery, NOW).view()).findings == ()


def test_things_are_listed_by_state_in_any_word_for_it(remembered, scribe, bakery):
    disputed(scribe)
    scribe.report("labor", at("09:00"), "lot:C-8", quality_status="in Prüfung")
    view = remembered(scribe.events, bakery, NOW).view()
    assert by_state(view, ["lot"], "gesperrt").data["ids"] == ["lot:C-7"]
    assert by_state(view, ["lot"], "blocked").data["ids"] == ["lot:C-7"]
    assert by_state(view, ["lot"], "complete", but_not="released").data["ids"] == ["lot:C-8"]
    assert by_state(view, ["job_order"], "blocked").data["ids"] == ["job_order:BA-3"]
    none = by_state(view, ["shipment"], "departed")
    assert none.data["count"] == 0
    assert "1 blocked" in none.verdict


def test_a_lot_under_a_hold_is_not_listed_as_released_whatever_its_word_says(remembered, scribe, bakery):
    scribe.report("labor", at("08:00"), "lot:C-1", quality_status="frei")
    scribe.report("labor", at("08:00"), "lot:C-2", quality_status="frei")
    scribe.event("labor", at("09:00"), "hold_placed", lot="C-2", hold="S-4")
    view = remembered(scribe.events, bakery, NOW).view()
    for word in ("released", "freigegeben", "unrestricted"):
        assert by_state(view, ["lot"], word).data["ids"] == ["lot:C-1"]
