"""Where sources differ, over all of the stock and on every word, and which to go by."""

from __future__ import annotations

from lineside.agent.parameters import Apart, Warehouse
from lineside.agent.tools.context import Context, tool
from lineside.interpretation import apart, warehouse
from lineside.interpretation.reading import Reading


def _warehouse(context: Context, asked: Warehouse) -> Reading:
    return warehouse.warehouse(context.view, asked.location)


def _apart(context: Context, asked: Apart) -> Reading:
    entity = context.entity(asked.entity) if asked.entity else None
    return apart.apart(context.view, entity, asked.properties)


TOOLS = (
    tool(
        "warehouse",
        "All materials, places and lots whose stock figures differ between sources: ranked by what they endanger, the "
        "differences by cause, and what to count.",
        Warehouse,
        _warehouse,
    ),
    tool(
        "apart",
        "Dates, states and revisions that sources tell differently: why, and which to use for promising, planning, "
        "shipping and posting.",
        Apart,
        _apart,
    ),
)
