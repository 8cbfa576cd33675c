"""When the goods of sales order lines are to leave, and when they did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from lineside.cases.look import Look
from lineside.interpretation import shared_states
from lineside.interpretation.facts import pointed_at
from lineside.plant.entities import Entity

GONE = frozenset({"shipped", "cancelled", "closed"})


def carried(look: Look) -> dict[Entity, dict[Entity, tuple[str, datetime]]]:
    """The lines that each shipment was ever said to carry, with the record that said so first and when; of shipments
    that were spoken of in the stretch."""
    found: dict[Entity, dict[Entity, tuple[str, datetime]]] = {}
    for shipment, history in look.history("shipment", "lines").items():
        mine = found.setdefault(shipment, {})
        for said in history:
            for target in pointed_at(said.value, "lines"):
                mine.setdefault(Entity.parse(target), (said.record_id, said.occurred_at))
    return found


def departures(look: Look, on: Mapping[Entity, Iterable[Entity]]) -> dict[Entity, list[datetime]]:
    """When the shipments leave that each line was ever said to be on, by their own words. on: as `carried`."""
    found: dict[Entity, set[datetime]] = defaultdict(set)
    for shipment, lines in on.items():
        if (when := look.time(shipment, "planned_departure")) is not None:
            for line in lines:
                found[line].add(when)
    return {line: sorted(times) for line, times in found.items()}


def gone(look: Look, lines: Iterable[Entity]) -> dict[Entity, tuple[datetime, str]]:
    """When each of these lines, or orders, that is no longer there was first said to be so, and by which record."""
    wanted = list(lines)
    found: dict[Entity, tuple[datetime, str]] = {}
    for line, history in look.history_of(wanted, "status").items():
        over = [s for s in history if shared_states.state_of(line.kind, "status", s.value) in GONE]
        if over:
            found[line] = over[0].occurred_at, over[0].record_id
    left = {e.sales_order: e for e in reversed(look.events("departed", "loaded")) if e.sales_order}
    for line in wanted:
        event = left.get(line.parent.id if line.parent else line.id)
        if event is not None:
            told = event.provenance.occurred_at, event.provenance.record_id
            found[line] = min(found.get(line, told), told)
    return found
