"""What each link of a state model leads to, read in columns for all things of a kind at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

from lineside.interpretation.facts import Facts
from lineside.interpretation.links import lines_of, lines_on
from lineside.plant.entities import Entity, EntityKind

# (kind, link): the property that leads there; `<` where the other kind's property leads here.
_BY_PROPERTY: Mapping[tuple[str, str], str] = {
    ("job_order", "material"): "material",
    ("job_order", "equipment"): "equipment",
    ("operation", "equipment"): "equipment",
    ("lot", "inspections"): "<inspection.lot",
    ("lot", "job_order"): "job_order",
    ("lot", "material"): "material",
    ("sales_order_line", "job_orders"): "<job_order.sales_order_line",
    ("sales_order_line", "material"): "material",
    ("equipment", "maintenance_orders"): "<maintenance_order.equipment",
}


class Linked:
    """Follows links; what the things of a kind belong to is indexed once."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def load(self, kind: str, link: str) -> None:
        """What following this link from all things of the kind needs is read at once."""
        named = _BY_PROPERTY.get((kind, link))
        if named is not None and named.startswith("<"):
            other, _, name = named[1:].partition(".")
            self.facts.load(other, name)
        elif named is not None:
            self.facts.load(kind, named)
        elif kind == EntityKind.SHIPMENT:
            self.facts.load("shipment", "lines")
            for other in ("handling_unit", "sales_order_line"):
                self.facts.load(other, "shipment")
        elif kind == EntityKind.SALES_ORDER:
            self.facts.load("sales_order_line", "sales_order")

    def follow(self, entity: Entity, link: str) -> list[Entity]:
        """The things that the link leads to, sorted."""
        key = (entity.kind, link)
        named = _BY_PROPERTY.get(key)
        if named is not None and named.startswith("<"):
            other, _, name = named[1:].partition(".")
            return sorted({s.entity for s in self.facts.pointing(other, name, entity)})
        if named is not None:
            return sorted({target for target, _ in self.facts.linked(entity, named)})
        if key == ("shipment", "lines"):
            return lines_on(self.facts, entity)
        if key == ("sales_order", "lines"):
            return lines_of(self.facts, entity)
        if key == ("job_order", "operations"):
            return sorted(self.facts.parts(entity, EntityKind.OPERATION))
        if key == ("equipment", "units"):
            return self._units.get(entity.id, [])
        parent = entity.parent
        named_too = {target for target, _ in self.facts.linked(entity, link)}
        return sorted({*named_too, *([parent] if parent and parent.kind == link else [])})

    @cached_property
    def _units(self) -> dict[str, list[Entity]]:
        """What lies below each piece of equipment."""
        index: dict[str, list[Entity]] = defaultdict(list)
        for each in self.facts.view.entities(EntityKind.EQUIPMENT):
            steps = each.id.split("/")
            for size in range(1, len(steps)):
                index["/".join(steps[:size])].append(each)
        return index
