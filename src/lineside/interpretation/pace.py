"""Pace: whether equipment is behind, by how much, where the gap went, what came first and where it will end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from lineside.interpretation import causes, waiting
from lineside.interpretation.forecast import forecast
from lineside.interpretation.gap import SPLIT, Gap, Part, called, counted_by, measure
from lineside.interpretation.output import jobs_on, moment, target_rate
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.stops import Interval, Loss, Slice, intervals, tile
from lineside.interpretation.wording import bounded, counted, late_sources, listed
from lineside.memory import View
from lineside.plant.equipment import work_center
from lineside.plant.quantities import plain
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window


def pace(view: View, equipment: str, window: Window | None = None) -> Reading:
    """Whether the equipment is behind its target, where the gap went, the first cause, and where it will end.

    window: default is the current shift so far; outside of shifts, since its current job order began.
    """
    asked = window or current_window(view, equipment)
    name = view.plant.called(equipment)
    if asked is None:
        return Reading(
            verdict=f"Whether {name} is behind cannot be said: no shift is on and no job order is known there.",
            missing=(f"A shift at {clock(view.as_of, view.plant)} in the plant file, or a job order on {equipment}.",),
        )
    asked = Window(
        start=asked.start, end=min(asked.end, max(asked.start, view.as_of)), label=asked.label, shift=asked.shift
    )
    losses = waiting.told(view, intervals(view, equipment, asked))
    gap = measure(view, equipment, asked, losses)
    if gap is None:
        return _without_target(view, equipment, asked, losses)
    return _explain(view, equipment, asked, gap, losses)


def current_window(view: View, equipment: str) -> Window | None:
    """The shift at the view's `as_of`; outside of shifts, since the job order now on the equipment began."""
    slot = view.calendar.at(view.as_of)
    if slot is not None:
        return slot.window()
    near = Window(start=view.as_of - timedelta(days=2), end=view.as_of)
    for job in reversed(jobs_on(view, work_center(equipment), near)):
        for said in view.said(entity=job, properties=("actual_start",)):
            if (start := moment(view, said)) and start < view.as_of:
                return Window(start=start, end=view.as_of, label=f"since {job.id} started")
    return None


def _explain(view: View, equipment: str, asked: Window, gap: Gap, losses: Sequence[Interval]) -> Reading:
    name, plant = view.plant.called(equipment), view.plant
    until = clock(gap.window.end, plant, relative_to=view.as_of)
    since = clock(gap.window.start, plant)
    made, target, units = plain(gap.made), plain(gap.target), plain(abs(gap.units))
    share = f"{made} made of {target} due between {since} and {until}"
    what = "plan" if gap.rate.plan else "target"
    findings = [
        Finding(
            text=f"{name}: {share} ({gap.count.how}, {what} by {gap.rate.source}{_assumed(view, gap)}).",
            kind=Kind.DERIVED,
            cites=tuple(dict.fromkeys((*gap.cites, *((gap.rate.since,) if _assumed(view, gap) else ())))),
            data={"made": float(gap.made), "target": float(gap.target), "gap": float(gap.units)},
        )
    ]
    parts = [p for p in gap.parts if p.units or p.minutes]
    if gap.behind:
        findings.append(_split_finding(gap))
    findings += [_part_finding(p, gap) for p in parts] if gap.behind or losses else []
    missing = list(late_sources(view, (gap.rate.source, gap.count.source, *(i.source for i in losses))))
    if asked.seconds - gap.window.seconds > max(900.0, 0.05 * asked.seconds):
        missing.append(
            f"Target and count for all of {asked.label or 'the window'}: both are known only from {since} to {until}."
        )
    story = causes.explain(view, equipment, _lost(gap)) if gap.behind else causes.Story()
    against = [*story.against, *_disagreements(gap), *causes.contradictions(view, equipment, gap.window, losses)]
    outlook = forecast(view, equipment, gap)
    if gap.behind:
        worst = next((p for p in parts if p.name != "unexplained"), None)
        verdict = f"{name} is behind by {units} units at {until}: {made} made of {target} due since {since}"
        if worst is not None and worst.units > 0:
            verdict += f"; most lost to {worst.name} ({plain(worst.units)} units, {plain(worst.minutes)} min)"
        if story.first:
            verdict += f"; {story.first}"
        ending = next((f.data for f in outlook if "at_recent_rate" in f.data), None)
        if ending is not None:
            verdict += f"; going on like this it would end the shift at {ending['at_recent_rate']} of {ending['due']}"
    else:
        more = f", {units} more than due" if gap.units < 0 else ""
        verdict = f"{name} is not behind: {share}{more}"
    return Reading(
        verdict=verdict + ".",
        findings=(*findings, *outlook, *story.findings),
        against=tuple(against),
        missing=tuple(missing),
        next_steps=story.next_steps if gap.behind else (),
        window=asked,
        data={
            "made": float(gap.made),
            "target": float(gap.target),
            "gap": float(gap.units),
            "behind": gap.behind,
            "parts": [
                {"name": p.name, "kind": p.kind, "units": float(p.units), "minutes": float(p.minutes), "times": p.times}
                for p in gap.parts
            ],
            "split": {kind: [float(units), float(minutes)] for kind, (units, minutes) in gap.split.items()},
        },
    )


