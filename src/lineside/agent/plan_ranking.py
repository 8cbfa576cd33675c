"""Which questions put things in order by a property: what expires first, the biggest order, the oldest hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lineside.agent.ask import Ask
from lineside.agent.cues import Intent
from lineside.agent.plainwords import word_set
from lineside.agent.wording import fold
from lineside.plant.records import Json

_FIRST = word_set(
    """
    first soonest earliest next nearest zuerst erstes erste erster ersten naechstes naechste naechster naechsten
    frueheste fruehester fruehestes fruehesten demnaechst baldigste
    """
)
_LATEST = word_set("latest spaeteste spaetester spaetestes spaetesten zuletzt")
_AT_LAST = re.compile(r"\b(?:last|als letztes?|as the last)\W*$|\blast of all\b")
_OLDEST = word_set("oldest aelteste aeltester aeltestes aeltesten")
_LONGEST = word_set("longest laengste laengster laengstes laengsten")
_NEWEST = word_set("newest youngest juengste juengster juengstes juengsten neueste neuester neuestes neuesten")
_MOST = word_set(
    """
    biggest largest greatest groesste groesster groesstes groessten
    highest maximum max hoechste hoechster hoechstes hoechsten most meiste meisten
    """
)
_LEAST = word_set(
    """
    smallest littlest kleinste kleinster kleinstes kleinsten
    lowest minimum min niedrigste niedrigster niedrigstes niedrigsten geringste geringster geringstes geringsten
    least fewest wenigste wenigsten
    """
)
_OF_SIZE = word_set(
    """
    biggest largest greatest groesste groesster groesstes groessten smallest littlest kleinste kleinster kleinstes
    kleinsten
    """
)
_WAITING = re.compile(
    r"\b(?:open|on hold|held|waiting|pending|outstanding|offen\w*|wart\w*|haeng\w*|lieg\w*|steh\w*)\b"
)
_AMOUNT = re.compile(
    r"\b(?:pieces|units|quantit\w+|amounts?|volumes?|stueck\w*|mengen?|lit(?:re|er)s?|kg|tons?|tonnen|order(?:s|ed)|"
    r"bestell\w*|kauf\w*|buys?|bought)\b"
)
# Which time is meant, by what is said of the things; the first that is said, wins.
_TIMES: Mapping[str, re.Pattern[str]] = {
    "expires_at": re.compile(
        r"\b(?:expir\w*|shelf[- ]?li(?:fe|ves)|best[- ]before|use[- ]by|go(?:es|ing)? (?:off|bad)|out of date|mhd|"
        r"verfall\w*|verfaell\w*|ablauf\w*|ablaeuft|haltbar\w*|verderb\w*|verdirbt|spoil\w*|perish\w*|"
        r"(?:laeuft|laufen) (?!wie\b)(?:.* )?ab)\b"
    ),
    "eta": re.compile(
        r"\b(?:arriv\w*|com(?:e|es|ing) in|comes?|eta|expected|(?:kommt|kommen)|eintreff\w*|trifft|treffen|ankunft\w*|"
        r"ankomm\w*|anliefer\w*|deliver(?:s|ed))\b"
    ),
    "due": re.compile(r"\b(?:due|faellig\w*|deadlines?|frist\w*|run out of time)\b"),
    "promised_at": re.compile(r"\b(?:promised|promise dates?|delivery dates?|zugesagt\w*|liefertermin\w*|zusagen?)\b"),
    "planned_start": re.compile(r"\b(?:start\w*|begin\w*|beginn\w*|faengt|fangen|anfang\w*)\b"),
    "planned_end": re.compile(r"\b(?:finish\w*|be done|ready|fertig\w*|enden|ends?)\b"),
}
_KIND_OF_TIME: Mapping[str, tuple[str, ...]] = {
    "expires_at": ("lot",),
    "eta": ("purchase_order_line", "shipment"),
    "due": ("job_order", "sales_order_line", "purchase_order_line", "inspection", "maintenance_order", "shipment"),
    "promised_at": ("sales_order_line", "sales_order"),
    "planned_start": ("job_order",),
    "planned_end": ("job_order",),
}
# Of these a bare noun must be said, since every plan has starts and ends and each delivery comes.
_NEEDS_KIND = frozenset(("planned_start", "planned_end", "eta"))
_COMES_IN = re.compile(r"\b(?:(?:comes?|coming|arriv\w*) in|arriv\w*|komm\w* (?:.* )?(?:rein|herein|an)|eintreff\w*)\b")
_RANKED = ("lot", "hold", "inspection", "purchase_order_line", "maintenance_order", "shipment", "handling_unit",
           "sales_order_line", "sales_order", "job_order", "engineering_change", "document")  # fmt: skip
_FIGURES = ("quantity_good", "quantity_scrap", "rate", "target_rate", "good_count", "reject_count", "quantity")
_GROUPS: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "customer": (
        "sales_order_line",
        re.compile(
            r"\b(?:customers?|kunden?|abnehmer|kaeufer|clients?|"
            r"(?:who|wer) (?:\w+ ){0,4}(?:ordered|orders|bought|bestellt|gekauft|kauft))\b"
        ),
    ),
    "supplier": ("purchase_order_line", re.compile(r"\b(?:suppliers?|vendors?|lieferant(?:en)?|zulieferer)\b")),
    "carrier": ("shipment", re.compile(r"\b(?:carriers?|hauliers?|spediteur(?:e|en)?|spedition(?:en)?)\b")),
}
_FILTERS = ("customer", "material")
# A stretch of time alone makes a list only where nothing surer is wanted.
_LOOSE = (None, Intent.RECALL, Intent.TALLY, Intent.STATE, Intent.LOOKUP, Intent.NOW, Intent.CHANGES)
_EVER = word_set("ever all-time jemals je insgesamt")
_ASKS_WHICH = word_set("which what welche welcher welches welchen was list show liste zeig zeige any")


def ranking_call(ask: Ask) -> tuple[str, dict[str, Json]] | None:
    """The tool and its arguments, where the question asks for an order; None where it does not."""
    if ask.unknown or ask.unclear or ask.no_places or len(ask.of_kind(*_FILTERS)) != len(ask.entities):
        return None
    text, kinds = fold(ask.text), _kinds(ask)
    where: dict[str, Json] = {entity.kind: entity.id for entity in ask.entities}
    about: dict[str, Json] = {"where": where} if where else {}
    about |= {"equipment": ask.place} if ask.place else {}
    about |= {"every": True} if ask.words & _EVER else {}
    if grouped := _by_group(ask, text):
        return grouped
    if by := _time(ask, text, kinds):
        name, chosen, highest = by
        when: dict[str, Json] = {"window": _words(ask)} if ask.window and ask.window_said else {}
        return "ranking", {"kinds": [*chosen], "by": name, **({"highest": True} if highest else {}), **about, **when}
    if ask.window_said or not kinds or ask.happenings:
        return None
    old = ask.words & _OLDEST or (ask.words & _LONGEST and _WAITING.search(text))
    if old or ask.words & _NEWEST:
        return "ranking", {"kinds": [*kinds[:2]], "by": "age", **({} if old else {"highest": True}), **about}
    if not ask.words & (_MOST | _LEAST):
        return None
    figure = next((name for name in _FIGURES if name in ask.properties), None)
    if figure is None and not ask.words & _OF_SIZE and not _AMOUNT.search(text):
        return None
    most: dict[str, Json] = {"highest": True} if ask.words & _MOST else {}
    return "ranking", {"kinds": [*kinds[:1]], "by": figure or "quantity", **most, **about}


def _time(ask: Ask, text: str, kinds: Sequence[str]) -> tuple[str, Sequence[str], bool] | None:
    """The time that the things are put in order by, which things, and whether the latest come first."""
    first, last = bool(ask.words & _FIRST), bool(ask.words & _LATEST or _AT_LAST.search(text))
    listed = ask.window_said and ask.intent in _LOOSE and bool(ask.words & _ASKS_WHICH)
    if not first and not last and not listed:
        return None
    for name, said in _TIMES.items():
        if not said.search(text):
            continue
        fitting = [kind for kind in _KIND_OF_TIME[name] if kind in kinds]
        if name == "due" and kinds and not fitting:
            return None
        if listed and name == "eta" and not kinds and _COMES_IN.search(text):
            return "eta", ("purchase_order_line",), last
        if name in _NEEDS_KIND and not fitting:
            continue
        if not fitting and (kinds and name != "expires_at"):
            continue
        if listed and not first and not last and name not in ("expires_at", "due"):
            continue
        chosen = fitting or _KIND_OF_TIME[name]
        by = "planned_departure" if name == "due" and list(chosen) == ["shipment"] else name
        return by, chosen[:1] if name == "promised_at" else chosen, last and not first
    return None


def _by_group(ask: Ask, text: str) -> tuple[str, dict[str, Json]] | None:
    """Who has the most of it: things summed or counted for each customer, supplier or carrier."""
    if not ask.words & (_MOST | _LEAST) or ask.entities or not _AMOUNT.search(text) or ask.window_said:
        return None
    for name, (kind, said) in _GROUPS.items():
        found = said.search(text)
        if found is None or re.match(r"\W*orders?\b(?! (?:the )?(?:most|least))", text[found.end() :]):
            continue  # the biggest customer order is an order
        many = re.search(
            r"\b(?:most|fewest|meisten?|wenigsten) (?:open |offenen? )?(?:orders|auftraege|bestellungen)", text
        )
        how: dict[str, Json] = {} if many else {"measure": "sum"}
        return "tally", {"subject": kind, "group_by": name, **how}
    return None


def _kinds(ask: Ask) -> list[str]:
    """The kinds asked for, the narrowest word for each; an order is any that customers or the floor have."""
    kinds = [kind for kind in _RANKED if kind in ask.kinds]
    if "maintenance_order" in kinds and "job_order" in kinds:
        kinds.remove("job_order")
    if "order" in ask.kinds and not any(kind.endswith(("order", "order_line")) for kind in kinds):
        kinds += ["sales_order", "job_order"]
    return kinds


def _words(ask: Ask) -> str:
    """As the plan names its windows."""
    window = ask.window
    if window is None:
        return ""
    return window.label or window.shift or f"{window.start.isoformat()}/{window.end.isoformat()}"
