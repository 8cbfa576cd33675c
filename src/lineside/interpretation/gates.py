"""The gates between made and shipped, for one sales order line: what passes each, what closes it, who can open it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, moment, owner_of, spoken
from lineside.interpretation.holds import Hold, binding
from lineside.interpretation.links import customer_of
from lineside.interpretation.reading import Cite, PlantFact, clock
from lineside.interpretation.supply import Made, Supply
from lineside.interpretation.trucks import Truck
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.quantities import number, plain


class Gate(StrEnum):
    """What stands between a quantity and the truck, in the order in which it is passed."""

    MADE = "made"
    INSPECTED = "inspected"
    HOLD_FREE = "free of holds"
    PACKED = "packed"
    LABELLED = "labelled"
    DOCUMENTS = "documents"
    CREDIT = "credit"
    CARRIER = "carrier"


class Stand(StrEnum):
    """open: everything wanted passes. closed: some of it doesn't, and a record says so. unknown: no record says."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One gate for one line. passed: never more than was made. owner: who can open it; earliest: when at the soonest,
    None where no record says; basis: why then. stops: whether somebody must decide before it can open.
    lacks: the kinds of document."""

    gate: Gate
    stand: Stand
    passed: Decimal
    text: str
    cites: tuple[Cite, ...] = ()
    owner: str | None = None
    opens_with: str = ""
    earliest: datetime | None = None
    basis: str = ""
    stops: bool = False
    lacks: tuple[str, ...] = ()


@dataclass(slots=True)
class Question:
    """One line and what is asked of it, gathered once. wanted: the quantity that should leave."""

    facts: Facts
    known: Sequence[Hold]
    line: Entity
    wanted: Decimal | None
    unit: str
    supply: Supply
    trucks: tuple[Truck, ...]
    used: list[Statement] = field(default_factory=list)

    def amount(self, value: Decimal) -> str:
        return f"{plain(value)} {self.unit}".rstrip()

    def capped(self, value: Decimal) -> Decimal:
        most = self.supply.made if self.wanted is None else min(self.wanted, self.supply.made)
        return max(Decimal(0), min(value, most))


def passages(question: Question) -> tuple[Passage, ...]:
    """Every gate, in the order in which they are passed."""
    return (
        _made(question),
        _inspected(question),
        _hold_free(question),
        _in_units(question, Gate.PACKED),
        _in_units(question, Gate.LABELLED),
        documents(question),
        _credit(question),
        _carrier(question),
    )


def responsible(facts: Facts, source: str | None, kind: str, name: str) -> str | None:
    """Who answers for a datum: the owner of the system that spoke, else of the one that owns the datum."""
    spoke = facts.plant.source(source).owner if source else None
    card = owner_of(facts.plant, kind, name)
    return spoke or (card.owner if card else None) or (card.name if card else source)


def _made(q: Question) -> Passage:
    made, cites = q.supply.made, _cites(c for b in q.supply.batches for c in b.cites)
    source = next((s.source for s in q.supply.said if s.property in ("quantity_good", "quantity")), None)
    owner = responsible(q.facts, source, "job_order", "quantity_good")
    ends = [w for o in q.supply.job_orders if (s := q.facts.best(o, "planned_end")) and (w := moment(s.value))]
    if not cites and (begins := _not_begun(q)):
        last = max((w for w in ends if w > q.facts.view.as_of), default=None)
        text = f"nothing made yet: {'; '.join(begins.values())}"
        return Passage(
            gate=Gate.MADE,
            stand=Stand.CLOSED,
            passed=Decimal(0),
            text=text,
            cites=tuple(begins),
            owner=owner,
            opens_with=f"{', '.join(o.id for o in q.supply.job_orders)} being made",
            earliest=last,
            basis="the planned end",
        )
    if not cites:
        orders = ", ".join(o.id for o in q.supply.job_orders)
        text = f"no record says what was made ({orders})" if orders else "no job order, lot or unit names this line"
        return Passage(gate=Gate.MADE, stand=Stand.UNKNOWN, passed=Decimal(0), text=text, owner=owner)
    if q.wanted is None:
        text = f"{q.amount(made)} made; the quantity wanted is not on record"
        return Passage(gate=Gate.MADE, stand=Stand.UNKNOWN, passed=made, text=text, cites=cites, owner=owner)
    if made >= q.wanted:
        text = f"{q.amount(made)} made of {q.amount(q.wanted)}"
        return Passage(gate=Gate.MADE, stand=Stand.OPEN, passed=q.capped(made), text=text, cites=cites)
    return Passage(
        gate=Gate.MADE,
        stand=Stand.CLOSED,
        passed=q.capped(made),
        text=f"{q.amount(made)} made of {q.amount(q.wanted)}; {q.amount(q.wanted - made)} are missing",
        cites=cites,
        owner=owner,
        opens_with=f"making {q.amount(q.wanted - made)} more",
        earliest=max((w for w in ends if w > q.facts.view.as_of), default=None),
        basis="the planned end",
    )


def _not_begun(q: Question) -> dict[str, str]:
    """The words, by record, that say of every job order of the line that it has not begun; none where one may have."""
    found = dict[str, str]()
    for order in q.supply.job_orders:
        said = q.facts.best(order, "status")
        if said is None or q.facts.state(order, "status") not in ("planned", "ready"):
            return {}
        found[said.record_id] = f"{order.id} is {said.text}, says {said.source}"
    return found


def _inspected(q: Question) -> Passage:
    passed = [b for b in q.supply.batches if b.quality.passes]
    closed = [b for b in q.supply.batches if b.quality.passes is False]
    unknown = [b for b in q.supply.batches if b.quality.passes is None]
    value = q.capped(_sum(passed))
    cites = _cites(c for b in (closed or passed) for c in b.quality.cites)
    first = next(iter(closed or passed), None)
    owner = responsible(q.facts, first.quality.source if first else None, "lot", "quality_status")
    if not closed and (unknown or not passed):
        text = "; ".join(b.quality.why for b in unknown) or "nothing made is on record"
        return Passage(gate=Gate.INSPECTED, stand=Stand.UNKNOWN, passed=value, text=text, cites=cites, owner=owner)
    if not closed:
        text = "; ".join(b.quality.why for b in passed)
        return Passage(gate=Gate.INSPECTED, stand=Stand.OPEN, passed=value, text=text, cites=cites)
    dues = [b.quality.due for b in closed]
    known = [due for due in dues if due and due > q.facts.view.as_of]
    return Passage(
        gate=Gate.INSPECTED,
        stand=Stand.CLOSED,
        passed=value,
        text="; ".join(f"{q.amount(b.value)}, {b.quality.why}" for b in closed),
        cites=cites,
        owner=owner,
        opens_with="a quality release",
        earliest=max(known) if known and len(known) == len(dues) else None,
        basis="when the inspection is due",
        stops=any(b.quality.stops for b in closed),
    )


def _hold_free(q: Question) -> Passage:
    general = binding(q.known, _general(q))
    held = [b for b in q.supply.batches if b.held()]
    found = list(dict.fromkeys([*general, *(h for b in held for h in b.holds)]))
    units = [p for b in held if not b.holds for p in b.packs if p.held]
    on_units = [h for h in binding(q.known, [p.unit for p in units]) if h not in found]
    found += on_units
    value = Decimal(0) if general else q.capped(q.supply.made - sum((b.held() for b in held), Decimal(0)))
    if not found:
        cites = _cites(c for b in q.supply.batches for c in b.cites)
        if not cites:
            return Passage(gate=Gate.HOLD_FREE, stand=Stand.UNKNOWN, passed=value, text="nothing made is on record")
        text = "no active hold is on record for the line, its lots or its job orders"
        return Passage(gate=Gate.HOLD_FREE, stand=Stand.OPEN, passed=value, text=text, cites=cites)
    told = []
    for hold in found:
        amount = sum((b.value for b in held if hold in b.holds), Decimal(0))
        what = "the whole line" if hold in general else q.amount(amount) if amount else "packed units"
        told.append(
            f"hold {hold.id} on {hold.subject.id if hold.subject else '?'} binds {what}"
            + (f" ({hold.reason})" if hold.reason else "")
        )
    owners = [h.owner or responsible(q.facts, h.words[0].source if h.words else None, "hold", "status") for h in found]
    return Passage(
        gate=Gate.HOLD_FREE,
        stand=Stand.CLOSED,
        passed=value,
        text="; ".join(told),
        cites=_cites(c for h in found for c in h.cites),
        owner=", ".join(dict.fromkeys(o for o in owners if o)) or None,
        opens_with=f"the release of {', '.join(h.id for h in found)}",
        stops=True,
    )


def _general(q: Question) -> list[Entity]:
    """What, when held, holds the whole line."""
    customer = customer_of(q.facts, q.line)
    return [
        q.line,
        *([q.line.parent] if q.line.parent else []),
        *(t.shipment for t in q.trucks if not t.gone),
        *([Entity("customer", customer[0])] if customer else []),
    ]


def _in_units(q: Question, gate: Gate) -> Passage:
    name = gate.value
    packs = [p for b in q.supply.batches for p in b.packs]
    flags = [(p, p.packed if gate is Gate.PACKED else p.labelled) for p in packs]
    done = sum((b.packed() if gate is Gate.PACKED else b.labelled() for b in q.supply.batches), Decimal(0))
    events = _done_by_events(q, name) if not any(flag is not None for _, flag in flags) else None
    source: str | None
    if events is not None:
        done, cites, source = events
    else:
        cites = _cites(c for p, flag in flags if flag is not None for c in p.cites)
        source = next((s.source for s in q.supply.said if s.property == name), None)
    value, goal = q.capped(done), q.supply.made if q.wanted is None else q.wanted
    owner = responsible(q.facts, source, "handling_unit", name)
    if not cites:
        text = f"no record says whether it is {name}"
        return Passage(gate=gate, stand=Stand.UNKNOWN, passed=Decimal(0), text=text, owner=owner)
    if value >= min(goal, q.supply.made) and value > 0:
        text = f"{q.amount(value)} {name}"
        return Passage(gate=gate, stand=Stand.OPEN, passed=value, text=text, cites=cites)
    open_units = [p.unit.id for p, flag in flags if flag is False]
    which = f" (open: {', '.join(open_units)})" if open_units else ""
    return Passage(
        gate=gate,
        stand=Stand.CLOSED,
        passed=value,
        text=f"{q.amount(value)} of {q.amount(q.supply.made)} made are {name}{which}",
        cites=cites,
        owner=owner,
        opens_with=f"the rest being {name}",
    )


def _done_by_events(q: Question, kind: str) -> tuple[Decimal, tuple[Cite, ...], str] | None:
    """What events say was packed or labelled, by the source that says most; a batch at most once."""
    totals: dict[str, dict[Entity, Decimal]] = {}
    cites: dict[str, list[str]] = {}
    for batch in q.supply.batches:
        for event in q.facts.view.events(kinds=(kind,), about=batch.subject):
            source = event.provenance.source
            amount = _event_quantity(event.attributes.get("quantity"), batch)
            mine = totals.setdefault(source, {})
            mine[batch.subject] = min(batch.value, mine.get(batch.subject, Decimal(0)) + amount)
            cites.setdefault(source, []).append(event.provenance.record_id)
    if not totals:
        return None
    source = max(sorted(totals), key=lambda s: sum(totals[s].values()))
    return sum(totals[source].values(), Decimal(0)), _cites(cites[source]), source


def _event_quantity(value: object, batch: Made) -> Decimal:
    """The number in an event's quantity; the whole batch where it names none."""
    raw = value.get("value") if isinstance(value, dict) else value
    return number(raw) or batch.value


