"""What equipment should have made and what it made, as step functions over the records that say so."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise

from lineside.interpretation.wording import bounded
from lineside.memory import Statement, View, moments
from lineside.memory.picked import first_named, picked
from lineside.memory.telling import Word, not_before, words_now
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Quality, quantity
from lineside.plant.windows import Window

_LONGEST = timedelta(days=30)  # what was last said of a line's job order before that no longer says what runs there
_PLANNED = ("planned_start", "planned_end")
_AT_ONCE = 16  # days whose plans are read together
_AMOUNT = ("attributes.quantity", "attributes.unit")
_STEPS = (timedelta(days=2), timedelta(days=30), timedelta(days=36500))
_RECENT = timedelta(days=2)  # how far before a window a counter's last reading still says where it began


@dataclass(frozen=True, slots=True)
class Step:
    """From `start` until the next step: `per_h`, said by the record."""

    start: datetime
    per_h: float
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A rate over time; nothing before its first step, and nothing after `end`. source: who says so. unit: of what."""

    steps: tuple[Step, ...]
    source: str
    unit: str = ""
    end: datetime | None = None
    plan: bool = False
    first_said: datetime | None = None  # where it is taken to hold since a job order began: when it was first reported
    since: str = ""  # the record of that beginning

    def at(self, moment: datetime) -> float | None:
        """The rate per hour that holds at the moment."""
        position = bisect_right([s.start for s in self.steps], moment)
        if position == 0 or (self.end is not None and moment >= self.end):
            return None
        return self.steps[position - 1].per_h

    def units(self, start: datetime, end: datetime) -> float:
        """The rate summed from start to end; zero where it is not known."""
        total = 0.0
        for position, step in enumerate(self.steps):
            following = self.steps[position + 1].start if position + 1 < len(self.steps) else None
            until = min(t for t in (end, following, self.end) if t is not None)
            total += step.per_h * max(0.0, (until - max(start, step.start)).total_seconds()) / 3600
        return total

    def cites(self, window: Window) -> tuple[str, ...]:
        """The records of the steps that bear on the window; what repeats the rate before it adds nothing."""
        first = max(0, bisect_right([s.start for s in self.steps], window.start) - 1)
        bearing = [s for s in self.steps[first:] if s.start < window.end]
        changes = [
            s for before, s in zip([None, *bearing], bearing, strict=False) if not before or before.per_h != s.per_h
        ]
        return bounded(dict.fromkeys(s.record for s in changes))


