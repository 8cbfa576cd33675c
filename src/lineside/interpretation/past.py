"""What moved and what was stated before, read once for every figure of a reading."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import datetime, timedelta
from functools import cached_property

from lineside.interpretation.facts import Facts
from lineside.interpretation.holds import Hold, holds
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.records import Event, Provenance
from lineside.plant.windows import Window

INTO = ("goods_receipt", "production")
OUT_OF = ("goods_issue", "consumption", "scrap")
WITHIN = ("transfer", "staged")
KINDS = (*INTO, *OUT_OF, *WITHIN, "count")


class Past:
    """The material movements by what they move, and the history of stated figures.

    floor: nothing before it is looked at, for a reading that goes through a whole warehouse; None for no bound.
    told_by: what was told later is left out; None for all that the view sees.
    """

    def __init__(self, facts: Facts, *, floor: datetime | None = None) -> None:
        self.facts, self.floor = facts, floor
        self.told_by: datetime | None = None
        self._events: list[Event] = []
        self._from: datetime | None = None
        self._times: list[datetime] = []
        self._habits: dict[tuple[str, str], list[datetime]] = {}
        self._named: dict[tuple[str, str], list[int]] = {}
        self._stated: dict[Entity, list[Statement]] = {}

    @cached_property
    def holds(self) -> list[Hold]:
        """Every hold known."""
        return holds(self.facts)

    def as_told_by(self, moment: datetime) -> Past:
        """The same past as it could be known at that moment: nothing is read again."""
        self._load(self.facts.view.as_of if self.floor is None else self.floor)
        earlier = copy(self)
        earlier.told_by = moment
        return earlier

    def movements(self, since: datetime, names: Iterable[tuple[str, str]]) -> list[Event]:
        """Those since then that name any of these, as (material, lot or job_order, id in lower case), in order."""
        first = bisect_left(self._times, self._load(since))
        places = {place for name in names for place in self._named.get(name, ()) if place >= first}
        found = (self._events[place] for place in sorted(places))
        return [event for event in found if self._told(event.provenance)]

    def habits(self, since: datetime) -> dict[tuple[str, str], datetime]:
        """When, since then, each source first posted each kind of movement, of whatever material."""
        start = self._load(since)
        found = {habit: bisect_left(times, start) for habit, times in self._habits.items()}
        first = {habit: self._habits[habit][at] for habit, at in found.items() if at < len(self._habits[habit])}
        return {habit: at for habit, at in first.items() if self.told_by is None or at <= self.told_by}

    def read(self, entities: Iterable[Entity], names: Sequence[str]) -> None:
        """The history of these properties is read at once, for a reading of many things."""
        wanted = sorted({entity for entity in entities if entity not in self._stated})
        self._stated |= {entity: [] for entity in wanted}
        within = None if self.floor is None else self._since(self.floor)
        for said in self.facts.view.statements(entities=wanted, properties=names, within=within) if wanted else ():
            self._stated[said.entity].append(said)

    def stated(self, entities: Iterable[Entity], names: Sequence[str]) -> list[Statement]:
        """Everything that was said of these properties, in no order."""
        wanted = sorted(set(entities))
        if all(entity in self._stated for entity in wanted):
            said = [each for entity in wanted for each in self._stated[entity] if each.property in names]
        else:
            said = self.facts.view.statements(entities=wanted, properties=names)
        return [each for each in said if self._told(each)]

    def _told(self, what: Provenance | Statement) -> bool:
        return self.told_by is None or max(what.occurred_at, what.reported_at) <= self.told_by

    def _load(self, since: datetime) -> datetime:
        since = min(since if self.floor is None else max(since, self.floor), self.facts.view.as_of)
        if self._from is not None and self._from <= since:
            return since
        self._from = since if self.floor is None else self.floor
        self._events = self.facts.view.events(kinds=KINDS, within=self._since(self._from))
        self._times = [event.provenance.occurred_at for event in self._events]
        habits: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        named: dict[tuple[str, str], list[int]] = defaultdict(list)
        for place, event in enumerate(self._events):
            habits[event.provenance.source, event.kind].append(event.provenance.occurred_at)
            for kind in ("material", "lot", "job_order"):
                if name := getattr(event, kind) or event.attributes.get(kind):
                    named[kind, str(name).casefold()].append(place)
        self._habits, self._named = habits, named
        return since

    def _since(self, start: datetime) -> Window:
        return Window(start=start, end=self.facts.view.as_of + timedelta(microseconds=1))
