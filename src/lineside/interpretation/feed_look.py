"""A change of a feed, the time that is looked at, and the columns that it is looked for in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from lineside.interpretation.sentinel_rules import SentinelRules
from lineside.memory.columns import Said
from lineside.plant.records import Json

DAY = timedelta(days=1)
CITED = 3  # records shown on either side
OWN = 3  # from so many on something has a usual value


class What(StrEnum):
    """What changed; the gravest first."""

    UNKNOWN_CODE = "unknown code"
    UNIT = "unit"
    STOPPED = "stopped"
    VANISHED = "vanished"
    RENAMED_CODE = "renamed code"
    SIZE = "size"  # only a suspicion
    MIX = "mix"
    CADENCE = "cadence"
    APPEARED = "appeared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One change. about: the property; for events and whole kinds of report empty. was, now: in words.

    chance: how likely it would be without a change, corrected; None where that is no question. entities: what it was
    seen on, newest first. cites: records before, then after.
    """

    what: What
    source: str
    kind: str
    about: str
    was: str
    now: str
    since: datetime
    cites: tuple[str, ...]
    entities: tuple[str, ...] = ()
    chance: float | None = None


Seen: TypeAlias = Callable[[str, str, str, datetime], Sequence[Json]]
"""What a source said of a property of a kind before a time, however long ago: the values."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is looked at: what began from `start` on is told, what was before teaches."""

    first: datetime
    start: datetime
    end: datetime
    rules: SentinelRules


Columns: TypeAlias = Mapping[tuple[str, str, str], Sequence[Said]]
"""What was said, by source, kind and property, oldest first."""


def ids(said: Sequence[Said]) -> tuple[str, ...]:
    """The first few records."""
    return tuple(dict.fromkeys(s.record_id for s in said))[:CITED]


def entities(said: Sequence[Said]) -> tuple[str, ...]:
    """What was spoken of, newest first."""
    return tuple(dict.fromkeys(f"{s.kind}:{s.entity}" for s in reversed(said)))
