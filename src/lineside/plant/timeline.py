"""Instants and stretches of time, and the way from the wall clock of a plant to both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Half-open, aware, kept in UTC. label: how it was named. shift: the shift it is, as in `night 2026-11-20`."""

    start: datetime
    end: datetime
    label: str = ""
    shift: str | None = None

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware times")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end < self.start:
            raise ValueError(f"a window can't end before it starts: {self.start} to {self.end}")

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the plant's wall clock shows `clock` on `day`.

    Where the clock shows it twice (autumn), the first time. Where it never does (spring), the moment the clock jumps
    over it. So a later wall-clock time is never an earlier instant, and what tiles on the wall tiles in time.
    """
    wall = datetime.combine(day, clock.replace(tzinfo=None, fold=0))
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def days(first: date, after: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Local midnight of `first` to local midnight of `after`: 23 to 25 hours a day."""
    return instant(first, time(0), zone), instant(after, time(0), zone)


def duration(seconds: float) -> str:
    """`42 min`, `3 h 05 min`, `2 d 4 h`, for people."""
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"
