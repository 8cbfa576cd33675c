"""What can leave, what is ready, and what waits for it."""

from __future__ import annotations

from lineside.agent import listing
from lineside.agent.parameters import AtDock, AtLine, Delay, Departure, NoParameters, Thing, Where, WhereWhen
from lineside.agent.tools.context import Context, moment, tool
from lineside.interpretation import carriers, departures, production_risk, readiness, slips, staging, surprises
from lineside.interpretation.reading import Reading
from lineside.plant.windows import Window


def _ready(context: Context, asked: Thing) -> Reading:
    return readiness.readiness(context.view, context.entity(asked.entity))


def _looks_complete(context: Context, _: NoParameters) -> Reading:
    return readiness.looks_complete(context.view)


def _departure(context: Context, asked: Departure) -> Reading:
    at = moment(context, asked.at)
    if at is None and asked.carrier and (carrier := listing.carrier_called(context.view, asked.carrier)):
        return carriers.of_carrier(context.view, carrier)
    return departures.departure(context.view, dock=context.place(asked.dock) if asked.dock else None, at=at)


def _surprises(context: Context, asked: AtDock) -> Reading:
    dock = context.place(asked.dock) if asked.dock else None
    return surprises.surprises(context.view, _ahead(context, asked.window), dock=dock)


def _production_risk(context: Context, asked: WhereWhen) -> Reading:
    place = context.place(asked.equipment)
    return production_risk.production_risk(context.view, _ahead(context, asked.window), place)


def _carrier(context: Context, asked: Delay) -> Reading:
    shipment = context.entity(asked.shipment) if asked.shipment else None
    carrier = listing.carrier_called(context.view, asked.carrier) if asked.carrier else None
    delay_s = 60 * asked.minutes if asked.minutes else listing.told_delay_s(context.view, shipment, carrier)
    return slips.hit_by_carrier(context.view, delay_s=delay_s, shipment=shipment, carrier=carrier)


def _staging(context: Context, asked: AtLine) -> Reading:
    job = context.entity(asked.job_order) if asked.job_order else None
    place = context.place(asked.equipment)
    return staging.lacking_material(context.view, _ahead(context, asked.window), place, job=job)


def _bound(context: Context, asked: Where) -> Reading:
    return listing.bound_to(context.view, context.place(asked.equipment) or "")


def _ahead(context: Context, words: str | None) -> Window | None:
    """The stretch that the words name; the same shift's next time where it is over: these look ahead, never back."""
    window = context.window(words)
    return window if window is None or window.end > context.view.as_of else listing.coming(context.view, window)


TOOLS = (
    tool(
        "readiness",
        "Whether an order, line, shipment or job is ready, gate by gate: quantity that passes, who opens a closed gate "
        "and when at the soonest, and what would flip it.",
        Thing,
        _ready,
    ),
    tool("looks_complete", "Orders that are reported complete but can't ship, and why.", NoParameters, _looks_complete),
    tool("departure", "What can leave with a truck: ready, at risk, not ready.", Departure, _departure),
    tool(
        "dock_surprises",
        "What will surprise the dock in a coming stretch (default: tomorrow): lines that won't be ready or may not, "
        "the costliest first, and trucks without lines, dock or departure.",
        AtDock,
        _surprises,
    ),
    tool(
        "production_risk",
        "What production must have done by when so that no departure slips: job orders, operations, inspections and "
        "decisions with their latest start, per line.",
        WhereWhen,
        _production_risk,
    ),
    tool(
        "carrier_delay",
        "Whom a carrier's delay hits: lines, promises, the dock, the trucks after it, and other departures.",
        Delay,
        _carrier,
    ),
    tool(
        "material_readiness",
        "Which job orders lack material at the line: required, staged, free, on its way, late picks, blocked lots, "
        "substitutes and whose consent they need.",
        AtLine,
        _staging,
    ),
    tool(
        "bound_to", "The open job orders on equipment, and the orders and promises that wait for them.", Where, _bound
    ),
)
