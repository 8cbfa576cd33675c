"""Times to come, as people say them in a planning question: until 18:00, by Friday noon, noch drei Stunden.

A day without a time means its end; a time without a day the next time that the clock shows it; a weekday the next such
day, today included as long as it isn't over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from lineside.agent.wording import NUMBER_WORDS, fold
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.plant import Plant
from lineside.plant.timeline import instant

_DAYS = (
    "monday|montag|mon|mo", "tuesday|dienstag|tue|tues|di", "wednesday|mittwoch|wed|mi",
    "thursday|donnerstag|thu|thurs|do", "friday|freitag|fri|fr", "saturday|samstag|sonnabend|sat|sa",
    "sunday|sonntag|sun|so",
)  # fmt: skip
_LONG = "|".join(name for names in _DAYS for name in names.split("|") if len(name) > 3)
_SHORT = "|".join(name for names in _DAYS for name in names.split("|") if len(name) <= 3)
_LAST_MINUTE = time(23, 59)
_PART_ENDS = {
    "noon": time(12), "midday": time(12), "mittag": time(12), "mittags": time(12), "morning": time(12),
    "frueh": time(12), "vormittag": time(12), "afternoon": time(18), "nachmittag": time(18), "evening": time(22),
    "abend": time(22), "abends": time(22), "tonight": time(22), "midnight": _LAST_MINUTE, "mitternacht": _LAST_MINUTE,
}  # fmt: skip
_CLOCK = re.compile(
    r"(?<![\w:.,/-])(?P<hour>[01]?\d|2[0-4])(?:(?::|h|\.(?=\d\d(?: ?uhr| ?[ap]m)))(?P<minute>[0-5]\d))?"
    r"(?P<half> ?[ap]\.?m\b\.?| ?uhr\b| ?o'clock)?(?![\w:/]|[.,]\d)"
)
_LEAD = r"(?:until|untill|till?|bis|by|before|vor|no later than|at|um|ab|from|von|since|spaetestens|gegen|around)"
_BARE_HOUR = re.compile(rf"\b{_LEAD} (?:um |zu )?$")
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?:t(\d\d):(\d\d))?")
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4}|\d\d)?(?!\d)")
_DAY = re.compile(
    r"\b(?P<word>day after tomorrow|uebermorgen|tomorrow|today|heute|tonight|(?<!am )(?<!guten )morgen)\b|"
    r"\b(?P<next>next |naechste[nrs]? |kommende[nrs]? |coming )?"
    rf"(?:(?P<long>{_LONG})s?|(?:by|bis|on|am|until|till) (?P<short>{_SHORT}))\b"
)
_WEEK = re.compile(
    r"\b(?:(?P<next>next|naechste[rn]?) (?:week|woche)|end of (?:the |this )?week|(?:this|diese[rn]?) (?:week|woche)|"
    r"wochenende|ende der woche|weekend)\b"
)
_SHIFT = re.compile(
    r"\b(?:(?:end of|rest of) (?:the |this )?(?P<next>next )?shift|shift end|schichtende|feierabend|ende der "
    r"(?P<naechste>naechsten )?schicht|end of (?:the )?day|tagesende|(?P<following>next shift|naechste schicht))\b"
)
_PART = re.compile(r"\b(" + "|".join(_PART_ENDS) + r")\b")
_NUMBER = r"\d+(?:[.,]\d+)?|" + "|".join(NUMBER_WORDS) + r"|an?|einer?|eine[ns]?|half an|half a|eine halbe"
_SPAN = re.compile(
    r"\b(?:for|another|noch|fuer|um|further|weitere|in|within|innerhalb von|naechste[nr]?)? ?"
    rf"(?P<count>{_NUMBER}) (?:more |weitere )?"
    r"(?P<unit>hours?|hrs?|h|stunden?|std|minutes?|mins?|minuten?|days?|tage?n?|shifts?|schicht(?:en)?)\b"
    r"(?: lang\b| longer\b)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A moment to come. since: where a stretch is named (from 8 to 12), its start. rest: the text without these words,
    folded."""

    at: datetime
    since: datetime | None
    rest: str


def time_ahead(text: str, *, now: datetime, plant: Plant) -> Ahead | None:
    """The moment to come that the text names last, in English or German; None where it names none."""
    return _Reading(fold(text), now, plant).found()


