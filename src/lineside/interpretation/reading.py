"""What every interpretation returns: a verdict, findings and what they rest on, what speaks against, what lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from lineside.plant.plant import Plant
from lineside.plant.records import Json
from lineside.plant.windows import Window


class Kind(StrEnum):
    """How sure a statement is, kept apart on every face."""

    FACT = "fact"  # a source says so, word for word
    DERIVED = "derived"  # computed by code from what it cites
    CLAIMED = "claimed"  # a person wrote so
    GUESSED = "guessed"  # a cause or a forecast that no record states


@dataclass(frozen=True, slots=True)
class PlantFact:
    """Something the plant file says. key: where, as in `shifts.night`; text: what it says, quotable."""

    key: str
    text: str


Cite: TypeAlias = str | PlantFact
"""A record's id, or a fact of the plant file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence and what it rests on. A derived finding cites its inputs.

    text: plain English, ids as their systems write them, times local to the plant. At least one cite.
    data: the figures behind the sentence, for charts and tests.
    """

    text: str
    kind: Kind
    cites: tuple[Cite, ...]
    data: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.cites:
            raise ValueError(f"a finding must rest on something: {self.text!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The outcome of one interpretation. verdict: the answer itself, one sentence, resting on the findings.

    No findings means that the records don't say; then `missing` tells what would be needed. next_steps: what a person
    could do now, each starting with a verb.
    """

    verdict: str
    findings: tuple[Finding, ...] = ()
    against: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    window: Window | None = None
    data: Mapping[str, Json] = field(default_factory=dict)


def clock(moment: datetime, plant: Plant, *, day: bool | None = None, relative_to: datetime | None = None) -> str:
    """`14:05 CST`, with the date in front where `day` is true or the day differs from `relative_to`'s."""
    local = moment.astimezone(plant.time_zone)
    if day is None:
        day = relative_to is None or relative_to.astimezone(plant.time_zone).date() != local.date()
    return local.strftime("%Y-%m-%d %H:%M %Z" if day else "%H:%M %Z")
