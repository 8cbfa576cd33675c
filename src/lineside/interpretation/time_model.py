"""The time and quantity elements of ISO 22400-2, for each line and shift: what key figures are made of.

Every second of a shift falls to exactly one of: production, setup, delay, not allocated, unheard. What no record tells
of is unheard, never production.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise

from lineside.interpretation import waiting
from lineside.interpretation.gap import counted_by, kind_of, rejects
from lineside.interpretation.output import (
    Count,
    Mark,
    Rate,
    Step,
    jobs_on,
    planned_span,
    preferred,
    rates_said,
    target_rate,
)
from lineside.interpretation.stops import Interval, Loss, Slice, intervals, tile
from lineside.interpretation.wording import at, bounded, rid
from lineside.memory import SourceState, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.windows import Window

PARTS = ("production", "setup", "delay", "not allocated", "unheard")
_AROUND = timedelta(hours=2)  # a booking tells of the time before it: those around the window bound what is in it
_BEGINS = ("started", "changeover_start", "production")
_SIGNS = ("stop", "start", "slow", "changeover_start", "changeover_end", "started", "completed", "production")
_LOOK_BACK = timedelta(days=14)
_DAY = timedelta(days=1)
_OPEN_SINCE = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One line, or one work unit, in one shift. parts: the seconds of PARTS; they sum to the window's.

    elements: as the pack names them, in seconds and units; those that no record tells of are left out. shift, crew:
    empty where the plant has none. counted, rated: the seconds that the counts, and counts and target, tell of.
    planned_rate: the target is that of a plan. rate_since: first reported then, it is taken for the time before.
    """

    equipment: str
    window: Window
    shift: str = ""
    crew: str = ""
    day: date | None = None
    parts: dict[str, float]
    elements: dict[str, float]
    unit: str = ""
    counted: float = 0.0
    rated: float = 0.0
    planned_rate: bool = False
    rate_since: datetime | None = None
    cites: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    open_stops: int = 0

    @property
    def heard(self) -> bool:
        return self.parts["unheard"] < self.window.seconds