def _assumed(view: View, gap: Gap) -> str:
    """That a target is taken for the time before it was first reported; empty where it is not."""
    first = gap.rate.first_said
    if first is None or first <= gap.window.start:
        return ""
    per_h = plain(Decimal(str(round(gap.rate.steps[0].per_h, 2))))
    when = clock(first, view.plant, relative_to=view.as_of)
    return f"; the target of {per_h} per hour, first reported at {when}, is taken since the job order began"


def _split_finding(gap: Gap) -> Finding:
    """The whole gap in one sentence, by kind of loss."""
    shares = sorted(((k, u, m) for k, (u, m) in gap.split.items() if u or m), key=lambda s: (s[0] == SPLIT[-1], -s[1]))
    told = listed([f"{kind} {plain(units)} units ({plain(minutes)} min)" for kind, units, minutes in shares], limit=9)
    return Finding(
        text=f"The gap of {plain(gap.units)} units: {told}.",
        kind=Kind.DERIVED,
        cites=bounded(dict.fromkeys((*gap.cites, *(c for p in gap.parts for c in p.cites)))),
        data={"split": {kind: [float(units), float(minutes)] for kind, units, minutes in shares}},
    )


def _part_finding(part: Part, gap: Gap) -> Finding:
    if part.name == "unexplained":
        text = (
            f"{plain(part.units)} units ({plain(part.minutes)} min) of the gap of {plain(gap.units)} "
            "are not explained by any record."
        )
        if part.units < 0:
            text = f"The losses add up to {plain(-part.units)} units more than the gap: some were made during them."
    else:
        often = f", {counted(part.times, 'time')}" if part.times else ""
        text = f"{part.name[:1].upper()}{part.name[1:]}: {plain(part.minutes)} min, {plain(part.units)} units{often}."
    # That it waited, and for what, no record of its own says.
    guessed = any(i.inferred for i in part.intervals)
    cites = tuple(dict.fromkeys((*part.cites, *gap.rate.cites(gap.window)))) if part.cites else gap.cites
    data: dict[str, Json] = {"part": part.name, "units": float(part.units), "minutes": float(part.minutes)}
    return Finding(text=text, kind=Kind.GUESSED if guessed else Kind.DERIVED, cites=cites, data=data)


def _lost(gap: Gap) -> list[Interval]:
    """The intervals behind the gap, those of its greatest part first."""
    return list(dict.fromkeys(i for p in gap.parts for i in p.intervals))


def _disagreements(gap: Gap) -> list[Finding]:
    found = []
    for other in gap.others:
        made = other.made(max(gap.window.start, other.marks[0].at), gap.window.end)
        if abs(made - float(gap.made)) > max(1.0, 0.01 * float(gap.made)):
            figure = plain(Decimal(str(round(made, 1))))
            text = f"{other.source} counts {figure} in the same time, {gap.count.source} {plain(gap.made)}."
            found.append(
                Finding(text=text, kind=Kind.DERIVED, cites=(*other.cites(gap.window), *gap.count.cites(gap.window)))
            )
    return found


def _without_target(view: View, equipment: str, window: Window, losses: Sequence[Interval]) -> Reading:
    name = view.plant.called(equipment)
    count, _ = counted_by(view, equipment, window)
    rate = target_rate(view, equipment, window)
    missing = [*late_sources(view, {i.source for i in losses})]
    if rate is None:
        missing.append(
            f"A target for {name}: no target_rate on it, and no planned times and quantity of its job orders."
        )
    if count is None:
        missing.append(
            f"A count for {name}: no good_count, no production bookings, no quantity_good of its job orders."
        )
    if rate is not None and count is not None:
        missing.append(f"A stretch of {window.label or 'the window'} in which {name} has both a target and a count.")
    findings = []
    slices = tile(losses, window) if window.seconds else []
    grouped: dict[str, list[Slice]] = {}
    for piece in slices:
        if piece.interval:
            grouped.setdefault(called(piece.interval), []).append(piece)
    for label, pieces in sorted(grouped.items(), key=lambda g: -sum(p.seconds for p in g[1])):
        cites = tuple(dict.fromkeys(r for p in pieces if p.interval for r in p.interval.records))
        seconds = sum(p.seconds for p in pieces)
        text = f"{label[:1].upper()}{label[1:]}: {duration(seconds)}."
        findings.append(
            Finding(text=text, kind=Kind.DERIVED, cites=cites, data={"part": label, "minutes": seconds / 60})
        )
    if count is not None and (made := count.made(window.start, window.end)):
        text = f"{plain(Decimal(str(round(made, 1))))} made ({count.how})."
        findings.insert(0, Finding(text=text, kind=Kind.DERIVED, cites=count.cites(window)))
    lost = sum(s.seconds for s in slices if s.interval and s.interval.loss is not Loss.SLOW)
    verdict = f"Whether {name} is behind cannot be computed from the records"
    if lost:
        since, until = clock(window.start, view.plant), clock(window.end, view.plant, relative_to=window.start)
        verdict += f"; it stood still for {duration(lost)} between {since} and {until}"
    story = (
        causes.explain(view, equipment, sorted(losses, key=lambda i: -i.seconds(window.end)))
        if losses
        else causes.Story()
    )
    return Reading(
        verdict=verdict + ".",
        findings=(*findings, *story.findings),
        against=(*story.against, *causes.contradictions(view, equipment, window, losses)),
        missing=tuple(missing),
        window=window,
        data={"behind": None},
    )
