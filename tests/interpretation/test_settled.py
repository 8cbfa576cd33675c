"""What is over long since is left out where everything is gone through, and what is not over stands as it did."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.errors import BadSettings
from lineside.interpretation.by_state import by_state
from lineside.interpretation.entity_states import States
from lineside.interpretation.facts import Facts
from lineside.interpretation.holds import holds
from lineside.interpretation.ranking import ranking
from lineside.interpretation.settled import parse_settled
from lineside.plant.entities import Entity

NOW = "2026-03-10T14:00:00+01:00"
KINDS = ("job_order", "lot", "sales_order_line", "sales_order", "shipment", "document", "inspection", "hold")


POINTERS = (("job_order", "sales_order_line"), ("lot", "job_order"), ("shipment", "lines"))


def ago(days: int) -> str:
    return (datetime.fromisoformat(NOW) - timedelta(days=days)).isoformat()


def live(facts: Facts, kind: str) -> list[str]:
    return [each.id for each in facts.live(kind)]


def test_an_old_order_goes_by_its_lines_and_a_paper_by_what_it_is_about(remembered, scribe, bakery):
    for name, status in (("A-1", "versandt"), ("A-2", "offen")):
        scribe.report("wawi", ago(90), f"sales_order:{name}", status="freigegeben")
        scribe.report("wawi", ago(90), f"sales_order_line:{name}/10", status=status)
        scribe.report("wawi", ago(90), f"document:lieferschein/{name}", subject=f"sales_order_line:{name}/10")
    scribe.report("wawi", ago(90), "document:zeugnis", status="offen")
    scribe.report("wawi", ago(90), "job_order:BA-1", status="fertig", sales_order_line="A-2/10")
    scribe.report("wawi", ago(90), "job_order:BA-2", status="fertig", sales_order_line="A-1/10")
    facts = Facts(remembered(scribe.events, bakery, NOW).view())

    assert (live(facts, "sales_order"), live(facts, "sales_order_line")) == (["A-2"], ["A-2/10"])
    assert live(facts, "document") == ["lieferschein/A-2", "zeugnis"]
    assert live(facts, "job_order") == []
    line = Entity("sales_order_line", "A-2/10")
    assert [s.entity.id for s in facts.pointing("job_order", "sales_order_line", line)] == ["BA-1"]
    assert facts.state(Entity("job_order", "BA-1"), "status") == "complete"
    gone = Entity("sales_order_line", "A-1/10")
    assert [s.entity.id for s in facts.pointing("job_order", "sales_order_line", gone)] == ["BA-2"]
    assert facts.parts(Entity("sales_order", "A-1"), "sales_order_line") == [gone]


def test_what_a_list_leaves_out_is_said(remembered, scribe, bakery):
    scribe.report("labor", ago(90), "lot:C-1", quality_status="frei")
    scribe.report("labor", ago(3), "lot:C-2", quality_status="frei")
    view = remembered(scribe.events, bakery, NOW).view()

    found = by_state(view, ["lot"], "released")
    assert found.data["ids"] == ["lot:C-2"]
    assert found.missing == ("The lots that were over, and last spoken of before 2026-02-07 14:00 CET.",)
    assert by_state(view, ["shipment"], "planned").missing == ()


def test_a_hold_that_nobody_released_binds_however_old_it_is(remembered, scribe, bakery):
    scribe.event("labor", ago(200), "hold_placed", lot="C-1", attributes={"hold": "S-1", "reason": "Glas"})
    scribe.event("labor", ago(200), "hold_placed", lot="C-2", attributes={"hold": "S-2", "reason": "Glas"})
    scribe.event("labor", ago(190), "hold_released", lot="C-2", attributes={"hold": "S-2"})
    scribe.event("labor", ago(200), "hold_placed", lot="C-3", text="Metall")
    scribe.event("labor", ago(190), "hold_placed", lot="C-4", text="Metall")
    scribe.event("labor", ago(180), "hold_released", lot="C-4")
    facts = Facts(remembered(scribe.events, bakery, NOW).view())

    assert [hold.subject.id for hold in holds(facts) if hold.active] == ["C-1", "C-3"]


WORDS = {
    "job_order": ("status", ["freigegeben", "fertig", "gesperrt"]),
    "lot": ("quality_status", ["frei", "gesperrt"]),
    "sales_order_line": ("status", ["offen", "versandt"]),
    "shipment": ("status", ["geplant", "abgefahren"]),
}


def test_a_lot_that_lay_long_is_ranked_while_it_may_yet_expire(remembered, scribe, bakery):
    scribe.report("labor", ago(90), "lot:C-1", quality_status="frei", expires_at=ago(-5))
    scribe.report("labor", ago(90), "lot:C-2", quality_status="frei", expires_at=ago(60))
    scribe.report("labor", ago(3), "lot:C-3", quality_status="frei", expires_at=ago(-9))
    view = remembered(scribe.events, bakery, NOW).view()

    found = ranking(view, ["lot"], "expires_at")
    assert found.data["order"] == ["lot:C-1", "lot:C-3"]
    assert any("The lots that were over" in gap for gap in found.missing)
    assert ranking(view, ["lot"], "expires_at", every=True).data["compared"] == 3


@settings(max_examples=25)
@given(data=st.data())
def test_what_is_not_over_reads_as_if_nothing_were_left_out(data, remembered, scribe, bakery):
    tell_anything(data, scribe)
    memory = remembered(scribe.events, bakery, NOW)
    for as_of in (NOW, ago(50)):
        view = memory.view(as_of=datetime.fromisoformat(as_of))
        some, everything = States(Facts(view)), States(Facts(view, whole=True))
        for kind in KINDS:
            kept = some.facts.live(kind)
            assert [some.of(each) for each in kept] == [everything.of(each) for each in kept]
            for left in set(everything.facts.live(kind)) - set(kept):
                assert everything.of(left).state not in ("blocked", "in_progress", "planned", "ready", None)


@settings(max_examples=25)
@given(data=st.data())
def test_what_points_at_few_things_is_what_is_found_by_reading_all(data, remembered, scribe, bakery):
    tell_anything(data, scribe)
    memory = remembered(scribe.events, bakery, NOW)
    for as_of in (NOW, ago(50)):
        view = memory.view(as_of=datetime.fromisoformat(as_of))
        few, everything = Facts(view), Facts(view)
        for kind, name in POINTERS:
            everything.load(kind, name)
            targets = [each for of in KINDS for each in view.entities(of)]
            assert [few.pointing(kind, name, each) for each in targets] == [
                everything.pointing(kind, name, each) for each in targets
            ]


def tell_anything(data, scribe) -> None:
    """A few reports on things that point at one another, over four months."""
    numbers, days = st.integers(1, 4), st.integers(0, 120)
    scribe.events.clear()
    for _ in range(data.draw(st.integers(3, 14))):
        kind = data.draw(st.sampled_from(sorted(WORDS)))
        name, words = WORDS[kind]
        told = {name: data.draw(st.sampled_from(words))} if data.draw(st.booleans()) else {"quantity": 40}
        number = data.draw(numbers)
        thing = f"A-{number}/10" if kind == "sales_order_line" else f"{kind[0]}{number}"
        match kind:
            case "job_order":
                told["sales_order_line"] = f"A-{data.draw(numbers)}/10"
            case "lot":
                told["job_order"] = f"j{data.draw(numbers)}"
            case "shipment":
                told["lines"] = [{"sales_order_line": f"A-{data.draw(numbers)}/10", "quantity": 40}]
        scribe.report(data.draw(st.sampled_from(["wawi", "labor"])), ago(data.draw(days)), f"{kind}:{thing}", **told)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("after_days = 0", "after_days must be a whole number of days"),
        ('[over]\n"lot.colour" = ["red"]', "over.lot.colour is no property with shared states"),
        ('[over]\n"lot.quality_status" = ["gone"]', "gone"),
        ('[follows]\nboat = "lot"', "follows.boat must go from one kind"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_key(change, told):
    data = {"version": "1", "after_days": 3, "over": {}, **tomllib.loads(change)}
    with pytest.raises(BadSettings, match=told):
        parse_settled("here/settled.toml", data)
