"""When each thing was last spoken of, and each source's last word on it: kept with every write, so that what is over
long since need not be read to be left out, and what is said now need not be searched for.

Both are of all that was ever kept, whatever the time and the reader: a view checks what they name by its own, and they
never leave out what a view could see unsettled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from lineside.memory import tables
from lineside.memory.conditions import TAKING_BACK, among, statement_order, unindexed
from lineside.plant.entities import ENTITY_KINDS

AFTER_SLASH = chr(ord("/") + 1)
WORD_LENGTH = 100  # an index takes no more; ids and words for states are shorter
_CHUNK = 500
_AT_ONCE = 20_000
_things, _words, _said = tables.things, tables.last_words, tables.statements
_KEY = ("kind", "entity", "property", "source", "scope")
_ORDER = ("occurred_at", "reported_at", "told")


@dataclass(frozen=True, slots=True)
class Heard:
    """things: how many were ever spoken of; taken_back: how often something was; last: when one was, in microseconds
    since 1970."""

    things: int
    taken_back: int
    last: int


def heard(connection: Connection) -> Heard:
    """How much there is to be named by now."""
    records, last = tables.records, 0
    things = connection.scalar(select(func.count()).select_from(_things)) or 0
    taken = select(func.count()).where(records.c.type.in_(TAKING_BACK))
    for kind in ENTITY_KINDS:
        last = max(last, last_heard(connection, kind))
    return Heard(things, connection.scalar(taken) or 0, last)


def last_heard(connection: Connection, kind: str) -> int:
    """When something of the kind was last spoken of; 0 where nothing ever was."""
    return connection.scalar(select(func.max(_things.c.heard_at)).where(_things.c.kind == kind)) or 0


def quiet(connection: Connection, kind: str, since: int) -> Iterator[str]:
    """The ids of the kind that no record since that moment is about, the longest quiet first."""
    query = select(_things.c.entity).where(_things.c.kind == kind, _things.c.heard_at < since)
    yield from connection.scalars(query.order_by(_things.c.heard_at, _things.c.entity))


def things(connection: Connection, kind: str | None, since: int = 0) -> dict[str, list[str]]:
    """The ids of each kind, or of one, that were spoken of at or after that moment, sorted."""
    kinds = sorted(ENTITY_KINDS) if kind is None else [kind]
    found = {}
    for each in kinds:
        query = select(_things.c.entity).where(
            _things.c.kind == each, *([_things.c.heard_at >= since] if since else [])
        )
        found[each] = sorted(connection.scalars(query).all())
    return found


def word_of(value: str) -> str:
    """The word that a stored value is: empty for figures with a unit, lists and nothing at all."""
    decoded = json.loads(value)
    if isinstance(decoded, bool):
        return "yes" if decoded else "no"
    return str(decoded)[:WORD_LENGTH] if isinstance(decoded, str | int | float) else ""


def keep(
    connection: Connection,
    *,
    records: Sequence[dict[str, Any]],
    entities: Sequence[dict[str, Any]],
    statements: Sequence[dict[str, Any]],
) -> None:
    """What these rows, written in the same transaction, say is what was last heard, where nothing newer is."""
    heard = {row["id"]: max(row["occurred_at"], row["reported_at"]) for row in records}
    newest: dict[tuple[str, str], int] = {}
    for row in entities:
        key = (row["kind"], row["entity"])
        newest[key] = max(newest.get(key, 0), heard[row["record_id"]])
    _hear(connection, newest)
    _write(connection, _last_of(statements))


def renew(connection: Connection, record_ids: Iterable[str], at: int) -> None:
    """What was taken back, or stands again, at that time: its things were spoken of then, and the words are found
    anew."""
    for record_id in record_ids:
        named = tables.record_entities
        spoken = connection.execute(select(named.c.kind, named.c.entity).where(named.c.record_id == record_id)).all()
        _hear(connection, {(row.kind, row.entity): at for row in spoken})
        told = select(_said.c.kind, _said.c.property, _said.c.entity, _said.c.source, _said.c.scope)
        for row in connection.execute(told.where(_said.c.record_id == record_id).distinct()).all():
            _find_anew(connection, row)


def unsettled(
    kind: str, name: str, open_words: Sequence[str], since: int, *, pointer: str = "", parts: str = ""
) -> list[Select[Any]]:
    """Queries for the ids of the kind that were spoken of since then, of which some source's last word on the property
    is one of `open_words`, or of which none says a word on it.

    pointer, parts: of what was not spoken of since, only that which says nothing on this property, and has no parts of
    this kind. With a pointer, what no report is about at all is left out too.
    """
    told, thing = select(_words.c.entity).where(_words.c.kind == kind), _things.c.entity
    here = select(thing).where(_things.c.kind == kind)
    by_itself: list[ColumnElement[bool]] = []  # asked last, of the few that are left
    if pointer:
        any_word = exists().where(_words.c.kind == kind, _words.c.entity == thing)
        by_itself += [thing.not_in(told.where(_words.c.property == pointer)), any_word]
    if parts:
        part = _things.alias()
        below = and_(part.c.entity > thing + "/", part.c.entity < thing + AFTER_SLASH)
        by_itself = [~exists().where(part.c.kind == parts, below)]
    on_it = told.where(_words.c.property == name)
    chunks = [on_it.where(_words.c.word.in_(open_words[at : at + _CHUNK])) for at in range(0, len(open_words), _CHUNK)]
    spoken, silent = here.where(_things.c.heard_at >= since), here.where(thing.not_in(on_it), *by_itself)
    if pointer or parts:
        return [spoken, silent, *(here.where(thing.in_(chunk), *by_itself) for chunk in chunks)]
    return [spoken, silent, *chunks]


def pointing(connection: Connection, kind: str, name: str, words: Sequence[str]) -> set[str]:
    """The ids of the kind whose property points at one of these, by a source's last word or in any list it told."""
    of_it = (_words.c.kind == kind, _words.c.property == name)
    lists = connection.scalar(select(_words.c.entity).where(*of_it, _words.c.word == "").limit(1)) is not None
    told = among(_words.c.word, [word[:WORD_LENGTH] for word in words])
    found = set(connection.scalars(select(_words.c.entity).where(*of_it, told)).all()) if words else set()
    return found | _listing(connection, kind, name, words) if lists and words else found


