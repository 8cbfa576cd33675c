"""The tools of both answerers: pure reads over one view, and one that only proposes. Each gives a Reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar, cast

from lineside.actions import QUESTION, Refusal
from lineside.agent import listing
from lineside.agent.free_recall import recalled, shares, telling
from lineside.agent.names import names_of
from lineside.agent.parameters import (
    About,
    AtPlace,
    Change,
    Delay,
    Departure,
    Events,
    Hold,
    NoParameters,
    Parameters,
    Properties,
    Repeats,
    Stock,
    Tally,
    Thing,
    Where,
    WhereWhen,
)
from lineside.agent.wording import key, tokens
from lineside.errors import BadRequest
from lineside.interpretation import (
    change,
    departures,
    disagreement,
    handover,
    now,
    pace,
    patterns,
    readiness,
    reconcile,
    sources,
    staging,
    standing,
    state,
    tally,
)
from lineside.interpretation.reading import Reading
from lineside.memory import Memory, View
from lineside.memory.words import render
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.plant import Person
from lineside.plant.windows import Window, find_window

if TYPE_CHECKING:
    from lineside.actions import Ledger

__all__ = ["TOOLS", "Context", "Parameters", "Tool", "described"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a tool may see: one view of the memory, for one asker. windows: stretches already resolved, by their words.

    asked: the asker's own words. ledger: None where nothing can be proposed.
    """

    memory: Memory
    view: View
    asked: str
    person: Person | None = None
    ledger: Ledger | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)

    def window(self, words: str | None) -> Window | None:
        """The stretch that the words name, in the plant's time zone. Raises BadRequest where they name none."""
        if not words:
            return None
        if words in self.windows:
            return self.windows[words]
        found = find_window(words, now=self.view.as_of, plant=self.view.plant)
        if found is None:
            raise BadRequest(f"{words!r} names no stretch of time; say it as in: last night, since 06:00, yesterday")
        return found.window

    def entity(self, text: str) -> Entity:
        """The one thing of that id. Raises BadRequest with the nearest ids where there is none, or several."""
        found = self.view.find(text)
        if not found:
            names = names_of(self.view)
            mentions, _ = names.ids.find(tokens(text), [False] * len(tokens(text)))
            found = [m.entity for m in mentions if not m.alike]
            if len(found) != 1:
                near = ", ".join(names.ids.nearest(text.rpartition(":")[2])) or "none"
                raise BadRequest(f"{text} is not in the memory; nearest ids: {near}", typed=text)
        if len(found) > 1:
            raise BadRequest(f"{text} is several things: {', '.join(map(str, found))}; name one as kind:id", typed=text)
        return found[0]

    def place(self, text: str | None) -> str | None:
        """The path of the equipment of that name. Raises BadRequest where none, or several, are called so."""
        if not text:
            return None
        names = names_of(self.view).places
        if text in names.paths:
            return text
        found, _ = names.find(tokens(text), [False] * len(tokens(text)))
        if len(found) != 1 or found[0].others:
            known = ", ".join(names.name(path) for path in names.paths[:12])
            raise BadRequest(f"no one piece of equipment is called {text!r}; there are: {known}", typed=text)
        return found[0].path


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """description: for a language model. run: raises BadRequest on arguments that name nothing."""

    name: str
    description: str
    parameters: type[Parameters]
    run: Callable[[Context, Parameters], Reading]

    def call(self, context: Context, arguments: Mapping[str, object]) -> Reading:
        """The reading for these arguments. Raises BadRequest, or pydantic's ValidationError on a wrong shape."""
        return self.run(context, self.parameters.model_validate(dict(arguments)))


def _tool(name: str, description: str, parameters: type[P], run: Callable[[Context, P], Reading]) -> Tool:
    return Tool(
        name=name,
        description=description,
        parameters=parameters,
        run=cast("Callable[[Context, Parameters], Reading]", run),
    )


def _now(context: Context, asked: Where) -> Reading:
    return now.now(context.view, equipment=context.place(asked.equipment))


def _pace(context: Context, asked: AtPlace) -> Reading:
    return pace.pace(context.view, context.place(asked.equipment) or asked.equipment, context.window(asked.window))


def _stock(context: Context, asked: Stock) -> Reading:
    return reconcile.reconcile(context.view, context.entity(asked.entity), purpose=asked.purpose)


def _state(context: Context, asked: Thing) -> Reading:
    return state.state(context.view, context.entity(asked.entity))


def _lookup(context: Context, asked: Properties) -> Reading:
    return state.lookup(context.view, context.entity(asked.entity), asked.properties, history=asked.history)


def _ready(context: Context, asked: Thing) -> Reading:
    return readiness.readiness(context.view, context.entity(asked.entity))


def _looks_complete(context: Context, _: NoParameters) -> Reading:
    return readiness.looks_complete(context.view)


def _departure(context: Context, asked: Departure) -> Reading:
    moment = _moment(context, asked.at)
    return departures.departure(context.view, dock=context.place(asked.dock) if asked.dock else None, at=moment)


