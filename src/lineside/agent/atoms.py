"""The checkable parts of a sentence: times, dates, ids, numbers with their units, and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

from lineside.agent.plainwords import word_set
from lineside.plant.quantities import Quantity, number, unit

_MONTHS = {
    name: 1 + index
    for row in ("jan feb mar apr may jun jul aug sep oct nov dec", "jan feb mär apr mai jun jul aug sep okt nov dez")
    for index, name in enumerate(row.split())
}
_MONTH = r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]*\.?"
_WORD_NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "twice": 2, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8,
    "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12, "zweimal": 2, "dreimal": 3,
}  # fmt: skip
UNITS = word_set(
    """
    ea kg g mg t L mL hL m3 m2 h min s d ms m mm cm km Cel K °F % bar mbar Pa kPa MPa N Nm V A W kW kWh MW Hz rpm
    ppm pH [lb_av] [in_i] [ft_i] lb oz gal ft in psi case pallet box carton drum bag roll reel tray crate bottle can
    tote bin karton kiste palette fass sack rolle dose flasche set pair m/min L/h kg/h t/h ea/h ea/min /h /m
    """
)
_PLURALS = {f"{name}s": name for name in UNITS if len(name) > 2 and name.isalpha()} | {
    "boxes": "box", "kartons": "karton", "kisten": "kiste", "paletten": "palette", "fässer": "fass", "säcke": "sack",
    "rollen": "rolle", "dosen": "dose", "flaschen": "flasche", "cubic meters": "m3", "litres": "L", "liters": "L",
    "kilograms": "kg", "kilogram": "kg", "kilo": "kg", "kilos": "kg", "tons": "t", "tonnes": "t", "tonnen": "t",
    "stunden": "h", "stunde": "h", "minuten": "min", "sekunden": "s", "tage": "d", "tag": "d", "days": "d", "day": "d",
    "prozent": "%", "grad": "Cel", "hrs": "h", "hr": "h", "mins": "min", "secs": "s", "meter": "m", "metres": "m",
    "meters": "m", "grams": "g",
}  # fmt: skip

_ISO = re.compile(
    r"\b(?P<date>\d{4}-\d{2}-\d{2})(?:[T ](?P<time>\d{1,2}:\d{2})(?::\d{2}(?:\.\d+)?)?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2}| ?[A-Z]{3,5}\b)?)?(?![\w-])"
)
_CLOCK = re.compile(
    r"(?<![\w:.,])(?P<time>\d{1,2}:\d{2})(?::\d{2})?(?P<half> ?[ap]\.?m\b\.?)?"
    r"(?P<zone> (?:[A-Z]{3,5})\b| Uhr\b)?(?!\w|:\d)",
    re.IGNORECASE,
)
_HOUR = re.compile(r"(?<![\w:.,-])(?P<hour>\d{1,2})(?P<half> ?[ap]\.?m\b\.?| Uhr\b)", re.IGNORECASE)
_DAY_MONTH = re.compile(
    rf"(?<![\w.])(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? (?P<month>{_MONTH})|"
    rf"(?P<month2>{_MONTH}) (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?)"
    r"(?:,? (?P<year>20\d\d))?(?!\w)",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"(?<![\w.])(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>(?:20)?\d\d)?(?![\w.])")
_WORD = re.compile(r"[^\W_][\w]*(?:[-/@.:#+&'][\w]+)*")
_NUMBER = re.compile(r"(?<![\w])[-+−]?\d+(?:[.,'\u202f ]\d{3})*(?:[.,]\d+)?(?![\w])|(?<![\w])[-+−]?\d+(?:[.,]\d+)+")
_UNIT = re.compile(r"\s*(?:(%|°C|°F)|((?:\[)?[A-Za-zµäöüÄÖÜß]+(?:\])?\d?(?:/[A-Za-z]+)?))")
_GLUED = re.compile(
    r"(?<![\w.,-])(\d+(?:[.,]\d+)?)(kg|g|mg|t|l|ml|h|min|s|d|mm|cm|m|kw|kwh|bar|ea|pcs|stk)(?!\w)", re.IGNORECASE
)
_RATE = re.compile(r"(?<![\w.,-])(\d+(?:[.,]\d+)*)(?: ?/ ?| per )(h|hour|hr|min|minute)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Time:
    """A wall-clock time, with its day and zone where the sentence says them."""

    text: str
    time: time | None
    day: date | None = None
    month_day: tuple[int, int] | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as written; `readings` are the values it may mean (1.200 is 1.2 or 1200)."""

    text: str
    readings: tuple[Decimal, ...]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Atoms:
    times: tuple[Time, ...] = ()
    ids: tuple[str, ...] = ()
    amounts: tuple[Amount, ...] = ()
    names: tuple[str, ...] = ()
    openers: tuple[str, ...] = field(default=())  # capitalised only because a sentence starts with them, perhaps