def documents(q: Question) -> Passage:
    """Whether every document that the customer wants, or that is on record for the line, is issued."""
    customer = customer_of(q.facts, q.line)
    terms = q.facts.plant.customer(customer[0]) if customer else None
    on_record = _documents(q)
    needed = terms.documents if terms else tuple(dict.fromkeys(kind for kind, _, _ in on_record))
    fact: tuple[Cite, ...] = ()
    if terms and customer:
        listed = ", ".join(terms.documents) or "none"
        fact = (PlantFact(f"customers.{terms.id}", f"{terms.id} wants documents: {listed}"), customer[1].record_id)
    made = q.capped(q.supply.made)
    if terms and not needed:
        return Passage(gate=Gate.DOCUMENTS, stand=Stand.OPEN, passed=made, text="none are required", cites=fact)
    if not needed:
        text = "no record says which documents are required or issued"
        return Passage(gate=Gate.DOCUMENTS, stand=Stand.UNKNOWN, passed=Decimal(0), text=text)
    problems, cites, owners, lacking = list[str](), list[Cite](fact), list[str | None](), set[Entity]()
    lacks = list[str]()
    for kind in needed:
        of_kind = [(about, doc) for k, about, doc in on_record if k.casefold() == kind.casefold()]
        if not of_kind:
            problems.append(f"no {kind} is on record")
            lacks.append(kind)
            lacking.update(q.supply.lots or [q.line])
            continue
        for about, doc in of_kind:
            issued, words, source, told = _issued(q, doc)
            cites += told
            if not issued:
                problems.append(f"{doc.id}: {words}")
                lacks.append(kind)
                owners.append(responsible(q.facts, source, "document", "status"))
                lacking.update([about] if about in q.supply.lots else q.supply.lots or [q.line])
        covered = {about for about, _ in of_kind}
        if covered <= set(q.supply.lots):
            for lot in (each for each in q.supply.lots if each not in covered):
                problems.append(f"no {kind} for {lot.id} is on record")
                lacks.append(kind)
                lacking.add(lot)
    if not problems:
        text = f"{', '.join(needed)} issued"
        return Passage(gate=Gate.DOCUMENTS, stand=Stand.OPEN, passed=made, text=text, cites=_unique(cites))
    whole = [b for b in q.supply.batches if b.subject not in lacking]
    partly = q.capped(_sum(whole)) if q.supply.lots else Decimal(0)
    return Passage(
        gate=Gate.DOCUMENTS,
        stand=Stand.CLOSED,
        passed=partly,
        text="; ".join(problems),
        cites=_unique(cites),
        owner=next((o for o in owners if o), responsible(q.facts, None, "document", "status")),
        opens_with="the documents being issued",
        lacks=tuple(dict.fromkeys(lacks)),
    )


