"""Complete is not shippable: which quantity of a line, an order or a shipment can leave now, and what stands before
the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from lineside.interpretation.facts import Facts, doubts, moment, spoken
from lineside.interpretation.gates import Gate, Passage, Question, Stand, passages
from lineside.interpretation.holds import Hold, holds
from lineside.interpretation.links import customer_of, lines_of, lines_on, touched
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, Reading, clock
from lineside.interpretation.shared_states import meaning
from lineside.interpretation.state import conflicts_on
from lineside.interpretation.supply import Gathering
from lineside.interpretation.trucks import Truck, trucks_of
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import Quantity, plain
from lineside.plant.records import Json, quantity

_LOOKS_DONE = ("complete", "closed", "shippable", "shipped")

_TOLD = 3  # gates that a verdict speaks of; it only names further ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """What becomes of the quantity wanted. on_record: what passes every gate that has records, unknown ones aside.

    shippable + at_risk + blocked + not_made + shipped is the quantity wanted.
    """

    wanted: Decimal
    shippable: Decimal
    at_risk: Decimal
    blocked: Decimal
    not_made: Decimal
    shipped: Decimal
    on_record: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReadiness:
    """One line, all its gates, and its quantity in buckets; None where no source states the quantity wanted."""

    line: Entity
    unit: str
    question: Question
    gates: tuple[Passage, ...]
    buckets: Buckets | None
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
    def earliest(self) -> datetime | None:
        """When all closed gates can be open at the soonest; None where one of them says no time."""
        times = [g.earliest for g in self.closed]
        known = [t for t in times if t]
        return max(known) if known and len(known) == len(times) else None

    def amount(self, value: Decimal) -> str:
        return f"{plain(value)} {self.unit}".rstrip()


def readiness(view: View, entity: Entity) -> Reading:
    """Gates and buckets of a sales order line, of each line of a sales order or shipment, or of the lines that a lot
    or a job order serves."""
    facts = Facts(view)
    known = holds(facts)
    lines = _lines(facts, entity)
    if not lines:
        text = f"No record names a sales order line of {entity.id}" if view.knows(entity) else f"No record of {entity}"
        return Reading(verdict=f"{text}.", missing=(f"The lines of {entity.id}, and what was made for them.",))
    read_ahead(facts, lines)
    shipment = entity if entity.kind == EntityKind.SHIPMENT else None
    found = [assess(facts, known, line, on=shipment) for line in lines]
    return Reading(
        verdict=_verdict(facts, entity, found),
        findings=tuple(f for each in found for f in line_findings(facts, each)),
        against=tuple(_unrepeated(f for each in found for f in each.against)),
        missing=tuple(dict.fromkeys(m for each in found for m in line_gaps(each))),
        next_steps=tuple(dict.fromkeys(s for each in found for s in line_steps(each))),
        data={"entity": str(entity), "lines": [line_data(each) for each in found]},
    )


def looks_complete(view: View) -> Reading:
    """The lines that some source calls complete, released or shippable while a gate is closed, the largest first."""
    facts = Facts(view)
    known = holds(facts)
    found = list[tuple[LineReadiness, Finding]]()
    for kind in ("sales_order_line", "sales_order", "job_order"):
        facts.load(kind, "status")
    facts.load("shipment", "planned_departure", "dock", "status", "lines")
    done = {line: _done_words(facts, line) for line in view.entities(EntityKind.SALES_ORDER_LINE)}
    here = [line for line, said in done.items() if said and not any(t.gone for t in trucks_of(facts, line))]
    read_ahead(facts, here)
    for line in here:
        said = done[line]
        each = assess(facts, known, line)
        if not each.closed:
            continue
        gates = "; ".join(f"{g.gate.value}: {g.text}" for g in each.closed)
        words = "; ".join(f"{s.entity.id}: {spoken(s, view)}" for s in said)
        cites = tuple(dict.fromkeys((*(s.record_id for s in said), *(c for g in each.closed for c in g.cites))))
        text = f"{line.id} looks complete ({words}) but is not shippable: {gates}."
        found.append((each, Finding(text=text, kind=Kind.DERIVED, cites=cites, data=line_data(each))))
    found.sort(key=lambda pair: (-_open_quantity(pair[0]), pair[0].line))
    names = ", ".join(each.line.id for each, _ in found)
    many = len(found)
    return Reading(
        verdict=f"{many} {'line looks' if many == 1 else 'lines look'} complete but can't ship as they are: {names}."
        if found
        else "No line that a source calls complete has a closed gate on record.",
        findings=tuple(finding for _, finding in found),
        against=tuple(_unrepeated(f for each, _ in found for f in each.against)),
        missing=tuple(dict.fromkeys(m for each, _ in found for m in line_gaps(each))),
        next_steps=tuple(dict.fromkeys(s for each, _ in found for s in line_steps(each))),
        data={"lines": [each.line.id for each, _ in found]},
    )


def read_ahead(facts: Facts, lines: Sequence[Entity]) -> None:
    """What `assess` will ask of these lines' orders, lots and packs is read at once, not line by line."""
    facts.fetch([*lines, *(line.parent for line in lines if line.parent)])
    orders = {s.entity for line in lines for s in facts.pointing("job_order", "sales_order_line", line)}
    packs = {s.entity for line in lines for s in facts.pointing("handling_unit", "sales_order_line", line)}
    facts.fetch(orders | packs)
    lots = {s.entity for order in orders for s in facts.pointing("lot", "job_order", order)}
    lots |= {lot for pack in packs for lot, _ in facts.linked(pack, "lot")}
    facts.fetch(lots)
    about = {
        s.entity for lot in lots for kind in ("inspection", "handling_unit") for s in facts.pointing(kind, "lot", lot)
    }
    papers = {s.entity for lot in lots for s in facts.pointing("document", "subject", lot)}
    facts.fetch(about | papers)


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
        buckets=None if value is None else _buckets(question, gates, value),
        cites=(wanted.record_id,) if wanted else (),
        against=(*disputed, *_late_truck(facts, line, trucks), *doubts(facts, said)),
    )


