"""When equipment did not run, or ran slow: intervals out of events and states, and a window tiled by them."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import accumulate, pairwise, permutations
from operator import itemgetter
from typing import TypeAlias

from lineside.interpretation import shared_states
from lineside.memory import Statement, View
from lineside.memory.moments import moment
from lineside.memory.picked import picked
from lineside.plant.entities import EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Event, Quality
from lineside.plant.windows import Window


class Loss(StrEnum):
    """Why time was lost. A stop has its own reason; the others are their own."""

    STOP = "stop"
    CHANGEOVER = "changeover"
    MAINTENANCE = "maintenance"
    IDLE = "idle"
    SLOW = "slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of lost time at one piece of equipment.

    end: None while it lasts. certain_end: whether a record says so; otherwise it was closed by the next sign of life.
    records: the ids of those that open, repeat and close it. also: what other records call its reason.
    waits_for: what it waited for, where that is known (`waiting.told`); shown_by: the records beside it that show so;
    inferred: only by them, not by its own.
    """

    loss: Loss
    equipment: str
    start: datetime
    end: datetime | None
    reason: str = ""
    code: str = ""
    text: str = ""
    records: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    source: str = ""
    job_order: str | None = None
    lot: str | None = None
    material: str | None = None
    certain_end: bool = True
    waits_for: str = ""
    inferred: bool = False
    shown_by: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """The reason as recorded, else its code, else its text, else empty."""
        return self.reason or self.code or self.text

    def seconds(self, until: datetime) -> float:
        """How long it lasted, up to `until` while it is open."""
        return max(0.0, ((self.end or until) - self.start).total_seconds())


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of a window: lost to `interval`, or running where that is None."""

    start: datetime
    end: datetime
    interval: Interval | None

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


OPENS = {"stop": Loss.STOP, "slow": Loss.SLOW, "changeover_start": Loss.CHANGEOVER}
_CLOSES = {"start": Loss.STOP, "slow_end": Loss.SLOW, "changeover_end": Loss.CHANGEOVER}
_STATES = {"stopped": Loss.STOP, "setup": Loss.CHANGEOVER, "maintenance": Loss.MAINTENANCE, "idle": Loss.IDLE}
_SETUP_WORDS = re.compile(
    r"change\s?-?over|set-?\s?up\b|umr(?:ü|ue)st|\br(?:ü|ue)sten\b|format(?:wechsel| change)|produktwechsel",
    re.IGNORECASE,
)
_LONGEST = timedelta(days=14)  # nothing that began longer ago than this before a window is looked for
_TOGETHER = timedelta(minutes=2)  # a line follows its unit, and a second system the first, within this
_SLOP = timedelta(seconds=60)  # two sources' clocks and cycles; a shorter difference is no difference
_ORDER = itemgetter(0, 1, 2)
_TOLD = ("attributes.reason", "attributes.code", "text", "job_order", "lot", "material")
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Words:
    """What an opening says of the loss."""

    reason: str
    code: str
    text: str
    job_order: str | None
    lot: str | None
    material: str | None
    setup: bool

    @property
    def why(self) -> str:
        return self.reason or self.code or self.text


_Mark: TypeAlias = tuple[datetime, bool, str, str, _Words]
"""When, whether something opens (a closing sorts before an opening of the same instant: the loss that begins then is
the next one), the record, the source and what it says."""


@dataclass(slots=True)
class _Lanes:
    """The marks of each equipment and kind of loss, and when it was heard to start."""

    marks: dict[tuple[str, Loss], list[_Mark]] = field(default_factory=lambda: defaultdict(list))
    starts: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def put(self, kind: str, place: str | None, mark: _Mark) -> None:
        loss = OPENS.get(kind) or _CLOSES.get(kind)
        if loss is None or place is None:
            return
        if kind == "start":
            self.starts[place].append(mark[0])
        self.marks[place, loss].append(mark)

    def losses(self, alive: Mapping[str, Sequence[datetime]]) -> list[Interval]:
        found: list[Interval] = []
        for (place, loss), lane in self.marks.items():
            found += _paired(
                place, loss, sorted(lane, key=_ORDER), sorted([*self.starts.get(place, ()), *alive.get(place, ())])
            )
        return sorted(found, key=_begin)


def intervals(view: View, equipment: str | None = None, within_window: Window | None = None) -> list[Interval]:
    """Every loss known at the view's `as_of`, oldest first; equipment includes what lies below it, by default all of
    the plant's, and none of another site's.

    within_window: those that overlap it, at their full length. Losses are read from events; a state adds what no
    event tells.
    """
    key = ("losses", equipment, within_window)
    if key not in view.kept:
        view.kept[key] = _intervals(view, equipment, within_window)
    return list(view.kept[key])


def _intervals(view: View, equipment: str | None, within_window: Window | None) -> list[Interval]:
    until = view.as_of + timedelta(microseconds=1)
    known = Window(start=min(within_window.start - _LONGEST, until), end=until) if within_window else None
    events = picked(view, tuple(OPENS | _CLOSES), _TOLD, equipment=equipment, within=known)
    states = [
        s
        for s in view.statements(kind=EntityKind.EQUIPMENT, properties=("state", "reason"), within=known)
        if equipment is None or within(s.entity.id, equipment)
    ]
    if equipment is None:
        elsewhere = cache(view.plant.elsewhere)
        events = [event for event in events if not elsewhere(event[3])]
        states = [s for s in states if not elsewhere(s.entity.id)]
    found = join(_from_columns(events).losses(signs_of_life(states)), from_states(states))
    if within_window is None:
        return found
    return [i for i in found if i.start < within_window.end and (i.end is None or i.end > within_window.start)]


def from_events(events: Iterable[Event], alive: dict[str, list[datetime]] | None = None) -> list[Interval]:
    """Openings paired with their closings, for each equipment and kind.

    A repeated opening is the same loss, unless the same source names another reason: then that one begins. With no
    closing, the first sign of life (`alive`, sorted) or a start ends it. A closing without an opening tells nothing.
    """
    lanes = _Lanes()
    for event in events:
        told, of = event.attributes, event.provenance
        subjects = (event.job_order, event.lot, event.material)
        said = _words(told.get("reason"), told.get("code"), event.text, subjects)
        if of.quality is not Quality.BAD:
            lanes.put(event.kind, event.equipment, (of.occurred_at, event.kind in OPENS, of.record_id, of.source, said))
    return lanes.losses(alive or {})


def _from_columns(events: Iterable[tuple[str, str, str, str | None, int, str, str]]) -> _Lanes:
    lanes, known = _Lanes(), dict[str, _Words]()
    for record, kind, source, place, at, quality, told in events:
        if (said := known.get(told)) is None:
            reason, code, text, *subjects = json.loads(told)
            said = known[told] = _words(reason, code, text or "", subjects)
        if quality != Quality.BAD:
            lanes.put(kind, place, (moment(at), kind in OPENS, record, source, said))
    return lanes


def from_states(statements: Iterable[Statement]) -> list[Interval]:
    """The losses that `state` reports tell, for each equipment and source; `reason` reports beside them name why."""
    lanes: dict[tuple[str, str], list[Statement]] = {}
    reasons: dict[tuple[str, str], list[Statement]] = {}
    for said in statements:
        if said.quality is not Quality.BAD:
            lane = lanes if said.property == "state" else reasons
            lane.setdefault((said.entity.id, said.source), []).append(said)
    found: list[Interval] = []
    for (place, source), history in lanes.items():
        current: Interval | None = None
        for said in sorted(history, key=lambda s: (s.occurred_at, s.record_id)):
            loss = _STATES.get(shared_states.state_of(EntityKind.EQUIPMENT, "state", said.value) or "")
            if current is not None and loss is current.loss:
                continue
            if current is not None:
                found.append(replace(current, end=said.occurred_at, records=(*current.records, said.record_id)))
            current = None
            if loss is not None:
                opening = (said.record_id,)
                current = Interval(
                    loss=loss, equipment=place, start=said.occurred_at, end=None, records=opening, source=source
                )
        if current is not None:
            found.append(current)
    return sorted((_with_reason(i, reasons.get((i.equipment, i.source), ())) for i in found), key=_begin)


def signs_of_life(statements: Iterable[Statement]) -> dict[str, list[datetime]]:
    """When each equipment was reported running, sorted."""
    alive: dict[str, list[datetime]] = {}
    for said in statements:
        if said.property == "state" and said.text.strip().lower() == "running" and said.quality is not Quality.BAD:
            alive.setdefault(said.entity.id, []).append(said.occurred_at)
    return {place: sorted(times) for place, times in alive.items()}


def join(told: Sequence[Interval], seen: Sequence[Interval]) -> list[Interval]:
    """The losses that events told, and of those seen in states what no event covers there, above or below.

    A line and its unit that stop and start together are one loss, at the unit.
    """
    told = _once(told)
    if not seen:
        return told
    found = list(told)
    by_line: dict[str, list[Interval]] = {work_center(state.equipment): [] for state in seen}
    line_of = cache(work_center)
    for event in told:
        if (line := line_of(event.equipment)) in by_line:
            by_line[line].append(event)
    over = {line: list(accumulate((e.end or _NEVER for e in events), max)) for line, events in by_line.items()}
    for state in seen:
        remaining, line = [state], line_of(state.equipment)
        near, until = by_line[line], bisect_left(by_line[line], state.end or _NEVER, key=_start)
        for event in near[bisect_right(over[line], state.start) : until]:
            if _related(event.equipment, state.equipment) and event.loss is not Loss.SLOW:
                remaining = [piece for r in remaining for piece in _without(r, event)]
        if remaining == [state] or state.end is None:
            found += remaining
        else:
            found += [r for r in remaining if r.end is None or r.end - r.start > _SLOP]
    return sorted(found, key=_begin)


def _once(told: Sequence[Interval]) -> list[Interval]:
    places = {i.equipment for i in told}
    crowded = {work_center(one) for one, other in permutations(places, 2) if within(one, other)}
    alone = {place for place in places if work_center(place) not in crowded}
    near: dict[tuple[Loss, str, int], list[int]] = {}
    kept: list[Interval] = []
    # The deepest first, so that a line's interval meets those of its units.
    several = [i for i in told if i.equipment not in alone]
    for interval in sorted(several, key=lambda i: (-i.equipment.count("/"), *_begin(i))):
        line, moment = work_center(interval.equipment), int(interval.start.timestamp() // _TOGETHER.total_seconds())
        close = [n for step in (-1, 0, 1) for n in near.get((interval.loss, line, moment + step), ())]
        number = next(
            (n for n in close if kept[n].equipment != interval.equipment and _together(kept[n], interval)), None
        )
        if number is None:
            near.setdefault((interval.loss, line, moment), []).append(len(kept))
            kept.append(interval)
            continue
        same = kept[number]
        also = same.also if interval.why in ("", same.why) or not same.why else (*same.also, interval.why)
        lead = same if same.why else replace(same, reason=interval.reason, code=interval.code, text=interval.text)
        kept[number] = replace(lead, records=(*same.records, *interval.records), also=also)
    return sorted([*kept, *(i for i in told if i.equipment in alone)], key=_begin)


def _together(one: Interval, other: Interval) -> bool:
    if one.loss is not other.loss or not _related(one.equipment, other.equipment):
        return False
    if one.end is None or other.end is None:
        return one.end is other.end and abs(one.start - other.start) <= _TOGETHER
    return abs(one.start - other.start) <= _TOGETHER and abs(one.end - other.end) <= _TOGETHER


def _related(one: str, other: str) -> bool:
    return within(one, other) or within(other, one)


def tile(found: Sequence[Interval], window: Window) -> list[Slice]:
    """The window cut into slices without gap or overlap, each lost to at most one interval.

    Standing still wins over waiting, and waiting over slow running. Between two of one kind the one that began first
    wins, being nearer the cause; between kinds the one that began last and says why, being more specific.
    """
    live = [i for i in found if i.start < window.end and (i.end is None or i.end > window.start)]
    cuts = {window.start, window.end}
    for interval in live:
        cuts.add(max(interval.start, window.start))
        cuts.add(min(interval.end or window.end, window.end))
    edges = sorted(cuts)
    coming, active = sorted(live, key=lambda i: i.start, reverse=True), list[Interval]()
    slices: list[Slice] = []
    for start, end in pairwise(edges):
        while coming and coming[-1].start <= start:
            active.append(coming.pop())
        active = [i for i in active if i.end is None or i.end >= end]
        owner = _dominant(active)
        if slices and slices[-1].interval is owner:
            slices[-1] = replace(slices[-1], end=end)
        else:
            slices.append(Slice(start, end, owner))
    return slices


def running_seconds(slices: Iterable[Slice]) -> float:
    """The time in which the equipment made something, slow running included."""
    return sum(s.seconds for s in slices if s.interval is None or s.interval.loss is Loss.SLOW)


def _dominant(active: Sequence[Interval]) -> Interval | None:
    def tier(interval: Interval) -> int:
        return {Loss.SLOW: 0, Loss.IDLE: 1}.get(interval.loss, 2)

    if not active:
        return None
    top = max(tier(i) for i in active)
    firsts: dict[Loss, Interval] = {}
    for interval in sorted((i for i in active if tier(i) == top), key=lambda i: (not i.why, *_begin(i))):
        firsts.setdefault(interval.loss, interval)
    telling = [i for i in firsts.values() if i.loss is not Loss.STOP or i.why] or list(firsts.values())
    return max(telling, key=_begin)


@dataclass(slots=True)
class _Lasting:
    """A loss while its lane is read on."""

    loss: Loss
    start: datetime
    source: str
    opened: _Words  # whose job order, lot and material it has
    said: _Words
    records: list[str]
    also: list[str] = field(default_factory=list)

    def over(self, place: str, end: datetime | None, *, certain: bool = True) -> Interval:
        return Interval(
            loss=self.loss,
            equipment=place,
            start=self.start,
            end=end,
            reason=self.said.reason,
            code=self.said.code,
            text=self.said.text,
            records=tuple(self.records),
            also=tuple(self.also),
            source=self.source,
            job_order=self.opened.job_order,
            lot=self.opened.lot,
            material=self.opened.material,
            certain_end=certain,
        )


def _paired(place: str, loss: Loss, lane: Sequence[_Mark], alive: Sequence[datetime]) -> list[Interval]:
    found: list[Interval] = []
    current: _Lasting | None = None
    loose: datetime | None = None  # a closing that closed nothing: with an opening of its instant it is a blink
    for at, opens, record, source, said in lane:
        if current is None:
            current = _opened(loss, at, record, source, said) if opens and at != loose else None
            loose = None if opens else at
            continue
        ended = _first_after(alive, current.start) if opens and loss is not Loss.SLOW else None
        why = current.said.why
        if not opens:
            current.records.append(record)
            found.append(current.over(place, at))
            current = None
        elif ended is not None and ended < at:
            found.append(current.over(place, ended, certain=False))
            current = _opened(loss, at, record, source, said)
        elif said.why in ("", why):
            current.records.append(record)
        elif not why:
            current.said = said
            current.records.append(record)
        elif source == current.source:
            current.records.append(record)
            found.append(current.over(place, at))
            current = _opened(loss, at, record, source, said)
        else:
            current.also.append(said.why)
            current.records.append(record)
    if current is not None:
        ended = None if loss is Loss.SLOW else _first_after(alive, current.start)
        found.append(current.over(place, ended, certain=ended is None))
    return [i for i in found if i.end is None or i.end > i.start]


def opened_as(kind: str, reason: object, code: object, text: str) -> tuple[Loss, str]:
    """What an event of one of the kinds in `OPENS` that says so opens, and why."""
    said = _words(reason, code, text, (None, None, None))
    opened = _opened(OPENS[kind], _NEVER, "", "", said)
    return opened.loss, said.why


def _opened(loss: Loss, at: datetime, record: str, source: str, said: _Words) -> _Lasting:
    changeover = loss is Loss.STOP and said.setup
    return _Lasting(Loss.CHANGEOVER if changeover else loss, at, source, said, said, [record])


def _words(reason: object, code: object, text: str, subjects: Sequence[str | None]) -> _Words:
    spoken, (job_order, lot, material) = _word(reason), subjects
    setup = bool(_SETUP_WORDS.search(spoken or text))
    return _Words(spoken, _word(code), text, job_order, lot, material, setup)


def _with_reason(interval: Interval, reasons: Sequence[Statement]) -> Interval:
    during = [
        r
        for r in reasons
        if interval.start - _SLOP <= r.occurred_at and (interval.end is None or r.occurred_at < interval.end) and r.text
    ]
    if not during:
        return interval
    first = min(during, key=lambda r: abs(r.occurred_at - interval.start))
    loss = Loss.CHANGEOVER if interval.loss is Loss.STOP and _SETUP_WORDS.search(first.text) else interval.loss
    records = tuple(dict.fromkeys((*interval.records, first.record_id)))
    return replace(interval, reason=first.text, loss=loss, records=records)


def _without(interval: Interval, other: Interval) -> list[Interval]:
    ends_before = interval.end is not None and interval.end <= other.start
    starts_after = other.end is not None and other.end <= interval.start
    if ends_before or starts_after:
        return [interval]
    pieces = []
    if interval.start < other.start:
        pieces.append(replace(interval, end=other.start))
    if other.end is not None and (interval.end is None or other.end < interval.end):
        pieces.append(replace(interval, start=other.end))
    return [p for p in pieces if p.end is None or p.end - p.start > _SLOP]


def _first_after(moments: Sequence[datetime], start: datetime) -> datetime | None:
    position = bisect_right(moments, start)
    return moments[position] if position < len(moments) else None


def _word(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _start(interval: Interval) -> datetime:
    return interval.start


def _begin(interval: Interval) -> tuple[datetime, str, str]:
    return (interval.start, interval.equipment, interval.records[0] if interval.records else "")
