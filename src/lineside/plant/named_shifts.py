"""Which of the plant's shift patterns a spoken name means: its own names first, then its time of day."""

from __future__ import annotations

import re
import unicodedata
from datetime import time

from lineside.plant.plant import Plant, ShiftPattern

# What people call a shift by its time of day, in English and German, and an hour at which only that one is at work.
_TIMES_OF_DAY = (
    (("night", "nights", "nacht", "graveyard", "overnight"), time(2)),
    (("early", "morning", "fruh", "morgen"), time(8)),
    (("day", "days", "tag", "tages"), time(10)),
    (("late", "afternoon", "evening", "swing", "spat", "nachmittag", "nachmittags", "mittel", "abend"), time(19)),
)
_ORDINALS = (("first", "1st", "1", "erste"), ("second", "2nd", "2", "zweite"), ("third", "3rd", "3", "dritte"))
# Shifts are counted from the morning on: the one that starts at 22:00 or at midnight is the last of the day.
_FIRST_START_HOUR = 4


def named_shift(name: str, plant: Plant) -> ShiftPattern | None:
    """The pattern of that name or alias, else the one at work at the time of day that the name says."""
    wanted = _bare(name)
    for pattern in plant.shifts:
        if wanted in map(_bare, (pattern.name, *pattern.aliases)):
            return pattern
    for words, hour in _TIMES_OF_DAY:
        if wanted in words:
            return _called(words, plant) or _at_work(hour, plant)
    for place, words in enumerate(_ORDINALS):
        if wanted in words or wanted.rstrip("nr") in words:
            ordered = sorted(plant.shifts, key=lambda pattern: (pattern.start.hour - _FIRST_START_HOUR) % 24)
            return ordered[place] if place < len(ordered) else None
    return None


def night_shift(plant: Plant) -> ShiftPattern | None:
    """The pattern that works the night: the one named so, else the one at work at 02:00."""
    return named_shift("night", plant)


def _called(words: tuple[str, ...], plant: Plant) -> ShiftPattern | None:
    return next((p for p in plant.shifts if any(_bare(name) in words for name in (p.name, *p.aliases))), None)


def _at_work(hour: time, plant: Plant) -> ShiftPattern | None:
    def covers(pattern: ShiftPattern) -> bool:
        if pattern.start < pattern.end:
            return pattern.start <= hour < pattern.end
        return hour >= pattern.start or hour < pattern.end

    return next(filter(covers, plant.shifts), None)


def _bare(name: str) -> str:
    """The name without the word for shift, case and umlauts, however they were typed."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    plain = re.sub(r"(?<=[aou])e(?=[a-z])", "", plain) if re.search(r"frueh|spaet", plain) else plain
    return re.sub(r"[\s_-]*(?:shift|schicht)[\s_-]*", "", plain).strip()
