"""What can repeat: stops, slow running, quality events, late picks, late deliveries, alarms."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from lineside.interpretation.running import running_on
from lineside.interpretation.shipped_orders import Shipped, shipped_orders
from lineside.interpretation.stops import Interval, Loss, intervals
from lineside.interpretation.wording import words
from lineside.memory import View
from lineside.memory.moments import moment
from lineside.memory.picked import picked
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.quantities import Quantity
from lineside.plant.records import quantity
from lineside.plant.windows import Window

KINDS = (
    "nonconformity", "hold_placed", "pick_late", "scrap", "alarm", "excursion", "complaint", "feed_stopped",
)  # fmt: skip
LATE = "late_delivery"
_LABELS = ("reason", "code", "characteristic", "parameter")
CALLED = ("text", *(f"attributes.{name}" for name in _LABELS))  # what an event's label is made of
_ABOUT = ("hold", "lot", "job_order", "sales_order", "shipment")
_TOLD = (*CALLED, "attributes.quantity", "attributes.unit", "material", *_ABOUT)

Ran: TypeAlias = Callable[[str, datetime], str | None]
"""What a line made at a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One case of something that can repeat. label: what it is called; equal but for case and blanks is the same.

    about: the ids of the lot, the order or the shipment that it is a case of. amount: how much of it, where it tells.
    source: who told the first of its records, where that was read along.
    """

    kind: str
    label: str
    equipment: str
    start: datetime
    end: datetime | None
    records: tuple[str, ...]
    text: str = ""
    material: str | None = None
    about: tuple[str, ...] = ()
    amount: Quantity | None = None
    source: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, plainly(self.label), self.equipment)

    @property
    def words(self) -> frozenset[str]:
        return words_of(self.kind, self.label, self.text, self.equipment)

    def seconds(self, until: datetime) -> float:
        return max(0.0, ((self.end or until) - self.start).total_seconds())


@lru_cache(maxsize=10_000)
def plainly(label: str) -> str:
    """The label in small letters with one blank between its words: what is called so is the same."""
    return " ".join(label.lower().split())


@lru_cache(maxsize=10_000)
def words_of(kind: str, label: str, text: str, equipment: str) -> frozenset[str]:
    """The words of a case that is called so."""
    return words(f"{kind.replace('_', ' ')} {label} {text} {equipment.replace('/', ' ')}")


def occurrences(
    view: View, *, equipment: str | None = None, window: Window | None = None, kinds: Collection[str] = ()
) -> list[Occurrence]:
    """Everything that can repeat and began in the window, oldest first; equipment includes what lies below it.

    kinds: only these, by default all.
    """
    ran, found = running_on(view).at, list[Occurrence]()
    if not kinds or not {Loss.STOP, Loss.SLOW}.isdisjoint(kinds):
        found += [c for c in lost(view, equipment, window, ran=ran) if window is None or c.start in window]
    if told := [kind for kind in KINDS if not kinds or kind in kinds]:
        found += happened(view, told, equipment, window, ran=ran)
    if not kinds or LATE in kinds:
        found += [c for c in late(view, window) if equipment is None or within(c.equipment, equipment)]
    if kinds:
        found = [c for c in found if c.kind in kinds]
    return sorted(found, key=lambda o: (o.start, o.records))


def lost(view: View, equipment: str | None = None, window: Window | None = None, *, ran: Ran) -> list[Occurrence]:
    """The stops and the slow running that overlap the window."""
    found = [i for i in intervals(view, equipment, window) if i.loss in (Loss.STOP, Loss.SLOW)]
    return [_of_interval(i, ran) for i in found]


def happened(
    view: View, kinds: Sequence[str], equipment: str | None = None, window: Window | None = None, *, ran: Ran
) -> list[Occurrence]:
    """What events of these kinds tell of, in no order."""
    now = view.as_of
    told = [
        (record, kind, source, place, at, json.loads(said))
        for record, kind, source, place, when, _, said in picked(view, kinds, _TOLD, equipment=equipment, within=window)
        if (at := moment(when)) <= now
    ]
    subjects = len(CALLED) + 2
    bare = {lot for _, _, _, place, _, said in told if (lot := said[subjects + 2]) and not said[subjects] and not place}
    lots = [Entity(EntityKind.LOT, lot) for lot in sorted(bare)]
    made = {s.entity.id: s.text for s in view.said(entities=lots, properties=("material",))}
    return [_of_event(event, ran, made) for event in told]


def late(view: View, window: Window | None = None) -> list[Occurrence]:
    """The order lines that left in the window later than promised."""
    return [_of_late(s) for s in shipped_orders(view, window) if s.late]


def called(said: Sequence[Any]) -> str:
    """What a case is called, out of what its event says at `CALLED`."""
    text, *labels = said
    return next((str(label) for label in labels if label), text or "")


def place_of(equipment: str | None, material: str | None) -> str:
    """Where a case is: on equipment, else of a material, else empty."""
    return equipment or (str(Entity(EntityKind.MATERIAL, material)) if material else "")


def amount_of(cases: Sequence[Occurrence]) -> Quantity | None:
    """How much all of the cases are of; None where one tells none, or they tell it in several units."""
    amounts = [c.amount for c in cases if c.amount is not None]
    if len(amounts) < len(cases) or len({a.unit for a in amounts}) != 1:
        return None
    return Quantity(sum((a.value for a in amounts), Decimal(0)), amounts[0].unit)


def _of_interval(interval: Interval, ran: Ran) -> Occurrence:
    return Occurrence(
        kind=str(interval.loss),
        label=interval.why,
        equipment=interval.equipment,
        start=interval.start,
        end=interval.end,
        records=interval.records,
        text=interval.text,
        material=interval.material or ran(interval.equipment, interval.start),
        about=tuple(n for n in (interval.lot, interval.job_order) if n),
        source=interval.source,
    )


def _of_late(shipped: Shipped) -> Occurrence:
    return Occurrence(
        kind=LATE,
        label="",
        equipment=shipped.dock,
        start=shipped.left,
        end=shipped.left,
        records=shipped.records,
        text=f"{shipped.line} by {shipped.shipment}",
        material=shipped.levels.get("material"),
        about=(shipped.line,),
    )


def _of_event(
    event: tuple[str, str, str, str | None, datetime, Sequence[Any]], ran: Ran, made: Mapping[str, str]
) -> Occurrence:
    record, kind, source, equipment, at, said = event
    amount, unit, material, *about = said[len(CALLED) :]
    _, lot, *_ = about
    return Occurrence(
        kind=kind,
        label=called(said[: len(CALLED)]),
        equipment=place_of(equipment, material),
        start=at,
        end=at,
        records=(record,),
        text=said[0] or "",
        about=tuple(name for name in about if name),
        amount=quantity(amount, str(unit or "")),
        material=material or (ran(equipment, at) if equipment else made.get(lot or "")),
        source=source,
    )
