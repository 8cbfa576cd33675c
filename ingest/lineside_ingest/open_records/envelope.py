"""The CloudEvents envelope: an event's bytes to a message, and a message to its record. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from lineside.connector import SourceMessage, Unreadable
from lineside.errors import UnreadableMessage
from lineside.plant.exact_json import read_json
from lineside.plant.open_format import record_from_data
from lineside.plant.records import Json, Provenance, Record

CONTENT_TYPE = "application/cloudevents+json"

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII)


def message(
    content: bytes,
    *,
    origin: str,
    received_at: datetime,
    default_source: str | None = None,
    only_source: str | None = None,
) -> SourceMessage | Unreadable:
    """The message in one event's bytes; an Unreadable with the reason where it can't even be told apart by its id.

    default_source: taken where the event names none. only_source: any other is refused.
    """
    try:
        event = _event(content)
        source = _attribute(event, "source") if "source" in event or default_source is None else default_source
        if only_source is not None and source != only_source:
            raise UnreadableMessage(f"source is {source!r}, but this is the door of {only_source!r}")
        return SourceMessage(
            source=source,
            source_id=_attribute(event, "id"),
            content=content,
            received_at=received_at,
            content_type=CONTENT_TYPE,
            origin=origin,
            occurred_at=_time_or_none(event, "time"),
            reported_at=_time_or_none(event, "reportedat") or _time_or_none(event, "time"),
        )
    except UnreadableMessage as error:
        return Unreadable(content=content, reason=error.message, origin=origin, content_type=CONTENT_TYPE)


def record(message: SourceMessage) -> Record:
    """The one record in a message. Raises UnreadableMessage that names the attribute or the field of `data`."""
    event = _event(message.content)
    version = event.get("specversion")
    if version != "1.0":
        raise UnreadableMessage("specversion is missing" if version is None else f"specversion is {version!r}, not 1.0")
    record_type = _attribute(event, "type")
    occurred_at = _time(event, "time")
    reported_at = _time(event, "reportedat") if event.get("reportedat") is not None else occurred_at
    provenance = Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=occurred_at,
        reported_at=reported_at,
        recorded_at=message.received_at,
    )
    try:
        return record_from_data(record_type, _data(event), provenance)
    except UnreadableMessage as error:
        field = error.fields.get("field")
        inside = field not in {None, "type", "data"} and not str(field).startswith("data.")
        raise UnreadableMessage(f"data.{error.message}" if inside else error.message, field=field) from error


def moment(text: str) -> datetime:
    """The aware moment in an RFC 3339 text, to the microsecond. Raises ValueError with the reason."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        try:
            naive = datetime.fromisoformat(text.strip()).tzinfo is None
        except ValueError:
            naive = False
        why = "has no offset from UTC" if naive else "is not an RFC 3339 time"
        raise ValueError(f"{why}: {text[:60]!r}; write it as 2026-03-01T14:05:00+01:00")
    day, minute, second, fraction, zulu, sign, hours, minutes = found.groups()
    leap = second == "60"  # RFC 3339 allows it, datetime does not: the second after :59
    try:
        local = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second}")
        offset = timedelta() if zulu else timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
        aware = local.replace(microsecond=int((fraction or "0")[:6].ljust(6, "0")), tzinfo=timezone(offset))
        return (aware + timedelta(seconds=leap)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is not a time that exists: {text[:60]!r}") from error


def _event(content: bytes) -> Mapping[str, Json]:
    try:
        event = read_json(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableMessage(f"not UTF-8: byte {error.object[error.start]:#04x} at {error.start}") from error
    except ValueError as error:
        raise UnreadableMessage(str(error)) from error
    if not isinstance(event, dict):
        raise UnreadableMessage("not an event: a JSON object is expected")
    return event


def _attribute(event: Mapping[str, Json], name: str) -> str:
    value = event.get(name)
    if value is None:
        raise UnreadableMessage(f"{name} is missing", field=name)
    if not isinstance(value, str) or not value.strip():
        raise UnreadableMessage(f"{name} must be a text that is not empty, not {str(value)[:60]!r}", field=name)
    return value.strip()


def _time(event: Mapping[str, Json], name: str) -> datetime:
    try:
        return moment(_attribute(event, name))
    except ValueError as error:
        raise UnreadableMessage(f"{name} {error}", field=name) from error


def _time_or_none(event: Mapping[str, Json], name: str) -> datetime | None:
    try:
        return _time(event, name)
    except UnreadableMessage:  # translating the message says so, with its id
        return None


def _data(event: Mapping[str, Json]) -> Json:
    if "data" in event:
        return event["data"]
    encoded = event.get("data_base64")
    if not isinstance(encoded, str):
        raise UnreadableMessage("data is missing", field="data")
    try:
        return read_json(base64.b64decode(encoded, validate=True).decode())
    except (binascii.Error, ValueError) as error:
        raise UnreadableMessage(f"data_base64 holds no JSON: {error}", field="data") from error
