"""What is over long since, and is left out where all things of a kind are gone through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lineside.interpretation import shared_states
from lineside.interpretation.pack_files import load, of_packs, table, text, texts, wrong
from lineside.plant.entities import ENTITY_KINDS

FILE = "settled.toml"


@dataclass(frozen=True, slots=True)
class Settled:
    """over: by kind, the property that says whether a thing is over, and the shared states that do; follows: by kind,
    the property that names what it goes by, or `<` and the kind of its parts; after: how long nothing was heard."""

    over: Mapping[str, tuple[str, frozenset[str]]]
    follows: Mapping[str, str]
    after: timedelta

    def __contains__(self, kind: str) -> bool:
        return kind in self.over or kind in self.follows

    @property
    def leading(self) -> list[str]:
        """The kinds that others may follow by a property."""
        return sorted(kind for kind in {*self.over, *self.follows} if self.follows.get(kind, "<").startswith("<"))

    def says(self, kind: str, word: str) -> bool:
        """Whether a source that writes this word of a thing of the kind calls it over."""
        name, states = self.over.get(kind, ("", frozenset()))
        return shared_states.state_of(kind, name, word) in states


@of_packs
def settled() -> Settled:
    """What the packs in force call over."""
    return load(FILE, parse_settled)


def parse_settled(where: str, data: Mapping[str, Any]) -> Settled:
    """The content of a settled.toml. Raises BadSettings with the key that is wrong and what is allowed."""
    text(where, "version", data.get("version"))
    days = data.get("after_days")
    if not isinstance(days, int) or isinstance(days, bool) or days < 1:
        raise wrong(where, "after_days", "must be a whole number of days, at least 1")
    over: dict[str, tuple[str, frozenset[str]]] = {}
    for key, given in table(where, "over", data.get("over")).items():
        kind, _, name = key.partition(".")
        known = shared_states.states_in(kind, name)
        if not known:
            raise wrong(where, f"over.{key}", "is no property with shared states")
        if kind in over:
            raise wrong(where, f"over.{key}", f"is a second property for {kind}; one decides")
        over[kind] = (name, frozenset(texts(where, f"over.{key}", given, known)))
    follows: dict[str, str] = {}
    for kind, given in table(where, "follows", data.get("follows", {})).items():
        named = text(where, f"follows.{kind}", given)
        if kind not in ENTITY_KINDS or (named.startswith("<") and named[1:] not in ENTITY_KINDS):
            raise wrong(
                where, f"follows.{kind}", "must go from one kind to a property, or with < to a kind", ENTITY_KINDS
            )
        follows[kind] = named
    return Settled(over=over, follows=follows, after=timedelta(days=days))