def atoms(text: str) -> Atoms:
    """Every checkable part of `text`, each character used once: times before ids, ids before numbers."""
    times, rest = _take_times(text)
    amounts: list[Amount] = []

    def glued(match: re.Match[str]) -> str:
        amounts.append(Amount(match[0], readings(match[1]), known_unit(match[2])))
        return _blank(match)

    def rate(match: re.Match[str]) -> str:
        amounts.append(Amount(match[0], readings(match[1]), f"/{match[2][:1].lower()}"))
        return _blank(match)

    rest = _GLUED.sub(glued, _RATE.sub(rate, rest))
    ids: list[str] = []

    def take_id(match: re.Match[str]) -> str:
        token = match[0]
        if any(c.isdigit() for c in token) and any(c.isalpha() for c in token):
            ids.append(token)
            return _blank(match)
        if re.search(r"\d[-/@:#]\d", token):
            ids.append(token)
            return _blank(match)
        return token

    rest = _WORD.sub(take_id, rest)
    for match in _NUMBER.finditer(rest):
        follows = _UNIT.match(rest, match.end())
        found = known_unit(follows[1] or follows[2]) if follows else ""
        amounts.append(Amount(match[0], readings(match[0]), found))
    for match in _WORD.finditer(rest):
        spelt = _WORD_NUMBERS.get(match[0].casefold())
        amounts += [] if spelt is None else [Amount(match[0], (Decimal(spelt),))]
    names, openers = _names(rest)
    return Atoms(tuple(times), tuple(ids), tuple(amounts), tuple(names), tuple(openers))


def known_unit(text: str) -> str:
    """The unit's one spelling, empty where the word is no unit."""
    plain = text.strip()
    if not plain:
        return ""
    single = _PLURALS.get(plain.casefold(), plain)
    spelt = unit(single)
    if spelt in UNITS:
        return spelt
    return spelt.casefold() if spelt.casefold() in UNITS and len(spelt) > 2 else ""


def readings(text: str) -> tuple[Decimal, ...]:
    """The values that a number as written may have: 1,200 is 1200 or 1.2."""
    bare = re.sub(r"['\u202f ]", "", text.replace("−", "-")).lstrip("+")
    found = []
    for candidate in (bare.replace(",", ""), bare.replace(".", "").replace(",", ".")):
        value = number(candidate)
        if value is not None and value not in found:
            found.append(value)
    return tuple(found)


def same(one: Amount, other: Amount) -> bool:
    """Whether both may be the same quantity; a bare number equals one with a unit only if the caller says so."""
    if one.unit == other.unit:
        return bool(set(one.readings) & set(other.readings))
    if not one.unit or not other.unit:
        return False
    return any(
        converted is not None and converted.value in one.readings
        for value in other.readings
        if (converted := Quantity(value, other.unit).to(one.unit)) is not None
    )


def moments(text: str) -> Iterator[datetime]:
    """The aware instants that a record's text spells out in ISO form."""
    for match in _ISO.finditer(text):
        try:
            moment = datetime.fromisoformat(match[0].strip())
        except ValueError:
            continue
        if moment.tzinfo is not None:
            yield moment


def _take_times(text: str) -> tuple[list[Time], str]:
    times: list[Time] = []

    def iso(match: re.Match[str]) -> str:
        day = _date(match["date"])
        if day is None:
            return match[0]
        times.append(Time(match[0], _time(match["time"]), day, zone=(match["zone"] or "").strip()))
        return _blank(match)

    def clock(match: re.Match[str]) -> str:
        moment = _time(match["time"], match["half"] or "")
        if moment is None:
            return match[0]
        zone = (match["zone"] or "").strip()
        times.append(Time(match[0], moment, zone=zone if zone.isupper() else ""))
        return _blank(match)

    def hour(match: re.Match[str]) -> str:
        moment = _time(f"{match['hour']}:00", match["half"])
        if moment is None:
            return match[0]
        times.append(Time(match[0], moment))
        return _blank(match)

    def day_month(match: re.Match[str]) -> str:
        month = _MONTHS[(match["month"] or match["month2"])[:3].casefold()]
        return whole_day(match, int(match["day"] or match["day2"]), month, match["year"])

    def dotted(match: re.Match[str]) -> str:
        return whole_day(match, int(match["day"]), int(match["month"]), match["year"])

    def whole_day(match: re.Match[str], day: int, month: int, year: str | None) -> str:
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return match[0]
        full = _date(f"{year if len(year) == 4 else '20' + year}-{month:02d}-{day:02d}") if year else None
        times.append(Time(match[0], None, full, (month, day)))
        return _blank(match)

    for pattern, take in ((_ISO, iso), (_CLOCK, clock), (_HOUR, hour), (_DAY_MONTH, day_month), (_DOTTED, dotted)):
        text = pattern.sub(take, text)
    return times, text


def _names(text: str) -> tuple[list[str], list[str]]:
    names: list[str] = []
    openers: list[str] = []
    for match in _WORD.finditer(text):
        token = match[0]
        if not token[0].isupper():
            continue
        before = text[: match.start()].rstrip(" \t\"'„“(*-–[")
        opens = not before or before[-1] in ".!?:;\n"
        (openers if opens else names).append(token)
    return names, openers


def _blank(match: re.Match[str]) -> str:
    return "¦" + " " * (len(match[0]) - 1)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _time(text: str | None, half: str = "") -> time | None:
    if text is None:
        return None
    hours, minutes = (int(part) for part in text.split(":"))
    mark = half.strip().casefold()[:1]
    if mark in ("a", "p") and 1 <= hours <= 12:
        hours = hours % 12 + (12 if mark == "p" else 0)
    return time(hours, minutes) if hours < 24 and minutes < 60 else None
