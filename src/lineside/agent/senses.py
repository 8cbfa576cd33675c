"""What a question's words mean together: the concepts heard, and the wants that they give away in any order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from lineside.agent.ask import Ask
from lineside.agent.atoms import atoms
from lineside.agent.concepts import CONCEPTS, RULES
from lineside.agent.cues import Intent
from lineside.agent.lexicon import HAPPENINGS, KINDS, PROPERTIES, STATES, STOP_WORDS
from lineside.agent.wording import near
from lineside.plant.entities import EntityKind

_NAMED = {
    "@order": frozenset(("sales_order", "sales_order_line", "job_order", "shipment")),
    "@stock": frozenset(("material", "lot", "inventory")),
    "@lot": frozenset(("lot",)),
    "@hold": frozenset(("hold",)),
    "@unit": frozenset(("handling_unit",)),
    "@work": frozenset(("inspection", "maintenance_order")),
}
_ORDER_KINDS = frozenset(("order", "sales_order", "sales_order_line", "job_order", "shipment"))


def _read_concepts() -> tuple[Mapping[str, frozenset[str]], Mapping[str, frozenset[str]], Mapping[str, frozenset[str]]]:
    """Whole words, stems and phrases, each with its concepts."""
    words: dict[str, set[str]] = defaultdict(set)
    stems: dict[str, set[str]] = defaultdict(set)
    phrases: dict[str, set[str]] = defaultdict(set)
    for line in filter(None, map(str.strip, CONCEPTS.splitlines())):
        concept, _, listed = line.partition(":")
        for word in listed.split():
            if "_" in word:
                phrases[word.replace("_", " ")].add(concept)
            elif word.endswith("*"):
                stems[word[:-1]].add(concept)
            else:
                words[word].add(concept)
    return tuple({key: frozenset(found) for key, found in table.items()} for table in (words, stems, phrases))  # type: ignore[return-value]


_WORDS, _STEMS, _PHRASES = _read_concepts()
_BY_START: dict[str, list[str]] = defaultdict(list)
for _known in (*_WORDS, *_STEMS):
    _BY_START[_known[:1]].append(_known)
_INNER = tuple(stem for stem in (*_STEMS, *_WORDS) if len(stem) >= 6)  # what a German compound may end with


def _read_rules() -> tuple[tuple[Intent, float, tuple[frozenset[str], ...], frozenset[str]], ...]:
    rules = []
    for intent, table in RULES.items():
        for line in filter(None, map(str.strip, table.splitlines())):
            weight, *parts = line.split()
            needed = tuple(frozenset(part.split("|")) for part in parts if not part.startswith("!"))
            forbidden = frozenset(part[1:] for part in parts if part.startswith("!"))
            rules.append((intent, float(weight), needed, forbidden))
    return tuple(rules)


_RULES = _read_rules()
# Words that mean something else already, and so are no typo of a concept's.
_OTHERWISE = frozenset(
    part
    for words in (*PROPERTIES.values(), KINDS, HAPPENINGS, STATES, STOP_WORDS)
    for word in words
    for part in word.split()
)
_TOPICAL = frozenset(("shortage", "fault", "limit", "waste"))  # what they name is also what the question is about
_ASKS: dict[Intent, frozenset[str]] = {
    intent: frozenset(c for i, _, needed, _ in _RULES if i is intent for choice in needed for c in choice)
    for intent in RULES
}


@lru_cache(maxsize=16384)
def meanings(word: str) -> frozenset[str]:
    """The concepts that a folded word bears: as it is, by its stem, as a compound's end, or with a slip."""
    found = set(_WORDS.get(word, ()))
    for size in range(3, len(word) + 1):
        found |= _STEMS.get(word[:size], frozenset())
    if found:
        return frozenset(found)
    for part in word.split("-"):
        if part != word and len(part) >= 3:
            found |= meanings(part)
    if found:
        return frozenset(found)
    if len(word) >= 9:
        inside = [one for one in _INNER if one in word[3:]]
        if inside:
            longest = max(inside, key=len)
            return _WORDS.get(longest, frozenset()) | _STEMS.get(longest, frozenset())
    if len(word) >= 5 and word not in _OTHERWISE:
        for known in _BY_START[word[:1]]:
            if len(known) >= 5 and near(word if known in _WORDS else word[: len(known) + 1], known):
                return _WORDS.get(known, frozenset()) | _STEMS.get(known, frozenset())
    return frozenset()


def asks_for(intent: Intent | None, word: str) -> bool:
    """Whether the word is one of those by which people ask for this."""
    direct = set(_WORDS.get(word, ())) | {c for size in range(3, len(word) + 1) for c in _STEMS.get(word[:size], ())}
    return intent is not None and bool((direct - _TOPICAL) & _ASKS.get(intent, frozenset()))


def concepts_in(spoken: Iterable[str]) -> frozenset[str]:
    """The concepts that these texts, folded and between blanks, speak of."""
    there: set[str] = set()
    for text in spoken:
        for word in text.split():
            there |= meanings(word)
        for phrase, concepts in _PHRASES.items():
            if f" {phrase} " in text:
                there |= concepts
    return frozenset(there)


def phrase_words(text: str) -> frozenset[str]:
    """The words of the text that only mean something together."""
    return frozenset(word for phrase in _PHRASES if f" {phrase} " in text for word in phrase.split())


def sensed(ask: Ask) -> dict[Intent, float]:
    """The wants that the concepts of the words and the named things give away, each with its weight."""
    there = ask.means | _named(ask)
    scores: dict[Intent, float] = {}
    hits: dict[Intent, int] = defaultdict(int)
    for intent, weight, needed, forbidden in _RULES:
        if not forbidden & there and all(choice & there for choice in needed):
            scores[intent] = max(scores.get(intent, 0.0), weight)
            hits[intent] += 1
    return {intent: score + min(0.6, 0.2 * (hits[intent] - 1)) for intent, score in scores.items()}


def _named(ask: Ask) -> set[str]:
    kinds = {entity.kind for entity in ask.entities}
    there = {name for name, meant in _NAMED.items() if kinds & meant}
    if ask.places or EntityKind.EQUIPMENT in kinds or ask.unclear or ask.no_places:
        there.add("@place")
    if ask.sources:
        there.add("@source")
    if len(ask.sources) > 1:
        there.add("@sources")
    if atoms(ask.text).times:
        there.add("@clock")
    if ask.entities or ask.places or ask.unclear or ask.unknown or ask.no_places:
        there.add("@thing")
    if ask.kinds:
        there.add("@kind")
    if _ORDER_KINDS & set(ask.kinds):
        there.add("@orders")
    if ask.happenings:
        there.add("@event")
    if ask.states:
        there.add("@state")
    if ask.window_said:
        there.add("@when")
    return there
