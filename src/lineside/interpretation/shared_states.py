"""What sources' own words mean: one shared state for many words, as the pack's data says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import cast

from lineside.plant.records import Json


@dataclass(frozen=True, slots=True)
class Words:
    """The pack's lists. meanings: list to {word: state}; lists: `kind.property` to list; contradictions: to pairs.

    strict: to the states that bind, the strictest first; progress: to the states in the order they are reached.
    """

    meanings: Mapping[str, Mapping[str, str]]
    lists: Mapping[str, str]
    contradictions: Mapping[str, frozenset[frozenset[str]]]
    strict: Mapping[str, tuple[str, ...]]
    progress: Mapping[str, tuple[str, ...]]
    free: Mapping[str, tuple[str, ...]]


def state_of(kind: str, name: str, value: Json) -> str | None:
    """The shared state that a property's value means; None where the word is in no list."""
    words = _words().lists.get(f"{kind}.{name}")
    return None if words is None else meaning(words, value)


def meaning(words: str, value: Json) -> str | None:
    """The state that `value` means in the list `words`; None where it isn't there."""
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if not isinstance(value, str | int):
        return None
    return _meaning(words, str(value))


def has_states(kind: str, name: str) -> bool:
    """Whether the property's words have shared meanings at all."""
    return f"{kind}.{name}" in _words().lists


def contradict(kind: str, name: str, one: str, other: str) -> bool:
    """Whether two shared states of one property can't both be true."""
    return frozenset((one, other)) in _words().contradictions.get(_words().lists.get(f"{kind}.{name}", ""), ())


def strictness(kind: str, name: str, state: str | None) -> int | None:
    """0 for the state that binds most where sources differ and none owns the datum; None for one that doesn't bind."""
    return _place(_words().strict, kind, name, state)


def progress(kind: str, name: str, state: str | None) -> int:
    """How far on a state is among those that follow one another; -1 for one that stands aside."""
    place = _place(_words().progress, kind, name, state)
    return -1 if place is None else place


def frees(kind: str, name: str, state: str | None) -> bool:
    """Whether the state says that a thing may be used or go on, which an active hold forbids."""
    return state in _words().free.get(_words().lists.get(f"{kind}.{name}", ""), ())


def states_in(kind: str, name: str) -> tuple[str, ...]:
    """The shared states that the property's words can mean."""
    words = _words().lists.get(f"{kind}.{name}")
    return () if words is None else tuple(dict.fromkeys(_words().meanings[words].values()))


def named_states(kind: str) -> dict[str, str]:
    """The properties of a kind whose words have shared meanings, each with its list."""
    return {key.partition(".")[2]: words for key, words in _words().lists.items() if key.partition(".")[0] == kind}


@lru_cache(maxsize=16384)
def _meaning(words: str, value: str) -> str | None:
    return _words().meanings[words].get(_plain(value))


def _place(table: Mapping[str, tuple[str, ...]], kind: str, name: str, state: str | None) -> int | None:
    order = table.get(_words().lists.get(f"{kind}.{name}", ""), ())
    return order.index(state) if state in order else None


def _plain(word: str) -> str:
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())


@cache
def _words() -> Words:
    pack = tomllib.loads(resources.files("lineside.packs").joinpath("core/states.toml").read_text("utf-8"))
    named = {name: cast("dict[str, list[str]]", pack[name]) for name in pack if name not in _OWN_KEYS}
    return Words(
        meanings={
            name: {_plain(word): state for state, words in states.items() for word in (state, *words)}
            for name, states in named.items()
        },
        lists=pack["lists"],
        contradictions={
            name: frozenset(frozenset(pair) for pair in pairs) for name, pairs in pack["contradictions"].items()
        },
        strict={name: tuple(states) for name, states in pack["strict"].items()},
        progress={name: tuple(states) for name, states in pack["progress"].items()},
        free={name: tuple(states) for name, states in pack["free"].items()},
    )


_OWN_KEYS = frozenset({"version", "lists", "contradictions", "strict", "progress", "free"})
