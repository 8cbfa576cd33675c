"""Material that is not where the work is: picks told to be late, and job orders whose components are not staged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation import shared_states
from lineside.interpretation.facts import moment
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity
from lineside.plant.records import Event, Json, quantity

_RUNS = frozenset({"in_progress", "complete", "closed", "cancelled"})


def staging(look: Look, of: CaseClass) -> list[Episode]:
    """A pick told to be late, until the material is staged for its job order, or that is done."""
    moves = look.events("pick_late", "staged", "completed")
    over: dict[str, list[Event]] = defaultdict(list)
    staged: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in moves:
        if event.kind == "completed" and event.job_order:
            over[event.job_order].append(event)
        elif event.kind == "staged":
            staged[_for(event)].append(event)
    found = []
    for event in moves:
        if event.kind != "pick_late":
            continue
        at = event.provenance.occurred_at
        ends = [e for e in (*staged[_for(event)], *over[event.job_order or ""]) if e.provenance.occurred_at >= at]
        end = min(ends, key=lambda e: e.provenance.occurred_at, default=None)
        if (end.provenance.occurred_at if end else look.view.as_of) - at >= of.seconds("after_s"):
            found.append(_late(look, of, event, end))
    return found


def _for(event: Event) -> tuple[str, str]:
    return event.job_order or event.equipment or "", (event.material or "").casefold()


def _late(look: Look, of: CaseClass, event: Event, end: Event | None) -> Episode:
    things = set(event.entities())
    subject = next(
        (Entity(k, v) for k, v in (("job_order", event.job_order), ("material", event.material)) if v),
        Entity("equipment", event.equipment or look.view.plant.site),
    )
    reason = str(event.attributes.get("reason") or event.text or "")
    what = event.material or "material"
    job = Entity("job_order", event.job_order) if event.job_order else None
    return Episode(
        case_class=of.key,
        subject=subject,
        title=f"The pick of {what} for {subject.id} is late" + (f": {reason}" if reason else ""),
        began=event.provenance.occurred_at,
        ended=end.provenance.occurred_at if end else None,
        opened_by=(event.provenance.record_id,),
        closed_by=(end.provenance.record_id,) if end else (),
        place=event.equipment or "",
        lane=" ".join(_for(event)),
        reason=reason,
        touches=frozenset(things),
        due=look.time(job, "planned_start") if job else None,
    )


def shortage(look: Look, of: CaseClass) -> list[Episode]:
    """A job order's component of which less is staged than it needs, from shortly before its start until it is there or
    the job order runs. Only where a record says what is staged."""
    histories = look.history("job_order", "components")
    look.facts.fetch(histories)
    states = look.history_of(histories, "status")
    brought: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in look.events("staged"):
        brought[event.job_order or "", (event.material or "").casefold()].append(event)
    started = {e.job_order: e for e in reversed(look.events("started", "completed")) if e.job_order}
    found = []
    for job, history in histories.items():
        runs = _runs(states.get(job, ()), started.get(job.id))
        for material in _materials(history):
            events = brought[job.id, material.casefold()]
            found += _short(look, of, job, material, history=history, brought=events, runs=runs)
    return found


def _runs(history: Iterable[Statement], started: Event | None) -> tuple[datetime, str] | None:
    """When the job order ran for the first time, and the record: what runs has what it needs."""
    said = [
        (s.occurred_at, s.record_id) for s in history if shared_states.state_of("job_order", "status", s.value) in _RUNS
    ]
    said += [(started.provenance.occurred_at, started.provenance.record_id)] if started else []
    return min(said, default=None)


def _materials(history: Iterable[Statement]) -> list[str]:
    return list(dict.fromkeys(str(r["material"]) for s in history for r in _rows(s.value) if "staged" in r))


def _short(
    look: Look, of: CaseClass, job: Entity, material: str, *, history: Iterable[Statement], brought: list[Event],
    runs: tuple[datetime, str] | None,
) -> list[Episode]:  # fmt: skip
    """The stretches in which the material was said to be not all there."""
    begins = look.time(job, "planned_start")
    soonest = begins - of.seconds("ahead_s") if begins else None
    found, opening = list[Episode](), None
    wanted: Quantity | None = None
    for said in history:
        row = next((r for r in _rows(said.value) if str(r["material"]) == material), None)
        lacks = _lacks(row)
        if row is not None and lacks is not None:
            wanted = quantity(row.get("quantity"))
        if opening is None and lacks:
            opening = said
        elif opening is not None and lacks is False:
            found += _stretch(
                look, of, job, material, opening=opening, end=(said.occurred_at, said.record_id), soonest=soonest
            )
            opening = None
    if opening is not None:
        ends = [each for each in (_filled(look, material, brought, wanted, opening), runs) if each]
        ends = [each for each in ends if each[0] >= opening.occurred_at]
        found += _stretch(look, of, job, material, opening=opening, end=min(ends, default=None), soonest=soonest)
    return found


def _stretch(
    look: Look, of: CaseClass, job: Entity, material: str, *, opening: Statement, end: tuple[datetime, str] | None,
    soonest: datetime | None,
) -> list[Episode]:  # fmt: skip
    began = max(opening.occurred_at, soonest) if soonest else opening.occurred_at
    if began > look.view.as_of or (end is not None and end[0] <= began):
        return []
    place = look.facts.best(job, "equipment")
    things = {job, Entity("material", material)}
    things |= {Entity("equipment", place.text)} if place else set()
    start = look.facts.best(job, "planned_start")
    return [
        Episode(
            case_class=of.key,
            subject=job,
            title=f"{job.id} lacks {material}: not all of it is staged",
            began=began,
            ended=end[0] if end else None,
            opened_by=(opening.record_id,),
            closed_by=(end[1],) if end else (),
            evidence=(start.record_id,) if start else (),
            place=place.text if place else "",
            lane=f"{job} {material.casefold()}",
            touches=frozenset(things | set(look.lines_of([job]))),
            due=moment(start.value) if start else None,
            data={"material": material},
        )
    ]


def _filled(
    look: Look, material: str, brought: list[Event], wanted: Quantity | None, opening: Statement
) -> tuple[datetime, str] | None:
    """When what was brought since then made up the quantity; the first bringing where no quantity is known."""
    total = Decimal(0)
    for event in brought:
        if event.provenance.occurred_at < opening.occurred_at:
            continue
        amount = quantity(event.attributes.get("quantity"), str(event.attributes.get("unit") or ""))
        same = amount.to(wanted.unit, look.facts.factors(material)) if amount and wanted and wanted.unit else amount
        total += same.value if same else Decimal(0)
        if wanted is None or same is None or total >= wanted.value:
            return event.provenance.occurred_at, event.provenance.record_id
    return None


def _lacks(row: Mapping[str, Json] | None) -> bool | None:
    """Whether less is staged than needed; None where the row does not say."""
    if row is None or "staged" not in row:
        return None
    there = row["staged"]
    if isinstance(there, bool):
        return not there
    needed = quantity(row.get("quantity"))
    amount = quantity(there, needed.unit if needed else "")
    return amount.value < needed.value if amount and needed else None


def _rows(value: Json) -> list[Mapping[str, Json]]:
    return [row for row in value if isinstance(row, dict) and row.get("material")] if isinstance(value, list) else []
