"""Times, durations and quantities in a text from the floor; where a number or an hour can be read in two ways, both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal

from lineside.agent.capture_words import COUNTED_TIME, SPOKEN_TIMES, amount, of_time
from lineside.agent.captured import Field, Inferred, Meant
from lineside.agent.wording import NUMBER_WORDS, fold
from lineside.interpretation.capture_cues import cues
from lineside.interpretation.reading import clock
from lineside.plant.plant import Plant
from lineside.plant.quantities import plain, unit
from lineside.plant.window_words import hour_stands_alone
from lineside.plant.windows import FoundWindow, Window, find_window

_MOST = 3
_AROUND = timedelta(minutes=30)
_VAGUE = timedelta(hours=1)
_HALF_A_DAY = timedelta(hours=12)
_BARE = re.compile(
    r"(?P<day>.*?)\b(?:at|around|about|since|from|after|um|gegen|seit|ab|nach|von)\s+(?P<hour>\d{1,2})", re.IGNORECASE
)
_UNITS = {"min": "minutes", "hou": "hours", "h": "hours", "stu": "hours", "std": "hours"}
_AGO = re.compile(
    r"(?<![\w.,])(?:(?P<count>\d{1,3})\s*(?P<unit>minutes?|mins?|hours?|h)\s+ago|"
    r"vor\s+(?P<zahl>\d{1,3})\s*(?P<einheit>minuten?|min|stunden?|std|h))(?!\w)",
    re.IGNORECASE,
)
_BREAK = re.compile(r",\s|[.;!?]\s|\n|\s[-–—]\s|\s(?:and|und)\s")
_HOUR = re.compile(
    r"(?<!\w)(?:at|around|about|um|gegen)\s+(?P<hour>\d{1,2})(?::(?P<minute>[0-5]\d))?"
    r"(?:\s*(?:(?P<half>[ap]\.?m\.?)|(?P<word>uhr|o['’]?clock)))?(?![\w%:])",
    re.IGNORECASE,
)
_PART = re.compile(r"night|morning|evening|noon|nacht|morgen|abend|mittag|früh|frueh|vormittag", re.IGNORECASE)
_UP_TO = re.compile(r"\s*(?:until|till|up to|before|bis)\b", re.IGNORECASE)
_SINCE = re.compile(r"(?<!\w)(?:since|seit|ab|after|nach|starting)(?!\w)", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}[.,]\d{3}")


def times(
    text: str,
    covered: Sequence[tuple[int, int]],
    cues: Sequence[tuple[int, int]],
    *,
    at: datetime,
    plant: Plant,
    ahead: bool,
) -> Iterator[Inferred]:
    """When it began and ended, on the plant's clock. covered: stretches that say something else. cues: words like
    `because`, before which an hour stands alone. ahead: a bare hour may be to come, so it is left."""
    left = text
    for start, _ in cues:
        left = f"{left[:start]};{left[start + 1 :]}"
    for start, end in covered:
        left = _blanked(left, start, end)
    told: list[Inferred] = []
    for ago in _AGO.finditer(left):
        length = timedelta(**{_UNITS[(ago["unit"] or ago["einheit"])[:3].casefold()]: int(ago["count"] or ago["zahl"])})
        told.append(_told(Field.BEGAN, ago.span(), [at - length], plant))
        left = _blanked(left, *ago.span())
    windows: list[tuple[Window, bool, list[Inferred]]] = []
    for _ in range(_MOST):
        found = find_window(left, now=at, plant=plant)
        if found is None or not found.words or (start := left.find(found.words)) < 0:
            break
        end = start + len(found.words)
        while start < end and left[start].isspace():
            start += 1
        moments = list(_moments(text, found, (start, end), at=at, plant=plant))
        windows.append((found.window, bool(_SINCE.search(found.words)), moments))
        left = _blanked(left, start, end)
    for window, since, moments in windows:
        closer = (w for w, _, _ in windows if w is not window and window.start <= w.start and w.end <= window.end)
        if since or not any(closer):  # "night shift: down from 02:15 to 03:40" is told by its hours
            told += moments
    yield from told
    if not ahead and not any(each.field is Field.BEGAN for each in told):
        yield from _at_an_hour(left, at, plant)


def _told(field: Field, span: tuple[int, int], moments: Iterable[datetime], plant: Plant) -> Inferred:
    local = [moment.astimezone(plant.time_zone) for moment in moments]
    readings = tuple(Meant(each.isoformat(), clock(each, plant)) for each in local)
    return Inferred(field=field, start=span[0], end=span[1], readings=readings, by="clock")


def _at_an_hour(text: str, at: datetime, plant: Plant) -> Iterator[Inferred]:
    """A clock time alone, which is of the last 24 hours: `at 2`, `um 14 Uhr`, `at 2 am`."""
    for found in _HOUR.finditer(text):
        hour, half = int(found["hour"]), (found["half"] or "").casefold().replace(".", "")
        bare = not (found["minute"] or half or found["word"])
        if hour > 24 or (half and not 1 <= hour <= 12) or (bare and not hour_stands_alone(text, found.end())):
            continue
        hours = [hour % 12 + (12 if half == "pm" else 0)] if half else [hour % 24]
        if bare and 1 <= hour <= 12:
            hours.append((hour + 12) % 24)
        local = [_last(time(each, int(found["minute"] or 0)), at, plant) for each in hours]
        readings = tuple(Meant(each.isoformat(), clock(each, plant)) for each in local)
        yield Inferred(field=Field.BEGAN, start=found.start(), end=found.end(), readings=readings, by="clock")
        return


def _last(hours: time, at: datetime, plant: Plant) -> datetime:
    """When the plant's clock last showed it."""
    today = at.astimezone(plant.time_zone).date()
    moment = datetime.combine(today, hours, tzinfo=plant.time_zone)
    return moment if moment <= at else datetime.combine(today - timedelta(days=1), hours, tzinfo=plant.time_zone)


