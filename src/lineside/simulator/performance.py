"""How the lines did in the last shifts, out of the spans that they ran: time by state, pieces, and which unit stood."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from lineside.plant.records import Json
from lineside.simulator.facts import text_of
from lineside.simulator.hours import Slot, slot_at
from lineside.simulator.production import Production
from lineside.simulator.runs import Run, Span
from lineside.simulator.world import Line, World


def performance(world: World, production: Production) -> dict[str, Json]:
    """For each line and shift: hours of each state, pieces, OEE and its factors, and the minutes each unit stood."""
    current = slot_at(world.now)
    previous = slot_at(current.start - timedelta(minutes=1))
    before = slot_at(previous.start - timedelta(minutes=1))
    return {
        line.id: {slot.label: _shift(world, production.on(line), line, slot) for slot in (before, previous, current)}
        for line in world.lines
    }


def _shift(world: World, runs: list[Run], line: Line, slot: Slot) -> dict[str, Json]:
    start, end = slot.start, min(slot.end, world.now)
    hours = {"running": 0.0, "setup": 0.0, "stopped": 0.0}
    units: dict[str, float] = {}
    for span, seconds in _within(runs, start, end):
        hours[span.state] += seconds / 3600
        if span.state == "stopped":
            units[f"{line.id}/{span.unit}"] = units.get(f"{line.id}/{span.unit}", 0.0) + seconds / 60
    good = sum(run.good(end) - run.good(start) for run in runs if run.started < end)
    rejects = sum(run.rejects(end) - run.rejects(start) for run in runs if run.started < end)
    whole = (end - start).total_seconds() / 3600
    made = good + rejects
    availability, quality = hours["running"] / whole, good / made if made else 0.0
    effectiveness = made / (line.rate * hours["running"]) if hours["running"] else 0.0
    return {
        "from": text_of(start), "to": text_of(end), "good": good, "rejects": rejects,
        "hours": {state: round(spent, 4) for state, spent in hours.items()},
        "availability": round(availability, 4), "effectiveness": round(effectiveness, 4), "quality": round(quality, 4),
        "oee": round(availability * effectiveness * quality, 4),
        "stopped_minutes": {unit: round(spent, 1) for unit, spent in sorted(units.items())},
    }  # fmt: skip


def _within(runs: list[Run], start: datetime, end: datetime) -> Iterator[tuple[Span, float]]:
    for run in runs:
        for span in run.spans:
            seconds = (min(span.end, end) - max(span.start, start)).total_seconds()
            if seconds > 0:
                yield span, seconds
