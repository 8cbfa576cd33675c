"""What can repeat: stops, slow running, quality events, late picks, alarms; and the running hours they fall in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation.stops import Interval, Loss, intervals, running_seconds, tile
from lineside.interpretation.wording import at, rid, words
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import work_center
from lineside.plant.records import Event
from lineside.plant.windows import Window

KINDS = (
    "nonconformity", "hold_placed", "pick_late", "scrap", "alarm", "excursion", "complaint", "feed_stopped",
)  # fmt: skip
_LABELS = ("reason", "code", "characteristic", "parameter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One case of something that can repeat. label: what it is called; equal but for case and blanks is the same."""

    kind: str
    label: str
    equipment: str
    start: datetime
    end: datetime | None
    records: tuple[str, ...]
    text: str = ""
    material: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, " ".join(self.label.lower().split()), self.equipment)

    @property
    def words(self) -> frozenset[str]:
        return words(f"{self.kind.replace('_', ' ')} {self.label} {self.text} {self.equipment.replace('/', ' ')}")

    def seconds(self, until: datetime) -> float:
        return max(0.0, ((self.end or until) - self.start).total_seconds())


def occurrences(
    view: View,
    *,
    equipment: str | None = None,
    window: Window | None = None,
    running: dict[str, list[tuple[datetime, str]]] | None = None,
) -> list[Occurrence]:
    """Everything that can repeat and began in the window, oldest first; equipment includes what lies below it.

    running: what `running_material` found, where the caller has it already.
    """
    running = running_material(view) if running is None else running
    found = [
        _of_interval(i, running)
        for i in intervals(view, equipment, window)
        if i.loss in (Loss.STOP, Loss.SLOW) and (window is None or i.start in window)
    ]
    events = view.events(kinds=KINDS, equipment=equipment, within=window)
    found += [_of_event(e, running) for e in events if at(e) <= view.as_of]
    return sorted(found, key=lambda o: (o.start, o.records))


def running_material(view: View) -> dict[str, list[tuple[datetime, str]]]:
    """For each line the materials of its job orders, by the moment from which they ran, sorted."""
    materials = {s.entity.id: s.text for s in view.said(kind=EntityKind.JOB_ORDER, properties=("material",))}
    lines: dict[str, list[tuple[datetime, str]]] = {}
    for said in view.statements(kind=EntityKind.EQUIPMENT, properties=("job_order",)):
        if material := materials.get(said.text):
            lines.setdefault(work_center(said.entity.id), []).append((said.occurred_at, material))
    for event in view.events(kinds=("started",)):
        if event.equipment and (material := event.material or materials.get(event.job_order or "")):
            lines.setdefault(work_center(event.equipment), []).append((at(event), material))
    return {line: sorted(changes) for line, changes in lines.items()}


def material_at(running: dict[str, list[tuple[datetime, str]]], equipment: str, moment: datetime) -> str | None:
    """What the line made at the moment, as far as its job orders tell."""
    changes = running.get(work_center(equipment), [])
    position = bisect_right([start for start, _ in changes], moment)
    return changes[position - 1][1] if position else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Running hours of one line in a window, in all and for each shift, crew and material that they fall to."""

    hours: float
    shifts: int
    by: dict[str, dict[str, float]]


def exposure(
    view: View,
    window: Window,
    losses: Sequence[Interval],
    running: Sequence[tuple[datetime, str]],
) -> Exposure:
    """The hours in which a line was scheduled and not lost to its `losses`; with no shifts in the plant file, all.

    running: the line's materials over time, as `running_material` has them.
    """
    by: dict[str, dict[str, float]] = {"shift": {}, "crew": {}, "material": {}}
    slots = view.calendar.between(window.start, window.end)
    pieces = [(s.name, s.crew, max(s.start, window.start), min(s.end, window.end)) for s in slots]
    total = 0.0
    for name, crew, start, end in pieces or [("", None, window.start, window.end)]:
        if end <= start:
            continue
        slot = Window(start=start, end=end)
        near = [i for i in losses if i.start < end and (i.end is None or i.end > start)]
        slices = tile(near, slot)
        hours = running_seconds(slices) / 3600
        total += hours
        _add(by["shift"], name, hours)
        _add(by["crew"], crew, hours)
        for material, share in _shares(running, slot):
            _add(by["material"], material, hours * share)
    return Exposure(hours=total, shifts=len(pieces), by=by)


def _shares(running: Sequence[tuple[datetime, str]], slot: Window) -> Iterable[tuple[str, float]]:
    if not slot.seconds:
        return
    for position, (start, material) in enumerate(running):
        until = running[position + 1][0] if position + 1 < len(running) else slot.end
        seconds = (min(until, slot.end) - max(start, slot.start)).total_seconds()
        if seconds > 0:
            yield material, seconds / slot.seconds


def _add(hours: dict[str, float], level: str | None, amount: float) -> None:
    if level:
        hours[level] = hours.get(level, 0.0) + amount


def _of_interval(interval: Interval, running: dict[str, list[tuple[datetime, str]]]) -> Occurrence:
    return Occurrence(
        kind=str(interval.loss),
        label=interval.why,
        equipment=interval.equipment,
        start=interval.start,
        end=interval.end,
        records=interval.records,
        text=interval.text,
        material=interval.material or material_at(running, interval.equipment, interval.start),
    )


def _of_event(event: Event, running: dict[str, list[tuple[datetime, str]]]) -> Occurrence:
    label = next((str(event.attributes[n]) for n in _LABELS if event.attributes.get(n)), event.text)
    place = event.equipment or (str(Entity(EntityKind.MATERIAL, event.material)) if event.material else "")
    return Occurrence(
        kind=event.kind,
        label=label,
        equipment=place,
        start=at(event),
        end=at(event) + timedelta(0),
        records=(rid(event),),
        text=event.text,
        material=event.material or (material_at(running, event.equipment, at(event)) if event.equipment else None),
    )
