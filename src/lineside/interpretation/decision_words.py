"""The words of decisions as the pack has them: comparisons, ends, and what overtakes an earlier answer."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any

from lineside.errors import BadSettings

_WHERE = "core/decisions.toml"
_SIGNS = ("=", "!=", "<=", "<", ">=", ">")
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


@cache
def decision_words() -> DecisionWords:
    """The pack's words. Raises BadSettings where the pack is not as it must be, and says where."""
    return read_words(resources.files("lineside.packs").joinpath(_WHERE).read_text("utf-8"))


def read_words(text: str) -> DecisionWords:
    """The words in a pack file's text. Raises BadSettings with the field to mend."""
    try:
        pack = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{_WHERE} can't be read: {error}") from error
    signs = _table(pack, "signs")
    if wrong := sorted(set(signs) - set(_SIGNS)):
        raise BadSettings(f"{_WHERE}: signs has {', '.join(wrong)}; there are: {', '.join(_SIGNS)}")
    filler, expected, recall = _table(pack, "filler"), _table(pack, "expected"), _table(pack, "recall")
    endings = recall.get("endings", {})
    if not isinstance(endings, dict):
        raise BadSettings(f"{_WHERE}: recall.endings must be a table")
    return DecisionWords(
        ended=re.compile(any_of(_words(pack, "ended", "")), re.IGNORECASE),
        supersedes=_words(pack, "supersedes", ""),
        same_question=_number(pack, "same_question", "", most=1),
        signs=_meanings(signs, "signs"),
        properties=_meanings(_table(pack, "properties"), "properties"),
        verbs=_meanings(_table(pack, "verbs"), "verbs"),
        lists={name: _words(filler, name, "filler.") for name in _LISTS},
        expected=frozenset(_words(expected, "dated", "expected.")),
        over=frozenset(_words(expected, "over", "expected.")),
        recalling=Recalling(
            horizon=timedelta(days=_number(recall, "horizon_days", "recall.", most=3660)),
            agreed=frozenset(_words(recall, "agreed", "recall.")),
            running=frozenset(_words(recall, "running", "recall.")),
            endings={name: _words(endings, name, "recall.endings.") for name in endings},
        ),
    )


def _meanings(table: Mapping[str, Any], where: str) -> dict[str, str]:
    return {fold(word): meaning for meaning in table for word in (meaning, *_words(table, meaning, f"{where}."))}


def _table(pack: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = pack.get(name)
    if not isinstance(found, dict):
        raise BadSettings(f"{_WHERE}: the table [{name}] is missing")
    return found


def _words(table: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    found = table.get(name)
    if not isinstance(found, Sequence) or isinstance(found, str) or not all(isinstance(w, str) and w for w in found):
        raise BadSettings(f"{_WHERE}: {where}{name} must be a list of words")
    return tuple(found)


def _number(table: Mapping[str, Any], name: str, where: str, *, most: float) -> float:
    found = table.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= most:
        raise BadSettings(f"{_WHERE}: {where}{name} must be a number above 0, at most {most}")
    return float(found)
