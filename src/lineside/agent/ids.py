"""Ids in a question: found whatever their spelling, never guessed; an unknown one is named, not replaced."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TypeVar

from lineside.agent.lexicon import KINDS, ORDERS
from lineside.agent.plainwords import word_set
from lineside.agent.wording import Token, distance, fold, key
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import unit

_Key = TypeVar("_Key")
_FAR = 3  # letters that a mistyped id may differ in
_ORDINAL = re.compile(
    r"^(?:\d+(?:st|nd|rd|th|x|er|te|ten)|24/7|q[1-4]|(?:kw|cw|wk|w)-?\d{1,2}|\d{1,2}/\d{1,2}|co2|h2o|o2|n2|5s|8d|b2b|3pl)$"
)
_TAIL = re.compile(r"[^\W\d_]+[\s\-_./:]*(\d[\w\-_./]*)$")  # what is left of an id without its letters
_MEASURE = re.compile(r"^\d+(?:[.,]\d+)?(%|[a-z°]+)$")
_SHORT_UNITS = word_set(
    """
    % h min s d kg g mg t l ml m mm cm km kw kwh bar ea pcs stk std am pm uhr k
    """
)


@dataclass(frozen=True, slots=True)
class Mention:
    """An id that the question names, over the tokens [start, end). alike: other things of exactly this id."""

    entity: Entity
    start: int
    end: int
    typed: str
    alike: tuple[Entity, ...] = ()

    @property
    def exact(self) -> bool:
        return fold(self.typed) == fold(self.entity.id)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that looks like an id and is none in the memory. nearest: known ids for the asker to choose from."""

    typed: str
    start: int
    end: int
    kinds: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


