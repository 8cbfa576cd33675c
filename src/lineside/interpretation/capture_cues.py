"""The words by which people tell what happened, why, what they did and decided, as the packs have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lineside.interpretation.pack_files import load, of_packs, table, text, texts, wrong

FILE = "capture.toml"
_KINDS = ("decision", "outcome", "request")
_CUES = ("because", "assumes", "open_end", "runs_again")
_WORDS = ("happened", "did", "units")
_SECTIONS: Mapping[str, tuple[str, ...]] = {"kinds": _KINDS, "cues": _CUES, "words": _WORDS}
_ALIKE = {"ä": "(?:ä|ae)", "ö": "(?:ö|oe)", "ü": "(?:ü|ue)", "ß": "(?:ß|ss)", "'": "['’]?"}
# A cause is also told by `, da`: too short a word to stand in a list, where it would be met everywhere.
_COMMA_DA = r"(?<=, )da"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """Patterns of the cues, whole words in any case of letters; because and assumes up to the word that follows.

    happened, did: single words as written; units: a pattern for one of them.
    """

    decision: re.Pattern[str]
    outcome: re.Pattern[str]
    request: re.Pattern[str]
    because: re.Pattern[str]
    assumes: re.Pattern[str]
    open_end: re.Pattern[str]
    runs_again: re.Pattern[str]
    happened: frozenset[str]
    did: frozenset[str]
    units: str


@of_packs
def cues() -> Cues:
    """The words of the packs in force. Raises BadSettings with file and key."""
    return load(FILE, parse)


def parse(where: str, data: Mapping[str, Any]) -> Cues:
    """The content of a capture.toml. Raises BadSettings with the key that is wrong and what is allowed."""
    for key in data:
        if key not in ("version", *_SECTIONS):
            raise wrong(where, key, "is not a key here", ("version", *_SECTIONS))
    text(where, "version", data.get("version"))
    said: dict[str, tuple[str, ...]] = {}
    for section, names in _SECTIONS.items():
        given = table(where, section, data.get(section, {}))
        for key in given:
            if key not in names:
                raise wrong(where, f"{section}.{key}", "is not a key here", names)
        for name in names:
            said[name] = texts(where, f"{section}.{name}", given.get(name, []))
            if not all(each.strip() for each in said[name]):
                raise wrong(where, f"{section}.{name}", "has an empty word in it")
    for name in ("happened", "did"):
        for each in said[name]:
            if len(each.split()) > 1 or "*" in each:
                raise wrong(where, f"words.{name}", f"takes single words, and {each!r} is none")
    return Cues(
        decision=_cue(said["decision"]),
        outcome=_cue(said["outcome"]),
        request=_cue(said["request"]),
        because=_before(said["because"], _COMMA_DA),
        assumes=_before(said["assumes"]),
        open_end=_cue(said["open_end"]),
        runs_again=_cue(said["runs_again"]),
        happened=frozenset(said["happened"]),
        did=frozenset(said["did"]),
        units=_any(said["units"]),
    )


def _cue(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_any(words)})(?!\w)", re.IGNORECASE)


def _before(words: Iterable[str], *more: str) -> re.Pattern[str]:
    listed = "|".join(part for part in (_any(words), *more) if part)
    return re.compile(rf"(?<!\w)(?:{listed})(?:\s*:)?\s+", re.IGNORECASE)


def _any(words: Iterable[str]) -> str:
    """A pattern for one of the words, the longest first; one that is never met where there is none."""
    return "|".join(_spelled(word) for word in sorted(set(words), key=lambda w: (-len(w), w))) or r"(?!)"


def _spelled(word: str) -> str:
    parts = (re.escape(part).replace(r"\*", r"\w*") for part in word.split())
    return r"\s+".join("".join(_ALIKE.get(sign, sign) for sign in part) for part in parts)
