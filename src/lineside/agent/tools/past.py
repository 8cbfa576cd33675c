"""What was decided, said, repeated and passed on."""

from __future__ import annotations

import re
from dataclasses import replace

from lineside.agent import listing, retelling
from lineside.agent.free_recall import recalled, shares, telling
from lineside.agent.parameters import About, Decisions, NoParameters, Repeats, SetApart, Where, WhereWhen
from lineside.agent.tools.context import Context, tool
from lineside.agent.wording import fold
from lineside.errors import BadRequest
from lineside.interpretation import handover, patterns, standing
from lineside.interpretation.briefing import briefing
from lineside.interpretation.cases_of import cases_of
from lineside.interpretation.reading import Reading
from lineside.interpretation.recalled import recalled as recall_reading
from lineside.interpretation.safety_notes import safety
from lineside.interpretation.set_apart import set_apart
from lineside.interpretation.similar_cases import similar
from lineside.interpretation.wording import counted, listed, short
from lineside.memory.words import render
from lineside.plant.entities import Entity, EntityKind

_NOW = re.compile(
    r"\b(?:now|currently|at the moment|happening|going on|"
    r"jetzt|gerade|momentan|derzeit|aktuell|maintenant|en ce moment)\b"
)


def _decided(context: Context, asked: Decisions) -> Reading:
    view = context.view
    if asked.by:
        return _decided_by(context, asked, asked.by)
    entities = [context.entity(asked.entity)] if asked.entity else []
    place = context.place(asked.equipment)
    about = [*entities, *([Entity(EntityKind.EQUIPMENT, place)] if place else [])]
    found = context.memory.recall(asked.text, view=view, at=place, entities=entities, types=("decision",))
    picked = standing.pick(view, [e.record_id for e in found.evidence], entities=about, text=asked.text)
    wanted = telling(asked.text)
    fitting = [d for d in picked if not wanted or shares(render(d), wanted) or any(e in d.entities() for e in about)]
    return standing.decided(view, fitting)


def _decided_by(context: Context, asked: Decisions, who: str) -> Reading:
    """What one person decided, the newest first; of a place or a stretch of time only, where one is named."""
    card = next((p for p in context.view.plant.people if p.id == who), None)
    called = {fold(who), fold(card.name if card else who)}
    place, window = context.place(asked.equipment), context.window(asked.window)
    known = context.view.decisions(equipment=place, within=window, newest_first=True)
    own = [d for d in known if d.decided_by and fold(d.decided_by) in called]
    name = card.name or card.id if card else who
    if not own:
        return Reading(
            verdict=f"No decision by {name} is on record.", missing=(f"A decision record that names {name}.",)
        )
    found = standing.decided(context.view, own[:_DECIDED])
    choices = listed([short(d.choice, 90) for d in own[:_DECIDED]], limit=_DECIDED)
    more = f", the last {_DECIDED} of them" if len(own) > _DECIDED else ""
    return replace(found, verdict=f"{name} took {counted(len(own), 'decision')}{more}: {choices}.")


_DECIDED = 4


def _in_force(context: Context, asked: Where) -> Reading:
    return standing.in_force(context.view, equipment=context.place(asked.equipment))


def _broken(context: Context, _: NoParameters) -> Reading:
    return standing.broken(context.view)


def _recalled(context: Context, _: NoParameters) -> Reading:
    view, told, found = retelling.recalled_for(context.memory, context.ledger, context.person, at=context.view.as_of)
    return recall_reading(view, told, retelling.with_verdicts(context.memory, context.person, view, found))


def _patterns(context: Context, asked: Repeats) -> Reading:
    return patterns.patterns(
        context.view, context.window(asked.window), equipment=context.place(asked.equipment), kind=asked.kind
    )


def _set_apart(context: Context, asked: SetApart) -> Reading:
    level = asked.level
    dimension = asked.dimension
    if dimension == "shift" and level in {crew for _, _, crew in context.view.plant.roster}:
        dimension = "crew"
    reason = listing.reason_called(context.view, asked.reason) if asked.reason else None
    return set_apart(
        context.view,
        dimension,
        level=context.place(level) if dimension == "line" and level else level,
        window=context.window(asked.window),
        equipment=context.place(asked.equipment),
        kind=asked.kind,
        reason=reason,
    )


def _similar(context: Context, asked: About) -> Reading:
    place = context.place(asked.equipment)
    if asked.entity:
        return similar(context.view, asked.text, of=context.entity(asked.entity))
    if place is None:
        return similar(context.view, asked.text)
    text = listing.usual_fault(context.view, place, unless=asked.text)
    # Words that say no more than the place mean what usually happens there, or what does now where they say so.
    thing = Entity(EntityKind.EQUIPMENT, place)
    if text != asked.text and _NOW.search(fold(context.asked)) and cases_of(context.view, thing):
        return similar(context.view, "", of=thing)
    return similar(context.view, text)


def _safety(context: Context, asked: WhereWhen) -> Reading:
    return safety(context.view, context.window(asked.window), context.place(asked.equipment))


def _handover(context: Context, asked: WhereWhen) -> Reading:
    view = context.view
    window = context.window(asked.window)
    slot = view.calendar.at(window.start if window else view.as_of)
    if slot is None:
        raise BadRequest("the plant file has no shift then; name another time, or add [[shifts]]")
    return handover.handover(view, slot, equipment=context.place(asked.equipment))


def _briefing(context: Context, asked: Where) -> Reading:
    return briefing(context.view, context.place(asked.equipment))


def _waiting(context: Context, _: NoParameters) -> Reading:
    return listing.waiting(context.view, context.ledger, context.person)


def _recall(context: Context, asked: About) -> Reading:
    entities = [context.entity(asked.entity)] if asked.entity else []
    return recalled(
        context.memory,
        context.view,
        asked.text,
        place=context.place(asked.equipment),
        window=context.window(asked.window),
        entities=entities,
    )


TOOLS = (
    tool("safety", "What concerns safety: injuries, hazards, safeguards, and what still stands.", WhereWhen, _safety),
    tool("decided", "What was decided about something, why, by whom, and whether it still holds.", Decisions, _decided),
    tool("in_force", "The decisions, limits and holds in force.", Where, _in_force),
    tool("broken_assumptions", "Decisions in force that rest on facts which changed.", NoParameters, _broken),
    tool(
        "recalled",
        "What the asker was told or decided on before that is corrected, deleted or overtaken since.",
        NoParameters,
        _recalled,
    ),
    tool("patterns", "What repeats across shifts, crews and materials, and which fixes held.", Repeats, _patterns),
    tool(
        "set_apart",
        "Whether one crew, shift, material, line or tool has more of something than the rest beyond chance, and what "
        "goes along with it.",
        SetApart,
        _set_apart,
    ),
    tool("similar", "Whether something has happened before, and what worked then.", About, _similar),
    tool("handover", "The handover of a shift.", WhereWhen, _handover),
    tool("briefing", "What someone new on a line or at the site needs to know.", Where, _briefing),
    tool("waiting", "The proposals and holds that wait for the asker.", NoParameters, _waiting),
    tool("recall", "What notes, events and decisions say about something, quoted.", About, _recall),
)