def cells(view: View, equipment: str, window: Window) -> list[Cell]:
    """The shifts of the window on that equipment, those that began by `as_of`, cut to both. Without shifts in the
    plant file the planned times of its job orders stand for them, else the window itself."""
    window = replace(window, end=max(window.start, min(window.end, view.as_of)))
    if window.seconds <= 0:
        return []
    line = _Line.read(view, equipment, window)
    return [line.cell(piece) for piece in _planned(view, equipment, window)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    window: Window
    shift: str = ""
    crew: str = ""
    day: date | None = None
    busy: bool = True  # whether the plant file or a plan says that it was to work then
    records: tuple[str, ...] = ()


def _planned(view: View, equipment: str, window: Window) -> Iterator[_Piece]:
    slots = view.calendar.between(window.start, window.end)
    if view.plant.shifts:
        edges = {window.start, window.end} | {t for s in slots for t in (s.start, s.end)}
        for start, end in pairwise(sorted(e for e in edges if window.start <= e <= window.end)):
            # Where shifts overlap, a moment belongs to the one that began last.
            slot = view.calendar.at(start)
            if slot is not None:
                label = Window(start=start, end=end, label=slot.label, shift=slot.label)
                yield _Piece(window=label, shift=slot.name, crew=slot.crew or "", day=slot.day)
        return
    spans = [s for job in jobs_on(view, work_center(equipment), window) if (s := planned_span(view, job))]
    reached = window.start
    for span in sorted(spans, key=lambda s: s.start):
        start, end = max(span.start, reached), min(span.end, window.end)
        if start < end:
            yield _Piece(window=Window(start=start, end=end, label=window.label), records=span.records)
            reached = end
    if not spans:
        yield _Piece(window=window, busy=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """All that is read of one line for all of its shifts."""

    equipment: str
    losses: Sequence[Interval]
    away: Sequence[tuple[datetime, datetime]]
    unheard: Sequence[tuple[datetime, datetime]]
    good: Count | None
    scrap: Count | None
    rate: Rate | None
    sources: tuple[str, ...] = ()
    unit: str = ""
    signs: tuple[tuple[datetime, str], ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, view: View, equipment: str, window: Window) -> _Line:
        wide = Window(start=window.start - _AROUND, end=min(view.as_of, window.end + _AROUND))
        losses = waiting.told(view, intervals(view, equipment, wide))
        is_line = equipment == work_center(equipment)
        good = counted_by(view, equipment, wide)[0]
        if good is not None and not is_line and good.equipment != equipment:
            good = None  # what the line counts is not what its unit made
        scrap = _scrap(view, good, equipment, wide) if good else None
        signs = _signs(view, equipment, wide)
        away = list(_unallocated(view, equipment, wide, good))
        if good is not None:
            idle = (*away, *_unheard(view, wide, signs, set()))
            ran = [(s.start, s.end) for s in _cut(tile(losses, wide), idle) if _runs(s, idle)]
            good, scrap = _along(good, ran), _along(scrap, ran) if scrap else None
        sources = {i.source for i in losses} | ({good.source} if good else set()) | {s for _, _, s in signs}
        return cls(
            equipment=equipment,
            losses=losses,
            away=away,
            unheard=list(_unheard(view, window, signs, sources)),
            good=good,
            scrap=scrap,
            rate=_rate(view, equipment, wide) if good else None,
            sources=tuple(sorted(filter(None, sources))),
            unit=_unit(view, good),
            signs=tuple((at_, record) for at_, record, _ in signs),
        )

    def cell(self, piece: _Piece) -> Cell:
        window = piece.window
        near = [i for i in self.losses if i.start < window.end and (i.end is None or i.end > window.start)]
        slices = _cut(tile(near, window), (*self.away, *self.unheard))
        spent = [(s, self._part(s)) for s in slices]
        parts = dict.fromkeys(PARTS, 0.0)
        for each, part in spent:
            parts[part] += each.seconds
        elements = {"APT": parts["production"], "AUST": parts["setup"], "ADET": parts["delay"]}
        elements["AUPT"] = elements["APT"] + elements["AUST"]
        elements["AUBT"] = elements["AUPT"] + elements["ADET"]
        if piece.busy:
            elements["PBT"] = window.seconds - parts["unheard"]
        own = [i for i in near if kind_of(i) == "stops" and i.start in window]
        ended = [i for i in own if i.end is not None]
        elements |= {"FE": float(len(ended)), "TTR": sum(i.seconds(window.end) for i in ended)}
        if parts["unheard"] >= window.seconds:
            elements = {}
        counted, rated = self._quantities(window, spent, elements) if elements else (0.0, 0.0)
        return Cell(
            equipment=self.equipment,
            window=window,
            shift=piece.shift,
            crew=piece.crew,
            day=piece.day,
            parts=parts,
            elements=elements,
            unit=self.unit,
            counted=counted,
            rated=rated,
            planned_rate=bool(self.rate and self.rate.plan),
            rate_since=self._taken_before(window),
            cites=self._cites(window, near, piece.records),
            sources=self.sources,
            open_stops=len(own) - len(ended),
        )

    def _taken_before(self, window: Window) -> datetime | None:
        first = self.rate.first_said if self.rate else None
        return first if first and first > window.start else None

    def _part(self, piece: Slice) -> str:
        middle = piece.start + (piece.end - piece.start) / 2
        if any(a <= middle < b for a, b in self.unheard):
            return "unheard"
        loss = piece.interval.loss if piece.interval else None
        if loss in (None, Loss.SLOW, Loss.IDLE) and any(a <= middle < b for a, b in self.away):
            return "not allocated"
        match loss:
            case None | Loss.SLOW:
                return "production"
            case Loss.CHANGEOVER:
                return "setup"
            case Loss.IDLE if piece.interval is not None and piece.interval.waits_for == "orders":
                return "not allocated"
            case Loss.STOP | Loss.IDLE | Loss.MAINTENANCE:
                return "delay"

    def _quantities(
        self, window: Window, spent: Sequence[tuple[Slice, str]], elements: dict[str, float]
    ) -> tuple[float, float]:
        """Adds what was made, and the time that it is to be set against, as far as both are told."""
        if self.good is None:
            return 0.0, 0.0
        start, end = max(window.start, self.good.marks[0].at), min(window.end, self.good.marks[-1].at)
        if end <= start:
            return 0.0, 0.0
        elements["GQ"] = self.good.made(start, end)
        if self.scrap is not None:
            elements["SQ"] = self.scrap.made(start, end)
            elements["PQ"] = elements["GQ"] + elements["SQ"]
            elements["AOET"] = sum(_within(s, start, end) for s, part in spent if part in PARTS[:3])
        return (end - start).total_seconds(), self._against_target(start, end, spent, elements)

    def _against_target(
        self, start: datetime, end: datetime, spent: Sequence[tuple[Slice, str]], elements: dict[str, float]
    ) -> float:
        if self.rate is None or self.good is None or self.scrap is None:
            return 0.0
        start = max(start, self.rate.steps[0].start)
        end = min(end, self.rate.end or end)
        running = [(max(s.start, start), min(s.end, end)) for s, part in spent if part == "production"]
        running = [(a, b) for a, b in running if a < b]
        due = sum(self.rate.units(a, b) for a, b in running)
        if end <= start or due <= 0:
            return 0.0
        elements["APTQ"] = sum((b - a).total_seconds() for a, b in running)
        elements["PRPQ"] = elements["APTQ"] * (self.good.made(start, end) + self.scrap.made(start, end)) / due
        return (end - start).total_seconds()

    def _cites(self, window: Window, near: Sequence[Interval], more: Sequence[str]) -> tuple[str, ...]:
        told = [*more]
        for known in (self.good, self.scrap, self.rate):
            told += known.cites(window) if known else ()
        told += [r for i in near for r in i.records[:2]]
        return bounded(dict.fromkeys(told)) or tuple(r for _, r in self.signs[-1:])


def _runs(piece: Slice, idle: Sequence[tuple[datetime, datetime]]) -> bool:
    covered = any(a <= piece.start and piece.end <= b for a, b in idle)
    return not covered and (piece.interval is None or piece.interval.loss is Loss.SLOW)


def _along(count: Count, ran: Sequence[tuple[datetime, datetime]]) -> Count:
    """The same count, growing between two readings only while the line ran: nothing is made while it stands."""
    marks, starts = [count.marks[0]], [a for a, _ in ran]
    for left, right in pairwise(count.marks):
        first = max(0, bisect_right(starts, left.at) - 1)
        inside = [(max(a, left.at), min(b, right.at)) for a, b in ran[first : bisect_left(starts, right.at)]]
        inside = [(a, b) for a, b in inside if a < b]
        whole = sum((b - a).total_seconds() for a, b in inside)
        done = 0.0
        for a, b in inside:
            for moment, spent in ((a, 0.0), (b, (b - a).total_seconds())):
                done += spent
                if marks[-1].at < moment < right.at:
                    made = left.total + (right.total - left.total) * done / whole
                    marks.append(Mark(moment, made, right.record))
        marks.append(right)
    return replace(count, marks=tuple(marks))


def _within(piece: Slice, start: datetime, end: datetime) -> float:
    return max(0.0, (min(piece.end, end) - max(piece.start, start)).total_seconds())


def _cut(slices: Sequence[Slice], stretches: Sequence[tuple[datetime, datetime]]) -> list[Slice]:
    """The slices, cut where one of the stretches begins or ends."""
    edges = sorted({t for stretch in stretches for t in stretch})
    found = []
    for piece in slices:
        inner = [e for e in edges if piece.start < e < piece.end]
        found += [Slice(a, b, piece.interval) for a, b in pairwise((piece.start, *inner, piece.end))]
    return found


def _unallocated(view: View, equipment: str, window: Window, good: Count | None) -> Iterator[tuple[datetime, datetime]]:
    """The stretches between the end of the last open job order on the line and the next sign of work there."""
    line = work_center(equipment)
    # What is still open from before the window keeps the line allocated.
    before = replace(window, start=window.start - _OPEN_SINCE)
    events = view.events(kinds=("completed", *_BEGINS), equipment=line, within=before)
    running = [
        s.occurred_at
        for s in view.statements(entity=Entity(EntityKind.EQUIPMENT, line), properties=("state",), within=window)
        if s.text.strip().lower() == "running"
    ]
    grown = [b.at for a, b in pairwise(good.marks) if b.total > a.total] if good else []
    begins = sorted([*(at(e) for e in events if e.kind in _BEGINS), *running, *grown])
    is_open: set[str] = set()
    for event in events:
        job = event.job_order or ""
        if event.kind == "started":
            is_open.add(job)
        elif event.kind == "completed":
            is_open.discard(job)
            if not is_open:
                following = next((b for b in begins if b > at(event)), window.end)
                yield at(event), following


def _signs(view: View, equipment: str, window: Window) -> list[tuple[datetime, str, str]]:
    """The first and the last sign of the line up to the window's end: when, by which record and source."""
    line = work_center(equipment)
    near = Window(start=window.start - _LOOK_BACK, end=window.end + timedelta(microseconds=1))
    found = []
    for newest in (False, True):
        seen = view.events(kinds=_SIGNS, equipment=line, within=near, newest_first=newest, limit=1)
        found += [(at(e), rid(e), e.provenance.source) for e in seen]
    for back in (_DAY, _LOOK_BACK):
        # Only a line without events is asked for its states, the near ones first: there may be one every few seconds.
        if any(moment <= window.start for moment, _, _ in found):
            break
        near = replace(near, start=window.start - back)
        told = view.statements(kind=EntityKind.EQUIPMENT, properties=("state", "good_count"), within=near)
        mine = [s for s in told if within(s.entity.id, line)]
        found += [(s.occurred_at, s.record_id, s.source) for s in (*mine[:1], *mine[-1:])]
    return sorted(found)


def _unheard(
    view: View, window: Window, signs: Sequence[tuple[datetime, str, str]], sources: set[str]
) -> Iterator[tuple[datetime, datetime]]:
    if not signs:
        yield window.start, window.end
        return
    if signs[0][0] > window.start:
        yield window.start, min(signs[0][0], window.end)
    fresh = view.freshness(sorted(filter(None, sources)))
    if fresh and all(f.state is SourceState.SILENT for f in fresh):
        last = max((f.last_heard for f in fresh if f.last_heard), default=None)
        if last is not None and last < window.end:
            yield max(last, window.start), window.end


def _scrap(view: View, good: Count, equipment: str, window: Window) -> Count | None:
    """What was scrapped; nothing in the window, where scrap is booked on the line at other times."""
    found = rejects(view, good, equipment, window)
    if found is not None:
        return found
    ever = view.events(kinds=("scrap",), equipment=equipment, newest_first=True, limit=1)
    if not ever:
        return None
    mark = replace(good.marks[0], total=0.0, record=rid(ever[0]))
    return Count(marks=(mark,), source=ever[0].provenance.source, how="scrap bookings", equipment=equipment)


def _rate(view: View, equipment: str, window: Window) -> Rate | None:
    """The target of the line. One that never changed is taken for the time before it was first reported as well: it is
    a setting; `first_said` tells when that was."""
    rate = target_rate(view, equipment, window)
    if rate is not None and not rate.plan and rate.steps[0].start <= window.start:
        return rate
    until = Window(start=window.start, end=max(window.end, view.as_of))
    for place in dict.fromkeys((equipment, work_center(equipment))):
        said = rates_said(view, place, "target_rate", until)
        steps = preferred(view, said, "equipment.target_rate").steps if said else ()
        if len({s.per_h for s in steps}) == 1 and steps[0].per_h > 0:
            source = preferred(view, said, "equipment.target_rate").source
            first = Step(window.start, steps[0].per_h, steps[0].record)
            return Rate(steps=(first,), source=source, first_said=steps[0].start)
    return rate


def _unit(view: View, good: Count | None) -> str:
    if good is None:
        return ""
    record = view.record(good.marks[-1].record)
    attributes = getattr(record, "attributes", None) or {}
    unit = attributes.get("unit")
    return str(unit) if unit else ""
