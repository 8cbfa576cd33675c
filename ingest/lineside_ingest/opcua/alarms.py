"""Alarms and conditions, and plain events: what is asked for, what changed, and the records in it. Pure, but for the
functions that build requests of asyncua's types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from lineside.connector import Aside, SourceMessage, Translated
from lineside.plant.records import Event, Json, Quality
from lineside_ingest.opcua.position import Position
from lineside_ingest.opcua.values import Decode, as_json, provenance

# What is selected, by the type that declares it and the path below it; an empty path is the condition itself.
FIELDS = (
    ("BaseEventType", "EventId"), ("BaseEventType", "EventType"), ("BaseEventType", "SourceNode"),
    ("BaseEventType", "SourceName"), ("BaseEventType", "Time"), ("BaseEventType", "ReceiveTime"),
    ("BaseEventType", "Message"), ("BaseEventType", "Severity"), ("ConditionType", ""),
    ("ConditionType", "ConditionName"), ("ConditionType", "BranchId"), ("ConditionType", "Retain"),
    ("ConditionType", "Comment"), ("ConditionType", "EnabledState/Id"),
    ("AcknowledgeableConditionType", "AckedState/Id"), ("AlarmConditionType", "ActiveState/Id"),
)  # fmt: skip
_PLAIN = 8  # the fields that every event has
_SEVERE = ((801, "critical"), (601, "high"), (401, "medium"), (201, "low"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A type of plain events that makes records. kind: the event's kind. fields: further ones, kept as attributes."""

    type: str
    kind: str
    fields: tuple[str, ...] = ()


def names(wanted: Sequence[Wanted] = ()) -> list[str]:
    """What each selected field is called here, in order."""
    own = [path or "ConditionId" for _, path in FIELDS]
    return [*own, *dict.fromkeys(name for each in wanted for name in each.fields if name not in own)]


def selected(wanted: Sequence[Wanted] = (), *, plain: bool = False) -> list[Any]:
    """The select clauses of the fields; plain: only what every server knows."""
    from asyncua import ua

    known = FIELDS[:_PLAIN] if plain else FIELDS
    more = () if plain else tuple(("BaseEventType", name) for name in names(wanted)[len(FIELDS) :])
    return [
        ua.SimpleAttributeOperand(
            TypeDefinitionId=ua.NodeId(getattr(ua.ObjectIds, declared)),
            BrowsePath=[ua.QualifiedName(name, 0) for name in path.split("/")] if path else [],
            AttributeId=ua.AttributeIds.Value if path else ua.AttributeIds.NodeId,
        )
        for declared, path in (*known, *more)
    ]


def told(fields: Sequence[Any], called: Sequence[str], decode: Decode) -> dict[str, Json]:
    """The event's fields by name, as they are kept; those that it has not are left out."""
    values = {name: as_json(each, decode) for name, each in zip(called, fields, strict=False)}
    return {name: value for name, value in values.items() if value is not None}


def is_condition(event: Mapping[str, Json]) -> bool:
    return str(event.get("ConditionId", "i=0")) not in ("i=0", "")


def change(event: Mapping[str, Json], position: Position, stood: Mapping[str, Json] | None = None) -> str:
    """What is new about a condition since it was last heard of: `alarm`, `alarm_cleared`, `alarm_acknowledged`,
    `alarm_changed`; empty where nothing is. From now on that is known. stood: during a refresh, the alarms that were
    known when it began."""
    key, condition = key_of(event), str(event["ConditionId"])
    was = position.alarms.get(key)
    active = bool(event.get("ActiveState/Id", event.get("Retain", False)))
    acked = bool(event.get("AckedState/Id", True))
    details = [event.get(name) for name in ("Severity", "Message", "ConditionName", "SourceName", "equipment")]
    if key != condition:
        # A branch is an earlier state that waits to be acknowledged. The condition itself told of it when it was so,
        # unless that was while we were away.
        retained, known = bool(event.get("Retain", True)), (stood or {}).get(condition)
        heard = isinstance(known, list) and bool(known[0]) and known[2:4] == details[:2]
        told = bool(was[0]) if isinstance(was, list) else stood is not None and not heard
        active, acked = active and told and retained, acked or not retained
    if active or not acked:
        position.alarms[key] = [active, acked, *details]
    else:
        position.alarms.pop(key, None)
    match was:
        case [before, acked_before, *known_details]:
            if before != active:
                return "alarm" if active else "alarm_cleared"
            if acked and not acked_before:
                return "alarm_acknowledged"
            return "alarm_changed" if active and known_details[:2] != details[:2] else ""
    if key != condition and not active:
        return ""
    return "alarm" if active else "alarm_cleared" if not acked else ""


