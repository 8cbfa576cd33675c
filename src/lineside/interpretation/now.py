"""What is happening now: the open exceptions, those that endanger orders soonest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from lineside.interpretation.assessment import assess, read_ahead
from lineside.interpretation.dock import waiting_trucks
from lineside.interpretation.facts import Facts, moment, owner_of, spoken
from lineside.interpretation.force import places, touches
from lineside.interpretation.gates import responsible
from lineside.interpretation.holds import Hold, holds
from lineside.interpretation.links import lines_on, touched, touched_by
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, Reading, clock
from lineside.interpretation.reconcile import stock_conflicts
from lineside.interpretation.shared_states import contradict, state_of
from lineside.interpretation.standing import standing_decisions, turned
from lineside.interpretation.stops import Interval, Loss, from_events, from_states, join
from lineside.interpretation.trucks import Truck, trucks_of
from lineside.interpretation.wording import rid, short
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.quantities import Quantity, plain
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_MOST = 9  # a supervisor reads under ten
_LOOK = timedelta(days=3)
_NEXT = timedelta(hours=24)
_SHOWN = 6  # lines named of one truck
_LOSS_WORDS = {
    Loss.STOP: "is stopped",
    Loss.CHANGEOVER: "is in changeover",
    Loss.MAINTENANCE: "is in maintenance",
    Loss.IDLE: "waits",
    Loss.SLOW: "runs slow",
}
_RATE_LOST = Decimal("0.95")


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """One open exception. weight: its kind's urgency where nothing else decides; due: when it first hits an order."""

    text: str
    kind: Kind
    cites: tuple[Cite, ...]
    about: str
    weight: int
    since: datetime | None = None
    owner: str | None = None
    lines: tuple[str, ...] = ()
    due: datetime | None = None
    step: str = ""


def now(view: View, equipment: str | None = None) -> Reading:
    """The open exceptions, at most nine, by the departures and promises that they endanger, each with age and owner.

    equipment: only what happens there or touches job orders there; the sources' health always belongs to it.
    """
    facts = Facts(view)
    down, held, soon = _down(facts, equipment), [h for h in holds(facts) if h.active], _leaving_soon(facts)
    _read_ahead(facts, down, held, soon, equipment)
    found = [*_losses(facts, down), *_slow_lines(facts, equipment), *_held(facts, held, equipment)]
    found += _at_risk(facts, soon, equipment)
    found += _groundless(view, equipment)
    if equipment is None:
        found += [*_late_purchases(facts), *_stock(facts), *_contradictions(facts)]
    found += _silent(facts)
    found.sort(key=lambda o: _rank(o, view.as_of))
    shown = [_finding(view, each) for each in found[:_MOST]]
    where = f" at {view.plant.called(equipment)}" if equipment else ""
    if not found:
        known = bool(view.freshness())
        verdict = f"Nothing open is on record{where}." if known else "Nothing is on record yet."
        return Reading(verdict=verdict, missing=() if known else ("Records of any source.",))
    more = len(found) - len(shown)
    count = f"{len(found)} open {'exception' if len(found) == 1 else 'exceptions'}{where}"
    tail = f" ({more} more of less weight)" if more else ""
    return Reading(
        verdict=f"{count}{tail}; first: {shown[0].text}",
        findings=tuple(shown),
        next_steps=tuple(dict.fromkeys(o.step for o in found[:3] if o.step)),
        data={"open": len(found), "about": [o.about for o in found]},
    )


@dataclass(frozen=True, slots=True)
class _Down:
    """A line that stands or runs slow: the loss that began first there, the others, and the orders that run there."""

    line: str
    first: Interval
    others: tuple[Interval, ...]
    orders: tuple[Entity, ...]


