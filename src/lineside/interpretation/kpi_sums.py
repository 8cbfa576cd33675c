"""One key figure over any number of lines and shifts: what was summed, of which of them, and what lacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import prod

from lineside.interpretation.kpi_words import Definition, definitions, element_names
from lineside.interpretation.time_model import Cell
from lineside.plant.quantities import unit as spelled
from lineside.plant.records import Json

_AMOUNTS = frozenset(("GQ", "SQ", "PQ"))
_LEAST = 0.5
_TIMES_RATED = frozenset(("PRPQ", "APTQ"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """value: a share, seconds, or units per second; None where it can't be computed, and then `lacking` says what for,
    or `units` which ones can't be summed. share: of the lines' time in the window, how much the figure rests on.
    by_plan, rate_since: as in the cells.
    """

    definition: Definition
    value: float | None
    above: float = 0.0
    below: float = 0.0
    lacking: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    share: float = 1.0
    by_plan: bool = False
    rate_since: datetime | None = None
    factors: tuple[Figure, ...] = field(default=())

    @property
    def shown(self) -> str:
        return "" if self.value is None else self.definition.shown(self.value, next(iter(self.units), ""))

    @property
    def short(self) -> str:
        return f"{self.definition.name} {self.shown}"

    @property
    def made_of(self) -> str:
        """` = availability 90.0 % x ...` for a product, else the fraction."""
        return f" = {' x '.join(f.short for f in self.factors)}" if self.factors else self.fraction

    @property
    def fraction(self) -> str:
        """` = 6.50 h production time / 8.00 h planned busy time`."""
        if self.factors:
            return self.made_of
        one, other = (self._told(e, v) for e, v in ((self.definition.numerator, self.above),
                                                    (self.definition.denominator, self.below)))  # fmt: skip
        return f" = {one} / {other}"

    @property
    def of_shifts(self) -> bool:
        """Whether the plant file's shifts are part of what it rests on."""
        return "PBT" in self.definition.denominator or any(f.of_shifts for f in self.factors)

    def uses(self, cell: Cell) -> bool:
        """Whether the cell is part of the figure."""
        if self.factors:
            return any(f.uses(cell) for f in self.factors)
        return _needed(self.definition) <= cell.elements.keys()

    def to_json(self) -> dict[str, Json]:
        """Its parts, times in hours."""
        told: dict[str, Json] = {
            "kpi": self.definition.key,
            "value": None if self.value is None else round(self.value, 6),
            "unit": self.definition.unit,
            "share_of_time": round(self.share, 4),
        }
        if self.definition.factors:
            return told | {"factors": [f.to_json() for f in self.factors], "lacking": list(self.lacking)}
        for name, elements, total in (("numerator", self.definition.numerator, self.above),
                                      ("denominator", self.definition.denominator, self.below)):  # fmt: skip
            hours = not set(elements) & (_AMOUNTS | {"FE"})
            amount = round(total / 3600 if hours else total, 4)
            unit = "h" if hours else next(iter(self.units), "")
            told[name] = {"elements": list(elements), "value": amount, "unit": unit}
        return told | {"lacking": list(self.lacking)}

    def _told(self, elements: Sequence[str], total: float) -> str:
        name = " and ".join(element_names()[e] for e in elements)
        if set(elements) & {"FE"}:
            return f"{total:.0f} {name}"
        if set(elements) & _AMOUNTS:
            unit = next(iter(self.units), "")
            return f"{total:.0f}{f' {unit}' if unit else ''} {name}"
        return f"{total / 3600:.2f} h {name}"


def figure(definition: Definition, found: Sequence[Cell]) -> Figure:
    """The figure over all of the cells that hold what it needs."""
    if definition.factors:
        return _product(definition, found)
    needed = _needed(definition)
    used = [c for c in found if needed <= c.elements.keys()]
    units = _units(used) if needed & _AMOUNTS else ()
    lacking = tuple(sorted({e for c in found for e in needed - c.elements.keys()}))
    if not used or len(units) > 1:
        return Figure(definition=definition, value=None, lacking=lacking, units=units)
    above, below = (
        sum(c.elements[e] for c in used for e in elements)
        for elements in (definition.numerator, definition.denominator)
    )
    if below <= 0:
        return Figure(definition=definition, value=None, lacking=definition.denominator, units=units)
    whole = sum(_seconds(c, needed)[1] for c in found)
    told = sum(_seconds(c, needed)[0] for c in used)
    return Figure(
        definition=definition,
        value=above / below,
        above=above,
        below=below,
        lacking=lacking,
        units=units,
        share=min(1.0, told / whole) if whole else 1.0,
        by_plan=bool(needed & _TIMES_RATED) and any(c.planned_rate for c in used),
        rate_since=max((c.rate_since for c in used if c.rate_since), default=None) if needed & _TIMES_RATED else None,
    )


def _units(used: Sequence[Cell]) -> tuple[str, ...]:
    """The units that were counted in; a bare count beside one of pieces counts pieces."""
    found = {spelled(c.unit) for c in used}
    return tuple(sorted(found - {""} if found == {"", "ea"} else found))


def _product(definition: Definition, found: Sequence[Cell]) -> Figure:
    factors = tuple(figure(definitions()[key], found) for key in definition.factors)
    # A factor that is known of a small part of the time only says nothing of a product over all of it.
    lacking = tuple(f.definition.name for f in factors if f.value is None or f.share < _LEAST)
    return Figure(
        definition=definition,
        value=None if lacking else prod(f.value for f in factors if f.value is not None),
        lacking=lacking,
        share=min(f.share for f in factors),
        by_plan=any(f.by_plan for f in factors),
        rate_since=max((f.rate_since for f in factors if f.rate_since), default=None),
        factors=factors,
    )


def _needed(definition: Definition) -> frozenset[str]:
    return frozenset((*definition.numerator, *definition.denominator))


def _seconds(cell: Cell, needed: frozenset[str]) -> tuple[float, float]:
    """Of what time the figure tells, and of what it should."""
    heard = cell.window.seconds - cell.parts["unheard"]
    if needed & _TIMES_RATED:
        return cell.elements.get("APTQ", 0.0), cell.parts["production"]
    return (min(cell.counted, heard), heard) if needed & (_AMOUNTS | {"AOET"}) else (heard, heard)
