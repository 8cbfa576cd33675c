"""A node's value as a message, and a message as a report. Pure."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Any

from lineside.connector import Aside, SourceMessage, Translated
from lineside.errors import UnreadableMessage
from lineside.plant.entities import Entity
from lineside.plant.records import Json, Provenance, Quality, Report

OVERFLOW = 0x0480  # "the info bits are of a data value", and "the queue overflowed before this value"
# Nothing is wrong: the server has no value yet, or the state belongs to a machine that is not active now.
NOTHING_YET = ("BadWaitingForInitialData", "BadStateNotActive")
_KINDS = {bool: "truth", int: "number", float: "number", str: "text", list: "list", dict: "structure"}

Decode = Callable[[Any], Json]  # a structure of the server's own; None where the server does not describe it


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A node to read. node: `nsu=URI;s=...`. values: what the server's codes mean. type: what its values must be.

    rule: the rule of models.toml that reads it, empty for a plain value. names: what a state machine shows for each of
    its states, and the state's own name.
    """

    node: str
    entity: Entity
    property: str
    unit: str = ""
    scope: str | None = None
    type: str = ""
    rule: str = ""
    values: Mapping[str, Json] = field(default_factory=dict, hash=False)
    names: Mapping[str, str] = field(default_factory=dict, hash=False)


def said(item: Item, data: Any, decode: Decode) -> dict[str, Json]:
    """What a data value (asyncua's) says, as it is kept."""
    status = data.StatusCode
    value = as_json(data.Value, decode)
    found: dict[str, Json] = {
        "node": item.node,
        "value": value,
        "status": status.value if status is not None else 0,
        "status_name": status_name(status),
        "source_time": stamp(data.SourceTimestamp),
        "entity": str(item.entity),
        "property": item.property,
    }
    if value is None and data.Value is not None and isinstance(data.Value.Value, float):
        found["unread"] = (
            f"float {data.Value.Value}"  # not a number, or without end; empty texts and structures are fine
        )
    if item.unit:
        found["unit"] = item.unit
    if item.rule:
        found["rule"] = item.rule
    if isinstance(value, str) and value in item.names:
        found["value"] = item.names[value]
    return found


def message(
    content: Mapping[str, Json], data: Any, *, source: str, origin: str, received_at: datetime, about: str = ""
) -> SourceMessage:
    """The message of what was said. about: tells several messages of one value apart. Its id holds the device's time
    and the value, so that the same value read again, from history or after a restart, is the same message."""
    source_time, server_time = aware(data.SourceTimestamp), aware(data.ServerTimestamp)
    at = source_time or server_time or received_at
    node = str(content["node"])
    return SourceMessage(
        source=source,
        source_id=f"{node}{about}@{at.isoformat()}~{digest(content)}",
        content=json.dumps(content, ensure_ascii=False, sort_keys=True).encode(),
        received_at=received_at,
        stream=node,
        origin=origin,
        occurred_at=source_time,
        reported_at=server_time,
    )


def digest(content: Mapping[str, Json]) -> str:
    """Eight hexadecimal digits of what was said, without the names that our configuration gives it."""
    told = {name: value for name, value in content.items() if name in ("value", "status", "together", "event", "was")}
    return sha256(json.dumps([told.pop("value", None), told.pop("status", 0), *told.items()]).encode()).hexdigest()[:8]


def report(message: SourceMessage, content: Mapping[str, Json], items: Mapping[str, Item]) -> Translated:
    """What the value says of its entity. A bad value is no value; without a time of the device's own, the quality is
    at most uncertain."""
    if content.get("status_name") in NOTHING_YET:
        return Aside(reason=f"the server has no value yet: {content['status_name']}")
    item = items.get(str(content.get("node"))) or browsed(content)
    value = content.get("value")
    was, kind = content.get("was"), kind_of(value)
    if was and kind and kind != (item.type or was):
        return Aside(
            reason=f"{item.property} was {was} and is {kind} now: see what changed, then say type = {kind!r}", held=True
        )
    grade = quality(message, content)
    if grade is Quality.BAD:
        value = None
    elif value is not None and (code := _code(value)) in item.values:
        value = item.values[code]
    elif item.unit and isinstance(value, int | float | str) and not isinstance(value, bool):
        value = {"value": value, "unit": item.unit}
    return (
        Report(
            provenance=provenance(message, grade),
            entity=item.entity,
            properties={item.property: value},
            scope=item.scope,
        ),
    )


