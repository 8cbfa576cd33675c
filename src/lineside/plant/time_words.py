"""What words for time can mean, before it is known when and where they were said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import TypeAlias

LAST, THIS, NEXT, YESTERDAY = "last", "this", "next", "yesterday"


@dataclass(frozen=True, slots=True)
class Days:
    """Whole local days, `after` excluded. weekday: the ISO weekday, where one was named without a date."""

    first: date
    after: date
    weekday: int | None = None

    @property
    def single(self) -> bool:
        return self.after - self.first == timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a day. day: this, yesterday, last (in the morning); empty where a day must stand beside it."""

    name: str
    day: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. half: am or pm as written. sure: it can't be any other number. until: the end of 6-14 Uhr."""

    at: time
    half: str = ""
    sure: bool = True
    until: Clock | None = None


@dataclass(frozen=True, slots=True)
class Night:
    """The night that begins on an evening: so many evenings from today's; None where it depends on the hour."""

    evenings: int | None
    looking: str = THIS


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift: by name, or (name empty) as the last, this or next one, of a crew where one is named. count: so many."""

    name: str = ""
    which: str = ""
    count: int = 1
    crew: str = ""


@dataclass(frozen=True, slots=True)
class Rolling:
    """So many units before now, or after it. ago: not up to now, but at that distance. vague: we chose the number."""

    count: int
    unit: str
    ahead: bool = False
    ago: bool = False
    vague: bool = False


@dataclass(frozen=True, slots=True)
class Instant:
    """A date with its time, as in 2026-11-03T14:00. zone: an offset as written; empty is local."""

    day: date
    at: time
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Joint:
    """A word that ties marks together: since, after, until, from, to, onto, around."""

    name: str


Meaning: TypeAlias = Days | Part | Clock | Night | Shift | Rolling | Instant | Joint


@dataclass(frozen=True, slots=True)
class Mark:
    """One expression found in a text, at text[start:end]."""

    start: int
    end: int
    meaning: Meaning


def spelled(pattern: str) -> re.Pattern[str]:
    """The pattern, deaf to case and to the ways in which umlauts are typed (ü, ue, u)."""
    for umlaut, plain in (("ä", "a"), ("ö", "o"), ("ü", "u")):
        pattern = pattern.replace(umlaut, f"(?:{umlaut}|{plain}\u0308|{plain}e?)")
    return re.compile(pattern.replace("ß", "(?:ß|ss)"), re.IGNORECASE)
