"""What can leave, what is ready, and what waits for it."""

from __future__ import annotations

from lineside.agent import listing
from lineside.agent.parameters import Delay, Departure, NoParameters, Thing, Where, WhereWhen
from lineside.agent.tools.context import Context, moment, tool
from lineside.interpretation import departures, readiness, staging
from lineside.interpretation.reading import Reading


def _ready(context: Context, asked: Thing) -> Reading:
    return readiness.readiness(context.view, context.entity(asked.entity))


def _looks_complete(context: Context, _: NoParameters) -> Reading:
    return readiness.looks_complete(context.view)


def _departure(context: Context, asked: Departure) -> Reading:
    at = moment(context, asked.at)
    return departures.departure(context.view, dock=context.place(asked.dock) if asked.dock else None, at=at)


def _carrier(context: Context, asked: Delay) -> Reading:
    shipment = context.entity(asked.shipment) if asked.shipment else None
    carrier = listing.carrier_called(context.view, asked.carrier) if asked.carrier else None
    delay_s = 60 * asked.minutes if asked.minutes else listing.told_delay_s(context.view, shipment, carrier)
    return departures.hit_by_carrier(context.view, delay_s=delay_s, shipment=shipment, carrier=carrier)


def _staging(context: Context, asked: WhereWhen) -> Reading:
    window = context.window(asked.window)
    if window is not None and window.end <= context.view.as_of:
        window = listing.coming(context.view, window)  # material is lacked ahead, never for a shift that is over
    return staging.lacking_material(context.view, window, context.place(asked.equipment))


def _bound(context: Context, asked: Where) -> Reading:
    return listing.bound_to(context.view, context.place(asked.equipment) or "")


TOOLS = (
    tool("readiness", "Whether an order, line, shipment or job is ready, gate by gate.", Thing, _ready),
    tool("looks_complete", "Orders that are reported complete but can't ship, and why.", NoParameters, _looks_complete),
    tool("departure", "What can leave with a truck: ready, at risk, not ready.", Departure, _departure),
    tool("carrier_delay", "Which orders and promises a carrier's delay hits.", Delay, _carrier),
    tool("material_readiness", "Which job orders lack material, staged against needed.", WhereWhen, _staging),
    tool(
        "bound_to", "The open job orders on equipment, and the orders and promises that wait for them.", Where, _bound
    ),
)