def key_of(event: Mapping[str, Json]) -> str:
    """Which condition, and which branch of it."""
    branch = str(event.get("BranchId", ""))
    return f"{event['ConditionId']}" if branch in ("", "i=0") else f"{event['ConditionId']}|{branch}"


def cleared_unheard(key: str, known: Json, at: datetime) -> dict[str, Json]:
    """That an alarm is over of which a refresh said nothing any more."""
    details = [*(known if isinstance(known, list) else []), None, None, None, None, None, None, None]
    condition, _, branch = key.partition("|")
    found: dict[str, Json] = {
        "ConditionId": condition, "BranchId": branch or None, "Severity": details[2], "Message": details[3],
        "ConditionName": details[4], "SourceName": details[5], "equipment": details[6], "Time": at.isoformat(),
        "change": "alarm_cleared", "unheard": True,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def message(event: Mapping[str, Json], *, source: str, origin: str, received_at: datetime) -> SourceMessage:
    """The event as a message. Of a condition its id is the condition, the time and the change, since a refresh and a
    restart give event ids anew; of a plain event it is the event's own."""
    at = str(event.get("Time") or event.get("ReceiveTime") or received_at.isoformat())
    if is_condition(event):
        what = json.dumps([event.get("Severity"), event.get("Message")])
        own = f"{key_of(event)}@{at}~{event.get('change')}~{sha256(what.encode()).hexdigest()[:8]}"
    else:
        own = f"event/{event.get('EventId') or sha256(json.dumps(dict(event), sort_keys=True).encode()).hexdigest()}"
    said = event.get("ReceiveTime")
    return SourceMessage(
        source=source,
        source_id=own,
        content=json.dumps({"event": dict(event)}, ensure_ascii=False, sort_keys=True).encode(),
        received_at=received_at,
        stream="alarms" if is_condition(event) else "events",
        origin=origin,
        occurred_at=datetime.fromisoformat(at),
        reported_at=datetime.fromisoformat(str(said)) if said else datetime.fromisoformat(at),
    )


def record(message: SourceMessage, event: Mapping[str, Json], kinds: Mapping[str, str]) -> Translated:
    """The event in a message. kinds: what the configured types of plain events become."""
    equipment = str(event.get("equipment") or "") or None
    severity = event.get("Severity")
    if is_condition(event):
        kind = str(event.get("change", "alarm"))
        code = event.get("ConditionName") or event.get("SourceName")
        branch = str(event.get("BranchId", ""))
        more: dict[str, Json] = {
            "condition": event.get("ConditionId"),
            "branch": branch if branch not in ("", "i=0") else None,
            "acknowledged": event.get("AckedState/Id"),
            "comment": event.get("Comment"),
        }
    else:
        kind = kinds.get(str(event.get("type")), "")
        code = event.get("SourceName")
        known = {path for _, path in FIELDS} | {"ConditionId", "type", "equipment"}
        more = {name: value for name, value in event.items() if name not in known}
    if not kind:
        return Aside(reason=f"no events setting speaks of {event.get('type')}")
    attributes: dict[str, Json] = {
        "code": code, "severity": severity, "level": _level(severity), "source_name": event.get("SourceName"), **more,
    }  # fmt: skip
    return (
        Event(
            provenance=provenance(message, Quality.UNCERTAIN if event.get("unheard") else Quality.GOOD),
            kind=kind,
            equipment=equipment,
            text=str(event.get("Message") or event.get("ConditionName") or ""),
            attributes={name: value for name, value in attributes.items() if value not in (None, "")},
        ),
    )


def _level(severity: Json) -> Json:
    """OPC UA's 1 to 1000 in words."""
    if not isinstance(severity, int):
        return None
    return next((word for least, word in _SEVERE if severity >= least), "info")
