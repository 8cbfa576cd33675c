"""A day and a time as systems write them in JSON, told as one moment of the plant's wall clock, without a zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from lineside.plant.records import Json

_MS = re.compile(r"/Date\((-?\d{1,15})\)/")  # OData 2: milliseconds, of which a day is midnight UTC
_DURATION = re.compile(r"PT(?:(\d{1,2})H)?(?:(\d{1,2})M)?(?:(\d{1,2})S)?")


def wall_clock(day: Json, hour: Json) -> str | None:
    """ISO 8601 without an offset; None where there is no day, or it or its time can't be read. No time is midnight."""
    try:
        on, at = _day(day), _time(hour)
    except (ValueError, OverflowError):
        return None
    return None if on is None else datetime.combine(on, at).isoformat()


def _day(said: Json) -> date | None:
    match said:
        case {"year": int(year), "month": int(month), "day": int(day)}:
            return date(year, month, day)
        case str() if found := _MS.fullmatch(said):
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found[1]))).date()
        case str() if said:
            return date.fromisoformat(said)
    return None


def _time(said: Json) -> time:
    if not said:
        return time()
    text = str(said)
    if found := _DURATION.fullmatch(text):
        hours, minutes, seconds = (int(each or 0) for each in found.groups())
        return time(hours, minutes, seconds)
    return time.fromisoformat(text)