def _documents(q: Question) -> list[tuple[str, Entity, Entity]]:
    """(kind of document, what it is about, the document) for the line, its order, its shipments and its lots."""
    things = [q.line, *([q.line.parent] if q.line.parent else []), *(t.shipment for t in q.trucks)]
    things += [*q.supply.lots, *q.supply.job_orders]
    found: dict[Entity, tuple[str, Entity, Entity]] = {}
    q.facts.look_towards("document", "subject", things)
    for thing in things:
        for said in q.facts.pointing("document", "subject", thing):
            found[said.entity] = (document_kind(q.facts, said.entity), thing, said.entity)
    by_id = {thing.id: thing for thing in things}
    named = q.facts.once(_by_subject)
    for document in sorted({each for rest in by_id for each in named.get(rest, ())}):
        kind, _, rest = document.id.partition("/")
        if document not in found:
            found[document] = (kind, by_id[rest], document)
    return sorted(found.values(), key=lambda row: (row[0], row[2]))


def _by_subject(facts: Facts) -> dict[str, list[Entity]]:
    """The documents whose ids name what they are about after a slash, by that."""
    facts.load("document", "status", "type", "kind")
    found: dict[str, list[Entity]] = defaultdict(list)
    for document in facts.having("document", "status"):
        _, slash, rest = document.id.partition("/")
        if slash:
            found[rest].append(document)
    return found


