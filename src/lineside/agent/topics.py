"""Materials, customers, people and sources in a question, by what people call them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lineside.agent.lexicon import KINDS, STOP_WORDS
from lineside.agent.wording import Token, fold, near, tokens
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.plant import Person, Plant


@dataclass(frozen=True, slots=True)
class Called:
    """Something named by words of its description. others: what the same words fit as well."""

    entity: Entity
    places: tuple[int, ...]
    typed: str
    others: tuple[Entity, ...] = ()


class Topics:
    """Descriptions of materials and names of customers, by their words."""

    def __init__(self, plant: Plant, descriptions: Iterable[tuple[Entity, str]], *, customers: bool = True) -> None:
        self.plant = plant
        named = [*descriptions]
        if customers:
            named += [(Entity(EntityKind.CUSTOMER, c.id), c.name) for c in plant.customers if c.name]
        self._words: dict[Entity, frozenset[str]] = {}
        self._having: dict[str, set[Entity]] = defaultdict(set)
        for entity, text in named:
            words = frozenset(t.folded for t in tokens(text) if _telling(t.folded))
            self._words[entity] = self._words.get(entity, frozenset()) | words
            for word in words:
                self._having[word].add(entity)

    def find(self, asked: Sequence[Token], taken: Sequence[bool], *, kinds: Sequence[str] = ()) -> Called | None:
        """The thing whose description shares the most words with the question, if any word tells it apart."""
        hits: dict[Entity, dict[str, int]] = defaultdict(dict)
        for index, token in enumerate(asked):
            if taken[index] or not _telling(token.folded):
                continue
            for word in self._meant(token.folded):
                for entity in self._having[word]:
                    if not kinds or entity.kind in kinds:
                        hits[entity].setdefault(word, index)
        if not hits:
            return None
        most = max(len(found) for found in hits.values())
        best = sorted(entity for entity, found in hits.items() if len(found) == most)
        tight = max(most / len(self._words[entity]) for entity in best)
        best = [entity for entity in best if most / len(self._words[entity]) >= tight - 1e-9]
        places = tuple(sorted(set(hits[best[0]].values())))
        if most == 1 and len(best) > 3:
            return None
        typed = " ".join(asked[i].raw for i in places)
        return Called(best[0], places, typed, tuple(best[1:]))

    def sources(self, asked: Sequence[Token], known: Iterable[str]) -> tuple[str, ...]:
        """The sources named, by name or by their kind of system."""
        words = {token.folded for token in asked}
        cards = {name: self.plant.source(name) for name in known}
        found = [name for name in cards if fold(name) in words]
        kinds = [name for name, card in cards.items() if card.kind and fold(card.kind) in words and name not in found]
        return tuple(dict.fromkeys((*found, *kinds)))

    def people(self, asked: Sequence[Token]) -> tuple[Person, ...]:
        words = {token.folded for token in asked}
        return tuple(
            person
            for person in self.plant.people
            if fold(person.id) in words or any(_telling(part) and part in words for part in fold(person.name).split())
        )

    def _meant(self, word: str) -> Iterable[str]:
        if word in self._having:
            return (word,)
        for ending in ("s", "es", "n", "en", "e"):
            if word.endswith(ending) and word[: -len(ending)] in self._having:
                return (word[: -len(ending)],)
        return tuple(known for known in self._having if _slip(word, known)) if len(word) >= 5 else ()


def _slip(typed: str, meant: str) -> bool:
    """A typo, but not another word of the same stem: a galvaniser is not galvanised."""
    return near(typed, meant) and not (len(typed) == len(meant) and typed[:-1] == meant[:-1])


def _telling(word: str) -> bool:
    return len(word) >= 3 and word not in STOP_WORDS and word not in KINDS and not word.isdigit()