@dataclass(frozen=True, slots=True)
class Mark:
    """The units made since the first mark, at a moment, by the record that says so."""

    at: datetime
    total: float
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Units made over time: a total that only grows. how: what was counted, in words."""

    marks: tuple[Mark, ...]
    source: str
    how: str
    equipment: str = ""

    def total(self, moment: datetime) -> float:
        """The total at the moment; between two readings in proportion to time."""
        position = bisect_right([r.at for r in self.marks], moment)
        if position == 0:
            return self.marks[0].total if self.marks else 0.0
        left = self.marks[position - 1]
        if position == len(self.marks):
            return left.total
        right = self.marks[position]
        share = (moment - left.at) / (right.at - left.at)
        return left.total + (right.total - left.total) * share

    def made(self, start: datetime, end: datetime) -> float:
        return self.total(end) - self.total(start)

    def cites(self, window: Window) -> tuple[str, ...]:
        """The readings that bound the window, and where the counter began anew between them."""
        times = [r.at for r in self.marks]
        first, last = max(0, bisect_right(times, window.start) - 1), max(0, bisect_right(times, window.end) - 1)
        return tuple(dict.fromkeys((self.marks[first].record, self.marks[last].record)))


def target_rate(view: View, line: str, window: Window) -> Rate | None:
    """What the line should make per hour: its `target_rate`, else what its planned job orders need; None if unsaid."""
    for place in (line, work_center(line)):
        rates = rates_said(view, place, "target_rate", window)
        if rates:
            return _since_began(view, place, window, preferred(view, rates, "equipment.target_rate"))
    return _planned_rate(view, line, window)


def _since_began(view: View, line: str, window: Window, rate: Rate) -> Rate:
    """A target is a setting: one first reported while a job order ran is taken for that job order from its start on,
    unless a plan tells of that time."""
    first = rate.steps[0]
    if first.start <= window.start:
        return rate
    began = max((b for b in _beginnings(view, line, window) if b[0] < first.start), default=None)
    if began is None or _planned_rate(view, line, Window(start=began[0], end=first.start)) is not None:
        return rate
    steps = (Step(began[0], first.per_h, first.record), *rate.steps)
    return replace(rate, steps=steps, first_said=first.start, since=began[1])


def rates_said(view: View, place: str, name: str, window: Window) -> list[Rate]:
    """The property as each source said it over time, where it bears on the window."""
    entity, near = Entity(EntityKind.EQUIPMENT, place), Window(start=window.start - _RECENT, end=window.end)
    history = view.statements(entity=entity, properties=(name,), within=near)
    if not any(s.occurred_at <= window.start for s in history):
        history = view.statements(entity=entity, properties=(name,))
    by_source: dict[str, list[Statement]] = {}
    for said in history:
        if said.quantity is not None and said.quality is not Quality.BAD and said.occurred_at < window.end:
            by_source.setdefault(said.source, []).append(said)
    found = []
    for source, lane in by_source.items():
        steps = [Step(s.occurred_at, float(s.quantity.value), s.record_id) for s in lane if s.quantity is not None]
        found.append(Rate(steps=tuple(steps), source=source))
    return found


def counts(view: View, line: str, window: Window, name: str = "good_count") -> list[Count]:
    """What each source counted on the line (or, where the line itself has no counter, on its last work unit).

    A counter that falls began anew at zero with another job order.
    """
    near = Window(start=window.start - _RECENT, end=window.end + timedelta(microseconds=1))
    own_entity = Entity(EntityKind.EQUIPMENT, line)
    said_near = view.statements(entity=own_entity, properties=(name,), within=near) or view.statements(
        kind=EntityKind.EQUIPMENT, properties=(name,), within=near
    )
    wanted = [s for s in said_near if within(s.entity.id, line)]
    lanes: dict[tuple[str, str], list[Statement]] = {}
    for said in wanted:
        if said.quantity is not None and said.quality is not Quality.BAD:
            lanes.setdefault((said.entity.id, said.source), []).append(said)
    own = {key: lane for key, lane in lanes.items() if key[0] == line} or lanes
    # Only a counter with no reading before the window needs to know when its job order began.
    late = [lane for lane in own.values() if not any(s.occurred_at <= window.start for s in lane)]
    began: list[tuple[datetime, str]] = []
    for first in {min(s.occurred_at for s in lane) for lane in late}:
        began += _last_beginning(view, line, Window(start=window.start, end=max(window.start, first)))
    found = [counter(lane, window, f"{name.replace('_', ' ')} of {key[0]}", began) for key, lane in own.items()]
    return [c for c in found if c is not None]


def counter(
    lane: Sequence[Statement], window: Window, how: str, began: Sequence[tuple[datetime, str]] = ()
) -> Count | None:
    """A count out of a counter's readings, from the last one before the window on; None without any.

    began: when its job orders began, by which records: with no earlier reading it counted from zero since the last of
    them before its first one.
    """
    ordered = sorted(lane, key=lambda s: (s.occurred_at, s.record_id))
    before = [s for s in ordered if s.occurred_at <= window.start]
    inside = [s for s in ordered if window.start < s.occurred_at <= window.end]
    used = [*before[-1:], *inside]
    if not inside and not before:
        return None
    readings: list[Mark] = []
    total, last = 0.0, 0.0
    if not before and (since := max((b for b in began if b[0] < inside[0].occurred_at), default=None)):
        readings.append(Mark(since[0], 0.0, since[1]))
    for said in used:
        value = float(said.quantity.value) if said.quantity else 0.0
        if readings:
            total += value - last if value >= last else value
        readings.append(Mark(said.occurred_at, total, said.record_id))
        last = value
    return Count(marks=tuple(readings), source=used[0].source, how=how, equipment=used[0].entity.id)


def booked(view: View, line: str, window: Window, kind: str = "production") -> list[Count]:
    """What `production` (or scrap) events booked on the line in the window, for each source."""
    lanes: dict[str, list[tuple[datetime, str, float]]] = {}
    known: dict[str, float] = {}
    # A booking tells of what was made before it: one at the very end counts, one at the very start does not.
    instant = timedelta(microseconds=1)
    span = Window(start=window.start + instant, end=window.end + instant)
    rows = picked(view, (kind,), _AMOUNT, equipment=line, within=span)
    for record, _, source, _, when, _, said in sorted(rows, key=lambda row: (row[4], row[0])):
        if said not in known:
            value, unit = json.loads(said)
            amount = quantity(value, str(unit or ""))
            known[said] = float(amount.value) if amount else 0.0
        lanes.setdefault(source, []).append((moments.moment(when), record, known[said]))
    found = []
    for source, lane in lanes.items():
        total, readings = 0.0, []
        for at, record, made in lane:
            total += made
            readings.append(Mark(at, total, record))
        start = Mark(min(window.start, readings[0].at - timedelta(microseconds=1)), 0.0, readings[0].record)
        found.append(Count(marks=(start, *readings), source=source, how=f"{kind} bookings at {line}", equipment=line))
    return found


def job_counts(view: View, line: str, window: Window, name: str = "quantity_good") -> list[Count]:
    """What the job orders of the line report as made, for each source, summed over its job orders."""
    found: dict[str, list[Mark]] = {}
    for job in jobs_on(view, line, window):
        lanes: dict[str, list[Statement]] = {}
        for said in view.statements(entity=job, properties=(name,)):
            if said.quantity is not None:
                lanes.setdefault(said.source, []).append(said)
        for source, lane in lanes.items():
            made = counter(lane, window, name)
            found.setdefault(source, []).extend(_increments(made.marks) if made else ())
    counted = []
    for source, increments in found.items():
        total, readings = 0.0, []
        for step in sorted(increments, key=lambda r: r.at):
            total += step.total
            readings.append(Mark(step.at, total, step.record))
        if readings:
            how = f"{name.replace('_', ' ')} of the job orders on {line}"
            counted.append(Count(marks=tuple(readings), source=source, how=how, equipment=line))
    return counted


def jobs_on(view: View, line: str, window: Window) -> list[Entity]:
    """The job orders that records place on the line in the window, in order of their first sign there."""
    seen: dict[str, datetime] = {}

    def saw(job: str, at: datetime) -> None:
        seen[job] = min(at, seen.get(job, at))

    last: dict[str, Statement] = {}
    near = Window(start=window.start - _LONGEST, end=window.end)
    for said in view.statements(kind=EntityKind.EQUIPMENT, properties=("job_order",), within=near):
        if within(said.entity.id, line) and said.text:
            if said.occurred_at <= window.start:
                last[said.entity.id] = said
            elif said.occurred_at < window.end:
                saw(said.text, said.occurred_at)
    for said in last.values():
        saw(said.text, window.start)
    for job, first in first_named(view, "job_order", line, window).items():
        saw(job, first)
    for job, span in _planned(view, line, window.start):
        if span.overlaps(window):
            saw(job, span.start)
    return [Entity(EntityKind.JOB_ORDER, job) for job in sorted(seen, key=lambda j: (seen[j], j))]


@dataclass(frozen=True, slots=True)
class Span:
    """When a job order is planned, and the records that say so."""

    start: datetime
    end: datetime
    records: tuple[str, ...]

    def overlaps(self, window: Window) -> bool:
        return self.start < window.end and self.end > window.start


def planned_span(view: View, job: Entity) -> Span | None:
    """The planned start and end of a job order, where both are said."""
    return _span(view, view.said(entity=job, properties=("planned_start", "planned_end")))


def _planned(view: View, line: str, since: datetime) -> list[tuple[str, Span]]:
    """The job orders that some source places on the line, and when each is planned, but for some that were to end
    before then; read once for a view and a stretch of days."""
    day = since.astimezone(view.plant.time_zone).date()
    day -= timedelta(days=day.toordinal() % _AT_ONCE)
    found: list[tuple[str, Span]] | None = view.kept.get(("planned on", line, day))
    if found is None:
        placed, told = _plans(view, day)
        jobs = {job for place, each in placed.items() if within(place, line) for job in each}
        spans = [(job, _spanned(view, told[job])) for job in sorted(jobs) if job in told]
        found = view.kept["planned on", line, day] = [(job, span) for job, span in spans if span is not None]
    return found


def _plans(view: View, day: date) -> tuple[dict[str, list[str]], dict[str, dict[str, Word]]]:
    """The job orders by the place that a source gives them, and the last words on when each is planned, of those that
    may end on that day or later."""
    found: tuple[dict[str, list[str]], dict[str, dict[str, Word]]] | None = view.kept.get(("plans", day))
    if found is None:
        placed: dict[str, list[str]] = {}
        told: dict[str, dict[str, Word]] = {}
        jobs = not_before(view, EntityKind.JOB_ORDER, "planned_end", day)
        words = words_now(view, EntityKind.JOB_ORDER, ("equipment", *_PLANNED), of=jobs)
        for word in sorted(words, key=_order_of_word):
            if word.property == "equipment":
                placed.setdefault(word.text, []).append(word.entity)
            else:
                told.setdefault(word.entity, {})[word.property] = word
        found = view.kept["plans", day] = (placed, told)
    return found


def _order_of_word(word: Word) -> tuple[int, int, str]:
    return (word.occurred_at, word.reported_at, word.record_id)


def _span(view: View, told: Iterable[Statement]) -> Span | None:
    return _spanned(view, {s.property: s for s in _by_time(told)})


def _spanned(view: View, latest: Mapping[str, Statement | Word]) -> Span | None:
    start, end = (_moment(view, latest[n].text) if n in latest else None for n in _PLANNED)
    if start is None or end is None or end <= start:
        return None
    return Span(start, end, tuple(dict.fromkeys(s.record_id for s in latest.values())))


def moment(view: View, said: Statement) -> datetime | None:
    """The time in a statement's value, aware; a bare date is its local midnight."""
    return _moment(view, said.text)


