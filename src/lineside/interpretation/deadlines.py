"""Moments that people write into decisions: `until 2026-11-05`, `bis Freitag 14:00`, `until the end of the shift`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from lineside.memory import View

_MONTHS = {
    name: number
    for number, spellings in enumerate(
        (
            "jan january januar jän jänner", "feb february februar", "mar march mär märz maerz", "apr april", "may mai",
            "jun june juni", "jul july juli", "aug august", "sep sept september", "oct october okt oktober",
            "nov november", "dec december dez dezember",
        ),
        start=1,
    )
    for name in spellings.split()
}  # fmt: skip
_DAYS = {
    name: number
    for number, spellings in enumerate(
        ("monday montag", "tuesday dienstag", "wednesday mittwoch", "thursday donnerstag", "friday freitag",
         "saturday samstag sonnabend", "sunday sonntag"),
        start=1,
    )
    for name in spellings.split()
}  # fmt: skip
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::\d{2})?(Z|[+-]\d{2}:?\d{2})?)?")
_GERMAN = re.compile(r"\b(\d{1,2})\.\s?(\d{1,2})\.(?:\s?(\d{4}))?")
_NAMED = re.compile(
    r"\b(?:(\d{1,2})(?:st|nd|rd|th|\.)?\s+([A-Za-zäÄ]{3,9})\.?|([A-Za-zäÄ]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?)\b(?:,?\s+(\d{4}))?"
)
_CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})\b|\b(\d{1,2})\s?(?:uhr|h)\b", re.IGNORECASE)
_WEEKDAY = re.compile(rf"\b({'|'.join(_DAYS)})\b", re.IGNORECASE)
_SHIFT_END = re.compile(r"\b(?:end of (?:the |this )?shift|schichtende|ende der schicht)\b", re.IGNORECASE)
_TOMORROW = re.compile(r"\b(?:tomorrow|morgen)\b", re.IGNORECASE)
UNTIL = re.compile(
    r"\b(?:until|till|through|valid to|expires?(?: on| at)?|not after|no later than|"
    r"bis(?: zum| einschlie(?:ß|ss)lich)?|g(?:ü|ue)ltig bis|befristet bis|l(?:ä|ae)uft ab am)\b[:\s]*",
    re.IGNORECASE,
)


def expiry(text: str, *, said_at: datetime, view: View) -> datetime | None:
    """When what the text says ends by its own words (`until ...`); None where it names no end in time."""
    for match in UNTIL.finditer(text):
        if (found := deadline(text[match.end() : match.end() + 48], said_at=said_at, view=view)) is not None:
            return found
    return None


def deadline(text: str, *, said_at: datetime, view: View) -> datetime | None:
    """The moment at the head of the text, UTC: a bare day counts to its end, a bare clock is the next one after
    `said_at`. None where the text does not begin with a moment."""
    zone = view.plant.time_zone
    head = text.lstrip(" :,")
    if _SHIFT_END.match(head) or _SHIFT_END.match(re.sub(r"^(?:the|zum|das)\s+", "", head, flags=re.IGNORECASE)):
        slot = view.calendar.at(said_at)
        return slot.end if slot else None
    local = said_at.astimezone(zone)
    if (iso := _ISO.search(head)) and _heads(head, iso.start()):
        year, month, day, hour, minute, offset = iso.groups()
        if hour and offset:
            return datetime.fromisoformat(iso.group(0).replace(" ", "T")).astimezone(UTC)
        return _at(_date(int(year), int(month), int(day)), hour and time(int(hour), int(minute)), view)
    named_day, rest = _day(head, local.date())
    clock = _CLOCK.search(rest if named_day else head)
    hours = None
    if clock and (named_day or _heads(head, clock.start())):
        hour, minute = int(clock.group(1) or clock.group(3)), int(clock.group(2) or 0)
        hours = time(hour, minute) if hour < 24 and minute < 60 else None
    if named_day:
        return _at(named_day, hours, view)
    if hours is None:
        return None
    today = _at(local.date(), hours, view)
    return today if today is None or today > said_at else _at(local.date() + timedelta(days=1), hours, view)


def _day(head: str, today: date) -> tuple[date | None, str]:
    if (german := _GERMAN.search(head)) and _heads(head, german.start()):
        day, month, year = german.groups()
        return _next(int(day), int(month), year, today), head[german.end() :]
    if (named := _NAMED.search(head)) and _heads(head, named.start()):
        day, month = named.group(1) or named.group(4), (named.group(2) or named.group(3)).lower()
        if month in _MONTHS:
            return _next(int(day), _MONTHS[month], named.group(5), today), head[named.end() :]
    if (weekday := _WEEKDAY.search(head)) and _heads(head, weekday.start()):
        ahead = (_DAYS[weekday.group(1).lower()] - today.isoweekday()) % 7
        return today + timedelta(days=ahead or 7), head[weekday.end() :]
    if (tomorrow := _TOMORROW.search(head)) and _heads(head, tomorrow.start()):
        return today + timedelta(days=1), head[tomorrow.end() :]
    return None, head


def _heads(text: str, position: int) -> bool:
    """Whether only small words stand before the position."""
    return not re.sub(r"\b(?:the|on|at|to|am|um|den|dem|der|of|next|this|n(?:ä|ae)chsten|kommenden)\b|[\s,:=<>]|"
                      r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\w+tag\b|\bmittwoch\b",
                      "", text[:position], flags=re.IGNORECASE)  # fmt: skip


def _next(day: int, month: int, year: str | None, today: date) -> date | None:
    if year:
        return _date(int(year), month, day)
    this_year = _date(today.year, month, day)
    # A day named without its year lies ahead; one just past is meant to have passed.
    return _date(today.year + 1, month, day) if this_year and (today - this_year).days > 180 else this_year


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _at(day: date | None, clock: time | str | None, view: View) -> datetime | None:
    if day is None:
        return None
    hours = clock if isinstance(clock, time) else time(0)
    start = day if isinstance(clock, time) else day + timedelta(days=1)
    return datetime.combine(start, hours, tzinfo=view.plant.time_zone).astimezone(UTC)