def quality(message: SourceMessage, content: Mapping[str, Json]) -> Quality:
    """Good, uncertain or bad by the status code; without a time of the device's own at most uncertain; what is not a
    number where a number was meant is bad."""
    status = content.get("status")
    if "unread" in content:
        return Quality.BAD
    match (status if isinstance(status, int) else 0) >> 30:
        case 0:
            return Quality.GOOD if message.occurred_at is not None else Quality.UNCERTAIN
        case 1:
            return Quality.UNCERTAIN
        case _:
            return Quality.BAD


def provenance(
    message: SourceMessage, grade: Quality = Quality.GOOD, *, part: int = 0, at: datetime | None = None
) -> Provenance:
    """Where a record of the message comes from. at: when it happened, where the message itself says so."""
    occurred_at = at or message.occurred_at or message.reported_at or message.received_at
    return Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=occurred_at,
        reported_at=message.reported_at or message.occurred_at or message.received_at,
        recorded_at=message.received_at,
        quality=grade,
        part=part,
    )


def browsed(content: Mapping[str, Json]) -> Item:
    """The item of a node that was found by browsing, as its message has it."""
    try:
        return Item(
            node=str(content["node"]),
            entity=Entity.parse(str(content["entity"])),
            property=str(content["property"]),
            unit=str(content.get("unit", "")),
        )
    except (KeyError, ValueError) as error:
        raise UnreadableMessage("the message is no value of a node") from error


def kind_of(value: Json) -> str:
    """`truth`, `number`, `text`, `list` or `structure`; empty for none."""
    return _KINDS.get(type(value), "")


def overflowed(data: Any) -> bool:
    """Whether the server dropped values before this one."""
    return data.StatusCode is not None and (data.StatusCode.value & OVERFLOW) == OVERFLOW


def status_name(status: Any) -> str:
    """The name of a status code, without its info bits; `Good` where there is none."""
    from asyncua.ua import status_codes

    if status is None:
        return "Good"
    name: str = status_codes.get_name_and_doc(status.value & 0xFFFF0000)[0]
    return name


def as_json(variant: Any, decode: Decode = lambda _: None) -> Json:
    """A variant's value: numbers as the device's precision has them, texts, lists, structures by field."""
    if variant is None or variant.Value is None:
        return None
    return plain(variant.Value, decode, single=getattr(variant.VariantType, "name", "") == "Float")


def plain(value: Any, decode: Decode, *, single: bool = False) -> Json:  # whatever a server may hold
    match value:
        case Enum():
            return plain(value.value, decode)
        case None | bool() | int():
            return value
        case str():
            return readable(value)
        case float():
            return (_shortest(value) if single else value) if math.isfinite(value) else None
        case datetime():
            return stamp(value)
        case bytes():
            return base64.b64encode(value).decode()
        case list() | tuple():
            return [plain(each, decode, single=single) for each in value]
        case dict():
            return {str(name): plain(each, decode) for name, each in value.items()}
    kind = type(value).__name__
    if kind == "ExtensionObject":
        return _structure(value, decode)
    if kind == "Variant":
        return as_json(value, decode)
    if hasattr(value, "Text") and hasattr(value, "Locale"):
        return readable(value.Text) if value.Text is not None else None
    if kind == "QualifiedName":
        return readable(value.Name)
    if hasattr(value, "NodeIdType") or not is_dataclass(value):
        return str(value)
    return {each.name: plain(getattr(value, each.name), decode) for each in fields(value)}


def readable(text: str) -> str:
    """The text up to its first NUL, as controllers pad their strings; what is no UTF-8 is read as Windows-1252."""
    text = text.partition("\0")[0]
    try:
        text.encode()
    except UnicodeEncodeError:  # the library keeps bytes that are no UTF-8 as half surrogates
        return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return text


def stamp(moment: datetime | None) -> str | None:
    found = aware(moment)
    return None if found is None else found.isoformat()


def aware(moment: datetime | None) -> datetime | None:
    """asyncua's times are UTC, in some versions without saying so; the earliest and the latest that the protocol has
    (1601 and 9999) mean that there is none."""
    if moment is None or not 1970 <= moment.year < 9999:
        return None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)


def _structure(value: Any, decode: Decode) -> Json:
    if value.Body is None and value.TypeId.is_null():
        return None
    found = decode(value)
    return {"undescribed": str(value.TypeId), "body": plain(value.Body, decode)} if found is None else found


def _shortest(value: float) -> float:
    """The shortest decimal that is the same 32-bit number: 12.3, not 12.300000190734863."""
    packed = struct.pack("f", value)
    for digits in range(6, 10):
        candidate = float(f"{value:.{digits}g}")
        if struct.pack("f", candidate) == packed:
            return candidate
    return value


def _code(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
