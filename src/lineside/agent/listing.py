"""Records one by one: what happened, what was counted, and what waits for a person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lineside.agent.free_recall import shares, telling
from lineside.agent.plainwords import word_set
from lineside.agent.wording import fold, tokens
from lineside.interpretation import standing
from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.stops import Loss, intervals
from lineside.interpretation.wording import at, counted, late_sources, rid, said
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.plant import Person
from lineside.plant.records import Event
from lineside.plant.windows import Window

if TYPE_CHECKING:
    from lineside.actions import Ledger

_SHOWN = 8
_CITED = 20
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
# Words around a fault that are not the fault.
_LOOSE = word_set(
    "tried work works worked help helped failed fail success probiert versucht gebracht geholfen attempts last time"
)


def happened(
    view: View,
    *,
    kinds: Sequence[str] = (),
    entity: Entity | None = None,
    equipment: str | None = None,
    window: Window | None = None,
) -> Reading:
    """The events of these kinds one by one, the latest first; where there are none, the last one before."""
    found = view.events(kinds=kinds, about=entity, equipment=equipment, within=window, newest_first=True)
    called = " or ".join(kind.replace("_", " ") for kind in kinds) or "event"
    span = f" ({window.shift or window.label})" if window and (window.shift or window.label) else ""
    if not found and "stop" in kinds and entity is None and (stood := _stood(view, equipment, window)):
        return stood
    if not found:
        ago = Window(start=_EVER, end=window.start if window else view.as_of)
        before = view.events(kinds=kinds, about=entity, equipment=equipment, within=ago, newest_first=True, limit=1)
        return Reading(
            verdict=f"No {called}{span} is on record.",
            findings=tuple(_told(view, one, "The last one before: ") for one in before),
            missing=() if before else (f"A record of {called}{span}.",),
            window=window,
            data={"count": 0},
        )
    told = [_told(view, one) for one in found[:_SHOWN]]
    if len(found) > _SHOWN:
        rest = found[_SHOWN:]
        told.append(
            Finding(
                text=f"And {len(rest)} more of the kind, back to {clock(at(rest[-1]), view.plant)}.",
                kind=Kind.DERIVED,
                cites=tuple(rid(one) for one in rest[:_CITED]),
            )
        )
    verdict = f"{counted(len(found), called)}{span}; the latest at {clock(at(found[0]), view.plant)}."
    if len(found) == 1:
        verdict = told[0].text
    return Reading(
        verdict=verdict,
        findings=tuple(told),
        missing=late_sources(view, {one.provenance.source for one in found}),
        window=window,
        data={"count": len(found)},
    )


def _stood(view: View, equipment: str | None, window: Window | None) -> Reading | None:
    """The stops that only reported states tell of; None where there are none either."""
    stops = [i for i in intervals(view, equipment, window) if i.loss is Loss.STOP and i.start <= view.as_of]
    if not stops:
        return None
    findings = []
    for one in sorted(stops, key=lambda i: i.start, reverse=True)[:_SHOWN]:
        until = f" until {clock(one.end, view.plant, relative_to=one.start)}" if one.end else ", and goes on"
        begun = clock(one.start, view.plant, relative_to=view.as_of)
        why = f": {one.why}" if one.why else ""
        text = f"{view.plant.called(one.equipment)} is stopped since {begun}{until}{why}."
        findings.append(
            Finding(text=text.replace(" is stopped since", " stood from") if one.end else text, kind=Kind.DERIVED,
                    cites=one.records)
        )  # fmt: skip
    return Reading(
        verdict=findings[0].text if len(findings) == 1 else f"{counted(len(stops), 'stop')}; {findings[0].text}",
        findings=tuple(findings),
        window=window,
        data={"count": len(stops)},
    )


def last_counts(view: View, entity: Entity) -> Reading:
    """What was counted of a material, lot or place, the last count first."""
    found = view.events(kinds=("count",), about=entity, newest_first=True, limit=3)
    if not found:
        return Reading(
            verdict=f"No count of {entity.id} is on record.", missing=(f"A count event that names {entity.id}.",)
        )
    findings = tuple(_told(view, one) for one in found)
    return Reading(
        verdict=f"{entity.id} was last counted: {findings[0].text}",
        findings=findings,
        missing=late_sources(view, {found[0].provenance.source}),
    )


def waiting(view: View, ledger: Ledger | None, person: Person | None) -> Reading:
    """The proposals that wait for this person's decision, and the active holds that the person owns."""
    if person is None:
        return Reading(
            verdict="Whose decisions are meant is not said.",
            missing=("The person who asks, named in the plant file (on the command line: --as USER).",),
        )
    proposals = ledger.pending_for(person) if ledger is not None else ()
    findings = [
        Finding(
            text=f"Proposal {one.id}: {one.action.replace('_', ' ')} {one.entity.id}; "
            f"decide by {clock(one.expires_at, view.plant)}.",
            kind=Kind.DERIVED,
            cites=tuple(str(cite) for cite in one.bound.get("evidence", ())),
        )
        for one in proposals
        if one.bound.get("evidence")
    ]
    called = {person.id.casefold(), person.name.casefold()} - {""}
    owned = [hold for hold in standing.active_holds(view) if any(f"owner {c}" in hold.text.casefold() for c in called)]
    name = person.name or person.id
    if not proposals and not owned:
        return Reading(verdict=f"No proposal and no hold waits for {name}.", data={"count": 0, "known": True})
    parts = [counted(len(n), w) for n, w in ((proposals, "proposal"), (owned, "hold")) if n]
    return Reading(
        verdict=f"{' and '.join(parts)} wait for {name}.",
        findings=(*findings, *owned),
        data={"count": len(proposals) + len(owned)},
    )


