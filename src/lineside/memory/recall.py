"""Question in, evidence out: passages ranked by words, by meaning and by what the question names.

Only what the view sees can come back: the index proposes passages, live SQL rows decide. Scores are .55 words + .45
meaning, each brought to 0..1 within the candidates, with a share of the neighbours in the thread and a bonus for ids,
author, thread and date that the question names. A passage must also clear an absolute floor, or unrelated questions
would be answered with the least bad of what is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from lineside.errors import IndexBehind
from lineside.memory import lexicon, tables
from lineside.memory.bodies import record_from_row
from lineside.memory.conditions import at_or_below
from lineside.memory.index import VectorIndex
from lineside.memory.moments import stored
from lineside.memory.tokens import ids_in, words_in
from lineside.memory.view import View
from lineside.memory.words import quote
from lineside.plant.entities import Entity
from lineside.plant.plant import Plant
from lineside.plant.records import Json, Record, RecordType
from lineside.plant.windows import Window, find_window

WORDS_SHARE, MEANING_SHARE, NEIGHBOUR_SHARE = 0.55, 0.45, 0.15
ID_BONUS, SCOPE_BONUS, AUTHOR_BONUS, THREAD_BONUS, DATE_BONUS, QUESTION_MALUS = 0.5, 0.25, 0.25, 0.25, 0.25, 0.06
# Evidence holds at least this share of the question's telling words, or has at least this cosine to it, or names an id
# that it asks for. Measured on the notes of three plants in two languages (tests/memory/recall_cases.json): of 32
# related questions 30 keep their note, of 90 unrelated ones 3 get any. Lower floors answer the unrelated ones.
WORDS_FLOOR, MEANING_FLOOR = 0.30, 0.42
CANDIDATES = 100
_EXACT_UP_TO = 2000
_SAME_THREAD_S = 12 * 3600
_passages, _records = tables.passages, tables.records


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A record that answers, with a verbatim quote of it. score: 0..1. why: what made it rank."""

    record: Record
    score: float
    quote: str
    why: tuple[str, ...]

    @property
    def record_id(self) -> str:
        return self.record.provenance.record_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """The evidence, best first; the filters that were applied; and each channel as `used` or why it was not."""

    evidence: tuple[Evidence, ...]
    filters: Mapping[str, Json]
    channels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What must hold (at, within, types) and what is preferred (entities)."""

    at: str | None = None
    within: Window | None = None
    entities: Sequence[Entity] = ()
    types: Sequence[RecordType | str] = ()

    def conditions(self, view: View) -> list[ColumnElement[bool]]:
        """The hard ones, over `records` joined with `passages`; with the view's own."""
        found = [view.sees()]
        if self.at is not None:
            found.append(_in_place(self.at, view.plant))
        if self.within is not None:
            found += [
                _records.c.occurred_at >= stored(self.within.start),
                _records.c.occurred_at < stored(self.within.end),
            ]
        else:
            found.append(_records.c.occurred_at <= stored(view.as_of))
        if self.types:
            found.append(_records.c.type.in_([str(each) for each in self.types]))
        return found

    def told(self) -> dict[str, Json]:
        """The filters in plain values."""
        told: dict[str, Json] = {}
        if self.at is not None:
            told["at"] = self.at
        if self.within is not None:
            told["within"] = {"from": self.within.start.isoformat(), "to": self.within.end.isoformat()}
        if self.entities:
            told["entities"] = [str(each) for each in self.entities]
        if self.types:
            told["types"] = [str(each) for each in self.types]
        return told


@dataclass(slots=True)
class _Candidate:
    row: Any
    words: float = 0.0
    meaning: float = 0.0
    covered: float = 0.0
    cosine: float | None = None
    score: float = 0.0
    why: list[str] = field(default_factory=list)


def recall(
    connection: Connection, question: str, *, view: View, filters: Filters, index: VectorIndex | None, limit: int
) -> Recollection:
    """The records whose passages answer the question best; none where nothing clears the floor."""
    conditions = filters.conditions(view)
    words = lexicon.search_words(words_in(question))
    counted, total = lexicon.count_each(connection, words)
    weights = {word: lexicon.weight(count, total) for word, count in counted.items()}
    lexical = lexicon.top(connection, weights, conditions, CANDIDATES)
    channels = {"words": "used"}
    try:
        cosines = _nearest(connection, question, conditions, lexical, index)
        channels["meaning"] = "used" if index else "off: no index folder is set"
    except IndexBehind as error:
        cosines, channels["meaning"] = {}, f"off: {error.message}"
    names = _names_in(question, filters.entities)
    named = _naming(connection, names, conditions)
    rows = _rows(connection, {*lexical, *cosines, *named}, conditions)
    candidates = {row.id: _Candidate(row) for row in rows}
    _score(candidates, lexical, cosines)
    _cover(connection, candidates, _apart_from(names, weights) if named else weights)
    _prefer(candidates, question, view, filters, named)
    kept = [each for each in candidates.values() if _clears(each, each.row.id in named)]
    evidence = _evidence(connection, sorted(kept, key=_rank), [*names, *words], limit)
    return Recollection(evidence=evidence, filters=filters.told(), channels=channels)