def line_verdict(facts: Facts, each: LineReadiness) -> str:
    """The line's answer in one sentence."""
    name, buckets = each.line.id, each.buckets
    if buckets is None:
        return f"Whether {name} can ship is not known: no source states its quantity."
    if buckets.shipped >= buckets.wanted > 0:
        return f"{name} has left: {each.amount(buckets.shipped)}."
    wanted = each.amount(buckets.wanted)
    if each.ready:
        return f"{name} is shippable: all {wanted} pass every gate."
    why = "; ".join(_brief(g) if place < _TOLD else g.gate.value for place, g in enumerate(each.closed))
    unknown = ", ".join(g.gate.value for g in each.unknown)
    if not each.closed:
        return (
            f"{name} is not confirmed as shippable: {each.amount(buckets.on_record)} of {wanted} pass every gate on "
            f"record, but nothing is on record for {unknown}."
        )
    if buckets.shippable:
        may = part_may_leave(facts, each)
        alone = {True: ", and that part may leave alone", False: ", but a part may not leave alone", None: ""}[may]
        head = f"{name} is shippable in part: {each.amount(buckets.shippable)} of {wanted}{alone}"
    elif buckets.on_record and unknown:
        part = each.amount(buckets.on_record)
        head = f"{name} is not shippable as a whole: {part} of {wanted} pass every gate on record"
    else:
        head = f"{name} is not shippable: 0 of {wanted}".rstrip()
    when = f"; earliest {clock(each.earliest, facts.plant, relative_to=facts.view.as_of)}" if each.earliest else ""
    tail = f"; not on record: {unknown}" if unknown else ""
    return f"{head}; {why}{when}{tail}."


def _brief(gate: Passage) -> str:
    """What closes the gate, without times and causes: those stand in its finding."""
    return f"{gate.gate.value}: {re.sub(r' [(][^)]*[)]', '', gate.text).partition(';')[0]}"