def _read_ahead(
    facts: Facts, down: Iterable[_Down], held: Iterable[Hold], soon: Iterable[Truck], equipment: str | None
) -> None:
    """What hangs on all of these is read at once, not one after another."""
    carried = [line for truck in soon for line in lines_on(facts, truck.shipment)]
    subjects = [h.subject for h in held if h.subject and h.subject.kind != EntityKind.EQUIPMENT]
    orders = [order for each in down for order in each.orders]
    touched_by(facts, [*orders, *subjects, *([] if equipment is None else carried)])
    read_ahead(facts, [line for line in carried if equipment is None or _there(facts, line, equipment)])


def _down(facts: Facts, equipment: str | None) -> list[_Down]:
    by_line: dict[str, list[Interval]] = {}
    for loss in _open_intervals(facts, equipment):
        by_line.setdefault(work_center(loss.equipment), []).append(loss)
    found = []
    for line, losses in sorted(by_line.items()):
        first = min(losses, key=lambda i: (i.loss is Loss.IDLE, i.loss is Loss.SLOW, i.start, i.equipment))
        others = tuple(i for i in losses if i.equipment != first.equipment)
        found.append(_Down(line, first, others, _orders_on(facts, line, first)))
    return found


def _losses(facts: Facts, down: Iterable[_Down]) -> Iterator[Open]:
    """What stands or runs slow, one for each line: the loss that began first there."""
    for each in down:
        first, others = each.first, [facts.plant.called(i.equipment) for i in each.others]
        lines, due, told = _ends_of(facts, each.orders)
        name = facts.plant.called(first.equipment)
        text = f"{name} {_LOSS_WORDS[first.loss]}" + (f": {first.why}" if first.why else "")
        text += f"; also down: {', '.join(dict.fromkeys(others))}" if others else ""
        owner, cites = _repairer(facts, first.equipment)
        yield Open(
            text=text,
            kind=Kind.FACT,
            cites=(*first.records[:4], *cites, *told),
            about=str(Entity("equipment", first.equipment)),
            weight=0 if first.loss in (Loss.STOP, Loss.MAINTENANCE) else 3,
            since=first.start,
            owner=owner,
            lines=lines,
            due=due,
            step=f"Ask {owner or 'the shift lead'} when {name} will run.",
        )


def _open_intervals(facts: Facts, equipment: str | None) -> list[Interval]:
    view = facts.view
    window = Window(start=view.as_of - _LOOK, end=view.as_of + timedelta(microseconds=1))
    names = ("state", "reason")
    states = {
        (s.record_id, s.property): s
        for s in (
            *view.said(kind=EntityKind.EQUIPMENT, properties=names),
            *view.statements(kind=EntityKind.EQUIPMENT, properties=names, within=window),
        )
        if (not view.plant.elsewhere(s.entity.id) if equipment is None else within(s.entity.id, equipment))
    }
    events = view.events(equipment=equipment, within=window)
    if equipment is None:
        events = [e for e in events if not view.plant.elsewhere(e.equipment)]
    return [i for i in join(from_events(events), from_states(states.values())) if i.end is None]


def _slow_lines(facts: Facts, equipment: str | None) -> Iterator[Open]:
    """Lines whose last rate lies under their last target."""
    facts.load(EntityKind.EQUIPMENT, "rate", "target_rate")
    for entity in facts.having(EntityKind.EQUIPMENT, "target_rate"):
        if equipment is not None and not within(entity.id, equipment):
            continue
        rate, target = facts.best(entity, "rate"), facts.best(entity, "target_rate")
        if rate is None or target is None or not rate.quantity or not target.quantity:
            continue
        runs, aim = rate.quantity.value, target.quantity.value
        if not 0 < runs < aim * _RATE_LOST:
            continue
        name, told = facts.plant.called(entity.id), _per_hour(rate.quantity)
        text = f"{name} runs {told} of a target of {_per_hour(target.quantity)}"
        yield Open(
            text=text,
            kind=Kind.DERIVED,
            cites=(rate.record_id, target.record_id),
            about=str(entity),
            weight=4,
            since=rate.occurred_at,
        )


