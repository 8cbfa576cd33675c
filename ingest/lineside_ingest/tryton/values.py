"""Values as Tryton's JSON writes them, and times as its domains want them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from lineside.connector.by_id import stamped
from lineside.plant.records import Json


def readable(row: Mapping[str, Json]) -> dict[str, Json]:
    """The row with decimals as texts, times in ISO, in UTC, durations in seconds, and `lot.` as the object `lot`.

    A reference such as `production,4` that was read with its fields has its model as the field `model`. What is no
    value of Tryton's stays as it came.
    """
    found: dict[str, Json] = {}
    for name, value in row.items():
        if not name.endswith("."):
            found.setdefault(name, _plain(value))
    for name, value in row.items():
        if name.endswith("."):
            found[name[:-1]] = _related(row.get(name[:-1]), value)
    return found


def stamp(row: Mapping[str, Json]) -> str:
    """When the row last changed: rows that nobody ever wrote again have only the time of their making."""
    for name in ("write_date", "create_date"):
        value = row.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def moment(at: str) -> datetime:
    """The time in a stamp."""
    return datetime.fromisoformat(at)


def wire_time(at: datetime) -> Json:
    """The time as a domain wants it."""
    own = at.astimezone(UTC)
    return {
        "__class__": "datetime", "year": own.year, "month": own.month, "day": own.day, "hour": own.hour,
        "minute": own.minute, "second": own.second, "microsecond": own.microsecond,
    }  # fmt: skip


def wire_day(day: date) -> Json:
    """The day as a context wants it."""
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def _related(reference: Json, value: Json) -> Json:
    if isinstance(value, list):
        return [readable(each) for each in value if isinstance(each, dict)]
    if not isinstance(value, dict):
        return None
    found = readable(value)
    if isinstance(reference, str) and "," in reference:
        found["model"] = reference.partition(",")[0]
    return found


def _plain(value: Json) -> Json:
    match value:
        case {"__class__": "Decimal", "decimal": str(text)}:
            return text
        case {"__class__": str(kind)} if kind in {"datetime", "date", "time"} and isinstance(value, dict):
            return _time(kind, value) or value
        case {"__class__": "timedelta", "seconds": int() | float() as seconds}:
            return seconds
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    return value


def _time(kind: str, parts: Mapping[str, Json]) -> str | None:
    """The time in ISO; None where it is none that exists."""
    found = {name: each for name, each in parts.items() if isinstance(each, int)}
    try:
        if kind == "date":
            return date(found["year"], found["month"], found["day"]).isoformat()
        clock = time(found["hour"], found["minute"], found["second"], found["microsecond"])
        if kind == "time":
            return clock.isoformat()
        return stamped(datetime.combine(date(found["year"], found["month"], found["day"]), clock, UTC))
    except (KeyError, ValueError):
        return None
