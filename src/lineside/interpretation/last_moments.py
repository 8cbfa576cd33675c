"""By when a line must be ready: its truck's cut-off, else what its promise leaves of the timetable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.reading import Cite
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.interpretation.trucks import Truck, cut_off_fact, next_truck, timetable
from lineside.memory import Statement
from lineside.plant.entities import Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The last moment for a line. leaves: the departure that it is for; truck: None where only the timetable or the
    promise tells."""

    at: datetime
    leaves: datetime
    basis: str
    truck: Entity | None
    cites: tuple[Cite, ...]


def deadline_of(facts: Facts, line: Entity, trucks: Sequence[Truck]) -> Deadline | None:
    """The next truck's cut-off; else that of the timetable's last departure before the promise; else the promise."""
    truck = next_truck(trucks)
    if truck is not None and truck.departure is not None:
        basis = f"the {'cut-off' if truck.cut_off else 'departure'} of {truck.shipment.id}"
        return Deadline(
            at=truck.cut_off or truck.departure,
            leaves=truck.departure,
            basis=basis,
            truck=truck.shipment,
            cites=truck.cites,
        )
    said = promise(facts, line)
    return None if said is None else deadline_by_promise(facts, said)


def promise(facts: Facts, line: Entity) -> Statement | None:
    """When the line is promised, by its own word, else by its order's."""
    return facts.best(line, "promised_at") or (facts.best(line.parent, "promised_at") if line.parent else None)


def deadline_by_promise(facts: Facts, said: Statement) -> Deadline | None:
    """By when a line that no shipment names must be ready to keep its promise."""
    promised = moment(said.value)
    if promised is None:
        return None
    days = shipping_policy().dock.ahead_days
    before = [row for row in timetable(facts, promised - timedelta(days=days), days=days) if row[0] <= promised]
    if not before:
        basis = "the promise; no departure before it is known"
        return Deadline(at=promised, leaves=promised, basis=basis, truck=None, cites=(said.record_id,))
    leaves, last, cut = before[-1]
    return Deadline(
        at=last,
        leaves=leaves,
        basis=f"the cut-off of the timetable's last departure before the promise, from {cut.dock}",
        truck=None,
        cites=(said.record_id, cut_off_fact(cut)),
    )