def _nearest(
    connection: Connection,
    question: str,
    conditions: Sequence[ColumnElement[bool]],
    lexical: Mapping[int, float],
    index: VectorIndex | None,
) -> dict[int, float]:
    """The cosines of the passages nearest in meaning among those that the conditions allow."""
    if index is None:
        return {}
    joined = _passages.join(_records, _records.c.id == _passages.c.record_id)
    query = select(_passages.c.id).select_from(joined).where(*conditions)
    allowed = list(connection.scalars(query.limit(_EXACT_UP_TO + 1)))
    (vector,) = index.embedder.embed([question])
    if len(allowed) > _EXACT_UP_TO:
        # Too many to measure each: the index proposes, and the same conditions decide.
        proposed = index.near(vector, 5 * CANDIDATES)
        allowed = [*connection.scalars(query.where(_passages.c.id.in_(proposed))), *lexical]
    cosines = index.closeness(vector, allowed)
    best = sorted(cosines, key=lambda each: (-cosines[each], each))[:CANDIDATES]
    return {each: cosines[each] for each in {*best, *(lexical.keys() & cosines.keys())}}


def _names_in(question: str, entities: Sequence[Entity]) -> list[str]:
    """The ids that are asked for, folded."""
    return sorted({*ids_in(question), *(entity.id.casefold() for entity in entities)})


def _naming(
    connection: Connection, names: Sequence[str], conditions: Sequence[ColumnElement[bool]]
) -> dict[int, set[str]]:
    """The passages of records that are about a wanted id or name it as a whole token, newest first."""
    found: dict[int, set[str]] = defaultdict(set)
    word, about = tables.record_words, tables.record_entities
    joined = _passages.join(_records, _records.c.id == _passages.c.record_id)
    for name in names:
        says = exists().where(word.c.record_id == _records.c.id, word.c.word == name)
        is_about = exists().where(about.c.record_id == _records.c.id, about.c.folded == name)
        query = select(_passages.c.id).select_from(joined).where(or_(says, is_about), *conditions)
        newest = (_passages.c.occurred_at.desc(), _passages.c.record_id, _passages.c.position)
        for passage in connection.scalars(query.order_by(*newest).limit(CANDIDATES)):
            found[passage].add(name)
    return found


def _rows(connection: Connection, ids: set[int], conditions: Sequence[ColumnElement[bool]]) -> Sequence[Any]:
    """The passages that may be shown, by what SQL says of them now."""
    joined = _passages.join(_records, _records.c.id == _passages.c.record_id)
    query = select(_passages, _records.c.text.label("whole"), _records.c.source, _records.c.equipment)
    return connection.execute(query.select_from(joined).where(_passages.c.id.in_(ids), *conditions)).all()


def _score(candidates: Mapping[int, _Candidate], lexical: Mapping[int, float], cosines: Mapping[int, float]) -> None:
    words, meanings = _spread(lexical), _spread(cosines)
    for passage, each in candidates.items():
        each.words, each.meaning, each.cosine = (
            words.get(passage, 0.0),
            meanings.get(passage, 0.0),
            cosines.get(passage),
        )
        each.score = WORDS_SHARE * each.words + (MEANING_SHARE * each.meaning if cosines else 0.0)
    threads: dict[str, list[_Candidate]] = defaultdict(list)
    for each in sorted(candidates.values(), key=_in_time):
        threads[each.row.thread].append(each)
    own = {passage: each.score for passage, each in candidates.items()}
    strength = _spread({name: sum(own[each.row.id] for each in thread) for name, thread in threads.items()})
    for name, thread in threads.items():
        for one, other in pairwise(thread):
            if other.row.occurred_at - one.row.occurred_at <= _SAME_THREAD_S * 1_000_000:
                one.score += NEIGHBOUR_SHARE * own[other.row.id]
                other.score += NEIGHBOUR_SHARE * own[one.row.id]
        if len(thread) > 1:
            for each in thread:
                each.score += THREAD_BONUS * strength[name] * own[each.row.id]


