"""Where a shift, a job order and its promise will end, without and with the fix: a range, and its basis. Guessed.

Without the fix the line goes on as in the last hour. With it the line runs from now on as it usually did in the last
seven days, ordinary losses included; where too little is on record for that, at its target rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt
from statistics import fmean, stdev

from lineside.interpretation.facts import moment as moment_in
from lineside.interpretation.gap import Gap, counted_by
from lineside.interpretation.output import Count, jobs_on, planned_span
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, clock
from lineside.interpretation.stops import Interval
from lineside.interpretation.wording import counted, listed
from lineside.memory import View
from lineside.plant.entities import Entity
from lineside.plant.quantities import plain
from lineside.plant.records import Json
from lineside.plant.windows import Window

_RECENT = timedelta(hours=1)
_HISTORY = timedelta(days=7)
_STEP = timedelta(hours=1)
_ENOUGH = 8  # hours; fewer say too little of how the line usually runs
_FEW = 4
_EIGHTY = 1.2816  # standard deviations on either side that hold 80 % of a normal spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A rate per hour, and the spread of single hours around it, 0 where too few are known. basis: in words."""

    per_h: float
    spread: float
    stretches: int
    basis: str
    cites: tuple[str, ...] = ()

    def made(self, hours: float) -> tuple[int, int, int]:
        """What it makes in so many hours: low, middle, high; 80 % of such stretches lie between, if they are alike."""
        middle = self.per_h * hours
        reach = _EIGHTY * self.spread * sqrt(hours) if hours > 0 else 0.0
        return round(max(0.0, middle - reach)), round(middle), round(middle + reach)


def forecast(view: View, equipment: str, gap: Gap) -> list[Finding]:
    """Where shift, job order and promise end, without and with the fix of what is lost just now. All of it guessed."""
    aim = gap.rate.at(gap.window.end - timedelta(microseconds=1))
    recent = _recently(view, gap)
    if recent is None or not aim:
        return []
    usual = _usually(view, equipment, gap)
    found = _shift_forecast(view, gap, recent, usual, aim)
    return [*found, *_job_forecast(view, equipment, gap, (recent, usual, aim))]


def lost_now(gap: Gap) -> Interval | None:
    """The loss that still goes on, the one that began first where there are several."""
    going = [i for p in gap.parts for i in p.intervals if i.end is None or i.end >= gap.window.end]
    return min(going, key=lambda i: i.start, default=None)


def _recently(view: View, gap: Gap) -> Pace | None:
    last = Window(start=max(gap.window.start, gap.window.end - _RECENT), end=gap.window.end)
    if last.seconds < 60:
        return None
    now = gap.count.made(last.start, last.end) / (last.seconds / 3600)
    going = lost_now(gap)
    since = max(gap.window.start, going.start if going else gap.window.start)
    rates = _rates(gap.count, [(since, gap.window.end)], _STEP / 2)
    spread = stdev(rates) * sqrt(0.5) if len(rates) >= _FEW else 0.0
    begun = clock(last.start, view.plant, relative_to=view.as_of)
    basis = f"the rate since {begun} ({round(now)} per h)"
    return Pace(per_h=now, spread=spread, stretches=len(rates), basis=basis)


def _usually(view: View, equipment: str, gap: Gap) -> Pace | None:
    """How the line ran, hour by hour of its shifts in the last seven days before this window; None if hardly known."""
    before = Window(start=gap.window.start - _HISTORY, end=gap.window.start)
    count = counted_by(view, equipment, before)[0]
    if count is None:
        return None
    first, last = max(before.start, count.marks[0].at), min(before.end, count.marks[-1].at)
    slots = view.calendar.between(before.start, before.end)
    worked = [(max(s.start, first), min(s.end, last)) for s in slots] if view.plant.shifts else [(first, last)]
    # Whole hours without a single unit are no way of running: nobody had planned the line then.
    rates = [r for r in _rates(count, worked, _STEP) if r > 0]
    if len(rates) < _ENOUGH:
        return None
    basis = (
        f"its usual rate of the last 7 days ({round(fmean(rates))} per h in {counted(len(rates), 'hour')} with output)"
    )
    return Pace(per_h=fmean(rates), spread=stdev(rates), stretches=len(rates), basis=basis, cites=count.cites(before))


def _rates(count: Count, stretches: Sequence[tuple[datetime, datetime]], step: timedelta) -> list[float]:
    hours = step.total_seconds() / 3600
    return [
        count.made(start + number * step, start + (number + 1) * step) / hours
        for start, end in stretches
        for number in range(int((end - start) / step))
    ]


