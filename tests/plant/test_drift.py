"""Drift: each change of a source is told with the facts that it touches, and a source that did not change is quiet."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.plant.drift import Drift, DriftKind, compare, settled
from lineside.plant.mapping_file import StreamMapping, source_mapping
from lineside.plant.shape import Shape, look_from_json, look_to_json, profile

Row = Mapping[str, Any]
VIEW = {
    "table": "stock",
    "key": "No",
    "mapping": {
        "entity": "lot:{Lot}",
        "properties": {
            "material": "{Item}",
            "quantity": {"field": "Qty", "unit": {"field": "Unit"}},
            "quality_status": {"field": "Q", "codes": {"F": "unrestricted", "S": "blocked"}},
            "location": {"field": "Bin"},
        },
    },
}


def mapped(view: Mapping[str, Any] = VIEW) -> StreamMapping:
    found = source_mapping("wms", {"views": [view]}, streams="views").stream("stock")
    assert found
    return found


def row(number: int) -> dict[str, Any]:
    item = ("RES-1", "PIG-2", "CAN-3")[number % 3]
    return {
        "No": number,
        "Lot": f"L-{number}",
        "Item": item,
        "Qty": 100 + number % 17,
        "Unit": "ea" if item == "CAN-3" else "kg",
        "Q": "FS"[number % 2],
        "Bin": f"A-{number % 40}",
        "Weight": f"{10 + number % 5} kg",
        "Site": {"code": "N1"},
    }


def told(change: Callable[[dict[str, Any]], object], *, view: Mapping[str, Any] = VIEW, new: int = 30) -> list[Drift]:
    changed = [row(number) for number in range(100, 100 + new)]
    for each in changed:
        change(each)
    return compare(
        profile([row(number) for number in range(60)], mapped(view)), profile(changed, mapped(view)), mapped(view)
    )


def kinds(drifts: list[Drift]) -> list[tuple[DriftKind, str]]:
    return [(each.kind, each.field) for each in drifts]


def test_a_stream_that_goes_on_as_it_was_shows_no_drift() -> None:
    assert told(lambda each: each) == []


def test_a_field_under_another_name_is_told_with_the_facts_it_carried() -> None:
    (drift,) = told(lambda each: each.update(QtyOnHand=each.pop("Qty")))

    assert (drift.kind, drift.was, drift.now) == (DriftKind.RENAMED, "Qty", "QtyOnHand")
    assert drift.facts == ("lot.quantity",)
    assert "lot.quantity" in drift.reason


def test_codes_under_another_name_are_known_by_their_values() -> None:
    (drift,) = told(lambda each: each.update(INSP_STAT=each.pop("Q")))

    assert (drift.kind, drift.was, drift.now) == (DriftKind.RENAMED, "Q", "INSP_STAT")


def test_two_fields_renamed_at_once_are_not_mixed_up() -> None:
    drifts = told(lambda each: each.update(Place=each.pop("Bin"), Amount=each.pop("Qty")))

    assert {(each.was, each.now) for each in drifts} == {("Bin", "Place"), ("Qty", "Amount")}


def test_a_field_that_is_gone_is_told() -> None:
    assert kinds(told(lambda each: each.pop("Bin"))) == [(DriftKind.REMOVED, "Bin")]


def test_a_field_that_is_always_empty_now_is_told() -> None:
    (drift,) = told(lambda each: each.update(Bin=None))

    assert (drift.kind, drift.now) == (DriftKind.REMOVED, "always empty now")


def test_a_new_field_is_told_once_even_with_all_that_is_in_it() -> None:
    assert kinds(told(lambda each: each.update(Batch={"a": 1, "b": {"c": 2}}))) == [(DriftKind.ADDED, "Batch")]


def test_another_type_is_told() -> None:
    assert kinds(told(lambda each: each.update(Qty=str(each["Qty"])))) == [(DriftKind.RETYPED, "Qty")]


def test_a_decimal_comma_where_points_were_is_told() -> None:
    def points(each: dict[str, Any]) -> None:
        each["Qty"] = f"{each['Qty']}.25"

    known = [row(number) for number in range(60)]
    for each in known:
        points(each)
    commas = [{**each, "Qty": each["Qty"].replace(".", ",")} for each in known]

    assert kinds(compare(profile(known, mapped()), profile(commas, mapped()), mapped())) == [(DriftKind.RETYPED, "Qty")]


def test_a_code_that_nobody_mapped_is_told_with_the_first_message_that_holds_it() -> None:
    (drift,) = told(lambda each: each.update(Q="X"), new=1)

    assert (drift.kind, drift.field, drift.now) == (DriftKind.NEW_CODE, "Q", "X")
    assert drift.facts == ("lot.quality_status",)


def test_a_rare_code_in_a_long_batch_is_told_too() -> None:
    rows = [row(number) for number in range(1000)]
    rows[777]["Q"] = "Z"

    assert kinds(compare(profile(rows[:500], mapped()), profile(rows[500:], mapped()), mapped())) == [
        (DriftKind.NEW_CODE, "Q")
    ]


def test_a_value_that_the_vocabulary_has_needs_no_code() -> None:
    assert told(lambda each: each.update(Q="inspection")) == []


def test_a_unit_is_told_for_the_material_whose_unit_was_another() -> None:
    drifts = told(lambda each: each.update(Unit="g" if each["Item"] == "RES-1" else each["Unit"]))

    assert [(each.kind, each.field, each.was, each.now) for each in drifts] == [
        (DriftKind.CHANGED_UNIT, "Unit (of RES-1)", "kg", "g")
    ]


def test_a_unit_written_beside_the_number_is_told() -> None:
    view = {**VIEW, "mapping": {"entity": "lot:{Lot}", "properties": {"weight": {"field": "Weight"}}}}
    (drift,) = told(lambda each: each.update(Weight=each["Weight"].replace("kg", "lb")), view=view)

    assert (drift.kind, drift.was, drift.now) == (DriftKind.CHANGED_UNIT, "kg", "lb")


@pytest.mark.parametrize("factor", [10, 100, 1000, 25.4, 60, 1 / 0.45359237, 0.001])
def test_numbers_that_jump_by_the_factor_between_two_units_are_suspected(factor: float) -> None:
    drifts = told(lambda each: each.update(Qty=each["Qty"] * factor))

    assert kinds(drifts) == [(DriftKind.OTHER_SIZE, "Qty")]


def test_numbers_that_grow_by_no_such_factor_are_not_suspected() -> None:
    assert told(lambda each: each.update(Qty=each["Qty"] * 5)) == []


def test_too_few_messages_say_nothing_of_what_is_gone() -> None:
    assert told(lambda each: each.pop("Bin"), new=19) == []


def test_a_code_that_nobody_mapped_holds_up_nothing_else() -> None:
    known = profile([row(number) for number in range(60)], mapped())
    new = profile([{**row(7), "Q": "X", "Note": "n"}], mapped())
    after, news = settled(known, new, compare(known, new, mapped()))

    assert after.messages == 61
    assert "Note" in after.fields
    assert kinds(compare(after, news, mapped())) == [(DriftKind.NEW_CODE, "Q")]


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Lot": st.text(max_size=60),
    "Qty": st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    "Unit": st.just("kg"),
    "Q": st.sampled_from(["F", "S", "blocked", "", None]),
    "Bin": st.text() | st.booleans() | st.lists(st.dictionaries(st.text(), st.integers())),
}


@given(
    rows=st.lists(st.fixed_dictionaries(_VALUES), min_size=1, max_size=60), seed=st.integers(), at=st.integers(0, 60)
)
def test_an_unchanged_stream_shows_no_drift_whatever_the_order(rows: list[Row], seed: int, at: int) -> None:
    again = list(rows)
    random.Random(seed).shuffle(again)
    known, new = profile(rows, mapped()), profile(again, mapped())

    assert compare(known, new, mapped()) == []
    whole, parts = profile(again, mapped()), profile(again[:at], mapped()) + profile(again[at:], mapped())
    if len(rows) <= 49:
        assert parts.messages == whole.messages
        assert {name: each.types for name, each in parts.fields.items()} == {
            name: each.types for name, each in whole.fields.items()
        }


@given(rows=st.lists(st.dictionaries(st.text(), st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8,
)), max_size=8))  # fmt: skip
def test_any_json_has_a_look_that_can_be_kept(rows: list[Row]) -> None:
    shape = profile(rows)
    back = {name: look_from_json(look_to_json(each)) for name, each in shape.fields.items()}

    assert Shape(messages=shape.messages, fields=back) == shape
