"""One sales order line through all its gates, with its quantity in buckets and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from lineside.interpretation.buckets import Buckets, buckets_of
from lineside.interpretation.conflict import conflicts_on
from lineside.interpretation.earliest import Soonest, soonest
from lineside.interpretation.facts import Facts, doubts, moment
from lineside.interpretation.gates import Gate, Passage, Question, Stand, passages
from lineside.interpretation.holds import Hold
from lineside.interpretation.last_moments import promise
from lineside.interpretation.lead_times import LeadTimes
from lineside.interpretation.reading import Cite, Finding, Kind, clock
from lineside.interpretation.supply import Gathering
from lineside.interpretation.trucks import Truck, trucks_of
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity, plain
from lineside.plant.records import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReadiness:
    """One line, all its gates, and its quantity in buckets; None where no source states the quantity wanted.

    soonest: when each closed gate can be open at the soonest; a gate that nothing tells of is not in it.
    """

    line: Entity
    unit: str
    question: Question
    gates: tuple[Passage, ...]
    buckets: Buckets | None
    soonest: Mapping[Gate, Soonest]
    cites: tuple[Cite, ...]
    against: tuple[Finding, ...]

    @property
    def closed(self) -> tuple[Passage, ...]:
        return tuple(g for g in self.gates if g.stand is Stand.CLOSED)

    @property
    def unknown(self) -> tuple[Passage, ...]:
        return tuple(g for g in self.gates if g.stand is Stand.UNKNOWN)

    @property
    def ready(self) -> bool:
        return self.buckets is not None and self.buckets.shippable + self.buckets.shipped >= self.buckets.wanted > 0

    @property
    def earliest(self) -> Soonest | None:
        """What opens last of the closed gates, guessed where any of them is; None where one of them says no time."""
        known = [found for gate in self.closed if (found := self.soonest.get(gate.gate))]
        if not known or len(known) < len(self.closed):
            return None
        last = max(known, key=lambda each: each.at)
        return replace(last, kind=Kind.GUESSED) if any(e.kind is Kind.GUESSED for e in known) else last

    def amount(self, value: Decimal) -> str:
        return f"{plain(value)} {self.unit}".rstrip()


def assess(facts: Facts, known: Sequence[Hold], line: Entity, *, on: Entity | None = None) -> LineReadiness:
    """One line through all its gates. on: the shipment whose share of the line is asked for."""
    wanted = facts.best(line, "quantity")
    amount = wanted.quantity if wanted else None
    trucks = trucks_of(facts, line)
    share = next((t for t in trucks if on is not None and t.shipment == on), None)
    unit = amount.unit if amount else _unit_made(facts, line)
    supply = Gathering(facts, known, line, unit).supply()
    value = share.quantity if share and share.quantity is not None else amount.value if amount else None
    question = Question(facts, known, line, value, unit, supply, (share,) if share else trucks)
    gates = passages(question)
    leads = facts.once(LeadTimes)
    closed = {g.gate: soonest(question, g, leads) for g in gates if g.stand is Stand.CLOSED}
    said = [*supply.said, *question.used, *([wanted] if wanted else [])]
    disputed = [
        f
        for thing, name in (
            (line, "quantity"),
            (line, "status"),
            *((o, "quantity_good") for o in supply.job_orders),
            *((lot, "quality_status") for lot in supply.lots),
        )
        for f in conflicts_on(facts, thing, name)
    ]
    return LineReadiness(
        line=line,
        unit=unit,
        question=question,
        gates=gates,
        buckets=None if value is None else buckets_of(question, gates, value),
        soonest={gate: found for gate, found in closed.items() if found},
        cites=(wanted.record_id,) if wanted else (),
        against=(*disputed, *_late_truck(facts, line, trucks), *doubts(facts, said)),
    )


def read_ahead(facts: Facts, lines: Sequence[Entity]) -> None:
    """What `assess` will ask of these lines' orders, lots and packs is read at once, not line by line."""
    facts.fetch([*lines, *(line.parent for line in lines if line.parent)])
    for kind, name in (("job_order", "sales_order_line"), ("handling_unit", "sales_order_line"), ("shipment", "lines")):
        facts.look_towards(kind, name, lines)
    facts.look_towards("lot", "sales_order_line", lines)
    orders = {s.entity for line in lines for s in facts.pointing("job_order", "sales_order_line", line)}
    packs = {s.entity for line in lines for s in facts.pointing("handling_unit", "sales_order_line", line)}
    facts.fetch(orders | packs)
    facts.look_towards("lot", "job_order", orders)
    lots = {s.entity for order in orders for s in facts.pointing("lot", "job_order", order)}
    lots |= {lot for pack in packs for lot, _ in facts.linked(pack, "lot")}
    facts.fetch(lots)
    for kind in ("inspection", "handling_unit"):
        facts.look_towards(kind, "lot", lots)
    about = {
        s.entity for lot in lots for kind in ("inspection", "handling_unit") for s in facts.pointing(kind, "lot", lot)
    }
    trucks = {truck.shipment for line in lines for truck in trucks_of(facts, line)}
    papered = {*lines, *(line.parent for line in lines if line.parent), *trucks, *orders, *lots}
    facts.look_towards("document", "subject", papered)
    papers = {s.entity for each in papered for s in facts.pointing("document", "subject", each)}
    facts.fetch(about | papers)


def _late_truck(facts: Facts, line: Entity, trucks: Sequence[Truck]) -> Iterator[Finding]:
    said = promise(facts, line)
    promised = moment(said.value) if said else None
    for truck in trucks:
        arrives = truck.due or truck.departure
        if said and promised and arrives and arrives > promised and not truck.gone:
            now = facts.view.as_of
            text = (
                f"{line.id} is promised for {clock(promised, facts.plant, relative_to=now)}, but {truck.shipment.id} "
                f"{'arrives' if truck.due else 'leaves'} at {clock(arrives, facts.plant, relative_to=now)}."
            )
            cites = tuple(dict.fromkeys((said.record_id, *truck.cites)))
            yield Finding(text=text, kind=Kind.DERIVED, cites=cites)


def _unit_made(facts: Facts, line: Entity) -> str:
    for order in (s.entity for s in facts.pointing("job_order", "sales_order_line", line)):
        said = facts.best(order, "quantity_good") or facts.best(order, "quantity")
        if said and (amount := quantity(said.value)) and amount.unit:
            return Quantity(amount.value, amount.unit).unit
    return ""
