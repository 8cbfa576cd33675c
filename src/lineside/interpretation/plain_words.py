"""The word to go by on very many things: read in columns wherever one word is all there is."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from lineside.interpretation.facts import Facts
from lineside.memory.telling import Word, is_whole, word_from, words_now
from lineside.plant.entities import Entity

_ODD = re.compile(r"null|-?(?:\d+\.\d*|\d+(?:\.\d*)?e[-+]?\d+|nan|infinity)", re.IGNORECASE)


def words_to_go_by(
    facts: Facts, kind: str, ids: Collection[str], *names: str, cited: bool = False
) -> dict[tuple[str, str], Word]:
    """By id and property what `Facts.best` tells of these properties of these things of the kind, as text.

    For properties whose values are words. Where sources differ, or the text is not all of what one says, the statements
    themselves are read. cited: the record counts too; otherwise it may be of any source that says the same.
    """
    found: dict[tuple[str, str], Word] = {}
    long: set[str] = set()
    for word in words_now(facts.view, kind, names, of=sorted(ids)) if ids else ():
        other = found.setdefault((word.entity, word.property), word)
        differs = other is not word and (cited or other.text != word.text)
        if differs or not is_whole(word.text) or _ODD.fullmatch(word.text):
            long.add(word.entity)
    if long:
        things = [Entity(kind, each) for each in sorted(long)]
        facts.look_up(things, *names)
        found = {key: word for key, word in found.items() if key[0] not in long}
        best = ((thing.id, name, facts.best(thing, name)) for thing in things for name in names)
        found |= {(each, name): word_from(said) for each, name, said in best if said is not None}
    return found


def texts(words: dict[tuple[str, str], Word], each: str, names: Sequence[str]) -> dict[str, str]:
    """Of one of the things what is not empty, by property."""
    return {name: word.text for name in names if (word := words.get((each, name))) is not None and word.text}
