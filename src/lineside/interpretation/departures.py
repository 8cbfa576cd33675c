"""The trucks: what can leave with one, and who must act by when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lineside.interpretation.assessment import LineReadiness, assess, read_ahead
from lineside.interpretation.dock import waiting_trucks
from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.holds import holds
from lineside.interpretation.line_words import line_data, line_gaps, line_verdict, part_may_leave
from lineside.interpretation.links import lines_on
from lineside.interpretation.reading import Cite, Finding, Kind, Reading, clock
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.interpretation.stock import related
from lineside.interpretation.trucks import Truck, cut_off_fact, timetable
from lineside.interpretation.wording import at as at_of
from lineside.interpretation.wording import rid, said
from lineside.memory import View
from lineside.plant.entities import Entity
from lineside.plant.plant import CutOff


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
        against=(*_told_late(facts, leaving), *(f for _, e in rows for f in e.against)),
        missing=tuple(dict.fromkeys(m for _, e in rows for m in line_gaps(e))),
        next_steps=tuple(dict.fromkeys(_act(e, moment_text) for _, e in rows if e.closed)),
        data={
            "departure": when.isoformat(),
            "cut_off": last.isoformat(),
            "lines": [{"line": e.line.id, "shipment": t.shipment.id, "stand": _stand(facts, e)} for t, e in rows],
        },
    )


def _told_late(facts: Facts, leaving: Sequence[Truck]) -> tuple[Finding, ...]:
    """The last change of each truck's ETA that puts it after the planned departure: it may leave later than planned."""
    named = {t.shipment.id: t for t in leaving if t.departure}
    view, found = facts.view, dict[str, Finding]()
    for event in view.events(kinds=("eta_changed",), newest_first=True):
        truck = named.get(event.shipment or "")
        comes = moment(event.attributes.get("to"))
        if truck is None or event.shipment in found or comes is None or truck.departure is None:
            continue
        when = clock(at_of(event), view.plant, relative_to=view.as_of)
        text = f"{truck.shipment.id} may leave later: {when}, {said(event)}."
        if comes > truck.departure:
            found[truck.shipment.id] = Finding(text=text, kind=Kind.FACT, cites=(rid(event),))
    return tuple(found.values())


def _at_dock(facts: Facts, shipment: Entity, dock: str) -> bool:
    word = facts.best(shipment, "dock")
    return word is not None and related(word.text, dock)


def _next(facts: Facts, trucks: Sequence[Truck], dock: str | None) -> datetime | None:
    """The next departure of a shipment; of the timetable where no shipment is planned."""
    now = facts.view.as_of
    planned = [t.departure for t in trucks if t.departure and t.departure >= now]
    ahead = timetable(facts, now, days=shipping_policy().dock.ahead_days, dock=dock or "")
    return min(planned, default=ahead[0][0] if ahead else None)


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
