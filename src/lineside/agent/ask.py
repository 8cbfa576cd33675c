"""What one part of a question asks, and the names that it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lineside.agent.cues import Intent
from lineside.agent.ids import Ids, Unknown
from lineside.agent.places import NoPlace, Places
from lineside.agent.topics import Topics
from lineside.plant.entities import Entity
from lineside.plant.plant import Person, Plant
from lineside.plant.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Everything that this reader's memory and the plant file give a name."""

    plant: Plant
    ids: Ids
    places: Places
    topics: Topics
    sources: tuple[str, ...]
    works: Topics | None = None  # maintenance and inspections, by what they are to do


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One thing asked. places: equipment paths. unclear: words that several things answer to. topic: the words that
    nothing else explains; subject: all that say what it is about, names included.
    elsewhere: words for what no plant's memory holds. read_as: how loose words were taken.
    """

    text: str
    at: datetime
    intent: Intent | None
    scores: Mapping[Intent, float]
    raw: Mapping[Intent, float] = field(default_factory=dict)  # before the named things were weighed in
    entities: tuple[Entity, ...] = ()
    places: tuple[str, ...] = ()
    window: Window | None = None
    window_said: bool = False
    windows: tuple[Window, ...] = ()  # further ones, to be answered as well
    unknown: tuple[Unknown, ...] = ()
    no_places: tuple[NoPlace, ...] = ()
    unclear: tuple[tuple[str, tuple[str, ...]], ...] = ()
    properties: tuple[str, ...] = ()
    happenings: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    axis: str | None = None
    purpose: str | None = None
    wish: str = ""  # the action that it asks for
    sources: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    topic: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    words: frozenset[str] = field(default_factory=frozenset)
    means: frozenset[str] = field(default_factory=frozenset)  # the concepts of the words
    read_as: tuple[str, ...] = ()

    @property
    def place(self) -> str | None:
        return self.places[0] if self.places else None

    def of_kind(self, *kinds: str) -> tuple[Entity, ...]:
        return tuple(entity for entity in self.entities if entity.kind in kinds)
