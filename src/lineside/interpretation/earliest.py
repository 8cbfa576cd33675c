"""When each closed gate can be open at the soonest, and what says so: a record, or a forecast from the plant's past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.gates import Gate, Passage, Question
from lineside.interpretation.last_moments import deadline_of
from lineside.interpretation.lead_times import LeadTimes
from lineside.interpretation.reading import Cite, Kind
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.interpretation.trucks import cut_off_fact, timetable
from lineside.plant.entities import Entity
from lineside.plant.quantities import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Soonest:
    """The earliest safe time of one gate. kind: derived from records, or guessed."""

    at: datetime
    basis: str
    kind: Kind
    cites: tuple[Cite, ...]


def soonest(question: Question, gate: Passage, past: LeadTimes) -> Soonest | None:
    """The gate's earliest safe time; None where neither a record nor the past tells, or a person must decide."""
    match gate.gate:
        case Gate.MADE:
            return _made(question)
        case Gate.INSPECTED:
            return _inspected(question, gate, past)
        case Gate.CARRIER:
            return _next_departure(question, gate)
        case Gate.DOCUMENTS:
            return _issued(question, gate, past)
        case Gate.HOLD_FREE | Gate.PACKED | Gate.LABELLED | Gate.CREDIT:
            return None


def making_ends(facts: Facts, job: Entity) -> Soonest | None:
    """When the job order is done: its planned end, or by its pace so far where that is later or the plan is past."""
    now = facts.view.as_of
    said = facts.best(job, "planned_end")
    planned = moment(said.value) if said else None
    at_pace = _at_pace(facts, job)
    if planned and said and planned > now and (at_pace is None or at_pace.at <= planned):
        return Soonest(at=planned, basis=f"the planned end of {job.id}", kind=Kind.DERIVED, cites=(said.record_id,))
    return at_pace


def _made(q: Question) -> Soonest | None:
    found = [making_ends(q.facts, job) for job in _open_jobs(q)]
    known = [each for each in found if each]
    return max(known, key=lambda each: each.at) if known and len(known) == len(found) else None


def _at_pace(facts: Facts, job: Entity) -> Soonest | None:
    """By its good pieces since it started; None before it has made any."""
    now = facts.view.as_of
    began, wanted, good = (facts.best(job, name) for name in ("actual_start", "quantity", "quantity_good"))
    start = moment(began.value) if began else None
    if not (began and wanted and good and start and wanted.quantity and good.quantity):
        return None
    done = good.quantity.to(wanted.quantity.unit) if good.quantity.unit else good.quantity
    until = good.occurred_at
    if done is None or done.value <= 0 or until <= start:
        return None
    left = wanted.quantity.value - done.value
    if left <= 0:
        return None
    per_s = done.value / Decimal(str((until - start).total_seconds()))
    ends = max(now, until + timedelta(seconds=float(left / per_s)))
    rate = plain((per_s * 3600).quantize(Decimal(1)))
    basis = f"{job.id} at its pace so far ({rate} {wanted.quantity.unit} per h)".replace("  ", " ")
    cites = tuple(dict.fromkeys((began.record_id, wanted.record_id, good.record_id)))
    return Soonest(at=ends, basis=basis, kind=Kind.GUESSED, cites=cites)


def _inspected(q: Question, gate: Passage, past: LeadTimes) -> Soonest | None:
    if gate.stops:
        return None  # somebody must decide first
    if gate.earliest:
        return Soonest(at=gate.earliest, basis=gate.basis, kind=Kind.DERIVED, cites=gate.cites)
    began = [
        said.occurred_at
        for batch in q.supply.batches
        if batch.quality.passes is False
        for inspection in q.facts.pointing("inspection", "lot", batch.subject)
        if (said := q.facts.best(inspection.entity, "result"))
    ]
    lead = past.inspection if began else past.release
    start = max(began) if began else _made_by(q)
    at = lead.after(start, q.facts.view.as_of) if lead and start else None
    if lead is None or at is None:
        return None
    what = "an inspection" if began else "from the last piece to its release"
    return Soonest(at=at, basis=f"{what}: {lead.told}", kind=Kind.GUESSED, cites=lead.cites)


def _made_by(q: Question) -> datetime | None:
    """When the last of the line's job orders is done, or was."""
    ends = list[datetime | None]()
    for job in q.supply.job_orders:
        said = q.facts.best(job, "status")
        if said and q.facts.state(job, "status") in ("complete", "closed"):
            ends.append(said.occurred_at)
        else:
            ends.append(found.at if (found := making_ends(q.facts, job)) else None)
    known = [end for end in ends if end]
    return max(known) if known and len(known) == len(ends) else None


def _issued(q: Question, gate: Passage, past: LeadTimes) -> Soonest | None:
    """As documents of their kind were issued before: so long before a departure, or after a lot's release."""
    now, found = q.facts.view.as_of, list[Soonest]()
    for kind in gate.lacks:
        lead, after_release = past.paper(kind)
        if lead is None:
            return None
        if after_release:
            free = _free_at(q, past)
            at = None if free is None else lead.after(free, now)
            word = f"a {kind} is issued after the release"
        else:
            last = deadline_of(q.facts, q.line, q.trucks)
            at = None if last is None else last.leaves - lead.median
            word = f"a {kind} is issued before the departure"
        if at is None or at < now:
            return None  # nothing tells, or it should be there by now
        found.append(Soonest(at=at, basis=f"{word}: {lead.told}", kind=Kind.GUESSED, cites=lead.cites))
    return max(found, key=lambda each: each.at) if found else None


def _free_at(q: Question, past: LeadTimes) -> datetime | None:
    """When the line's lots are released, or were."""
    times = list[datetime | None]()
    for lot in q.supply.lots:
        said = q.facts.best(lot, "quality_status")
        free = said is not None and q.facts.state(lot, "quality_status") == "unrestricted"
        times.append(said.occurred_at if said and free else None)
    known = [at for at in times if at]
    if times and len(known) == len(times) and not _open_jobs(q):
        return max(known)
    made = _made_by(q)
    return made + past.release.median if made and past.release else None


def _open_jobs(q: Question) -> list[Entity]:
    return [job for job in q.supply.job_orders if q.facts.state(job, "status") not in ("complete", "closed")]


def _next_departure(q: Question, gate: Passage) -> Soonest | None:
    now = q.facts.view.as_of
    dock = next((t.dock for t in q.trucks if not t.gone), "")
    ahead = timetable(q.facts, now, days=shipping_policy().dock.ahead_days, dock=dock)
    usable = [(leaves, last, cut) for leaves, last, cut in ahead if last > now]
    if not usable:
        return None
    leaves, _, cut = usable[0]
    return Soonest(
        at=leaves,
        basis=f"the next departure of the timetable from {cut.dock}",
        kind=Kind.DERIVED,
        cites=(cut_off_fact(cut), *gate.cites),
    )
