"""The shipments that carry a line: when they leave, by when goods must be there, and whether they are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from lineside.interpretation.facts import Facts, moment, pointed_at
from lineside.interpretation.reading import Cite, PlantFact
from lineside.interpretation.stock import related
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.plant import CutOff
from lineside.plant.records import quantity
from lineside.plant.timeline import instant

_OF_A_TRUCK = ("planned_departure", "dock", "status", "lines", "eta", "carrier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truck:
    """One shipment that carries the line. arrival: when the truck is to be at the dock, where its ETA lies before its
    departure; due: when it is to be at the customer, where its ETA lies after."""

    shipment: Entity
    departure: datetime | None
    cut_off: datetime | None
    arrival: datetime | None
    due: datetime | None
    dock: str
    carrier: str
    gone: bool
    cancelled: bool
    quantity: Decimal | None
    cites: tuple[Cite, ...]
    source: str


def trucks_of(facts: Facts, line: Entity) -> tuple[Truck, ...]:
    """The shipments that carry the line, by its own word, by theirs, and by its handling units; not the cancelled."""
    for kind in ("handling_unit", line.kind):
        facts.load(kind, "shipment")
    facts.load("shipment", *_OF_A_TRUCK)
    named = [s.entity for s in facts.pointing("shipment", "lines", line)]
    named += [e for e, _ in facts.linked(line, "shipment")]
    for unit in facts.pointing("handling_unit", line.kind, line):
        named += [e for e, _ in facts.linked(unit.entity, "shipment")]
    found = (truck(facts, shipment, line) for shipment in dict.fromkeys(named))
    return tuple(each for each in found if not each.cancelled)


def truck(facts: Facts, shipment: Entity, line: Entity | None = None) -> Truck:
    """One shipment with its departure and cut-off; quantity: the line's on it, where stated."""
    said = {name: facts.best(shipment, name) for name in _OF_A_TRUCK}
    planned, eta, status = said["planned_departure"], said["eta"], facts.state(shipment, "status")
    leaves, comes = moment(planned.value) if planned else None, moment(eta.value) if eta else None
    at_dock = comes is not None and leaves is not None and comes <= leaves
    dock = said["dock"].text if said["dock"] else ""
    cut = cut_off_of(facts, leaves, dock)
    cites = [s.record_id for name, s in said.items() if s and name != "carrier"]
    fact: list[Cite] = [cut_off_fact(cut)] if cut else []
    return Truck(
        shipment=shipment,
        departure=leaves,
        cut_off=last_moment(cut, leaves, facts.plant.time_zone) if cut and leaves else None,
        arrival=comes if at_dock else None,
        due=None if at_dock else comes,
        dock=dock,
        carrier=said["carrier"].text if said["carrier"] else "",
        gone=status in ("departed", "delivered"),
        cancelled=status == "cancelled",
        quantity=_carried(said["lines"], line) if line else None,
        cites=(*dict.fromkeys(cites), *fact) or tuple(s.record_id for s in facts.about(shipment)[:1]),
        source=next((s.source for s in said.values() if s), ""),
    )


def next_truck(trucks: Iterable[Truck]) -> Truck | None:
    """The one that leaves next; None where none waits, or none says when it leaves."""
    waiting = [(t.departure, t.shipment, t) for t in trucks if not t.gone and t.departure]
    return min(waiting, key=lambda row: row[:2])[2] if waiting else None


def cut_off_of(facts: Facts, leaves: datetime | None, dock: str) -> CutOff | None:
    """What the plant file says of the departure at that time from that dock."""
    if leaves is None:
        return None
    return next((c for c in facts.plant.cut_offs if related(c.dock, dock) and leaves_at(facts, c, leaves)), None)


def last_moment(cut: CutOff, leaves: datetime, zone: ZoneInfo) -> datetime:
    """The last cut-off by the plant's clock that is not after the departure; one late in the evening serves a truck
    after midnight. In the night in which the clock is changed too it never lies after the departure."""
    departure = leaves.astimezone(UTC)
    day = leaves.astimezone(zone).date()
    found = [
        datetime.combine(day - timedelta(days=back), cut.cut_off, zone).replace(fold=fold).astimezone(UTC)
        for back in (0, 1)
        for fold in (0, 1)
    ]
    return max(one for one in found if one <= departure)


def timetable(facts: Facts, after: datetime, *, days: int, dock: str = "") -> list[tuple[datetime, datetime, CutOff]]:
    """Each departure of the plant file after a moment, soonest first: when it leaves, its cut-off, the line itself."""
    zone = facts.plant.time_zone
    first = after.astimezone(zone).date() - timedelta(days=1)
    found = list[tuple[datetime, datetime, CutOff]]()
    for cut in facts.plant.cut_offs:
        if dock and not related(cut.dock, dock):
            continue
        for ahead in range(days + 2):
            day = first + timedelta(days=ahead)
            if day.isoweekday() not in cut.days or day in facts.plant.holidays:
                continue
            leaves = instant(day, cut.departure, zone)
            if leaves > after:
                found.append((leaves, last_moment(cut, leaves, zone), cut))
    return sorted(found, key=lambda row: (row[0], row[2].dock))


def leaves_at(facts: Facts, cut: CutOff, departure: datetime) -> bool:
    local = departure.astimezone(facts.plant.time_zone)
    return (local.hour, local.minute) == (cut.departure.hour, cut.departure.minute) and local.isoweekday() in cut.days


def cut_off_fact(cut: CutOff) -> PlantFact:
    """What the plant file says of one departure."""
    text = f"{cut.dock}: departure {cut.departure:%H:%M}, cut-off {cut.cut_off:%H:%M}"
    return PlantFact(f"cut_offs.{cut.dock}", text)


def _carried(said: Statement | None, line: Entity) -> Decimal | None:
    if said is None or not isinstance(said.value, list):
        return None
    amounts = [
        quantity(row.get("quantity"), str(row.get("unit") or ""))
        for row in said.value
        if isinstance(row, dict) and str(line) in pointed_at([row], "lines")
    ]
    known = [a.value for a in amounts if a is not None]
    return sum(known, Decimal(0)) if known else None
