"""What cases are to be counted against, out of the runs, the lots and the trucks themselves: pieces and rejects by crew
and line, inspected lots, changeovers, order lines that left and those of them that left late."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from lineside.plant.records import Json
from lineside.simulator.hours import slots
from lineside.simulator.production import Production
from lineside.simulator.stories import Stories
from lineside.simulator.world import World

SAMPLED = timedelta(minutes=18)  # from a run's end until QMS has told of its sample


def counted(world: World, stories: Stories) -> dict[str, Json]:
    """From the start of the history to the anchor; what a run makes or rejects in a shift is its crew's."""
    made, rejected = _pieces(world, stories.production)
    looked_at = [run for run in stories.production.runs if run.completed + SAMPLED <= world.now]
    left = [(sale, stories.shipping.taken[sale.order]) for sale in stories.sales if sale.role in ("", "ready")]
    gone = [(sale, truck) for sale, truck in left if stories.shipping.departed[truck.shipment] <= world.now]
    late: list[Json] = [
        sale.line
        for sale, truck in gone
        if stories.shipping.departed[truck.shipment] > datetime.fromisoformat(stories.shipping.promised[sale.order])
    ]
    return {
        "good": dict(made),
        "rejects": dict(rejected),
        "lots": {run.lot: run.line.id for run in looked_at},
        "held": [hold.lot for hold in stories.quality.holds if hold.placed <= world.now],
        "shipped": len(gone),
        "late": late,
    }


def _pieces(world: World, production: Production) -> tuple[dict[str, Json], dict[str, Json]]:
    made: dict[str, int] = defaultdict(int)
    rejected: dict[str, int] = defaultdict(int)
    for slot in slots(world.start, world.now):
        end = min(slot.end, world.now)
        for run in production.runs:
            if run.started < end and run.completed > slot.start:
                made[world.crew(slot)] += run.good(end) - run.good(slot.start)
                rejected[world.crew(slot)] += run.rejects(end) - run.rejects(slot.start)
    return {**made}, {**rejected}