def usual_fault(view: View, equipment: str, *, unless: str) -> str:
    """`unless`, where it says more than the place's name; else what most often stops that place."""
    place = {token.folded for token in tokens(view.plant.called(equipment))} | set(fold(equipment).split("/"))
    if [
        word
        for word in telling(unless)
        if word not in place and not word.isdigit() and len(word) > 3 and word not in _LOOSE
    ]:
        return unless
    stops = view.events(kinds=("stop", "slow", "alarm"), equipment=equipment)
    reasons = Counter(reason for one in stops if (reason := str(one.attributes.get("reason") or one.text)))
    return reasons.most_common(1)[0][0] if reasons else unless


def reason_called(view: View, text: str) -> str | None:
    """The known reason of stops and slow running that says every telling word of the text."""
    wanted = telling(text)
    known = Counter(
        str(one.attributes["reason"]) for one in view.events(kinds=("stop", "slow")) if one.attributes.get("reason")
    )
    scored = [(len(shares(reason, wanted)), times, reason) for reason, times in known.items()]
    best = max(scored, default=None)
    return best[2] if best and best[0] and best[0] == len(wanted) else None


def coming(view: View, window: Window) -> Window:
    """The same shift's next time to come; the rest of the day where no shift is meant."""
    name = window.shift.rpartition(" ")[0] if window.shift else ""
    ahead = view.calendar.between(view.as_of, view.as_of + timedelta(days=8))
    slot = next((slot for slot in ahead if slot.name == name and slot.end > view.as_of), None)
    return (
        slot.window() if slot else Window(start=view.as_of, end=view.as_of + timedelta(days=1), label="the next 24 h")
    )