def _per_hour(rate: Quantity) -> str:
    """The rate with its own unit; where that names no time, per hour, as rates are meant."""
    return f"{rate}" if "/" in rate.unit else f"{rate} per hour"


def _held(facts: Facts, known: Iterable[Hold], equipment: str | None) -> Iterator[Open]:
    for hold in known:
        if hold.subject is None:
            continue
        if equipment is not None and not _there(facts, hold.subject, equipment):
            continue
        lines, due, told = _endangered(facts, hold.subject)
        yield Open(
            text=f"Hold {hold.id} on {hold.subject.id}" + (f": {hold.reason}" if hold.reason else ""),
            kind=Kind.FACT,
            cites=(*hold.cites, *told),
            about=str(Entity("hold", hold.id)),
            weight=1,
            since=hold.since,
            owner=hold.owner or responsible(facts, hold.words[0].source if hold.words else None, "hold", "status"),
            lines=lines,
            due=due,
            step=f"Ask {hold.owner or 'its owner'} for the disposition of {hold.subject.id}.",
        )


def _leaving_soon(facts: Facts) -> list[Truck]:
    """The trucks of the next day."""
    until = facts.view.as_of + _NEXT
    return [truck for truck in waiting_trucks(facts) if truck.departure is not None and truck.departure <= until]


def _at_risk(facts: Facts, soon: Iterable[Truck], equipment: str | None) -> Iterator[Open]:
    """The trucks with lines that can't go as they are."""
    known = holds(facts)
    for truck in soon:
        if truck.departure is None:
            continue
        lines = [e for e in lines_on(facts, truck.shipment) if equipment is None or _there(facts, e, equipment)]
        rows = [each for each in (assess(facts, known, e, on=truck.shipment) for e in lines) if each.closed]
        if not rows:
            continue
        shown = "; ".join(f"{each.line.id} ({', '.join(g.gate.value for g in each.closed)})" for each in rows[:_SHOWN])
        shown += f"; and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        verb = "line on it can't" if len(rows) == 1 else "lines on it can't"
        leaves = clock(truck.departure, facts.plant, relative_to=facts.view.as_of)
        yield Open(
            text=f"{truck.shipment.id} leaves at {leaves} and {len(rows)} {verb} go as a whole: {shown}",
            kind=Kind.DERIVED,
            cites=tuple(
                dict.fromkeys((*truck.cites, *(c for e in rows for g in e.closed for c in (*e.cites, *g.cites))))
            ),
            about=str(truck.shipment),
            weight=2,
            owner=", ".join(dict.fromkeys(g.owner for e in rows for g in e.closed if g.owner)) or None,
            lines=tuple(each.line.id for each in rows),
            due=truck.cut_off or truck.departure,
            step=f"Settle what {truck.shipment.id} waits for: {shown}.",
        )


def _late_purchases(facts: Facts) -> Iterator[Open]:
    facts.load("purchase_order_line", "eta", "status", "material")
    for order in facts.having("purchase_order_line", "eta"):
        said = facts.best(order, "eta")
        when = moment(said.value) if said else None
        if said is None or when is None or when >= facts.view.as_of:
            continue
        if facts.state(said.entity, "status") in ("complete", "cancelled"):
            continue
        what = facts.best(said.entity, "material")
        text = f"{said.entity.id}" + (f" ({what.text})" if what else "")
        yield Open(
            text=f"{text} was expected at {clock(when, facts.plant, relative_to=facts.view.as_of)} and isn't received",
            kind=Kind.DERIVED,
            cites=(said.record_id, *((what.record_id,) if what else ())),
            about=str(said.entity),
            weight=5,
            since=when,
            owner=responsible(facts, said.source, "purchase_order_line", "eta"),
        )


def _stock(facts: Facts) -> Iterator[Open]:
    for stock, gap in stock_conflicts(facts):
        shown = ", ".join(f"{f.source} {f.amount}" + (f" ({f.scope})" if f.scope else "") for f in stock.whole)
        yield Open(
            text=f"Stock of {stock.about.id} differs by {plain(gap)} {stock.unit}".rstrip() + f": {shown}",
            kind=Kind.DERIVED,
            cites=tuple(c for f in stock.whole for c in f.cites),
            about=str(stock.about),
            weight=6,
            step=f"Reconcile {stock.about.id}.",
        )


