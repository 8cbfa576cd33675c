"""The plant's clock on the wall: local times and shifts, told apart from the product's own calendar on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("America/Chicago")
ANCHOR: Final = datetime(2026, 11, 12, 13, 40, tzinfo=ZONE)
"""The demo's first now: a Thursday in the day shift, with the night of 2026-11-01 (DST ends) inside the history."""

STARTS: Final = (("day", 6), ("evening", 14), ("night", 22))


@dataclass(frozen=True, slots=True)
class Slot:
    """One shift. Times are UTC; `day` is the local day on which it starts."""

    name: str
    day: date
    start: datetime
    end: datetime

    @property
    def label(self) -> str:
        return f"{self.name} {self.day.isoformat()}"


def local(day: date, hour: int, minute: int = 0) -> datetime:
    """The wall-clock time of that day, in UTC."""
    return datetime.combine(day, time(hour, minute), ZONE).astimezone(UTC)


def slots(start: datetime, end: datetime) -> list[Slot]:
    """The shifts that overlap [start, end), oldest first."""
    day, found = start.astimezone(ZONE).date() - timedelta(days=1), []
    while local(day, 0) < end:
        for name, hour in STARTS:
            closes = local(day + timedelta(days=1), 6) if name == "night" else local(day, hour + 8)
            found.append(Slot(name, day, local(day, hour), closes))
        day += timedelta(days=1)
    return [slot for slot in found if slot.end > start and slot.start < end]


def slot_at(moment: datetime) -> Slot:
    return slots(moment, moment + timedelta(seconds=1))[0]


def week(day: date) -> str:
    """The ISO week, as in 2026-W44."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02d}"
