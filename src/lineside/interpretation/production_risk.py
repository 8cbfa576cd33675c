"""The shipping risk as production sees it: which job order, operation, inspection or decision must be done by when, and
how late it can still begin, so that nothing slips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from lineside.interpretation.earliest import Soonest, making_ends
from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.gates import Gate
from lineside.interpretation.lead_times import Lead, LeadTimes
from lineside.interpretation.outlook import Expected, Outlook, breaks
from lineside.interpretation.reading import Cite, Finding, Kind, Reading, clock
from lineside.interpretation.surprises import coming, tomorrow
from lineside.interpretation.wording import counted, listed
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_OVER = ("complete", "closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Something to be done for one line. by: its last moment; begin: the latest start, where the time that it takes is
    known; ends: when it is done as things stand. place: the equipment; empty where no record says."""

    what: str
    subject: Entity
    line: Entity
    place: str
    by: datetime
    begin: datetime | None
    ends: Soonest | None
    owner: str | None
    kind: Kind
    basis: str
    breaks_promise: bool
    cites: tuple[Cite, ...]

    @property
    def slack(self) -> timedelta | None:
        return None if self.ends is None else self.by - self.ends.at


def production_risk(view: View, window: Window | None = None, equipment: str | None = None) -> Reading:
    """What must be done by when for the departures of the window (default: from now to the end of tomorrow), per
    equipment, the tightest first."""
    facts = Facts(view)
    asked = window or Window(start=view.as_of, end=tomorrow(view).end, label="until the end of tomorrow")
    found = coming(facts, asked)
    operations = _operations(facts, {job for each in found.lines for job in each.line.question.supply.job_orders})
    duties = [duty for each in found.lines for duty in _duties(facts, each, found.past, operations)]
    duties = [d for d in duties if equipment is None or (d.place and within(d.place, equipment))]
    duties.sort(key=lambda d: (d.slack or timedelta(days=9999), d.by, d.line, d.subject))
    span = asked.label or asked.shift or "in that time"
    if not duties:
        at = f" at {view.plant.called(equipment)}" if equipment else ""
        if not found.lines:
            return Reading(
                verdict=f"No departure and no promise {span} is on record, so nothing can be told back to production.",
                missing=("Shipments with their lines and departures, or promises of sales order lines.",),
                window=asked,
            )
        text = f"Nothing is left to do{at} for the {counted(len(found.lines), 'line')} that leave {span}."
        return Reading(verdict=text, window=asked, data={"duties": []})
    late = [d for d in duties if d.slack is not None and d.slack < timedelta()]
    unsure = [d for d in duties if d.slack is None]
    return Reading(
        verdict=_verdict(facts, duties, late, unsure, span),
        findings=tuple(_told(facts, duty) for duty in duties),
        missing=_missing(found.past, unsure),
        next_steps=tuple(dict.fromkeys(_step(facts, duty) for duty in [*late, *unsure][:8])),
        window=asked,
        data={"duties": [_data(duty) for duty in duties]},
    )


