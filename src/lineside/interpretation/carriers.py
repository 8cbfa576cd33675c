"""The trucks of one carrier: when each is planned to leave and due to come, and the last word on it."""

from __future__ import annotations

from lineside.interpretation.departures import departure
from lineside.interpretation.facts import Facts, doubts, moment, spoken, told
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.wording import at, counted, listed, rid, said
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind

_KINDS = ("eta_changed", "truck_arrived", "loaded", "departed", "split")
_WORDS = ("planned_departure", "eta", "status", "dock")
_GONE = ("departed", "delivered", "cancelled")


def of_carrier(view: View, carrier: str) -> Reading:
    """What is on record of the carrier's trucks that are not gone, of the last one where all are; and what can leave
    with the next."""
    facts = Facts(view)
    facts.load(EntityKind.SHIPMENT, "carrier", *_WORDS)
    known = [
        e
        for e in facts.having(EntityKind.SHIPMENT, "carrier")
        if (word := facts.best(e, "carrier")) is not None and word.text.casefold() == carrier.casefold()
    ]
    trucks = [e for e in known if facts.state(e, "status") not in _GONE] or known[-1:]
    if not trucks:
        return Reading(verdict=f"No shipment by {carrier} is on record.", missing=(f"A shipment by {carrier}.",))
    findings, parts, words = list[Finding](), list[str](), []
    for truck in trucks:
        statements = [s for name in _WORDS if (s := facts.best(truck, name)) is not None]
        words += statements
        shown = [f"{s.property.replace('_', ' ')} {told(s, view)}" for s in statements]
        parts.append(f"{truck.id} of {carrier}: {listed(shown)}")
        for statement in statements:
            text = f"{truck.id}, {statement.property.replace('_', ' ')}: {spoken(statement, view)}."
            findings.append(Finding(text=text, kind=Kind.FACT, cites=(statement.record_id,)))
        events = view.events(kinds=_KINDS, about=Entity(EntityKind.SHIPMENT, truck.id), newest_first=True)
        for event in events[:3]:
            when = clock(at(event), view.plant, relative_to=view.as_of)
            findings.append(Finding(text=f"{when}: {said(event)}.", kind=Kind.FACT, cites=(rid(event),)))
        if events:
            first = events[0]
            when = clock(at(first), view.plant, relative_to=view.as_of)
            parts[-1] += f"; the last word, {when}: {first.text or first.kind.replace('_', ' ')}"
    planned = [s for s in words if s.property == "planned_departure" and (moment(s.value) or view.as_of) > view.as_of]
    leaving = departure(view, at=moment(planned[0].value)) if planned else None
    more = f" And {counted(len(parts) - 3, 'more truck')}." if len(parts) > 3 else ""
    return Reading(
        verdict=". ".join(parts[:3]) + "." + more + (f" {leaving.verdict}" if leaving else ""),
        findings=(*findings, *(leaving.findings if leaving else ())),
        against=(*doubts(facts, words), *(leaving.against if leaving else ())),
        missing=leaving.missing if leaving else (),
        next_steps=leaving.next_steps if leaving else (),
        data={"carrier": carrier, "shipments": [e.id for e in trucks]},
    )
