"""The cues at work: which wants a question's words give away."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lineside.agent.cues import CUES, Intent


def compiled(cue: str) -> tuple[int, re.Pattern[str]]:
    """The weight and the pattern of one line of cues."""
    weight, *words = cue.split()
    pattern = ""
    gap = False
    for word in words:
        if word == "..":
            gap = True
            continue
        one = "|".join(
            rf"{re.escape(w[:-1])}[\w-]*" if w.endswith("*") else re.escape(w.replace("'", " ").replace("_", " "))
            for w in word.split("|")
        )
        if pattern:
            pattern += r"(?: [^ ]+){0,5}? " if gap else " "
        pattern += rf"(?:{one})"
        gap = False
    return int(weight), re.compile(rf"(?<![^ ]){pattern}(?![^ ])")


COMPILED: Mapping[Intent, tuple[tuple[int, re.Pattern[str]], ...]] = {
    intent: tuple(compiled(line) for line in filter(None, (line.strip() for line in table.splitlines())))
    for intent, table in CUES.items()
}

INTENT_WORDS: Mapping[Intent, frozenset[str]] = {
    intent: frozenset(
        word
        for line in table.splitlines()
        for part in line.split()[1:]
        for joined in part.split("|")
        for word in joined.split("_")
    )
    for intent, table in CUES.items()
}
CUE_WORDS: frozenset[str] = frozenset(
    word for words in INTENT_WORDS.values() for word in words if len(word.rstrip("*")) >= 4
)


def asks_for(intent: Intent | None, word: str) -> bool:
    """Whether the word is one of those by which people ask for this."""
    words = INTENT_WORDS.get(intent, frozenset()) if intent else frozenset()
    return word in words or any(stem.endswith("*") and word.startswith(stem[:-1]) for stem in words)