def _duties(facts: Facts, each: Outlook, past: LeadTimes, operations: dict[Entity, list[Entity]]) -> Iterator[Duty]:
    if each.expected in (Expected.LEFT, Expected.FIRM):
        return
    gates = {gate.gate: gate for gate in each.line.closed}
    supply = each.line.question.supply
    by, line, promise = each.deadline.at, each.line.line, breaks(each) is True
    if Gate.MADE in gates:
        lead = past.release
        for job in supply.job_orders:
            if facts.state(job, "status") not in _OVER:
                yield _making(facts, each, job, lead)
                yield from _open_operations(facts, each, operations.get(job, []), lead)
    held = {b.subject for b in supply.batches if b.holds} if Gate.HOLD_FREE in gates else set()
    for name, what in ((Gate.INSPECTED, "the release of"), (Gate.HOLD_FREE, "a decision on")):
        gate = gates.get(name)
        if gate is None or (name is Gate.INSPECTED and Gate.MADE in gates and not gate.stops):
            continue
        batches = [b for b in supply.batches if (b.holds if name is Gate.HOLD_FREE else b.quality.passes is False)]
        for subject in [b.subject for b in batches] or [line]:
            if name is Gate.INSPECTED and subject in held:
                continue  # whoever decides on the hold decides on its release
            ends = each.line.soonest.get(name)
            lead = None if gate.stops or name is Gate.HOLD_FREE else past.inspection
            yield Duty(
                what=f"{what} {subject.id}",
                subject=subject,
                line=line,
                place=_place(facts, subject, supply.job_orders),
                by=by,
                begin=by - lead.median if lead else None,
                ends=ends,
                owner=gate.owner,
                kind=Kind.GUESSED if lead or (ends and ends.kind is Kind.GUESSED) else Kind.DERIVED,
                basis=f"{each.deadline.basis}; {gate.text}",
                breaks_promise=promise,
                cites=(*each.deadline.cites, *gate.cites, *(lead.cites if lead else ())),
            )


def _making(facts: Facts, each: Outlook, job: Entity, lead: Lead | None) -> Duty:
    """The job order must end so long before the last moment as the release took before; without a past, by it."""
    by = each.deadline.at - (lead.median if lead else timedelta())
    ends, work = making_ends(facts, job), _work_left(facts, job)
    cites: list[Cite] = [*each.deadline.cites, *(lead.cites if lead else ()), *(ends.cites if ends else ())]
    said = facts.best(job, "equipment")
    cites += [said.record_id] if said else []
    basis = each.deadline.basis + (f", less the time to the release ({lead.told})" if lead else "")
    guessed = lead is not None or (ends is not None and ends.kind is Kind.GUESSED)
    return Duty(
        what=f"{job.id} must be done",
        subject=job,
        line=each.line.line,
        place=said.text if said else "",
        by=by,
        begin=by - work if work and facts.state(job, "status") != "in_progress" else None,
        ends=ends,
        owner=next((g.owner for g in each.line.closed if g.gate is Gate.MADE), None),
        kind=Kind.GUESSED if guessed else Kind.DERIVED,
        basis=basis,
        breaks_promise=breaks(each) is True,
        cites=tuple(dict.fromkeys(cites)),
    )


def _open_operations(facts: Facts, each: Outlook, operations: Sequence[Entity], lead: Lead | None) -> Iterator[Duty]:
    for operation in operations:
        said = facts.best(operation, "status")
        if said is None or facts.state(operation, "status") in _OVER:
            continue
        at = facts.best(operation, "equipment")
        yield Duty(
            what=f"{operation.id} must be done (it is {said.text})",
            subject=operation,
            line=each.line.line,
            place=at.text if at else "",
            by=each.deadline.at - (lead.median if lead else timedelta()),
            begin=None,
            ends=None,
            owner=None,
            kind=Kind.GUESSED if lead else Kind.DERIVED,
            basis=each.deadline.basis,
            breaks_promise=breaks(each) is True,
            cites=tuple(dict.fromkeys((*each.deadline.cites, said.record_id, *(lead.cites if lead else ())))),
        )


def _operations(facts: Facts, jobs: set[Entity]) -> dict[Entity, list[Entity]]:
    """The operations on record of each job order, by their ids."""
    found: dict[Entity, list[Entity]] = {}
    by_id = {job.id: job for job in jobs}
    for operation in facts.having(EntityKind.OPERATION, "status") if jobs else ():
        job = by_id.get(operation.id.rpartition("/")[0])
        if job is not None:
            found.setdefault(job, []).append(operation)
    facts.fetch(operation for each in found.values() for operation in each)
    return found


