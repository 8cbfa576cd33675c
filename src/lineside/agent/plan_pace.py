"""Which key figures a question means, of what and side by side by what; and where a bottleneck is sought."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lineside.agent.ask import Ask
from lineside.agent.wording import fold
from lineside.interpretation.kpi_words import definitions
from lineside.plant.equipment import Level, level
from lineside.plant.records import Json

_MOST = 4
# By whom or what figures are set side by side; the axes of other questions that mean the same.
_BY = {"shift": "shift", "crew": "crew", "line": "line", "day": "day", "equipment": "line"}
_CREWS = frozenset(("crew", "crews", "mannschaft", "mannschaften", "team", "teams"))
_SHIFTS = frozenset(("shift", "shifts", "schicht", "schichten"))
_AREAS = frozenset(("area", "areas", "bereich", "bereiche", "hall", "halls", "halle", "hallen"))


def figures(ask: Ask, when: Mapping[str, Json]) -> tuple[dict[str, Json], ...]:
    """The arguments of each look at key figures that the question needs."""
    told: dict[str, Json] = {**when}
    if measures := named(ask.text):
        told["measures"] = [*measures]
    if axis := _beside(ask):
        told["by"] = axis
        if axis == "line" and len(ask.places) > 1:
            del told["by"]
    return tuple({**told, "equipment": path} for path in ask.places[:_MOST]) or (told,)


def named(text: str) -> list[str]:
    """The figures that the text names, those of the longest names first; of two names in one the longer wins."""
    said, found = f" {fold(text)} ", list[str]()
    words = sorted(((fold(word), d.key) for d in definitions().values() for word in d.words), key=lambda w: -len(w[0]))
    for word, key in words:
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?:s|n|en)?(?!\w)")
        if pattern.search(said):
            said = pattern.sub(" ", said)
            if key not in found:
                found.append(key)
    order = list(definitions())
    return sorted(found, key=order.index)


def limits(ask: Ask, when: Mapping[str, Json]) -> tuple[dict[str, Json], ...]:
    """The arguments of each search for a bottleneck."""
    return tuple({**when, "equipment": path} for path in ask.places[:_MOST]) or ({**when},)


_SLOWS = re.compile(
    r"\b(?:slow(?:s|ing)?|hold(?:s|ing)? (?:\w+ )?(?:up|back)|holding|drag(?:s|ging)?|brak(?:es|ing)|chok(?:es|ing)|"
    r"throttl\w+|limit(?:s|ing)|keep(?:s|ing) \w+ waiting|brems\w*|ausbrems\w*|aufh\w+|haelt|halten|haeng\w*|klemm\w*|"
    r"hak(?:t|ts|en)|behinder\w*|begrenz\w*|laehm\w*|verlangsam\w*)\b"
)
_ALL = re.compile(
    r"\b(?:the rest|the others?|others|every(?:one|body|thing)|all of us|us all|all the others?|"
    r"(?:the )?(?:whole )?(?:line|plant|floor|shop|place|show|production)|the most|most|"
    r"den rest|die anderen|alle\w*|(?:die )?(?:ganze )?(?:anlage|linie|fertigung|produktion|halle)|den betrieb|"
    r"den laden|am meisten|am staerksten)\b"
)
_UNIT = re.compile(
    r"\b(?:(?:which|what|welche[rsmn]?|an welche[rm]) (?:machine|station|unit|equipment|line|step|"
    r"process|maschine|anlage|linie|schritt)|(?:what|was|who|wer|wo|where)\b)"
)


def limiting(ask: Ask) -> bool:
    """Whether the question asks which machine holds up the others, in other words than bottleneck."""
    text = re.sub(r"[^a-z0-9 ]", " ", fold(ask.text))
    if ask.entities or ask.unknown or ask.unclear or ask.no_places or not {*ask.kinds} <= {"equipment", "hold"}:
        return False
    if {"truck", "ship", "decide", "past", "fix", "waste"} & ask.means and "equipment" not in ask.kinds:
        return False
    return bool(_SLOWS.search(text) and _ALL.search(text) and _UNIT.search(text))


def _beside(ask: Ask) -> str | None:
    if ask.axis in _BY:
        return _BY[ask.axis]
    if "compare" not in ask.means or ask.windows:
        return None  # windows that are named side by side are answered one by one
    for axis, words in (("crew", _CREWS), ("shift", _SHIFTS), ("area", _AREAS)):
        if words & ask.words or any(w.endswith(tuple(words)) for w in ask.words if axis != "area"):
            return axis
    if "nights" in ask.means:
        return "shift"
    lines = [path for path in ask.places if level(path) is Level.WORK_CENTER]
    return "line" if not lines else None
