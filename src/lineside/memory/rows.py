"""One record as the rows that hold it: itself, its subjects, the ids it names and, of a report, its statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from lineside.errors import UnreadableMessage
from lineside.memory import latest, lexicon, tables
from lineside.memory.bodies import body_of, dumps, type_of
from lineside.memory.database import insert_rows
from lineside.memory.moments import stored
from lineside.memory.passages import passages_of
from lineside.memory.tokens import ids_in
from lineside.memory.words import render
from lineside.plant.entities import ENTITY_KINDS, Entity, EntityKind
from lineside.plant.plant import Plant
from lineside.plant.records import Correction, Deletion, Event, Json, Quality, Record, Report

_QUALITIES = frozenset(each.value for each in Quality)


@dataclass(slots=True)
class Rows:
    """Rows that wait to be written together."""

    records: list[dict[str, Any]] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)
    words: list[dict[str, Any]] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)
    passages: list[dict[str, Any]] = field(default_factory=list)

    def add(self, record: Record, *, plant: Plant, target: str | None = None, sites: Sequence[str] = ()) -> None:
        """The record waits as rows. sites: those it inherits. Raises UnreadableMessage where it can't be stored."""
        own = record.provenance
        text = render(record)
        try:
            body = body_of(record)
            f"{own.source}{own.source_id}{text}{body}".encode()
        except ValueError as error:
            raise UnreadableMessage(f"it holds what no text can hold: {error}") from error
        if "\0" in f"{own.source}{own.source_id}{text}":
            raise UnreadableMessage("it holds a NUL character")
        subjects = _all_subjects(record)
        places = {*_sites(record, subjects, plant), *sites} or {plant.site.lower()}
        row = {
            "id": own.record_id,
            "type": type_of(record).value,
            "kind": record.kind if isinstance(record, Event) else None,
            "source": own.source,
            "source_id": own.source_id,
            "part": own.part,
            "occurred_at": stored(own.occurred_at),
            "reported_at": stored(own.reported_at),
            "recorded_at": stored(own.recorded_at),
            "retracted_at": None,
            "quality": own.quality.value,
            "equipment": _equipment(record),
            "sites": sites_key(places),
            "target": target or _target(record),
            "body": body,
            "text": text,
        }
        self.records.append(row)
        self.entities += [
            {"record_id": row["id"], "kind": each.kind, "entity": each.id, "folded": each.id.casefold()}
            for each in sorted(subjects)
        ]
        self.words += [{"record_id": row["id"], "word": word} for word in sorted(_words(record, text))]
        if isinstance(record, Report):
            self.statements += _statements(record, row)
        self.passages += passages_of(record, plant)

    def extend(self, other: Rows) -> None:
        """What waits in `other` waits here too."""
        self.records += other.records
        self.entities += other.entities
        self.words += other.words
        self.statements += other.statements
        self.passages += other.passages

    def write(self, connection: Connection) -> None:
        """All waiting rows are in the transaction, and none wait."""
        for table, waiting in (
            (tables.records, self.records),
            (tables.record_entities, self.entities),
            (tables.record_words, self.words),
            (tables.statements, self.statements),
        ):
            insert_rows(connection, table, waiting)
        latest.keep(connection, records=self.records, entities=self.entities, statements=self.statements)
        for waiting in (self.records, self.entities, self.words, self.statements):
            waiting.clear()
        if self.passages:
            last = connection.scalar(select(func.max(tables.passages.c.id))) or 0
            insert_rows(connection, tables.passages, self.passages)
            self.passages.clear()
            lexicon.add(connection, last + 1)


def sites_of(record: Record, plant: Plant) -> set[str]:
    """The sites that a record concerns; the plant's own where it names no place."""
    return places_of(record, plant) or {plant.site.lower()}


def places_of(record: Record, plant: Plant) -> set[str]:
    """The sites that a record names by its subjects, its equipment or its dock."""
    return set(_sites(record, _all_subjects(record), plant))


