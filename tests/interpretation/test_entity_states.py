"""One shared state per thing: what it follows from, and what may not change it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.by_state import by_state
from lineside.interpretation.entity_states import shared_state, shared_states_of
from lineside.interpretation.state import state
from lineside.plant.entities import Entity

NOW = "2026-03-10T14:00:00+01:00"
QUICK = settings(max_examples=4)


def at(clock: str) -> str:
    return f"2026-03-10T{clock}:00+01:00"


def of(memory, text, as_of=None):
    return shared_state(memory.view() if as_of is None else memory.view(as_of=as_of), Entity.parse(text))


@pytest.fixture
def baked(scribe):
    """40 loaves ordered, made, inspected, packed, labelled and with their papers, for a truck at 15:00."""
    line, lot, order = "sales_order_line:A-20/10", "lot:C-7", "job_order:BA-1"
    scribe.report("wawi", at("06:00"), line, quantity=40, status="freigegeben", customer="K-12", material="BROT")
    scribe.report("wawi", at("06:00"), "sales_order:A-20", credit="frei", customer="K-12")
    scribe.report("wawi", at("06:00"), order, quantity=40, sales_order_line="A-20/10", status="freigegeben")
    scribe.report("ofen-leit", at("08:00"), order, quantity_good=40, status="fertig")
    scribe.report("labor", at("08:10"), lot, job_order="BA-1", quantity=40, quality_status="frei")
    scribe.report(
        "lager", at("09:00"), "handling_unit:H-1", lot="C-7", quantity=40, sales_order_line="A-20/10",
        packed=True, labelled=True,
    )  # fmt: skip
    scribe.report("wawi", at("09:10"), "document:lieferschein/A-20/10", subject=line, status="ausgestellt")
    scribe.report(
        "lager", at("09:00"), "shipment:FA-2", lines=[{"sales_order_line": "A-20/10", "quantity": 40}],
        planned_departure=at("15:00"), dock="hafenstrasse/rampe/tor-2", status="geplant",
    )  # fmt: skip
    return scribe


def all_states(memory, as_of=None):
    view = memory.view() if as_of is None else memory.view(as_of=as_of)
    kinds = ("job_order", "lot", "sales_order_line", "sales_order", "shipment")
    return {str(s.entity): s.state for kind in kinds for s in shared_states_of(view, kind)}


def test_what_passes_every_gate_is_shippable_as_a_line_an_order_and_a_shipment(remembered, baked, bakery):
    assert all_states(remembered(baked.events, bakery, NOW)) == {
        "job_order:BA-1": "complete",
        "lot:C-7": "released",
        "sales_order_line:A-20/10": "shippable",
        "sales_order:A-20": "shippable",
        "shipment:FA-2": "shippable",
    }


def test_complete_is_not_shippable_while_a_label_is_missing(remembered, baked, bakery):
    baked.report("lager", at("10:00"), "handling_unit:H-1", labelled=False)
    baked.report("wawi", at("10:00"), "sales_order_line:A-20/10", status="versandbereit")
    memory = remembered(baked.events, bakery, NOW)
    assert of(memory, "sales_order_line:A-20/10").state == "released"
    assert of(memory, "shipment:FA-2").state == "planned"


def test_a_hold_blocks_the_lot_its_line_and_its_truck_until_its_owner_lifts_it(remembered, baked, bakery):
    baked.event("labor", at("10:00"), "hold_placed", lot="C-7", hold="S-9", reason="Glassplitter")
    memory = remembered(baked.events, bakery, NOW)
    held = all_states(memory)
    for thing in ("lot:C-7", "sales_order_line:A-20/10", "sales_order:A-20", "shipment:FA-2"):
        assert held[thing] == "blocked"
    assert held["job_order:BA-1"] == "complete"
    assert "Glassplitter" in of(memory, "lot:C-7").because[0].text
    before = all_states(memory, as_of=memory.clock().replace(hour=9, minute=30))
    assert before["lot:C-7"] == "released"
    assert before["sales_order_line:A-20/10"] == "shippable"
    baked.event("labor", at("11:00"), "hold_released", lot="C-7", hold="S-9")
    assert all_states(remembered(baked.events, bakery, NOW))["sales_order_line:A-20/10"] == "shippable"


def test_a_correction_restores_the_state(remembered, baked, bakery):
    wrong = baked.report("labor", at("10:00"), "lot:C-7", quality_status="gesperrt")
    assert of(remembered(baked.events, bakery, NOW), "lot:C-7").state == "blocked"
    baked.correct("labor", at("11:00"), wrong, {"entity": "lot:C-7", "properties": {"quality_status": "frei"}})
    memory = remembered(baked.events, bakery, NOW)
    assert of(memory, "lot:C-7").state == "released"
    assert of(memory, "lot:C-7", memory.clock().replace(hour=10, minute=30)).state == "blocked"


def test_what_is_reported_late_counts_only_from_then_on(remembered, baked, bakery):
    baked.event("labor", at("08:30"), "hold_placed", lot="C-7", hold="S-1", told=at("12:00"))
    memory = remembered(baked.events, bakery, NOW)
    assert of(memory, "lot:C-7", memory.clock().replace(hour=11)).state == "released"
    assert of(memory, "lot:C-7").state == "blocked"


def test_a_silent_source_is_told_against_the_state_that_rests_on_it(remembered, scribe, foundry):
    scribe.report("leitstand", "2026-03-01T06:00:00+01:00", "job_order:G-1", status="läuft")
    memory = remembered(scribe.events, foundry, NOW)
    reading = state(memory.view(), Entity("job_order", "G-1"))
    assert reading.data["state"] == "in_progress"
    assert any("leitstand is silent" in f.text for f in reading.against)


def test_a_word_on_a_job_order_is_found_behind_any_number_of_words_on_its_operations(remembered, scribe, shop):
    scribe.report("erp", at("05:00"), "job_order:M-8", quantity={"value": 10, "unit": "ea"})
    scribe.event("mes", at("06:00"), "started", job_order="M-8")
    for minute in range(59):
        scribe.event("mes", at(f"09:{minute:02}"), "completed", operation=f"M-8/{minute}")

    assert of(remembered(scribe.events, shop, NOW), "job_order:M-8").state == "in_progress"


def test_a_silent_source_is_told_against_a_list_even_where_nothing_is_on_it(remembered, scribe, foundry):
    scribe.report("leitstand", "2026-03-01T06:00:00+01:00", "job_order:G-1", status="läuft")
    view = remembered(scribe.events, foundry, NOW).view()
    for state_asked in ("blocked", "in_progress"):
        assert any("leitstand is silent" in f.text for f in by_state(view, ["job_order"], state_asked).against)


def test_what_happens_to_an_operation_has_not_happened_to_its_job_order(remembered, scribe, shop):
    scribe.report("erp", at("06:00"), "job_order:M-8", quantity=5, status="released")
    scribe.event("mes", at("09:00"), "started", operation="M-8/10")
    scribe.event("mes", at("10:00"), "completed", operation="M-8/10")
    memory = remembered(scribe.events, shop, NOW)
    assert of(memory, "job_order:M-8").state == "ready"
    assert {s.state for s in shared_states_of(memory.view(), "job_order")} == {"ready"}


def test_events_tell_as_much_as_reports(remembered, scribe, shop):
    scribe.report("monitor", at("07:00"), "job_order:M-8", status="released")
    scribe.event("cell", at("08:00"), "started", job_order="M-8")
    memory = remembered(scribe.events, shop, NOW)
    assert of(memory, "job_order:M-8").state == "in_progress"
    assert of(memory, "job_order:M-8", memory.clock().replace(hour=7, minute=30)).state == "ready"
    scribe.event("cell", at("09:00"), "completed", job_order="M-8")
    done = of(remembered(scribe.events, shop, NOW), "job_order:M-8")
    assert done.state == "complete"
    assert {(w.source, w.means) for w in done.words} == {("monitor", "ready"), ("cell", "complete")}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"a": "geplant"}, "planned"),
        ({"a": "released", "b": "en cours"}, "in_progress"),
        ({"a": "held", "b": "läuft"}, "blocked"),
        ({"a": "storniert"}, "cancelled"),
        ({"a": "zzz"}, None),
    ],
)
def test_the_sources_words_become_one_state(remembered, scribe, shop, words, expected):
    for source, word in words.items():
        scribe.report(source, at("08:00"), "job_order:M-1", status=word)
    found = of(remembered(scribe.events, shop, NOW), "job_order:M-1")
    assert found.state == expected
    assert {(w.source, w.said) for w in found.words} == set(words.items())
    assert bool(found.missing) is (expected is None)


def test_equipment_is_ready_in_progress_or_blocked(remembered, scribe, foundry):
    place = "equipment:giesserei-nord/formerei/linie-a"
    scribe.report("leitstand", at("08:00"), place, state="wartet")
    memory = remembered(scribe.events, foundry, NOW)
    assert of(memory, place).state == "ready"
    scribe.event("leitstand", at("09:00"), "stop", equipment=place.partition(":")[2], reason="Sandmangel")
    assert of(remembered(scribe.events, foundry, NOW), place).state == "blocked"
    scribe.event("leitstand", at("09:20"), "start", equipment=place.partition(":")[2])
    assert of(remembered(scribe.events, foundry, NOW), place).state == "in_progress"


def test_a_failed_inspection_blocks_until_a_later_release(remembered, scribe, shop):
    scribe.report("lab", at("08:00"), "lot:X1", quality_status="free", quantity=5)
    scribe.report("lab", at("09:00"), "inspection:Q1", lot="X1", result="nok")
    assert of(remembered(scribe.events, shop, NOW), "lot:X1").state == "blocked"
    scribe.report("lab", at("10:00"), "lot:X1", quality_status="free")
    assert of(remembered(scribe.events, shop, NOW), "lot:X1").state == "released"


def test_a_doubt_is_told_where_a_complete_job_made_less(remembered, scribe, shop):
    scribe.report("monitor", at("08:00"), "job_order:M-2", status="done", quantity=10, quantity_good=7)
    reading = state(remembered(scribe.events, shop, NOW).view(), Entity("job_order", "M-2"))
    assert reading.data["state"] == "complete"
    assert any("less was made" in f.text for f in reading.against)


CASE = st.tuples(
    st.sampled_from(["frei", "gesperrt", "in Prüfung", None]),
    st.sampled_from([None, "lot:C-{}", "job_order:BA-{}", "sales_order_line:A-{}/10", "shipment:FA-{}"]),
    st.sampled_from([0, 39, 40, 60]),
    st.booleans(),
    st.sampled_from(["frei", "frei", "gesperrt"]),
)


def order(scribe, number, case):
    """One order of 40, called ready to ship by its ERP, and what the other systems say of it."""
    word, held, made, labelled, credit = case
    line, lot = f"A-{number}/10", f"C-{number}"
    scribe.report("wawi", at("06:00"), f"sales_order_line:{line}", quantity=40, status="versandbereit", material="BROT")
    scribe.report("wawi", at("06:00"), f"sales_order:A-{number}", credit=credit)
    scribe.report("ofen-leit", at("08:00"), f"job_order:BA-{number}", quantity_good=made, sales_order_line=line)
    quality = {"quality_status": word} if word else {}
    scribe.report("labor", at("08:10"), f"lot:{lot}", job_order=f"BA-{number}", quantity=made, **quality)
    packed = {"packed": True, "labelled": labelled, "quantity": made}
    scribe.report("lager", at("09:00"), f"handling_unit:H-{number}", lot=lot, sales_order_line=line, **packed)
    paper = {"subject": f"sales_order_line:{line}", "status": "ausgestellt"}
    scribe.report("wawi", at("09:10"), f"document:lieferschein/{line}", **paper)
    load = {"lines": [{"sales_order_line": line, "quantity": 40}], "planned_departure": at("15:00")}
    scribe.report("lager", at("09:00"), f"shipment:FA-{number}", dock="hafenstrasse/rampe/tor-2", **load)
    if held:
        scribe.report("labor", at("09:30"), f"hold:S-{number}", subject=held.format(number), status="aktiv")


@QUICK
@given(cases=st.lists(CASE, min_size=5, max_size=9), seed=st.integers(0, 99))
def test_shippable_needs_all_made_and_no_active_hold_and_order_of_arrival_is_nothing(
    remembered, new_scribe, bakery, cases, seed
):
    scribe = new_scribe()
    for number, case in enumerate([("frei", None, 40, True, "frei"), *cases]):
        order(scribe, number, case)
    found = all_states(remembered(scribe.events, bakery, NOW))
    for number, (word, held, made, labelled, credit) in enumerate(cases, start=1):
        whole = made >= 40 and word == "frei" and not held and labelled and credit == "frei"
        for thing in (f"sales_order_line:A-{number}/10", f"sales_order:A-{number}", f"shipment:FA-{number}"):
            assert (found[thing] == "shippable") is whole
    assert found["shipment:FA-0"] == "shippable"
    shuffled = random.Random(seed).sample(scribe.events, len(scribe.events))
    assert all_states(remembered(shuffled, bakery, NOW)) == found


@QUICK
@given(
    extra=st.lists(
        st.sampled_from(
            [
                ("lot:OTHER", {"quality_status": "gesperrt", "job_order": "BA-9"}),
                ("job_order:BA-9", {"status": "gesperrt", "quantity": 4}),
                ("hold:S-7", {"subject": "lot:OTHER", "status": "aktiv"}),
                ("sales_order_line:A-99/10", {"quantity": 3, "status": "offen"}),
                ("inspection:P-1", {"lot": "OTHER", "result": "nicht bestanden"}),
                ("shipment:FA-9", {"lines": [{"sales_order_line": "A-99/10", "quantity": 3}]}),
                ("equipment:hafenstrasse/ofen", {"state": "steht"}),
            ]
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_record_about_something_else_changes_no_state(remembered, new_scribe, bakery, extra):
    scribe = new_scribe()
    scribe.report("wawi", at("06:00"), "sales_order_line:A-20/10", quantity=40, status="freigegeben")
    scribe.report("ofen-leit", at("08:00"), "job_order:BA-1", quantity_good=40, sales_order_line="A-20/10")
    scribe.report("labor", at("08:10"), "lot:C-7", job_order="BA-1", quantity=40, quality_status="frei")
    before = all_states(remembered(scribe.events, bakery, NOW))
    for entity, properties in extra:
        scribe.report("lager", at("09:00"), entity, **properties)
    after = all_states(remembered(scribe.events, bakery, NOW))
    assert {thing: after[thing] for thing in before} == before


def test_one_thing_alone_stands_as_it_does_among_all(remembered, baked, bakery):
    baked.report("labor", at("09:00"), "lot:C-8", quality_status="gesperrt", material="BROT")
    baked.report("labor", at("09:00"), "hold:S-2", subject="material:BROT", status="aktiv", reason="Rückruf")
    memory = remembered(baked.events, bakery, NOW)
    for kind in ("job_order", "lot", "sales_order_line", "sales_order", "shipment", "hold"):
        for each in shared_states_of(memory.view(), kind):
            assert shared_state(memory.view(), each.entity) == each
