"""What the floor does and did."""

from __future__ import annotations

from datetime import timedelta

from lineside.agent import listing
from lineside.agent.parameters import (
    AtPlace,
    Change,
    Events,
    Figures,
    NoParameters,
    OfSystem,
    Systems,
    Tally,
    Where,
    WhereWhen,
    WithoutSystem,
)
from lineside.agent.tools.context import Context, shift_so_far, tool
from lineside.errors import BadRequest
from lineside.interpretation import (
    bottleneck,
    change,
    disagreement,
    interfaces,
    kpi,
    now,
    outage,
    pace,
    sentinel,
    sources,
    tally,
)
from lineside.interpretation.kpi_words import definitions
from lineside.interpretation.reading import Reading
from lineside.plant.windows import Window


def _now(context: Context, asked: Where) -> Reading:
    return now.now(context.view, equipment=context.place(asked.equipment))


def _pace(context: Context, asked: AtPlace) -> Reading:
    return pace.pace(context.view, context.place(asked.equipment) or asked.equipment, context.window(asked.window))


def _kpi(context: Context, asked: Figures) -> Reading:
    known = definitions()
    if strange := [name for name in asked.measures if name not in known]:
        raise BadRequest(f"{', '.join(strange)} is no key figure; there are: {', '.join(known)}")
    window = context.window(asked.window)
    if asked.by in ("shift", "crew"):
        window = kpi.long_enough(context.view, window, asked.by)
    return kpi.kpis(
        context.view, equipment=context.place(asked.equipment), window=window, measures=asked.measures, by=asked.by
    )


def _bottleneck(context: Context, asked: WhereWhen) -> Reading:
    return bottleneck.bottleneck(
        context.view, equipment=context.place(asked.equipment), window=context.window(asked.window)
    )


def _contradictions(context: Context, asked: WhereWhen) -> Reading:
    place = context.place(asked.equipment)
    if asked.window:
        window = context.window(asked.window) or shift_so_far(context.view)
        return disagreement.contradictions(context.view, window, place)
    found = disagreement.contradictions(context.view, shift_so_far(context.view), place)
    if not found.findings:
        week = Window(start=context.view.as_of - timedelta(days=7), end=context.view.as_of, label="the last 7 days")
        found = disagreement.contradictions(context.view, week, place)
    return found


def _changes(context: Context, asked: Change) -> Reading:
    entity = context.entity(asked.entity) if asked.entity else None
    window = context.window(asked.window) or shift_so_far(context.view)
    if entity is not None and not asked.window:
        window = Window(start=context.view.as_of - _LONG_AGO, end=context.view.as_of, label="the last 30 days")
    return change.changes(context.view, window, equipment=context.place(asked.equipment), entity=entity)


_LONG_AGO = timedelta(days=30)


def _trust(context: Context, _: NoParameters) -> Reading:
    return sources.trust(context.view)


def _feed_changes(context: Context, asked: OfSystem) -> Reading:
    return sentinel.sentinel(context.view, context.window(asked.window), system=asked.system)


def _interfaces(context: Context, asked: Systems) -> Reading:
    return interfaces.inventory(context.view, asked.systems)


def _what_breaks(context: Context, asked: WithoutSystem) -> Reading:
    return outage.without(context.view, asked.system, window=context.window(asked.window))


def _tally(context: Context, asked: Tally) -> Reading:
    where = dict(asked.where)
    if asked.subject == "stop" and "reason" in where:
        reason = listing.reason_called(context.view, where["reason"])
        if reason is None:
            raise BadRequest(f"no stop is on record whose reason says {where['reason']!r}")
        where["reason"] = reason
    return tally.tally(
        context.view,
        asked.subject,
        measure=tally.Measure(asked.measure),
        group_by=asked.group_by,
        window=context.window(asked.window),
        equipment=context.place(asked.equipment),
        where=where,
        late=asked.late,
    )


def _events(context: Context, asked: Events) -> Reading:
    return listing.happened(
        context.view,
        kinds=asked.kinds,
        entity=context.entity(asked.entity) if asked.entity else None,
        equipment=context.place(asked.equipment),
        window=context.window(asked.window),
    )


TOOLS = (
    tool("now", "What is happening: open exceptions, lines against target, what waits, silent sources.", Where, _now),
    tool("pace", "Whether equipment is behind its target, where the gap went and the first cause.", AtPlace, _pace),
    tool(
        "kpi",
        "OEE and other key figures (ISO 22400) with both sides of their fraction, side by side too.",
        Figures,
        _kpi,
    ),
    tool("bottleneck", "Which work unit limits a line, with the waits and stops that show it.", WhereWhen, _bottleneck),
    tool("contradictions", "Notes that contradict what the machines report.", WhereWhen, _contradictions),
    tool("changes", "What changed in a stretch of time, corrections included.", Change, _changes),
    tool("sources", "Each source's health: live, late, silent; gaps and mismatches.", NoParameters, _trust),
    tool(
        "feed_changes",
        "What changed in what sources send (codes, units, fields, mix, rhythm), and interfaces that no longer match "
        "the floor, each with a proposal for the mapping.",
        OfSystem,
        _feed_changes,
    ),
    tool("interfaces", "The interfaces between systems: who owns each, what it carries.", Systems, _interfaces),
    tool(
        "what_breaks", "What breaks when a system is upgraded or down, and who must know.", WithoutSystem, _what_breaks
    ),
    tool("tally", "Counts, sums, durations, averages and rankings, computed over the records.", Tally, _tally),
    tool("events", "What happened, one by one: events of some kinds, about a thing or at a place.", Events, _events),
)