def _moment(view: View, text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=view.plant.time_zone)


def preferred(view: View, found: Sequence[Rate], owned: str) -> Rate:
    """Of several sources the one that owns the datum, else the one that spoke most often."""
    return max(found, key=lambda r: (owned in view.plant.source(r.source).owns, len(r.steps), r.source))


def preferred_count(view: View, found: Sequence[Count], owned: str) -> Count:
    """Of several counts the owner's, else the one with the most readings."""
    return max(found, key=lambda c: (owned in view.plant.source(c.source).owns, len(c.marks), c.source))


def _last_beginning(view: View, line: str, window: Window) -> list[tuple[datetime, str]]:
    """When the last job order of the window began on the line, if any did; looked for from its end on."""
    for back in _STEPS:
        since = max(window.start, window.end - back)
        if found := _beginnings(view, line, Window(start=since, end=window.end)):
            return [max(found)]
        if since == window.start:
            break
    return []


def _beginnings(view: View, line: str, window: Window) -> list[tuple[datetime, str]]:
    """When job orders began on the line within the window, by which records."""
    found = [
        (e.provenance.occurred_at, e.provenance.record_id)
        for e in view.events(kinds=("started",), equipment=line, within=window)
    ]
    jobs = jobs_on(view, line, window)
    for said in view.said(entities=jobs, properties=("actual_start",)) if jobs else ():
        start = moment(view, said)
        if start is not None and start in window:
            found.append((start, said.record_id))
    return found


