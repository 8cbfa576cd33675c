"""A node's value as a message, and a message as a report. Pure."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Any

from lineside.connector import SourceMessage
from lineside.errors import UnreadableMessage
from lineside.plant.entities import Entity
from lineside.plant.exact_json import read_json
from lineside.plant.records import Json, Provenance, Quality, Report

OVERFLOW = 0x0480  # "the info bits are of a data value", and "the queue overflowed before this value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A node to read. node: `nsu=URI;s=...`. values: what the server's codes mean."""

    node: str
    entity: Entity
    property: str
    unit: str = ""
    scope: str | None = None
    values: Mapping[str, Json] = field(default_factory=dict, hash=False)


def message(item: Item, data: Any, *, source: str, origin: str, received_at: datetime) -> SourceMessage:
    """A data value (asyncua's) of the item, with the times that the server gave it."""
    source_time, server_time = _aware(data.SourceTimestamp), _aware(data.ServerTimestamp)
    value = as_json(data.Value)
    said: dict[str, Json] = {
        "node": item.node,
        "value": value,
        "status": data.StatusCode.value if data.StatusCode is not None else 0,
        "source_time": None if source_time is None else source_time.isoformat(),
        "entity": str(item.entity),
        "property": item.property,
    }
    digest = sha256(json.dumps([value, said["status"]]).encode()).hexdigest()[:8]
    at = source_time or server_time or received_at
    return SourceMessage(
        source=source,
        source_id=f"{item.node}@{at.isoformat()}~{digest}",
        content=json.dumps(said, ensure_ascii=False, sort_keys=True).encode(),
        received_at=received_at,
        stream=item.node,
        origin=origin,
        occurred_at=source_time,
        reported_at=server_time,
    )


def report(message: SourceMessage, items: Mapping[str, Item]) -> Report:
    """What the value says of its entity. Without a time of the device's own, its quality is at most uncertain."""
    said = read_json(message.content.decode())
    if not isinstance(said, dict):
        raise UnreadableMessage("the message is no value of a node")
    item = items.get(str(said.get("node"))) or _browsed(said)
    raw, status = said.get("value"), said.get("status")
    value = raw
    if raw is not None and (code := _code(raw)) in item.values:
        value = item.values[code]
    elif item.unit and isinstance(raw, int | float | str) and not isinstance(raw, bool):
        value = {"value": raw, "unit": item.unit}
    quality = _quality(status if isinstance(status, int) else 0)
    if message.occurred_at is None and quality is Quality.GOOD:
        quality = Quality.UNCERTAIN
    occurred_at = message.occurred_at or message.reported_at or message.received_at
    return Report(
        provenance=Provenance(
            source=message.source,
            source_id=message.source_id,
            occurred_at=occurred_at,
            reported_at=message.reported_at or occurred_at,
            recorded_at=message.received_at,
            quality=quality,
        ),
        entity=item.entity,
        properties={item.property: value},
        scope=item.scope,
    )


def overflowed(data: Any) -> bool:
    """Whether the server dropped values before this one."""
    return data.StatusCode is not None and (data.StatusCode.value & OVERFLOW) == OVERFLOW


def as_json(variant: Any) -> Json:
    """A variant's value: numbers as the device's precision has them, texts, lists; the rest as text."""
    if variant is None or variant.Value is None:
        return None
    single = getattr(variant.VariantType, "name", "") == "Float"
    return _plain(variant.Value, single=single)


def _plain(value: Any, *, single: bool) -> Json:  # whatever a server may hold
    match value:
        case Enum():
            return _plain(value.value, single=single)
        case None | bool() | int() | str():
            return value
        case float():
            return (_shortest(value) if single else value) if math.isfinite(value) else None
        case datetime():
            aware = _aware(value)
            return None if aware is None else aware.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case list() | tuple():
            return [_plain(each, single=single) for each in value]
    text = getattr(value, "Text", None)
    return text if isinstance(text, str) else str(value)


def _shortest(value: float) -> float:
    """The shortest decimal that is the same 32-bit number: 12.3, not 12.300000190734863."""
    packed = struct.pack("f", value)
    for digits in range(6, 10):
        candidate = float(f"{value:.{digits}g}")
        if struct.pack("f", candidate) == packed:
            return candidate
    return value


def _aware(moment: datetime | None) -> datetime | None:
    """asyncua's times are UTC, in some versions without saying so; the year 1601 means that there is none."""
    if moment is None or moment.year < 1970:
        return None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)


def _code(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _quality(status: int) -> Quality:
    match status >> 30:
        case 0:
            return Quality.GOOD
        case 1:
            return Quality.UNCERTAIN
        case _:
            return Quality.BAD


def _browsed(said: Mapping[str, Json]) -> Item:
    try:
        return Item(node=str(said["node"]), entity=Entity.parse(str(said["entity"])), property=str(said["property"]))
    except (KeyError, ValueError) as error:
        raise UnreadableMessage("the message is no value of a node") from error
