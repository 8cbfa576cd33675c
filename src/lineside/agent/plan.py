"""From what is asked to the tools that answer it, or to the reason why nothing can."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from lineside.agent.atoms import atoms
from lineside.agent.cues import Intent
from lineside.agent.question import Ask, Names
from lineside.agent.wording import NUMBER_WORDS, fold
from lineside.plant.entities import EntityKind
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
_ORDERED_LAST = ("lot", "sales_order", "job_order", "shipment", "hold")


def plan(ask: Ask, names: Names) -> Plan:
    """What to call for one part of a question. Nothing is called for a thing whose id is unknown."""
    windows = {_words(ask.window): ask.window} if ask.window else {}
    calls = _calls(ask, names)
    if isinstance(calls, str):
        return Plan(unanswerable=calls, missing=_needed(ask), windows=windows)
    return Plan(calls=calls, windows=windows)


def _calls(ask: Ask, names: Names) -> tuple[Call, ...] | str:
    when = {"window": _words(ask.window)} if ask.window else {}
    where = {"equipment": ask.place} if ask.place else {}
    match ask.intent:
        case Intent.NOW:
            return (Call("now", where),)
        case Intent.PACE:
            return _pace(ask, names, when)
        case Intent.RECONCILE:
            return _stock(ask)
        case Intent.STATE:
            return _state(ask, when)
        case Intent.LOOKUP:
            return _lookup(ask, when)
        case Intent.CONFLICTS:
            return _conflicts(ask, when)
        case Intent.READINESS:
            return _ready(ask, names.plant.time_zone)
        case Intent.LOOKS_COMPLETE:
            return (Call("looks_complete"),)
        case Intent.DEPARTURE:
            return _departure(ask, names.plant.time_zone)
        case Intent.DECIDED:
            return (Call("decided", {"text": _subject(ask), **_about(ask), **where}, (_recall(ask),)),)
        case Intent.IN_FORCE:
            return _in_force(ask, where)
        case Intent.PATTERNS:
            kind = {"kind": ask.happenings[0]} if ask.happenings else {}
            return tuple(Call("patterns", {**kind, **one, **when}) for one in _each_place(ask))
        case Intent.SIMILAR:
            return (Call("similar", {"text": _subject(ask)}, (_recall(ask),)),)
        case Intent.HANDOVER:
            return (Call("handover", {**where, **when}),)
        case Intent.CHANGES:
            return (Call("changes", {**where, **when, **_about(ask)}),)
        case Intent.TRUST:
            return (Call("sources"),)
        case Intent.TALLY:
            return _tally(ask, where, when)
        case Intent.RECALL:
            return (_recall(ask),)
        case Intent.HOLD:
            return _hold(ask)
        case Intent.ACT:
            return (
                "Lineside changes nothing by itself, and the only action that it can propose is to place a lot on hold."
            )
        case Intent.WHAT_IF:
            return _what_if(ask, when)
        case None:
            return _unsaid(ask, when)


def _pace(ask: Ask, names: Names, when: Mapping[str, Json]) -> tuple[Call, ...]:
    places = ask.places or tuple(path for path in names.places.paths if level(path) is Level.WORK_CENTER)
    if not places or len(places) > _MOST_LINES:
        return (Call("now"),)
    return tuple(Call("pace", {"equipment": path, **when}, (Call("now", {"equipment": path}),)) for path in places)


def _stock(ask: Ask) -> tuple[Call, ...] | str:
    things = ask.of_kind(*_STOCKED)
    purpose = {"purpose": ask.purpose} if ask.purpose else {}
    if things:
        return tuple(Call("stock", {"entity": str(thing), **purpose}) for thing in things[:3])
    if ask.entities:
        return tuple(Call("state", {"entity": str(thing)}) for thing in ask.entities[:3])
    if not ask.topic and not ask.kinds and ask.place is None:
        return "Which material, lot or place is meant is not said."
    return (_recall(ask),)


def _state(ask: Ask, when: Mapping[str, Json]) -> tuple[Call, ...]:
    if ask.entities:
        return tuple(Call("state", {"entity": str(thing)}, (_recall(ask),)) for thing in ask.entities[:4])
    if ask.place:
        why = bool({"why", "warum", "wieso", "weshalb"} & ask.words)
        calls = [
            Call("state", {"entity": f"equipment:{path}"}, (Call("now", {"equipment": path}),))
            for path in ask.places[:4]
        ]
        calls += [Call("pace", {"equipment": path, **when}) for path in ask.places[:2] if why]
        return tuple(calls)
    return (_recall(ask),)


def _lookup(ask: Ask, when: Mapping[str, Json]) -> tuple[Call, ...]:
    wanted = [name for name in ask.properties if not (name == "reason" and len(ask.properties) > 1)]
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
    kinds = {entity.kind for entity in ask.entities}
    listed: list[Json] = [name for name in wanted if not (name in kinds and len(wanted) > 1)]
    return tuple(
        Call("lookup", {"entity": str(thing), "properties": listed, **more}, (_recall(ask),))
        for thing in ask.entities[:4]
    )


def _conflicts(ask: Ask, when: Mapping[str, Json]) -> tuple[Call, ...]:
    if things := ask.of_kind(*_STOCKED):
        return tuple(Call("stock", {"entity": str(thing)}) for thing in things[:3])
    if ask.entities:
        return tuple(Call("state", {"entity": str(thing)}) for thing in ask.entities[:4])
    told = {"note", "notes", "notiz", "notizen", "telemetry", "telemetrie", "says", "sagt"} & ask.words
    if ask.places or told:
        return (Call("contradictions", {**({"equipment": ask.place} if ask.place else {}), **when}),)
    return (Call("conflicts"),)


def _ready(ask: Ask, zone: ZoneInfo) -> tuple[Call, ...] | str:
    things = sorted(ask.of_kind(*_SHIPPED), key=lambda entity: _SHIPPED.index(entity.kind))
    if things:
        return tuple(
            Call("readiness", {"entity": str(thing)}, (Call("state", {"entity": str(thing)}),)) for thing in things[:4]
        )
    if ask.entities:
        return tuple(Call("state", {"entity": str(thing)}) for thing in ask.entities[:4])
    if {"job_order", "material"} & set(ask.kinds) and "sales_order" not in ask.kinds:
        when = {"window": _words(ask.window)} if ask.window else {}
        return (Call("material_readiness", {**({"equipment": ask.place} if ask.place else {}), **when}),)
    if ask.kinds or ask.window_said:
        return _departure(ask, zone)
    return "Which order, shipment or lot is meant is not said."


_DELAY = re.compile(
    r"\b(\d+|one|two|three|four|five|six|ein|eine|einer|zwei|drei|vier|fuenf|sechs)\s*(h|hours?|stunden?|std|min|minutes?|minuten)\b"
)


def _departure(ask: Ask, zone: ZoneInfo) -> tuple[Call, ...]:
    late = _DELAY.search(fold(ask.text))
    if (
        late
        and {
            "carrier",
            "spediteur",
            "spedition",
            "frachtfuehrer",
            "truck",
            "lkw",
            "delayed",
            "late",
            "slipped",
            "slips",
        }
        & ask.words
    ):
        count = float(NUMBER_WORDS.get(late[1], "1" if late[1].startswith("ein") else late[1]))
        minutes = count * (60 if late[2][0] in "hs" else 1)
        named = ask.of_kind("shipment")
        return (Call("carrier_delay", {"minutes": minutes, **({"shipment": str(named[0])} if named else {})}),)
    if things := ask.of_kind("shipment", "sales_order", "sales_order_line"):
        return tuple(Call("readiness", {"entity": str(thing)}) for thing in things[:4])
    at = {"at": moment} if (moment := _departs(ask, zone)) else {}
    dock = {"dock": ask.place} if ask.place else {}
    return (Call("departure", {**at, **dock}),)


def _departs(ask: Ask, zone: ZoneInfo) -> str | None:
    """The departure's time as the question says it: on the day that it names, by default on the asker's."""
    said = next((each.time for each in atoms(ask.text).times if each.time), None)
    if said is None:
        return None
    day = (ask.window.start if ask.window else ask.at).astimezone(zone).date()
    return datetime.combine(day, said, tzinfo=zone).isoformat()


def _in_force(ask: Ask, where: Mapping[str, Json]) -> tuple[Call, ...]:
    if {"facts", "assumption", "assumptions", "annahme", "annahmen"} & ask.words:
        return (Call("broken_assumptions"),)
    if ask.topic or ask.entities:
        return (Call("decided", {"text": _subject(ask), **_about(ask), **where}, (_recall(ask),)),)
    return (Call("in_force", where),)


def _tally(ask: Ask, where: Mapping[str, Json], when: Mapping[str, Json]) -> tuple[Call, ...] | str:
    words = ask.words
    arguments: dict[str, Json] = {**where, **when}
    long = words & set(
        "long lange dauer duration downtime stillstandszeit minutes hours minuten stunden dauerte gedauert".split()
    )
    most_time = words & set("longest laengste laengsten laengster laengstes".split())
    kinds = [kind for kind in ask.kinds if kind not in ("equipment", "customer", "order")]
    if "order" in ask.kinds and not kinds:
        kinds = ["sales_order"]
    stood = {"stand", "standen", "steht", "gestanden", "still", "stood", "down", "stopped", "idle"} & words
    if long and stood and (ask.place or not ask.happenings):
        arguments |= {"subject": "downtime", "measure": "duration"}
    elif ask.happenings and not (ask.states and kinds and ask.happenings[0] in ("stop", "scrap")):
        happening = ask.happenings[0]
        subject = {"changeover_start": "changeover"}.get(happening, happening)
        if long and happening == "stop":
            subject = "downtime" if {"downtime", "down"} & words else "stop"
        arguments["subject"] = subject
        if long or "downtime" in words:
            arguments["measure"] = "duration"
        elif most_time:
            arguments["measure"] = "maximum"
        elif {"average", "mean", "durchschnitt", "mittel", "durchschnittlich"} & words:
            arguments["measure"] = "average"
        elif subject in _SUMMED and not {"many", "viele", "often", "oft"} & words:
            arguments["measure"] = "sum"
    elif kinds:
        subject = min(kinds, key=lambda k: _ORDERED_LAST.index(k) if k in _ORDERED_LAST else 9)
        arguments["subject"] = subject
        if ask.states:
            arguments["where"] = {_STATUS.get(subject, "status"): ask.states[0]}
        if {"late", "overdue", "spaet", "verspaetet", "ueberfaellig", "verzug"} & words:
            arguments["late"] = True
    elif ask.states and "equipment" in ask.kinds:
        arguments |= {"subject": "equipment", "where": {"state": ask.states[0]}}
    elif {"notes", "note", "notizen"} & words:
        arguments["subject"] = "note"
    elif {"decisions", "entscheidungen"} & words:
        arguments["subject"] = "decision"
    else:
        return "What is to be counted is not something that the plant's vocabulary knows."
    if ask.axis and ask.axis != arguments["subject"]:
        line = ask.axis == "equipment" and {"line", "lines", "linie", "linien"} & words
        arguments["group_by"] = "line" if line else ask.axis
    if ask.entities:
        traits = dict(arguments.get("where", {}))  # type: ignore[call-overload]  # built above as a dict
        arguments["where"] = {**traits, **{e.kind: e.id for e in ask.entities}}
    return tuple(Call("tally", {**arguments, **one}) for one in _each_place(ask))


_BECAUSE = re.compile(
    r"(?:\b(?:because(?: of)?|since|as|due to|weil|wegen|da|denn|aufgrund)\b|[:,;–]| - )\s*(.+)$", re.IGNORECASE
)


def _hold(ask: Ask) -> tuple[Call, ...] | str:
    lots = ask.of_kind(EntityKind.LOT)
    if not lots:
        return "Only a lot can be proposed for a hold, and no known lot is named."
    rest = ask.text
    found = next(_BECAUSE.finditer(rest), None)
    reason = found[1].strip(" .!?") if found else ""
    if not reason:
        return f"A hold on {lots[0].id} needs a reason: say why, as in: because the seal leaks."
    return tuple(Call("propose_action", {"lot": lot.id, "reason": reason}) for lot in lots[:1])


def _what_if(ask: Ask, when: Mapping[str, Json]) -> tuple[Call, ...] | str:
    if ask.places:
        return tuple(Call("pace", {"equipment": path, **when}) for path in ask.places[:2])
    if things := ask.of_kind(*_SHIPPED):
        return tuple(Call("readiness", {"entity": str(thing)}) for thing in things[:2])
    return (
        "What would follow from that is not computed here: it needs a plan, capacities and rates for the orders meant."
    )


def _unsaid(ask: Ask, when: Mapping[str, Json]) -> tuple[Call, ...] | str:
    if ask.entities and not ask.topic:
        return _state(ask, when)
    if ask.place and not ask.topic:
        return (Call("now", {"equipment": ask.place}),)
    if ask.topic or ask.entities or ask.happenings or ask.kinds:
        return (_recall(ask),)
    return "What is wanted is not clear from the words."


def _recall(ask: Ask) -> Call:
    arguments: dict[str, Json] = {"text": " ".join(ask.topic) or ask.text, **_about(ask)}
    if ask.place:
        arguments["equipment"] = ask.place
    if ask.window and ask.window_said:
        arguments["window"] = _words(ask.window)
    return Call("recall", arguments)


def _about(ask: Ask) -> dict[str, Json]:
    return {"entity": str(ask.entities[0])} if ask.entities else {}


def _subject(ask: Ask) -> str:
    return " ".join(ask.subject) or ask.text


def _each_place(ask: Ask) -> tuple[dict[str, Json], ...]:
    return tuple({"equipment": path} for path in ask.places[:4]) or ({},)


def _needed(ask: Ask) -> tuple[str, ...]:
    match ask.intent:
        case Intent.TALLY:
            return ("What to count: stops, alarms, changeovers, scrap, lots, orders, holds, shipments or notes.",)
        case Intent.ACT:
            return ("Somebody with the right, in the system that owns it.",)
        case Intent.HOLD:
            return ("The lot's id and the reason.",)
        case _:
            return ("The thing, place or time that is meant, by its id or name.",)


def _words(window: Window | None) -> str:
    if window is None:
        return ""
    return window.label or window.shift or f"{window.start.isoformat()}/{window.end.isoformat()}"