def line_findings(facts: Facts, each: LineReadiness) -> Iterator[Finding]:
    """The buckets, each gate that has records, and the terms for a part."""
    name, buckets = each.line.id, each.buckets
    said = list(facts.words(each.line, "status"))
    if each.line.parent:
        said += facts.words(each.line.parent, "status")
    for word in said:
        yield Finding(
            text=f"{word.entity.id}: {spoken(word, facts.view)}.",
            kind=Kind.FACT,
            cites=(word.record_id,),
            data={"property": "status", "value": word.value},
        )
    inputs = tuple(dict.fromkeys((*each.cites, *(c for g in each.gates for c in g.cites))))
    if buckets is not None and inputs:
        parts = [
            (buckets.shipped, "shipped"),
            (buckets.shippable, "shippable now"),
            (buckets.at_risk, "at risk"),
            (buckets.blocked, "blocked"),
            (buckets.not_made, "not made"),
        ]
        shown = ", ".join(f"{each.amount(v)} {word}" for v, word in parts if v) or "nothing"
        yield Finding(
            text=f"{name}, {each.amount(buckets.wanted)} wanted: {shown}.",
            kind=Kind.DERIVED,
            cites=inputs,
            data=line_data(each),
        )
    for gate in each.gates:
        if gate.cites:
            yield _gate_finding(facts, each, gate)
    yield from _part_terms(facts, each)


def line_gaps(each: LineReadiness) -> Iterator[str]:
    """The gates that no record speaks of, and what could not be read."""
    if each.buckets is None:
        yield f"No source states the quantity of {each.line.id}."
    for gate in each.unknown:
        owner = f"; {gate.owner} would know" if gate.owner else ""
        yield f"{each.line.id}, {gate.gate.value}: {gate.text}{owner}."
    yield from each.question.supply.missing


def line_steps(each: LineReadiness) -> Iterator[str]:
    """What would open each closed gate, and by whom."""
    for gate in each.closed:
        yield f"Ask {gate.owner or 'whoever keeps it'} for {gate.opens_with} ({each.line.id})."


def line_data(each: LineReadiness) -> dict[str, Json]:
    """The figures of one line."""
    found: dict[str, Json] = {
        "line": each.line.id,
        "unit": each.unit,
        "shippable": each.ready,
        "gates": [
            {"gate": g.gate.value, "stand": g.stand.value, "passed": plain(g.passed), "owner": g.owner}
            for g in each.gates
        ],
        "made": plain(each.question.supply.made),
        "earliest": each.earliest.isoformat() if each.earliest else None,
    }
    if each.buckets is not None:
        names = ("wanted", "shippable", "at_risk", "blocked", "not_made", "shipped", "on_record")
        found["buckets"] = {name: plain(getattr(each.buckets, name)) for name in names}
    return found


def _buckets(q: Question, gates: Sequence[Passage], wanted: Decimal) -> Buckets:
    gone = [t for t in q.trucks if t.gone]
    carried = sum((t.quantity for t in gone if t.quantity is not None), Decimal(0))
    shipped = min(wanted, wanted if gone and all(t.quantity is None for t in gone) else carried)
    by_gate = {g.gate: g for g in gates}
    whole = [by_gate[g] for g in (Gate.DOCUMENTS, Gate.CREDIT, Gate.CARRIER)]
    units = [by_gate[g] for g in (Gate.PACKED, Gate.LABELLED)]
    general = by_gate[Gate.HOLD_FREE].passed == 0 and by_gate[Gate.HOLD_FREE].stand is Stand.CLOSED
    stopped = general or by_gate[Gate.CREDIT].stand is Stand.CLOSED
    ready = on_record = blocked = Decimal(0)
    for batch in q.supply.batches:
        if stopped or batch.holds or (batch.quality.passes is False and batch.quality.stops):
            blocked += batch.value
            continue
        blocked += batch.held()
        free = batch.value - batch.held()
        by_events = not batch.packs and all(g.stand is Stand.OPEN for g in units)
        ready += min(free, free if by_events else batch.ready()) if batch.quality.passes else Decimal(0)
        on_record += Decimal(0) if batch.quality.passes is False else min(free, batch.not_ruled_out())
    on_record = min([on_record, *(g.passed for g in (*whole, *units) if g.stand is not Stand.UNKNOWN)])
    ready = min([ready, *(g.passed if g.stand is not Stand.UNKNOWN else Decimal(0) for g in (*whole, *units))])
    left = wanted - shipped
    # What has left is made, and no longer waits at any gate.
    waiting = max(Decimal(0), q.supply.made - shipped)
    shippable = min(ready, left, waiting)
    held = min(blocked, waiting - shippable, left - shippable)
    at_risk = max(Decimal(0), min(waiting, left) - shippable - held)
    return Buckets(
        wanted=wanted,
        shippable=shippable,
        at_risk=at_risk,
        blocked=held,
        not_made=left - shippable - held - at_risk,
        shipped=shipped,
        on_record=min(on_record, left, waiting),
    )