def _contradictions(facts: Facts) -> Iterator[Open]:
    """Lots that are released here and blocked there."""
    for lot in facts.having("lot", "quality_status"):
        states = [(s, state_of("lot", "quality_status", s.value)) for s in facts.words(lot, "quality_status")]
        pair = next(
            (
                (a, b)
                for i, (a, mine) in enumerate(states)
                for b, other in states[i + 1 :]
                if mine and other and a.source != b.source and contradict("lot", "quality_status", mine, other)
            ),
            None,
        )
        if pair is None:
            continue
        lines, due, told = _endangered(facts, lot)
        owner = owner_of(facts.plant, "lot", "quality_status")
        yield Open(
            text=f"Lot {lot.id}: {spoken(pair[0], facts.view)}, {spoken(pair[1], facts.view)}",
            kind=Kind.DERIVED,
            cites=(pair[0].record_id, pair[1].record_id, *told),
            about=str(lot),
            weight=2,
            since=max(s.occurred_at for s in pair),
            owner=(owner.owner or owner.name) if owner else None,
            lines=lines,
            due=due,
        )


def _groundless(view: View, equipment: str | None) -> Iterator[Open]:
    """The decisions in force whose ground is gone."""
    for each in standing_decisions(view, view.as_of):
        if not each.broken:
            continue
        if equipment is not None and not any(touches(place, equipment) for place in places(view, each.decision)):
            continue
        turn = turned(view, each.decision, each.broken[0])
        yield Open(
            text=f'Decided "{short(each.decision.choice, 90)}", and "{short(each.broken[0].text, 90)}" no longer holds',
            kind=Kind.DERIVED,
            cites=(rid(each.decision), *each.broken[0].records),
            about=f"decision:{each.decision.provenance.source_id}",
            weight=7,
            since=turn.since if turn else None,
            owner=each.decision.decided_by,
            step=f"Ask {each.decision.decided_by or 'who decided it'} whether the decision still stands.",
        )


def _silent(facts: Facts) -> Iterator[Open]:
    for health in facts.health:
        if str(health.state) == "live" or health.last_heard is None:
            continue
        card = facts.plant.source(health.source)
        cites: tuple[Cite, ...] = (
            PlantFact(f"sources.{card.name}", f"{card.name}: expected every {duration(health.cadence_s or 0)}"),
        )
        yield Open(
            text=f"{health.source} is {health.state!s}; what rests on it may be out of date",
            kind=Kind.DERIVED,
            cites=cites,
            about=f"source:{health.source}",
            weight=3 if str(health.state) == "silent" else 7,
            since=health.last_heard,
            owner=card.owner,
            step=f"Ask {card.owner or 'its owner'} why {health.source} is {health.state!s}.",
        )


def _orders_on(facts: Facts, line: str, loss: Interval) -> tuple[Entity, ...]:
    """The job orders that run there."""
    places = [Entity("equipment", p) for p in dict.fromkeys((loss.equipment, line))]
    facts.load("job_order", "status")
    orders = [Entity("job_order", loss.job_order)] if loss.job_order else []
    orders += [target for place in places for target, _ in facts.linked(place, "job_order")]
    for place in places:
        for said in facts.pointing("job_order", "equipment", place):
            if facts.state(said.entity, "status") == "in_progress":
                orders.append(said.entity)
    return tuple(dict.fromkeys(orders))


def _ends_of(facts: Facts, orders: Iterable[Entity]) -> tuple[tuple[str, ...], datetime | None, tuple[Cite, ...]]:
    """What the job orders are for."""
    found: list[str] = []
    times, cites = list[datetime](), list[Cite]()
    for order in orders:
        lines, due, told = _endangered(facts, order)
        found += lines
        cites += told
        times += [due] if due else []
    return tuple(dict.fromkeys(found)), min(times, default=None), tuple(dict.fromkeys(cites))


