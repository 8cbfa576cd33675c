"""Ids as they stand in texts and values: whole tokens, so that SO-1042 is neither SO-1024 nor SO-10420."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from lineside.plant.entities import ENTITY_KINDS

_TOKEN = re.compile(r"\w(?:[\w\-./@#:+]*[\w+])?")
# Clock times, dates, decimals and short counts are not ids.
_PLAIN = re.compile(
    r"\d{1,2}|\d+[.,]\d+|\d{1,2}:\d{2}(:\d{2})?|\d{4}-\d{2}-\d{2}(T[\d:.+\-]+Z?)?|\d{1,2}\.\d{1,2}\.\d{2,4}"
)
_TELLING = re.compile(r"[\d_\-/@]")
_CUTS = re.compile(r"[/@]")


def ids_in(text: str) -> set[str]:
    """Every id-like token of a text, case folded, with its heads and tails at `/` and `@` and without its `kind:`.

    `lot:L-77` is found as both; `SO-1042/10` also as SO-1042. An id has a digit, or a sign that joins words.
    """
    found = set()
    for match in _TOKEN.finditer(text):
        for each in _variants(match.group().casefold()):
            if _TELLING.search(each) and not _PLAIN.fullmatch(each):
                found.add(each)
    return found


def looks_like_id(text: str) -> bool:
    """Whether `ids_in` would find this text as one token."""
    return text.casefold() in ids_in(text)


def words_in(text: str) -> list[str]:
    """The words of a text, folded: case, accents and umlauts make no difference, and ids fall into their parts."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[^\W_]+", "".join(sign for sign in bare if not unicodedata.combining(sign)))


def _variants(token: str) -> Iterator[str]:
    yield token
    head, colon, tail = token.partition(":")
    if colon and head in ENTITY_KINDS:
        yield from _variants(tail)
        return
    for cut in _CUTS.finditer(token):
        yield token[: cut.start()]
        yield token[cut.end() :]
