"""Which questions look ahead to the dock: what will surprise it, what production must do for it by when, whom a late
carrier hits, how steady an order is, and what is at the line."""

from __future__ import annotations

import re

from lineside.agent.ask import Ask
from lineside.agent.cues import Intent
from lineside.agent.wording import NUMBER_WORDS, fold
from lineside.plant.records import Json

_SHIPPED = ("sales_order_line", "sales_order", "shipment")
_DOCK = (
    r"(?:docks?|trucks?|lorr(?:y|ies)|trailers?|shipments?|shipping|dispatch\w*|deliver(?:y|ies)|departures?|loading|"
    r"outbound|orders?|promises?|customers?|rampen?|lkws?|laster\w*|versand\w*|sendung\w*|liefer\w*|ausliefer\w*|"
    r"abfahrt\w*|abfahren|verlad\w*|auftrag\w*|auftraeg\w*|zusagen?|kunden?)"
)
_RISK = (
    r"(?:surpris\w*|(?:at|a) risks?|risks?|risky|shaky|unstable|wobbl\w*|go(?:es|ing)? wrong|in danger|endanger\w*|"
    r"jeopard\w*|likely to (?:miss|slip|fail)|(?:will|may|might|could) (?:miss|slip|fail)|"
    r"(?:won'?t|will not) (?:make|be)|"
    r"ueberrasch\w*|gefaehrd\w*|risik\w*|riskant\w*|wackel\w*|wackl\w*|kipp\w*|schief\w*|in gefahr|"
    r"(?:nicht|kaum) (?:rechtzeitig|schaffen|fertig werden))"
)
_SURPRISE = re.compile(rf"\b{_DOCK}\b.*\b{_RISK}|\b{_RISK}.*\b{_DOCK}\b")
_AHEAD = re.compile(
    r"\b(?:tomorrow\w*|tonight|next|coming|later|upcoming|today|morgen|morgige\w*|naechste\w*|kommende\w*|heute|spaeter)\b"
)
_BY_WHEN = re.compile(
    r"\bby when\b|\bby what time\b|\blatest (?:possible )?(?:start|time|moment|finish)|\bhow late can\b|\bbis wann\b|"
    r"\bspaeteste\w*\b|\bspaetestens\b|\bwann spaetestens\b|\bwhen (?:must|does|do|should)\b.*\b(?:at the )?latest\b"
)
_MAKE = re.compile(
    r"\b(?:production|manufacturing|jobs?|job orders?|work orders?|lines?|inspections?|lab|quality|finish\w*|done|"
    r"ready|made|start\w*|produktion|fertigung|fertig\w*|auftrag\w*|auftraeg\w*|linien?|labor|"
    r"pruefung\w*|beginn\w*|anfang\w*|"
    r"machen|produzier\w*|freigeb\w*)\b"
)
_FOR_PRODUCTION = re.compile(
    r"\b(?:shipping|delivery|dispatch|dock)\W+risks?\b|\bversandrisik\w*|\blieferrisik\w*|"
    r"\brisik\w+ (?:fuer|im) (?:den )?versand|\bnothing slips\b|\bnichts rutscht\b|\bkeep (?:the )?trucks? on time\b"
)
_MATERIAL = re.compile(
    r"\b(?:materials?|stuff|parts?|components?|ingredients?|picks?|picking|"
    r"rohstoff\w*|teilen?|komponenten?|bauteil\w*|zutaten|"
    r"kommissionier\w*|bereitstell\w*|\w*material\w*)\b"
)
_AT_LINE = re.compile(
    r"\b(?:staged|staging|missing|lack\w*|short|shortages?|substitut\w*|replacement material|late picks?|"
    r"picks? (?:are )?late|"
    r"line[- ]?side|at the line|there for the|without enough|not enough|"
    r"zu wenig|nicht genug|bereit(?:gestellt\w*|stellung\w*)?|fehl\w*|knapp\w*|ersatz\w*|"
    r"verspaetete\w* (?:kommissionier|bereitstell)\w*)\b"
)
_STEADY = re.compile(
    r"\b(?:how (?:stable|steady|safe|solid|firm|certain)|stable|stability|unstable|shaky|flip\w*|tip over|change that|"
    r"wie (?:stabil|sicher|fest)|stabil\w*|kippen|kippt|umkippen|wackel\w*|wackl\w*)\b"
)
_DELAY = re.compile(
    r"\b(\d+(?:[.,]\d+)?|half an?|an?|one|two|three|four|five|six|ein|eine|einer|eineinhalb|zwei|drei|vier|fuenf|sechs)"
    r"[\s-]*(h|hrs?|hours?|stunden?|std|min|mins|minutes?|minuten)\b"
)
_CARRIED = re.compile(
    r"\b(?:carriers?|haul(?:i)?ers?|forwarders?|trucks?|lorr(?:y|ies)|trailers?|shipments?|freight|spedit\w*|fracht\w*|lkws?|"
    r"laster\w*|fuhre\w*|sendung\w*|fahrer|driver)\b"
)
_SLIPS = re.compile(r"\b(?:slip\w*|delay\w*|late|later|behind|verspaet\w*|spaeter|verzoeger\w*|verzug|rutsch\w*)\b")
_HALVES = {"half a": 0.5, "half an": 0.5, "a": 1.0, "an": 1.0, "eineinhalb": 1.5}
# Wants that say plainly that something else is meant.
_ELSE = frozenset(
    (Intent.DECIDED, Intent.IN_FORCE, Intent.PATTERNS, Intent.SIMILAR, Intent.HANDOVER, Intent.CHANGES, Intent.WHAT_IF,
     Intent.PROPOSE, Intent.ACT, Intent.RECONCILE, Intent.CONFLICTS)
)  # fmt: skip
_MATERIAL_WANTS = frozenset((None, Intent.READINESS, Intent.RECALL, Intent.TALLY, Intent.STATE, Intent.NOW))


