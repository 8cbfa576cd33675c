"""A question's words: folded spelling, tokens with their place, and how far a typo may be from the word meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from lineside.agent.lexicon import ENGLISH, GERMAN, STOP_WORDS

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "’": "'", "–": "-", "‑": "-", "—": "-"})
_TOKEN = re.compile(r"[^\W_]+(?:[-/@.:_#+][^\W_]+)*%?")
NUMBER_WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eins": "1", "zwei": "2", "drei": "3", "vier": "4", "fuenf": "5", "sechs": "6",
    "sieben": "7", "acht": "8", "neun": "9", "zehn": "10",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the question, as typed and folded, with its place in the text."""

    raw: str
    folded: str
    start: int
    end: int

    @property
    def has_digit(self) -> bool:
        return any(sign.isdigit() for sign in self.raw)


def fold(text: str) -> str:
    """Lower case, umlauts spelt out, accents gone: `Füller` and `Fueller` are one word."""
    plain = unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def tokens(text: str) -> tuple[Token, ...]:
    return tuple(Token(m[0], fold(m[0]), m.start(), m.end()) for m in _TOKEN.finditer(text))


def key(text: str) -> str:
    """What is left of an id when case and separators are ignored: `so 1042`, `SO-1042` and `So1042` are one."""
    return "".join(sign for sign in fold(text) if sign.isalnum())


def pieces(text: str) -> tuple[str, ...]:
    """The letters and the digits of a name apart, number words as digits: `L3`, `l-3` and `l three` are alike."""
    found = re.findall(r"[^\W\d_]+|\d+", fold(text))
    return tuple(NUMBER_WORDS.get(piece, piece.lstrip("0") or "0" if piece.isdigit() else piece) for piece in found)


@lru_cache(maxsize=65536)
def near(typed: str, meant: str) -> bool:
    """Whether `typed` may be a typo of `meant`: one slip in a word of four letters or more, two from eight on.

    The first letter is taken to be right; words with digits are never typos.
    """
    if typed == meant:
        return True
    size = min(len(typed), len(meant))
    if size < 4 or typed[0] != meant[0] or not (typed.isalpha() and meant.isalpha()):
        return False
    allowed = 2 if size >= 8 else 1
    return abs(len(typed) - len(meant)) <= allowed and distance(typed, meant, allowed) <= allowed


def distance(one: str, other: str, limit: int) -> int:
    """Edits between two words, a swap of neighbours counting once; anything above `limit` may come as limit + 1."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        current = [i]
        for j, b in enumerate(other, 1):
            cost = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, row = row, current
    return row[-1]


def repair(word: str, known: Iterable[str]) -> str | None:
    """The one known word that `word` may be a typo of; None where there is none."""
    found = [meant for meant in known if near(word, meant)]
    if not found:
        return None
    return min(found, key=lambda meant: (distance(word, meant, 3), abs(len(word) - len(meant)), meant))


def stop_words(words: Iterable[str]) -> frozenset[str]:
    """The empty words of the language that the words are in; `die` is a tool in an English question."""
    said = set(words)
    english, german = len(said & (ENGLISH - GERMAN)), len(said & (GERMAN - ENGLISH))
    if english > german:
        return ENGLISH
    return GERMAN if german > english else STOP_WORDS
