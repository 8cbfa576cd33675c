"""What cases are counted against, in pieces, each with the shift, crew, material, tool and supplier that it falls to:
the running hours of lines."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from functools import cached_property
from itertools import pairwise

from lineside.interpretation.denominators import RUNNING, Denominator
from lineside.interpretation.occurrences import Occurrence
from lineside.interpretation.pattern_rules import PatternRules, pattern_rules
from lineside.interpretation.running import Changes, running_on
from lineside.interpretation.stops import Interval, Loss, tile
from lineside.memory import View
from lineside.memory.moments import moment, stored
from lineside.memory.picked import picked
from lineside.plant.calendar import ShiftSlot
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import work_center
from lineside.plant.windows import Window

_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_SUPPLIER = "supplier of "
_INSTANT = timedelta(microseconds=1)
_FARTHER = timedelta(days=31)  # so far before a window what is counted in it may have been made
_MOUNTED = timedelta(days=31)  # events longer before no longer say what is mounted


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of one line in which nothing changes, or a single thing such as a lot. amount: the hours run in it, or
    the units made; one for a single thing. turn: the shift (or day) it is of. called: the ids of the single thing."""

    line: str
    start: datetime
    end: datetime
    amount: float
    turn: datetime
    levels: Mapping[str, str]
    called: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exposure:
    """The pieces of one line or several. made: where and when each lot was made, for cases that are told later."""

    pieces: tuple[Piece, ...]
    of: Denominator = RUNNING
    made: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)

    @cached_property
    def total(self) -> float:
        return sum(p.amount for p in self.pieces)

    @cached_property
    def turns(self) -> dict[datetime, float]:
        """The amount of each shift, or of each day where the plant file has no shifts."""
        found: dict[datetime, float] = defaultdict(float)
        for piece in self.pieces:
            found[piece.turn] += piece.amount
        return dict(found)

    @cached_property
    def by(self) -> dict[str, dict[str, float]]:
        """For each dimension the amount of each level, those of none left out."""
        found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for piece in self.pieces:
            if (amount := piece.amount) > 0:
                for dimension, level in piece.levels.items():
                    found[dimension][level] += amount
        return {dimension: dict(levels) for dimension, levels in found.items()}

    def jointly(self, one: str, other: str) -> dict[tuple[str, str], float]:
        """The amount of each pair of levels of two dimensions."""
        found: dict[tuple[str, str], float] = defaultdict(float)
        for piece in self.pieces:
            if one in piece.levels and other in piece.levels:
                found[piece.levels[one], piece.levels[other]] += piece.amount
        return dict(found)

    @cached_property
    def _of_line(self) -> dict[str, tuple[list[datetime], list[Piece]]]:
        found: dict[str, list[Piece]] = defaultdict(list)
        for piece in self.pieces:
            found[piece.line].append(piece)
        return {line: ([p.start for p in pieces], pieces) for line, pieces in found.items()}

    @cached_property
    def _of_name(self) -> dict[str, Piece]:
        return {name: piece for piece in self.pieces for name in piece.called}

    def place(self, case: Occurrence) -> Piece | None:
        """The piece that the case is of, with the material that the case itself names; None where it is of none."""
        if named := next((self._of_name[name] for name in case.about if name in self._of_name), None):
            return named
        line, moment = work_center(case.equipment), case.start
        lot = next((name for name in case.about if name in self.made), None)
        if lot is not None and (case.amount is None or line not in self._of_line):
            line, moment = self.made[lot]  # told later, elsewhere, as a complaint is; amounts are booked as they come
        elif case.kind in pattern_rules().booked:
            moment -= _INSTANT  # what is booked as a shift ends is of that shift
        found = self.at(line, moment)
        if found is None or self.of.each:
            return found
        if case.material and case.material != found.levels.get("material"):
            return replace(found, amount=0.0, levels={**found.levels, "material": case.material})
        return found

    def at(self, line: str, moment: datetime) -> Piece | None:
        """The line's piece that the moment lies in; of single things the last one before it."""
        starts, pieces = self._of_line.get(line, ([], []))
        position = bisect_right(starts, moment)
        if not position or (not self.of.each and moment >= pieces[position - 1].end):
            return None
        return pieces[position - 1]


def weight_of(dimension: str, rules: PatternRules) -> float:
    """How much a comparison along the dimension is expected to tell."""
    return rules.weights["supplier" if dimension.startswith(_SUPPLIER) else dimension]


