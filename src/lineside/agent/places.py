"""Equipment in a question: by path, name or alias, in either language, with typos in words but never in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lineside.agent.lexicon import LINE_NOUNS, NAMES_ALIKE, STOP_WORDS
from lineside.agent.plainwords import word_set
from lineside.agent.wording import Token, near, pieces
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.plant import Plant

_FILLER = word_set(
    """
    the on of at in der die das dem den an auf von im am no nr number nummer s
    """
)


_DEFINITE = word_set("the our der die das dem den unsere unserer unseren am zur zum im beim")
# Nouns that mean any of their kind, or a thing that is no machine of its own.
_ANY = word_set("line machine cell station dock hall warehouse shop test tank room area zone bay lager")


@dataclass(frozen=True, slots=True)
class Place:
    """Equipment that the question names, over the tokens [start, end). others: what the same words may also mean."""

    path: str
    start: int
    end: int
    typed: str
    exact: bool = True
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoPlace:
    """Words that name equipment as this plant does, with a number that none has."""

    typed: str
    start: int
    end: int
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Hit:
    start: int
    end: int
    paths: tuple[str, ...]
    exact: bool


class Places:
    """Everything that the plant's equipment is called."""

    def __init__(self, plant: Plant, entities: Iterable[Entity]) -> None:
        self.plant = plant
        paths = {one.id for one in plant.equipment}
        paths |= {e.id for e in entities if e.kind == EntityKind.EQUIPMENT}
        for path in tuple(paths):
            parts = path.split("/")
            paths |= {"/".join(parts[:size]) for size in range(2, len(parts))}
        self.paths = tuple(sorted(paths))
        self._names: dict[tuple[str, ...], list[str]] = {}
        for path in self.paths:
            for name in self._called(path):
                found = self._names.setdefault(name, [])
                if path not in found:
                    found.append(path)
        self._nouns = {w for name in self._names for w in name if w.isalpha() and any(p.isdigit() for p in name)}
        self._longest = max((len(name) for name in self._names), default=0)

    def find(self, tokens: Sequence[Token], taken: Sequence[bool]) -> tuple[list[Place], list[NoPlace]]:
        """The equipment named, a unit within its line where both are named, and names whose number is unknown."""
        spread = [
            (piece, index)
            for index, token in enumerate(tokens)
            if not taken[index]
            for piece in _spread(token)
            if piece not in _FILLER
        ]
        hits, used = self._hits(spread)
        if not hits and (alone := self._alone(tokens, spread)) is not None:
            hits = [alone]
        missing = self._missing(tokens, spread, used)
        return self._settle(tokens, hits), missing

    def name(self, path: str) -> str:
        return self.plant.called(path)

    def _called(self, path: str) -> Iterable[tuple[str, ...]]:
        segment = path.rpartition("/")[2]
        declared = next((one.names() for one in self.plant.equipment if one.id == path), ())
        yield _canonical(pieces(path))
        for name in (segment, *declared):
            canonical = _canonical(pieces(name))
            if canonical and not (len(canonical) == 1 and (canonical[0] in STOP_WORDS or canonical[0].isdigit())):
                yield canonical

    def _hits(self, spread: Sequence[tuple[str, int]]) -> tuple[list[_Hit], set[int]]:
        hits: list[_Hit] = []
        used: set[int] = set()
        for size in range(min(self._longest, len(spread)), 0, -1):
            for at in range(len(spread) - size + 1):
                if any(i in used for i in range(at, at + size)):
                    continue
                words = tuple(_one(piece, spread, at + i) for i, (piece, _) in enumerate(spread[at : at + size]))
                found, exact = self._match(words)
                if found:
                    hits.append(_Hit(spread[at][1], spread[at + size - 1][1] + 1, found, exact))
                    used.update(range(at, at + size))
        return hits, used

    def _alone(self, tokens: Sequence[Token], spread: Sequence[tuple[str, int]]) -> _Hit | None:
        """A noun without a number that one piece of equipment alone bears: the saw, where there is only Saw 1."""
        for at, (piece, index) in enumerate(spread):
            noun = _one(piece, spread, at)
            followed = at + 1 < len(spread) and spread[at + 1][0].isdigit()
            before = tokens[index - 1].folded if index else ""
            if noun not in self._nouns or noun in _ANY or followed or before not in _DEFINITE:
                continue
            paths = {p for name, found in self._names.items() if len(name) == 2 and name[0] == noun for p in found}
            if len(paths) == 1:
                return _Hit(index, index + 1, tuple(paths), False)
        return None

    def _match(self, words: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
        if found := self._names.get(words):
            return tuple(found), True
        if len(words) == 1 and (len(words[0]) < 5 or words[0] in STOP_WORDS):
            return (), False
        near_by = [
            path
            for name, paths in self._names.items()
            if len(name) == len(words) and all(a == b or near(a, b) for a, b in zip(words, name, strict=True))
            for path in paths
        ]
        return tuple(dict.fromkeys(near_by)), False

    def _missing(self, tokens: Sequence[Token], spread: Sequence[tuple[str, int]], used: set[int]) -> list[NoPlace]:
        found = []
        for at in range(len(spread) - 1):
            (piece, first), (digits, last) = spread[at], spread[at + 1]
            noun = _one(piece, spread, at)
            known = noun in self._nouns or noun in LINE_NOUNS or any(near(noun, one) for one in self._nouns)
            if not digits.isdigit() or at in used or at + 1 in used or not known or last - first > 1:
                continue
            typed = " ".join(token.raw for token in tokens[first : last + 1])
            alike = tuple(
                self.name(path)
                for name, paths in self._names.items()
                if len(name) == 2 and noun == name[0]
                for path in paths
            )
            found.append(NoPlace(typed, first, last + 1, tuple(dict.fromkeys(alike))[:4]))
        return found

    def _settle(self, tokens: Sequence[Token], hits: Sequence[_Hit]) -> list[Place]:
        """A hit with several meanings is read within the others: the filler of line 3 is the one below line 3."""
        places = []
        sure = [hit.paths[0] for hit in hits if len(hit.paths) == 1]
        for hit in hits:
            paths = [p for p in hit.paths if any(p != s and within(p, s) for s in sure)] or list(hit.paths)
            tops = [p for p in paths if not any(p != other and within(p, other) for other in paths)]
            typed = " ".join(token.raw for token in tokens[hit.start : hit.end])
            places.append(Place(tops[0], hit.start, hit.end, typed, hit.exact, tuple(tops[1:])))
        kept = [
            p
            for p in places
            if p.others or not any(q is not p and q.path != p.path and within(q.path, p.path) for q in places)
        ]
        unique = {place.path: place for place in reversed(kept)}
        return sorted(unique.values(), key=lambda place: place.start)


def _spread(token: Token) -> tuple[str, ...]:
    return pieces(token.raw)


def _canonical(words: Iterable[str]) -> tuple[str, ...]:
    listed = [word for word in words if word not in _FILLER]
    return tuple(_alike(word, listed[i + 1] if i + 1 < len(listed) else "") for i, word in enumerate(listed))


def _one(piece: str, spread: Sequence[tuple[str, int]], at: int) -> str:
    return _alike(piece, spread[at + 1][0] if at + 1 < len(spread) else "")


def _alike(word: str, following: str) -> str:
    if len(word) == 1 and not following.isdigit():
        return word
    meant = NAMES_ALIKE.get(word)
    if meant is None and word.endswith("s") and word[:-1] in NAMES_ALIKE.values():
        return word[:-1]
    return meant or word
