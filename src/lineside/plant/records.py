"""Records: what happened, what a source said, what people decided and wrote, and what was taken back.

Every record carries its source, the source's own id, and three times: `occurred_at` (in the plant), `reported_at`
(when the source said it), `recorded_at` (when we kept it). Records are immutable; a correction is a new record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from lineside.plant.entities import ENTITY_KINDS, Entity, EntityKind
from lineside.plant.quantities import Quantity, number

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"


class RecordType(StrEnum):
    """The union of records, as the tail of the open format's `type`."""

    EVENT = "event"
    REPORT = "report"
    NOTE = "note"
    DECISION = "decision"
    CORRECTION = "correction"
    DELETION = "deletion"


class Quality(StrEnum):
    """Trust in a value, in OPC UA's words."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


def record_id(source: str, source_id: str, part: int = 0) -> str:
    """The one id of a record: the same message always yields the same ids."""
    digest = hashlib.sha256(f"{source}\0{source_id}\0{part}".encode()).hexdigest()
    return f"r-{digest[:20]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a record came from and its three times, all aware; kept in UTC.

    part: position among the records of one message. quality: of the whole record, as its source said.
    """

    source: str
    source_id: str
    occurred_at: datetime
    reported_at: datetime
    recorded_at: datetime
    part: int = 0
    quality: Quality = Quality.GOOD

    def __post_init__(self) -> None:
        for name in ("occurred_at", "reported_at", "recorded_at"):
            moment: datetime = getattr(self, name)
            if moment.tzinfo is None:
                raise ValueError(f"{name} has no time zone: {moment.isoformat()}")
            object.__setattr__(self, name, moment.astimezone(UTC))
        if not self.source or not self.source_id:
            raise ValueError("a record needs a source and the source's own id")

    @property
    def record_id(self) -> str:
        return record_id(self.source, self.source_id, self.part)


def _frozen(values: Mapping[str, Json] | None) -> Mapping[str, Json]:
    return MappingProxyType(dict(values or {}))


# An event's own fields that name its subjects, beside `kind`; the field's name is the entity's kind.
SUBJECTS = ("equipment", "job_order", "lot", "material", "sales_order", "shipment", "hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at a place and time."""

    provenance: Provenance
    kind: str
    equipment: str | None = None
    job_order: str | None = None
    lot: str | None = None
    material: str | None = None
    sales_order: str | None = None
    shipment: str | None = None
    hold: str | None = None
    text: str = ""
    attributes: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", _frozen(self.attributes))

    def entities(self) -> Iterator[Entity]:
        """What the event is about: its subjects, and those attributes whose name is an entity kind."""
        for name in SUBJECTS:
            if value := getattr(self, name):
                yield Entity(name, value)
        for name, value in self.attributes.items():
            if name in ENTITY_KINDS and name not in SUBJECTS and isinstance(value, str) and value:
                yield Entity(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one source says about one entity at one time. `scope` is what the figures cover, in the source's words.

    properties: name to value, or to {"value": ..., "unit": ...}, as the vocabulary has them.
    """

    provenance: Provenance
    entity: Entity
    properties: Mapping[str, Json]
    scope: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "properties", _frozen(self.properties))

    def entities(self) -> Iterator[Entity]:
        yield self.entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Free text by a person: shift note, message, mail, tracker cell. Material, never instruction."""

    provenance: Provenance
    text: str
    author: str | None = None
    channel: str | None = None
    equipment: str | None = None
    shift: str | None = None
    attributes: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", _frozen(self.attributes))

    def entities(self) -> Iterator[Entity]:
        """Its equipment, and those extra fields whose name is an entity kind."""
        if self.equipment:
            yield Entity(EntityKind.EQUIPMENT, self.equipment)
        for name, value in self.attributes.items():
            if name in ENTITY_KINDS and name != EntityKind.EQUIPMENT and isinstance(value, str) and value:
                yield Entity(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A choice made by plant people, with what it rested on."""

    provenance: Provenance
    question: str
    choice: str
    options: tuple[str, ...] = ()
    rationale: str = ""
    constraints: tuple[str, ...] = ()
    decided_by: str | None = None
    authority: str | None = None
    case: str | None = None
    assumptions: tuple[str, ...] = ()
    expected: str | None = None
    outcome: str | None = None
    attributes: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", _frozen(self.attributes))

    def entities(self) -> Iterator[Entity]:
        """Those extra fields whose name is an entity kind (`lot`, `equipment`, ...)."""
        for name, value in self.attributes.items():
            if name in ENTITY_KINDS and isinstance(value, str) and value:
                yield Entity(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Takes back the record `corrects` (an id at the same source); `replacement` is its full new data, if any."""

    provenance: Provenance
    corrects: str
    reason: str
    replacement: Mapping[str, Json] | None = None

    def entities(self) -> Iterator[Entity]:
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """Takes back the record `of` (an id at the same source) with nothing in its place."""

    provenance: Provenance
    of: str
    reason: str

    def entities(self) -> Iterator[Entity]:
        return iter(())


Record: TypeAlias = Event | Report | Note | Decision | Correction | Deletion


def quantity(value: Json, default_unit: str = "") -> Quantity | None:
    """The quantity in a property's value: a bare number, or {"value": ..., "unit": ...}. None where there is none."""
    if isinstance(value, dict):
        amount, unit = number(value.get("value")), value.get("unit")
        return None if amount is None else Quantity(amount, str(unit) if unit else default_unit)
    amount = number(value)
    return None if amount is None else Quantity(amount, default_unit)
