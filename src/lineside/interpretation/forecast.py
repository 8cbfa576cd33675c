"""Where a shift and a job order will end: at the recent rate and at the target rate, each with its assumption."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from lineside.interpretation.gap import Gap
from lineside.interpretation.output import jobs_on, planned_span
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, clock
from lineside.interpretation.wording import listed
from lineside.memory import View
from lineside.plant.quantities import plain
from lineside.plant.windows import Window

_RECENT = timedelta(hours=1)


def forecast(view: View, equipment: str, gap: Gap) -> list[Finding]:
    """Where shift and job order end at the recent rate, and at the target; each with its assumption. Guessed."""
    slot = view.calendar.at(gap.window.start)
    recent = Window(start=max(gap.window.start, gap.window.end - _RECENT), end=gap.window.end)
    aim = gap.rate.at(gap.window.end - timedelta(microseconds=1))
    if recent.seconds < 60 or not aim:
        return []
    now = gap.count.made(recent.start, recent.end) / (recent.seconds / 3600)
    rates = f"the rate since {clock(recent.start, view.plant, relative_to=gap.window.end)} ({round(now)} per h)"
    fixed = f"the target rate ({plain(Decimal(str(aim)))} per h) from now on"
    findings = []
    if slot is not None and slot.start <= gap.window.start and slot.end > gap.window.end:
        left = (slot.end - gap.window.end).total_seconds() / 3600
        due = float(gap.target) + gap.rate.units(gap.window.end, slot.end)
        at_rate, at_target = (round(float(gap.made) + r * left) for r in (now, aim))
        ends = clock(slot.end, view.plant, relative_to=gap.window.end)
        text = (
            f"By the end of {slot.label} ({ends}) it would make {at_rate} of {round(due)} "
            f"at {rates}, or {at_target} at {fixed}, if no other loss comes."
        )
        shift = PlantFact(f"shifts.{slot.name}", f"{slot.label} ends at {clock(slot.end, view.plant)}")
        data = {"at_recent_rate": at_rate, "at_target": at_target, "due": round(due)}
        findings.append(Finding(text=text, kind=Kind.GUESSED, cites=(*gap.cites, shift), data=data))
    findings += _job_forecast(view, equipment, gap, now, aim)
    return findings


def _job_forecast(view: View, equipment: str, gap: Gap, now: float, aim: float) -> list[Finding]:
    jobs = jobs_on(view, equipment, Window(start=gap.window.end - timedelta(hours=1), end=gap.window.end))
    if not jobs:
        return []
    job = jobs[-1]
    figures = {s.property: s for s in view.said(entity=job, properties=("quantity", "quantity_good"))}
    wanted, done = figures.get("quantity"), figures.get("quantity_good")
    if wanted is None or done is None or wanted.quantity is None or done.quantity is None:
        return []
    converted = done.quantity.to(wanted.quantity.unit) or done.quantity
    left = float(wanted.quantity.value - converted.value)
    if left <= 0:
        return []
    cites: list[Cite] = [wanted.record_id, done.record_id, *gap.cites]
    ends = [
        clock(view.as_of + timedelta(hours=left / r), view.plant, relative_to=view.as_of) for r in (now, aim) if r > 0
    ]
    words = (
        [f"at the recent rate ({round(now)} per h) it would be done at {ends[0]}"]
        if now > 0
        else ["at the recent rate (0 per h) it would not end"]
    )
    words.append(f"at the target rate at {ends[-1]}")
    text = f"{job.id} lacks {plain(Decimal(str(left)))} of {wanted.quantity}: {listed(words)}"
    if span := planned_span(view, job):
        text += f"; planned end {clock(span.end, view.plant, relative_to=view.as_of)}"
        cites += span.records
    return [Finding(text=text + ".", kind=Kind.GUESSED, cites=tuple(dict.fromkeys(cites)), data={"left": left})]