def _work_left(facts: Facts, job: Entity) -> timedelta | None:
    """How long what is left of the job order takes, by its plan."""
    start, end, wanted, good = (
        facts.best(job, name) for name in ("planned_start", "planned_end", "quantity", "quantity_good")
    )
    begins, ends = moment(start.value) if start else None, moment(end.value) if end else None
    if begins is None or ends is None or ends <= begins:
        return None
    share = Decimal(1)
    if wanted and good and wanted.quantity and good.quantity and wanted.quantity.value > 0:
        done = good.quantity.to(wanted.quantity.unit) if good.quantity.unit else good.quantity
        share = max(Decimal(0), 1 - (done.value if done else Decimal(0)) / wanted.quantity.value)
    return (ends - begins) * float(share)


def _place(facts: Facts, subject: Entity, jobs: Sequence[Entity]) -> str:
    linked = [job for job, _ in facts.linked(subject, "job_order")] or list(jobs)
    said = next((s for job in linked if (s := facts.best(job, "equipment"))), None)
    return said.text if said else ""


def _told(facts: Facts, duty: Duty) -> Finding:
    plant, now = facts.plant, facts.view.as_of
    place = f"{plant.called(duty.place)}: " if duty.place else ""
    text = f"{place}{duty.what} by {clock(duty.by, plant, relative_to=now)} for {duty.line.id} ({duty.basis})"
    if duty.begin is not None:
        gone = "was" if duty.begin <= now else "is"
        text += f"; the latest start {gone} {clock(duty.begin, plant, relative_to=now)}"
    if duty.ends is not None and duty.slack is not None:
        side = "to spare" if duty.slack >= timedelta() else "too late"
        told = duration(abs(duty.slack.total_seconds()))
        text += f"; as it stands {clock(duty.ends.at, plant, relative_to=now)} ({duty.ends.basis}), {told} {side}"
    else:
        text += "; when it will be is not on record"
    text += f"; owner {duty.owner}" if duty.owner else ""
    text += "; its promise would be broken" if duty.breaks_promise else ""
    return Finding(text=f"{text}.", kind=duty.kind, cites=tuple(dict.fromkeys(duty.cites)), data=_data(duty))


def _data(duty: Duty) -> dict[str, Json]:
    return {
        "subject": str(duty.subject),
        "line": duty.line.id,
        "equipment": duty.place or None,
        "by": duty.by.isoformat(),
        "latest_start": duty.begin.isoformat() if duty.begin else None,
        "slack_s": duty.slack.total_seconds() if duty.slack is not None else None,
        "guessed": duty.kind is Kind.GUESSED,
    }


def _verdict(facts: Facts, duties: Sequence[Duty], late: Sequence[Duty], unsure: Sequence[Duty], span: str) -> str:
    places = list(dict.fromkeys(facts.plant.called(d.place) for d in duties if d.place))
    where = f" at {listed(places)}" if places else ""
    head = f"{counted(len(duties), 'thing')} must be done in time{where} for the departures {span}"
    parts = []
    if late:
        parts.append(f"{listed(list(dict.fromkeys(d.subject.id for d in late)))} would come too late as things stand")
    if unsure:
        parts.append(f"of {listed(list(dict.fromkeys(d.subject.id for d in unsure)))} no record says when")
    return f"{head}: {'; '.join(parts)}." if parts else f"{head}, and all of it is in time as planned."


def _step(facts: Facts, duty: Duty) -> str:
    by = clock(duty.by, facts.plant, relative_to=facts.view.as_of)
    place = f" at {facts.plant.called(duty.place)}" if duty.place else ""
    return f"Settle {duty.subject.id}{place} by {by}, or tell who waits for {duty.line.id}."


def _missing(past: LeadTimes, unsure: Sequence[Duty]) -> tuple[str, ...]:
    found = [f"When {d.subject.id} will be done." for d in unsure[:6]]
    if past.release is None:
        found.append("How long a lot takes from its last piece to its release: too few past cases are on record.")
    return tuple(dict.fromkeys(found))
