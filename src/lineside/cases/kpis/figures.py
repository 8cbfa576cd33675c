"""The figures: what is above and below each line, summed over stretches of time, classes, places and shifts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from math import ceil, fsum, inf
from statistics import median
from typing import TypeAlias

from lineside.cases.kpis.asked import TILES, Asked, tiles
from lineside.cases.kpis.definitions import Definition
from lineside.cases.kpis.elements import Elements, Entry, Waiting
from lineside.cases.kpis.taking import Taken
from lineside.errors import BadRequest
from lineside.plant.equipment import within
from lineside.plant.windows import Window

_Thing: TypeAlias = Entry | Waiting
_US = 1_000_000
_DAYS_S = 48 * 3600
NO_AREA, NO_CLASS, NO_SHIFT = "no area", "no class", "no shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One key figure of one group. numerator, denominator: the sums above and below the line, times in seconds.

    value: the median in seconds for a duration, else the share or what stands above the line in all; None where nothing
    was counted below it. median: the middle one, of an even number the mean of the two in the middle; p90: the smallest
    that nine in ten do not pass; mean and longest beside, all in seconds. waiting: what had begun to wait for it by the
    end of the window and waits still. ages: how many are open by age. refs: the exceptions, proposals or records below
    the line; above: those above it, of a share.
    """

    kpi: Definition
    group: Mapping[str, str]
    window: Window
    numerator: float
    denominator: int
    value: float | None
    median: float | None = None
    p90: float | None = None
    mean: float | None = None
    longest: float | None = None
    waiting: int = 0
    ages: Mapping[str, int] = field(default_factory=dict)
    refs: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    currency: str = ""
    missing: str = ""


def figures(taken: Taken, asked: Asked) -> list[Figure]:
    """The figures in the pack's order, each by its groups in theirs. Raises BadRequest for what the pack lacks."""
    pack = taken.pack
    for key in asked.kpis:
        if key not in pack.definitions:
            raise BadRequest(f"there is no figure {key!r}; there are: {', '.join(pack.definitions)}", kpi=key)
    elements, stretches = Elements(taken), tiles(asked.window, asked.tile, taken.calendar)
    wanted = [d for key, d in pack.definitions.items() if not asked.kpis or key in asked.kpis]
    return [figure for d in wanted for figure in _of(d, elements, asked, stretches)]


def _of(kpi: Definition, elements: Elements, asked: Asked, stretches: Sequence[Window]) -> Iterator[Figure]:
    groups = _Groups(elements.taken, asked)
    starts, as_of = [each.start for each in stretches], elements.taken.as_of
    ends = [each.end for each in stretches]
    known_by = [min(end, as_of) for end in ends]
    told_at = known_by if kpi.stands else ends
    parts = zip(
        stretches,
        elements.of(kpi.numerator, starts, told_at),
        elements.of(kpi.denominator, starts, told_at),
        elements.waits(kpi.denominator, known_by),
        strict=True,
    )
    rows = []
    for (stretch, over, under, waits), end in zip(parts, known_by, strict=True):
        sums, counts = (groups.split([(e, e.at) for e in part]) for part in (over, under))
        rows.append((stretch, sums, counts, groups.split([(w, end) for w in waits])))
    known = sorted({key for _, *parts in rows for part in parts for key in part}) if groups.dimensions else [()]
    for stretch, sums, counts, waiting in rows:
        for key in known:
            group = dict(zip(groups.dimensions, key, strict=True))
            if asked.tile:
                group[asked.tile] = stretch.label
            made = Figure(
                kpi=kpi,
                group={name: group[name] for name in asked.by},
                window=stretch,
                numerator=0.0,
                denominator=0,
                value=None,
                waiting=len(waiting.get(key, ())),
                missing=_missing(kpi, elements),
            )
            above, below = ([e for e in part.get(key, ()) if isinstance(e, Entry)] for part in (sums, counts))
            yield _counted(made, elements.taken, above, below)


def _counted(made: Figure, taken: Taken, over: Sequence[Entry], under: Sequence[Entry]) -> Figure:
    """The figure with what stands above and below its line."""
    kpi, amounts = made.kpi, sorted(e.amount for e in over)
    total, n = fsum(amounts), len(under)
    made = replace(
        made,
        numerator=total / _US if kpi.unit == "duration" else total,
        denominator=n,
        refs=_refs(under),
        above=_refs(over),
    )
    if not n:
        return made
    if len(currencies := sorted({e.currency for e in over})) > 1:
        return replace(made, numerator=0.0, missing=f"{' and '.join(currencies)} are not added up: ask by site")
    if kpi.unit != "duration":
        share = {"%": total / n, "per 100": 100 * total / n}
        return replace(made, value=share.get(kpi.unit, total), currency=currencies[0] if currencies else "")
    middle = median(amounts) / _US
    return replace(
        made,
        value=middle,
        median=middle,
        p90=amounts[ceil(0.9 * len(amounts)) - 1] / _US,
        mean=total / len(amounts) / _US,
        longest=amounts[-1] / _US,
        ages=_ages(taken, amounts) if kpi.stands else {},
    )


def _missing(kpi: Definition, elements: Elements) -> str:
    name = {"effort_saved": "minutes_saved", "cost": "cost_per_hour"}.get(kpi.numerator, "")
    lacks = bool(name) and elements.lacks_rates(kpi.numerator)
    return f"no rate is given: rates.{name} in a pack's case_kpis.toml" if lacks else ""


def _ages(taken: Taken, amounts: Sequence[float]) -> dict[str, int]:
    """How many are of each age, the young ones first."""
    edges = [0.0, *(bound.total_seconds() for bound in taken.pack.ages), inf]
    found = {}
    for low, high in pairwise(edges):
        name = f"over {_age(low)}" if high == inf else f"under {_age(high)}"
        found[name] = sum(low <= each / _US < high for each in amounts)
    return found


def _age(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds < _DAYS_S else f"{seconds / 86_400:g} d"


def _refs(entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(e.ref for e in sorted(entries, key=lambda e: (e.at, e.ref)))


class _Groups:
    """To which group each thing belongs, by all that is asked for but the stretch of time."""

    def __init__(self, taken: Taken, asked: Asked) -> None:
        self.taken, self.asked = taken, asked
        self.dimensions = tuple(each for each in asked.by if each not in TILES)

    def split(self, things: Iterable[tuple[_Thing, datetime]]) -> dict[tuple[str, ...], list[_Thing]]:
        """What is asked for of these, each with its moment, by group."""
        if not self.dimensions and self.asked.case_class is None and self.asked.place is None:
            return {(): [each for each, _ in things]}
        found: dict[tuple[str, ...], list[_Thing]] = {}
        for each, at in things:
            if self.asked.case_class is not None and each.case_class != self.asked.case_class:
                continue
            if self.asked.place is not None and not within(self._place(each), self.asked.place):
                continue
            key = tuple(self._named(name, each, at) for name in self.dimensions)
            found.setdefault(key, []).append(each)
        return found

    def _place(self, each: _Thing) -> str:
        return each.place or self.taken.calendar.plant.site

    def _named(self, dimension: str, each: _Thing, at: datetime) -> str:
        parts = self._place(each).split("/")
        match dimension:
            case "class":
                return each.case_class or NO_CLASS
            case "site":
                return parts[0]
            case "area":
                return "/".join(parts[:2]) if len(parts) > 1 else NO_AREA
            case _:
                slot = self.taken.calendar.at(at)
                return slot.name if slot else NO_SHIFT
