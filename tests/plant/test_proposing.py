"""A proposed mapping file can always be loaded, changes what drifted and nothing else, and marks its guesses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lineside.plant.drift import compare
from lineside.plant.mapping_file import SourceMapping, merged, read_mapping_file, source_mapping
from lineside.plant.proposing import propose
from lineside.plant.shape import profile

Row = Mapping[str, Any]
SETTINGS = {"views": "", "time_zone": "", "decimal_comma": ""}
MAPPED: dict[str, Any] = {
    "table": "stock",
    "key": ["No"],
    "immutable": True,
    "mapping": [
        {
            "entity": "lot:{Lot}",
            "scope": "book",
            "reported_at": ["Changed", "{Day} {Hour}"],
            "when": {"Kind": ["A", "B"]},
            "properties": {
                "quantity": {"field": "Qty", "unit": {"field": "Unit", "codes": {"St": "ea"}}},
                "quality_status": {"field": "Q", "codes": {"F": "unrestricted"}},
                "location": "{Store}/{Bin}",
                "expires_at": {"field": "{Day} {Bin}", "type": "text"},
                "packed": {"field": "P", "codes": {"1": True}, "default": False},
                "parts": {"each": "Parts", "item": {"material": {"field": "M"}, "quantity": {"field": "N"}}},
            },
        },
        {"kind": "count", "lot": "{Lot}", "attributes": {"it's odd": "{Qty}", "bin": {"field": "Bin"}}},
    ],
}


def row(number: int) -> dict[str, Any]:
    return {
        "No": number, "Lot": f"L-{number}", "Qty": 10 + number % 9, "Unit": "St", "Q": "F", "Bin": f"B{number % 30}",
        "Store": "S1", "Changed": "2026-11-20 10:00", "Kind": "A", "P": "1", "Parts": [{"M": "R-1", "N": 2}],
        "Day": None, "Hour": None,
    }  # fmt: skip


def force(view: Mapping[str, Any]) -> SourceMapping:
    return source_mapping("wms", {"views": [view], "time_zone": "Asia/Tokyo"}, streams="views")


def loaded(text: str, view: Mapping[str, Any]) -> SourceMapping:
    file = read_mapping_file(text, where="proposed.toml")
    bare = {name: each for name, each in view.items() if name not in ("mapping", "key")}
    return source_mapping("wms", merged({"views": [bare]}, file, streams="views", settings=SETTINGS), streams="views")


def proposed(before: Sequence[Row], now: Sequence[Row], view: Mapping[str, Any] = MAPPED) -> str:
    mapping = force(view)
    ours = mapping.stream("stock")
    known, new = profile(before, ours), profile(now, ours)
    drifts = [("stock", each) for each in compare(known, new, ours)]
    return propose(mapping, {"stock": known + new}, drifts)


def test_without_drift_the_proposal_reads_what_the_mapping_reads() -> None:
    rows = [row(number) for number in range(30)]
    text = proposed(rows, rows)

    assert loaded(text, MAPPED).streams == force(MAPPED).streams
    assert loaded(text, MAPPED).notation == {"time_zone": "Asia/Tokyo"}
    assert text.count("guessed") == 0


def test_a_renamed_field_is_read_under_its_new_name_everywhere_and_the_remark_says_why() -> None:
    rows = [row(number) for number in range(30)]
    now = [{("BinNo" if name == "Bin" else name): value for name, value in each.items()} for each in rows]
    text = proposed(rows, now)

    renamed = json.loads(json.dumps(MAPPED).replace('{Bin}"', '{BinNo}"').replace('"field": "Bin"', '"field": "BinNo"'))
    assert loaded(text, MAPPED).streams == force(renamed).streams
    assert "# the field Bin seems to be called BinNo now" in text


def test_a_new_code_waits_for_its_meaning_in_a_remark() -> None:
    rows = [row(number) for number in range(30)]
    text = proposed(rows, [*rows, {**row(31), "Q": "X\nversion = 9"}])

    assert loaded(text, MAPPED).streams == force(MAPPED).streams
    assert '# "X\\nversion = 9" =   # new: say what it means: unrestricted, inspection, blocked' in text


def test_a_source_without_a_mapping_gets_guesses_that_say_what_they_rest_on() -> None:
    rows = [
        {"BatchNo": f"L-{n}", "MaterialNr": "R-1", "Menge": 5, "Einheit": "KG", "qualityStatus": "Blocked", "X": n,
         "changedAt": "2026-11-20T10:00:00Z"}
        for n in range(30)
    ]  # fmt: skip
    text = proposed([], rows, {"table": "stock"})
    (stream,) = loaded(text, {"table": "stock"}).streams

    assert stream.key == ("BatchNo",)
    assert stream.mappings[0].fields == {
        "entity": "lot:{BatchNo}",
        "properties": {
            "material": {"field": "MaterialNr"},
            "quantity": {"field": "Menge", "unit": {"field": "Einheit"}},
            "quality_status": {"field": "qualityStatus", "codes": {"Blocked": "blocked"}},
        },
    }
    assert stream.mappings[0].reported_at == ("changedAt",)
    assert text.count("guessed") == 6
    assert "# not read: X" in text


_ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["Lot", "Qty", "No", "status", "Unit"]) | st.text(max_size=8),
        st.none() | st.integers() | st.text(max_size=8) | st.just({"a": [{"b": "x"}]}),
        max_size=6,
    ),
    max_size=5,
)


@given(before=_ROWS, now=_ROWS, view=st.sampled_from([MAPPED, {"table": "stock"}]))
def test_whatever_a_source_sent_the_proposal_can_be_loaded(before: list[Row], now: list[Row], view: Row) -> None:
    assert loaded(proposed(before, now, view), view).source == "wms"