def _listing(connection: Connection, kind: str, name: str, chosen: Sequence[str]) -> set[str]:
    """In two steps: in one, the database would go through every list."""
    named = tables.record_words
    query = select(named.c.record_id).where(among(named.c.word, [word.casefold() for word in chosen]))
    here = among(_said.c.record_id, sorted(set(connection.scalars(query).all())))
    told = select(_said.c.entity).where(here, unindexed(_said.c.kind) == kind, unindexed(_said.c.property) == name)
    return set(connection.scalars(told.where(_said.c.value.startswith("["))).all())


def changed_after(connection: Connection, as_of: int) -> bool:
    """Whether anything that could be seen at that time was taken back later: the last words may be others then."""
    return connection.scalar(select(_said.c.id).where(_said.c.retracted_at > as_of).limit(1)) is not None


def last_said(kind: str, entities: Sequence[str] | None, properties: Sequence[str]) -> Iterator[Select[Any]]:
    """Queries for the statements that are the last words of their sources on things of the kind, whatever the time."""
    query = select(_said).join(
        _words, and_(_words.c.record_id == _said.c.record_id, _words.c.property == _said.c.property)
    )
    query = query.where(_words.c.kind == kind)
    if properties:
        named = _words.c.property if entities is None else unindexed(_words.c.property)
        query = query.where(named.in_(list(properties)))
    if entities is None:
        yield query
        return
    yield query.where(among(_words.c.entity, entities))


def parts(connection: Connection, wholes: Sequence[str], kind: str) -> set[str]:
    """The ids of the kind that begin with one of these and a slash.

    Of neighbours in the order of their ids everything between the first and the last is read: hundreds of ranges take
    the database longer to understand than to find.
    """
    found: set[str] = set()
    heads = sorted({f"{each}/" for each in wholes})
    for start in range(0, len(heads), _CHUNK):
        near = heads[start : start + _CHUNK]
        whole, lengths = set(near), {len(head) for head in near}
        last = max(head.removesuffix("/") + AFTER_SLASH for head in near)
        query = select(_things.c.entity).where(_things.c.kind == kind)
        between = connection.scalars(query.where(_things.c.entity > near[0], _things.c.entity < last)).all()
        found.update(each for each in between if any(each[:n] in whole and len(each) > n for n in lengths))
    return found


