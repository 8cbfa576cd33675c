"""Records to rows and back: the body is everything but the provenance, as canonical JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lineside.memory.moments import moment
from lineside.plant.entities import Entity
from lineside.plant.records import (
    SUBJECTS,
    Correction,
    Decision,
    Deletion,
    Event,
    Json,
    Note,
    Provenance,
    Quality,
    Record,
    RecordType,
    Report,
)

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_NOTE = ("text", "author", "channel", "equipment", "shift")
_DECISION_TEXTS = ("question", "choice", "rationale", "decided_by", "authority", "case", "expected", "outcome")
_DECISION_LISTS = ("options", "constraints", "assumptions")


def type_of(record: Record) -> RecordType:
    match record:
        case Event():
            return RecordType.EVENT
        case Report():
            return RecordType.REPORT
        case Note():
            return RecordType.NOTE
        case Decision():
            return RecordType.DECISION
        case Correction():
            return RecordType.CORRECTION
        case Deletion():
            return RecordType.DELETION


def dumps(value: object) -> str:
    """The one JSON spelling of a value here. Raises ValueError on NaN and infinity."""
    return _JSON.encode(value)


def body_of(record: Record) -> str:
    """The record without its provenance, as JSON; empty fields are left out."""
    values: dict[str, Any]
    match record:
        case Event():
            values = {name: getattr(record, name) for name in ("kind", *SUBJECTS, "text")}
            values["attributes"] = dict(record.attributes)
        case Report():
            values = {"entity": str(record.entity), "scope": record.scope, "properties": dict(record.properties)}
        case Note():
            values = {name: getattr(record, name) for name in _NOTE} | {"attributes": dict(record.attributes)}
        case Decision():
            values = {name: getattr(record, name) for name in _DECISION_TEXTS}
            values |= {name: list(getattr(record, name)) for name in _DECISION_LISTS}
            values["attributes"] = dict(record.attributes)
        case Correction():
            values = {"corrects": record.corrects, "reason": record.reason}
            values["replacement"] = None if record.replacement is None else dict(record.replacement)
        case Deletion():
            values = {"of": record.of, "reason": record.reason}
    return dumps({name: value for name, value in values.items() if value not in (None, "", [], {})})


def record_from_row(row: Any) -> Record:
    """The record in a row of `records`."""
    provenance = Provenance(
        source=row.source,
        source_id=row.source_id,
        part=row.part,
        occurred_at=moment(row.occurred_at),
        reported_at=moment(row.reported_at),
        recorded_at=moment(row.recorded_at),
        quality=Quality(row.quality),
    )
    return record_from_body(RecordType(row.type), json.loads(row.body), provenance)


def record_from_body(record_type: RecordType, body: Mapping[str, Any], provenance: Provenance) -> Record:
    match record_type:
        case RecordType.EVENT:
            return Event(provenance=provenance, **body)
        case RecordType.REPORT:
            kind, _, entity_id = body["entity"].partition(":")
            properties: Mapping[str, Json] = body.get("properties", {})
            entity = Entity(kind, entity_id)
            return Report(provenance=provenance, entity=entity, properties=properties, scope=body.get("scope"))
        case RecordType.NOTE:
            return Note(provenance=provenance, **body)
        case RecordType.DECISION:
            lists = {name: tuple(body.get(name, ())) for name in _DECISION_LISTS}
            return Decision(provenance=provenance, **{**body, **lists})
        case RecordType.CORRECTION:
            given = {"reason": "", **body}
            return Correction(provenance=provenance, **given)
        case RecordType.DELETION:
            return Deletion(provenance=provenance, **{"reason": "", **body})