def _gate_finding(facts: Facts, each: LineReadiness, gate: Passage) -> Finding:
    who = f"; owner {gate.owner}" if gate.owner and gate.stand is not Stand.OPEN else ""
    opens = f"; opens with {gate.opens_with}" if gate.opens_with else ""
    soon = gate.earliest if gate.stand is Stand.CLOSED else None
    when = f"; earliest {clock(soon, facts.plant, relative_to=facts.view.as_of)}" if soon else ""
    return Finding(
        text=f"{each.line.id}, {gate.gate.value}: {gate.stand.value}; {gate.text}{who}{opens}{when}.",
        kind=Kind.DERIVED,
        cites=gate.cites,
        data={
            "gate": gate.gate.value,
            "stand": gate.stand.value,
            "passed": plain(gate.passed),
            "unit": each.unit,
            "owner": gate.owner,
            "earliest": soon.isoformat() if soon else None,
        },
    )


def part_may_leave(facts: Facts, each: LineReadiness) -> bool | None:
    """Whether what can ship may leave without the rest: a `no` of the order binds, then the customer's terms."""
    if each.buckets is None or not each.buckets.wanted:
        return None
    said = [facts.best(bearer, "partial_allowed") for bearer in (each.line, each.line.parent) if bearer]
    words = [meaning("flag", s.value) for s in said if s]
    customer = customer_of(facts, each.line)
    terms = facts.plant.customer(customer[0]) if customer else None
    declared = terms.partial_allowed if terms else None
    if "no" in words[:1] or (declared is False and "yes" not in words[:1]):
        return False
    if declared is None and not words:
        return None
    share = (each.buckets.shippable or each.buckets.on_record) / each.buckets.wanted
    least = terms.partial_min_share if terms else None
    return share > 0 and share >= Decimal(str(least or 0))


def _part_terms(facts: Facts, each: LineReadiness) -> Iterator[Finding]:
    """Whether the part that can leave may leave alone."""
    if each.buckets is None or not each.buckets.wanted or each.ready:
        return
    possible = each.buckets.shippable or each.buckets.on_record
    share = possible / each.buckets.wanted
    for bearer in (each.line, each.line.parent):
        said = facts.best(bearer, "partial_allowed") if bearer else None
        if said is not None and meaning("flag", said.value):
            allowed = meaning("flag", said.value) == "yes"
            yield Finding(
                text=f"A partial shipment of {each.line.id} is {'allowed' if allowed else 'not allowed'}: "
                f"{spoken(said, facts.view)}.",
                kind=Kind.FACT,
                cites=(said.record_id,),
                data={"partial_allowed": allowed},
            )
            break
    customer = customer_of(facts, each.line)
    terms = facts.plant.customer(customer[0]) if customer else None
    if terms is None or customer is None or terms.partial_allowed is None:
        return
    least = terms.partial_min_share
    rule = "allows partial shipments" if terms.partial_allowed else "allows no partial shipment"
    rule += f" of at least {least:.0%}" if terms.partial_allowed and least else ""
    fits = terms.partial_allowed and share >= Decimal(str(least or 0)) and possible > 0
    text = f"{terms.id} {rule}; {each.amount(possible)} of {each.amount(each.buckets.wanted)} is {_percent(share)}, so "
    text += "the part may leave alone." if fits else "the part may not leave alone."
    cites: tuple[Cite, ...] = (
        PlantFact(f"customers.{terms.id}", f"{terms.id} {rule}"),
        customer[1].record_id,
        *each.cites,
        *(c for g in each.gates for c in g.cites),
    )
    yield Finding(
        text=text,
        kind=Kind.DERIVED,
        cites=tuple(dict.fromkeys(cites)),
        data={"partial_allowed": terms.partial_allowed, "share": str(share), "may_leave": fits},
    )