class _Reading:
    def __init__(self, text: str, now: datetime, plant: Plant) -> None:
        self.text, self.now, self.plant = text, now, plant
        self.local = now.astimezone(plant.time_zone)
        self.rest = text
        self.weekday = False

    def found(self) -> Ahead | None:
        if span := self._after():
            return Ahead(at=span, since=None, rest=self.rest)
        day = self._day()
        clocks = self._clocks()
        if ends := self._shift_or_week():
            return Ahead(at=ends, since=None, rest=self.rest)
        if not clocks:
            part = _PART.search(self.rest)
            clocks = [_PART_ENDS[self._take(part)[1]]] if part else []
        if not clocks and day is None:
            return None
        moments = [self._at(day, clock) for clock in clocks[:2]] or [self._at(day, _LAST_MINUTE)]
        since = moments[0] if len(moments) > 1 and moments[0] < moments[-1] else None
        return Ahead(at=moments[-1], since=since, rest=self.rest)

    def _take(self, match: re.Match[str]) -> re.Match[str]:
        blank = "¦" * (match.end() - match.start())
        self.rest = self.rest[: match.start()] + blank + self.rest[match.end() :]
        return match

    def _after(self) -> datetime | None:
        match = _SPAN.search(self.rest)
        if match is None:
            return None
        self._take(match)
        said = match["count"]
        count = (
            0.5 if "hal" in said else float(NUMBER_WORDS.get(said, "1" if said[:1] in "ae" else said).replace(",", "."))
        )
        unit = match["unit"]
        if unit.startswith(("shift", "schicht")):
            return self._shifts(round(count))
        step = timedelta(days=1) if unit[0] in "dt" else timedelta(minutes=1) if unit[0] == "m" else timedelta(hours=1)
        return self.now + count * step

    def _shifts(self, count: int) -> datetime | None:
        calendar, at = ShiftCalendar(self.plant), self.now
        slot = calendar.at(at) or calendar.following(at)
        for _ in range(count - 1):
            slot = calendar.following(slot.start) if slot else None
        return slot.end if slot else None

    def _shift_or_week(self) -> datetime | None:
        if match := _SHIFT.search(self.rest):
            self._take(match)
            if "day" in match[0] or "tages" in match[0]:
                return self._at(self.local.date(), _LAST_MINUTE)
            return self._shifts(2 if match["next"] or match["naechste"] or match["following"] else 1)
        if match := _WEEK.search(self.rest):
            self._take(match)
            sunday = self.local.date() + timedelta(days=7 - self.local.isoweekday() + (7 if match["next"] else 0))
            return self._at(sunday, _LAST_MINUTE)
        return None

    def _day(self) -> date | None:
        today = self.local.date()
        if match := _ISO.search(self.rest):
            found = _date(match[1], match[2], match[3])
            if found and match[4] is None:
                self._take(match)
            elif found:
                self.rest = f"{self.rest[: match.start()]}{match[4]}:{match[5]}{self.rest[match.end() :]}"
            return found
        if match := _DOTTED.search(self.rest):
            year = match[3] or str(today.year)
            found = _date(year if len(year) == 4 else f"20{year}", match[2], match[1])
            if found:
                self._take(match)
                return found if match[3] or found >= today else found.replace(year=found.year + 1)
        match = _DAY.search(self.rest)
        if match is None:
            return None
        self._take(match)
        if word := match["word"]:
            ahead = {"day after tomorrow": 2, "uebermorgen": 2, "tomorrow": 1, "morgen": 1}.get(word, 0)
            return today + timedelta(days=ahead)
        name, self.weekday = match["long"] or match["short"], True
        wanted = next(i for i, names in enumerate(_DAYS, 1) if name in names.split("|"))
        days = (wanted - today.isoweekday()) % 7
        return today + timedelta(days=7 if match["next"] and days == 0 else days)

    def _clocks(self) -> list[time]:
        found: list[tuple[re.Match[str], time]] = []
        for match in _CLOCK.finditer(self.rest):
            bare = match["minute"] is None and match["half"] is None
            if bare and not _BARE_HOUR.search(self.rest[: match.start()]) and not (found and _joins(self.rest, match)):
                continue
            if bare and re.match(r" ?(?:ea|pcs|stk|st|kg|l|cases?|kartons?|pallets?|%)\b", self.rest[match.end() :]):
                continue
            hour, half = int(match["hour"]) % 24, (match["half"] or "").strip()[:1]
            if half in ("a", "p") and 1 <= hour <= 12:
                hour = hour % 12 + (12 if half == "p" else 0)
            found.append((match, time(hour, int(match["minute"] or 0))))
        for match, _ in found:
            self._take(match)
        return [clock for _, clock in found]

    def _at(self, day: date | None, clock: time) -> datetime:
        at = instant(day or self.local.date(), clock, self.plant.time_zone)
        if at <= self.now and (day is None or self.weekday):
            ahead = timedelta(days=1 if day is None else 7)
            at = instant((day or self.local.date()) + ahead, clock, self.plant.time_zone)
        return at


def _joins(text: str, match: re.Match[str]) -> bool:
    return bool(re.search(r"(?:to|bis|-|and|und) ?$", text[: match.start()]))


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
