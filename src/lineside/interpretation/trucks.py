"""The shipments that carry a line: when they leave, by when goods must be there, and whether they are gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from lineside.interpretation.facts import Facts, moment, pointed_at
from lineside.interpretation.reading import Cite, PlantFact
from lineside.interpretation.stock import related
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.plant import CutOff
from lineside.plant.records import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Truck:
    """One shipment that carries the line."""

    shipment: Entity
    departure: datetime | None
    cut_off: datetime | None
    gone: bool
    quantity: Decimal | None
    cites: tuple[Cite, ...]
    source: str


def trucks_of(facts: Facts, line: Entity) -> tuple[Truck, ...]:
    """The shipments that carry the line, by its own word, by theirs, and by its handling units."""
    for kind in ("handling_unit", line.kind):
        facts.load(kind, "shipment")
    named = [s.entity for s in facts.pointing("shipment", "lines", line)]
    named += [e for e, _ in facts.linked(line, "shipment")]
    for unit in facts.pointing("handling_unit", line.kind, line):
        named += [e for e, _ in facts.linked(unit.entity, "shipment")]
    return tuple(truck(facts, shipment, line) for shipment in dict.fromkeys(named))


def truck(facts: Facts, shipment: Entity, line: Entity | None = None) -> Truck:
    """One shipment with its departure and cut-off; quantity: the line's on it, where stated."""
    said = {name: facts.best(shipment, name) for name in ("planned_departure", "dock", "status", "lines")}
    planned = said["planned_departure"]
    leaves = moment(planned.value) if planned else None
    dock = said["dock"].text if said["dock"] else ""
    cut = next(
        (c for c in facts.plant.cut_offs if leaves and related(c.dock, dock) and leaves_at(facts, c, leaves)), None
    )
    last = None
    cites = [*(s.record_id for s in said.values() if s)]
    if cut and leaves:
        local = leaves.astimezone(facts.plant.time_zone)
        last = local.replace(hour=cut.cut_off.hour, minute=cut.cut_off.minute, second=0, microsecond=0)
        if last > local:  # a cut-off late in the evening for a truck after midnight
            last -= timedelta(days=1)
    fact: list[Cite] = [cut_off_fact(cut)] if cut else []
    return Truck(
        shipment=shipment,
        departure=leaves,
        cut_off=last,
        gone=facts.state(shipment, "status") in ("departed", "delivered"),
        quantity=_carried(said["lines"], line) if line else None,
        cites=(*dict.fromkeys(cites), *fact) or tuple(s.record_id for s in facts.about(shipment)[:1]),
        source=next((s.source for s in said.values() if s), ""),
    )


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
