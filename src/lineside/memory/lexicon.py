"""The lexical half of recall: SQLite's FTS5 or PostgreSQL's text search over the same folded words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, column, func, literal, literal_column, select, table, text

from lineside.memory import tables

# Words that every question has; the two languages do not disturb each other.
_ENGLISH_AND_GERMAN = """
a about after all also am an and any are as at be been before but by can could did do does for from had has
have he her him his how i if in into is it its just me more most my no not of on or our out over please say
said she should so some tell than that the their them then there these they this those to under up us was we
were what when where which while who whom why will with would you your aber alle als am an auch auf aus bei
beim bin bis das dass dem den der des die dies diese dieser doch du durch ein eine einem einen einer eines er
es euch fur gab gibt hat hatte hatten ich ihr im in ins ist ja kann kein keine man mir mit nach nicht noch nur
ob oder ohne schon sein seine seit sich sie sind so uber um und uns unter vom von vor wann war waren warum was
weil welche welcher welches wem wen wenn wer werden wie wieso wir wird wo worden wurde wurden zu zum zur
"""
STOP_WORDS = frozenset(_ENGLISH_AND_GERMAN.split())
_RAREST = 6
_passages, _records = tables.passages, tables.records
# The full-text table of SQLite, which only the migrations make, and the expression that PostgreSQL's index is built on.
_fts = table("passage_words", column("rowid", BigInteger))
_fts_itself: ColumnElement[Any] = literal_column("passage_words")
_vector: ColumnElement[Any] = literal_column("to_tsvector('english', passages.words)")


def search_words(words: Iterable[str]) -> list[str]:
    """The distinct words worth searching for, in order; all of them where only stop words were given."""
    distinct = list(dict.fromkeys(words))
    return [word for word in distinct if word not in STOP_WORDS] or distinct


def count_each(connection: Connection, words: Iterable[str]) -> tuple[dict[str, int], int]:
    """In how many passages each word stands, and how many passages there are."""
    total = connection.scalar(select(func.count()).select_from(_passages)) or 0
    counted = select(func.count()).select_from(_fts if _is_sqlite(connection) else _passages)
    found = {word: connection.scalar(counted.where(_holds(connection, [word]))) or 0 for word in words}
    return found, total


def weight(count: int, total: int) -> float:
    """How telling a word is: BM25's inverse document frequency. A word that never occurs is the most telling."""
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def top(
    connection: Connection,
    weights: Mapping[str, float],
    conditions: Sequence[ColumnElement[bool]],
    limit: int,
) -> dict[int, float]:
    """The best passages that hold any of the weighed words, with their scores; the greater the better."""
    if not weights:
        return {}
    score: ColumnElement[Any]
    source = _passages.join(_records, _records.c.id == _passages.c.record_id)
    if _is_sqlite(connection):
        words = list(weights)
        source = source.join(_fts, _fts.c.rowid == _passages.c.id)
        score = literal_column("-bm25(passage_words)")
    else:
        # Ranking an OR of common words is slow there, and ts_rank knows no word's worth: ask for the rarest.
        words = sorted(weights, key=lambda word: -weights[word])[:_RAREST]
        # 1: divided by the logarithm of the passage's length.
        score = sum((weights[word] * func.ts_rank(_vector, _query(word), 1) for word in words), start=literal(0.0))
    query = select(_passages.c.id, score.label("score")).select_from(source)
    query = query.where(_holds(connection, words), *conditions)
    # Among equals the newest, and never the one that happened to arrive first.
    query = query.order_by(literal_column("score").desc(), _passages.c.occurred_at.desc())
    rows = connection.execute(query.order_by(_passages.c.record_id, _passages.c.position).limit(limit)).all()
    return {row.id: float(row.score) for row in rows}


def holding(connection: Connection, word: str, ids: Iterable[int]) -> set[int]:
    """Those of the passages in which the word stands."""
    query = select(_passages.c.id).where(_passages.c.id.in_(list(ids)))
    if _is_sqlite(connection):
        query = query.where(_passages.c.id.in_(select(_fts.c.rowid).where(_holds(connection, [word]))))
    else:
        query = query.where(_holds(connection, [word]))
    return set(connection.scalars(query))


def add(connection: Connection, first: int) -> None:
    """The passages from the id `first` on are found by their words. PostgreSQL's index keeps itself."""
    if _is_sqlite(connection):
        new = text("INSERT INTO passage_words (rowid, words) SELECT id, words FROM passages WHERE id >= :first")
        connection.execute(new, {"first": first})


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _holds(connection: Connection, words: Sequence[str]) -> ColumnElement[bool]:
    """The condition that any of the words stands in a passage. The quotes keep AND and NEAR from being commands."""
    if _is_sqlite(connection):
        return _fts_itself.op("MATCH")(" OR ".join(f'"{word}"' for word in words))
    wanted = _query(words[0])
    for word in words[1:]:
        wanted = wanted.op("||")(_query(word))
    return _vector.op("@@")(wanted)


def _query(word: str) -> ColumnElement[Any]:
    return func.plainto_tsquery(literal_column("'english'"), word)