def words(connection: Connection, kind: str, name: str) -> list[str]:
    """The different last words on the property."""
    query = select(_words.c.word).where(_words.c.kind == kind, _words.c.property == name).distinct()
    return sorted(connection.scalars(query))


def fill(connection: Connection) -> None:
    """Both tables hold what the records that are kept already say. For a memory older than these tables."""
    connection.execute(delete(_things))
    connection.execute(delete(_words))
    records, named = tables.records, tables.record_entities
    later = func.max(records.c.occurred_at), func.max(records.c.reported_at)
    query = select(named.c.kind, named.c.entity, *later).join(records, records.c.id == named.c.record_id)
    rows = connection.execute(query.group_by(named.c.kind, named.c.entity)).all()
    _hear(connection, {(row[0], row[1]): max(row[2], row[3]) for row in rows})
    said = select(_said).where(_said.c.retracted_at.is_(None)).execution_options(yield_per=_AT_ONCE)
    for part in connection.execute(said).mappings().partitions():
        _write(connection, _last_of(part))


def _last_of(statements: Iterable[Any]) -> list[dict[str, Any]]:
    """The last word of each source on each property."""
    last: dict[tuple[str, ...], dict[str, Any]] = {}
    for statement in statements:
        word = _row(statement)
        of = tuple(word[name] for name in _KEY)
        if of not in last or _order(last[of]) <= _order(word):
            last[of] = word
    return list(last.values())


def _row(statement: Any) -> dict[str, Any]:
    """A statement as the word that is kept of it. told: its place among what was said of, and at, the same time."""
    return {
        "kind": statement["kind"],
        "property": statement["property"],
        "entity": statement["entity"],
        "source": statement["source"],
        "scope": statement["scope"] or "",
        "word": word_of(statement["value"]),
        "occurred_at": statement["occurred_at"],
        "reported_at": statement["reported_at"],
        "told": f"{len(statement['source_id']):06}{statement['source_id']}",
        "record_id": statement["record_id"],
    }


def _order(word: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(word[name] for name in _ORDER)


def _find_anew(connection: Connection, key: Any) -> None:
    of_it = and_(
        *(_said.c[name] == getattr(key, name) for name in ("kind", "property", "entity", "source")),
        _said.c.scope.is_not_distinct_from(key.scope),
    )
    kept = and_(
        *(_words.c[name] == getattr(key, name) for name in ("kind", "property", "entity", "source")),
        _words.c.scope == (key.scope or ""),
    )
    connection.execute(delete(_words).where(kept))
    backwards = [column.desc() for column in statement_order()]
    query = select(_said).where(of_it, _said.c.retracted_at.is_(None)).order_by(*backwards).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    if row is not None:
        _write(connection, [_row(row)])


def _hear(connection: Connection, newest: dict[tuple[str, str], int]) -> None:
    rows = [{"kind": kind, "entity": entity, "heard_at": at} for (kind, entity), at in sorted(newest.items())]
    if rows:
        dialect = _dialect(connection)
        put = dialect.insert(_things)
        later = put.on_conflict_do_update(
            index_elements=["kind", "entity"],
            set_={"heard_at": put.excluded.heard_at},
            where=_things.c.heard_at < put.excluded.heard_at,
        )
        connection.execute(later, rows)


def _write(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        put = _dialect(connection).insert(_words)
        newer = tuple_(*(_words.c[name] for name in _ORDER)) <= tuple_(*(put.excluded[name] for name in _ORDER))
        named = ("word", "record_id", *_ORDER)
        later = put.on_conflict_do_update(
            index_elements=list(_KEY), set_={name: put.excluded[name] for name in named}, where=newer
        )
        connection.execute(later, sorted(rows, key=lambda row: tuple(row[name] for name in _KEY)))


def _dialect(connection: Connection) -> Any:
    return postgresql if connection.dialect.name == "postgresql" else sqlite
