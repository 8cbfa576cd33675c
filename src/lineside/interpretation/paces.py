"""How fast lines make which material, and how long they take from one to the next: measured on finished job orders."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt
from statistics import median, quantiles

from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.planning_rules import planning_rules
from lineside.interpretation.reading import Kind
from lineside.interpretation.wording import bounded
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import work_center
from lineside.plant.records import Event
from lineside.plant.windows import Window

_MOST_READ = 800  # marks of starts and ends that are looked at, the latest first
_PER_LINE = 36  # finished job orders of a line that are
_ENOUGH = 5  # samples from which on their own spread is taken
_WIDEST = 0.6
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Good pieces per working hour, stops and rejects included. spread: the share by which a run of `typical_h` hours
    differs from it. how: where it is from, in words."""

    per_h: float
    unit: str
    spread: float
    typical_h: float
    how: str
    kind: Kind
    cites: tuple[str, ...]

    def within(self, hours: float) -> tuple[float, float]:
        """The slowest and the fastest that a run of so many hours may be: a short one differs more."""
        share = min(_WIDEST, self.spread * sqrt(max(1.0, self.typical_h / max(hours, 0.25))))
        return self.per_h * (1 - share), self.per_h * (1 + share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One job order that was made. hours: working time from its first to its last piece."""

    job: str
    line: str
    material: str
    good: float
    unit: str
    start: datetime
    end: datetime
    hours: float
    cites: tuple[str, ...]

    @property
    def per_h(self) -> float:
        return self.good / self.hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How long a line takes from one material to another. kind: derived where this very change was measured."""

    seconds: float
    times: int
    how: str
    kind: Kind
    cites: tuple[str, ...]


class Paces:
    """What the finished job orders of the last weeks tell."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.rules = facts, planning_rules()
        view = facts.view
        since = view.as_of - timedelta(days=self.rules["pace.history_days"])
        self._window = Window(start=since, end=view.as_of + _INSTANT)
        self.finished = self._read()
        self._runs: dict[tuple[str, str], list[Finished]] = defaultdict(list)
        self._lines: dict[str, list[Finished]] = defaultdict(list)
        for run in self.finished:
            self._runs[run.line, run.material].append(run)
            self._lines[run.line].append(run)
        self._setups = self._changeovers()

    def measured(self, line: str, material: str) -> Pace | None:
        """The pace of the material on the line; None where none of it was finished there."""
        runs = self._runs.get((line, material), [])[: int(self.rules["pace.most_samples"])]
        if not runs:
            return None
        unit = runs[0].unit
        rates = [run.per_h for run in runs if run.unit == unit]
        spread = self.rules["pace.spread_pct"] / 100
        if len(rates) >= _ENOUGH:
            low, *_, high = quantiles(rates, n=10)
            spread = max((high - low) / 2 / median(rates), 0.02)
        times = "1 finished job order" if len(rates) == 1 else f"{len(rates)} finished job orders"
        return Pace(
            per_h=median(rates),
            unit=unit,
            spread=spread,
            typical_h=median(run.hours for run in runs),
            how=f"measured on {times}",
            kind=Kind.DERIVED,
            cites=bounded(dict.fromkeys(cite for run in runs for cite in run.cites)),
        )

    def others_on(self, line: str) -> tuple[float, float, str, tuple[str, ...]] | None:
        """The slowest and fastest middle pace of any material made on the line, its unit and records; None: nothing."""
        found = [pace for (at, what) in self._runs if at == line and (pace := self.measured(at, what))]
        units = {pace.unit for pace in found}
        if not found or len(units) > 1:
            return None
        rates = [pace.per_h for pace in found]
        return min(rates), max(rates), units.pop(), bounded(c for pace in found for c in pace.cites[:2])

    def lines_for(self, material: str) -> list[str]:
        """The lines that finished a job order of the material, the one that did so most often first."""
        lines = {line: len(runs) for (line, what), runs in self._runs.items() if what == material}
        return sorted(lines, key=lambda line: (-lines[line], line))

    def last_on(self, line: str) -> Finished | None:
        return max(self._lines.get(line, ()), key=lambda run: run.end, default=None)

    def setup(self, line: str, before: str, after: str) -> Setup | None:
        """From one material to another on the line; where it was never seen, as others there. None: no word."""
        own = self._setups.get((line, before, after))
        if own:
            how = f"measured {len(own)} times" if len(own) > 1 else "measured once"
            return _setup(own, how, Kind.DERIVED)
        if before == after:
            return None
        others = [each for (at, *_), found in self._setups.items() if at == line for each in found]
        return _setup(others, "as other changeovers there", Kind.GUESSED) if others else None

    def _read(self) -> list[Finished]:
        """The latest first."""
        facts, view = self.facts, self.facts.view
        marks = view.events(kinds=("started", "completed"), within=self._window, newest_first=True, limit=_MOST_READ)
        told: dict[tuple[str, str], Event] = {}
        for event in marks:
            if event.job_order:
                told.setdefault((event.kind, event.job_order), event)
        read: Counter[str] = Counter()
        jobs = []
        for (kind, job), event in told.items():
            place = work_center(event.equipment or "")
            if kind == "completed" and read[place] < _PER_LINE:
                read[place] += 1
                jobs.append(job)
        if not jobs:
            facts.load(EntityKind.JOB_ORDER, "actual_end")
            ended = [
                (end, entity.id)
                for entity in facts.having(EntityKind.JOB_ORDER, "actual_end")
                if (said := facts.best(entity, "actual_end")) and (end := moment(said.value)) and end in self._window
            ]
            jobs = [job for _, job in sorted(ended, reverse=True)[: _MOST_READ // 2]]
        facts.fetch(Entity(EntityKind.JOB_ORDER, job) for job in jobs)
        runs = (self._finished(job, told.get(("started", job)), told.get(("completed", job))) for job in jobs)
        return sorted((run for run in runs if run), key=lambda run: (run.end, run.job), reverse=True)

    def _finished(self, job: str, started: Event | None, completed: Event | None) -> Finished | None:
        facts, entity = self.facts, Entity(EntityKind.JOB_ORDER, job)
        said = {name: facts.best(entity, name) for name in ("material", "equipment", "actual_start", "actual_end")}
        good = next(
            (s for n in ("quantity_good", "quantity") if (s := facts.best(entity, n)) and s.quantity is not None), None
        )
        material = said["material"].text if said["material"] else completed.material if completed else None
        place = said["equipment"].text if said["equipment"] else completed.equipment if completed else None
        start, start_cite = _when(said["actual_start"], started)
        end, end_cite = _when(said["actual_end"], completed)
        if good is None or good.quantity is None or not material or not place or start is None or end is None:
            return None
        hours = facts.view.calendar.worked_s(start, end) / 3600
        value = float(good.quantity.value)
        if hours <= 0 or value <= 0:
            return None
        cites = tuple(dict.fromkeys((good.record_id, end_cite, start_cite)))
        return Finished(
            job=job, line=work_center(place), material=material, good=value, unit=good.quantity.unit, start=start,
            end=end, hours=hours, cites=cites,
        )  # fmt: skip

    def _changeovers(self) -> dict[tuple[str, str, str], list[tuple[float, tuple[str, ...]]]]:
        """Seconds of working time, with records: by changeover events, else from one job order's end to the next's
        start."""
        view = self.facts.view
        timed: dict[str, tuple[float, tuple[str, ...]]] = {}
        opened: dict[tuple[str, str | None], Event] = {}
        kinds = ("changeover_start", "changeover_end")
        since = min((run.start for run in self.finished), default=view.as_of) - timedelta(days=1)
        window = Window(start=max(since, self._window.start), end=self._window.end)
        for event in reversed(view.events(kinds=kinds, within=window, newest_first=True, limit=_MOST_READ)):
            lane = (work_center(event.equipment or ""), event.job_order)
            if event.kind == "changeover_start":
                opened[lane] = event
            elif (began := opened.pop(lane, None)) and event.job_order:
                worked = view.calendar.worked_s(began.provenance.occurred_at, event.provenance.occurred_at)
                timed[event.job_order] = (worked, (began.provenance.record_id, event.provenance.record_id))
        found: dict[tuple[str, str, str], list[tuple[float, tuple[str, ...]]]] = defaultdict(list)
        longest = self.rules["work.longest_changeover_minutes"] * 60
        for line, runs in self._lines.items():
            for one, other in pairwise(sorted(runs, key=lambda run: run.start)):
                gap = (view.calendar.worked_s(one.end, max(one.end, other.start)), (one.cites[-1], other.cites[-1]))
                seconds, cites = timed.get(other.job) or gap
                if seconds <= longest:
                    found[line, one.material, other.material].append((seconds, cites))
        return found


def _setup(samples: Sequence[tuple[float, tuple[str, ...]]], how: str, kind: Kind) -> Setup:
    cites = bounded(dict.fromkeys(cite for _, cites in samples for cite in cites))
    return Setup(seconds=median(s for s, _ in samples), times=len(samples), how=how, kind=kind, cites=cites)


def _when(said: Statement | None, event: Event | None) -> tuple[datetime | None, str]:
    if said is not None and (at := moment(said.value)):
        return at, said.record_id
    return (event.provenance.occurred_at, event.provenance.record_id) if event else (None, "")


def blended(paces: Iterable[tuple[Pace, float]]) -> Pace | None:
    """Several words on one pace as one, each with its weight; None of none."""
    found = [(pace, weight) for pace, weight in paces if weight > 0]
    if not found:
        return None
    first = found[0][0]
    total = sum(weight for _, weight in found)
    return Pace(
        per_h=sum(pace.per_h * weight for pace, weight in found) / total,
        unit=first.unit,
        spread=max(pace.spread for pace, _ in found),
        typical_h=max(pace.typical_h for pace, _ in found),
        how=" and ".join(dict.fromkeys(pace.how for pace, _ in found)),
        kind=first.kind,
        cites=bounded(dict.fromkeys(cite for pace, _ in found for cite in pace.cites)),
    )