def _late_truck(facts: Facts, line: Entity, trucks: Sequence[Truck]) -> Iterator[Finding]:
    said = facts.best(line, "promised_at") or (facts.best(line.parent, "promised_at") if line.parent else None)
    promised = moment(said.value) if said else None
    for truck in trucks:
        eta = facts.best(truck.shipment, "eta")
        arrives = (moment(eta.value) if eta else None) or truck.departure
        if said and promised and arrives and arrives > promised and not truck.gone:
            now = facts.view.as_of
            cites = (said.record_id, *((eta.record_id,) if eta else ()), *truck.cites)
            text = (
                f"{line.id} is promised for {clock(promised, facts.plant, relative_to=now)}, but {truck.shipment.id} "
                f"{'arrives' if eta else 'leaves'} at {clock(arrives, facts.plant, relative_to=now)}."
            )
            yield Finding(text=text, kind=Kind.DERIVED, cites=tuple(dict.fromkeys(cites)))


def _verdict(facts: Facts, entity: Entity, found: Sequence[LineReadiness]) -> str:
    """One line speaks for itself; of several, how many can go, and why the first others can't."""
    if len(found) == 1:
        return line_verdict(facts, found[0])
    waiting = [each for each in found if not each.ready]
    if not waiting:
        return f"{entity.id} is shippable: all {len(found)} lines pass every gate."
    shown = " ".join(line_verdict(facts, each) for each in waiting[:3])
    return f"{entity.id} is not shippable as a whole: {len(found) - len(waiting)} of {len(found)} lines are. {shown}"


def _lines(facts: Facts, entity: Entity) -> list[Entity]:
    if entity.kind == EntityKind.SALES_ORDER_LINE:
        return [entity] if facts.view.knows(entity) or trucks_of(facts, entity) else []
    if entity.kind == EntityKind.SALES_ORDER:
        # Some plants keep no lines: then the order itself carries the quantity.
        return lines_of(facts, entity) or ([entity] if facts.words(entity, "quantity") else [])
    if entity.kind == EntityKind.SHIPMENT:
        return lines_on(facts, entity)
    return sorted({x.entity for x in touched(facts, entity) if x.entity.kind == EntityKind.SALES_ORDER_LINE})


def _unit_made(facts: Facts, line: Entity) -> str:
    for order in (s.entity for s in facts.pointing("job_order", "sales_order_line", line)):
        said = facts.best(order, "quantity_good") or facts.best(order, "quantity")
        if said and (amount := quantity(said.value)) and amount.unit:
            return Quantity(amount.value, amount.unit).unit
    return ""


def _done_words(facts: Facts, line: Entity) -> list[Statement]:
    things = [(line, "status"), *([(line.parent, "status")] if line.parent else [])]
    things += [(s.entity, "status") for s in facts.pointing("job_order", "sales_order_line", line)]
    words = [s for thing, name in things for s in facts.words(thing, name)]
    return [s for s in words if meaning(_word_list(s.entity.kind), s.value) in _LOOKS_DONE]


def _word_list(kind: str) -> str:
    return "job_status" if kind == EntityKind.JOB_ORDER else "order_status"


def _open_quantity(each: LineReadiness) -> Decimal:
    return each.buckets.at_risk + each.buckets.blocked + each.buckets.not_made if each.buckets else Decimal(0)


def _unrepeated(findings: Iterator[Finding]) -> Iterator[Finding]:
    seen = set[str]()
    for finding in findings:
        if finding.text not in seen:
            seen.add(finding.text)
            yield finding


def _percent(share: Decimal) -> str:
    return f"{plain((share * 100).quantize(Decimal('0.1')))} %"
