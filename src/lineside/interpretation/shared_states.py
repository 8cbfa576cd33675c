"""What sources' own words mean: one shared state for many words, as the pack's data says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lineside.interpretation.pack_files import ground_of, load, of_packs, table, text, texts, wrong
from lineside.plant.records import Json

FILE = "states.toml"


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
    known = known_words()
    words = known.lists.get(f"{kind}.{name}")
    return None if words is None else _meaning(known.meanings[words], value)


def meaning(words: str, value: Json) -> str | None:
    """The state that `value` means in the list `words`; None where it isn't there."""
    return _meaning(known_words().meanings[words], value)


def has_states(kind: str, name: str) -> bool:
    """Whether the property's words have shared meanings at all."""
    return f"{kind}.{name}" in known_words().lists


def contradict(kind: str, name: str, one: str, other: str) -> bool:
    """Whether two shared states of one property can't both be true."""
    return frozenset((one, other)) in known_words().contradictions.get(
        known_words().lists.get(f"{kind}.{name}", ""), ()
    )


def strictness(kind: str, name: str, state: str | None) -> int | None:
    """0 for the state that binds most where sources differ and none owns the datum; None for one that doesn't bind."""
    return _place(known_words().strict, kind, name, state)


def progress(kind: str, name: str, state: str | None) -> int:
    """How far on a state is among those that follow one another; -1 for one that stands aside."""
    place = _place(known_words().progress, kind, name, state)
    return -1 if place is None else place


def frees(kind: str, name: str, state: str | None) -> bool:
    """Whether the state says that a thing may be used or go on, which an active hold forbids."""
    return state in known_words().free.get(known_words().lists.get(f"{kind}.{name}", ""), ())


def states_in(kind: str, name: str) -> tuple[str, ...]:
    """The shared states that the property's words can mean."""
    words = known_words().lists.get(f"{kind}.{name}")
    return () if words is None else tuple(dict.fromkeys(known_words().meanings[words].values()))


def named_states(kind: str) -> dict[str, str]:
    """The properties of a kind whose words have shared meanings, each with its list."""
    return {key.partition(".")[2]: words for key, words in known_words().lists.items() if key.partition(".")[0] == kind}


def _meaning(words: Mapping[str, str], value: Json) -> str | None:
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return words.get(_plain(str(value))) if isinstance(value, str | int) else None


def _place(table: Mapping[str, tuple[str, ...]], kind: str, name: str, state: str | None) -> int | None:
    order = table.get(known_words().lists.get(f"{kind}.{name}", ""), ())
    return order.index(state) if state in order else None


@lru_cache(maxsize=16384)
def _plain(word: str) -> str:
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())


@of_packs
def known_words() -> Words:
    return load(FILE, parse_words)


def parse_words(where: str, data: Mapping[str, Any]) -> Words:
    """The lists in a states.toml. Raises BadSettings with the key that is wrong and what is allowed.

    The lists and states that come with Lineside must be there, since everything else goes by them.
    """
    text(where, "version", data.get("version"))
    _, base = ground_of(FILE)
    meanings = {}
    for name in (*(name for name in base if name not in data), *data):
        if name not in _OWN_KEYS:
            needed = table(where, name, base.get(name, {}))
            meanings[name] = _meanings(where, name, table(where, name, data.get(name)), needed)
    lists = {
        key: text(where, f"lists.{key}", words, meanings)
        for key, words in table(where, "lists", data.get("lists")).items()
    }
    states = {name: tuple(dict.fromkeys(words.values())) for name, words in meanings.items()}
    pairs: dict[str, frozenset[frozenset[str]]] = {}
    for name, given in _of_lists(where, "contradictions", data, meanings):
        key = f"contradictions.{name}"
        if not isinstance(given, list) or not all(isinstance(p, list) and len(p) == len(set(p)) == 2 for p in given):
            raise wrong(where, key, "must be a list of pairs of states", states[name])
        pairs[name] = frozenset(frozenset(texts(where, key, pair, states[name])) for pair in given)
    orders = {
        part: {
            name: texts(where, f"{part}.{name}", given, states[name])
            for name, given in _of_lists(where, part, data, meanings)
        }
        for part in ("strict", "progress", "free")
    }
    return Words(meanings=meanings, lists=lists, contradictions=pairs, **orders)


def _meanings(where: str, name: str, given: Mapping[str, Any], needed: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for state in needed:
        if state not in given:
            raise wrong(where, f"{name}.{state}", "must stay: readings go by it", needed)
    for state, words in given.items():
        for word in (state, *texts(where, f"{name}.{state}", words)):
            if found.setdefault(_plain(word), state) != state:
                other = found[_plain(word)]
                why = f'names {word!r}, which means {other} there; take it from that: {other} = ["...", "!{word}"]'
                raise wrong(where, f"{name}.{state}", why)
    return found


def _of_lists(where: str, part: str, data: Mapping[str, Any], known: Mapping[str, Any]) -> list[tuple[str, Any]]:
    given = table(where, part, data.get(part))
    for name in given:
        if name not in known:
            raise wrong(where, f"{part}.{name}", "is no list", known)
    return list(given.items())


_OWN_KEYS = frozenset({"version", "lists", "contradictions", "strict", "progress", "free"})
