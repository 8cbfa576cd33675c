"""The trucks: what can leave with one, who must act by when, and who is hit when a carrier slips."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from lineside.interpretation.assessment import LineReadiness, assess, read_ahead
from lineside.interpretation.dock import waiting_trucks
from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.holds import holds
from lineside.interpretation.line_words import line_data, line_gaps, line_verdict, part_may_leave
from lineside.interpretation.links import lines_on
from lineside.interpretation.reading import Cite, Finding, Kind, Reading, clock
from lineside.interpretation.stock import related
from lineside.interpretation.trucks import Truck, cut_off_fact
from lineside.memory import Statement, View
from lineside.plant.entities import Entity
from lineside.plant.plant import CutOff
from lineside.plant.timeline import duration

_AHEAD_DAYS = 7


def departure(view: View, *, at: datetime | None = None, dock: str | None = None) -> Reading:
    """What of each line on the trucks of one departure can leave: ready, in part, not confirmed or not ready.

    at: the departure, by default the next one; dock: only the trucks there.
    """
    facts = Facts(view)
    trucks = [t for t in waiting_trucks(facts) if not dock or _at_dock(facts, t.shipment, dock)]
    when = at or _next(facts, trucks, dock)
    leaving = [t for t in trucks if when and t.departure and abs((t.departure - when).total_seconds()) < 60]
    cut = None if when is None else _cut_off(facts, when, dock)
    if when is None or not leaving:
        named = clock(when, view.plant, relative_to=view.as_of) if when else "any time"
        return Reading(
            verdict=f"No shipment with lines is on record for a departure at {named}.",
            missing=("A shipment with that departure, and its lines.",),
        )
    known = holds(facts)
    loads = [(t, line) for t in leaving for line in lines_on(facts, t.shipment)]
    read_ahead(facts, [line for _, line in loads])
    rows = [(t, assess(facts, known, line, on=t.shipment)) for t, line in loads]
    last = min((t.cut_off for t in leaving if t.cut_off), default=when)
    ready = [e.line.id for _, e in rows if e.ready]
    partly = [e.line.id for _, e in rows if _stand(facts, e) == "in part"]
    others = [e.line.id for _, e in rows if e.line.id not in (*ready, *partly)]
    shown = [
        f"{', '.join(names)} {word}"
        for names, word in ((ready, "can leave"), (partly, "in part"), (others, "not as it stands"))
        if names
    ]
    moment_text = clock(last, view.plant, relative_to=view.as_of)
    name = clock(when, view.plant, relative_to=view.as_of)
    return Reading(
        verdict=f"On the {name} departure: {'; '.join(shown) or 'no lines'}; the last moment to act is {moment_text}.",
        findings=tuple(_row(facts, t, e, cut) for t, e in rows),
        against=tuple(f for _, e in rows for f in e.against),
        missing=tuple(dict.fromkeys(m for _, e in rows for m in line_gaps(e))),
        next_steps=tuple(dict.fromkeys(_act(e, moment_text) for _, e in rows if e.closed)),
        data={
            "departure": when.isoformat(),
            "cut_off": last.isoformat(),
            "lines": [{"line": e.line.id, "shipment": t.shipment.id, "stand": _stand(facts, e)} for t, e in rows],
        },
    )


def hit_by_carrier(
    view: View, *, delay_s: float, shipment: Entity | None = None, carrier: str | None = None
) -> Reading:
    """The lines on a carrier's (or one shipment's) trucks that haven't left, and which promises the delay breaks."""
    facts = Facts(view)
    found, late = list[Finding](), list[str]()
    missing = list[str]()
    for each in waiting_trucks(facts):
        said = facts.best(each.shipment, "carrier")
        if shipment is not None and each.shipment != shipment:
            continue
        if carrier is not None and (said is None or said.text.casefold() != carrier.casefold()):
            continue
        eta = facts.best(each.shipment, "eta")
        arrives = (moment(eta.value) if eta else None) or each.departure
        if arrives is None:
            missing.append(f"Neither an ETA nor a departure of {each.shipment.id} is on record.")
            continue
        for line in lines_on(facts, each.shipment):
            hit = _slip(facts, each, line, then=arrives + timedelta(seconds=delay_s), eta=eta, carrier=said)
            found.append(hit)
            if hit.data["late"]:
                late.append(line.id)
    found.sort(key=lambda f: (not f.data["late"], f.text))
    slip = duration(delay_s)
    whom = shipment.id if shipment else carrier or "every carrier"
    if not found:
        text = f"No waiting shipment of {whom} with lines is on record."
        return Reading(verdict=text, missing=(*missing, f"The shipments of {whom}."))
    text = (
        f"{slip} of delay of {whom} makes {len(late)} of {len(found)} lines late: {', '.join(late)}."
        if late
        else (f"{slip} of delay of {whom} touches {len(found)} lines and breaks no promise on record.")
    )
    return Reading(verdict=text, findings=tuple(found), missing=tuple(missing), data={"late": [*late]})


