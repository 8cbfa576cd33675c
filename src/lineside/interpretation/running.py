"""Which job orders ran on each line, and what they made, read back only as far as is asked for."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lineside.interpretation.wording import at
from lineside.memory import Statement, View
from lineside.memory.moments import moment as from_stored
from lineside.memory.picked import picked, places_of
from lineside.memory.telling import words_now
from lineside.plant.entities import EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.windows import Window

Changes = list[tuple[datetime, str]]
"""A level from each moment on, until the next; sorted."""
_INSTANT = timedelta(microseconds=1)
_BEGUN = ("started",)
_TOLD = ("equipment", "job_order", "material")
_STEPS = (timedelta(days=2), timedelta(days=30))  # most lines began something so shortly before
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def running_on(view: View) -> Running:
    """What ran on each line, read once for a view."""
    found: Running = view.kept.setdefault("what ran on lines", Running(view))
    return found


class _Started(NamedTuple):
    """That something was begun: what an event at these places tells."""

    at: datetime
    equipment: str | None
    job_order: str | None
    material: str | None


class Running:
    """The job orders that ran on each line, and their materials."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._since = _NEVER
        self._changes: dict[str, Changes] = {}
        self._jobs: dict[str, Changes] = {}
        self._places: list[str] | None = None  # on which anything was ever begun
        self._silent: set[str] = set()  # of these lines nothing more is to be found

    def at(self, equipment: str, moment: datetime) -> str | None:
        """What the line made at the moment, as far as its job orders tell."""
        line = work_center(equipment)
        for since in (*(moment - step for step in _STEPS), _EVER):
            if since < self._since:
                self._read(since)
            changes = self._changes.get(line, [])
            position = bisect_right(changes, moment, key=_start)
            if position:
                return changes[position - 1][1]
        return None

    def materials(self, since: datetime) -> dict[str, Changes]:
        """For each line what it made, by the moment from which it did, sorted: from `since` on, and what ran then."""
        self._reach(since)
        return self._changes

    def jobs(self, since: datetime) -> dict[str, Changes]:
        """For each line the job orders by the moment from which they ran, likewise; the same one goes on."""
        self._reach(since)
        begun: dict[str, Changes] = {}
        for line, changes in self._jobs.items():
            begun[line] = [c for n, c in enumerate(changes) if c[1] and (n == 0 or changes[n - 1][1] != c[1])]
        return begun

    def _reach(self, since: datetime) -> None:
        if since < self._since:
            self._read(since)
        # A line that nothing was said of since then still runs what was said of it last.
        heard = {*self._jobs, *self._changes, *self._silent}
        said = self._view.said(kind=EntityKind.EQUIPMENT, properties=("job_order",))
        said = [each for each in said if work_center(each.entity.id) not in heard]
        declared = {line for e in self._view.plant.equipment if (line := work_center(e.id)).count("/") == 2}
        unheard = sorted({*declared, *(work_center(each.entity.id) for each in said)} - heard)
        self._silent.update(unheard)
        self._add(said, [start for line in unheard for start in self._last(line)])
        for line, changes in list(self._changes.items()):
            if changes[0][0] > since:
                self.at(line, since)

    def _last(self, line: str) -> list[_Started]:
        """What began on the line last, if anything ever did."""
        if self._places is None:
            self._places = places_of(self._view, _BEGUN)
        if not any(within(place, line) for place in self._places):
            return []
        found = self._view.events(kinds=_BEGUN, equipment=line, newest_first=True, limit=1)
        return [_Started(at(event), event.equipment, event.job_order, event.material) for event in found]

    def _read(self, since: datetime) -> None:
        """Back to then, and at least as far again as was read before: few readings reach far."""
        view = self._view
        if since > _EVER and self._since < view.as_of:
            since = min(since, self._since - (view.as_of - self._since))
        said = view.statements(
            kind=EntityKind.EQUIPMENT, properties=("job_order",), within=Window(start=since, end=self._since)
        )
        until = min(self._since, view.as_of + _INSTANT)
        near = Window(start=min(since, until), end=until)
        rows = picked(view, _BEGUN, _TOLD, within=near)
        self._add(said, [_Started(from_stored(when), *json.loads(told)) for _, _, _, _, when, _, told in rows])
        self._since = since

    def _add(self, said: Sequence[Statement], started: Sequence[_Started]) -> None:
        started = [each for each in started if each.equipment]
        named = {each.text for each in said} | {each.job_order for each in started if each.job_order}
        told = words_now(self._view, EntityKind.JOB_ORDER, ("material",), of=sorted(named - {""})) if named else ()
        materials = {each.entity: each.text for each in told}
        made: dict[str, set[tuple[datetime, str]]] = defaultdict(set)
        jobs: dict[str, set[tuple[datetime, str]]] = defaultdict(set)
        for each in said:
            line = work_center(each.entity.id)
            jobs[line].add((each.occurred_at, each.text))
            if material := materials.get(each.text):
                made[line].add((each.occurred_at, material))
        for start in started:
            line = work_center(start.equipment or "")
            if start.job_order:
                jobs[line].add((start.at, start.job_order))
            if material := start.material or materials.get(start.job_order or ""):
                made[line].add((start.at, material))
        for known, found in ((self._changes, made), (self._jobs, jobs)):
            for line, changes in found.items():
                known[line] = sorted({*known.get(line, ()), *changes})


def _start(change: tuple[datetime, str]) -> datetime:
    return change[0]
