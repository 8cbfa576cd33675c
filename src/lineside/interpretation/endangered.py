"""What needs a material soon: shipments today, job orders of the next shifts, promised sales order lines; and whether
it is there whichever of the differing figures is right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum

from lineside.interpretation.facts import Facts, moment, plain_id
from lineside.interpretation.reading import clock
from lineside.interpretation.reconciliation_policy import Warehouse
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import Quantity, plain
from lineside.plant.records import quantity

_ORDER_OVER = ("shipped", "cancelled")
_JOB_OVER = ("complete", "closed", "cancelled")
_SHIPMENT_OVER = ("departed", "delivered", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one thing needs of a material. due: by when, where a record says."""

    thing: Entity
    material: str
    amount: Quantity
    due: datetime | None
    cites: tuple[str, ...]


class Danger(IntEnum):
    """How a need stands against the lowest and the highest of the figures, the gravest first."""

    DEPENDS = 0  # enough by one figure, not by another: the difference endangers it
    SHORT = 1  # not enough by any
    UNKNOWN = 2  # its unit can't be compared
    COVERED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A need, all that is needed up to it, and how that stands."""

    need: Need
    until_then: Decimal | None
    danger: Danger

    def told(self, facts: Facts, unit: str) -> str:
        """`SH-310 needs 24 ea by 15:00 CET, 120 ea with what is due before`."""
        when = f" by {clock(self.need.due, facts.plant, relative_to=facts.view.as_of)}" if self.need.due else ""
        own = f"{self.need.thing.id} needs {self.need.amount}{when}"
        if (
            self.until_then is None
            or self.until_then == self.need.amount.value
            or self.need.amount.unit not in ("", unit)
        ):
            return own
        return f"{own}, {plain(self.until_then)} {unit}".rstrip() + " with what is due before"


def needs(facts: Facts, policy: Warehouse) -> dict[str, list[Need]]:
    """All needs within the policy's horizons, by the material's id in lower case, the earliest first."""
    facts.load(EntityKind.SALES_ORDER_LINE, "material", "quantity", "promised_at", "status")
    facts.load(EntityKind.SHIPMENT, "lines", "planned_departure", "status")
    facts.load(EntityKind.JOB_ORDER, "components", "planned_start", "status")
    found: dict[str, list[Need]] = defaultdict(list)
    loaded: dict[Entity, Decimal] = {}
    for need, line in _shipped(facts):
        loaded[line] = loaded.get(line, Decimal(0)) + need.amount.value
        found[need.material.casefold()].append(need)
    for need in (*_promised(facts, policy, loaded), *_components(facts, _horizon(facts, policy))):
        found[need.material.casefold()].append(need)
    for mine in found.values():
        mine.sort(key=lambda n: (n.due is None, n.due.timestamp() if n.due else 0.0, str(n.thing)))
    return found


def stands(facts: Facts, wanted: Sequence[Need], unit: str, low: Decimal, high: Decimal) -> list[Stand]:
    """Each need against what is there by the lowest and by the highest figure, the earliest served first."""
    total, found = Decimal(0), list[Stand]()
    for need in wanted:
        amount = need.amount
        converted = amount.to(unit, facts.factors(need.material)) if amount.unit and unit else amount
        if converted is None:
            found.append(Stand(need=need, until_then=None, danger=Danger.UNKNOWN))
            continue
        total += converted.value
        danger = Danger.COVERED if total <= low else Danger.DEPENDS if total <= high else Danger.SHORT
        found.append(Stand(need=need, until_then=total, danger=danger))
    return found


def gravest(found: Sequence[Stand]) -> Stand | None:
    """The first of those that stand worst."""
    return min(found, key=lambda s: s.danger, default=None)


def _shipped(facts: Facts) -> Iterator[tuple[Need, Entity]]:
    """What shipments that leave by the end of the local day carry and have not yet taken."""
    today = facts.view.as_of.astimezone(facts.plant.time_zone).date()
    for shipment in facts.having(EntityKind.SHIPMENT, "lines"):
        leaves = _time(facts, shipment, "planned_departure")
        if leaves is None or leaves[0].astimezone(facts.plant.time_zone).date() > today:
            continue
        said = facts.best(shipment, "lines")
        if facts.state(shipment, "status") in _SHIPMENT_OVER or said is None or not isinstance(said.value, list):
            continue
        for row in said.value:
            name = plain_id(row.get("sales_order_line"), "sales_order_line") if isinstance(row, dict) else None
            if name is None or not isinstance(row, dict):
                continue
            line = Entity(EntityKind.SALES_ORDER_LINE, name)
            ordered = facts.best(line, "quantity")
            amount = quantity(row.get("quantity")) or (ordered.quantity if ordered else None)
            if need := _need(facts, line, amount, leaves[0], (leaves[1], said)):
                yield replace(need, thing=shipment), line


def _promised(facts: Facts, policy: Warehouse, loaded: dict[Entity, Decimal]) -> Iterator[Need]:
    until = facts.view.as_of + timedelta(days=policy.promised_days)
    for line in facts.having(EntityKind.SALES_ORDER_LINE, "promised_at"):
        promised = _time(facts, line, "promised_at")
        if promised is None or promised[0] > until or facts.state(line, "status") in _ORDER_OVER:
            continue
        ordered = facts.best(line, "quantity")
        need = _need(facts, line, ordered.quantity if ordered else None, promised[0], (promised[1], ordered))
        left = need.amount.value - loaded.get(line, Decimal(0)) if need else Decimal(0)
        if need and left > 0:
            yield replace(need, amount=Quantity(left, need.amount.unit))


def _components(facts: Facts, until: datetime) -> Iterator[Need]:
    for order in facts.having(EntityKind.JOB_ORDER, "components"):
        said, starts = facts.best(order, "components"), _time(facts, order, "planned_start")
        if said is None or not isinstance(said.value, list) or facts.state(order, "status") in _JOB_OVER:
            continue
        if starts is not None and starts[0] > until:
            continue
        for row in said.value:
            if not isinstance(row, dict) or not (name := plain_id(row.get("material"), "material")):
                continue
            wanted, staged = quantity(row.get("quantity")), row.get("staged")
            if wanted is None or staged is True:
                continue
            there = None if staged is None or staged is False else quantity(staged, wanted.unit)
            taken = there.to(wanted.unit, facts.factors(name)) if there else None
            left = Quantity(wanted.value - (taken.value if taken else 0), wanted.unit)
            if left.value > 0:
                cites = tuple(dict.fromkeys((said.record_id, *((starts[1].record_id,) if starts else ()))))
                yield Need(thing=order, material=name, amount=left, due=starts[0] if starts else None, cites=cites)


def _need(
    facts: Facts, line: Entity, amount: Quantity | None, due: datetime, said: Sequence[Statement | None]
) -> Need | None:
    material = facts.best(line, "material")
    name = plain_id(material.value, "material") if material else None
    if name is None or material is None or amount is None or amount.value <= 0:
        return None
    cites = tuple(dict.fromkeys(s.record_id for s in (*said, material) if s))
    return Need(thing=line, material=name, amount=amount, due=due, cites=cites)


def _time(facts: Facts, thing: Entity, name: str) -> tuple[datetime, Statement] | None:
    said = facts.best(thing, name)
    when = moment(said.value) if said else None
    return (when, said) if when and said else None


def _horizon(facts: Facts, policy: Warehouse) -> datetime:
    now = facts.view.as_of
    slot = facts.view.calendar.at(now)
    ends, cursor = [slot.end] if slot else [], now
    while len(ends) < policy.shifts_ahead and (following := facts.view.calendar.following(cursor)):
        ends.append(following.end)
        cursor = following.start
    return ends[-1] if ends else now + timedelta(hours=policy.hours_ahead)
