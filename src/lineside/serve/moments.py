"""Times as people type them, and as they read how long ago something was."""

from __future__ import annotations

from datetime import datetime

from lineside.errors import BadRequest
from lineside.plant.plant import Plant


def parse_moment(text: str, plant: Plant) -> datetime:
    """The aware moment in `text`: RFC 3339, or local plant time where it has no offset. Raises BadRequest."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BadRequest(
            f"{text!r} is not a time; write 2026-11-21T06:00:00-06:00, or 2026-11-21 06:00 for {plant.time_zone.key}",
            value=text,
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=plant.time_zone)


def age(seconds: float) -> str:
    """`20 s`, `3 min`, `2 h`, `4 d`: at a glance, rounded down."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size * (2 if unit == "d" else 1):
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"
