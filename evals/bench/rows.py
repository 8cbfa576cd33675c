"""The rows that every source says: what a lot's quantity, place and status were, over a year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
_YEAR_S = 365 * 86_400
_STATUSES = ("released", "blocked", "in_progress", "complete")
COLUMNS = ("number", "lot", "quantity", "place", "status", "changed")
MAPPING = {
    "entity": "lot:{lot}",
    "reported_at": "changed",
    "properties": {
        "quantity": {"field": "quantity", "type": "number", "unit": "ea"},
        "location": "{place}",
        "status": "{status}",
    },
}

Row = tuple[int, str, int, str, str, datetime]


def lots(rows: int) -> Iterator[Row]:
    """In the order of time, evenly over the year; each lot is told of four times. `COLUMNS` says what stands where."""
    for number in range(1, rows + 1):
        lot = f"L-{number % max(1, rows // 4):06d}"
        place = f"hall-{number % 7}/rack-{number % 113}"
        yield number, lot, number * 37 % 1000, place, _STATUSES[number % 4], at(number, rows)


def pages(rows: int, size: int) -> Iterator[list[Row]]:
    """The same rows, so many at a time."""
    told = lots(rows)
    while some := list(islice(told, size)):
        yield some


def at(number: int, rows: int) -> datetime:
    """When a row was written, in UTC and whole milliseconds."""
    return FIRST + timedelta(milliseconds=_YEAR_S * 1000 * number // rows)
