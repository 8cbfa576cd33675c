"""The open format's data become records and back again; what they say stands in their text word for word."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from lineside.errors import UnreadableMessage
from lineside.memory.bodies import body_of, record_from_row, type_of
from lineside.memory.moments import moment, stored
from lineside.memory.words import render
from lineside.plant.open_format import record_from_data
from lineside.plant.records import Provenance

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
OWN = Provenance(source="wms", source_id="7", occurred_at=NOW, reported_at=NOW, recorded_at=NOW)
DATA = {
    "event": {
        "kind": "parameter_change",
        "equipment": "northfield/packing/line-3",
        "lot": "CH-24-9",
        "text": "Torque up.",
        "attributes": {"parameter": "torque", "from": 12, "to": 14.5, "unit": "N.m", "ok": True},
        "ticket": "T-9",
    },
    "report": {
        "entity": "lot:CH-24-9",
        "scope": "on_hand",
        "properties": {"quantity": {"value": 120, "unit": "ea"}, "quality_status": "blocked", "tags": ["a", {"b": 1}]},
    },
    "note": {"text": "Größe läuft.\nMehr morgen.", "author": "anna", "channel": "line-3", "mood": "calm"},
    "decision": {
        "question": "Ship short?",
        "choice": "yes",
        "options": ["yes", "no"],
        "rationale": "customer agreed",
        "decided_by": "planner-1",
        "sales_order": "SO-1042",
    },
    "correction": {"corrects": "6", "reason": "miscounted", "replacement": {"entity": "lot:CH-24-9"}},
    "deletion": {"of": "6", "reason": "test print"},
}


@pytest.mark.parametrize("kind", DATA)
def test_every_type_survives_the_store_unchanged(kind):
    record = record_from_data(f"lineside.{kind}", DATA[kind], OWN)
    row = SimpleNamespace(
        source="wms",
        source_id="7",
        part=0,
        quality="good",
        type=type_of(record).value,
        body=body_of(record),
        **{name: stored(NOW) for name in ("occurred_at", "reported_at", "recorded_at")},
    )

    assert record_from_row(row) == record
    assert moment(stored(NOW)) == NOW


@pytest.mark.parametrize("kind", DATA)
def test_every_value_stands_in_the_text_as_it_was_written(kind):
    text = render(record_from_data(kind, DATA[kind], OWN))

    def values(given: object) -> list[str]:
        match given:
            case dict():
                return [each for value in given.values() for each in values(value)]
            case list():
                return [each for value in given for each in values(value)]
            case str():
                return [given.removeprefix("lot:")]
            case _:
                return [json.dumps(given)]

    assert [each for each in values(DATA[kind]) if each not in text] == []


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("event", {"text": "x"}, "kind: is missing"),
        ("event", {"kind": ["stop"]}, "kind: must be text"),
        ("event", {"kind": "stop", "attributes": []}, "attributes: must be an object"),
        ("event", [], "data: must be a JSON object"),
        ("report", {"properties": {"a": 1}}, "entity: is missing"),
        ("report", {"entity": "CH-24-9", "properties": {"a": 1}}, "entity: .*kind:id"),
        ("report", {"entity": "lot:CH-24-9"}, "properties: is missing"),
        ("report", {"entity": "lot:CH-24-9", "properties": {"a": {"value": float("nan")}}}, "data.properties.a.value"),
        ("note", {"text": "  "}, "text: is missing"),
        ("decision", {"question": "?"}, "choice: is missing"),
        ("correction", {"corrects": "7"}, "corrects: a correction can't name itself"),
        ("deletion", {"reason": "x"}, "of: is missing"),
        ("rumour", {}, "type: 'lineside.rumour' is not one of"),
    ],
)
def test_unreadable_data_are_refused_with_the_field_at_fault(kind, data, reason):
    with pytest.raises(UnreadableMessage, match=reason):
        record_from_data(f"lineside.{kind}", data, OWN)


def test_numbers_are_ids_too_and_paths_are_lower_case():
    event = record_from_data("event", {"kind": "stop", "lot": 4711, "equipment": "Northfield/Packing/"}, OWN)

    assert (event.lot, event.equipment) == ("4711", "northfield/packing")