def _apart_from(names: Sequence[str], weights: Mapping[str, float]) -> dict[str, float]:
    """The question's words without the parts of its ids: half of SO-1042 is no reason to show SO-1024."""
    parts = {word for name in names for word in words_in(name)}
    return {word: weight for word, weight in weights.items() if word not in parts}


def _cover(connection: Connection, candidates: Mapping[int, _Candidate], weights: Mapping[str, float]) -> None:
    """How much of the question's telling words each candidate holds."""
    whole = sum(weights.values())
    for word, weight in weights.items():
        for passage in lexicon.holding(connection, word, candidates):
            candidates[passage].covered += weight / whole
            candidates[passage].why.append(f"says {word!r}")


def _prefer(
    candidates: Mapping[int, _Candidate],
    question: str,
    view: View,
    filters: Filters,
    named: Mapping[int, set[str]],
) -> None:
    asked = set(words_in(question))
    window = None if filters.within else find_window(question, now=view.as_of, plant=view.plant)
    places = _places_in(question, view.plant)
    for passage, each in candidates.items():
        if each.cosine is not None and each.cosine >= MEANING_FLOOR:
            each.why.append("means much the same")
        if names := named.get(passage):
            each.score += ID_BONUS
            each.why += [f"names {name}" for name in sorted(names)]
        if each.row.author and asked.issuperset(words_in(each.row.author)):
            each.score += AUTHOR_BONUS
            each.why.append(f"written by {each.row.author}")
        if window and stored(window.window.start) <= each.row.occurred_at < stored(window.window.end):
            each.score += DATE_BONUS
            each.why.append(f"from {window.words}")
        if any(name in each.row.words for name in places):
            each.score += SCOPE_BONUS
            each.why.append("at the place asked for")
        if each.row.text.rstrip().endswith("?"):
            each.score -= QUESTION_MALUS


def _clears(each: _Candidate, is_named: bool) -> bool:  # noqa: FBT001 - read as a sentence
    return is_named or each.covered >= WORDS_FLOOR or (each.cosine or 0.0) >= MEANING_FLOOR


def _rank(each: _Candidate) -> tuple[float, int, str, int]:
    """Best first; among equals the newest, whatever order they arrived in."""
    return (-each.score, -each.row.occurred_at, each.row.record_id, each.row.position)


def _in_time(each: _Candidate) -> tuple[int, str, int]:
    return (each.row.occurred_at, each.row.record_id, each.row.position)


def _evidence(
    connection: Connection, ranked: Sequence[_Candidate], wanted: Sequence[str], limit: int
) -> tuple[Evidence, ...]:
    """One evidence a record, and one a text: the same words twice say nothing new."""
    chosen: dict[str, _Candidate] = {}
    texts: set[tuple[str, str]] = set()
    for each in ranked:
        text = (each.row.source, " ".join(words_in(each.row.whole)))
        if each.row.record_id in chosen or text in texts:
            continue
        texts.add(text)
        chosen[each.row.record_id] = each
        if len(chosen) == limit:
            break
    query = select(_records).where(_records.c.id.in_(list(chosen)))
    records = {row.id: record_from_row(row) for row in connection.execute(query)}
    best = max((each.score for each in chosen.values()), default=1.0)
    return tuple(
        Evidence(
            record=records[record_id],
            score=round(max(0.0, each.score) / max(best, 1.0), 4),
            quote=quote(records[record_id], wanted),
            why=tuple(each.why),
        )
        for record_id, each in chosen.items()
    )


def _in_place(path: str, plant: Plant) -> ColumnElement[bool]:
    """At the path or below it; or nowhere in particular, but in words that name a place there."""
    names = [f" {' '.join(words_in(name))} " for each in plant.below(path) for name in each.names()[1:]]
    said = or_(*(_passages.c.words.contains(name, autoescape=True) for name in names)) if names else None
    if said is None:
        return at_or_below(path)
    return or_(at_or_below(path), and_(_records.c.equipment.is_(None), said))


def _places_in(question: str, plant: Plant) -> list[str]:
    """Every way to write the places that the question names, as folded words between spaces."""
    asked = f" {' '.join(words_in(question))} "
    found = []
    for each in plant.equipment:
        spelled = [f" {' '.join(words_in(name))} " for name in each.names()]
        if any(name in asked for name in spelled):
            found += spelled
    return found


def _spread(values: Mapping[Any, float]) -> dict[Any, float]:
    """Brought to 0..1, the least to 0; a lone value is 1."""
    if not values:
        return {}
    low, high = min(values.values()), max(values.values())
    return {key: (value - low) / (high - low) if high > low else 1.0 for key, value in values.items()}
