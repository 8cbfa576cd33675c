"""What was read out of a text that a person wrote at work: proposed, not yet true; every field points at its words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lineside.plant.records import Json


class CaptureKind(StrEnum):
    """What a text is."""

    NOTE = "note"
    DECISION = "decision"
    OUTCOME = "outcome"
    REQUEST = "request"


class Field(StrEnum):
    """What a text may tell. The value's form is beside each."""

    WHAT = "what"  # words
    EQUIPMENT = "equipment"  # a path
    THING = "thing"  # kind:id
    BEGAN = "began"  # RFC 3339
    ENDED = "ended"  # RFC 3339
    CAUSE = "cause"  # words
    ACTION = "action"  # words
    DURATION = "duration"  # number and unit
    QUANTITY = "quantity"  # number and unit
    CHOICE = "choice"  # words
    DECIDED_BY = "decided_by"  # a person's id, or words
    RATIONALE = "rationale"  # words
    HOLDS_UNTIL = "holds_until"  # RFC 3339, or words
    ASSUMPTION = "assumption"  # words
    OUTCOME = "outcome"  # words
    OF = "of"  # the record id of the decision that an outcome is of


SEVERAL = frozenset((Field.EQUIPMENT, Field.THING, Field.ACTION, Field.DURATION, Field.QUANTITY, Field.ASSUMPTION))
"""Fields that may occur more than once."""


@dataclass(frozen=True, slots=True)
class Meant:
    """One reading of some words: the value to keep, and how a person reads it."""

    value: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """A field read from text[start:end]. readings: one where the words leave no choice, else all that they may mean,
    none preferred. by: `words` (as written), `plant` (the plant file), `records`, `clock` (the plant's)."""

    field: Field
    start: int
    end: int
    readings: tuple[Meant, ...]
    by: str = "words"

    @property
    def value(self) -> str | None:
        """What it is; None where the words leave a choice."""
        return self.readings[0].value if len(self.readings) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKnown:
    """Words that look like an id or a place and are none that is known. nearest: what may have been meant; told, never
    taken."""

    words: str
    start: int
    end: int
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """The structure proposed for a text. at: the moment its times were read at, aware. kinds: the most likely first; a
    plain note where nothing says otherwise. of: decisions that an outcome may be of, newest first."""

    text: str
    at: datetime
    kinds: tuple[CaptureKind, ...]
    fields: tuple[Inferred, ...] = ()
    unknown: tuple[NotKnown, ...] = ()
    of: tuple[Meant, ...] = ()

    @property
    def kind(self) -> CaptureKind:
        return self.kinds[0]

    @property
    def settled(self) -> tuple[tuple[Field, str], ...]:
        """What can be confirmed as it stands: each field with one reading, the first where there is room for one."""
        found: list[tuple[Field, str]] = []
        for each in self.fields:
            if each.value is None or (each.field not in SEVERAL and any(field is each.field for field, _ in found)):
                continue
            found.append((each.field, each.value))
        if len(self.of) == 1:
            found.append((Field.OF, self.of[0].value))
        return tuple(found)

    def to_json(self) -> dict[str, Json]:
        """Everything, with the words that each field points at."""
        return {
            "text": self.text,
            "at": self.at.isoformat(),
            "kind": str(self.kind),
            "kinds": [str(kind) for kind in self.kinds],
            "fields": [
                {
                    "field": str(each.field),
                    "value": each.value,
                    "readings": [{"value": one.value, "shown": one.shown} for one in each.readings],
                    "inferred": True,
                    "by": each.by,
                    "start": each.start,
                    "end": each.end,
                    "words": self.text[each.start : each.end],
                }
                for each in self.fields
            ],
            "unknown": [
                {"words": each.words, "start": each.start, "end": each.end, "nearest": list(each.nearest)}
                for each in self.unknown
            ],
            "of": [{"value": one.value, "shown": one.shown} for one in self.of],
        }
