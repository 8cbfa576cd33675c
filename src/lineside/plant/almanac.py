"""When a night, a shift, a part of the day or a rolling stretch was, seen from one moment in one plant."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from lineside.plant.calendar import ShiftCalendar, ShiftSlot, wall_hours
from lineside.plant.named_shifts import named_shift, night_shift
from lineside.plant.plant import Plant, ShiftPattern
from lineside.plant.time_words import LAST, NEXT, YESTERDAY, Days, Instant, Night, Part, Rolling, Shift
from lineside.plant.timeline import days, instant

_DAY = timedelta(days=1)
PARTS = {
    "morning": (time(5), time(12)),
    "noon": (time(11), time(14)),
    "afternoon": (time(12), time(18)),
    "evening": (time(18), time(22)),
    "night": (time(22), time(6)),
}


@dataclass(frozen=True, slots=True)
class Span:
    start: datetime
    end: datetime
    slot: ShiftSlot | None = None
    explicit: bool = True
    others: tuple[ShiftSlot, ...] = ()  # earlier ones that are meant as well, the latest first


class Almanac:
    """Resolves what was said at `now` (UTC) in a plant."""

    def __init__(self, now: datetime, plant: Plant) -> None:
        self.now = now
        self.plant = plant
        self.zone = plant.time_zone
        self.today = now.astimezone(plant.time_zone).date()
        self.calendar = ShiftCalendar(plant)

    def part(self, part: Part, named: Days | None) -> Span | None:
        if named is None and not part.day:
            return None
        day = named.first if named else self.today
        if part.day == YESTERDAY:
            day = self.today - _DAY
        if part.name == "night":
            return self.night(day if named else self.evening(Night(None, LAST)))
        hours = PARTS[part.name]
        if named is None and part.day == LAST and instant(day, hours[0], self.zone) > self.now:
            day -= _DAY
        return Span(*wall_hours(self.plant, day, *hours))

    def evening(self, night: Night) -> date:
        """The local day on whose evening the night begins."""
        if night.evenings is not None:
            return self.today + timedelta(days=night.evenings)
        running = self.night(self.today - _DAY)
        local = self.now.astimezone(self.zone)
        looks_back = night.looking == LAST and local.hour < 12
        return self.today - _DAY if self.now < running.end or looks_back else self.today

    def night(self, evening: date) -> Span:
        pattern = night_shift(self.plant)
        if pattern is None:
            return Span(*wall_hours(self.plant, evening, *PARTS["night"]))
        # A night that starts at midnight belongs to the day after its evening.
        return self.pattern_on(pattern, evening if pattern.start.hour >= 12 else evening + _DAY)

    def pattern_on(self, pattern: ShiftPattern, day: date) -> Span:
        """A pattern's slot on a day; where it was not worked, its hours."""
        slot = self.calendar.slot(pattern.name, day)
        return Span(slot.start, slot.end, slot) if slot else Span(*self.calendar.hours(pattern, day))

    def shift(self, shift: Shift, named: Days | None) -> Span | None:
        if shift.crew:
            return self._crew_shift(shift)
        if not shift.name:
            return self._relative_shift(shift)
        pattern = named_shift(shift.name, self.plant)
        if pattern is None:
            return None
        if named:
            return self.pattern_on(pattern, named.first)
        slots = self.calendar.between(self.now - timedelta(days=8), self.now + timedelta(days=8))
        own = [slot for slot in slots if slot.name == pattern.name]
        running = next((slot for slot in own if self.now in slot), None)
        match shift.which:
            case "next":
                own = [slot for slot in own if slot.start > self.now][:1]
            case "this":
                own = [running] if running else [slot for slot in own if slot.day == self.today]
            case "last":
                own = [slot for slot in own if slot.end <= self.now]
            case _:
                own = [slot for slot in own if slot.start <= self.now]
        if not own:
            return self.pattern_on(pattern, self.today)
        others = tuple(reversed(own[-shift.count : -1])) if shift.count > 1 else ()
        return Span(own[-1].start, own[-1].end, own[-1], others=others)

    def _crew_shift(self, shift: Shift) -> Span | None:
        """The crew's latest shift that has begun; `last`: that is over; `next`: its first to come."""
        slots = self.calendar.between(self.now - 60 * _DAY, self.now + 60 * _DAY)
        own = [slot for slot in slots if slot.crew == shift.crew]
        if shift.which == NEXT:
            own = [slot for slot in own if slot.start > self.now][:1]
        elif shift.which == LAST:
            own = [slot for slot in own if slot.end <= self.now]
        else:
            own = [slot for slot in own if slot.start <= self.now]
        return Span(own[-1].start, own[-1].end, own[-1]) if own else None

    def _relative_shift(self, shift: Shift) -> Span | None:
        running = self.calendar.at(self.now)
        slot: ShiftSlot | None
        match shift.which:
            case "this":
                # Between shifts, the one that people speak of is the one they just left.
                slot = running or self.calendar.previous(self.now)
            case "next":
                slot = self.calendar.following(self.now)
            case "before_last":
                previous = self.calendar.previous(self.now)
                slot = self.calendar.previous(previous.start) if previous else None
            case _:
                slot = self.calendar.previous(self.now)
        if slot is None:
            return None
        other = slot
        for _ in range(shift.count - 1):
            step = self.calendar.following if shift.which == NEXT else self.calendar.previous
            other = step(other.start) or other
        span = Span(min(slot.start, other.start), max(slot.end, other.end), slot)
        return span if other is slot else replace(span, slot=None)

    def rolling(self, rolling: Rolling) -> Span:
        count = rolling.count if rolling.ahead else -rolling.count
        if rolling.ago:
            return self._ago(rolling)
        there = self._shifted(rolling.unit, count)
        return Span(min(there, self.now), max(there, self.now), explicit=not rolling.vague)

    def _ago(self, rolling: Rolling) -> Span:
        """Around a moment so long ago: half a unit to both sides, or the whole day or week."""
        moment = self._shifted(rolling.unit, -rolling.count)
        day = moment.astimezone(self.zone).date()
        match rolling.unit:
            case "minute":
                half = timedelta(minutes=max(rolling.count / 2, 5))
            case "hour":
                half = timedelta(minutes=30)
            case "day":
                return Span(*days(day, day + _DAY, self.zone))
            case "week":
                monday = day - timedelta(days=day.isoweekday() - 1)
                return Span(*days(monday, monday + 7 * _DAY, self.zone))
            case _:
                first = day.replace(day=1)
                return Span(*days(first, (first + 32 * _DAY).replace(day=1), self.zone))
        return Span(moment - half, min(moment + half, self.now), explicit=False)

    def _shifted(self, unit: str, count: int) -> datetime:
        """Now, so many units away; days and longer by the calendar, at the same time on the wall."""
        if unit in ("minute", "hour"):
            return self.now + count * (timedelta(minutes=1) if unit == "minute" else timedelta(hours=1))
        local = self.now.astimezone(self.zone)
        if unit in ("day", "week"):
            return instant(local.date() + count * _DAY * (7 if unit == "week" else 1), local.time(), self.zone)
        months = local.year * 12 + local.month - 1 + count
        first = date(months // 12, months % 12 + 1, 1)
        length = ((first + 32 * _DAY).replace(day=1) - first).days
        return instant(first.replace(day=min(local.day, length)), local.time(), self.zone)


def instant_of(named: Instant, plant: Plant) -> datetime:
    if not named.zone:
        return instant(named.day, named.at, plant.time_zone)
    offset = re.sub(r"^(?:Z|UTC)$", "+00:00", named.zone, flags=re.IGNORECASE)
    return datetime.fromisoformat(f"{named.day}T{named.at:%H:%M}{offset}").astimezone(UTC)
