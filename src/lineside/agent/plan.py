"""From what is asked to the tools that answer it, or to the reason why nothing can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from lineside.actions import ACTIONS
from lineside.agent.ask import Ask, Names
from lineside.agent.atoms import atoms
from lineside.agent.cues import Intent
from lineside.agent.plainwords import word_set
from lineside.agent.plan_actions import proposing
from lineside.agent.plan_cases import cases_call
from lineside.agent.plan_doers import deeds
from lineside.agent.plan_holds import holds_call
from lineside.agent.plan_lists import listing_call
from lineside.agent.plan_pace import figures, limiting, limits
from lineside.agent.plan_patterns import pattern_call
from lineside.agent.plan_planning import planning
from lineside.agent.plan_ranking import ranking_call
from lineside.agent.plan_shipping import shipping_call
from lineside.agent.plan_sources import about_systems
from lineside.agent.plan_states import by_state
from lineside.agent.plan_stock import stock_call
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import Level, level
from lineside.plant.records import Json
from lineside.plant.windows import Window


@dataclass(frozen=True, slots=True)
class Call:
    """One tool with its arguments. fallback: asked only where this one finds nothing."""

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    fallback: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls to make. unanswerable: why there are none; missing: what would be needed. windows: by their words."""

    calls: tuple[Call, ...] = ()
    unanswerable: str = ""
    missing: tuple[str, ...] = ()
    windows: Mapping[str, Window] = field(default_factory=dict)


