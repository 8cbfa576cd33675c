"""The shift calendar: which shift ran when, and who worked it. Right across midnight, DST nights and week ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from lineside.plant.plant import Plant, ShiftPattern
from lineside.plant.timeline import Window, instant

_DAY = timedelta(days=1)
# How far to look for a neighbouring shift: longer than any shutdown that a plant plans.
_HORIZON_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSlot:
    """One shift that was or will be worked. day: the local day it starts on, to which all of it belongs.

    start, end: UTC, half-open. A night 22:00 to 06:00 is 7 or 9 hours long where the clocks change.
    """

    name: str
    day: date
    start: datetime
    end: datetime
    crew: str | None = None

    @property
    def label(self) -> str:
        return f"{self.name} {self.day.isoformat()}"

    def window(self, label: str = "") -> Window:
        return Window(start=self.start, end=self.end, label=label or self.label, shift=self.label)

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


class ShiftCalendar:
    """The slots of a plant's shift patterns. No shift starts on a holiday; one that runs into it is worked to its end.

    Where the plant file lets shifts overlap, a moment belongs to the one that started last.
    """

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self._crews = {(week, shift): crew for week, shift, crew in plant.roster}
        self._days: dict[date, tuple[ShiftSlot, ...]] = {}

    def at(self, moment: datetime) -> ShiftSlot | None:
        """The shift at work at `moment` (aware)."""
        day = self._local_day(moment)
        running = (slot for start in (day - _DAY, day) for slot in self.starting_on(start) if moment in slot)
        return max(running, key=lambda slot: slot.start, default=None)

    def between(self, start: datetime, end: datetime) -> list[ShiftSlot]:
        """The shifts that overlap the half-open stretch, in order of their start."""
        found = []
        day, last = self._local_day(start) - _DAY, self._local_day(end)
        while day <= last:
            found += [slot for slot in self.starting_on(day) if slot.start < end and start < slot.end]
            day += _DAY
        return found

    def works_at(self, moment: datetime) -> bool:
        """Whether the plant works at `moment`; one without shifts does, except on its holidays."""
        if not self.plant.shifts:
            return self._local_day(moment) not in self.plant.holidays
        return self.at(moment) is not None

    def worked_s(self, start: datetime, end: datetime) -> float:
        """The seconds of the stretch in which the plant works."""
        worked, reached = 0.0, start
        for since, until in self._working(start, end):
            worked += max(0.0, (min(until, end) - max(since, reached)).total_seconds())
            reached = max(reached, until)
        return worked

    def _working(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        if self.plant.shifts:
            yield from ((slot.start, slot.end) for slot in self.between(start, end))
            return
        day, last = self._local_day(start), self._local_day(end)
        while day <= last:
            if day not in self.plant.holidays:
                yield wall_hours(self.plant, day, time(0), time(0))
            day += _DAY

    def previous(self, moment: datetime) -> ShiftSlot | None:
        """The last shift that was over when the one at `moment` began; outside of shifts, the last one before."""
        running = self.at(moment)
        limit = running.start if running else moment
        for day in self._walk(limit, -_DAY):
            over = [slot for slot in self.starting_on(day) if slot.end <= limit]
            # A longer shift of the day before may have ended later than a short one of this day.
            over += [slot for slot in self.starting_on(day - _DAY) if slot.end <= limit]
            if over:
                return max(over, key=lambda slot: (slot.end, slot.start))
        return None

    def following(self, moment: datetime) -> ShiftSlot | None:
        """The first shift that starts when the one at `moment` is over; outside of shifts, the next one."""
        running = self.at(moment)
        limit = running.end if running else moment
        for day in self._walk(limit, _DAY):
            if later := [slot for slot in self.starting_on(day) if slot.start >= limit]:
                return later[0]
        return None

    def slot(self, name: str, day: date) -> ShiftSlot | None:
        """The shift of that name that starts on the local day `day`; None where it is not worked."""
        return next((slot for slot in self.starting_on(day) if slot.name == name), None)

    def starting_on(self, day: date) -> tuple[ShiftSlot, ...]:
        """The shifts that belong to a local day, in order of their start."""
        if day not in self._days:
            worked = () if day in self.plant.holidays else self.plant.shifts
            slots = (self._slot(pattern, day) for pattern in worked if day.isoweekday() in pattern.days)
            # A shift that lies wholly in the hour which spring leaves out is not worked.
            self._days[day] = tuple(sorted((s for s in slots if s.start < s.end), key=lambda s: (s.start, s.end)))
        return self._days[day]

    def hours(self, pattern: ShiftPattern, day: date) -> tuple[datetime, datetime]:
        """The hours that a pattern would have on `day`, worked or not."""
        return wall_hours(self.plant, day, pattern.start, pattern.end)

    def _slot(self, pattern: ShiftPattern, day: date) -> ShiftSlot:
        start, end = self.hours(pattern, day)
        year, week, _ = day.isocalendar()
        crew = self._crews.get((f"{year}-W{week:02d}", pattern.name))
        return ShiftSlot(name=pattern.name, day=day, start=start, end=end, crew=crew)

    def _walk(self, moment: datetime, step: timedelta) -> Iterator[date]:
        day = self._local_day(moment)
        for _ in range(_HORIZON_DAYS if self.plant.shifts else 0):
            yield day
            day += step

    def _local_day(self, moment: datetime) -> date:
        return moment.astimezone(self.plant.time_zone).date()


def wall_hours(plant: Plant, day: date, start: time, end: time) -> tuple[datetime, datetime]:
    """The stretch, in UTC, from one wall-clock time on `day` to another; to the next day's where end <= start."""
    last = day + _DAY if end <= start else day
    return instant(day, start, plant.time_zone), instant(last, end, plant.time_zone).astimezone(UTC)
