"""What would follow: a rush order, a line that stays down, another sequence. Computed ahead; nothing is changed."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from lineside.agent.parameters import DownUntil, Resequence, RushOrder
from lineside.agent.time_ahead import time_ahead
from lineside.agent.tools.context import Context, tool
from lineside.errors import BadRequest
from lineside.interpretation import rush_order, what_if
from lineside.interpretation.reading import Reading, clock
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import Quantity


def _rush(context: Context, asked: RushOrder) -> Reading:
    amount = None if asked.quantity is None else Quantity(Decimal(str(asked.quantity)), asked.unit or "")
    material = None
    if asked.material:
        named = asked.material if ":" in asked.material else f"{EntityKind.MATERIAL}:{asked.material}"
        material = context.entity(named).id
    return rush_order.rush_order(
        context.view, material, amount, due=_ahead(context, asked.due), equipment=context.place(asked.equipment)
    )


def _down(context: Context, asked: DownUntil) -> Reading:
    place = context.place(asked.equipment) or asked.equipment
    until = _ahead(context, asked.until)
    assumed = ""
    if until is None:
        slot = context.view.calendar.at(context.view.as_of) or context.view.calendar.following(context.view.as_of)
        if slot is None:
            return Reading(
                verdict=f"Until when {context.view.plant.called(place)} would stay down is not said.",
                missing=("Until when it stays down, as in: until 18:00.",),
            )
        until = slot.end
        assumed = f"Until when it stays down: the end of the shift, {clock(until, context.view.plant)}, was taken."
    found = what_if.what_if_down(context.view, place, until, _ahead(context, asked.since))
    if not assumed:
        return found
    return Reading(
        verdict=found.verdict, findings=found.findings, against=found.against, missing=(assumed, *found.missing),
        next_steps=found.next_steps, window=found.window, data=found.data,
    )  # fmt: skip


def _resequence(context: Context, asked: Resequence) -> Reading:
    return what_if.resequence_options(
        context.view,
        equipment=context.place(asked.equipment),
        save=context.entity(asked.save) if asked.save else None,
        first=_job(context, asked.first),
        before=_job(context, asked.before),
    )


def _job(context: Context, text: str | None) -> Entity | None:
    if not text:
        return None
    return context.entity(text if ":" in text else f"{EntityKind.JOB_ORDER}:{text}")


def _ahead(context: Context, words: str | None) -> datetime | None:
    """The moment to come that the words, or a time stamp with its zone, name. Raises BadRequest for none."""
    if not words:
        return None
    if re.match(r"\d{4}-\d\d-\d\d[Tt ].*(?:[Zz]|[+-]\d\d:?\d\d)$", words):
        return datetime.fromisoformat(words)
    found = time_ahead(words, now=context.view.as_of, plant=context.view.plant)
    if found is None:
        raise BadRequest(f"{words!r} names no time to come; say it as in: 18:00, tomorrow noon, Friday, 3 hours")
    return found.at


TOOLS = (
    tool("rush_order", "Whether a rush order fits: capacity, material, promises that slip, price.", RushOrder, _rush),
    tool("what_if_down", "What slips if equipment stays down until a time, and what helps.", DownUntil, _down),
    tool("resequence_options", "Other sequences of job orders, each with its price.", Resequence, _resequence),
)