def document_kind(facts: Facts, document: Entity) -> str:
    """What kind of document it is, by its own word, else by the head of its id."""
    named = facts.best(document, "type") or facts.best(document, "kind")
    return named.text if named else document.id.partition("/")[0]


def _issued(q: Question, document: Entity) -> tuple[bool, str, str | None, tuple[str, ...]]:
    said = q.facts.best(document, "status")
    if said is None:
        about = q.facts.about(document)
        return False, "no status on record", None, tuple(s.record_id for s in about[:1])
    q.used.append(said)
    issued = shared_states.state_of("document", "status", said.value) == "issued"
    return issued, spoken(said, q.facts.view), said.source, (said.record_id,)


def _credit(q: Question) -> Passage:
    customer = customer_of(q.facts, q.line)
    bearers = [q.line, *([q.line.parent] if q.line.parent else [])]
    bearers += [Entity("customer", customer[0])] if customer else []
    said = [s for s in (q.facts.best(e, "credit") for e in bearers) if s]
    if not said:
        text = "no record of the customer's credit"
        return Passage(gate=Gate.CREDIT, stand=Stand.UNKNOWN, passed=Decimal(0), text=text)
    q.used += said
    states = {s.record_id: shared_states.state_of(s.entity.kind, "credit", s.value) for s in said}
    worst = next((s for s in said if states[s.record_id] != "ok"), said[0])
    text, cites = spoken(worst, q.facts.view), (worst.record_id,)
    if states[worst.record_id] == "ok":
        return Passage(gate=Gate.CREDIT, stand=Stand.OPEN, passed=q.capped(q.supply.made), text=text, cites=cites)
    return Passage(
        gate=Gate.CREDIT,
        stand=Stand.CLOSED if states[worst.record_id] == "blocked" else Stand.UNKNOWN,
        passed=Decimal(0),
        text=text,
        cites=cites,
        owner=responsible(q.facts, worst.source, worst.entity.kind, "credit"),
        opens_with="the credit being released",
        stops=True,
    )


