"""What a planning question asks to be computed: a rush order, a line that stays down, another sequence."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from lineside.agent.ask import Ask, Names
from lineside.agent.atoms import Amount, atoms
from lineside.agent.plainwords import word_set
from lineside.agent.time_ahead import time_ahead
from lineside.agent.wording import NUMBER_WORDS, fold, tokens
from lineside.plant.entities import EntityKind
from lineside.plant.records import Json

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMES = frozenset(("h", "min", "s", "d", "%", "/h", "/m", "Cel"))
_ORDERED = ("sales_order", "sales_order_line", "job_order")
_RUSH = re.compile(
    r"\b(?:rush|expedite|squeez\w*|fit|slot|take on|extra|additional|eilauftr\w*|eilig\w*|einschieb\w*|reinschieb\w*|"
    r"dazwischenschieb\w*|reinquetsch\w*|dazwischen\w*|zusaetzlich\w*|einplan\w*|unterbring\w*|unterkrieg\w*|annehmen|"
    r"accept)\b"
)
_SEQUENCE = re.compile(
    r"\b(?:re-?sequenc\w*|re-?schedul\w*|re-?order\w*|re-?arrang\w*|sequences?|shuffle|swap\w*|umplan\w*|reihenfolge\w*|"
    r"umreih\w*|vorzieh\w*|vorgezogen|vorziehen|pull\w* (?:forward|ahead|in)|prioriti[sz]e\w*|bring forward|tausch\w*|"
    r"sav(?:e|ing)|rett\w*|instead of|zuerst|first)\b"
)
_BEFORE = re.compile(r"\b(?:before|ahead of|prior to|in front of|instead of|vor|statt|anstatt|anstelle)\b")
_AFTER = re.compile(r"\b(?:after|behind|nach|hinter)\b")
_SWAP = re.compile(r"\b(?:swap\w*|(?:ver|um)?tausch\w*)\b")
_DOWN = word_set(
    """
    down stays stay stands stand stops stop stopped fails fail breaks break broken out remains idle goes off repair
    maintenance steht stehen bleibt bleiben stillsteht stillstand still ausfaellt ausfallen faellt aus kaputt defekt
    gestoppt wartung reparatur runs laeuft kommt comes back offline dead shut gesperrt unavailable
    """
)


def planning(ask: Ask, names: Names) -> list[tuple[str, Mapping[str, Json]]] | str:
    """The tools to call with their arguments, or what must be said first."""
    jobs = ask.of_kind(EntityKind.JOB_ORDER)
    folded = fold(ask.text)
    ahead = time_ahead(ask.text, now=ask.at, plant=names.plant)
    place: dict[str, Json] = {"equipment": ask.place} if ask.place else {}
    when = ahead.at.isoformat() if ahead else None
    if len(jobs) >= 2 and (_BEFORE.search(folded) or _AFTER.search(folded) or _SEQUENCE.search(folded)):
        turned = _AFTER.search(folded) or (_SWAP.search(folded) and not _BEFORE.search(folded))
        one, other = (jobs[1], jobs[0]) if turned else (jobs[0], jobs[1])
        return [("resequence_options", {"first": str(one), "before": str(other)})]
    amount = _amount(names, ahead.rest if ahead else folded)
    materials = ask.of_kind(EntityKind.MATERIAL)
    ordered = ask.of_kind(*_ORDERED)
    if materials or (_RUSH.search(folded) and not ordered):
        wanted: dict[str, Json] = {"material": materials[0].id} if materials else {}
        if amount is not None:
            wanted |= {"quantity": float(_value(amount)), **({"unit": amount.unit} if amount.unit else {})}
        if when:
            wanted["due"] = when
        return [("rush_order", {**wanted, **place})]
    if ordered and not (ask.place and _DOWN & ask.words and not _SEQUENCE.search(folded)):
        return [("resequence_options", {"save": str(one), **place}) for one in ordered[:2]]
    if ask.places and not _SEQUENCE.search(folded):
        since = {"since": ahead.since.isoformat()} if ahead and ahead.since else {}
        until = {"until": when} if when else {}
        return [("what_if_down", {"equipment": path, **until, **since}) for path in ask.places[:2]]
    if ask.places or _SEQUENCE.search(folded):
        return [("resequence_options", place)]
    if amount is not None or "rush" in ask.means:
        return [("rush_order", {"quantity": float(_value(amount))} if amount else {})]
    return "What would follow from that can't be computed: neither a line, an order nor a material is named."


def _amount(names: Names, rest: str) -> Amount | None:
    """The quantity that the text names, apart from its ids, places and times."""
    asked = tokens(rest)
    places, missing = names.places.find(asked, [False] * len(asked))
    taken = {i for one in places for i in range(one.start, one.end)}
    taken |= {i for one in missing for i in range(one.start, one.end)}
    mentions, _ = names.ids.find(asked, [i in taken for i in range(len(asked))])
    taken |= {i for one in mentions for i in range(one.start, one.end)}
    for i in sorted(taken, reverse=True):
        rest = rest[: asked[i].start] + "¦" * (asked[i].end - asked[i].start) + rest[asked[i].end :]
    rest = re.sub(r"\b[a-z]+", lambda m: NUMBER_WORDS.get(m[0], m[0]) if m[0] not in ("one", "eins") else m[0], rest)
    found = [amount for amount in atoms(rest).amounts if amount.unit not in _TIMES]
    return next((amount for amount in found if amount.unit), found[0] if found else None)


def _value(amount: Amount) -> Decimal:
    """Of 1.200 the thousand where three digits follow, else the fraction."""
    if re.fullmatch(r"\d{1,3}(?:[.,' \u202f]\d{3})+", amount.text.strip()):
        return max(amount.readings)
    return min(amount.readings)
