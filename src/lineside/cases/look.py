"""What a run of detection looks at: one view, one stretch of time, and what is read of them once."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from lineside.interpretation.facts import Facts, moment, plain_id
from lineside.memory import Statement, View
from lineside.plant.entities import Entity
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Event
from lineside.plant.windows import Window

_INSTANT = timedelta(microseconds=1)
_LONGEST = timedelta(days=2)  # a job order that was set up longer before the window is not looked for


@dataclass
class Look:
    """A view, and the stretch whose episodes are wanted: those that overlap it. Ends at the view's `as_of`."""

    view: View
    window: Window

    @cached_property
    def facts(self) -> Facts:
        return Facts(self.view)

    @cached_property
    def span(self) -> Window:
        """The window with its last instant, in which records are read."""
        return Window(start=self.window.start, end=self.view.as_of + _INSTANT)

    def events(self, *kinds: str) -> list[Event]:
        """The events of these kinds in the stretch, oldest first."""
        return self.view.events(kinds=kinds, within=self.span)

    def overlaps(self, began: datetime, ended: datetime | None) -> bool:
        """Whether it was so at some time of the stretch."""
        return began <= self.view.as_of and (ended is None or ended >= self.window.start)

    def history(self, kind: str, *properties: str) -> dict[Entity, list[Statement]]:
        """Everything that was ever said of these properties of things that were spoken of in the stretch, oldest first.

        What was said before the stretch, of a thing that nothing new was said of, is an older state and no episode.
        """
        fresh = self.view.statements(kind=kind, properties=properties, within=self.span)
        return self.history_of(dict.fromkeys(s.entity for s in fresh), *properties)

    def history_of(self, things: Iterable[Entity], *properties: str) -> dict[Entity, list[Statement]]:
        """Everything that was said of these properties of these things by now, oldest first."""
        wanted, found = list(things), defaultdict[Entity, list[Statement]](list)
        for said in self.view.statements(entities=wanted, properties=properties) if wanted else ():
            if said.occurred_at <= self.view.as_of:
                found[said.entity].append(said)
        return dict(found)

    def job_at(self, place: str, at: datetime) -> Entity | None:
        """The job order that the place's line was set up for then, as far as records tell."""
        starts = self._jobs.get(work_center(place), [])
        position = bisect_right([when for when, _ in starts], at)
        return Entity("job_order", starts[position - 1][1]) if position and starts[position - 1][1] else None

    @cached_property
    def _jobs(self) -> dict[str, list[tuple[datetime, str]]]:
        found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        reach = Window(start=self.window.start - _LONGEST, end=self.span.end)
        for event in self.view.events(kinds=("changeover_start", "started", "completed"), within=reach):
            if event.equipment and event.job_order:
                job = "" if event.kind == "completed" else event.job_order
                found[work_center(event.equipment)].append((event.provenance.occurred_at, job))
        for said in self.view.statements(kind="equipment", properties=("job_order",), within=reach):
            if name := plain_id(said.value, "job_order"):
                found[work_center(said.entity.id)].append((said.occurred_at, name))
        return {place: sorted(each, key=lambda row: row[0]) for place, each in found.items()}

    def lines_of(self, things: Iterable[Entity]) -> list[Entity]:
        """The sales order lines that job orders and lots are for, as they say themselves."""
        found = dict[Entity, None]()
        for thing in things:
            if thing.kind == "sales_order_line":
                found[thing] = None
            elif thing.kind == "job_order":
                found |= {line: None for line, _ in self.facts.linked(thing, "sales_order_line")}
            elif thing.kind == "lot":
                found |= {line: None for line, _ in self.facts.linked(thing, "sales_order_line")}
                found |= {
                    line: None for job, _ in self.facts.linked(thing, "job_order") for line in self.lines_of([job])
                }
        return list(found)

    def time(self, thing: Entity, name: str) -> datetime | None:
        """The moment that the word to go by states; None where there is none."""
        said = self.facts.best(thing, name)
        return moment(said.value) if said else None


def related(one: str, other: str) -> bool:
    """Whether one place lies in the other."""
    return bool(one and other) and (within(one, other) or within(other, one))


def first_after(events: Sequence[Event], began: datetime) -> Event | None:
    """The first of the events, oldest first, that came after that moment."""
    return next((e for e in events if e.provenance.occurred_at > began), None)
