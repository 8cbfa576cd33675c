"""What was known at one moment, to one reader. A view never changes: what is reported later stays outside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, wraps
from itertools import groupby
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select

from lineside.memory import latest, tables
from lineside.memory.bodies import record_from_row
from lineside.memory.conditions import (
    TAKING_BACK,
    among,
    at_or_below,
    in_window,
    is_about,
    known,
    names,
    newest,
    of_source,
    reported_within,
    statement_order,
    unindexed,
)
from lineside.memory.freshness import HEARTBEAT_S, OURS, RECENT, Freshness, freshness_of
from lineside.memory.latest import Heard
from lineside.memory.moments import moment, stored
from lineside.memory.reader import Reader
from lineside.memory.statements import Statement, order_of_statement, statement_from_row
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.entities import Entity
from lineside.plant.plant import Plant
from lineside.plant.records import Correction, Decision, Deletion, Event, Note, Record, RecordType
from lineside.plant.windows import Window

_CHUNK = 500
_Asked = ParamSpec("_Asked")
_Found = TypeVar("_Found")
_records, _said = tables.records, tables.statements


def _read_once(
    read: Callable[Concatenate[View, _Asked], list[_Found]],
) -> Callable[Concatenate[View, _Asked], list[_Found]]:
    """What a view was asked before it answers from what it read then: readings ask for the same things many times."""

    @wraps(read)
    def reading(view: View, /, *args: _Asked.args, **asked: _Asked.kwargs) -> list[_Found]:
        parts = ((name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(asked.items()))
        key = (read.__name__, args, tuple(parts))
        found: list[_Found] | None = view.kept.get(key)
        if found is None:
            found = view.kept[key] = read(view, *args, **asked)
        return list(found)

    return reading


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGap:
    """A stretch in which a source may have spoken unheard."""

    source: str
    since: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class View:
    """Only what was reported by `as_of` and not yet taken back then, and only what `reader` may read."""

    plant: Plant
    as_of: datetime
    reader: Reader
    read: Callable[[], AbstractContextManager[Connection]] = field(repr=False)
    kept: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def calendar(self) -> ShiftCalendar:
        return ShiftCalendar(self.plant)

    @_read_once
    def events(
        self,
        *,
        kinds: Sequence[str] = (),
        about: Entity | None = None,
        equipment: str | None = None,
        within: Window | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Event]:
        """Events by the time they occurred, by default none that lies in the future of `as_of`.

        equipment: a path, what lies below it included.
        """
        query = self._typed(RecordType.EVENT, equipment, within, by_id=about is not None or bool(kinds))
        if kinds:
            query = query.where((unindexed(_records.c.kind) if about else _records.c.kind).in_(list(kinds)))
        if about:
            query = query.where(self._found(is_about, about))
        return self._fetch(query, Event, newest_first=newest_first, limit=limit)

    def notes(
        self,
        *,
        equipment: str | None = None,
        within: Window | None = None,
        about: Entity | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Note]:
        """Notes that are about the entity or name its id."""
        query = self._typed(RecordType.NOTE, equipment, within, by_id=about is not None)
        if about:
            query = query.where(self._found(names, about))
        return self._fetch(query, Note, newest_first=newest_first, limit=limit)

    def decisions(
        self,
        *,
        equipment: str | None = None,
        within: Window | None = None,
        about: Entity | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Decision]:
        """Decisions that are about the entity or name its id."""
        query = self._typed(RecordType.DECISION, equipment, within, by_id=about is not None)
        if about:
            query = query.where(self._found(names, about))
        return self._fetch(query, Decision, newest_first=newest_first, limit=limit)

    @_read_once
    def statements(
        self,
        *,
        entity: Entity | None = None,
        entities: Sequence[Entity] | None = None,
        kind: str | None = None,
        properties: Sequence[str] = (),
        within: Window | None = None,
    ) -> list[Statement]:
        """Everything that sources said, oldest first. entities: of any of these; of none where there are none."""
        found: list[Statement] = []
        with self.read() as connection:
            for conditions in self._statement_conditions(entity, entities, kind, properties):
                query = select(_said).where(*conditions, *in_window(_said.c.occurred_at, within))
                if within is not None and entity is None and entities is None and not properties:
                    query = query.where(reported_within(within))
                rows = connection.execute(query.order_by(*statement_order())).all()
                found += [statement_from_row(row) for row in rows]
        return found if entities is None else sorted(found, key=order_of_statement)

    @_read_once
    def said(
        self,
        *,
        entity: Entity | None = None,
        entities: Sequence[Entity] | None = None,
        kind: str | None = None,
        properties: Sequence[str] = (),
    ) -> list[Statement]:
        """The latest that each source said of each property in each scope, by the time it is about.

        What a source says of a time after `as_of` is not yet so, and left out. entities: as in `statements`.
        """
        if entity is not None:
            entities = [entity] if entities is None or entity in entities else []
        if entities is None and kind is None:
            return self._searched(None, None, properties)
        found: list[Statement] = []
        now = stored(self.as_of)
        with self.read() as connection:
            if self._changed_later:
                return self._searched(entities, kind, properties)
            for each, ids in _by_kind(entities, kind):
                older: set[str] = set()
                for query in latest.last_said(each, ids, properties):
                    rows = connection.execute(query.add_columns(self._readable(_said).label("readable"))).all()
                    for row in rows:
                        if row.readable and max(row.occurred_at, row.reported_at) <= now:
                            found.append(statement_from_row(row))
                        else:
                            older.add(row.entity)
                if older:
                    found = [s for s in found if s.entity.kind != each or s.entity.id not in older]
                    found += self._searched([Entity(each, one) for one in sorted(older)], None, properties)
        return sorted(found, key=_by_what)

    @cached_property
    def _changed_later(self) -> bool:
        with self.read() as connection:
            return latest.changed_after(connection, stored(self.as_of))

    def _searched(
        self, entities: Sequence[Entity] | None, kind: str | None, properties: Sequence[str]
    ) -> list[Statement]:
        """What `said` tells, out of everything that was said."""
        found: dict[tuple[str, ...], Any] = {}
        with self.read() as connection:
            for chosen in self._statement_conditions(None, entities, kind, properties):
                rows = connection.execute(newest(*chosen, _said.c.occurred_at <= stored(self.as_of))).all()
                found |= {(row.kind, row.entity, row.property, row.source, row.scope or ""): row for row in rows}
        return [statement_from_row(found[key]) for key in sorted(found)]

    def record(self, record_id: str) -> Record | None:
        return self.records([record_id]).get(record_id)

    def records(self, ids: Iterable[str]) -> dict[str, Record]:
        """Those of the ids that this view sees, in the given order."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Record] = {}
        with self.read() as connection:
            for start in range(0, len(wanted), _CHUNK):
                query = select(_records).where(_records.c.id.in_(wanted[start : start + _CHUNK]), self.sees())
                found |= {row.id: record_from_row(row) for row in connection.execute(query).all()}
        return {each: found[each] for each in wanted if each in found}

    @_read_once
    def entities(self, kind: str | None = None) -> list[Entity]:
        """Every entity that some record is about."""
        with self.read() as connection:
            known = latest.things(connection, kind)
        return [each for of, ids in known.items() for each in self._seen(of, ids)]

    def heard_of(self) -> Heard:
        """How much there is to be named: as long as it is the same, nothing new has a name."""
        with self.read() as connection:
            return latest.heard(connection)

    def heard_since(self, since: int) -> list[Entity]:
        """What some record at or after that moment, as in `Heard.last`, is about."""
        with self.read() as connection:
            known = latest.things(connection, None, since)
        return [each for of, ids in known.items() for each in self._seen(of, ids)]

    def unsettled(
        self,
        kind: str,
        name: str,
        over: Callable[[str], bool],
        since: datetime,
        *,
        pointer: str = "",
        parts: str = "",
    ) -> list[Entity]:
        """What of the kind is not over: some record since then is about it, or some source's word on the property
        `name` is not one that says `over`, or none says a word on it. It may hold things that are over too.

        pointer, parts: of what no record since then is about, only that which says nothing on this property, and has
        no parts of this kind: the rest goes by what it names or consists of.
        """
        with self.read() as connection:
            open_words = [word for word in latest.words(connection, kind, name) if not over(word)]
            found: set[str] = set()
            for query in latest.unsettled(kind, name, open_words, stored(since), pointer=pointer, parts=parts):
                found.update(connection.scalars(query).all())
        return self._seen(kind, found)

    def pointing(self, kind: str, name: str, words: Sequence[str], *, besides: Collection[Entity]) -> list[Entity]:
        """What of the kind, `besides` left out, points at one of these with the property, whatever the time asked
        about."""
        with self.read() as connection:
            found = latest.pointing(connection, kind, name, words)
        return self._seen(kind, found.difference(each.id for each in besides))

    def parts(self, of: Sequence[Entity], kind: str) -> list[Entity]:
        """Everything of the kind whose id says that it is a part of one of these."""
        with self.read() as connection:
            found = latest.parts(connection, [each.id for each in of], kind)
        return self._seen(kind, found)

    def knows(self, entity: Entity) -> bool:
        """Whether some record is about it."""
        query = select(_records.c.id).where(self.sees(), self._found(is_about, entity)).limit(1)
        with self.read() as connection:
            return connection.scalar(query) is not None

    def find(self, entity_text: str) -> list[Entity]:
        """The entities of exactly this id, whatever their kind and the case of the letters; `kind:id` also works."""
        text = entity_text.strip()
        head, colon, tail = text.partition(":")
        named = tables.record_entities
        spelled = [named.c.folded == text.casefold()]
        if colon and tail:
            spelled.append(and_(unindexed(named.c.kind) == head, named.c.folded == tail.strip().casefold()))
        return self._entities((or_(*spelled),))

    def mentions(self, entity: Entity, *, limit: int | None = None) -> list[Record]:
        """The records that are about the entity or name its id as a whole token, newest first."""
        query = select(_records).where(self.sees(), self._found(names, entity), _records.c.type.not_in(TAKING_BACK))
        return self._fetch(query, object, newest_first=True, limit=limit)

    def corrections(self, within: Window | None = None) -> list[Correction | Deletion]:
        """What was taken back by `as_of`, in the order it was reported. within: by that time."""
        query = select(_records).where(self.sees(), _records.c.type.in_(TAKING_BACK))
        query = query.where(*in_window(_records.c.reported_at, within))
        order = (_records.c.reported_at, _records.c.source, func.length(_records.c.source_id), _records.c.source_id)
        with self.read() as connection:
            rows = connection.execute(query.order_by(*order, _records.c.part))
            return [record for row in rows if isinstance(record := record_from_row(row), Correction | Deletion)]

    def taken_back(self, by: Correction | Deletion) -> list[Record]:
        """What `by` took back, as it stood before; only here can it still be read."""
        target = by.corrects if isinstance(by, Correction) else by.of
        query = select(_records).where(
            of_source(by.provenance.source, target),
            _records.c.type.not_in(TAKING_BACK),
            _records.c.reported_at <= stored(self.as_of),
            self._readable(_records),
        )
        return self._fetch(query, object, newest_first=False, limit=None)

    def replacement(self, of: Correction) -> Record | None:
        """What stands in the place of what `of` corrected, if it still stands."""
        query = select(_records).where(
            self.sees(),
            of_source(of.provenance.source, of.provenance.source_id),
            _records.c.part == -1 - of.provenance.part,
        )
        with self.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else record_from_row(row)

    def sources(self) -> list[str]:
        """The sources that spoke by `as_of` and that may be read."""
        found, after = list[str](), ""
        with self.read() as connection:  # from one to the next: the database would go through all their records
            while after := connection.scalar(select(func.min(_records.c.source)).where(_records.c.source > after)):
                first = select(func.min(_records.c.reported_at)).where(_records.c.source == after)
                if (connection.scalar(first) or 0) <= stored(self.as_of):
                    found.append(after)
        return [each for each in found if self.reader.may_read_source(each, self.plant)]

    def freshness(self, sources: Sequence[str] | None = None, *, within: Window | None = None) -> list[Freshness]:
        """How fresh each source is: by default every one that the plant file names or that spoke by `as_of`.

        within: the time that is asked about; a source with a gap there is late at best. What Lineside says of itself is
        as fresh as its watchdog, and told only where one ran by `as_of`.
        """
        now = stored(self.as_of)
        unheard = {gap.source for gap in self.gaps(within=within)} if within else set()
        with self.read() as connection:
            if sources is None:
                sources = sorted({*self.sources(), *(card.name for card in self.plant.sources), OURS})
            found = []
            for source in dict.fromkeys(sources):
                if not self.reader.may_read_source(source, self.plant):
                    continue
                moments = (
                    select(_records.c.reported_at)
                    .where(_records.c.source == source, _records.c.reported_at <= now)
                    .where(_records.c.source_id.not_like("%@map~%"))  # what we recorded anew, its source did not say
                    .distinct()
                    .order_by(_records.c.reported_at.desc())
                    .limit(RECENT)
                )
                contact = select(tables.contacts.c.contact_at).where(
                    tables.contacts.c.source == source, tables.contacts.c.contact_at <= now
                )
                last = moment(connection.scalar(contact))
                if source == OURS and last is None:
                    continue
                found.append(
                    freshness_of(
                        source,
                        heard=[] if source == OURS else [moment(each) for each in connection.scalars(moments)],
                        contact=last,
                        declared_s=HEARTBEAT_S if source == OURS else self.plant.source(source).cadence_s,
                        as_of=self.as_of,
                        gap=source in unheard,
                    )
                )
        return found

    def gaps(self, source: str | None = None, *, within: Window | None = None) -> list[KnownGap]:
        """The stretches in which sources may have spoken unheard, those that began by `as_of` and as far as they went
        by then. within: those that touch it."""
        table, now = tables.gaps, stored(self.as_of)
        query = select(table).where(table.c.since <= now).order_by(table.c.since, table.c.source)
        if within is not None:
            query = query.where(table.c.since < stored(within.end), table.c.until > stored(within.start))
        with self.read() as connection:
            rows = connection.execute(query if source is None else query.where(table.c.source == source)).all()
        return [
            KnownGap(source=row.source, since=moment(row.since), until=moment(min(row.until, now)), reason=row.reason)
            for row in rows
            if self.reader.may_read_source(row.source, self.plant)
        ]

    def _seen(self, kind: str, ids: Iterable[str]) -> list[Entity]:
        """By the list of all things that were ever spoken of: distinct ones needn't be searched for."""
        thing, one, wanted = tables.things, tables.record_entities, sorted(ids)
        seen = (
            exists()
            .where(one.c.kind == thing.c.kind, one.c.entity == thing.c.entity)
            .where(one.c.record_id == _records.c.id, self.sees())
        )
        query = select(thing.c.entity).where(thing.c.kind == kind, among(thing.c.entity, wanted), seen)
        with self.read() as connection:
            return [Entity(kind, each) for each in sorted(connection.scalars(query).all())]

    def _entities(self, conditions: Iterable[ColumnElement[bool]]) -> list[Entity]:
        """Distinct first, then one look at each: the other way round every record would be looked at."""
        named, one = tables.record_entities, tables.record_entities.alias()
        distinct = select(named.c.kind, named.c.entity).where(*conditions).distinct().subquery()
        seen = (
            exists()
            .where(one.c.kind == distinct.c.kind, one.c.entity == distinct.c.entity)
            .where(one.c.record_id == _records.c.id, self.sees())
        )
        query = select(distinct).where(seen).order_by(distinct.c.kind, distinct.c.entity)
        with self.read() as connection:
            return [Entity(*row) for row in connection.execute(query).all()]

    def sees(self) -> ColumnElement[bool]:
        """The condition on `records` that makes this view: known by then, not taken back by then, and permitted."""
        return and_(known(_records, stored(self.as_of)), self._readable(_records))

    def _readable(self, table: Any) -> ColumnElement[bool]:
        return self.reader.condition(table.c.sites, table.c.source, self.plant)

    def _found(
        self, condition: Callable[[Connection, Entity], ColumnElement[bool]], entity: Entity
    ) -> ColumnElement[bool]:
        with self.read() as connection:
            return condition(connection, entity)

    def _typed(
        self, record_type: RecordType, equipment: str | None, within: Window | None, *, by_id: bool = False
    ) -> Select[Any]:
        of_type = unindexed(_records.c.type) if by_id else _records.c.type
        query = select(_records).where(self.sees(), of_type == record_type.value)
        if equipment is not None:
            query = query.where(at_or_below(equipment))
        if within is None:
            return query.where(_records.c.occurred_at <= stored(self.as_of))
        return query.where(*in_window(_records.c.occurred_at, within))

    def _fetch(self, query: Select[Any], wanted: Any, *, newest_first: bool, limit: int | None) -> list[Any]:
        order = [
            _records.c.occurred_at,
            _records.c.reported_at,
            _records.c.source,
            func.length(_records.c.source_id),
            _records.c.source_id,
            _records.c.part,
        ]
        query = query.order_by(*(each.desc() if newest_first else each for each in order))
        with self.read() as connection:
            rows = connection.execute(query if limit is None else query.limit(limit)).all()
            return [record for row in rows if isinstance(record := record_from_row(row), wanted)]

    def _statement_conditions(
        self, entity: Entity | None, entities: Sequence[Entity] | None, kind: str | None, properties: Sequence[str]
    ) -> Iterator[list[ColumnElement[bool]]]:
        """The conditions of each of the queries that together find what is asked for, every statement once."""
        conditions = [known(_said, stored(self.as_of)), self._readable(_said)]
        if kind is not None:
            conditions.append(_said.c.kind == kind)
        if properties:
            by_id = entity is not None or entities is not None
            conditions.append((unindexed(_said.c.property) if by_id else _said.c.property).in_(list(properties)))
        if entity is not None:
            conditions.append(and_(_said.c.kind == entity.kind, _said.c.entity == entity.id))
        if entities is None:
            yield conditions
            return
        for each_kind, group in groupby(sorted(set(entities)), key=lambda each: each.kind):
            ids = [each.id for each in group]
            for start in range(0, len(ids), _CHUNK):
                chunk = _said.c.entity.in_(ids[start : start + _CHUNK])
                yield [*conditions, _said.c.kind == each_kind, chunk]


def _by_what(statement: Statement) -> tuple[str, ...]:
    entity = statement.entity
    return (entity.kind, entity.id, statement.property, statement.source, statement.scope or "")


def _by_kind(entities: Sequence[Entity] | None, kind: str | None) -> Iterator[tuple[str, list[str] | None]]:
    """The ids of each kind; None for all of it."""
    if entities is None:
        yield kind or "", None
        return
    ids: dict[str, dict[str, None]] = {}
    for one in entities:
        if kind is None or one.kind == kind:
            ids.setdefault(one.kind, {})[one.id] = None
    yield from ((each, list(ids[each])) for each in sorted(ids))
