"""The running hours of lines in pieces, each with the shift, crew, material, tool and supplier that it falls to."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from itertools import pairwise

from lineside.interpretation.occurrences import Occurrence, running_material
from lineside.interpretation.pattern_rules import PatternRules, pattern_rules
from lineside.interpretation.stops import Interval, Loss, tile
from lineside.interpretation.wording import at
from lineside.memory import View
from lineside.plant.calendar import ShiftSlot
from lineside.plant.entities import EntityKind
from lineside.plant.equipment import work_center
from lineside.plant.windows import Window

Changes = list[tuple[datetime, str]]
"""A level from each moment on, until the next; sorted."""
_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_SUPPLIER = "supplier of "


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of one line in which nothing changes. hours: of it, those run. turn: the shift (or day) it is of."""

    line: str
    start: datetime
    end: datetime
    hours: float
    turn: datetime
    levels: Mapping[str, str]


@dataclass(frozen=True)
class Hours:
    """The pieces of one line or several."""

    pieces: tuple[Piece, ...]

    @cached_property
    def total(self) -> float:
        return sum(p.hours for p in self.pieces)

    @cached_property
    def turns(self) -> dict[datetime, float]:
        """The running hours of each shift, or of each day where the plant file has no shifts."""
        found: dict[datetime, float] = defaultdict(float)
        for piece in self.pieces:
            found[piece.turn] += piece.hours
        return dict(found)

    @cached_property
    def by(self) -> dict[str, dict[str, float]]:
        """For each dimension the running hours of each level, those that never ran left out."""
        found: dict[str, dict[str, float]] = {}
        for piece in self.pieces:
            if piece.hours > 0:
                for dimension, level in piece.levels.items():
                    levels = found.setdefault(dimension, {})
                    levels[level] = levels.get(level, 0.0) + piece.hours
        return found

    def jointly(self, one: str, other: str) -> dict[tuple[str, str], float]:
        """The running hours of each pair of levels of two dimensions."""
        found: dict[tuple[str, str], float] = defaultdict(float)
        for piece in self.pieces:
            if one in piece.levels and other in piece.levels:
                found[piece.levels[one], piece.levels[other]] += piece.hours
        return dict(found)

    @cached_property
    def _of_line(self) -> dict[str, tuple[list[datetime], list[Piece]]]:
        found: dict[str, list[Piece]] = defaultdict(list)
        for piece in self.pieces:
            found[piece.line].append(piece)
        return {line: ([p.start for p in pieces], pieces) for line, pieces in found.items()}

    def place(self, case: Occurrence) -> Piece | None:
        """The piece that the case began in, with the material that the case itself names; None outside of shifts."""
        starts, pieces = self._of_line.get(work_center(case.equipment), ([], []))
        position = bisect_right(starts, case.start)
        if not position or case.start >= pieces[position - 1].end:
            return None
        found = pieces[position - 1]
        if case.material and case.material != found.levels.get("material"):
            return Piece(
                line=found.line, start=found.start, end=found.end, hours=0.0, turn=found.turn,
                levels={**found.levels, "material": case.material},
            )  # fmt: skip
        return found


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
        self._cut: dict[tuple[str, ...], Hours] = {}

    @cached_property
    def running(self) -> dict[str, Changes]:
        return running_material(self.view)

    @cached_property
    def lines(self) -> list[str]:
        """The lines on which anything ran or was lost; what the plant file alone names has no hours to go by."""
        return sorted(line for line in {*self._losses, *self.running} if line.count("/") == 2)

    @cached_property
    def units(self) -> frozenset[str]:
        """Every piece of equipment that the plant file names or that anything was lost on."""
        lost = (i.equipment for losses in self._losses.values() for i in losses)
        return frozenset((*(e.id for e in self.view.plant.equipment), *lost))

    def of(self, *lines: str) -> Hours:
        """The hours of these lines."""
        for line in lines:
            if (line,) not in self._cut:
                self._cut[line,] = Hours(tuple(self._pieces(line)))
        if lines not in self._cut:
            self._cut[lines] = Hours(tuple(p for line in lines for p in self._cut[line,].pieces))
        return self._cut[lines]

    def _pieces(self, line: str) -> Iterator[Piece]:
        series = {"material": self.running.get(line, []), "tool": self._tools.get(line, []), **self._supplied(line)}
        losses = self._losses.get(line, [])
        changed = sorted(i.end for i in losses if i.loss is Loss.CHANGEOVER and i.end is not None)
        fresh = timedelta(minutes=self._rules["after_changeover_minutes"])
        slices = tile(losses, self.window)
        edges = {moment for changes in series.values() for moment, _ in changes} | {s.start for s in slices}
        cuts = sorted(edges | {end + after for end in changed for after in (timedelta(0), fresh)})
        position = 0
        for start, end, slot, calendar in self._stretches:
            inside = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
            for begin, finish in pairwise([start, *inside, end]):
                while slices[position].end <= begin:
                    position += 1
                lost = slices[position].interval
                hours = (finish - begin).total_seconds() / 3600 if lost is None or lost.loss is Loss.SLOW else 0.0
                levels = {**calendar, "line": line}
                levels |= {name: level for name, changes in series.items() if (level := _level(changes, begin))}
                if changed:
                    last = bisect_right(changed, begin)
                    soon = last > 0 and begin < changed[last - 1] + fresh
                    levels["after_changeover"] = "soon" if soon else "later"
                yield Piece(
                    line=line, start=begin, end=finish, hours=hours, turn=slot.start if slot else start, levels=levels
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
        """What was mounted on each line, from when on: as reported of the line or its units, its jobs, or in events."""
        names = self._rules.names["tool"]
        found: dict[str, Changes] = defaultdict(list)
        for said in self.view.statements(kind=EntityKind.EQUIPMENT, properties=names):
            found[work_center(said.entity.id)].append((said.occurred_at, said.text))
        of_job = {s.entity.id: s.text for s in self.view.said(kind=EntityKind.JOB_ORDER, properties=names)}
        for event in self.view.events(kinds=("changeover_end", "started")):
            told = next((str(event.attributes[n]) for n in names if event.attributes.get(n)), "")
            if event.equipment and (tool := told or of_job.get(event.job_order or "", "")):
                found[work_center(event.equipment)].append((at(event), tool))
        if of_job:
            for said in self.view.statements(kind=EntityKind.EQUIPMENT, properties=("job_order",)):
                if tool := of_job.get(said.text, ""):
                    found[work_center(said.entity.id)].append((said.occurred_at, tool))
        return {line: sorted(changes) for line, changes in found.items()}

    @cached_property
    def _consumed(self) -> dict[tuple[str, str], Changes]:
        """For each line and consumed material the suppliers of its lots, where it has several."""
        of_lot: dict[str, dict[str, str]] = defaultdict(dict)
        for said in self.view.said(kind=EntityKind.LOT, properties=("supplier", "material")):
            of_lot[said.entity.id][said.property] = said.text
        if len({lot["supplier"] for lot in of_lot.values() if lot.get("supplier")}) < 2:
            return {}
        found: dict[tuple[str, str], Changes] = defaultdict(list)
        for event in self.view.events(kinds=("consumption", "staged"), within=self.window):
            lot = of_lot.get(event.lot or "", {})
            material = event.material or lot.get("material")
            if event.equipment and material and (supplier := lot.get("supplier")):
                found[work_center(event.equipment), material].append((at(event), supplier))
        return {key: sorted(changes) for key, changes in found.items() if len({s for _, s in changes}) > 1}

    def _supplied(self, line: str) -> dict[str, Changes]:
        return {f"{_SUPPLIER}{m}": changes for (where, m), changes in self._consumed.items() if where == line}


def _level(changes: Sequence[tuple[datetime, str]], moment: datetime) -> str | None:
    position = bisect_right(changes, moment, key=lambda change: change[0])
    return changes[position - 1][1] if position else None
