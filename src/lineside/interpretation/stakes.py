"""What hangs on a thing whose state is disputed or blocked: the stock, with quantities and places, and the orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lineside.interpretation.facts import Facts, moment, told
from lineside.interpretation.links import touched
from lineside.interpretation.reading import Cite, Finding, Kind, clock
from lineside.interpretation.trucks import truck
from lineside.interpretation.wording import listed
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Json

_ORDERS = (EntityKind.JOB_ORDER, EntityKind.SALES_ORDER_LINE, EntityKind.SHIPMENT)
_OVER = {
    "job_order": ("complete", "closed", "cancelled"),
    "sales_order_line": ("shipped", "cancelled"),
    "shipment": ("departed", "delivered", "cancelled"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """stock, orders: each thing with what is said of it, open orders only. soonest: the first promise or departure."""

    about: Entity
    stock: tuple[tuple[Entity, str], ...]
    orders: tuple[tuple[Entity, str], ...]
    soonest: datetime | None
    cites: tuple[Cite, ...]

    def finding(self, facts: Facts) -> Finding | None:
        """What it touches in one sentence; None where nothing hangs on it."""
        named = [(e, note) for e, note in (*self.stock, *self.orders) if e != self.about or note]
        if not named or not self.cites:
            return None
        parts = [f"{e.kind.replace('_', ' ')} {e.id}" + (f" ({note})" if note else "") for e, note in named]
        first = ""
        if self.soonest:
            first = f"; the first is due {clock(self.soonest, facts.plant, relative_to=facts.view.as_of)}"
        return Finding(
            text=f"What {self.about.id} touches: {listed(parts, limit=8)}{first}.",
            kind=Kind.DERIVED,
            cites=self.cites,
            data=self.to_json(),
        )

    def to_json(self) -> dict[str, Json]:
        return {
            "about": str(self.about),
            "stock": [str(e) for e, _ in self.stock],
            "orders": [str(e) for e, _ in self.orders],
            "soonest": self.soonest.isoformat() if self.soonest else None,
        }


def stakes(facts: Facts, entity: Entity) -> Stakes:
    """What hangs on the entity by its links, orders that are over left out."""
    links = [] if entity.kind in (EntityKind.EQUIPMENT, EntityKind.MATERIAL) else touched(facts, entity)
    things = [entity, *(link.entity for link in links)]
    cites: dict[Cite, None] = {link.statement.record_id: None for link in links if link.statement}
    stock, orders, times = list[tuple[Entity, str]](), list[tuple[Entity, str]](), list[datetime]()
    for thing in dict.fromkeys(things):
        if thing.kind in (EntityKind.LOT, EntityKind.INVENTORY):
            said = [facts.best(thing, name) for name in ("quantity", "location")]
            words = [told(s, facts.view) for s in said if s]
            cites |= {s.record_id: None for s in said if s}
            stock.append((thing, " at ".join(words)))
        elif thing.kind in _ORDERS and facts.state(thing, "status") not in _OVER[thing.kind]:
            said_by, when = _due(facts, thing)
            cites |= {said_by.record_id: None} if said_by else {}
            times += [when] if when else []
            note = f"{_DUE[thing.kind]} {clock(when, facts.plant, relative_to=facts.view.as_of)}" if when else ""
            orders.append((thing, note))
    if entity.kind == EntityKind.MATERIAL:
        for position in facts.positions(entity.id):
            stock.append((position.entity, told(position, facts.view)))
            cites[position.record_id] = None
    return Stakes(
        about=entity,
        stock=tuple(stock),
        orders=tuple(orders),
        soonest=min((t for t in times if t >= facts.view.as_of), default=min(times, default=None)),
        cites=tuple(cites),
    )


_DUE = {"job_order": "planned start", "sales_order_line": "promised", "shipment": "leaves"}


def _due(facts: Facts, thing: Entity) -> tuple[Statement | None, datetime | None]:
    if thing.kind == EntityKind.SHIPMENT:
        load = truck(facts, thing)
        said = facts.best(thing, "planned_departure")
        return said, load.departure
    name = "planned_start" if thing.kind == EntityKind.JOB_ORDER else "promised_at"
    for each in (thing, thing.parent):
        if each is not None and (said := facts.best(each, name)) and (when := moment(said.value)):
            return said, when
    return None, None
