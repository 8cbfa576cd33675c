"""When equipment did not run, or ran slow: intervals out of events and states, and a window tiled by them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from lineside.interpretation import shared_states
from lineside.memory import Statement, View
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


_OPENS = {"stop": Loss.STOP, "slow": Loss.SLOW, "changeover_start": Loss.CHANGEOVER}
_CLOSES = {"start": Loss.STOP, "slow_end": Loss.SLOW, "changeover_end": Loss.CHANGEOVER}
_STATES = {"stopped": Loss.STOP, "setup": Loss.CHANGEOVER, "maintenance": Loss.MAINTENANCE, "idle": Loss.IDLE}
_SETUP_WORDS = re.compile(
    r"change\s?-?over|set-?\s?up\b|umr(?:ü|ue)st|\br(?:ü|ue)sten\b|format(?:wechsel| change)|produktwechsel",
    re.IGNORECASE,
)
_LONGEST = timedelta(days=14)  # nothing that began longer ago than this before a window is looked for
_TOGETHER = timedelta(minutes=2)  # a line follows its unit, and a second system the first, within this
_SLOP = timedelta(seconds=60)  # two sources' clocks and cycles; a shorter difference is no difference


def intervals(view: View, equipment: str | None = None, within_window: Window | None = None) -> list[Interval]:
    """Every loss known at the view's `as_of`, oldest first; equipment includes what lies below it, by default all of
    the plant's, and none of another site's.

    within_window: those that overlap it, at their full length. Losses are read from events; a state adds what no
    event tells.
    """
    until = view.as_of + timedelta(microseconds=1)
    known = Window(start=min(within_window.start - _LONGEST, until), end=until) if within_window else None
    events = view.events(kinds=tuple(_OPENS | _CLOSES), equipment=equipment, within=known)
    states = [
        s
        for s in view.statements(kind=EntityKind.EQUIPMENT, properties=("state", "reason"), within=known)
        if equipment is None or within(s.entity.id, equipment)
    ]
    if equipment is None:
        events = [e for e in events if not view.plant.elsewhere(e.equipment)]
        states = [s for s in states if not view.plant.elsewhere(s.entity.id)]
    found = join(from_events(events, signs_of_life(states)), from_states(states))
    if within_window is None:
        return found
    return [i for i in found if i.start < within_window.end and (i.end is None or i.end > within_window.start)]


def from_events(events: Iterable[Event], alive: dict[str, list[datetime]] | None = None) -> list[Interval]:
    """Openings paired with their closings, for each equipment and kind.

    A repeated opening is the same loss, unless the same source names another reason: then that one begins. With no
    closing, the first sign of life (`alive`, sorted) or a start ends it. A closing without an opening tells nothing.
    """
    lanes: dict[tuple[str, Loss], list[Event]] = {}
    starts: dict[str, list[datetime]] = {place: list(times) for place, times in (alive or {}).items()}
    for event in sorted(events, key=_order):
        loss = _OPENS.get(event.kind) or _CLOSES.get(event.kind)
        if loss is None or event.equipment is None or event.provenance.quality is Quality.BAD:
            continue
        if event.kind == "start":
            starts.setdefault(event.equipment, []).append(event.provenance.occurred_at)
        lanes.setdefault((event.equipment, loss), []).append(event)
    found: list[Interval] = []
    for (place, loss), lane in lanes.items():
        found += _paired(place, loss, lane, sorted(starts.get(place, ())))
    return sorted(found, key=_begin)


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
    found = list(told)
    by_line: dict[str, list[Interval]] = {}
    for event in told:
        by_line.setdefault(work_center(event.equipment), []).append(event)
    for state in seen:
        remaining = [state]
        for event in by_line.get(work_center(state.equipment), ()):
            if _related(event.equipment, state.equipment) and event.loss is not Loss.SLOW:
                remaining = [piece for r in remaining for piece in _without(r, event)]
        if remaining == [state] or state.end is None:
            found += remaining
        else:
            found += [r for r in remaining if r.end is None or r.end - r.start > _SLOP]
    return sorted(found, key=_begin)


def _once(told: Sequence[Interval]) -> list[Interval]:
    near: dict[tuple[Loss, str, int], list[int]] = {}
    kept: list[Interval] = []
    # The deepest first, so that a line's interval meets those of its units.
    for interval in sorted(told, key=lambda i: (-i.equipment.count("/"), *_begin(i))):
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
    return sorted(kept, key=_begin)


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


def _paired(place: str, loss: Loss, lane: Sequence[Event], alive: Sequence[datetime]) -> list[Interval]:
    found: list[Interval] = []
    current: Interval | None = None
    loose: datetime | None = None  # a closing that closed nothing: with an opening of its instant it is a blink
    for event in lane:
        at, record = event.provenance.occurred_at, event.provenance.record_id
        opens = event.kind in _OPENS
        if current is None:
            current = _opened(place, loss, event) if opens and at != loose else None
            loose = None if opens else at
            continue
        ended = _first_after(alive, current.start) if opens and loss is not Loss.SLOW else None
        if not opens:
            found.append(replace(current, end=at, records=(*current.records, record)))
            current = None
        elif ended is not None and ended < at:
            found.append(replace(current, end=ended, certain_end=False))
            current = _opened(place, loss, event)
        elif (fresh := _opened(place, loss, event)).why in ("", current.why):
            current = replace(current, records=(*current.records, record))
        elif not current.why:
            current = replace(
                current, reason=fresh.reason, code=fresh.code, text=fresh.text, records=(*current.records, record)
            )
        elif fresh.source == current.source:
            found.append(replace(current, end=at, records=(*current.records, record)))
            current = fresh
        else:
            current = replace(current, also=(*current.also, fresh.why), records=(*current.records, record))
    if current is not None:
        ended = None if loss is Loss.SLOW else _first_after(alive, current.start)
        found.append(current if ended is None else replace(current, end=ended, certain_end=False))
    return [i for i in found if i.end is None or i.end > i.start]


def _opened(place: str, loss: Loss, event: Event) -> Interval:
    reason, code = (_word(event.attributes.get(name)) for name in ("reason", "code"))
    setup = loss is Loss.STOP and _SETUP_WORDS.search(reason or event.text)
    return Interval(
        loss=Loss.CHANGEOVER if setup else loss,
        equipment=place,
        start=event.provenance.occurred_at,
        end=None,
        reason=reason,
        code=code,
        text=event.text,
        records=(event.provenance.record_id,),
        source=event.provenance.source,
        job_order=event.job_order,
        lot=event.lot,
        material=event.material,
    )


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


def _order(event: Event) -> tuple[datetime, bool, str]:
    # A closing sorts before an opening of the same instant: the loss that begins then is the next one.
    return (event.provenance.occurred_at, event.kind in _OPENS, event.provenance.record_id)


def _begin(interval: Interval) -> tuple[datetime, str, str]:
    return (interval.start, interval.equipment, interval.records[0] if interval.records else "")