def _moments(text: str, found: FoundWindow, span: tuple[int, int], *, at: datetime, plant: Plant) -> Iterator[Inferred]:
    window, lasts = found.window, found.window.end - found.window.start
    words, since = text[slice(*span)], False
    if found.others:
        return
    if _SINCE.search(words):
        since = True
        before = max((m.end() for m in _BREAK.finditer(text, 0, span[0])), default=0)
        after = _BREAK.search(text, span[1])
        over = cues().runs_again.search(text, before, after.start() if after else len(text))
        if over and before:  # "we cleared it, it runs again since 8": what was told before ended then
            yield _told(Field.ENDED, span, [window.start, *_other_half(words, window.start, at, plant)], plant)
            return
    if not found.explicit:
        if lasts <= _AROUND:  # an instant, told as a quarter of an hour to both sides
            moment = window.start + lasts / 2
            yield _told(Field.BEGAN, span, [moment, *_other_half(words, moment, at, plant)], plant)
        elif lasts > _VAGUE and since:
            yield _told(Field.BEGAN, span, [window.start], plant)
        return
    if _UP_TO.match(words):
        yield _told(Field.ENDED, span, [window.end], plant)
        return
    yield _told(Field.BEGAN, span, [window.start, *_other_half(words, window.start, at, plant)], plant)
    if window.end != at and not since:
        yield _told(Field.ENDED, span, [window.end], plant)


def _other_half(words: str, moment: datetime, at: datetime, plant: Plant) -> Iterator[datetime]:
    """What a bare hour means on the other half of the dial: `at 2` is 02:00 or 14:00."""
    bare = _BARE.fullmatch(words.strip())
    if not bare or _PART.search(words) or not 1 <= int(bare["hour"]) <= 12:
        return
    local = moment.astimezone(plant.time_zone)
    hour = (local.hour + 12) % 24
    other = datetime.combine(local.date(), time(hour, local.minute), tzinfo=plant.time_zone)
    if not bare["day"].strip() and other > at:
        other = datetime.combine(local.date() - timedelta(days=1), time(hour, local.minute), tzinfo=plant.time_zone)
    if other <= at and other.utcoffset() is not None and at - other < 4 * _HALF_A_DAY:
        yield other


def amounts(text: str) -> Iterator[Inferred]:
    """Figures with their units: durations where the unit measures time, else quantities."""
    for found in amount().finditer(text):
        spelled = unit(found["unit"])
        readings = tuple(Meant(f"{number} {spelled}", f"{number} {spelled}") for number in _numbers(found["number"]))
        field = Field.DURATION if of_time(found["unit"]) else Field.QUANTITY
        yield Inferred(field=field, start=found.start(), end=found.end(), readings=readings)


def _numbers(written: str) -> tuple[str, ...]:
    """What the figure may be: `1.200` is twelve hundred to some and one and a fifth to others."""
    if _THOUSANDS.fullmatch(written) and not written.startswith("0"):
        whole = re.sub(r"[.,]", "", written)
        return plain(Decimal(whole)), plain(Decimal(written.replace(",", ".")))
    if len(re.findall(r"[.,]", written)) > 1:
        return (plain(Decimal(re.sub(r"[.,]", "", written))),)
    return (plain(Decimal(written.replace(",", "."))),)


def spoken_durations(text: str) -> Iterator[Inferred]:
    """`half an hour`, `eine Viertelstunde`."""
    used: list[tuple[int, int]] = []
    for pattern, lasting in SPOKEN_TIMES:
        for found in pattern.finditer(text):
            if not any(found.start() < end and start < found.end() for start, end in used):
                used.append(found.span())
                readings = (Meant(lasting, lasting),)
                yield Inferred(field=Field.DURATION, start=found.start(), end=found.end(), readings=readings)

    for found in COUNTED_TIME.finditer(text):
        if not any(found.start() < end and start < found.end() for start, end in used):
            lasting = f"{NUMBER_WORDS[fold(found['count'])]} {unit(found['unit'])}"
            yield Inferred(
                field=Field.DURATION, start=found.start(), end=found.end(), readings=(Meant(lasting, lasting),)
            )


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + "#" * (end - start) + text[end:]
