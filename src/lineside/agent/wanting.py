"""What a part of a question wants: its cues, seen against the things that it names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lineside.agent.ask import Ask
from lineside.agent.cues import Intent
from lineside.agent.hearing import COMPILED
from lineside.agent.lexicon import AXES, LINE_NOUNS, NAMES_ALIKE, PROPERTIES
from lineside.agent.plainwords import word_set
from lineside.plant.entities import EntityKind

_POLITE = (
    r"(?:please|pls|bitte|can you|could you|would you|kannst du|koennen sie|koenntest du|i want (?:you )?to|we need to|"
    r"we should|let s|just|ok|go ahead and|then|now|jetzt|ich moechte|wir muessen|also|hey|hi|hallo|hello)"
)
_ACT = re.compile(
    rf"^(?:{_POLITE} )*"
    r"(?:(?:cancel|delete|restart|resequence(?! options)|approve|reject|reschedule|expedite|do it|loesche|bestelle|"
    r"starte|"
    r"scrap(?= (?:it|the|this|that|all|lot|batch|§))|"
    r"stoppe|storniere|verschiebe|buche|aendere|verschicke|verschrotte|genehmige|schliesse)(?: |$)|"
    r"(?:release|ship|order|stop|start|move|transfer|change|set|update|send|post|book|close|correct|lift) "
    r"(?:(?:the|it|this|that|them|all|lot|batch|more|my|our|\d+|line)(?: |$)|"
    r"§(?: (?:now|please|today|immediately|to|on|from))*$)|"
    r"(?:gib|gebt|geben sie) .*\bfrei(?: |$))"
)
_ASKED_OF_US = re.compile(rf"^(?:{_POLITE} )+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """The question's words between blanks, as typed and with typos mended; named things are a § each."""

    spoken: str
    repaired: str
    asks: bool  # ends with a question mark

    def has(self, words: str) -> bool:
        return f" {words} " in self.spoken or f" {words} " in self.repaired

    def keys(self, table: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
        """The entries one of whose words is said, the longest words first."""
        found = [
            (max(len(w) for w in words if self.has(w)), name)
            for name, words in table.items()
            if any(map(self.has, words))
        ]
        return tuple(name for _, name in sorted(found, key=lambda pair: (-pair[0], pair[1])))


def heard(phrase: Phrase) -> dict[Intent, float]:
    scores: dict[Intent, float] = {}
    for intent, cues in COMPILED.items():
        hits = sorted(
            (w for w, pattern in cues if pattern.search(phrase.spoken) or pattern.search(phrase.repaired)), reverse=True
        )
        if hits:
            scores[intent] = hits[0] + min(1.0, 0.34 * sum(hits[1:]))
    told = not phrase.asks or _ASKED_OF_US.match(phrase.repaired.strip())
    if told and _ACT.match(phrase.repaired.strip()):
        scores[Intent.ACT] = 8.0
    return scores


def together(cues: Mapping[Intent, float], senses: Mapping[Intent, float]) -> dict[Intent, float]:
    """What wording and meaning each give away; where both do, the surer counts and the other adds a little."""
    scores = {}
    for intent in Intent:
        one, other = cues.get(intent, 0.0), senses.get(intent, 0.0)
        if one or other:
            scores[intent] = max(one, other) + 0.4 * min(one, other)
    return scores


def weigh(ask: Ask, scores: dict[Intent, float]) -> dict[Intent, float]:
    """The same, seen against what the question names: a stock question needs a thing that has stock."""

    def add(intent: Intent, amount: float, *, needs: bool = True) -> None:
        if intent in scores or not needs:
            scores[intent] = scores.get(intent, 0.0) + amount

    if ask.wish:
        scores[Intent.PROPOSE] = 9.0
    stocked = bool(ask.of_kind(EntityKind.MATERIAL, EntityKind.LOT, EntityKind.INVENTORY)) or any(
        typed for typed, _ in ask.unclear
    )
    ordered = bool(ask.of_kind("sales_order", "sales_order_line", "shipment", "job_order", "handling_unit", "lot"))
    add(Intent.RECONCILE, 1.2 if stocked else -1.5)
    add(Intent.READINESS, 1.0 if ordered else -0.7)
    add(Intent.PACE, 0.8 if ask.places else 0.0)
    add(Intent.TALLY, 0.8 if ask.happenings or (ask.kinds and not ask.entities) else -0.5)
    add(Intent.LOOKS_COMPLETE, -1.5 if ask.entities else 1.2)
    add(Intent.NOW, -2.5 if ask.entities else -1.2 if ask.places and Intent.PACE in scores else 0.0)
    add(Intent.HANDOVER, -0.8 if ask.entities else 0.0)
    add(Intent.TRUST, 0.8 if ask.sources else 0.0)
    add(Intent.PACE, -1.5 if not ask.places and _FEEDS & ask.words else 0.0)
    add(Intent.PACE, -1.2 if ask.topic and not ask.places and "target" not in ask.means else 0.0)
    add(Intent.DEPARTURE, 0.8 if ask.window_said or not ask.entities else -0.6)
    asked = [name for name in ask.properties if name not in ("status", "state", "reason", "lines")]
    if ask.of_kind("engineering_change"):
        asked = [name for name in asked if name != "eta"]  # a change arrives in the shop, not on a truck
    if asked and ask.entities:
        sought = _WHICH & ask.words or "as_counted_at" in asked
        scores[Intent.LOOKUP] = max(scores.get(Intent.LOOKUP, 0.0), 2.6 + 0.3 * len(asked) + (1.2 if sought else 0.0))
    if ask.properties == ("units",) and stocked:
        scores[Intent.LOOKUP] = 6.0
    if ask.places and not ask.entities and set(asked) & _OF_PLACES and not ask.states:
        scores[Intent.LOOKUP] = 2.2 + 0.3 * len(asked)
    if (ask.entities or ask.places) and (ask.states or ask.properties):
        add(Intent.STATE, 1.6, needs=False)
    elif (ask.entities or ask.places) and Intent.STATE in scores:
        add(Intent.STATE, 0.8)
    elif Intent.STATE in scores:
        add(Intent.STATE, -1.2)
    if ask.states and ask.kinds and not ask.entities:
        add(Intent.TALLY, 1.0)
    _stood(ask, scores)
    if _COUNTED & ask.words and (ask.happenings or ask.states or ask.kinds) and not (ask.entities and asked):
        add(Intent.TALLY, 1.5)
    if ask.topic and not ask.entities and not ask.places:
        add(Intent.CHANGES, -1.2)
    return scores


def _stood(ask: Ask, scores: dict[Intent, float]) -> None:
    """Whether it has stood today already is a count, and no question after similar cases."""
    known = scores.get(Intent.SIMILAR)
    if known and ask.window_said and ask.happenings and ask.places and not ask.means & _LEARNT:
        scores[Intent.TALLY] = max(scores.get(Intent.TALLY, 0.0), known + 0.5)


SURE = 2.5  # from here on the words alone say what is wanted
_LEARNT = frozenset(("fix", "why", "decide"))
_COUNTED = word_set("many often long viele oft lange wieviele haeufig count number anzahl")
_FEEDS = word_set(
    """
    system systems source sources feed feeds interface quelle quellen system schnittstelle daten data
    """
)
_WHICH = word_set("when where who wann wo wer whose wem")
_OF_PLACES = word_set("owner rate target_rate state reason good_count reject_count job_order")


def best(scores: Mapping[Intent, float]) -> Intent | None:
    if not scores:
        return None
    intent, score = max(scores.items(), key=lambda pair: pair[1])
    return intent if score >= 1.6 else None


# How many litres is a drum, wie viele Stück sind in einem Karton.
_PACKED = re.compile(
    r" (?:how (?:many|much)|wie viele?|wieviele?) \w+ "
    r"(?:(?:are|is|go|goes|come|fit|sind|ist|hat|passen|kommen|does|do) )+"
    r"(?:(?:in|into|on|to|auf) )?(?:an?|one|each|the|per|einem?r?|eine|jedem?|pro|je) (?!§)\w+ "
)


def properties_in(phrase: Phrase) -> tuple[str, ...]:
    said = set(phrase.repaired.split())
    if {"when", "wann"} & said and {
        "fertig",
        "done",
        "finished",
        "complete",
        "completed",
        "ready",
        "abgeschlossen",
    } & said:
        return ("planned_end", "actual_end")
    if _PACKED.search(phrase.repaired):
        return ("units",)
    return phrase.keys(PROPERTIES)


_LEADS = word_set("which per by each je pro nach welche welcher welches every what jede jeder across")


def axis_in(phrase: Phrase) -> str | None:
    """What the question groups or ranks by: `which press`, `per shift`, `nach Grund`."""
    axes = {**AXES, "equipment": (*AXES["equipment"], *LINE_NOUNS, *NAMES_ALIKE)}
    return next(
        (a for a, words in axes.items() for word in words for lead in _LEADS if phrase.has(f"{lead} {word}")), None
    )
