"""Which job orders lack material: what each needs against what is staged at its line."""

from __future__ import annotations

from collections.abc import Iterator

from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.reading import Finding, Kind, Reading
from lineside.interpretation.wording import counted, late_sources, listed
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.quantities import Quantity
from lineside.plant.records import Json, quantity
from lineside.plant.windows import Window

_OVER = ("complete", "closed")


def lacking_material(view: View, window: Window | None = None, equipment: str | None = None) -> Reading:
    """The open job orders whose components are not all staged; with `window`, those planned to start by its end."""
    facts, jobs = Facts(view), view.entities(EntityKind.JOB_ORDER)
    facts.fetch(jobs)
    asked = [job for job in jobs if _meant(facts, job, window, equipment)]
    known = [(job, said) for job in asked if (said := facts.best(job, "components")) is not None]
    found = {job: list(_short(facts, job, said)) for job, said in known}
    short = {job: findings for job, findings in found.items() if findings}
    full = [
        Finding(text=f"{job.id}: everything that it needs is staged.", kind=Kind.DERIVED, cites=(said.record_id,))
        for job, said in known
        if job not in short
    ]
    missing = [f"The components of {job.id}." for job in asked if job not in found]
    if not known:
        return Reading(
            verdict="Which jobs lack material is not known: no open job order has its components on record.",
            missing=tuple(missing) or ("Job orders with components, and what is staged for them.",),
            window=window,
        )
    verdict = f"{counted(len(short), 'job order')} of {len(known)} lack{'s' if len(short) == 1 else ''} material"
    return Reading(
        verdict=f"{verdict}: {listed([job.id for job in short])}." if short else f"{verdict}.",
        findings=(*(f for findings in short.values() for f in findings), *full),
        missing=(*missing, *late_sources(view, {said.source for _, said in known})),
        window=window,
        data={"lacking": [job.id for job in short], "of": len(known)},
    )


def _meant(facts: Facts, job: Entity, window: Window | None, equipment: str | None) -> bool:
    if facts.state(job, "status") in _OVER:
        return False
    start, place = facts.best(job, "planned_start"), facts.best(job, "equipment")
    begins = moment(start.value) if start else None
    in_time = window is None or begins is None or begins < window.end
    return in_time and (equipment is None or place is None or within(place.text, equipment))


def _short(facts: Facts, job: Entity, said: Statement) -> Iterator[Finding]:
    for row in said.value if isinstance(said.value, list) else []:
        if not isinstance(row, dict):
            continue
        needed = quantity(row.get("quantity"))
        staged = _staged(row.get("staged"), needed)
        material = str(row.get("material", "?"))
        if needed is None or staged is None:
            continue
        there = staged.to(needed.unit, facts.factors(material))
        if there is None or there.value < needed.value:
            yield Finding(
                text=f"{job.id} lacks {material}: {staged} of {needed} staged.",
                kind=Kind.DERIVED,
                cites=(said.record_id,),
                data={"job_order": job.id, "material": material},
            )


def _staged(value: Json, needed: Quantity | None) -> Quantity | None:
    if isinstance(value, bool) and needed is not None:
        return needed if value else Quantity(needed.value * 0, needed.unit)
    return quantity(value, needed.unit if needed else "")