def _carrier(context: Context, asked: Delay) -> Reading:
    shipment = context.entity(asked.shipment) if asked.shipment else None
    carrier = listing.carrier_called(context.view, asked.carrier) if asked.carrier else None
    delay_s = 60 * asked.minutes if asked.minutes else listing.told_delay_s(context.view, shipment, carrier)
    return departures.hit_by_carrier(context.view, delay_s=delay_s, shipment=shipment, carrier=carrier)


def _conflicts(context: Context, _: NoParameters) -> Reading:
    return disagreement.conflicts(context.view)


def _contradictions(context: Context, asked: WhereWhen) -> Reading:
    place = context.place(asked.equipment)
    if asked.window:
        window = context.window(asked.window) or _shift_so_far(context.view)
        return disagreement.contradictions(context.view, window, place)
    found = disagreement.contradictions(context.view, _shift_so_far(context.view), place)
    if not found.findings:
        week = Window(start=context.view.as_of - timedelta(days=7), end=context.view.as_of, label="the last 7 days")
        found = disagreement.contradictions(context.view, week, place)
    return found


def _staging(context: Context, asked: WhereWhen) -> Reading:
    window = context.window(asked.window)
    if window is not None and window.end <= context.view.as_of:
        window = listing.coming(context.view, window)  # material is lacked ahead, never for a shift that is over
    return staging.lacking_material(context.view, window, context.place(asked.equipment))


def _decided(context: Context, asked: About) -> Reading:
    view = context.view
    entities = [context.entity(asked.entity)] if asked.entity else []
    place = context.place(asked.equipment)
    about = [*entities, *([Entity(EntityKind.EQUIPMENT, place)] if place else [])]
    found = context.memory.recall(asked.text, view=view, at=place, entities=entities, types=("decision",))
    picked = standing.pick(view, [e.record_id for e in found.evidence], entities=about, text=asked.text)
    wanted = telling(asked.text)
    fitting = [d for d in picked if not wanted or shares(render(d), wanted) or any(e in d.entities() for e in about)]
    return standing.decided(view, fitting)


def _in_force(context: Context, asked: Where) -> Reading:
    return standing.in_force(context.view, equipment=context.place(asked.equipment))


def _broken(context: Context, _: NoParameters) -> Reading:
    return standing.broken(context.view)


def _patterns(context: Context, asked: Repeats) -> Reading:
    return patterns.patterns(
        context.view, context.window(asked.window), equipment=context.place(asked.equipment), kind=asked.kind
    )


def _similar(context: Context, asked: About) -> Reading:
    place = context.place(asked.equipment)
    text = listing.usual_fault(context.view, place, unless=asked.text) if place else asked.text
    return patterns.similar(context.view, text)


def _handover(context: Context, asked: WhereWhen) -> Reading:
    view = context.view
    window = context.window(asked.window)
    slot = view.calendar.at(window.start if window else view.as_of)
    if slot is None:
        raise BadRequest("the plant file has no shift then; name another time, or add [[shifts]]")
    return handover.handover(view, slot, equipment=context.place(asked.equipment))


def _changes(context: Context, asked: Change) -> Reading:
    entity = context.entity(asked.entity) if asked.entity else None
    window = context.window(asked.window) or _shift_so_far(context.view)
    if entity is not None and not asked.window:
        window = Window(start=context.view.as_of - _LONG_AGO, end=context.view.as_of, label="the last 30 days")
    return change.changes(context.view, window, equipment=context.place(asked.equipment), entity=entity)


_LONG_AGO = timedelta(days=30)


def _trust(context: Context, _: NoParameters) -> Reading:
    return sources.trust(context.view)


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


def _counted(context: Context, asked: Thing) -> Reading:
    return listing.last_counts(context.view, context.entity(asked.entity))


def _bound(context: Context, asked: Where) -> Reading:
    return listing.bound_to(context.view, context.place(asked.equipment) or "")


def _revisions(context: Context, asked: Thing) -> Reading:
    return listing.revisions(context.view, context.entity(asked.entity))


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


def _propose(context: Context, asked: Hold) -> Reading:
    """A pending proposal, or the reason why there is none, beside what is known of the lot."""
    lot = context.entity(asked.lot if ":" in asked.lot else f"lot:{asked.lot}")
    known = state.state(context.view, lot)
    evidence = list(asked.evidence) or [c for f in known.findings[:4] for c in f.cites if isinstance(c, str)][:6]
    if context.ledger is None or context.person is None:
        why = "nobody is named as the one who asks" if context.person is None else "actions are not set up here"
        return Reading(
            verdict=f"Nothing was proposed: {why}.",
            findings=known.findings,
            against=known.against,
            missing=("The person who asks, named in the plant file (on the command line: --as USER).",),
        )
    outcome = context.ledger.propose(
        action="hold_lot",
        parameters={"lot": lot.id, "reason": asked.reason},
        requester=context.person,
        evidence=evidence,
        origins=_origins(context, {"lot": lot.id, "reason": asked.reason}, evidence),
        as_of=context.view.as_of,
    )
    if isinstance(outcome, Refusal):
        return Reading(
            verdict=f"Nothing was proposed: {outcome.reason}.",
            findings=known.findings,
            against=known.against,
            missing=known.missing,
        )
    return Reading(
        verdict=f"Proposed, not done: place {lot.id} on hold in {outcome.system}; proposal {outcome.id} waits for "
        "approval by somebody else who has the right.",
        findings=known.findings,
        against=known.against,
        next_steps=(f"Approve or reject proposal {outcome.id}.",),
        data={"proposal": outcome.to_json()},
    )