def _carrier(q: Question) -> Passage:
    now, plant = q.facts.view.as_of, q.facts.plant
    waiting = [t for t in q.trucks if not t.gone]
    if not q.trucks:
        return Passage(gate=Gate.CARRIER, stand=Stand.UNKNOWN, passed=Decimal(0), text="no shipment names this line")
    if not waiting:
        names = ", ".join(t.shipment.id for t in q.trucks)
        cites = _unique(c for t in q.trucks for c in t.cites)
        text = f"{names} has left"
        return Passage(gate=Gate.CARRIER, stand=Stand.OPEN, passed=q.capped(q.supply.made), text=text, cites=cites)
    truck = min(waiting, key=lambda t: (t.departure or datetime.max.replace(tzinfo=now.tzinfo), t.shipment))
    owner = responsible(q.facts, truck.source, "shipment", "planned_departure")
    if truck.departure is None:
        text = f"{truck.shipment.id} has no planned departure on record"
        return Passage(
            gate=Gate.CARRIER, stand=Stand.UNKNOWN, passed=Decimal(0), text=text, cites=truck.cites, owner=owner
        )
    last = truck.cut_off or truck.departure
    leaves = f"{truck.shipment.id} leaves at {clock(truck.departure, plant, relative_to=now)}"
    leaves += f", cut-off {clock(truck.cut_off, plant, relative_to=now)}" if truck.cut_off else ""
    if last <= now:
        return Passage(
            gate=Gate.CARRIER,
            stand=Stand.CLOSED,
            passed=Decimal(0),
            text=f"{leaves}: too late, and no record says that it has left",
            cites=truck.cites,
            owner=owner,
            opens_with="another truck, or the carrier waiting",
        )
    return Passage(
        gate=Gate.CARRIER,
        stand=Stand.OPEN,
        passed=q.capped(q.supply.made),
        text=leaves,
        cites=truck.cites,
        earliest=last,
    )


def _sum(batches: Iterable[Made]) -> Decimal:
    return sum((b.value for b in batches), Decimal(0))


def _cites(ids: Iterable[str]) -> tuple[Cite, ...]:
    return tuple(dict.fromkeys(ids))


def _unique(cites: Iterable[Cite]) -> tuple[Cite, ...]:
    return tuple(dict.fromkeys(cites))