def _planned_rate(view: View, line: str, window: Window) -> Rate | None:
    spans = []
    jobs = jobs_on(view, line, window)
    told: dict[Entity, list[Statement]] = {}
    for said in view.said(entities=jobs, properties=("quantity", "planned_start", "planned_end")) if jobs else ():
        told.setdefault(said.entity, []).append(said)
    for mine in told.values():
        span = _span(view, [s for s in mine if s.property != "quantity"])
        wanted = [s for s in _by_time(mine) if s.property == "quantity" and s.quantity]
        if span and wanted and (amount := wanted[-1].quantity) and span.overlaps(window):
            per_h = float(amount.value) / ((span.end - span.start).total_seconds() / 3600)
            spans.append((span, per_h, wanted[-1], amount.unit))
    if not spans:
        return None
    spans.sort(key=lambda s: s[0].start)
    steps: list[Step] = []
    for position, (span, per_h, said, _) in enumerate(spans):
        steps.append(Step(span.start, per_h, said.record_id))
        following = spans[position + 1][0].start if position + 1 < len(spans) else None
        if following is not None and span.end < following:
            steps.append(Step(span.end, 0.0, span.records[0]))
    source, unit = spans[0][2].source, spans[0][3]
    return Rate(steps=tuple(steps), source=source, unit=unit, end=max(s[0].end for s in spans), plan=True)


def _increments(readings: Sequence[Mark]) -> list[Mark]:
    steps = [Mark(readings[0].at, 0.0, readings[0].record)] if readings else []
    for left, right in pairwise(readings):
        steps.append(Mark(right.at, right.total - left.total, right.record))
    return steps


def _by_time(found: Iterable[Statement]) -> list[Statement]:
    return sorted(found, key=lambda s: (s.occurred_at, s.reported_at, s.record_id))
