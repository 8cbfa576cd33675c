"""The words for time, in English and German, and what each of them means on the day it is said.

`words_for_time` reads a text into marks; `windows` joins neighbouring marks into one stretch. A mark never lies inside
an id (`SO-1042`, `L-2026-11-03-A`) and never takes the number of a machine ("line 3") for an hour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias

from lineside.plant.plant import Plant
from lineside.plant.time_words import (
    LAST,
    NEXT,
    THIS,
    YESTERDAY,
    Clock,
    Days,
    Instant,
    Joint,
    Mark,
    Meaning,
    Night,
    Part,
    Rolling,
    Shift,
    spelled,
)


def words_for_time(text: str, today: date, plant: Plant) -> list[Mark]:
    """The marks in the text, in order, none overlapping; at each place the longest."""
    reader = _Reader(text, today, plant)
    rules = [*_named_shifts(plant), *_RULES]
    marks: list[Mark] = []
    at = 0
    while at < len(text):
        mark = reader.longest(at, rules) if reader.may_begin(at) else None
        if mark:
            marks.append(mark)
        at = mark.end if mark else at + 1
    return marks


class _Reader:
    def __init__(self, text: str, today: date, plant: Plant) -> None:
        self.text = text
        self.today = today
        self.plant = plant

    def may_begin(self, at: int) -> bool:
        """Not in the middle of a word or an id; but Montagabend holds two marks."""
        before, here = self.text[max(0, at - 2) : at], self.text[at]
        if not here.isalnum():
            return False
        if before[-1:].isalnum() or before[-1:] == "_":
            return self.text[max(0, at - 4) : at].lower().endswith(("tag", "woch")) and here.isalpha()
        if before[-1:] in tuple("-/@#:.+") and before[:1].isalnum():
            return here.isalpha() and before[:1].isalpha() and before[-1] in "-/"
        return True

    def may_end(self, at: int) -> bool:
        """Not before the rest of an id."""
        after = self.text[at : at + 2]
        joined = after[:1] in tuple("-/@#:.") and after[1:].isalnum()
        return not (joined and (self.text[at - 1].isdigit() or after[1:].isdigit()))

    def longest(self, at: int, rules: Sequence[_Rule]) -> Mark | None:
        if _RECURRING.search(self.text, max(0, at - 12), at):
            return None
        best: Mark | None = None
        for pattern, meaning_of in rules:
            match = pattern.match(self.text, at)
            if match and (best is None or match.end() > best.end) and self.may_end(match.end()):
                meaning = meaning_of(match, self)
                best = Mark(at, match.end(), meaning) if meaning else best
        return best

    def numbers_a_thing(self, start: int, end: int) -> bool:
        """Whether the number at text[start:end] belongs to the word before it: line 3, Presse 4, dock 2."""
        head = self.text[:end].casefold()
        names = (name.casefold() for thing in self.plant.equipment for name in thing.names())
        return bool(_NUMBERED.search(self.text, 0, start)) or any(head.endswith(n) for n in names if n[-1:].isdigit())


_Rule: TypeAlias = tuple[re.Pattern[str], Callable[[re.Match[str], _Reader], Meaning | None]]

_LAST = r"(?P<last>last|past|previous|prior|preceding|(?:letzt|vergangen|vorig|vorherig|vorangegangen)e[nrsm]?)"
_THIS = r"(?P<this>this|current|running|ongoing|(?:dies|aktuell|laufend|jetzig)e[nrsm]?)"
_NEXT = r"(?P<next>next|coming|upcoming|following|oncoming|incoming|(?:nächst|kommend|folgend)e[nrsm]?)"
_WHICH = rf"(?:{_LAST}|{_THIS}|{_NEXT})"
_COUNTS = {
    "an?|one|eine?[nrsm]?": 1, "two|zwei|couple(?: of)?": 2, "three|drei|few|paar": 3, "four|vier": 4, "five|fünf": 5,
    "six|sechs": 6, "seven|sieben": 7, "eight|acht": 8, "nine|neun": 9, "ten|zehn": 10, "eleven|elf": 11,
    "twelve|zwölf": 12,
}  # fmt: skip
_COUNT = rf"(?P<count>\d{{1,3}}|{'|'.join(_COUNTS)})"
_UNITS = {
    "minute": "minutes?|mins?|minuten", "hour": "hours?|hrs?|h|stunden?|std", "day": "days?|tage?n?|tags",
    "week": "weeks?|wochen?", "month": "months?|monate?n?", "shift": "shifts?|schicht(?:en)?",
}  # fmt: skip
_UNIT = "(?:" + "|".join(rf"(?P<{name}>{words})" for name, words in _UNITS.items()) + ")"
_WEEKDAYS = (
    "monday|montag", "tuesday|dienstag", "wednesday|mittwoch", "thursday|donnerstag", "friday|freitag",
    "saturday|samstag|sonnabend", "sunday|sonntag",
)  # fmt: skip
_SHORT_WEEKDAYS = ("mon", "tues?", "wed", "thu(?:rs)?", "fri", "sat", "sun")
_MONTHS = (
    "january|januar|jänner|jan", "february|februar|feb", "march|märz|mar|mrz", "april|apr", "may|mai", "june|juni|jun",
    "july|juli|jul", "august|aug", "september|sept?", "october|oktober|oct|okt", "november|nov",
    "december|dezember|dec|dez",
)  # fmt: skip
_WEEKDAY = "(?:" + "|".join(f"(?P<d{n}>{words})" for n, words in enumerate(_WEEKDAYS, 1)) + ")"
_SHORT_WEEKDAY = "(?:" + "|".join(f"(?P<d{n}>{words})" for n, words in enumerate(_SHORT_WEEKDAYS, 1)) + ")"
_MONTH = "(?:" + "|".join(f"(?P<m{n}>{words})" for n, words in enumerate(_MONTHS, 1)) + r")\.?"
_PARTS = {
    "morning": "(?:early |late )?morning|vormittag|früh|morgen|morgens", "noon": "noon|midday|lunch(?:time)?|mittag",
    "afternoon": "(?:early |late )?afternoon|nachmittag", "evening": "(?:early |late )?evening|abend",
    "night": "night|nacht",
}  # fmt: skip
_PART = "(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _PARTS.items()) + ")"
_PART_OF_WORD = "(?:" + "|".join(_PARTS.values()) + r")(?!\w)"
# A word ends where it ends; only a weekday may run into a part of its day, as in Montagabend.
_ENDING = rf"(?:(?!\w)|(?<=tag|och)(?={_PART_OF_WORD}))"
_RECURRING = spelled(r"\b(?:every|each|per|any|jede[nrsm]?|pro|guten?|good)\s+$")
_NUMBERED = spelled(
    r"\b(?:lines?|linien?|press(?:e|es)?|dock|machine|maschine|filler|füller|station|cell|zelle|lane|tank|oven|ofen|"
    r"anlage|halle?|bay|gate|tor|platz|robot(?:er)?|unit|rev(?:ision)?|step|schritt|version|nr|no|number|nummer)\.?\s*$"
)
_END_OF_HOUR = spelled(
    r"\s*(?:$|[?.!,;)]|(?:on|in|at|this|today|yesterday|and|for|the|to|until|till|is|are|did|does|has|have|do|we|"
    r"am|an|auf|bei|im|heute|gestern|bis|und|der|die|das|ist|war|hat|was)\b)"
)
# Where a date is written month first. Everywhere else 11/03 is the eleventh of March.
_MONTH_FIRST = re.compile(
    r"US/|America/(?:New_York|Detroit|Kentucky|Indiana|Fort_Wayne|Louisville|Chicago|Menominee|North_Dakota|Denver|"
    r"Boise|Phoenix|Los_Angeles|Anchorage|Juneau|Sitka|Metlakatla|Yakutat|Nome|Adak|Puerto_Rico)|Pacific/(?:Honolulu|Guam)"
)
# A date without a year is the last one that was; but one so close ahead is the one meant.
_SOON = timedelta(days=60)


def _count(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(count for words, count in _COUNTS.items() if spelled(f"(?:{words})$").match(text))


def _which(match: re.Match[str]) -> str:
    named = match.groupdict()
    return next((which for which in (LAST, THIS, NEXT) if named.get(which)), "")


def _number_of(match: re.Match[str], letter: str, most: int) -> int:
    named = match.groupdict()
    return next(n for n in range(1, most + 1) if named.get(f"{letter}{n}"))


def _one_of(match: re.Match[str], names: Sequence[str]) -> str:
    named = match.groupdict()
    return next(name for name in names if named.get(name))


def _day(year: int, month: int, day: int) -> Days | None:
    try:
        first = date(year, month, day)
    except ValueError:
        return None  # not a date after all: 31.02., or a version number
    return Days(first, first + timedelta(days=1))


def _dated(today: date, year: str | None, month: int, day: int) -> Days | None:
    if year:
        return _day(int(year) + (2000 if len(year) == 2 else 0), month, day)
    tries = (_day(today.year + step, month, day) for step in (1, 0, -1, -2, -3, -4))
    return next((found for found in tries if found and found.first - today < _SOON), None)


def _read_named_date(match: re.Match[str], reader: _Reader) -> Days | None:
    month = _number_of(match, "m", 12)
    named = match.groupdict()
    day_first = match.start("day") == match.start()
    if day_first and reader.numbers_a_thing(match.start("day"), match.end("day")):
        return None
    name = match.group(f"m{month}")
    if day_first and name in ("may", "march", "mar") and not (named["year"] or match["mark"]):
        return None  # "of the 3 may be wrong", "3 march past"
    found = _dated(reader.today, named["year"], month, int(match["day"]))
    if found and named.get("until"):
        last = _day(found.first.year, month, int(named["until"]))
        return Days(found.first, last.after) if last and last.first > found.first else None
    return found


def _read_dotted(match: re.Match[str], reader: _Reader) -> Days | None:
    return _dated(reader.today, match["year"], int(match["month"]), int(match["day"]))


def _read_slashed(match: re.Match[str], reader: _Reader) -> Days | None:
    one, two = int(match["one"]), int(match["two"])
    month_first = bool(_MONTH_FIRST.match(reader.plant.time_zone.key))
    if one > 12 or two > 12:
        month_first = two > 12
    return _dated(reader.today, match["year"], *((one, two) if month_first else (two, one)))


def _read_iso(match: re.Match[str], _: _Reader) -> Days | Instant | None:
    found = _day(int(match[1]), int(match[2]), int(match[3]))
    if found is None or match[4] is None:
        return found
    if int(match[4]) > 23 or int(match[5]) > 59:
        return None
    return Instant(found.first, time(int(match[4]), int(match[5])), match[6] or "")


def _read_weekday(match: re.Match[str], reader: _Reader) -> Days:
    weekday, today = _number_of(match, "d", 7), reader.today
    back = (today.isoweekday() - weekday) % 7
    match _which(match):
        case "last":
            first = today - timedelta(days=back or 7)
        case "this":
            first = today + timedelta(days=weekday - today.isoweekday())
        case "next":
            first = today + timedelta(days=7 - back)
        case _:
            first = today - timedelta(days=back)
    return Days(first, first + timedelta(days=1), weekday)


def _read_period(match: re.Match[str], reader: _Reader) -> Days:
    step = {LAST: -1, THIS: 0, NEXT: 1}[_which(match)]
    today = reader.today
    match _one_of(match, ("week", "weekend", "month", "year")):
        case "week":
            monday = today + timedelta(weeks=step, days=1 - today.isoweekday())
            return Days(monday, monday + timedelta(days=7))
        case "weekend":
            return _weekend(today, step)
        case "month":
            return Days(_month(today, step), _month(today, step + 1))
    return Days(date(today.year + step, 1, 1), date(today.year + step + 1, 1, 1))


def _weekend(today: date, step: int) -> Days:
    """Saturday and Sunday: the running one or the last that was; `last` never means the running one."""
    saturday = today - timedelta(days=(today.isoweekday() + 1) % 7)
    running = today.isoweekday() >= 6
    if step < 0 and running:
        saturday -= timedelta(days=7)
    if step > 0:
        saturday += timedelta(days=7)
    return Days(saturday, saturday + timedelta(days=2))


def _month(today: date, step: int) -> date:
    months = today.year * 12 + today.month - 1 + step
    return date(months // 12, months % 12 + 1, 1)


def _read_month(match: re.Match[str], reader: _Reader) -> Days | None:
    month = _number_of(match, "m", 12)
    found = _dated(reader.today, match["year"], month, 1)
    return found and Days(found.first, _month(found.first, 1))


def _read_week(match: re.Match[str], reader: _Reader) -> Days | None:
    named = match.groupdict()
    week, today = int(named["week"]), reader.today
    years = [int(named["year"])] if named.get("year") else [today.year + step for step in (1, 0, -1, -2)]
    for year in years:
        try:
            monday = date.fromisocalendar(year, week, 1)
        except ValueError:
            continue  # few years have a week 53
        if named.get("year") or monday - today < _SOON:
            return Days(monday, monday + timedelta(days=7))
    return None


def _days_from_today(first: int, count: int = 1) -> Callable[[re.Match[str], _Reader], Days]:
    return lambda _, reader: Days(reader.today + timedelta(days=first), reader.today + timedelta(days=first + count))


def _read_tomorrow_or_morning(match: re.Match[str], reader: _Reader) -> Days | Part:
    if _AFTER_A_DAY.search(reader.text, 0, match.start()):
        return Part("morning")
    return Days(reader.today + timedelta(days=1), reader.today + timedelta(days=2))


_AFTER_A_DAY = spelled(r"(?:gestern|heute|tag|mittwoch|sonnabend|\d\.)\s*$")


def _read_part(match: re.Match[str], _: _Reader) -> Part:
    return Part(_one_of(match, tuple(_PARTS)), THIS if match["this"] else LAST if match["some"] else "")


def _read_clock(match: re.Match[str], reader: _Reader) -> Clock | None:
    named = match.groupdict()
    hour, minute = int(named["hour"]), int(named.get("minute") or named.get("after") or 0)
    half = (named.get("half") or "").lower().replace(".", "")
    if hour > 24 or minute > 59 or (hour == 24 and minute) or (half and not 1 <= hour <= 12):
        return None
    sure = bool(named.get("minute") or half or named.get("word"))
    if not sure and (hour > 24 or reader.numbers_a_thing(match.start(), match.end())):
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if named.get("zone"):
        there = datetime.combine(reader.today, time(hour % 24, minute), tzinfo=UTC)
        return Clock(there.astimezone(reader.plant.time_zone).time())
    return Clock(time(hour % 24, minute), half, sure)


def _read_spoken(match: re.Match[str], _: _Reader) -> Clock | None:
    """Half past six and halb sieben are 06:30; viertel nach counts on, dreiviertel sieben lacks a quarter."""
    named = match.groupdict()
    hour = _count(named["spoken"])
    half = (named.get("half") or "").lower().replace(".", "")
    if not 1 <= hour <= 24 or (half and hour > 12):
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    part, side = named["part"].lower(), (named["side"] or "").lower()
    minutes = {"half": 30, "halb": -30, "quarter": 15, "viertel": 15, "dreiviertel": -15}[part]
    if side in ("to", "vor"):
        minutes = -abs(minutes)
    elif part == "viertel" and not side:
        minutes = -45
    total = (hour * 60 + minutes) % (24 * 60)
    return Clock(time(total // 60, total % 60), half)


def _read_day_of_month(match: re.Match[str], reader: _Reader) -> Days | None:
    """The last such day of a month, today included."""
    if not hour_stands_alone(reader.text, match.end()):
        return None
    tries = (_month(reader.today, step) for step in (0, -1, -2))
    days = (_day(first.year, first.month, int(match["day"])) for first in tries)
    return next((day for day in days if day and day.first <= reader.today), None)


def _read_hours(match: re.Match[str], _: _Reader) -> Clock | None:
    named = match.groupdict()
    first = _CLOCK.fullmatch(match["begin"])
    last = _CLOCK.fullmatch(match["end"] + (named["half"] or ""))
    if not (first and last) or not (named["half"] or named["word"] or (first["minute"] and last["minute"])):
        return None  # 3-5 may be anything
    begin, end = _read_clock(first, _), _read_clock(last, _)
    return begin and end and Clock(begin.at, begin.half, until=end)


def hour_stands_alone(text: str, at: int) -> bool:
    """Whether what follows a bare number at text[:at] lets it be an hour: "since 6 on line 3", not "since 6 lots"."""
    return bool(_END_OF_HOUR.match(text, at))


def _read_rolling(match: re.Match[str], _: _Reader) -> Rolling | Shift | None:
    named = match.groupdict()
    unit = _one_of(match, tuple(_UNITS))
    count = _count(named["count"]) if named.get("count") else 1
    if unit == "shift":
        return Shift(which=NEXT if named.get("next") else LAST, count=count) if not named.get("ago") else None
    return Rolling(count, unit, ahead=bool(named.get("next")), ago=bool(named.get("ago")))


def _always(meaning: Meaning) -> Callable[[re.Match[str], _Reader], Meaning]:
    return lambda _, __: meaning


_SPOKEN = rf"(?P<spoken>\d{{1,2}}|{'|'.join(_COUNTS)})"
_HALF = r"(?P<half>[ap]\.?m\.?(?!\s+(?:\w+tag|mittwoch|sonnabend|wochenende|morgen|abend|\d)))"
_CLOCK = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?(?P<half>[ap]\.?m\.?)?", re.IGNORECASE)
_HOUR = r"\d{1,2}(?:[:.]\d\d)?"
_SOME = "in the|during the|am|in der|während der|im laufe des"
_LAST_NIGHT = "last night|yesterday night|overnight|über nacht|(?:letzte|vergangene|vorige|gestern)[rn]? nacht"
_SHIFT_START = (
    r"(?:the )?(?:start|beginning) of (?:the |this |our |my )?(?:current )?shift|"
    r"(?:the )?shift (?:start(?:ed)?|began|begin)|schicht(?:beginn|anfang|start)"
)
_PERIOD = "(?:(?P<weekend>weekend|wochenende)|(?P<week>week|woche)|(?P<month>month|monat)|(?P<year>year|jahr))"
_WEEK = "(?:calendar |iso )?week|wk|cw|kw|kalenderwoche|woche"
_YEAR = r"(?:,?\s*(?P<year>(?:19|20)\d\d))?"
_RULES: tuple[_Rule, ...] = tuple(
    (spelled(f"(?:{pattern}){_ENDING}"), meaning_of)
    for pattern, meaning_of in (
        (r"today|heute?", _days_from_today(0)),
        (r"yesterday|gestern", _days_from_today(-1)),
        (r"(?:the )?day before yesterday|vorgestern", _days_from_today(-2)),
        (r"tomorrow", _days_from_today(1)),
        (r"(?:the )?day after tomorrow|übermorgen", _days_from_today(2)),
        (r"morgen", _read_tomorrow_or_morning),
        (r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?(?:\s*(Z|UTC|[+-]\d\d:\d\d))?)?", _read_iso),
        (r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.(?P<year>\d{4}|\d{2})?", _read_dotted),
        (r"(?P<one>\d{1,2})/(?P<two>\d{1,2})/(?P<year>\d{4}|\d{2})", _read_slashed),
        (rf"(?P<day>\d{{1,2}})(?P<mark>st|nd|rd|th|\.)?\s*(?:of\s+)?{_MONTH}{_YEAR}", _read_named_date),
        (
            rf"(?P<day>\d{{1,2}})(?P<mark>\.)?\s*(?:-|–|bis|to)\s*(?:zum\s+)?(?P<until>\d{{1,2}})\.?\s*{_MONTH}{_YEAR}",
            _read_named_date,
        ),
        (
            rf"(?P<day>\d{{1,2}})(?P<mark>\.)(?=\s*(?:auf|zum)(?: den)? \d{{1,2}}\.?\s*{_MONTH}{_YEAR})",
            _read_named_date,
        ),
        (
            rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*(?:-|–|to)\s*(?P<until>\d{{1,2}})(?![:\d]))?{_YEAR}",
            _read_named_date,
        ),
        (rf"(?:in|im)\s+{_MONTH}{_YEAR}(?!\s*\d)", _read_month),
        (rf"{_MONTH}\s+(?P<year>(?:19|20)\d\d)", _read_month),
        (rf"(?:{_WHICH}\s+)?{_WEEKDAY}", _read_weekday),
        (rf"{_WHICH}\s+{_SHORT_WEEKDAY}", _read_weekday),
        (rf"(?:(?<=on )|(?<=since )|(?<=from ))(?:{_WHICH}\s+)?{_SHORT_WEEKDAY}", _read_weekday),
        (rf"{_WHICH}\s+(?:calendar )?{_PERIOD}", _read_period),
        (r"(?:over the|on the|at the|am|übers?|über das) (?:weekend|wochenende)", lambda _, r: _weekend(r.today, 0)),
        (rf"(?:{_WEEK})\.?\s*(?P<week>\d{{1,2}})(?:(?:\s+of\s+|\s*/\s*|\s+)(?P<year>20\d\d))?", _read_week),
        (r"(?P<year>20\d\d)-?W(?P<week>\d\d)", _read_week),
        (rf"(?:(?P<this>this|diese[rnsm]?)\s+|(?P<some>{_SOME})\s+)?{_PART}(?![\s-]*(?:shift|schicht))", _read_part),
        (rf"(?:{_LAST_NIGHT})(?:['’]s shift)?", _always(Night(-1))),
        (r"(?:the )?night before last|vorletzte[rn]? nacht", _always(Night(-2))),
        (r"tonight|this night", _always(Night(None, NEXT))),
        (r"heute? nacht|diese[rn]? nacht", _always(Night(None, LAST))),
        (r"last evening", _always(Part("evening", YESTERDAY))),
        (r"(?:(?<=on )|(?<=since )|(?<=until )|(?<=from ))the (?P<day>\d{1,2})(?:st|nd|rd|th)", _read_day_of_month),
        (r"(?:(?<=am )|(?<=vom )|(?<=zum )|(?<=dem ))(?P<day>\d{1,2})\.", _read_day_of_month),
        (rf"{_LAST}\s+(?:{_COUNT}\s*)?{_UNIT}", _read_rolling),
        (rf"{_NEXT}\s+{_COUNT}\s*{_UNIT}", _read_rolling),
        (rf"{_COUNT}\s*{_UNIT}\s+(?P<ago>ago)", _read_rolling),
        (rf"(?P<ago>vor)\s+{_COUNT}\s*{_UNIT}", _read_rolling),
        (r"recently|lately|kürzlich|neulich|in (?:der )?letzte[nr] zeit", _always(Rolling(1, "day", vague=True))),
        (r"just now|gerade eben|soeben", _always(Rolling(1, "hour", vague=True))),
        (rf"{_WHICH}\s+(?:shift|schicht)", lambda m, _: Shift(which=_which(m))),
        (r"outgoing shift", _always(Shift(which=THIS))),
        (r"(?:the )?shift before last|vorletzte[nr]? schicht", _always(Shift(which="before_last"))),
        (r"(?:the )?shift before|schicht davor", _always(Shift(which=LAST))),
        (_SHIFT_START, _always(Shift(which=THIS))),
        (rf"(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::\d\d)?(?:\s*(?:uhr|h|hrs|{_HALF}))?", _read_clock),
        (r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?:uhr\s*)?(?P<zone>UTC|GMT)", _read_clock),
        (rf"(?P<part>half|quarter)\s+(?P<side>past|to)\s+{_SPOKEN}(?:\s*{_HALF})?", _read_spoken),
        (rf"(?P<part>halb|viertel|dreiviertel)\s+(?:(?P<side>nach|vor)\s+)?{_SPOKEN}(?:\s+uhr)?", _read_spoken),
        (r"(?P<hour>\d{1,2})\.(?P<minute>\d\d)\s*uhr", _read_clock),
        (r"(?P<hour>\d{1,2})\s*(?P<word>uhr|o['’]?clock)(?:\s+(?P<after>[0-5]\d)(?!\d))?", _read_clock),
        (rf"(?P<hour>\d{{1,2}})\s*{_HALF}", _read_clock),
        (r"(?P<hour>0\d)(?P<minute>[0-5]\d)(?:\s*(?:h|hrs|hours|uhr))?", _read_clock),
        (r"(?P<hour>\d\d)(?P<minute>[0-5]\d)\s*(?:hrs|hours|uhr)", _read_clock),
        (rf"(?P<begin>{_HOUR})\s*[-–—]\s*(?P<end>{_HOUR})(?:\s*(?:(?P<word>uhr|h\b)|{_HALF}))?", _read_hours),
        (r"(?P<hour>\d{1,2})", _read_clock),
        (r"midnight|mitternacht", _always(Clock(time(0)))),
        (r"since|seit(?: dem)?|ab|starting(?: at)?", _always(Joint("since"))),
        (r"after|nach", _always(Joint("after"))),
        (r"until|till|up to|before|bis|vor", _always(Joint("until"))),
        (r"from|between|zwischen|von|vom", _always(Joint("from"))),
        (r"to|and|und|through|thru", _always(Joint("to"))),
        (r"auf(?: den)?|zum?(?: den)?|into", _always(Joint("onto"))),
        (r"at|um|gegen|around|about", _always(Joint("around"))),
    )
)  # fmt: skip

_SHIFT_WORD = spelled(r"(?:\b|[\s-])*(?:shift|schicht)\b")
_GENERIC = (
    "early", "morning", "day", "late", "afternoon", "evening", "night", "swing", "graveyard",
    "first", "second", "third", "1st", "2nd", "3rd", "früh", "morgen", "tag", "tages", "spät", "nachmittags?", "mittel",
    "mittags?", "abend", "nacht", "erste[nr]?", "zweite[nr]?", "dritte[nr]?", "[1-3]",
)  # fmt: skip


def _named_shifts(plant: Plant) -> Iterator[_Rule]:
    """The plant's own names for its shifts, and the names that every plant understands."""
    own = [re.escape(name) for pattern in plant.shifts for name in (pattern.name, *pattern.aliases)]
    bare = [name for name in own if _SHIFT_WORD.search(name) or "\\ " in name or len(name) > 7]
    stems = [re.sub(r"[\s\\-]*(?:shift|schicht)$", "", name, flags=re.IGNORECASE) for name in own]
    names = "|".join(sorted({*stems, *_GENERIC} - {""}, key=len, reverse=True))
    whole = (
        rf"(?:{_WHICH}\s+)?(?:(?P<name>{names})(?:['’]s)?[\s-]*(?:shift|schicht)|(?:shift|schicht)\s+(?P<tail>{names}))"
    )
    yield spelled(whole + r"(?!\w)"), _read_named_shift
    several = rf"{_LAST}\s+{_COUNT}\s+(?P<name>{names})[\s-]*(?:shifts|schichten)(?P<tail>)(?!\w)"
    yield spelled(several), _read_named_shift
    if plant.roster:
        crews = "|".join(re.escape(crew).replace("\\-", r"[\s_-]") for crew in sorted({c for _, _, c in plant.roster}))
        yield spelled(rf"(?P<crew>{crews})(?:['’]?s)?\s+(?:{_WHICH}\s+)?(?:shift|schicht)(?!\w)"), _read_crew_shift
        of_crew = rf"(?:{_WHICH}\s+)?(?:shift|schicht)\s+(?:of|by|von|der)\s+(?P<crew>{crews})(?!\w)"
        yield spelled(of_crew), _read_crew_shift
    if bare:
        listed = "|".join(sorted(bare, key=len, reverse=True))
        yield spelled(rf"(?:{_WHICH}\s+)?(?P<name>{listed})(?P<tail>)(?!\w)"), _read_named_shift


def _read_named_shift(match: re.Match[str], _: _Reader) -> Shift:
    count = _count(match["count"]) if match.groupdict().get("count") else 1
    return Shift(name=match["name"] or match["tail"], which=_which(match), count=count)


def _read_crew_shift(match: re.Match[str], reader: _Reader) -> Shift:
    said = re.sub(r"[\s_-]", "", match["crew"].casefold())
    crew = next(c for _, _, c in reader.plant.roster if re.sub(r"[\s_-]", "", c.casefold()) == said)
    return Shift(which=_which(match), crew=crew)