def shipping_call(ask: Ask) -> tuple[str, dict[str, Json]] | None:
    """The tool and its arguments, where the question looks ahead to the dock or the line; None where it does not."""
    text = fold(ask.text)
    if _lacks_material(ask, text):
        job: dict[str, Json] = {"job_order": str(ask.entities[0])} if ask.entities else {}
        return "material_readiness", {**_when(ask), **_where(ask), **job}
    if ask.intent in _ELSE or ask.unknown:
        return None
    when, where = _when(ask), _where(ask)
    if (slip := _slip(ask, text)) is not None:
        return "carrier_delay", slip
    shipped = ask.of_kind(*_SHIPPED)
    if shipped and _STEADY.search(text):
        return "readiness", {"entity": str(shipped[0])}
    if ask.entities:
        return None
    asks_production = _BY_WHEN.search(text) and _MAKE.search(text) and (_SURPRISE_OR_DOCK.search(text) or ask.places)
    if asks_production or _FOR_PRODUCTION.search(text):
        return "production_risk", {**when, **where}
    if not ask.places and _SURPRISE.search(text) and (_AHEAD.search(text) or "surpris" in text or "ueberrasch" in text):
        return "dock_surprises", when
    return None


def _lacks_material(ask: Ask, text: str) -> bool:
    if (
        ask.unknown
        or len(ask.of_kind("job_order")) != len(ask.entities)
        or not (_MATERIAL.search(text) and _AT_LINE.search(text))
    ):
        return False
    next_shift = ask.intent is Intent.HANDOVER and "handover" not in ask.means
    return next_shift or ask.intent in _MATERIAL_WANTS


def _when(ask: Ask) -> dict[str, Json]:
    return {"window": _words(ask)} if ask.window and ask.window_said else {}


def _where(ask: Ask) -> dict[str, Json]:
    return {"equipment": ask.place} if ask.place else {}


_SURPRISE_OR_DOCK = re.compile(rf"\b(?:{_DOCK}|slips?|rutsch\w*|in time|on time|puenktlich|rechtzeitig)\b")


def _slip(ask: Ask, text: str) -> dict[str, Json] | None:
    """How late which carrier or shipment is, where the question says how late."""
    told = _DELAY.search(text)
    loads = ask.of_kind("shipment")
    if told is None or ask.places or not _SLIPS.search(text) or not (_CARRIED.search(text) or loads):
        return None
    word = told[1].replace(",", ".")
    count = _HALVES.get(word) or float(NUMBER_WORDS.get(word, "1" if word.startswith("ein") else word))
    minutes = count * (60 if told[2][0] in "hs" else 1)
    if loads:
        return {"minutes": minutes, "shipment": str(loads[0])}
    named = " ".join(ask.topic)
    return {"minutes": minutes, **({"carrier": named} if named else {})}


def _words(ask: Ask) -> str:
    """As the plan names its windows."""
    window = ask.window
    if window is None:
        return ""
    return window.label or window.shift or f"{window.start.isoformat()}/{window.end.isoformat()}"