_STOCKED = (EntityKind.MATERIAL, EntityKind.LOT, EntityKind.INVENTORY)
_SHIPPED = ("sales_order_line", "sales_order", "shipment", "job_order", "lot", "handling_unit")
_MOST_LINES = 6
_STATUS = {"lot": "quality_status", "inspection": "result", "equipment": "state", "inventory": "quality_status"}
_SUMMED = frozenset(("scrap", "production", "consumption"))
_LONG = word_set(
    """
    long lange dauer duration downtime stillstandszeit minutes hours minuten stunden dauerte gedauert
    """
)
_COUNTING = word_set("many viele oft often number anzahl count total total insgesamt summe zahl wieviele haeufig")
_LONGEST = word_set("longest laengste laengsten laengster laengstes")
_MEAN = word_set("average mean durchschnitt mittel durchschnittlich")
_MADE = word_set("made produced make produce hergestellt produziert gefertigt")
_OFTEN = word_set("many viele often oft")
_STOOD = word_set(
    "stand standen steht gestanden still stood down stopped idle standing standstill stillgestanden stillsteht"
)
_LATE = word_set("late overdue spaet verspaetet ueberfaellig verzug")
_MOVED = ("resequenced", "priority_changed", "promise_changed", "cancelled")
_PARTS = frozenset(("quantity_good", "quantity_scrap", "packed", "labelled", "good_count", "reject_count"))
_ORDERED_LAST = ("lot", "sales_order", "job_order", "shipment", "hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """What every call may need beside the question's part: names, when and where as arguments."""

    names: Names
    when: Mapping[str, Json]
    where: Mapping[str, Json]


_Calls = tuple[Call, ...] | str
"""The calls, or why there are none."""


def plan(ask: Ask, names: Names) -> Plan:
    """What to call for one part of a question. Nothing is called for a thing whose id is unknown."""
    windows = {_words(ask.window): ask.window} if ask.window else {}
    scope = _Scope(
        names=names,
        when={"window": _words(ask.window)} if ask.window else {},
        where={"equipment": ask.place} if ask.place else {},
    )
    if ask.intent is Intent.PROPOSE:  # what it says besides is its reason
        calls: _Calls = _propose(ask, scope)
        return Plan(unanswerable=calls, missing=_needed(ask)) if isinstance(calls, str) else Plan(calls=calls)
    if done := deeds(ask):
        by = {"group_by": "by", **scope.when, **scope.where}
        return Plan(calls=tuple(Call("tally", {"subject": kind, **by}) for kind in done), windows=windows)
    shipped = shipping_call(ask) or ranking_call(ask) or holds_call(ask) or listing_call(ask, names)
    if shipped:
        calls = (Call(*shipped),)
    elif limiting(ask):
        calls = tuple(Call("bottleneck", each) for each in limits(ask, scope.when))
    elif blamed := pattern_call(ask, names):
        calls = (Call(*blamed),)
    elif differing := stock_call(ask):
        calls = (Call(*differing, fallback=tuple(_plain(thing) for thing in ask.entities[:1])),)
    else:
        calls = _HOW[ask.intent](ask, scope) if ask.intent else _unsaid(ask, scope)
    if not shipped and (listed := by_state(ask)) is not None:
        calls = (Call(*listed, () if isinstance(calls, str) else calls),)
    if (worked := cases_call(ask)) is not None:
        calls = (Call(*worked, () if isinstance(calls, str) else calls),)
    if isinstance(calls, str):
        return Plan(unanswerable=calls, missing=_needed(ask), windows=windows)
    return Plan(calls=calls, windows=windows)


def _pace(ask: Ask, scope: _Scope) -> _Calls:
    places = ask.places or tuple(path for path in scope.names.places.paths if level(path) is Level.WORK_CENTER)
    if not places or len(places) > _MOST_LINES:
        return (Call("now"),)
    return tuple(
        Call("pace", {"equipment": path, **scope.when}, (Call("now", {"equipment": path}),)) for path in places
    )


def _stock(ask: Ask, _: _Scope) -> _Calls:
    things = ask.of_kind(*_STOCKED)
    purpose = {"purpose": ask.purpose} if ask.purpose else {}
    if things:
        return tuple(Call("stock", {"entity": str(thing), **purpose}) for thing in things[:3])
    if ask.entities:
        return tuple(Call("state", {"entity": str(thing)}, (_recall(ask),)) for thing in ask.entities[:3])
    if not ask.topic and not ask.kinds and ask.place is None:
        return "Which material, lot or place is meant is not said."
    return (_recall(ask),)


def _state(ask: Ask, scope: _Scope) -> _Calls:
    if ask.entities and _MADE & ask.words and (made := ask.of_kind(EntityKind.LOT, EntityKind.JOB_ORDER)):
        return tuple(
            Call(
                "tally", {"subject": "production", "measure": "sum", "where": {thing.kind: thing.id}}, (_plain(thing),)
            )
            for thing in made[:4]
        )
    if ask.entities and "arrived" in ask.means and (changed := ask.of_kind("engineering_change")):
        return tuple(Call("revisions", {"entity": str(one)}, (_plain(one),)) for one in changed[:3])
    if ask.entities:
        return tuple(Call("state", {"entity": str(thing)}, (_recall(ask),)) for thing in ask.entities[:4])
    if ask.place:
        why = bool({"why", "warum", "wieso", "weshalb"} & ask.words)
        calls = [
            Call("state", {"entity": f"equipment:{path}"}, (Call("now", {"equipment": path}),))
            for path in ask.places[:4]
            if not (why and ask.window)  # why it was so then: how it is now tells nothing of that
        ]
        calls += [Call("pace", {"equipment": path, **scope.when}) for path in ask.places[:2] if why]
        return tuple(calls)
    return (_recall(ask),)


def _lookup(ask: Ask, _: _Scope) -> _Calls:
    if "as_counted_at" in ask.properties and (things := ask.of_kind(*_STOCKED)):
        return tuple(Call("last_count", {"entity": str(t)}, (Call("stock", {"entity": str(t)}),)) for t in things[:4])
    wanted = [name for name in ask.properties if not (name == "reason" and len(ask.properties) > 1)]
    if "quantity" in wanted and _PARTS & set(wanted):  # how much of it is packed
        wanted = [name for name in wanted if name != "quantity"]
    history = bool(
        {"history", "when", "since", "changed", "change", "wann", "seit", "verlauf", "geaendert"} & ask.words
    )
    more: dict[str, Json] = (
        {"history": True} if history and {"changed", "change", "history", "verlauf", "geaendert"} & ask.words else {}
    )
    if not ask.entities and ask.place:
        if "owner" in wanted:
            return (Call("now", {"equipment": ask.place}),)
        return (
            Call("lookup", {"entity": f"equipment:{ask.place}", "properties": list(wanted), **more}, (_recall(ask),)),
        )
    if "care" in ask.means and ask.of_kind("inspection", "maintenance_order"):
        wanted = ["owner", *(name for name in wanted if name != "owner")]
    kinds = {entity.kind for entity in ask.entities}
    listed: list[Json] = [name for name in wanted if not (name in kinds and len(wanted) > 1)]
    return tuple(
        Call("lookup", {"entity": str(thing), "properties": listed, **more}, (_recall(ask),))
        for thing in ask.entities[:4]
    )


def _conflicts(ask: Ask, scope: _Scope) -> _Calls:
    if things := ask.of_kind(*_STOCKED):
        return tuple(Call("stock", {"entity": str(thing)}) for thing in things[:3])
    if ask.entities:
        return tuple(Call("state", {"entity": str(thing)}) for thing in ask.entities[:4])
    told = {"note", "notes", "notiz", "notizen", "telemetry", "telemetrie", "says", "sagt"} & ask.words
    if ask.places or told:
        return (Call("contradictions", {**({"equipment": ask.place} if ask.place else {}), **scope.when}),)
    return (Call("conflicts"),)


def _ready(ask: Ask, scope: _Scope) -> _Calls:
    things = sorted(ask.of_kind(*_SHIPPED), key=lambda entity: _SHIPPED.index(entity.kind))
    if things:
        return tuple(
            Call("readiness", {"entity": str(thing)}, (Call("state", {"entity": str(thing)}),)) for thing in things[:4]
        )
    if ask.entities:
        return tuple(Call("state", {"entity": str(thing)}) for thing in ask.entities[:4])
    if ({"job_order", "material"} & set(ask.kinds) and "sales_order" not in ask.kinds) or "material" in ask.means:
        return (Call("material_readiness", {**scope.where, **scope.when}),)
    if ask.kinds or ask.window_said:
        return _departure(ask, scope)
    return "Which order, shipment or lot is meant is not said."


def _departure(ask: Ask, scope: _Scope) -> _Calls:
    if "late" in ask.means and "hit" in ask.means and not ask.of_kind("sales_order", "sales_order_line"):
        loads = ask.of_kind("shipment")
        whom: dict[str, Json] = {"shipment": str(loads[0])} if loads else {"carrier": " ".join(ask.topic)}
        return (Call("carrier_delay", whom, (Call("departure"),)),)
    if things := ask.of_kind("shipment", "sales_order", "sales_order_line"):
        return tuple(Call("readiness", {"entity": str(thing)}) for thing in things[:4])
    at = {"at": moment} if (moment := _departs(ask, scope.names.plant.time_zone)) else {}
    dock = {"dock": ask.place} if ask.place else {}
    carried = {"carrier": " ".join(ask.topic)} if ask.topic and not at else {}
    return (Call("departure", {**at, **dock, **carried}),)


def _departs(ask: Ask, zone: ZoneInfo) -> str | None:
    """The departure's time as the question says it: on the day that it names, by default on the asker's."""
    said = next((each.time for each in atoms(ask.text).times if each.time), None)
    if said is None:
        return None
    day = (ask.window.start if ask.window else ask.at).astimezone(zone).date()
    return datetime.combine(day, said, tzinfo=zone).isoformat()


def _in_force(ask: Ask, scope: _Scope) -> _Calls:
    if "premise" in ask.means:
        return (Call("broken_assumptions"),)
    every = Call("in_force", scope.where)
    if ask.topic or ask.entities:
        return (Call("decided", {"text": _subject(ask), **_about(ask), **scope.where}, (every, _recall(ask))),)
    return (every,)


def _tally(ask: Ask, scope: _Scope) -> _Calls:
    counted = _happenings(ask) or _things(ask)
    if counted is None and (stocked := ask.of_kind(*_STOCKED)):
        return tuple(Call("last_count", {"entity": str(t)}, (Call("stock", {"entity": str(t)}),)) for t in stocked[:4])
    if counted is None and ask.entities:
        return _state(ask, scope)
    if counted is None and "waiting" in ask.means:
        counted = {"subject": "downtime", "measure": "duration", "group_by": "reason"}
    elif counted is None and ask.topic:
        why: dict[str, Json] = {"subject": "stop", "where": {"reason": " ".join(ask.topic)}}
        return tuple(Call("tally", {**scope.when, **why, **one}, (_recall(ask),)) for one in _each_place(ask))
    if counted is None:
        return "What is to be counted is not something that the plant's vocabulary knows."
    arguments: dict[str, Json] = {**scope.where, **scope.when, **counted}
    if ask.axis and ask.axis != counted["subject"]:
        line = ask.axis == "equipment" and {"line", "lines", "linie", "linien"} & ask.words
        arguments["group_by"] = "line" if line else ask.axis
    traits: dict[str, Json] = {entity.kind: entity.id for entity in ask.entities}
    if ask.states and "measure" not in counted and counted["subject"] in (*ask.kinds, "sales_order"):
        subject = str(counted["subject"])
        traits[_STATUS.get(subject, "status")] = ask.states[0]
    if traits:
        arguments["where"] = traits
    if counted["subject"] not in ask.happenings or "group_by" in arguments:
        return tuple(Call("tally", {**arguments, **one}) for one in _each_place(ask))
    shown: dict[str, Json] = {**scope.when, **_about(ask), "kinds": list(ask.happenings[:4])}
    each = [(Call("tally", {**arguments, **one}), Call("events", {**shown, **one})) for one in _each_place(ask)]
    if not ask.words & _COUNTING and "measure" not in counted:
        return tuple(replace(events, fallback=(count,)) for count, events in each)
    return tuple(replace(count, fallback=(events,)) for count, events in each)


def _happenings(ask: Ask) -> dict[str, Json] | None:
    """What is counted, where it is something that happens, and how it is measured."""
    words = ask.words
    if words & _LONG and words & _STOOD and (ask.place or not ask.happenings):
        return {"subject": "downtime", "measure": "duration"}
    if words & _OFTEN and words & _STOOD and not ask.happenings:
        return {"subject": "stop"}
    about_things = (
        ask.states and any(kind != "equipment" for kind in ask.kinds) and ask.happenings[:1] in (("stop",), ("scrap",))
    )
    if not ask.happenings or about_things:
        return None
    subject = {"changeover_start": "changeover"}.get(ask.happenings[0], ask.happenings[0])
    if words & _LONG:
        return {"subject": "downtime" if "downtime" in words and subject == "stop" else subject, "measure": "duration"}
    if words & _LONGEST:
        return {"subject": subject, "measure": "maximum"}
    if words & _MEAN:
        return {"subject": subject, "measure": "average"}
    if subject in _SUMMED and not words & _OFTEN:
        return {"subject": subject, "measure": "sum"}
    return {"subject": subject}


def _things(ask: Ask) -> dict[str, Json] | None:
    """What is counted, where it is a kind of thing."""
    late: dict[str, Json] = {"late": True} if ask.words & _LATE else {}
    kinds = [kind for kind in ask.kinds if kind not in ("equipment", "customer", "order")]
    if "order" in ask.kinds and not kinds:
        kinds = ["sales_order"]
    if kinds:
        return {"subject": min(kinds, key=lambda k: _ORDERED_LAST.index(k) if k in _ORDERED_LAST else 9), **late}
    if ask.states and "equipment" in ask.kinds:
        return {"subject": "equipment"}
    for subject, words in (("note", {"note", "notes", "notizen"}), ("decision", {"decisions", "entscheidungen"})):
        if words & ask.words:
            return {"subject": subject}
    return None


def _propose(ask: Ask, scope: _Scope) -> _Calls:
    found = proposing(ask, scope.names)
    return found if isinstance(found, str) else tuple(Call(*each) for each in found)


def _what_if(ask: Ask, scope: _Scope) -> _Calls:
    found = planning(ask, scope.names)
    if isinstance(found, str):
        return found
    standing = tuple(Call("bound_to", {"equipment": path}) for path in ask.places[:1])
    return tuple(Call(name, arguments, standing) for name, arguments in found)


def _unsaid(ask: Ask, scope: _Scope) -> _Calls:
    """What the named thing is like, where no word says what is wanted of it."""
    if ask.unknown:  # no thing of its own, but records speak of it
        return (Call("decided", {"text": _subject(ask)}, (_recall(ask),)),)
    whole = _state(replace(ask, topic=()), scope)
    if (ask.entities or ask.place) and ask.topic and not isinstance(whole, str):
        return (replace(_recall(ask), fallback=whole),)
    if ask.entities and not ask.topic:
        return _state(ask, scope)
    if ask.place and not ask.topic:
        return (Call("now", {"equipment": ask.place}),)
    if ask.topic or ask.entities or ask.happenings or ask.kinds:
        return (_recall(ask),)
    return "What is wanted is not clear from the words."


def _recall(ask: Ask) -> Call:
    arguments: dict[str, Json] = {
        "text": " ".join((*ask.topic, *(u.typed for u in ask.unknown))) or ask.text,
        **_about(ask),
    }
    if ask.place:
        arguments["equipment"] = ask.place
    if ask.window and ask.window_said:
        arguments["window"] = _words(ask.window)
    return Call("recall", arguments)


def _plain(thing: Entity) -> Call:
    return Call("state", {"entity": str(thing)})


def _about(ask: Ask) -> dict[str, Json]:
    recorded = [entity for entity in ask.entities if entity.kind != "customer"]  # those stand in the plant file alone
    return {"entity": str(recorded[0])} if recorded else {}


def _subject(ask: Ask) -> str:
    told = [*ask.subject, *(one.typed for one in ask.unknown if one.typed not in ask.subject)]
    return " ".join(told) or ask.text


def _each_place(ask: Ask) -> tuple[dict[str, Json], ...]:
    return tuple({"equipment": path} for path in ask.places[:4]) or ({},)


def _needed(ask: Ask) -> tuple[str, ...]:
    match ask.intent:
        case Intent.TALLY:
            return ("What to count: stops, alarms, changeovers, scrap, lots, orders, holds, shipments or notes.",)
        case Intent.ACT:
            return ("Somebody with the right, in the system that owns it.",)
        case Intent.PROPOSE:
            return ("What is asked back, said with the rest of it.",)
        case _:
            return ("The thing, place or time that is meant, by its id or name.",)


def _words(window: Window | None) -> str:
    if window is None:
        return ""
    return window.label or window.shift or f"{window.start.isoformat()}/{window.end.isoformat()}"


def _now(_: Ask, scope: _Scope) -> _Calls:
    return (Call("now", scope.where),)


def _looks_complete(_: Ask, __: _Scope) -> _Calls:
    return (Call("looks_complete"),)


def _decided(ask: Ask, scope: _Scope) -> _Calls:
    if "mine" in ask.means and "waiting" in ask.means:
        return (Call("waiting"),)
    if ask.people and not ask.entities and "allow" not in ask.means:
        by: dict[str, Json] = {"by": ask.people[0].id, **scope.where}
        return (Call("decided", {"text": _subject(ask), **by, **(scope.when if ask.window_said else {})}),)
    return (Call("decided", {"text": _subject(ask), **_about(ask), **scope.where}, (_recall(ask),)),)


def _patterns(ask: Ask, scope: _Scope) -> _Calls:
    if "waste" in ask.means and (ask.window or ask.place):
        scrapped: dict[str, Json] = {"subject": "scrap", "measure": "sum"}
        return tuple(
            call
            for one in _each_place(ask)
            for call in (Call("tally", {**scrapped, **one, **scope.when}), Call("changes", {**one, **scope.when}))
        )
    kind: dict[str, Json] = {"kind": ask.happenings[0]} if ask.happenings else {}
    return tuple(Call("patterns", {**kind, **one, **scope.when}) for one in _each_place(ask))


def _similar(ask: Ask, scope: _Scope) -> _Calls:
    found = Call("similar", {"text": _subject(ask), **_about(ask), **scope.where}, (_recall(ask),))
    tried = "fix" in ask.means and (ask.place or ask.topic)
    return (found, _recall(ask)) if tried else (found,)


def _handover(_: Ask, scope: _Scope) -> _Calls:
    return (Call("handover", {**scope.where, **scope.when}),)


def _changes(ask: Ask, scope: _Scope) -> _Calls:
    if "shifted" in ask.means and ask.entities:
        told: dict[str, Json] = {**scope.when, "kinds": list(_MOVED)}
        return tuple(
            Call("events", {**told, "entity": str(one)}, (Call("changes", {**scope.when, "entity": str(one)}),))
            for one in ask.entities[:3]
        )
    if "revision" in ask.means and (changed := ask.of_kind("engineering_change", "material")):
        return tuple(Call("revisions", {"entity": str(one)}, (_plain(one),)) for one in changed[:3])
    return (Call("changes", {**scope.where, **scope.when, **_about(ask)}),)


def _trust(ask: Ask, _: _Scope) -> _Calls:
    return (Call(*about_systems(ask)),)


def _recalled(ask: Ask, _: _Scope) -> _Calls:
    return (_recall(ask),)


def _act(_: Ask, __: _Scope) -> _Calls:
    known = ", ".join(f"{action.title[:1].lower()}{action.title[1:]}" for action in ACTIONS.values())
    return f"Lineside changes nothing by itself, and this is none of the actions that it can propose: {known}."


_HOW: Mapping[Intent, Callable[[Ask, _Scope], _Calls]] = {
    Intent.NOW: _now,
    Intent.PACE: _pace,
    Intent.KPI: lambda ask, scope: tuple(Call("kpi", each) for each in figures(ask, scope.when)),
    Intent.BOTTLENECK: lambda ask, scope: tuple(Call("bottleneck", each) for each in limits(ask, scope.when)),
    Intent.RECONCILE: _stock,
    Intent.STATE: _state,
    Intent.LOOKUP: _lookup,
    Intent.CONFLICTS: _conflicts,
    Intent.READINESS: _ready,
    Intent.LOOKS_COMPLETE: _looks_complete,
    Intent.DEPARTURE: _departure,
    Intent.DECIDED: _decided,
    Intent.IN_FORCE: _in_force,
    Intent.TOLD: lambda *_: (Call("recalled"),),
    Intent.PATTERNS: _patterns,
    Intent.SIMILAR: _similar,
    Intent.HANDOVER: _handover,
    Intent.CHANGES: _changes,
    Intent.TRUST: _trust,
    Intent.TALLY: _tally,
    Intent.RECALL: _recalled,
    Intent.PROPOSE: _propose,
    Intent.ACT: _act,
    Intent.WHAT_IF: _what_if,
}
