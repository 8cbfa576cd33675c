"""What can repeat: stops, slow running, quality events, late picks, late deliveries, alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from lineside.interpretation.running import Running, running_on
from lineside.interpretation.shipped_orders import Shipped, shipped_orders
from lineside.interpretation.stops import Interval, Loss, intervals
from lineside.interpretation.wording import at, rid, words
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.quantities import Quantity
from lineside.plant.records import Event, quantity
from lineside.plant.windows import Window

KINDS = (
    "nonconformity", "hold_placed", "pick_late", "scrap", "alarm", "excursion", "complaint", "feed_stopped",
)  # fmt: skip
_LABELS = ("reason", "code", "characteristic", "parameter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One case of something that can repeat. label: what it is called; equal but for case and blanks is the same.

    about: the ids of the lot, the order or the shipment that it is a case of. amount: how much of it, where it tells.
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

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, " ".join(self.label.lower().split()), self.equipment)

    @property
    def words(self) -> frozenset[str]:
        return words(f"{self.kind.replace('_', ' ')} {self.label} {self.text} {self.equipment.replace('/', ' ')}")

    def seconds(self, until: datetime) -> float:
        return max(0.0, ((self.end or until) - self.start).total_seconds())


def occurrences(view: View, *, equipment: str | None = None, window: Window | None = None) -> list[Occurrence]:
    """Everything that can repeat and began in the window, oldest first; equipment includes what lies below it."""
    running = running_on(view)
    found = [
        _of_interval(i, running)
        for i in intervals(view, equipment, window)
        if i.loss in (Loss.STOP, Loss.SLOW) and (window is None or i.start in window)
    ]
    events = view.events(kinds=KINDS, equipment=equipment, within=window)
    happened = [e for e in events if at(e) <= view.as_of]
    bare = {e.lot for e in happened if e.lot and not e.material and not e.equipment}
    told = view.said(entities=[Entity(EntityKind.LOT, lot) for lot in sorted(bare)], properties=("material",))
    made = {s.entity.id: s.text for s in told}
    found += [_of_event(e, running, made) for e in happened]
    found += [
        _of_late(s) for s in shipped_orders(view, window) if s.late and (equipment is None or within(s.dock, equipment))
    ]
    return sorted(found, key=lambda o: (o.start, o.records))


def amount_of(cases: Sequence[Occurrence]) -> Quantity | None:
    """How much all of the cases are of; None where one tells none, or they tell it in several units."""
    amounts = [c.amount for c in cases if c.amount is not None]
    if len(amounts) < len(cases) or len({a.unit for a in amounts}) != 1:
        return None
    return Quantity(sum((a.value for a in amounts), Decimal(0)), amounts[0].unit)


def _of_interval(interval: Interval, running: Running) -> Occurrence:
    return Occurrence(
        kind=str(interval.loss),
        label=interval.why,
        equipment=interval.equipment,
        start=interval.start,
        end=interval.end,
        records=interval.records,
        text=interval.text,
        material=interval.material or running.at(interval.equipment, interval.start),
        about=tuple(n for n in (interval.lot, interval.job_order) if n),
    )


def _of_late(shipped: Shipped) -> Occurrence:
    return Occurrence(
        kind="late_delivery",
        label="",
        equipment=shipped.dock,
        start=shipped.left,
        end=shipped.left,
        records=shipped.records,
        text=f"{shipped.line} by {shipped.shipment}",
        material=shipped.levels.get("material"),
        about=(shipped.line,),
    )


def _of_event(event: Event, running: Running, made: Mapping[str, str]) -> Occurrence:
    label = next((str(event.attributes[n]) for n in _LABELS if event.attributes.get(n)), event.text)
    place = event.equipment or (str(Entity(EntityKind.MATERIAL, event.material)) if event.material else "")
    return Occurrence(
        kind=event.kind,
        label=label,
        equipment=place,
        start=at(event),
        end=at(event) + timedelta(0),
        records=(rid(event),),
        text=event.text,
        about=tuple(n for n in (event.hold, event.lot, event.job_order, event.sales_order, event.shipment) if n),
        amount=quantity(event.attributes.get("quantity"), str(event.attributes.get("unit") or "")),
        material=event.material
        or (running.at(event.equipment, at(event)) if event.equipment else made.get(event.lot or "")),
    )
