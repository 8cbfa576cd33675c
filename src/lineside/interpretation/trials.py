"""What a kind of case is counted against, as the records tell of it: inspected lots, units made, changeovers, shipped
order lines; running hours where they don't."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from lineside.interpretation.chance import median
from lineside.interpretation.comparing import placed
from lineside.interpretation.denominators import (
    CHANGEOVERS,
    DENOMINATORS,
    LOTS,
    ORDERS,
    RUNNING,
    RUNS,
    UNITS,
    Denominator,
)
from lineside.interpretation.facts import Facts, moment, plain_id
from lineside.interpretation.occurrences import Occurrence, amount_of
from lineside.interpretation.output import Count, booked, counts, preferred_count
from lineside.interpretation.pattern_rules import pattern_rules
from lineside.interpretation.plain_words import texts, words_to_go_by
from lineside.interpretation.running import Changes
from lineside.interpretation.running_hours import Exposure, LineHours, Piece
from lineside.interpretation.shipped_orders import shipped_orders
from lineside.memory import View
from lineside.memory.happenings import newest_told
from lineside.memory.moments import moment as from_stored
from lineside.memory.picked import picked
from lineside.memory.telling import Word, said_within
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import work_center
from lineside.plant.windows import Window

_INSPECTED = ("sample", "inspection_result")
_OBJECTED = ("excursion", "nonconformity", "hold_placed")
_WHERE = ("lot", "equipment")
_LOT_LEVELS = ("material", "supplier")
_BEGUN = ("started",)
_OF_A_MOMENT = ("hour_of_shift", "after_changeover")
_LONGEST_MAKING = timedelta(days=31)
_INSTANT = timedelta(microseconds=1)
_STARTS = 100  # more often nothing starts
_NEAR = 0.9  # counts that reach nearly as far back as the longest are as good as it


@dataclass(frozen=True, slots=True)
class Against:
    """What the cases are counted against. wanted: what the pack names for them, where the records don't tell of it."""

    exposure: Exposure
    wanted: Denominator | None = None


