"""Stretches of time as people name them, resolved in the plant's time zone.

How the words are read where they leave a choice:
- "last night" is the night that began yesterday evening, also while it still runs; "tonight" is the running night, or
  the coming one. "heute Nacht" looks back until noon and ahead after it. The night is the plant's shift at work at
  02:00, by its name or its hours; without one, 22:00 to 06:00.
- "previous shift" is the last one that was over when the running one began; "the night shift" the last one that has
  begun; "the last night shift" the last one that is over.
- A weekday without more is the last one, today included; "last Monday" is never today. A date without a year is the
  last one, unless it is less than 60 days ahead. A time without a day is the last time that the clock showed it.
- "since" and "after" end now. "last 4 hours" end now; "last week" is Monday to Monday.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from lineside.plant.almanac import PARTS, Almanac, Span, instant_of
from lineside.plant.calendar import wall_hours
from lineside.plant.named_shifts import named_shift
from lineside.plant.plant import Plant
from lineside.plant.time_words import YESTERDAY, Clock, Days, Instant, Joint, Night, Part, Rolling, Shift, spelled
from lineside.plant.timeline import Window, days, instant
from lineside.plant.window_words import hour_stands_alone, words_for_time

__all__ = ["FoundWindow", "Window", "find_window"]

_DAY = timedelta(days=1)
_AROUND = timedelta(minutes=15)
_BETWEEN = spelled(
    r"(?:[\s,]|['’]s\b|\b(?:on|of|the|in|at|for|during|so far|o['’]clock|"
    r"der|die|das|den|dem|des|vom|von|am|im|um|während)\b)*"
)
_POSSESSIVE = re.compile(r"['’]s\b")
_LEADING = spelled(
    r"(?:(?<!\w)(?:on|of|the|in|at|for|from|over|during|within|der|die|das|den|dem|des|vom|von|am|im|um|während|"
    r"innerhalb|über)\s+)+$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWindow:
    """A window named in a text. words: the part of the text that names it, its prepositions included.

    others: further windows that are meant as well, as in "last week vs this week" or "the last two night shifts".
    explicit: False where the words leave the bounds open and we chose them ("recently", "at 14:05").
    """

    window: Window
    words: str
    explicit: bool = True
    others: tuple[Window, ...] = ()


def find_window(text: str, *, now: datetime, plant: Plant) -> FoundWindow | None:
    """The stretch of time that the text names, in English or German; None where it names none.

    Of several the first, unless a later one lies within it and so says it more closely.
    """
    if now.tzinfo is None:
        raise ValueError("now has no time zone")
    phrases = _Phrases(text, now.astimezone(UTC), plant)
    found = list(phrases.read())
    if not found:
        return None
    best = found[0]
    for later in found[1:]:
        if (later.explicit, later.window.seconds) != (best.explicit, best.window.seconds) and (
            (later.explicit and not best.explicit) or _inside(later, best)
        ):
            best = later
    set_beside = _COMPARED.search(text) and best is found[0]
    beside = [one.window for one in found[1:] if one.explicit and one.window != best.window] if set_beside else []
    return replace(best, others=(*best.others, *beside[:3]))


_COMPARED = re.compile(
    r"\b(?:vs|versus|compared?|comparison|than|against|gegen(?:über|ueber)?|vergleich\w*|verglichen|als)\b",
    re.IGNORECASE,
)


def _inside(inner: FoundWindow, outer: FoundWindow) -> bool:
    within = outer.window.start <= inner.window.start and inner.window.end <= outer.window.end
    return within and inner.explicit == outer.explicit


@dataclass(slots=True)
class _Group:
    """Neighbouring marks that name one thing together: a day, a part of it or a shift, a time."""

    days: Days | None = None
    part: Part | None = None
    shift: Shift | None = None
    clock: Clock | None = None
    whole: Night | Rolling | Instant | None = None
    after: int = 0

    @property
    def empty(self) -> bool:
        return not (self.days or self.part or self.shift or self.clock or self.whole)


class _Phrases:
    def __init__(self, text: str, now: datetime, plant: Plant) -> None:
        self.text = text
        self.now = now
        self.plant = plant
        self.zone = plant.time_zone
        self.today = now.astimezone(plant.time_zone).date()
        self.almanac = Almanac(now, plant)
        self.marks = words_for_time(text, self.today, plant)

    def read(self) -> Iterator[FoundWindow]:
        at = 0
        while at < len(self.marks):
            found = self._phrase(at)
            if found is None or found[0].end < found[0].start:
                at += 1
                continue
            span, after = found
            core = self.text[self.marks[at].start : self.marks[after - 1].end]
            leading = _LEADING.search(self.text, 0, self.marks[at].start)
            begin = leading.start() if leading else self.marks[at].start
            window = Window(
                start=span.start,
                end=span.end,
                label=" ".join(core.split()),
                shift=span.slot.label if span.slot else None,
            )
            possessive = _POSSESSIVE.match(self.text, self.marks[after - 1].end)
            words = self.text[begin : possessive.end() if possessive else self.marks[after - 1].end]
            others = tuple(slot.window() for slot in span.others)
            yield FoundWindow(window=window, words=words, explicit=span.explicit, others=others)
            at = after

    def _phrase(self, at: int) -> tuple[Span, int] | None:
        """The span that begins with the mark `at`, and the index of the mark after it."""
        if isinstance(self.marks[at].meaning, Joint):
            return self._jointed(at, None)
        lead = self._group(at)
        if lead.empty:
            return None
        joint = self._joint(lead.after)
        if joint == "to" and (found := self._range(lead, lead.after + 1, None)):
            return found
        day = lead.days if not (lead.shift or lead.clock or lead.whole) else None
        if joint and day and day.single and (found := self._jointed(lead.after, day)):
            return found
        if joint in ("to", "until", "onto") and (night := self._night_onto(lead)):
            return night
        span = self._span(lead)
        return (span, lead.after) if span else None

    def _jointed(self, at: int, day: Days | None) -> tuple[Span, int] | None:
        """What a phrase like "since ..." or "between ... and ..." means, on `day` where one was named before it."""
        joint = self.marks[at].meaning
        if not isinstance(joint, Joint) or not self._adjacent(at):
            return None
        group = self._group(at + 1, bare=True)
        if group.empty:
            return None
        group.days = group.days or day
        if group.clock and group.clock.until:
            return self._hours(group.clock, group.days), group.after
        span: Span | None = None
        match joint.name:
            case "from":
                if self._joint(group.after) in ("to", "until") and (
                    found := self._range(group, group.after + 1, day, between=True)
                ):
                    return found
            case "since" | "after":
                span = self._since(group, joint.name)
            case "until":
                span = self._until(group)
            case "around":
                span = self._around(group)
            case _:
                pass  # "and", "to", "auf" begin no phrase of their own
        return (span, group.after) if span else None

    def _group(self, at: int, *, bare: bool = False) -> _Group:
        """The group that begins with the mark `at`. bare: a number without more may be an hour here."""
        group = _Group(after=at)
        while group.after < len(self.marks) and (group.after == at or self._adjacent(group.after - 1)):
            meaning = self.marks[group.after].meaning
            first = group.after == at
            match meaning:
                case Days() if group.days is None and group.whole is None and not (group.shift and not meaning.single):
                    group.days = meaning
                case Days() if group.days and not (group.part or group.shift or group.clock):
                    if (narrowed := _weekday_of(group.days, meaning)) is None:
                        break
                    group.days = narrowed
                case Part() if not (group.part or group.shift or group.whole) and (
                    group.days is None or group.days.single
                ):
                    group.part = meaning
                case Shift() if not (group.part or group.shift or group.whole or group.clock) and (
                    group.days is None or (group.days.single and meaning.name)
                ):
                    group.shift = meaning
                case Clock() if not (group.clock or group.whole or group.shift) and (meaning.sure or (bare and first)):
                    group.clock = meaning
                case Night() | Rolling() | Instant() if first:
                    group.whole = meaning
                case Joint(name="from") if self._dates_a_night(group):
                    pass  # the night shift of the 3rd: this "of" begins no range
                case _:
                    break
            group.after += 1
        return group

    def _dates_a_night(self, group: _Group) -> bool:
        named = group.shift and group.shift.name and not group.days
        nightly = group.part and group.part.name == "night" and not group.days
        following = self.marks[group.after + 1 :][:1]
        dated = bool(following) and isinstance(following[0].meaning, Days) and following[0].meaning.single
        return bool((named or nightly) and dated and self._adjacent(group.after))

    def _adjacent(self, at: int) -> bool:
        """Whether only words without weight stand between the mark `at` and the next."""
        if at + 1 >= len(self.marks):
            return False
        return bool(_BETWEEN.fullmatch(self.text, self.marks[at].end, self.marks[at + 1].start))

    def _joint(self, at: int) -> str:
        """The joint right after the group that ends before the mark `at`, if there is one."""
        if 0 < at < len(self.marks) and self._adjacent(at - 1):
            meaning = self.marks[at].meaning
            if isinstance(meaning, Joint):
                return meaning.name
        return ""

    def _range(self, first: _Group, at: int, day: Days | None, *, between: bool = False) -> tuple[Span, int] | None:
        if at >= len(self.marks) or not self._adjacent(at - 1):
            return None
        last = self._group(at, bare=True)
        if last.empty:
            return None
        named = first.days or last.days or day
        if first.clock and last.clock:
            if not (first.clock.sure or last.clock.sure or (named and between)):
                return None  # "from 2 to 4" may be anything
            start, end = _halved(first.clock, last.clock)
            return self._clock_range(start, end, named, last.days if first.days else None), last.after
        if isinstance(first.whole, Instant) and isinstance(last.whole, Instant):
            return Span(instant_of(first.whole, self.plant), instant_of(last.whole, self.plant)), last.after
        if first.clock or last.clock:
            return None
        begin, finish = self._span(first), self._span(last)
        if begin is None or finish is None or finish.end <= begin.start or not (between or (first.days and last.days)):
            return None
        return Span(begin.start, finish.end), last.after

    def _hours(self, clock: Clock, named: Days | None) -> Span:
        return self._clock_range(*_halved(clock, clock.until or clock), named, None)

    def _clock_range(self, start: time, end: time, named: Days | None, until: Days | None) -> Span:
        if named:
            if until and until.first > named.first:
                return Span(instant(named.first, start, self.zone), instant(until.first, end, self.zone))
            return Span(*wall_hours(self.plant, named.first, start, end))
        day = self.today if instant(self.today, start, self.zone) <= self.now else self.today - _DAY
        return Span(*wall_hours(self.plant, day, start, end))

    def _since(self, group: _Group, joint: str) -> Span | None:
        if group.clock and not group.clock.sure and not self._hour_alone(group):
            return None
        start = self._moment(group)
        if start is None and (span := self._span(group)):
            start = span.end if joint == "after" and span.end < self.now else span.start
        if start is None or start > self.now:
            return None
        end = self.now
        if joint == "after" and group.clock and group.days:
            end = min(self.now, days(group.days.first, group.days.after, self.zone)[1])
        return Span(start, end)

    def _until(self, group: _Group) -> Span | None:
        if group.clock and not group.clock.sure and not self._hour_alone(group):
            return None
        if (end := self._moment(group, ahead=True)) is None:
            return None
        day = end.astimezone(self.zone).date()
        start = instant(day, time(0), self.zone)
        return Span(start if start < end else instant(day - _DAY, time(0), self.zone), end)

    def _around(self, group: _Group) -> Span | None:
        if group.clock is None or not group.clock.sure or (moment := self._moment(group)) is None:
            return None
        if group.days is None and self.now - moment > timedelta(hours=12):
            return None  # "at 15:00", said at noon, looks ahead
        return Span(moment - _AROUND, moment + _AROUND, explicit=False)

    def _hour_alone(self, group: _Group) -> bool:
        if group.days and group.after and isinstance(self.marks[group.after - 1].meaning, Days):
            return True
        return hour_stands_alone(self.text, self.marks[group.after - 1].end)

    def _moment(self, group: _Group, *, ahead: bool = False) -> datetime | None:
        """The instant that a group names: a time, with its day or the last (ahead: today's) to which it fits."""
        if isinstance(group.whole, Instant):
            return instant_of(group.whole, self.plant)
        clock = group.clock.at if group.clock else None
        if clock is None and group.part and group.part.name != "night":
            clock = time(12) if group.part.name == "noon" else PARTS[group.part.name][0]
        if clock is None:
            return None
        if group.days:
            return instant(group.days.first, clock, self.zone) if group.days.single else None
        if group.part and group.part.day == YESTERDAY:
            return instant(self.today - _DAY, clock, self.zone)
        today = instant(self.today, clock, self.zone)
        return today if ahead or today <= self.now else instant(self.today - _DAY, clock, self.zone)

    def _span(self, group: _Group) -> Span | None:
        match group.whole:
            case Night():
                return self.almanac.night(self.almanac.evening(group.whole))
            case Rolling():
                return self.almanac.rolling(group.whole)
            case Instant():
                moment = instant_of(group.whole, self.plant)
                return Span(moment - _AROUND, moment + _AROUND, explicit=False)
            case None:
                pass
        if group.shift:
            return self.almanac.shift(group.shift, group.days)
        if group.part:
            return self.almanac.part(group.part, group.days)
        if group.clock and group.clock.until:
            return self._hours(group.clock, group.days)
        if group.clock:
            return self._around(group) if group.days else None
        return Span(*days(group.days.first, group.days.after, self.zone)) if group.days else None

    def _night_onto(self, lead: _Group) -> tuple[Span, int] | None:
        """ "Die Nacht vom 3. auf den 4.", "the night shift of Monday to Tuesday", "in der Nacht auf Dienstag"."""
        group = self._group(lead.after + 1)
        nightly = (lead.part and lead.part.name == "night") or (lead.shift and lead.shift.name)
        if not nightly or not group.days or not group.days.single or group.part or group.shift or group.clock:
            return None
        evening = group.days.first - _DAY
        if lead.days and lead.days.first != evening:
            return None
        if lead.shift and (pattern := named_shift(lead.shift.name, self.plant)):
            return self.almanac.pattern_on(pattern, evening), group.after
        return self.almanac.night(evening), group.after


def _weekday_of(one: Days, other: Days) -> Days | None:
    """Monday of last week, said either way round; or None where the two don't make one day."""
    week, day = (one, other) if other.weekday else (other, one)
    if day.weekday is None or week.after - week.first != 7 * _DAY:
        return None
    first = week.first + (day.weekday - 1) * _DAY
    return Days(first, first + _DAY)


def _halved(first: Clock, last: Clock) -> tuple[time, time]:
    """The times of "2 to 4 pm": the first takes the half of the last, or the other where it would be later."""
    if first.half or not last.half or not 1 <= first.at.hour <= 12:
        return first.at, last.at
    hours = sorted({first.at.hour % 12, first.at.hour % 12 + 12})
    fitting = [hour for hour in hours if first.at.replace(hour=hour) < last.at]
    return first.at.replace(hour=fitting[-1] if fitting else hours[-1]), last.at