def sites_key(sites: set[str]) -> str:
    """The spelling of a set of sites in the store."""
    return f"|{'|'.join(sorted(sites))}|"


def _statements(record: Report, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in record.properties.items():
        said = value.get("quality") if isinstance(value, dict) else None
        yield {
            "record_id": row["id"],
            "source": row["source"],
            "source_id": row["source_id"],
            "kind": record.entity.kind,
            "entity": record.entity.id,
            "property": name,
            "scope": record.scope,
            "value": dumps(value),
            "quality": said if said in _QUALITIES else row["quality"],
            "occurred_at": row["occurred_at"],
            "reported_at": row["reported_at"],
            "retracted_at": None,
            "sites": row["sites"],
        }


def _values(record: Record) -> Mapping[str, Json]:
    match record:
        case Report():
            return record.properties
        case Correction():
            return record.replacement or {}
        case Deletion():
            return {}
        case _:
            return record.attributes


def _subjects(record: Record) -> Iterator[Entity]:
    """What the record is about, a `subject` written as kind:id included."""
    yield from record.entities()
    subject = _values(record).get("subject")
    if isinstance(subject, str) and subject.partition(":")[0] in ENTITY_KINDS and subject.partition(":")[2].strip():
        yield Entity.parse(subject)


def _all_subjects(record: Record) -> set[Entity]:
    """What the record is about, and what that is a part of."""
    return {each for entity in _subjects(record) for each in (entity, entity.parent) if each}


def _equipment(record: Record) -> str | None:
    match record:
        case Correction() | Deletion():
            return None
        case Report():
            return record.entity.id if record.entity.kind == EntityKind.EQUIPMENT else _place(record.properties)
        case _:
            return getattr(record, "equipment", None) or _place(_values(record))


def _place(values: Mapping[str, Json]) -> str | None:
    place = values.get("equipment")
    return place if isinstance(place, str) and place else None


def _target(record: Record) -> str | None:
    match record:
        case Correction():
            return record.corrects
        case Deletion():
            return record.of
        case _:
            return None


def _sites(record: Record, subjects: set[Entity], plant: Plant) -> Iterator[str]:
    """The site of every place that the record names as its subject, its equipment or its dock."""
    places = {each.id for each in subjects if each.kind == EntityKind.EQUIPMENT}
    if equipment := _equipment(record):
        places.add(equipment)
    values = _values(record)
    if place := _place(values):
        places.add(place)
    # Many systems number their docks: only a path says whose it is.
    if isinstance(dock := values.get("dock"), str) and "/" in dock:
        places.add(dock)
    if isinstance(record, Correction):
        entity = str((record.replacement or {}).get("entity", ""))
        if entity.startswith("equipment:"):
            places.add(entity.removeprefix("equipment:"))
    own = plant.site.lower()
    for place in places:
        head = place.partition("/")[0].lower()
        yield own if head != own and _is_called(place.casefold(), plant) else head


def _is_called(folded: str, plant: Plant) -> bool:
    return any(name.casefold() == folded for each in plant.equipment for name in each.names())


def _words(record: Record, text: str) -> set[str]:
    """The ids that the record names. A report's figures are left out: they are no ids, and there are many."""
    if not isinstance(record, Report):
        return ids_in(text)
    named = ids_in(record.entity.id).union(*(ids_in(each) for each in _texts(list(record.properties.values()))))
    return named | {each.casefold() for each in _pointed_at(list(record.properties.values()))}


def _pointed_at(value: Json) -> Iterator[str]:
    """What the rows of a list name by a kind, whether it looks like an id or not: the lines of a shipment."""
    for row in value if isinstance(value, list) else ():
        if isinstance(row, dict):
            yield from (str(each) for name, each in row.items() if name in ENTITY_KINDS and isinstance(each, str))
        elif isinstance(row, list):
            yield from _pointed_at(row)


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            for each in value.values():
                yield from _texts(each)