class Trials:
    """Everything that cases in the window of `lines` can be counted against, each read when it is first asked for.

    cases: those to be counted; the lots that they are of may have been made long before.
    """

    def __init__(self, lines: LineHours, cases: Iterable[Occurrence] = ()) -> None:
        self.lines = lines
        self._named = {name for case in cases for name in case.about}
        self.view: View = lines.view
        self._kept: dict[tuple[str, tuple[str, ...]], Exposure] = {}
        self._made: dict[str, tuple[Piece, ...]] = {}

    def of(self, cases: Sequence[Occurrence], places: Sequence[str]) -> Against:
        """What these cases of one kind are counted against at the places: lines, a material, or all where none is."""
        names = {pattern_rules().counted_against(*called) for called in {(c.kind, c.label) for c in cases}}
        wanted = DENOMINATORS[names.pop()] if len(names) == 1 else RUNNING
        found = self.counted(wanted, places)
        if wanted is RUNNING or found.total > 0:
            return Against(found)
        return Against(self.counted(RUNNING, places), wanted)

    def counted(self, of: Denominator, places: Sequence[str]) -> Exposure:
        """The amount at the places, empty where none is on record."""
        lines = tuple(p for p in places if "/" in p) or tuple(self.lines.lines)
        materials = frozenset(p.partition(":")[2] for p in places if p.startswith("material:"))
        key = (of.name, (*lines, *sorted(materials)))
        if key not in self._kept:
            whole = self._whole(of, lines, every=not any("/" in p for p in places))
            if materials:
                whole = replace(whole, pieces=tuple(p for p in whole.pieces if p.levels.get("material") in materials))
            self._kept[key] = whole
        return self._kept[key]

    def _whole(self, of: Denominator, lines: tuple[str, ...], *, every: bool) -> Exposure:
        if of is LOTS:
            return Exposure(tuple(p for p in self._lots if every or p.line in lines), of)
        if of is UNITS:
            for line in lines:
                if line not in self._made:
                    self._made[line] = tuple(self._units(line))
            return Exposure(tuple(p for line in lines for p in self._made[line]), of, self._making)
        if of is CHANGEOVERS:
            return Exposure(tuple(p for line in lines for p in self._changed(line)), of)
        if of is ORDERS:
            return Exposure(tuple(p for p in self._orders if every or p.line in lines), of)
        return self.lines.of(*lines)

    @cached_property
    def _making(self) -> dict[str, tuple[str, datetime]]:
        """On which line and from when on each lot that was seen in the window was made, as its job order tells."""
        said = self._of_lots
        ids = {lot: plain_id(said[lot, "job_order"].text, "job_order") for lot, name in said if name == "job_order"}
        jobs = {lot: number for lot, number in sorted(ids.items()) if number}
        started = self._started({*jobs.values()})
        unknown = {job for job in jobs.values() if job not in started}
        told = words_to_go_by(self._facts, EntityKind.JOB_ORDER, unknown, "equipment", "actual_start")
        found = {}
        for lot, job in jobs.items():
            if job in started:
                found[lot] = started[job]  # the first of them, as it stands last
                continue
            where, begun = told.get((job, "equipment")), told.get((job, "actual_start"))
            since = moment(begun.text) if begun else None
            if where and since:
                found[lot] = (work_center(where.text), since)
        return found

    def _started(self, jobs: set[str]) -> dict[str, tuple[str, datetime]]:
        """Where and when the job orders began first, of those that did; in the time looked at where they did in it."""
        near = Window(start=self._earliest, end=self.view.as_of + _INSTANT)
        found: dict[str, tuple[str, datetime]] = {}
        for _, _, _, _, at, _, told in picked(self.view, _BEGUN, ("job_order", "equipment"), within=near, ordered=True):
            job, place = json.loads(told)
            if place and job in jobs:
                found.setdefault(job, (work_center(place), from_stored(at)))
        before = [Entity(EntityKind.JOB_ORDER, job) for job in jobs if job not in found]
        events = newest_told(self.view, _BEGUN, before, ("equipment",), each=_STARTS)
        return found | {j.id: (work_center(place), when) for j in events for when, (place, *_) in events[j] if place}

    @cached_property
    def _of_lots(self) -> dict[tuple[str, str], Word]:
        """What is said of each lot that is counted or was seen."""
        lots = {*self._named, *self._seen}
        return words_to_go_by(self._facts, EntityKind.LOT, lots, *_LOT_LEVELS, "job_order")

    @cached_property
    def _facts(self) -> Facts:
        return Facts(self.view)

    @cached_property
    def _seen(self) -> dict[str, tuple[datetime, str]]:
        """Each lot that was inspected in the window, when first and where; where any were, those too that something
        was found on without."""
        first: dict[str, tuple[datetime, str]] = {}
        objected: dict[str, tuple[datetime, str]] = {}
        looked_at, window = (*_INSPECTED, *_OBJECTED), self.lines.window
        for _, kind, _, _, at, _, said in picked(self.view, looked_at, _WHERE, within=window, ordered=True):
            lot, place = json.loads(said)
            if lot and (when := from_stored(at)) <= self.view.as_of:
                seen_in = first if kind in _INSPECTED else objected
                seen_in.setdefault(lot, (when, work_center(place) if place else ""))
        for _, value, when in said_within(self.view, EntityKind.INSPECTION, "lot", window):
            if (lot := plain_id(json.loads(value), "lot")) and when <= self.view.as_of:
                first.setdefault(lot, (when, ""))
        return {**objected, **first} if first else {}

    @cached_property
    def _lots(self) -> tuple[Piece, ...]:
        """Each lot that was seen in the window, with what went along when it was begun."""
        first = self._seen
        made = [self._making[lot][1] for lot in first if lot in self._making]
        back = self.lines.reaching(max(min(made, default=self.lines.window.start), self._earliest))
        pieces = []
        for lot, (seen, place) in first.items():
            line, begun = self._making.get(lot, (place, seen))
            pieces.append(self._single(back, line, begun, texts(self._of_lots, lot, _LOT_LEVELS), (lot,)))
        return tuple(sorted(pieces, key=lambda p: (p.start, p.called)))

    @property
    def _earliest(self) -> datetime:
        return self.lines.window.start - _LONGEST_MAKING

    def _single(
        self, lines: LineHours, line: str, when: datetime, said: Mapping[str, str], called: tuple[str, ...]
    ) -> Piece:
        """One thing, with the levels of its line at the moment, where it is of one, else of the calendar."""
        there = lines.along(line, when) if line else lines.calendar(when)
        levels = {n: v for n, v in there.levels.items() if n not in _OF_A_MOMENT} if there else {}
        turn = there.turn if there else when
        return Piece(line=line, start=when, end=when, amount=1.0, turn=turn, levels={**levels, **said}, called=called)

    @cached_property
    def _orders(self) -> tuple[Piece, ...]:
        return tuple(
            replace(self._single(self.lines, "", s.left, s.levels, (s.line,)), line=s.dock)
            for s in shipped_orders(self.view, self.lines.window)
        )

    def _changed(self, line: str) -> Iterator[Piece]:
        """Each changeover, with what ran from its end on."""
        for done in self.lines.changeovers(line):
            piece = self.lines.of(line).at(line, done)
            if piece is not None:
                levels = {n: v for n, v in piece.levels.items() if n != "after_changeover"}
                yield replace(piece, start=done, end=done, amount=1.0, levels=levels, called=(f"{line} {done}",))

    def _units(self, line: str) -> Iterator[Piece]:
        """The line's pieces with the good units made in each: what is told at once was made while the line ran."""
        pieces = self.lines.of(line).pieces
        count = self._count(line)
        if count is None or not pieces:
            return
        starts = [p.start for p in pieces]
        made = [0.0] * len(pieces)
        for left, right in pairwise(count.marks):
            first = max(0, bisect_right(starts, left.at) - 1)
            last = max(first, bisect_left(starts, right.at) - 1)
            ran = [_overlap(pieces[n], left.at, right.at) for n in range(first, last + 1)]
            if not sum(ran):
                ran[-1] = 1.0
            inside = (right.at - max(left.at, self.lines.window.start)) / max(right.at - left.at, _INSTANT)
            for n, share in enumerate(ran, first):
                made[n] += (right.total - left.total) * inside * share / sum(ran)
        for piece, units in zip(pieces, made, strict=True):
            yield Piece(
                line=piece.line, start=piece.start, end=piece.end, amount=units, turn=piece.turn, levels=piece.levels,
                called=piece.called,
            )  # fmt: skip

    def _count(self, line: str) -> Count | None:
        window = self.lines.window
        found = [*counts(self.view, line, window), *booked(self.view, line, window)]
        reach = {id(c): c.marks[-1].at - max(c.marks[0].at, window.start) for c in found if len(c.marks) > 1}
        longest = max(reach.values(), default=timedelta(0))
        near = [c for c in found if id(c) in reach and reach[id(c)] >= _NEAR * longest]
        return preferred_count(self.view, near, "equipment.good_count") if near else None