def bound_to(view: View, equipment: str) -> Reading:
    """The open job orders on the equipment, and the sales order lines that wait for them."""
    said = _jobs(view)
    findings = []
    for job, known in said.items():
        place = known.get("equipment")
        if place is None or not (within(place.text, equipment) or within(equipment, place.text)) or _over(known):
            continue
        cites = [one.record_id for one in known.values()]
        parts = [f"{job.id} is {known['status'].text if 'status' in known else 'open'} there"]
        if "planned_end" in known:
            parts.append(f"planned to end {known['planned_end'].text}")
        if "sales_order_line" in known:
            line = known["sales_order_line"].text
            parts.append(f"makes {line}")
            promised = view.said(entity=Entity(EntityKind.SALES_ORDER_LINE, line), properties=("promised_at",))
            if promised:
                parts.append(f"promised for {promised[-1].text}")
                cites.append(promised[-1].record_id)
        findings.append(Finding(text=", ".join(parts) + ".", kind=Kind.DERIVED, cites=tuple(dict.fromkeys(cites))))
    name = view.plant.called(equipment)
    if not findings:
        return Reading(verdict=f"No open job order at {name} is on record.", missing=(f"Job orders at {name}.",))
    return Reading(
        verdict=f"{counted(len(findings), 'open job order')} at {name} would slip by as long as it stands.",
        findings=tuple(findings),
    )


def revisions(view: View, entity: Entity) -> Reading:
    """The revision that each open job order of the material is made to, against the one that now counts."""
    about = {one.property: one for one in view.said(entity=entity, properties=("material", "revision", "status"))}
    material = about["material"].text if "material" in about else entity.id
    wanted = about.get("revision")
    findings = []
    old = []
    for job, known in _jobs(view).items():
        if "material" not in known or known["material"].text != material or "revision" not in known or _over(known):
            continue
        own = known["revision"]
        behind = wanted is not None and own.text != wanted.text
        old += [job.id] if behind else []
        against = f", {entity.id} says {wanted.text}" if behind and wanted else ""
        cites = dict.fromkeys((own.record_id, *((wanted.record_id,) if behind and wanted else ())))
        findings.append(
            Finding(text=f"{job.id} is made to revision {own.text}{against}.", kind=Kind.DERIVED, cites=tuple(cites))
        )
    if not findings or wanted is None:
        return Reading(
            verdict=f"Which revision the floor works to is not known: no open job order of {material} states one.",
            missing=(f"The revision on a job order of {material}.",),
        )
    verdict = (
        f"Not everywhere: {', '.join(old)} still on an old revision of {material}, {entity.id} says {wanted.text}."
    )
    return Reading(
        verdict=verdict if old else f"Yes: every open job order of {material} is made to revision {wanted.text}.",
        findings=tuple(findings),
        missing=late_sources(view, {wanted.source}),
    )


def carrier_called(view: View, text: str) -> str | None:
    """The carrier one of whose words stands in the text."""
    words = {token.folded for token in tokens(text)}
    known = dict.fromkeys(one.text for one in view.said(kind=EntityKind.SHIPMENT, properties=("carrier",)))
    return next((name for name in known if words & {w.folded for w in tokens(name) if len(w.folded) > 3}), None)


def told_delay_s(view: View, shipment: Entity | None, carrier: str | None) -> float:
    """The delay that the last change of an ETA tells; an hour, where none does."""
    carried = {
        one.entity.id
        for one in view.said(kind=EntityKind.SHIPMENT, properties=("carrier",))
        if carrier is None or one.text == carrier
    }
    for event in view.events(kinds=("eta_changed",), newest_first=True):
        if event.shipment not in ({shipment.id} if shipment else carried):
            continue
        was, now = (moment(event.attributes.get(side)) for side in ("from", "to"))
        if was and now and now > was:
            return (now - was).total_seconds()
    return 3600.0


def _jobs(view: View) -> dict[Entity, dict[str, Statement]]:
    """What was last said of each job order that is not over long since."""
    jobs: dict[Entity, dict[str, Statement]] = defaultdict(dict)
    said = view.said(entities=Facts(view).live(EntityKind.JOB_ORDER))
    for one in sorted(said, key=lambda one: one.reported_at):
        jobs[one.entity][one.property] = one
    return jobs


def _over(known: Mapping[str, Statement]) -> bool:
    return "status" in known and known["status"].text in ("complete", "closed", "cancelled")


def _told(view: View, event: Event, lead: str = "") -> Finding:
    when = clock(at(event), view.plant, relative_to=view.as_of)
    return Finding(text=f"{lead}{when}: {said(event)}.", kind=Kind.FACT, cites=(rid(event),))