def _origins(context: Context, values: Mapping[str, str], evidence: Sequence[str]) -> dict[str, str]:
    """Where each value stands: in the asker's question, or in a record given as evidence; left out if in neither."""
    records = context.view.records(evidence)
    found = {}
    for name, value in values.items():
        if _occurs(value, context.asked):
            found[name] = QUESTION
        elif origin := next((known for known, record in records.items() if _occurs(value, render(record))), None):
            found[name] = origin
    return found


def _occurs(value: str, text: str) -> bool:
    """Whether the text says the value, whatever its case, spacing and separators."""
    wanted, words = key(value), [key(token.raw) for token in tokens(text)]
    return bool(wanted) and any(
        wanted == "".join(words[i:j])
        for i, word in enumerate(words)
        if wanted.startswith(word)
        for j in range(i + 1, len(words) + 1)
        if len("".join(words[i:j])) <= len(wanted)
    )


def _moment(context: Context, words: str | None) -> datetime | None:
    if words and re.match(r"\d{4}-\d\d-\d\dT", words):
        try:
            return datetime.fromisoformat(words)
        except ValueError as error:
            raise BadRequest(f"{words!r} is no time: {error}") from error
    window = context.window(words)
    return None if window is None else window.start


def _shift_so_far(view: View) -> Window:
    slot = view.calendar.at(view.as_of) or view.calendar.previous(view.as_of)
    if slot is None:
        raise BadRequest("the plant file has no shifts; say since when, as in: since 06:00")
    return Window(start=slot.start, end=max(view.as_of, slot.start), label="this shift so far", shift=slot.label)


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        _tool(
            "now", "What is happening: open exceptions, lines against target, what waits, silent sources.", Where, _now
        ),
        _tool(
            "pace", "Whether equipment is behind its target, where the gap went and the first cause.", AtPlace, _pace
        ),
        _tool(
            "stock", "How much there is: each source's figure, the differences explained, which to use.", Stock, _stock
        ),
        _tool("state", "What each source says of one thing, conflicts and holds included.", Thing, _state),
        _tool("lookup", "Single properties of one thing, with their history where wanted.", Properties, _lookup),
        _tool("readiness", "Whether an order, line, shipment or job is ready, gate by gate.", Thing, _ready),
        _tool(
            "looks_complete",
            "Orders that are reported complete but can't ship, and why.",
            NoParameters,
            _looks_complete,
        ),
        _tool("departure", "What can leave with a truck: ready, at risk, not ready.", Departure, _departure),
        _tool("carrier_delay", "Which orders and promises a carrier's delay hits.", Delay, _carrier),
        _tool("material_readiness", "Which job orders lack material, staged against needed.", WhereWhen, _staging),
        _tool(
            "conflicts",
            "Where sources contradict one another on states, revisions and stock.",
            NoParameters,
            _conflicts,
        ),
        _tool("contradictions", "Notes that contradict what the machines report.", WhereWhen, _contradictions),
        _tool(
            "decided", "What was decided about something, why, by whom, and whether it still holds.", About, _decided
        ),
        _tool("in_force", "The decisions, limits and holds in force.", Where, _in_force),
        _tool("broken_assumptions", "Decisions in force that rest on facts which changed.", NoParameters, _broken),
        _tool("patterns", "What repeats across shifts, crews and materials, and which fixes held.", Repeats, _patterns),
        _tool("similar", "Whether something has happened before, and what worked then.", About, _similar),
        _tool("handover", "The handover of a shift.", WhereWhen, _handover),
        _tool("changes", "What changed in a stretch of time, corrections included.", Change, _changes),
        _tool("sources", "Each source's health: live, late, silent; gaps and mismatches.", NoParameters, _trust),
        _tool("tally", "Counts, sums, durations, averages and rankings, computed over the records.", Tally, _tally),
        _tool(
            "events", "What happened, one by one: events of some kinds, about a thing or at a place.", Events, _events
        ),
        _tool("last_count", "What was last counted of a material, lot or place.", Thing, _counted),
        _tool(
            "bound_to",
            "The open job orders on equipment, and the orders and promises that wait for them.",
            Where,
            _bound,
        ),
        _tool("revisions", "Which revision each open job order of a changed material is made to.", Thing, _revisions),
        _tool("waiting", "The proposals and holds that wait for the asker.", NoParameters, _waiting),
        _tool("recall", "What notes, events and decisions say about something, quoted.", About, _recall),
        _tool(
            "propose_action", "Propose to place a lot on hold. A person must approve; nothing is done.", Hold, _propose
        ),
    )
}


def described() -> Sequence[Tool]:
    """Every tool, for whoever hands them to a model."""
    return tuple(TOOLS.values())
