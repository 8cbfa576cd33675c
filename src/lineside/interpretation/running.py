"""Which job orders ran on each line, and what they made, read back only as far as is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lineside.interpretation.wording import at
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import work_center
from lineside.plant.records import Event
from lineside.plant.windows import Window

Changes = list[tuple[datetime, str]]
"""A level from each moment on, until the next; sorted."""
_INSTANT = timedelta(microseconds=1)
_STEPS = (timedelta(days=2), timedelta(days=30))  # most lines began something so shortly before
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def running_on(view: View) -> Running:
    """What ran on each line, read once for a view."""
    found: Running = view.kept.setdefault("what ran on lines", Running(view))
    return found


class Running:
    """The job orders that ran on each line, and their materials."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._since = _NEVER
        self._changes: dict[str, Changes] = {}
        self._jobs: dict[str, Changes] = {}

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
        heard = {*self._jobs, *self._changes}
        said = self._view.said(kind=EntityKind.EQUIPMENT, properties=("job_order",))
        said = [each for each in said if work_center(each.entity.id) not in heard]
        declared = {line for e in self._view.plant.equipment if (line := work_center(e.id)).count("/") == 2}
        started = []
        for line in sorted({*declared, *(work_center(each.entity.id) for each in said)} - heard):
            started += self._view.events(kinds=("started",), equipment=line, newest_first=True, limit=1)
        self._add(said, started)
        for line, changes in list(self._changes.items()):
            if changes[0][0] > since:
                self.at(line, since)

    def _read(self, since: datetime) -> None:
        """Back to then, and at least as far again as was read before: few readings reach far."""
        view = self._view
        if since > _EVER and self._since < view.as_of:
            since = min(since, self._since - (view.as_of - self._since))
        said = view.statements(
            kind=EntityKind.EQUIPMENT, properties=("job_order",), within=Window(start=since, end=self._since)
        )
        until = min(self._since, view.as_of + _INSTANT)
        within = Window(start=min(since, until), end=until)
        started = [event for event in view.events(kinds=("started",), within=within) if event.equipment]
        self._add(said, started)
        self._since = since

    def _add(self, said: Sequence[Statement], started: Sequence[Event]) -> None:
        named = {each.text for each in said} | {event.job_order for event in started if event.job_order}
        told = self._view.said(
            entities=[Entity(EntityKind.JOB_ORDER, job) for job in sorted(named) if job], properties=("material",)
        )
        materials = {each.entity.id: each.text for each in told}
        made: dict[str, set[tuple[datetime, str]]] = defaultdict(set)
        jobs: dict[str, set[tuple[datetime, str]]] = defaultdict(set)
        for each in said:
            line = work_center(each.entity.id)
            jobs[line].add((each.occurred_at, each.text))
            if material := materials.get(each.text):
                made[line].add((each.occurred_at, material))
        for event in started:
            if not event.equipment:
                continue
            line = work_center(event.equipment)
            if event.job_order:
                jobs[line].add((at(event), event.job_order))
            if material := event.material or materials.get(event.job_order or ""):
                made[line].add((at(event), material))
        for known, found in ((self._changes, made), (self._jobs, jobs)):
            for line, changes in found.items():
                known[line] = sorted({*known.get(line, ()), *changes})


def _start(change: tuple[datetime, str]) -> datetime:
    return change[0]