def _shift_forecast(view: View, gap: Gap, recent: Pace, usual: Pace | None, aim: float) -> list[Finding]:
    slot = view.calendar.at(gap.window.end)
    if slot is None or slot.start >= gap.window.end or slot.end <= view.as_of:
        return []  # the time asked about is over
    left, made = (slot.end - gap.window.end).total_seconds() / 3600, float(gap.made)
    due = round(float(gap.target) + gap.rate.units(gap.window.end, slot.end))
    ends = clock(slot.end, view.plant, relative_to=view.as_of)
    low, at_rate, high = (round(made + units) for units in recent.made(left))
    at_target = round(made + aim * left)
    fixed = f"the target rate ({plain(Decimal(str(aim)))} per h) from now on"
    going = lost_now(gap)
    longer = "" if gap.window.start >= slot.start else f" since {clock(gap.window.start, view.plant)}"
    text = f"By the end of {slot.label} ({ends}) it would make {at_rate} of {due}{longer} at {recent.basis}"
    text += f", 80 % of the time {low} to {high}" if recent.spread else ""
    data: dict[str, Json] = {"at_recent_rate": at_rate, "at_target": at_target, "due": due, "recent": [low, high]}
    cites: list[Cite] = [*gap.cites]
    fix = f"if {_called(going)} ended now" if going else "if no other loss comes"
    if usual is None:
        text += f", or {at_target} at {fixed}, {fix}"
    else:
        few, middle, many = (round(made + units) for units in usual.made(left))
        text += f"; {fix}, {middle} at {usual.basis}, 80 % of the time {few} to {many}, and {at_target} at {fixed}"
        data |= {"at_usual_rate": middle, "usual": [few, many]}
        cites += usual.cites
    shift = PlantFact(f"shifts.{slot.name}", f"{slot.label} ends at {clock(slot.end, view.plant)}")
    cites += [shift, *(going.records[:1] if going else ())]
    data |= {"fix": str(going.loss) if going else None, "reaches": at_rate >= due}
    return [Finding(text=text + ".", kind=Kind.GUESSED, cites=tuple(dict.fromkeys(cites)), data=data)]


def _called(going: Interval) -> str:
    return f"the {going.loss}" + (f" ({going.why})" if going.why else "")


def _job_forecast(view: View, equipment: str, gap: Gap, paces: tuple[Pace, Pace | None, float]) -> list[Finding]:
    recent, usual, aim = paces
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
    if done.occurred_at >= gap.count.marks[0].at:
        left = round(left - gap.count.made(done.occurred_at, gap.window.end), 1)  # made since that was said
    if left <= 0:
        return []
    cites: list[Cite] = [wanted.record_id, done.record_id, *gap.cites]
    rates = [(f"at the recent rate ({round(recent.per_h)} per h)", recent.per_h)]
    rates += [(f"at {usual.basis}", usual.per_h)] if usual else []
    rates += [("at the target rate", aim)]
    ends = [(how, view.as_of + timedelta(hours=left / rate) if rate > 0 else None) for how, rate in rates]
    words = [
        f"{how} it would be done at {clock(end, view.plant, relative_to=view.as_of)}" if end else f"{how} it never ends"
        for how, end in ends
    ]
    text = f"{job.id} lacks {plain(Decimal(str(left)))} of {wanted.quantity}: {listed(words)}"
    if span := planned_span(view, job):
        text += f"; planned end {clock(span.end, view.plant, relative_to=view.as_of)}"
        cites += span.records
    text += _promised(view, job, ends[0][1], cites)
    data: dict[str, Json] = {"left": left, "ends": [end.isoformat() if end else None for _, end in ends]}
    return [Finding(text=text + ".", kind=Kind.GUESSED, cites=tuple(dict.fromkeys(cites)), data=data)]


def _promised(view: View, job: Entity, end: datetime | None, cites: list[Cite]) -> str:
    """Whether the order that the job is for is done in time at the recent rate; empty where no promise is known."""
    for line in view.said(entity=job, properties=("sales_order_line",)):
        for said in view.said(entity=Entity("sales_order_line", line.text), properties=("promised_at",)):
            promise = moment_in(said.value)
            if promise is not None:
                cites += [line.record_id, said.record_id]
                late = end is None or end > promise
                when = clock(promise, view.plant, relative_to=view.as_of)
                return f"; {line.text} is promised for {when}, which the recent rate {'misses' if late else 'keeps'}"
    return ""
