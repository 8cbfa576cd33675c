"""The order lines that left, with which shipment, and whether later than last promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, moment, plain_id
from lineside.interpretation.links import lines_on
from lineside.interpretation.plain_words import words_to_go_by
from lineside.interpretation.wording import at, rid
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.windows import Window

_LEFT = ("shipped", "departed", "delivered")
_OF_LINE = ("promised_at", "customer", "material")
_TRAITS = ("carrier", "customer", "material")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """An order line that left. promised: the last promise, None where none is known; levels: carrier, customer and
    material, as far as they are known; records: of the departure, then of the promise."""

    line: str
    shipment: str
    dock: str
    left: datetime
    promised: datetime | None
    levels: Mapping[str, str]
    records: tuple[str, ...]

    @property
    def late(self) -> bool:
        return self.promised is not None and self.left > self.promised


def shipped_orders(view: View, window: Window | None = None) -> list[Shipped]:
    """What left in the window by the view's `as_of`, oldest first; a line in several shipments left with the last."""
    key = ("shipped orders", window)
    if key not in view.kept:
        view.kept[key] = _shipped_orders(view, window)
    return list(view.kept[key])


def _shipped_orders(view: View, window: Window | None) -> list[Shipped]:
    left: dict[str, tuple[datetime, str]] = {}
    for event in view.events(kinds=("departed",), within=window):
        if event.shipment and at(event) <= view.as_of:
            left[event.shipment] = (at(event), rid(event))
    for said in view.statements(kind=EntityKind.SHIPMENT, properties=("status",), within=window):
        gone = shared_states.state_of(said.entity.kind, "status", said.value) in _LEFT
        if gone and said.occurred_at <= view.as_of and said.entity.id not in left:
            left[said.entity.id] = (said.occurred_at, said.record_id)
    if not left:
        return []
    facts = Facts(view)
    shipments = [Entity(EntityKind.SHIPMENT, number) for number in left]
    facts.look_up(shipments, "lines", "carrier", "dock")
    facts.look_towards("sales_order_line", "shipment", shipments)
    facts.look_towards("handling_unit", "shipment", shipments)
    lines = {shipment.id: lines_on(facts, shipment) for shipment in shipments}
    shipped = {line for each in lines.values() for line in each}
    of_line = words_to_go_by(facts, EntityKind.SALES_ORDER_LINE, {line.id for line in shipped}, *_OF_LINE, cited=True)
    orders = {order.id for line in shipped if (order := line.parent)}
    of_order = words_to_go_by(facts, EntityKind.SALES_ORDER, orders, *_OF_LINE, cited=True)
    found: dict[str, Shipped] = {}
    for number, (when, record) in sorted(left.items(), key=lambda pair: (pair[1], pair[0])):
        shipment = Entity(EntityKind.SHIPMENT, number)
        for line in lines[number]:
            parent = line.parent.id if line.parent else ""
            of = {name: of_line.get((line.id, name)) or of_order.get((parent, name)) for name in _OF_LINE}
            promised = of["promised_at"]
            due = moment(promised.text) if promised else None
            levels: dict[str, str] = {}
            for name in _TRAITS:
                word = facts.best(shipment, name) if name == "carrier" else of[name]
                if word is not None and word.text:
                    levels[name] = plain_id(word.text, name) or word.text
            dock = facts.best(shipment, "dock")
            found[line.id] = Shipped(
                line=line.id, shipment=number, dock=dock.text if dock else "", left=when, promised=due, levels=levels,
                records=(record, *([promised.record_id] if promised else [])),
            )  # fmt: skip
    return sorted(found.values(), key=lambda s: (s.left, s.line))