class LineHours:
    """The hours of every line in a window, each cut when it is first asked for."""

    def __init__(self, view: View, window: Window, losses: Sequence[Interval]) -> None:
        self.view = view
        self.window = window
        self._rules = pattern_rules()
        self._losses: dict[str, list[Interval]] = defaultdict(list)
        for loss in losses:
            self._losses[work_center(loss.equipment)].append(loss)
        self._cut: dict[tuple[str, ...], Exposure] = {}
        self._changing: dict[str, list[tuple[str, list[datetime], Changes]]] = {}

    @cached_property
    def running(self) -> dict[str, Changes]:
        return running_on(self.view).materials(self.window.start)

    @cached_property
    def jobs(self) -> dict[str, Changes]:
        """The job orders of each line, by the moment from which they ran."""
        return running_on(self.view).jobs(self.window.start)

    @cached_property
    def lines(self) -> list[str]:
        """The lines on which anything ran or was lost; what the plant file alone names has no hours to go by."""
        return sorted(line for line in {*self._losses, *self.running} if line.count("/") == 2)

    @cached_property
    def units(self) -> frozenset[str]:
        """Every piece of equipment that the plant file names or that anything was lost on."""
        lost = (i.equipment for losses in self._losses.values() for i in losses)
        return frozenset((*(e.id for e in self.view.plant.equipment), *lost))

    def of(self, *lines: str) -> Exposure:
        """The hours of these lines."""
        for line in lines:
            if (line,) not in self._cut:
                self._cut[line,] = Exposure(tuple(self._pieces(line)))
        if lines not in self._cut:
            self._cut[lines] = Exposure(tuple(p for line in lines for p in self._cut[line,].pieces))
        return self._cut[lines]

    def reaching(self, since: datetime) -> LineHours:
        """The same from an earlier moment on, with the losses known here alone: for what went along, not for hours."""
        if since >= self.window.start:
            return self
        losses = [loss for each in self._losses.values() for loss in each]
        return LineHours(self.view, replace(self.window, start=since), losses)

    def calendar(self, moment: datetime) -> Piece | None:
        """What the calendar alone says of the moment; None outside of worked time."""
        position = bisect_right(self._stretches, moment, key=lambda each: each[0])
        if not position or moment >= self._stretches[position - 1][1]:
            return None
        start, end, slot, levels = self._stretches[position - 1]
        return Piece(line="", start=start, end=end, amount=0.0, turn=slot.start if slot else start, levels=levels)

    def along(self, line: str, moment: datetime) -> Piece | None:
        """What the line's piece of the moment says, but for how long ago the last changeover was, without cutting the
        line's hours into pieces; None outside of worked time."""
        there = self.calendar(moment)
        if there is None:
            return None
        levels = {**there.levels, "line": line}
        for name, moments, changes in self._series(line):
            if (position := bisect_right(moments, moment)) and changes[position - 1][1]:
                levels[name] = changes[position - 1][1]
        return replace(there, line=line, levels=levels)

    def _series(self, line: str) -> list[tuple[str, list[datetime], Changes]]:
        """What changes on the line, each by its dimension, with the moments of its changes."""
        if line not in self._changing:
            series = {"material": self.running.get(line, []), "tool": self._tools.get(line, []), **self._supplied(line)}
            self._changing[line] = [(name, [when for when, _ in changes], changes) for name, changes in series.items()]
        return self._changing[line]

    def changeovers(self, line: str) -> list[datetime]:
        """When each changeover of the line in the window was done."""
        ends = (i.end for i in self._losses.get(line, ()) if i.loss is Loss.CHANGEOVER and i.end is not None)
        return sorted(end for end in ends if end in self.window)

    def _pieces(self, line: str) -> Iterator[Piece]:
        series = self._series(line)
        losses = self._losses.get(line, [])
        changed = sorted(i.end for i in losses if i.loss is Loss.CHANGEOVER and i.end is not None)
        fresh = timedelta(minutes=self._rules["after_changeover_minutes"])
        slices = tile(losses, self.window)
        edges = {s.start for s in slices}.union(*(moments for _, moments, _ in series))
        cuts = sorted(edges | {end + after for end in changed for after in (timedelta(0), fresh)})
        position = 0
        for start, end, slot, calendar in self._stretches:
            inside = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
            known: list[int] = []
            for begin, finish in pairwise([start, *inside, end]):
                while slices[position].end <= begin:
                    position += 1
                lost = slices[position].interval
                hours = (finish - begin).total_seconds() / 3600 if lost is None or lost.loss is Loss.SLOW else 0.0
                at = [bisect_right(moments, begin) for _, moments, _ in series]
                last = bisect_right(changed, begin)
                soon = last > 0 and begin < changed[last - 1] + fresh
                if known != [*at, soon]:
                    known = [*at, soon]
                    levels = {**calendar, "line": line}
                    for (name, _, changes), place in zip(series, at, strict=True):
                        if place and changes[place - 1][1]:
                            levels[name] = changes[place - 1][1]
                    if changed:
                        levels["after_changeover"] = "soon" if soon else "later"
                yield Piece(
                    line=line, start=begin, end=finish, amount=hours, turn=slot.start if slot else start, levels=levels
                )

    @cached_property
    def _stretches(self) -> list[tuple[datetime, datetime, ShiftSlot | None, dict[str, str]]]:
        """The worked time of the window, oldest first, with what the calendar alone says of it."""
        zone, since, until = self.view.plant.time_zone, self.window.start, self.window.end
        if not self.view.plant.shifts:
            day = datetime.combine(since.astimezone(zone).date(), time(0), tzinfo=zone)
            nights = []
            while (day := datetime.combine(day.date() + timedelta(days=1), time(0), tzinfo=zone)) < until:
                nights.append(day.astimezone(since.tzinfo))
            return [
                (start, end, None, {"weekday": _WEEKDAYS[start.astimezone(zone).weekday()]})
                for start, end in pairwise([since, *(n for n in nights if n > since), until])
            ]
        edge = timedelta(minutes=self._rules["shift_edge_minutes"])
        slots = self.view.calendar.between(since, until)
        cuts = {m for s in slots for m in (s.start, s.start + edge, s.end - edge, s.end) if since < m < until}
        found: list[tuple[datetime, datetime, ShiftSlot | None, dict[str, str]]] = []
        for start, end in pairwise(sorted({since, until, *cuts})):
            slot = self.view.calendar.at(start)
            if slot is None:
                continue
            part = "first" if start < slot.start + edge else "last" if start >= slot.end - edge else "middle"
            levels = {"shift": slot.name, "hour_of_shift": part, "weekday": _WEEKDAYS[slot.day.weekday()]}
            found.append((start, end, slot, levels | ({"crew": slot.crew} if slot.crew else {})))
        return found

    @cached_property
    def _tools(self) -> dict[str, Changes]:
        """What was mounted on each line, from when on: as reported of the line or its units, its jobs, or in events of
        the window and shortly before."""
        names = self._rules.names["tool"]
        found: dict[str, Changes] = defaultdict(list)
        for said in self.view.statements(kind=EntityKind.EQUIPMENT, properties=names):
            found[work_center(said.entity.id)].append((said.occurred_at, said.text))
        jobs = self.jobs
        ran = [Entity(EntityKind.JOB_ORDER, job) for job in sorted({job for each in jobs.values() for _, job in each})]
        of_job = {s.entity.id: s.text for s in self.view.said(entities=ran, properties=names)}
        places = ("equipment", "job_order", *(f"attributes.{name}" for name in names))
        for _, when, told_of in self._told(("changeover_end", "started"), places, self.window.start - _MOUNTED):
            place, number, *named = json.loads(told_of)
            told = next((str(name) for name in named if name), "")
            if place and (tool := told or of_job.get(number or "", "")):
                found[work_center(place)].append((moment(when), tool))
        for line, begun in jobs.items():
            found[line] += [(when, tool) for when, job in begun if (tool := of_job.get(job, ""))]
        return {line: sorted(changes) for line, changes in found.items()}

    @cached_property
    def _consumed(self) -> dict[tuple[str, str], Changes]:
        """For each line and consumed material the suppliers of its lots, where it has several."""
        rows = self._told(("consumption", "staged"), ("lot", "material"), self.window.start)
        used = [(place, moment(when), *json.loads(said)) for place, when, said in rows]
        lots = [Entity(EntityKind.LOT, lot) for lot in sorted({lot for _, _, lot, _ in used if lot})]
        of_lot: dict[str, dict[str, str]] = defaultdict(dict)
        for said in self.view.said(entities=lots, properties=("supplier", "material")):
            of_lot[said.entity.id][said.property] = said.text
        found: dict[tuple[str, str], Changes] = defaultdict(list)
        for place, when, name, named in used:
            lot = of_lot.get(name or "", {})
            material = named or lot.get("material")
            if place and material and (supplier := lot.get("supplier")):
                found[work_center(place), material].append((when, supplier))
        return {key: sorted(changes) for key, changes in found.items() if len({s for _, s in changes}) > 1}

    def _told(
        self, kinds: tuple[str, ...], places: tuple[str, ...], since: datetime
    ) -> list[tuple[str | None, int, str]]:
        """The equipment, the microsecond and what stands at the places, of the events of these kinds from then to the
        window's end; read once for those too that reach back a little farther."""
        key = ("told along", kinds, places, self.window.end)
        if key not in self.view.kept or self.view.kept[key][0] > since:
            back = since - _FARTHER
            rows = picked(self.view, kinds, places, within=replace(self.window, start=back))
            self.view.kept[key] = (back, [(place, when, said) for _, _, _, place, when, _, said in rows])
        first = stored(since)
        return [row for row in self.view.kept[key][1] if row[1] >= first]

    def _supplied(self, line: str) -> dict[str, Changes]:
        return {f"{_SUPPLIER}{m}": changes for (where, m), changes in self._consumed.items() if where == line}
