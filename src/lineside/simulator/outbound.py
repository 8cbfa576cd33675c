"""What must leave tomorrow, as the plant knows it at the anchor: from the sales and trucks themselves."""

from __future__ import annotations

from datetime import datetime, timedelta

from lineside.plant.records import Json
from lineside.simulator.facts import text_of
from lineside.simulator.hours import ZONE, local
from lineside.simulator.orders import Sale
from lineside.simulator.stories import Stories
from lineside.simulator.world import World

DEPARTURES = ((15, 0), (18, 30))
CUT_OFF = timedelta(minutes=45)


def outbound(world: World, stories: Stories) -> list[Json]:
    """Each line that has not left and must leave tomorrow: with its announced truck, else with the last departure that
    keeps its promise. slack_min: from the planned end of its job order to the cut-off."""
    tomorrow = world.now.astimezone(ZONE).date() + timedelta(days=1)
    found: list[Json] = []
    for sale in stories.sales:
        leaves = _leaves(world, stories, sale)
        if sale.created > world.now or leaves is None or leaves.astimezone(ZONE).date() != tomorrow:
            continue
        cut_off = leaves - CUT_OFF
        found.append(
            {
                "line": sale.line,
                "job_order": sale.run.id,
                "equipment": sale.run.line.id,
                "leaves": text_of(leaves),
                "cut_off": text_of(cut_off),
                "made": sale.run.completed <= world.now,
                "slack_min": round((cut_off - sale.run.planned_end).total_seconds() / 60, 1),
            }
        )
    return found


def _leaves(world: World, stories: Stories, sale: Sale) -> datetime | None:
    """When it must leave; None where it has left."""
    truck = stories.shipping.taken[sale.order]
    if truck.departure < world.now:
        return None
    if stories.shipping.trucks[truck.shipment].said_at <= world.now:
        return truck.departure
    promised = datetime.fromisoformat(stories.shipping.promised[sale.order])
    day = promised.astimezone(ZONE).date()
    times = [local(day - timedelta(days=back), *clock) for back in (0, 1) for clock in DEPARTURES]
    return max(time for time in times if time <= promised)
