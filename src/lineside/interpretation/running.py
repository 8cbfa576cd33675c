"""What each line made when, read back only as far as is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from lineside.interpretation.wording import at
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import work_center
from lineside.plant.windows import Window

_INSTANT = timedelta(microseconds=1)
_STEPS = (timedelta(days=2), timedelta(days=30))  # most lines began something so shortly before
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Running:
    """The materials of the job orders that ran on each line."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._since = _NEVER
        self._changes: dict[str, list[tuple[datetime, str]]] = {}

    def at(self, equipment: str, moment: datetime) -> str | None:
        """What the line made at the moment, as far as its job orders tell."""
        line = work_center(equipment)
        for since in (*(moment - step for step in _STEPS), _EVER):
            if since < self._since:
                self._read(since)
            changes = self._changes.get(line, [])
            position = bisect_right([start for start, _ in changes], moment)
            if position:
                return changes[position - 1][1]
        return None

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
        jobs = {each.text for each in said} | {event.job_order for event in started if event.job_order}
        named = [Entity(EntityKind.JOB_ORDER, job) for job in sorted(jobs) if job]
        told = view.said(entities=named, properties=("material",))
        materials = {each.entity.id: each.text for each in told}
        found = defaultdict(list, self._changes)
        for each in said:
            if material := materials.get(each.text):
                found[work_center(each.entity.id)].append((each.occurred_at, material))
        for event in started:
            if event.equipment and (material := event.material or materials.get(event.job_order or "")):
                found[work_center(event.equipment)].append((at(event), material))
        self._changes = {line: sorted(changes) for line, changes in found.items()}
        self._since = since
