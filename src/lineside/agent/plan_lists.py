"""Which questions are answered by a list of a kind that no other plan makes: one customer's open orders, what concerns
safety, what a crew did, and the highest reading of a sensor."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lineside.agent.ask import Ask, Names
from lineside.agent.cues import Intent
from lineside.agent.plainwords import word_set
from lineside.agent.wording import fold
from lineside.plant.records import Json

_SAFETY = re.compile(
    r"\b(?:safety|accidents?|injur\w*|hazards?|near[- ]miss(?:es)?|anyone hurt|somebody hurt|sicherheit\w*|"
    r"arbeitssicherheit\w*|unfaelle?|unfall|verletz\w*|gefahr(?:en|enstellen?)?|beinaheunf\w*)\b"
)
_NO_SAFETY = word_set("stock bestand stocks level")  # a safety stock is a figure
_OPEN = word_set(
    """
    open offen offene offenen outstanding pending left due faellig which what welche welcher list show liste all alle
    """
)
_ORDERS = {"order": "sales_order_line", "sales_order": "sales_order_line", "sales_order_line": "sales_order_line"}
_DID = word_set(
    "done did made do happened geschafft gemacht erledigt geleistet passiert gelaufen lief achieve achieved"
)
# That something was, and not that it may be: the highest temperature allowed is a decision.
_MEASURED = word_set(
    "was were got reached measured recorded hit went war wurde erreicht gemessen stieg fiel bisher been"
)
_PEAKS: Mapping[str, re.Pattern[str]] = {
    "temperature": re.compile(
        r"\b(?:hottest|warmest|coldest|coolest|heissest\w*|waermst\w*|kaeltest\w*|kuehlst\w*|"
        r"(?:max\w*|min\w*|highest|lowest|peak|top|hoechst\w*|niedrigst\w*|tiefst\w*) temp\w*|"
        r"(?:hoechst|spitzen|tiefst|maximal|minimal)temperatur\w*)\b"
    ),
    "pressure": re.compile(
        r"\b(?:max\w*|min\w*|highest|lowest|peak|hoechst\w*|niedrigst\w*) ?(?:pressure|druck)\b|\bspitzendruck\b"
    ),
    "humidity": re.compile(
        r"\b(?:max\w*|min\w*|highest|lowest|peak|hoechst\w*|niedrigst\w*) ?(?:humidity|\w*feucht\w*)\b"
    ),
    "rate": re.compile(
        r"\b(?:max\w*|min\w*|highest|lowest|peak|top|hoechst\w*|niedrigst\w*) ?(?:speed|rate|geschwindigkeit|tempo)\b"
    ),
}
_NEW = re.compile(r"\b(?:new (?:on|at|to|here|in)|neu (?:an|auf|bei|hier|in|im))\b")
_NEWS = re.compile(r"\b(?:what|anything|was|etwas|irgendwas)\b[^,.;]{0,12}\b(?:new|neu)\b")
_SOMEONE_NEW = re.compile(
    r"\b(?:new (?:colleague|starter|hire|joiner|operator|supervisor|worker)s?|newcomers?|onboard\w*|"
    r"neue\w* (?:kolleg|mitarbeiter)\w*|einarbeit\w*|einzuarbeiten)\b"
)
_TO_KNOW = re.compile(r"\b(?:know|learn|brief\w*|onboard\w*|tell|wissen|lernen|einarbeit\w*|einzuarbeiten)\b")
_LOW = re.compile(r"\b(?:coldest|coolest|kaeltest|kuehlst|min|lowest|niedrigst|tiefst)")


def listing_call(ask: Ask, names: Names) -> tuple[str, dict[str, Json]] | None:
    """The tool and its arguments; None where the question is none of these."""
    if ask.unknown or ask.unclear or ask.no_places:
        return None
    text = fold(ask.text)
    when: dict[str, Json] = {"window": _words(ask)} if ask.window and ask.window_said else {}
    where: dict[str, Json] = {"equipment": ask.place} if ask.place else {}
    if not ask.window_said and not ask.entities and _is_new(ask, text):
        return "briefing", where
    if _SAFETY.search(text) and not ask.entities and not ask.words & _NO_SAFETY and "decide" not in ask.means:
        return None if "handover" in ask.means else ("safety", {**where, **when})
    if ask.entities and {e.kind for e in ask.entities} == {"customer"} and ask.words & _OPEN and len(ask.entities) == 1:
        return _of_customer(ask, where)
    if ask.place and not ask.entities and (when or ask.words & _MEASURED):
        for name, said in _PEAKS.items():
            if said.search(text):
                how = "minimum" if _LOW.search(text) else "maximum"
                return "tally", {"subject": f"equipment.{name}", "measure": how, **where, **when}
    if not when or ask.entities or ask.place or ask.intent not in (Intent.PATTERNS, None, Intent.RECALL, Intent.KPI):
        return None
    crews = {fold(crew) for _, _, crew in names.plant.roster}
    if ask.words & _DID and any(crew in text for crew in crews) and not {"fix", "fault", "compare"} & ask.means:
        return "handover", when
    return None


def _is_new(ask: Ask, text: str) -> bool:
    """Whether somebody new asks, or is asked for, what they need to know."""
    if _SOMEONE_NEW.search(text) and _TO_KNOW.search(text):
        return True
    return ask.intent is Intent.HANDOVER and bool(_NEW.search(text)) and not _NEWS.search(text)


def _of_customer(ask: Ask, where: Mapping[str, Json]) -> tuple[str, dict[str, Json]] | None:
    kind = next((_ORDERS[kind] for kind in ask.kinds if kind in _ORDERS), None)
    if kind is None:
        return None
    return "ranking", {"kinds": [kind], "by": "promised_at", "where": {"customer": ask.entities[0].id}, **where}


def _words(ask: Ask) -> str:
    """As the plan names its windows."""
    window = ask.window
    if window is None:
        return ""
    return window.label or window.shift or f"{window.start.isoformat()}/{window.end.isoformat()}"
