"""The story of a hold: who placed it, when and why, who released it on what grounds, and what was decided on it."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts
from lineside.interpretation.holds import Hold, hold_finding, holds
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.standing import decided
from lineside.interpretation.wording import at, late_sources, names, rid, said, short, text_of
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Decision, Event

_BY = ("by", "released_by", "placed_by", "author", "user", "decided_by", "approved_by")
_EVENTS = ("hold_placed", "hold_released", "disposition")


def hold_story(view: View, entity: Entity | None = None) -> Reading:
    """What is on record of how the hold came and went. entity: a hold, or what is held; by default the newest hold,
    and the one last released where the newest still binds."""
    facts = Facts(view)
    known = holds(facts)
    if entity is not None:
        chosen = [h for h in known if h.id == entity.id or h.subject == entity][-3:]
    else:
        chosen = known[-1:]
        released = [h for h in known if not h.active and h not in chosen]
        if chosen and chosen[0].active and released:
            chosen = [*chosen, max(released, key=lambda h: max(w.at for w in h.words))]
    if not chosen:
        about = f" on {entity.id}" if entity is not None and entity.kind != EntityKind.HOLD else ""
        return Reading(
            verdict=f"No hold{about} is on record.", missing=("A report or event of a hold, from any source.",)
        )
    told, findings, against, missing = list[str](), list[Finding](), list[Finding](), list[str]()
    for hold in chosen if entity is None else reversed(chosen):
        decisions = _decisions(view, hold)
        steps = _steps(view, hold)
        findings += [hold_finding(facts, hold), *steps]
        signed = [d for d in decisions if d.decided_by]
        told.append(_verdict(facts, hold, signed, steps, newest=entity is None and hold is chosen[0]))
        if decisions:
            reading = decided(view, decisions)
            findings += reading.findings
            against += reading.against
            missing += reading.missing
        missing += _unsaid(hold, signed, steps)
    sources = {w.source for hold in chosen for w in hold.words}
    return Reading(
        verdict=" ".join(told),
        findings=tuple({f.text: f for f in findings}.values()),
        against=tuple(against),
        missing=tuple(dict.fromkeys((*missing, *late_sources(view, sources)))),
        data={"holds": [h.id for h in chosen], "active": [h.id for h in chosen if h.active]},
    )


def _verdict(facts: Facts, hold: Hold, signed: Sequence[Decision], steps: Sequence[Finding], *, newest: bool) -> str:
    view = facts.view
    thing = f" on {hold.subject.id}" if hold.subject else ""
    begun = clock(hold.since, view.plant, relative_to=view.as_of)
    reason = f" for: {short(hold.reason, 120)}" if hold.reason else ", no reason on record"
    by = _who(steps, "hold_placed") or _source(hold, "active", hold.words[-1].source if hold.words else "")
    head = f"The newest hold is {hold.id}{thing}" if newest else f"Hold {hold.id}{thing}"
    text = f"{head}, placed {begun} by {by}{reason}" if by else f"{head}, placed {begun}{reason}"
    if hold.active:
        owner = f"; its owner is {hold.owner}" if hold.owner else ""
        return f"{text}{owner}. It is active: no release of it is on record."
    freed = max(w.at for w in hold.words if w.state == "released")
    by = _who(steps, "hold_released") or _source(hold, "released", "")
    text += f". It was released {clock(freed, view.plant, relative_to=view.as_of)}" + (f" by {by}" if by else "")
    if signed:
        first = signed[0]
        why = f", because {short(first.rationale, 140)}" if first.rationale else ""
        under = f" ({first.authority})" if first.authority else ""
        text += f"; {first.decided_by}{under} decided: {short(first.choice, 140)}{why}"
    return text + "."


def _source(hold: Hold, state: str, otherwise: str) -> str:
    """The source that reports the state, where nobody is named."""
    return next((f"{w.source}'s record" for w in hold.words if w.state == state), otherwise and f"{otherwise}'s record")


def _who(steps: Sequence[Finding], kind: str) -> str | None:
    found = next((f.data.get("by") for f in steps if f.data.get("kind") == kind and f.data.get("by")), None)
    return str(found) if found else None


def _steps(view: View, hold: Hold) -> list[Finding]:
    """The events and reports by which the hold came, was disposed of and went, oldest first."""
    findings = []
    entity = Entity(EntityKind.HOLD, hold.id)
    records = {rid(e): e for e in view.events(kinds=_EVENTS, about=entity)}
    records |= {i: e for i, e in view.records(hold.cites).items() if isinstance(e, Event)}
    for event in sorted(records.values(), key=at):
        who = next((str(event.attributes[name]) for name in _BY if event.attributes.get(name)), None)
        findings.append(
            Finding(
                text=f"{clock(at(event), view.plant, relative_to=view.as_of)}: {said(event)}.",
                kind=Kind.FACT,
                cites=(rid(event),),
                data={"kind": event.kind, "by": who},
            )
        )
    for statement in view.statements(entity=entity, properties=("status", "disposition")):
        if statement.occurred_at > view.as_of:
            continue
        state = shared_states.state_of(EntityKind.HOLD, "status", statement.value)
        findings.append(
            Finding(
                text=f"{clock(statement.occurred_at, view.plant, relative_to=view.as_of)}: {statement.source} says "
                f"{statement.property} {statement.text} of {hold.id}.",
                kind=Kind.FACT,
                cites=(statement.record_id,),
                data={"kind": {"active": "hold_placed", "released": "hold_released"}.get(state or "", "said")},
            )
        )
    return findings


def _decisions(view: View, hold: Hold) -> list[Decision]:
    """What was decided on the hold: by its id, else on what it held while it bound; the newest first."""
    named = [d for d in view.decisions(newest_first=True) if names(text_of(d), hold.id) or _of(d, hold)]
    return named[:2]


def _of(decision: Decision, hold: Hold) -> bool:
    return Entity(EntityKind.HOLD, hold.id) in decision.entities()


def _unsaid(hold: Hold, signed: Sequence[Decision], steps: Sequence[Finding]) -> list[str]:
    missing = []
    if not _who(steps, "hold_placed"):
        missing.append(f"Who placed {hold.id}, by name.")
    if not hold.active and not signed and not _who(steps, "hold_released"):
        missing.append(f"Who released {hold.id} by name, and on what grounds.")
    if not hold.reason:
        missing.append(f"The reason of {hold.id}.")
    return missing