class Ids:
    """Every id that the memory knows, by what is left of it when case and separators are ignored."""

    def __init__(self, entities: Iterable[Entity] = ()) -> None:
        self.known: tuple[Entity, ...] = ()
        self.spelled: frozenset[str] = frozenset()
        self._by_key: dict[str, tuple[Entity, ...]] = {}
        self._by_digits: dict[tuple[str, str], tuple[Entity, ...]] = {}
        self._by_tail: dict[str, tuple[Entity, ...]] = {}
        self._heads: set[str] = set()
        self._shapes: set[tuple[str, int]] = set()
        self._longest = 1
        self.add(entities)

    def with_these(self, entities: Iterable[Entity]) -> Ids:
        """These ids and more, in a copy: who reads these meanwhile is not disturbed."""
        more = copy(self)
        for name in ("_by_key", "_by_digits", "_by_tail", "_heads", "_shapes"):
            setattr(more, name, copy(getattr(self, name)))
        more.add(entities)
        return more

    def add(self, entities: Iterable[Entity]) -> None:
        """These are known too."""
        new = {entity for entity in entities if entity.kind != EntityKind.EQUIPMENT or "/" not in entity.id}
        new |= {parent for entity in new if (parent := entity.parent) is not None}
        new.difference_update(self.known)
        keys: dict[str, list[Entity]] = defaultdict(list)
        digits: dict[tuple[str, str], list[Entity]] = defaultdict(list)
        tails: dict[str, list[Entity]] = defaultdict(list)
        for entity in sorted(new):
            folded = fold(entity.id)
            keys[key(entity.id)].append(entity)
            groups = re.findall(r"\d+", entity.id)
            if groups:
                digits[entity.kind, groups[-1].lstrip("0")].append(entity)
                if len(groups) > 1:
                    digits[entity.kind, "".join(groups).lstrip("0")].append(entity)
            if tail := _TAIL.match(folded):
                tails[tail[1]].append(entity)
            if begun := re.match(r"([^\W\d_]{1,6})[\s\-_./]?(\d+)", folded):
                self._heads.add(begun[1])
                self._shapes.add((begun[1], len(begun[2])))
            self._longest = max(self._longest, len(re.findall(r"[^\W_]+", entity.id)))
        _file(self._by_key, keys)
        _file(self._by_digits, digits)
        _file(self._by_tail, tails)
        self.known = tuple(sorted({*self.known, *new}))
        self.spelled = self.spelled | {fold(entity.id) for entity in new}

    def lines_of(self, typed: str) -> tuple[Entity, ...]:
        """The lines of an order that is known by its lines alone, as a purchase order is."""
        head = f"{fold(typed)}/"
        return tuple(e for e in self.known if e.kind == EntityKind.PURCHASE_ORDER_LINE and fold(e.id).startswith(head))

    def find(self, tokens: Sequence[Token], taken: Sequence[bool]) -> tuple[list[Mention], list[Unknown]]:
        """The ids named, longest first, and what looks like an id and is unknown."""
        mentions: list[Mention] = []
        used = list(taken)
        for size in range(min(self._longest + 1, 5), 0, -1):
            for start in range(len(tokens) - size + 1):
                span = range(start, start + size)
                if any(used[i] for i in span):
                    continue
                mention = self._known(tokens, start, size)
                if mention is not None:
                    mentions.append(mention)
                    for i in span:
                        used[i] = True
        unknown: list[Unknown] = []
        for i, token in enumerate(tokens):
            if used[i]:
                continue
            kinds = kinds_before(tokens, i)
            by_number = self._by_kind(token, kinds)
            if not by_number:
                by_number = self._shortened(token, kinds)
            if len(by_number) == 1:
                mentions.append(Mention(by_number[0], i, i + 1, token.raw))
                used[i] = True
            elif self.looks_like_id(token, kinds) or self._shaped(tokens, i, used):
                joined = self._joined(tokens, i, used)
                unknown.append(Unknown(joined, i, i + 1, kinds, self.nearest(joined, kinds)))
        return sorted(mentions, key=lambda m: m.start), unknown

    def nearest(self, typed: str, kinds: Sequence[str] = (), limit: int = 3) -> tuple[str, ...]:
        """The known ids that a person may have meant, nearest first; never an answer in itself."""
        wanted = key(typed)
        found = []
        for spelled, entities in self._by_key.items():
            if abs(len(spelled) - len(wanted)) > _FAR or not _alike(spelled, wanted):
                continue
            far = distance(wanted, spelled, _FAR)
            if far <= _FAR and far < len(wanted):
                found += [(far, e.id) for e in entities if not kinds or e.kind in kinds]
        return tuple(dict.fromkeys(text for _, text in sorted(found)))[:limit]

    def looks_like_id(self, token: Token, kinds: Sequence[str]) -> bool:
        """Whether a word is an id by its look: digits with letters or separators, or a long number."""
        word = token.folded
        if not token.has_digit or (_ORDINAL.match(word) and not kinds) or ":" in word:
            return False
        measure = _MEASURE.match(word)
        if measure and (measure[1] in _SHORT_UNITS or unit(measure[1]) != measure[1]):
            return False
        if word.isdigit():
            return len(word) >= 5 or bool(kinds) or (len(word) == 4 and not 1900 <= int(word) <= 2100)
        return not re.fullmatch(r"\d+[.,]\d+|\d{4}-\d\d-\d\d|\d+(?:[.-]\d+)+|\d+-\d+", word) or bool(kinds)

    def begins_like(self, token: Token) -> bool:
        """Whether one written word starts as known ids do, separator included: L-78 where there is L-77."""
        head = re.match(r"([^\W\d_]{1,6})[-_./]\d", token.folded)
        return head is not None and head[1] in self._heads

    def _shaped(self, tokens: Sequence[Token], at: int, used: Sequence[bool]) -> bool:
        """Whether a short number follows a word just as in known ids: LD 56 where there is LD 55."""
        word = tokens[at].folded
        return word.isdigit() and at > 0 and not used[at - 1] and (tokens[at - 1].folded, len(word)) in self._shapes

    def _known(self, tokens: Sequence[Token], start: int, size: int) -> Mention | None:
        part = tokens[start : start + size]
        squeezed = "".join(key(token.folded) for token in part)
        found = self._by_key.get(squeezed)
        if not found:
            return None
        typed = " ".join(token.raw for token in part)
        digits = any(sign.isdigit() for sign in squeezed)
        if not digits and (size > 1 or not any(fold(e.id) == part[0].folded for e in found) or len(squeezed) < 3):
            return None
        if not digits and (part[0].folded in KINDS or part[0].raw == part[0].raw.lower()):
            return None  # "sugar" may be an id, but then it is written as one
        kinds = kinds_before(tokens, start)
        exact = [e for e in found if fold(e.id) == fold(typed)] or found
        chosen = [e for e in exact if e.kind in kinds] or exact
        return Mention(chosen[0], start, start + size, typed, tuple(chosen[1:]))

    def _by_kind(self, token: Token, kinds: Sequence[str]) -> list[Entity]:
        if not kinds or not token.folded.isdigit():
            return []
        found = {e for kind in kinds for e in self._by_digits.get((kind, token.folded.lstrip("0")), ())}
        orders = {e for e in found if e.kind != EntityKind.SALES_ORDER_LINE}
        return sorted(orders or found)

    def _shortened(self, token: Token, kinds: Sequence[str]) -> list[Entity]:
        """What an id without its letters means: `7/22` where there is BATCH 7/22, `1042` where there is SO-1042."""
        word = token.folded
        parted = bool(re.fullmatch(r"\d+(?:[-/.]\d+)+", word))
        if not parted and not (word.isdigit() and self.looks_like_id(token, kinds)):
            return []
        found = [e for e in self._by_tail.get(word, ()) if not kinds or e.kind in kinds]
        return found if len(found) == 1 else []

    def _joined(self, tokens: Sequence[Token], at: int, used: Sequence[bool]) -> str:
        """The id as typed, with the word before it where known ids begin with such a word: `BATCH 9/22`, `SO 9999`."""
        before = tokens[at - 1] if at and not used[at - 1] else None
        if before is None or not before.raw.isalpha():
            return tokens[at].raw
        joined = f"{before.raw} {tokens[at].raw}"
        return joined if before.folded in self._heads else tokens[at].raw


def kinds_before(tokens: Sequence[Token], at: int) -> tuple[str, ...]:
    """The kinds of entity that the words just before a token call it: `work order 7781`, `Charge Nr. 12`."""
    back = at - 1
    while back >= 0 and tokens[back].folded in ("no", "nr", "nummer", "number", "id", "#", "the", "die", "der", "das"):
        back -= 1
    if back < 0:
        return ()
    two = f"{tokens[back - 1].folded} {tokens[back].folded}" if back else ""
    kind = KINDS.get(two) or KINDS.get(tokens[back].folded)
    if kind is None or kind == EntityKind.EQUIPMENT:
        return ()
    if kind in ("order", "sales_order"):
        return ORDERS if kind == "order" else ("sales_order", "sales_order_line")
    return (kind,)


def _file(index: dict[_Key, tuple[Entity, ...]], found: dict[_Key, list[Entity]]) -> None:
    for name, things in found.items():
        index[name] = tuple(sorted({*index.get(name, ()), *things}))


def _alike(one: str, other: str) -> bool:
    """Whether they begin or end the same: the others of very many ids are not measured."""
    return one[:2] == other[:2] or one[-3:] == other[-3:]
