"""What was said of all things of a kind, as columns, and what was said last before some moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import and_, or_, select

from lineside.memory import latest, tables
from lineside.memory.conditions import among, in_window, known, newest, statement_order, unindexed
from lineside.memory.moments import moment, stored
from lineside.memory.statements import Statement, statement_from_row
from lineside.memory.view import View
from lineside.plant.entities import Entity
from lineside.plant.windows import Window

_CHUNK = 500
_ODD_DAYS = timedelta(days=8)  # a time of another zone, or written by its week, is that much out of the order of words
_records, _named = tables.records, tables.record_entities
_said, _words = tables.statements, tables.last_words


class Word(NamedTuple):
    """What a source says last of a property of a thing in a scope, as text. The times are in microseconds since
    1970."""

    entity: str
    property: str
    source: str
    scope: str
    text: str
    occurred_at: int
    reported_at: int
    record_id: str


class Told(NamedTuple):
    """That a source says something of a property of a thing in a scope, without what."""

    entity: str
    property: str
    source: str
    scope: str
    occurred_at: int
    reported_at: int
    record_id: str


def words_now(view: View, kind: str, properties: Sequence[str] = (), *, of: Sequence[str] | None = None) -> list[Word]:
    """What `View.said` tells of these properties of everything of the kind, as columns and in its order.

    For properties whose values are words: the others are read one by one. of: the ids, None for all.
    """
    with view.read() as connection:
        if view.reader.person is not None or latest.changed_after(connection, stored(view.as_of)):
            things = None if of is None else [Entity(kind, each) for each in of]
            return [word_from(said) for said in view.said(kind=kind, entities=things, properties=properties)]
        shown = (_words.c.entity, _words.c.property, _words.c.source, _words.c.scope, _words.c.word)
        query = select(*shown, _words.c.occurred_at, _words.c.reported_at, _words.c.record_id)
        query = query.where(_words.c.kind == kind)
        if properties:
            named = _words.c.property if of is None else unindexed(_words.c.property)
            query = query.where(named.in_(list(properties)))
        if of is not None:
            query = query.where(among(_words.c.entity, of))
        found = [Word._make(row) for row in connection.execute(query).all()]
    now = stored(view.as_of)
    anew = {w.entity for w in found if w.occurred_at > now or w.reported_at > now or not is_whole(w.text)}
    if anew:
        found = [each for each in found if each.entity not in anew]
        told = view.said(entities=[Entity(kind, each) for each in sorted(anew)], properties=properties)
        found += [word_from(said) for said in told]
    return sorted(found)


def told_now(view: View, kind: str) -> list[Told]:
    """What `View.said` tells of everything of the kind, whatever the property, without its values: by thing, the newest
    first. A row may be a plain one of the same columns."""
    with view.read() as connection:
        if view.reader.person is not None or latest.changed_after(connection, stored(view.as_of)):
            return sorted(map(_told, view.said(kind=kind)), key=_by_thing)
        shown = (_words.c.entity, _words.c.property, _words.c.source, _words.c.scope)
        query = select(*shown, _words.c.occurred_at, _words.c.reported_at, _words.c.record_id)
        newest_first = (_words.c.entity, _words.c.occurred_at.desc(), _words.c.reported_at.desc(), _words.c.record_id)
        found: list[Any] = list(connection.execute(query.where(_words.c.kind == kind).order_by(*newest_first)).all())
    now = stored(view.as_of)
    anew = {row[0] for row in found if row[4] > now or row[5] > now}
    if anew:
        found = [row for row in found if row[0] not in anew]
        found += map(_told, view.said(entities=[Entity(kind, each) for each in sorted(anew)]))
        found.sort(key=_by_thing)
    return found


def not_before(view: View, kind: str, name: str, day: date) -> list[str]:
    """The ids of the kind of which a source's last word on the property may be a time on that day or later, or was
    another by the time asked about."""
    first = f"{day - _ODD_DAYS:%Y-%m-%d}"
    fits = or_(_words.c.word >= first, and_(_words.c.word > "", _words.c.word < "0"))  # blanks may stand before a time
    query = select(_words.c.entity).where(_words.c.kind == kind, _words.c.property == name, fits)
    with view.read() as connection:
        later = latest.things(connection, kind, stored(view.as_of))[kind]
        return sorted({*connection.scalars(query).all(), *later})


def unspoken(view: View, kind: str, besides: Collection[str]) -> list[str]:
    """The ids of the kind, but for these, that some record is about."""
    with view.read() as connection:
        rest = [each for each in latest.things(connection, kind)[kind] if each not in besides]
        found: set[str] = set()
        for start in range(0, len(rest), _CHUNK):
            query = select(_named.c.entity).join(_records, _records.c.id == _named.c.record_id).where(view.sees())
            chosen = query.where(_named.c.kind == kind, _named.c.entity.in_(rest[start : start + _CHUNK]))
            found.update(connection.scalars(chosen))
    return sorted(found)


def is_whole(word: str) -> bool:
    """Whether the word that is kept is the text of the value: not of what it shortens, leaves out or calls yes."""
    return 0 < len(word) < latest.WORD_LENGTH and word not in ("yes", "no")


def said_within(view: View, kind: str, name: str, within: Window) -> list[tuple[str, str, datetime]]:
    """What `View.statements` tells of one property of a kind in that time, in its order: the id, the value as JSON and
    when it was so."""
    query = select(_said.c.entity, _said.c.value, _said.c.occurred_at).where(known(_said, stored(view.as_of)))
    query = query.where(view.reader.condition(_said.c.sites, _said.c.source, view.plant))
    query = query.where(_said.c.kind == kind, _said.c.property == name, *in_window(_said.c.occurred_at, within))
    with view.read() as connection:
        rows = connection.execute(query.order_by(*statement_order())).all()
    return [(entity, value, moment(at)) for entity, value, at in rows]


def said_before(view: View, entities: Iterable[Entity], before: datetime) -> list[Statement]:
    """The last that each source said of each property of these in each scope, of the times before that moment."""
    found: list[Statement] = []
    with view.read() as connection:
        for kind, group in groupby(sorted(set(entities)), key=lambda each: each.kind):
            ids = [each.id for each in group]
            for start in range(0, len(ids), _CHUNK):
                conditions = [
                    known(_said, stored(view.as_of)),
                    view.reader.condition(_said.c.sites, _said.c.source, view.plant),
                    _said.c.kind == kind,
                    _said.c.entity.in_(ids[start : start + _CHUNK]),
                    _said.c.occurred_at < stored(before),
                ]
                rows = connection.execute(newest(*conditions))
                standing = {(row.entity, row.property, row.source, row.scope): row for row in rows}
                found += [statement_from_row(row) for row in standing.values()]
    return found


def _told(said: Statement) -> Told:
    word = word_from(said)
    return Told(*word[:4], *word[5:])


def _by_thing(told: Any) -> tuple[str, int, int, str]:
    return (told[0], -told[4], -told[5], told[6])


def word_from(said: Statement) -> Word:
    """The statement in columns."""
    times = (stored(said.occurred_at), stored(said.reported_at))
    named = (said.entity.id, said.property, said.source, said.scope or "")
    return Word(*named, said.text, *times, said.record_id)