def _endangered(facts: Facts, thing: Entity) -> tuple[tuple[str, ...], datetime | None, tuple[Cite, ...]]:
    """The waiting sales order lines that hang on a thing, when the first of them is due, and who says so."""
    lines, times, cites = list[str](), list[datetime](), list[Cite]()
    links = [] if thing.kind == EntityKind.EQUIPMENT else touched(facts, thing)
    hanging = [x.entity for x in links if x.entity.kind == EntityKind.SALES_ORDER_LINE]
    hanging += [thing] if thing.kind == EntityKind.SALES_ORDER_LINE else []
    for line in dict.fromkeys(hanging):
        trucks = trucks_of(facts, line)
        if trucks and all(t.gone for t in trucks):
            continue
        lines.append(line.id)
        cites += [x.statement.record_id for x in links if x.statement and line in (x.entity, x.origin)][:1]
        said = facts.best(line, "promised_at") or (facts.best(line.parent, "promised_at") if line.parent else None)
        promised = moment(said.value) if said else None
        ends = [t.cut_off or t.departure for t in trucks if not t.gone]
        times += [when for when in (*ends, promised) if when]
    return tuple(lines), min(times, default=None), tuple(cites)


def _there(facts: Facts, thing: Entity, equipment: str) -> bool:
    """Whether a thing is at the equipment, or is made by a job order there."""
    if thing.kind == EntityKind.EQUIPMENT:
        return within(thing.id, equipment)
    orders = [x.entity for x in touched(facts, thing) if x.entity.kind == EntityKind.JOB_ORDER]
    orders += [thing] if thing.kind == EntityKind.JOB_ORDER else []
    places = [target for order in orders for target, _ in facts.linked(order, "equipment")]
    return any(within(p.id, equipment) or within(equipment, p.id) for p in places)


def _repairer(facts: Facts, equipment: str) -> tuple[str | None, tuple[str, ...]]:
    """Who has the open maintenance order there, by its record."""
    for said in facts.pointing("maintenance_order", "equipment", Entity("equipment", equipment)):
        if facts.state(said.entity, "status") == "complete":
            continue
        who = facts.best(said.entity, "owner") or facts.best(said.entity, "assigned_to")
        name = who.text if who else facts.plant.source(said.source).owner
        return name, (said.record_id, *((who.record_id,) if who else ()))
    return None, ()


def _finding(view: View, each: Open) -> Finding:
    age = f" since {clock(each.since, view.plant, relative_to=view.as_of)}" if each.since else ""
    age += f" ({duration((view.as_of - each.since).total_seconds())})" if each.since else ""
    hits = f"; touches {', '.join(each.lines[:4])}" if each.lines and each.lines[0] not in each.text else ""
    due = f", due {clock(each.due, view.plant, relative_to=view.as_of)}" if each.due and each.lines else ""
    owner = f"; owner {each.owner}" if each.owner else "; no owner on record"
    return Finding(
        text=f"{each.text}{age}{hits}{due}{owner}.",
        kind=Kind.DERIVED,
        cites=tuple(dict.fromkeys(each.cites)),
        data={
            "about": each.about,
            "since": each.since.isoformat() if each.since else None,
            "age_s": (view.as_of - each.since).total_seconds() if each.since else None,
            "owner": each.owner,
            "lines": [*each.lines],
            "due": each.due.isoformat() if each.due else None,
        },
    )


def _rank(each: Open, now_at: datetime) -> tuple[bool, float, int, int, float, str]:
    """What hits an order first comes first; then what hits most; then the urgency of its kind; then the oldest."""
    due = (each.due - now_at).total_seconds() if each.due and each.lines else 0.0
    age = -(now_at - each.since).total_seconds() if each.since else 0.0
    return (not each.lines, due, each.weight, -len(each.lines), age, each.about)
