"""The words of decisions as the pack has them: comparisons, ends, and what overtakes an earlier answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lineside.interpretation.pack_files import load, of_packs, table, texts, wrong

FILE = "decisions.toml"
_SIGNS = ("=", "!=", "<=", "<", ">=", ">")
_SECTIONS = (
    "version", "ended", "supersedes", "same_question", "signs", "properties", "verbs", "filler", "expected", "recall",
)  # fmt: skip
_LISTS = ("before", "value", "tail", "until", "unsafe", "joints", "none", "holds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalling:
    """What overtakes an earlier answer. agreed, running: `kind.property`. endings: an event's kind to what ends it."""

    horizon: timedelta
    agreed: frozenset[str]
    running: frozenset[str]
    endings: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionWords:
    """signs, properties, verbs: a folded word to what it means. lists: the other word lists, as written."""

    ended: re.Pattern[str]
    supersedes: tuple[str, ...]
    same_question: float
    signs: Mapping[str, str]
    properties: Mapping[str, str]
    verbs: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    expected: frozenset[str]
    over: frozenset[str]
    recalling: Recalling


def fold(text: str) -> str:
    """The text in small letters with its umlauts spelled out, on one line."""
    for sign, spelled in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(sign, spelled).replace(sign.upper(), spelled)
    return " ".join(text.casefold().split())


def any_of(words: Iterable[str]) -> str:
    """A pattern for one of the words as whole words, the longest first; ä may be written ae. To be used with re.I."""
    return "|".join(_spelled(word) for word in sorted(set(words), key=lambda w: (-len(w), w)))


def _spelled(word: str) -> str:
    pattern = r"\s+".join(re.escape(part) for part in fold(word).split())
    for sign, spelled in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        pattern = pattern.replace(spelled, f"(?:{sign}|{spelled})")
    return (r"\b" if word[0].isalnum() else "") + pattern + (r"\b" if word[-1].isalnum() else "")


@of_packs
def decision_words() -> DecisionWords:
    """The words of the packs in force. Raises BadSettings where a pack is not as it must be, and says where."""
    return load(FILE, read_words)


def read_words(where: str, data: Mapping[str, Any]) -> DecisionWords:
    """The words in a decisions.toml. Raises BadSettings with the key to mend."""

    def section(name: str, of: Mapping[str, Any] = data, at: str = "") -> Mapping[str, Any]:
        return table(where, f"{at}{name}", of.get(name))

    def words(of: Mapping[str, Any], name: str, at: str = "") -> tuple[str, ...]:
        found = texts(where, f"{at}{name}", of.get(name))
        if not all(found):
            raise wrong(where, f"{at}{name}", "holds an empty word")
        return found

    def meanings(name: str) -> dict[str, str]:
        of = section(name)
        return {fold(word): meaning for meaning in of for word in (meaning, *words(of, meaning, f"{name}."))}

    for key in data:
        if key not in _SECTIONS:
            raise wrong(where, key, "is not a key here", _SECTIONS)
    for sign in section("signs"):
        if sign not in _SIGNS:
            raise wrong(where, f"signs.{sign}", "is not a sign", _SIGNS)
    filler, expected, recall = section("filler"), section("expected"), section("recall")
    endings = table(where, "recall.endings", recall.get("endings", {}))
    return DecisionWords(
        ended=re.compile(any_of(words(data, "ended")), re.IGNORECASE),
        supersedes=words(data, "supersedes"),
        same_question=_number(where, "same_question", data.get("same_question"), most=1),
        signs=meanings("signs"),
        properties=meanings("properties"),
        verbs=meanings("verbs"),
        lists={name: words(filler, name, "filler.") for name in _LISTS},
        expected=frozenset(words(expected, "dated", "expected.")),
        over=frozenset(words(expected, "over", "expected.")),
        recalling=Recalling(
            horizon=timedelta(days=_number(where, "recall.horizon_days", recall.get("horizon_days"), most=3660)),
            agreed=frozenset(words(recall, "agreed", "recall.")),
            running=frozenset(words(recall, "running", "recall.")),
            endings={name: words(endings, name, "recall.endings.") for name in endings},
        ),
    )


def _number(where: str, key: str, value: object, *, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise wrong(where, key, f"must be a number above 0, at most {most}")
    return float(value)
