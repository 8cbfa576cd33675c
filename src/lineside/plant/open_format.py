"""The data of the open record format, read into records. Pure; the envelope (CloudEvents) is the connector's."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from lineside.errors import UnreadableMessage
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import (
    SUBJECTS,
    Correction,
    Decision,
    Deletion,
    Event,
    Json,
    Note,
    Provenance,
    Record,
    RecordType,
    Report,
)

TYPE_PREFIX = "lineside."
_TAILS = frozenset(each.value for each in RecordType)


def record_from_data(record_type: str, data: object, provenance: Provenance) -> Record:
    """The record that `data` of an open record describes.

    record_type: `lineside.event` or `event`. Fields beyond the format are kept as attributes (in a report as
    properties); ids written as numbers become text; equipment paths become lower case. Raises UnreadableMessage that
    names the field.
    """
    tail = record_type.removeprefix(TYPE_PREFIX)
    if tail not in _TAILS:
        known = ", ".join(TYPE_PREFIX + each for each in RecordType)
        raise UnreadableMessage(f"type: {record_type!r} is not one of {known}", field="type")
    if not isinstance(data, Mapping):
        raise _bad("data", "must be a JSON object")
    _check_finite(data, "data")
    return _READERS[RecordType(tail)](_Fields(data), provenance)


class _Fields:
    """The fields of one data object; what nobody took is left over as attributes."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._left: dict[str, Any] = {str(key): value for key, value in data.items() if value is not None}

    def text(self, name: str) -> str:
        value = self._left.pop(name, "")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _bad(name, f"must be text, not {type(value).__name__}")
        return str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value.strip():
            raise _bad(name, "is missing or empty")
        return value

    def optional(self, name: str) -> str | None:
        return self.text(name).strip() or None

    def path(self, name: str) -> str | None:
        value = self.optional(name)
        return value and _path(value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._left.pop(name, [])
        items = value if isinstance(value, list) else [value]
        return tuple(each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in items)

    def mapping(self, name: str) -> dict[str, Json]:
        value = self._left.pop(name, {})
        if not isinstance(value, Mapping):
            raise _bad(name, f"must be an object, not {type(value).__name__}")
        return {str(key): each for key, each in value.items()}

    def leftover(self, into: Mapping[str, Json]) -> dict[str, Json]:
        """`into` and what is left, as it came; a named attribute wins over a stray field of its name."""
        return {**self._left, **into}


def _event(fields: _Fields, provenance: Provenance) -> Event:
    subjects = {name: fields.optional(name) for name in SUBJECTS if name != EntityKind.EQUIPMENT}
    return Event(
        provenance=provenance,
        kind=fields.required("kind").strip(),
        equipment=fields.path("equipment"),
        text=fields.text("text"),
        **subjects,
        attributes=fields.leftover(fields.mapping("attributes")),
    )


def _report(fields: _Fields, provenance: Provenance) -> Report:
    try:
        entity = Entity.parse(fields.required("entity"))
    except ValueError as error:
        raise _bad("entity", str(error)) from error
    if entity.kind == EntityKind.EQUIPMENT:
        entity = Entity(entity.kind, _path(entity.id))
    properties = fields.mapping("properties")
    if not properties:
        raise _bad("properties", "is missing or empty")
    scope = fields.optional("scope")
    return Report(provenance=provenance, entity=entity, scope=scope, properties=fields.leftover(properties))


def _note(fields: _Fields, provenance: Provenance) -> Note:
    return Note(
        provenance=provenance,
        text=fields.required("text"),
        author=fields.optional("author"),
        channel=fields.optional("channel"),
        equipment=fields.path("equipment"),
        shift=fields.optional("shift"),
        attributes=fields.leftover(fields.mapping("attributes")),
    )


def _decision(fields: _Fields, provenance: Provenance) -> Decision:
    return Decision(
        provenance=provenance,
        question=fields.required("question"),
        choice=fields.required("choice"),
        options=fields.texts("options"),
        rationale=fields.text("rationale"),
        constraints=fields.texts("constraints"),
        decided_by=fields.optional("decided_by"),
        authority=fields.optional("authority"),
        case=fields.optional("case"),
        assumptions=fields.texts("assumptions"),
        expected=fields.optional("expected"),
        outcome=fields.optional("outcome"),
        attributes=fields.leftover(fields.mapping("attributes")),
    )


def _correction(fields: _Fields, provenance: Provenance) -> Correction:
    corrects = fields.required("corrects")
    if corrects == provenance.source_id:
        raise _bad("corrects", "a correction can't name itself")
    replacement = fields.mapping("replacement") or None
    return Correction(provenance=provenance, corrects=corrects, reason=fields.text("reason"), replacement=replacement)


def _deletion(fields: _Fields, provenance: Provenance) -> Deletion:
    of = fields.required("of")
    if of == provenance.source_id:
        raise _bad("of", "a deletion can't name itself")
    return Deletion(provenance=provenance, of=of, reason=fields.text("reason"))


_READERS: Mapping[RecordType, Callable[[_Fields, Provenance], Record]] = {
    RecordType.EVENT: _event,
    RecordType.REPORT: _report,
    RecordType.NOTE: _note,
    RecordType.DECISION: _decision,
    RecordType.CORRECTION: _correction,
    RecordType.DELETION: _deletion,
}


def _path(value: str) -> str:
    return value.strip().removeprefix("equipment:").strip("/").lower() or value


def _check_finite(value: object, where: str) -> None:
    """JSON has no NaN and no Infinity, but Python's reader lets them in."""
    if isinstance(value, float) and not math.isfinite(value):
        raise _bad(where, f"{value} is not a finite number")
    if isinstance(value, Mapping):
        for key, each in value.items():
            _check_finite(each, f"{where}.{key}")
    elif isinstance(value, list):
        for position, each in enumerate(value):
            _check_finite(each, f"{where}[{position}]")


def _bad(name: str, reason: str) -> UnreadableMessage:
    return UnreadableMessage(f"{name}: {reason}", field=name)