def _slip(
    facts: Facts, each: Truck, line: Entity, *, then: datetime, eta: Statement | None, carrier: Statement | None
) -> Finding:
    plant, now = facts.plant, facts.view.as_of
    said = facts.best(line, "promised_at") or (facts.best(line.parent, "promised_at") if line.parent else None)
    promised = moment(said.value) if said else None
    what = "arrive" if eta else "leave"
    head = f"{line.id} on {each.shipment.id} would {what} at {clock(then, plant, relative_to=now)}"
    if promised is None:
        tail = "no promise is on record"
    else:
        shown = clock(promised, plant, relative_to=now)
        over = (then - promised).total_seconds()
        tail = f"promised for {shown}, " + (f"{duration(over)} late" if over > 0 else "in time")
    cites = [*each.cites, *(s.record_id for s in (said, eta, carrier) if s)]
    return Finding(
        text=f"{head}; {tail}.",
        kind=Kind.DERIVED,
        cites=tuple(dict.fromkeys(cites)),
        data={"line": line.id, "late": bool(promised and then > promised), "new": then.isoformat()},
    )


def _at_dock(facts: Facts, shipment: Entity, dock: str) -> bool:
    said = facts.best(shipment, "dock")
    return said is not None and related(said.text, dock)


def _next(facts: Facts, trucks: Sequence[Truck], dock: str | None) -> datetime | None:
    """The next departure of a shipment; of the timetable where no shipment is planned."""
    now = facts.view.as_of
    planned = [t.departure for t in trucks if t.departure and t.departure >= now]
    timetable = [d for c in facts.plant.cut_offs if not dock or related(c.dock, dock) if (d := _following(facts, c))]
    return min(planned, default=min(timetable, default=None))


def _following(facts: Facts, cut: CutOff) -> datetime | None:
    local = facts.view.as_of.astimezone(facts.plant.time_zone)
    for ahead in range(_AHEAD_DAYS + 1):
        day = local + timedelta(days=ahead)
        leaves = day.replace(hour=cut.departure.hour, minute=cut.departure.minute, second=0, microsecond=0)
        if leaves >= local and leaves.isoweekday() in cut.days:
            return leaves
    return None


def _cut_off(facts: Facts, when: datetime, dock: str | None) -> CutOff | None:
    local = when.astimezone(facts.plant.time_zone)
    fitting = (
        c
        for c in facts.plant.cut_offs
        if (c.departure.hour, c.departure.minute) == (local.hour, local.minute) and (not dock or related(c.dock, dock))
    )
    return next(fitting, None)


def _stand(facts: Facts, each: LineReadiness) -> str:
    if each.ready:
        return "ready"
    if each.buckets and each.buckets.shippable and part_may_leave(facts, each) is not False:
        return "in part"
    return "not ready" if each.closed else "not confirmed"


def _row(facts: Facts, each: Truck, line: LineReadiness, cut: CutOff | None) -> Finding:
    fact: list[Cite] = [cut_off_fact(cut)] if cut else []
    cites = [*line.cites, *(c for g in line.gates for c in g.cites), *each.cites, *fact]
    text = f"{each.shipment.id}: {_stand(facts, line)}. {line_verdict(facts, line)}"
    return Finding(text=text, kind=Kind.DERIVED, cites=tuple(dict.fromkeys(cites)), data=line_data(line))


def _act(line: LineReadiness, last: str) -> str:
    asks = "; ".join(f"{g.owner or 'no owner on record'}: {g.opens_with}" for g in line.closed)
    return f"Settle {line.line.id} by {last}: {asks}."
