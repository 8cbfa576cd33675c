"""What figures are asked for, and the tiles of time that they are told in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lineside.errors import BadRequest
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.timeline import Window, days

DAY, WEEK, EACH_SHIFT = "day", "week", "each-shift"
TILES = (DAY, WEEK, EACH_SHIFT)
BY = ("class", "area", "shift", "site", *TILES)
_LONGEST_TILES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """window: over which is counted. by: what to set side by side, at most one stretch of time among it. kpis: of all
    figures only these; case_class, place: only what is of it, or lies at or below it. Raises BadRequest."""

    window: Window
    by: tuple[str, ...] = ()
    kpis: tuple[str, ...] = ()
    case_class: str | None = None
    place: str | None = None

    def __post_init__(self) -> None:
        for each in self.by:
            if each not in BY:
                raise BadRequest(f"figures are not told by {each!r}; there are: {', '.join(BY)}", by=each)
        if len([each for each in self.by if each in TILES]) > 1:
            raise BadRequest(f"figures are told by one of {', '.join(TILES)} at a time")

    @property
    def tile(self) -> str | None:
        """The stretch of time that figures are told by, if any."""
        return next((each for each in self.by if each in TILES), None)


def tiles(window: Window, by: str | None, calendar: ShiftCalendar) -> list[Window]:
    """The window in stretches that follow one another, each with its name: local days, weeks or shifts, cut at its
    ends; the time between shifts is a stretch of its own. Raises BadRequest where there are too many."""
    if by is None:
        return [window]
    found: list[Window] = []
    for start, end, label in _stretches(window, by, calendar):
        if len(found) >= _LONGEST_TILES:
            raise BadRequest(f"that is more than {_LONGEST_TILES} stretches; ask for a shorter time")
        found.append(Window(start=start, end=end, label=label))
    return found


def _stretches(window: Window, by: str, calendar: ShiftCalendar) -> Iterator[tuple[datetime, datetime, str]]:
    if by == EACH_SHIFT:
        yield from _shifts(window, calendar)
        return
    zone = calendar.plant.time_zone
    first = window.start.astimezone(zone).date()
    step = timedelta(days=1)
    if by == WEEK:
        first, step = first - timedelta(days=first.weekday()), timedelta(days=7)
    while True:
        start, end = days(first, first + step, zone)
        if start >= window.end:
            return
        if end > window.start:
            yield max(start, window.start), min(end, window.end), _named(first, by)
        first += step


def _named(day: date, by: str) -> str:
    return day.isoformat() if by == DAY else f"{day.isocalendar().year}-W{day.isocalendar().week:02d}"


def _shifts(window: Window, calendar: ShiftCalendar) -> Iterator[tuple[datetime, datetime, str]]:
    """Each moment belongs to the shift that the calendar gives it."""
    slots = calendar.between(window.start, window.end)
    edges = {window.start, window.end}
    edges |= {each for slot in slots for each in (slot.start, slot.end) if window.start < each < window.end}
    reached: tuple[datetime, datetime, str] | None = None
    for start, end in zip(ordered := sorted(edges), ordered[1:], strict=False):
        slot = calendar.at(start)
        local = start.astimezone(calendar.plant.time_zone)
        label = f"{slot.day.isoformat()}-{slot.name}" if slot else f"no shift from {local:%Y-%m-%d %H:%M %Z}"
        if reached is not None and reached[2] == label:
            reached = (reached[0], end, label)
            continue
        if reached is not None:
            yield reached
        reached = (start, end, label)
    if reached is not None:
        yield reached