def _overlap(piece: Piece, start: datetime, end: datetime) -> float:
    """The hours that the piece ran between the two."""
    both = (min(piece.end, end) - max(piece.start, start)) / (piece.end - piece.start)
    return piece.amount * max(0.0, both)


def to_test(
    cases: Sequence[Occurrence], against: Against, lines: LineHours
) -> tuple[list[tuple[Occurrence, Piece]], Exposure]:
    """The cases in what they are counted against; of what is booked by amount the runs above the usual rate."""
    units = against.exposure
    if units.of is UNITS and amount_of(cases) is not None and (found := above_usual(cases, units, lines.jobs)):
        return found[1], found[0]
    return placed(cases, units), units


def above_usual(
    cases: Sequence[Occurrence], units: Exposure, jobs: Mapping[str, Changes]
) -> tuple[Exposure, list[tuple[Occurrence, Piece]]] | None:
    """The runs of one job on a line in which units were made, and the last case of each run whose amount for each unit
    lies above the median; None where nothing was made. A run goes with the shift that made most of it; a line of which
    no job is known has a run for each shift."""

    begun = {line: [when for when, _ in changes] for line, changes in jobs.items()}

    def run(piece: Piece) -> tuple[str, datetime]:
        starts = begun.get(piece.line, ())
        position = bisect_right(starts, piece.start)
        return piece.line, starts[position - 1] if position else piece.turn

    made: dict[tuple[str, datetime], list[Piece]] = defaultdict(list)
    for piece in units.pieces:
        if piece.amount > 0:
            made[run(piece)].append(piece)
    lost: dict[tuple[str, datetime], float] = defaultdict(float)
    last: dict[tuple[str, datetime], Occurrence] = {}
    for case in cases:
        of = units.place(case)
        if of is not None and case.amount is not None and run(of) in made:
            lost[run(of)] += float(case.amount.value)
            last[run(of)] = case
    if not made:
        return None
    rates = {key: lost[key] / sum(p.amount for p in pieces) for key, pieces in made.items()}
    usual = median(list(rates.values()))
    single: dict[tuple[str, datetime], Piece] = {}
    for key, pieces in made.items():
        most = max(pieces, key=lambda p: (p.amount, p.start))
        levels = {n: v for n, v in most.levels.items() if n not in _OF_A_MOMENT}
        single[key] = replace(most, end=most.start, amount=1.0, levels=levels)
    hit = [(last[key], single[key]) for key in single if key in last and rates[key] > usual]
    return Exposure(tuple(single.values()), RUNS), hit
