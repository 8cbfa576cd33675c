"""The gap between what equipment should have made and what it made, split into parts that sum to it exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from lineside.interpretation.output import (
    Count,
    Rate,
    booked,
    counts,
    job_counts,
    preferred,
    preferred_count,
    rates_said,
    target_rate,
)
from lineside.interpretation.stops import Interval, Loss, Slice, tile
from lineside.memory import View
from lineside.plant.equipment import work_center
from lineside.plant.windows import Window

SPLIT = ("stops", "slow running", "rejects", "changeover", "maintenance", "waiting", "unexplained")
"""What a gap is split into."""

_STALE = timedelta(minutes=5)  # a count this old, of a running line, no longer speaks for now
_MOST_OF = 0.6  # a counter that tells of less than this of what another one tells of is left for that one
_BEHIND_SHARE = 0.01  # less than this share of the target is on time


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One share of the gap. The parts' `units` sum to the gap, and so do their `minutes`. kind: one of SPLIT."""

    name: str
    units: Decimal
    minutes: Decimal
    cites: tuple[str, ...] = ()
    times: int = 0
    intervals: tuple[Interval, ...] = ()
    kind: str = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The target less the good units made in the window, and its parts, the greatest first, the rest last."""

    window: Window
    target: Decimal
    made: Decimal
    parts: tuple[Part, ...]
    rate: Rate
    count: Count
    slices: tuple[Slice, ...] = field(repr=False)
    others: tuple[Count, ...] = ()

    @property
    def units(self) -> Decimal:
        return self.target - self.made

    @property
    def split(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Units and minutes of each of SPLIT; they sum to the gap as the parts do."""
        of = {kind: [p for p in self.parts if p.kind == kind] for kind in SPLIT}
        return {
            kind: (sum((p.units for p in parts), Decimal(0)), sum((p.minutes for p in parts), Decimal(0)))
            for kind, parts in of.items()
        }

    @property
    def behind(self) -> bool:
        return self.units > 0 and float(self.units) >= _BEHIND_SHARE * float(self.target)

    @property
    def cites(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.rate.cites(self.window), *self.count.cites(self.window))))


def measure(view: View, equipment: str, window: Window, losses: Sequence[Interval]) -> Gap | None:
    """The gap and its parts; None where the records hold no target or no count of what was made.

    The window is cut to the stretch that both the target and the count cover.
    """
    rate, (count, others) = target_rate(view, equipment, window), counted_by(view, equipment, window)
    if rate is None or count is None:
        return None
    covered = _covered(window, rate, count, losses)
    if covered.seconds <= 0:
        return None
    run = _Run(equipment=equipment, window=covered, slices=tuple(tile(losses, covered)), rate=rate, count=count)
    total, good = run.rounded(run.target), run.rounded(count.made(covered.start, covered.end))
    scrap = rejects(view, run.count, run.equipment, run.window)
    parts = [*_standing_still(run), *_rejected(run, scrap), *_slow(view, run, scrap)]
    gap = run.part("gap", run.target - count.made(covered.start, covered.end), ())
    rest = Part(
        name="unexplained",
        units=total - good - sum((p.units for p in parts), Decimal(0)),
        minutes=gap.minutes - sum((p.minutes for p in parts), Decimal(0)),
    )
    return Gap(
        window=covered,
        target=total,
        made=good,
        parts=(*sorted(parts, key=lambda p: (-p.units, -p.minutes, p.name)), rest),
        rate=rate,
        count=count,
        slices=run.slices,
        others=tuple(others),
    )


def counted_by(view: View, equipment: str, window: Window) -> tuple[Count | None, list[Count]]:
    """The count to go by, and others of the same place: counters before bookings before job orders, unless one of the
    later ones tells of far more of the window."""
    for line in dict.fromkeys((equipment, work_center(equipment))):
        found = []
        for find, owned in (
            (counts, "equipment.good_count"),
            (booked, "production"),
            (job_counts, "job_order.quantity_good"),
        ):
            if lanes := find(view, line, window):
                best = preferred_count(view, lanes, owned)
                beside = [c for c in lanes if c is not best and c.equipment == best.equipment]
                if _spanned(best, window) >= _MOST_OF * window.seconds:
                    return best, beside
                found.append((best, beside))
        if found:
            most = max(_spanned(best, window) for best, _ in found)
            return next(each for each in found if _spanned(each[0], window) >= _MOST_OF * most)
    return None, []


def _spanned(count: Count, window: Window) -> float:
    first, last = max(count.marks[0].at, window.start), min(count.marks[-1].at, window.end)
    return max(0.0, (last - first).total_seconds())


def _covered(window: Window, rate: Rate, count: Count, losses: Sequence[Interval]) -> Window:
    start = max(window.start, rate.steps[0].start, count.marks[0].at)
    end = window.end if rate.end is None else min(window.end, rate.end)
    heard = count.marks[-1].at
    # A counter that reports on change is silent while the line stands; then its last figure still holds.
    if heard < end and not count.how.startswith("production"):
        silent = tile(losses, Window(start=heard, end=end))
        if (
            sum(s.seconds for s in silent if s.interval is None or s.interval.loss is Loss.SLOW)
            > _STALE.total_seconds()
        ):
            end = heard
    return Window(start=start, end=max(start, end), label=window.label, shift=window.shift)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What a gap is made of, before it is split."""

    equipment: str
    window: Window
    slices: tuple[Slice, ...]
    rate: Rate
    count: Count

    @property
    def target(self) -> float:
        return self.rate.units(self.window.start, self.window.end)

    def rounded(self, units: float) -> Decimal:
        """Whole units, unless the counter itself counts in parts of one."""
        whole = all(m.total == int(m.total) for m in self.count.marks)
        return Decimal(str(units)).quantize(Decimal(1) if whole else Decimal("0.1"))

    def part(self, kind: str, units: float, cites: tuple[str, ...], owners: tuple[Interval, ...] = ()) -> Part:
        """Units lost otherwise than by standing still, with the minutes in which the target makes as many."""
        minutes = units / (self.target / (self.window.seconds / 60)) if self.target else 0.0
        return Part(
            name=kind,
            kind=kind,
            units=self.rounded(units),
            minutes=Decimal(str(minutes)).quantize(Decimal(1)),
            cites=cites,
            times=len(owners),
            intervals=owners,
        )


def _standing_still(run: _Run) -> list[Part]:
    grouped: dict[str, list[Slice]] = {}
    for piece in run.slices:
        if piece.interval is not None and piece.interval.loss is not Loss.SLOW:
            grouped.setdefault(called(piece.interval), []).append(piece)
    parts = []
    for name, pieces in grouped.items():
        owners = tuple(dict.fromkeys(p.interval for p in pieces if p.interval))
        parts.append(
            Part(
                name=name,
                units=run.rounded(sum(run.rate.units(p.start, p.end) for p in pieces)),
                minutes=Decimal(str(sum(p.seconds for p in pieces) / 60)).quantize(Decimal(1)),
                cites=tuple(dict.fromkeys(r for i in owners for r in (*i.records, *i.shown_by))),
                times=len(owners),
                intervals=owners,
                kind=kind_of(owners[0]),
            )
        )
    return parts


def rejects(view: View, good: Count, equipment: str, window: Window) -> Count | None:
    """Units made that were not good: by the reject counter where the good ones are counted, else by scrap bookings;
    a counter that tells of far less of the window than the good count is left for bookings."""
    found = counts(view, good.equipment, window, "reject_count")
    best = preferred_count(view, found, "equipment.reject_count") if found else None
    if best is not None and _spanned(best, window) >= _MOST_OF * _spanned(good, window):
        return best
    lanes = booked(view, equipment, window, "scrap")
    return preferred_count(view, lanes, "scrap") if lanes else best


def _rejected(run: _Run, scrap: Count | None) -> list[Part]:
    lost = scrap.made(run.window.start, run.window.end) if scrap else 0.0
    return [run.part("rejects", lost, scrap.cites(run.window))] if scrap and lost > 0 else []


def kind_of(interval: Interval) -> str:
    """Which of SPLIT the loss belongs to."""
    if interval.waits_for:
        return "waiting"
    match interval.loss:
        case Loss.STOP:
            return "stops"
        case Loss.IDLE:
            return "waiting"
        case Loss.SLOW:
            return "slow running"
        case Loss.CHANGEOVER | Loss.MAINTENANCE:
            return str(interval.loss)


def called(interval: Interval) -> str:
    """How a share of the gap is named: `stop: jam`, `changeover`, `waiting for material: no resin`, `waiting`."""
    if interval.waits_for:
        return f"waiting for {interval.waits_for}" + (f": {interval.why}" if interval.why else "")
    match interval.loss:
        case Loss.STOP:
            return f"stop: {interval.why or 'no reason recorded'}"
        case Loss.IDLE:
            return f"waiting: {interval.why}" if interval.why else "waiting"
        case Loss.CHANGEOVER | Loss.MAINTENANCE | Loss.SLOW:
            return str(interval.loss)


def _slow(view: View, run: _Run, scrap: Count | None) -> list[Part]:
    """Units lost to slow running: by the rate that the line reports, where it reported none since it ran slow by what
    was counted."""
    running = [s for s in run.slices if s.interval is None or s.interval.loss is Loss.SLOW]
    owners = tuple(dict.fromkeys(s.interval for s in running if s.interval))
    told = [r for o in owners for r in o.records]
    said = rates_said(view, run.equipment, "rate", run.window)
    speed = preferred(view, said, "equipment.rate") if said else None
    lost, counted = 0.0, list[tuple[datetime, datetime]]()
    for piece in running:
        for start, end in _pieces(piece, *(r for r in (speed, run.rate) if r is not None)):
            aim, real = run.rate.at(start), speed.at(start) if speed else None
            said_since = piece.interval is None or (speed is not None and _since(speed, start, piece.interval.start))
            if not said_since:
                counted.append((start, end))
            # A line that says rate 0 while no stop is recorded is not slow: that stays unexplained.
            elif aim is not None and real:
                lost += max(0.0, aim - real) * (end - start).total_seconds() / 3600
    if speed is not None and round(lost) > 0:
        told += speed.cites(run.window)
    if counted and (short := _short_by_count(run, running, counted, scrap)):
        lost, told = lost + short, [*told, *run.count.cites(Window(start=counted[0][0], end=counted[-1][1]))]
    return [run.part("slow running", lost, tuple(dict.fromkeys(told)), owners)] if owners or round(lost) > 0 else []


def _since(speed: Rate, moment: datetime, began: datetime) -> bool:
    return any(began <= step.start <= moment for step in speed.steps)


def _short_by_count(
    run: _Run, running: Sequence[Slice], slow: Sequence[tuple[datetime, datetime]], scrap: Count | None
) -> float:
    """Between two readings of the counter: what the running time should have made and did not, at most what the slow
    time should have made. While a line isn't called slow, it is taken to run at its target."""
    times = [m.at for m in run.count.marks if run.window.start < m.at < run.window.end]
    edges = sorted({max(run.window.start, run.count.marks[0].at), *times})
    last = min(run.count.marks[-1].at, run.window.end)
    lost = 0.0
    for start, end in pairwise(sorted({*edges, last})):
        due_slow = _due(run.rate, slow, start, end)
        if due_slow:
            due = _due(run.rate, [(s.start, s.end) for s in running], start, end)
            made = run.count.made(start, end) + (scrap.made(start, end) if scrap else 0.0)
            lost += min(due_slow, max(0.0, due - made))
    return lost


def _due(rate: Rate, stretches: Sequence[tuple[datetime, datetime]], start: datetime, end: datetime) -> float:
    clipped = ((max(a, start), min(b, end)) for a, b in stretches)
    return sum(rate.units(a, b) for a, b in clipped if a < b)


def _pieces(piece: Slice, *rates: Rate) -> list[tuple[datetime, datetime]]:
    cuts = {s.start for r in rates for s in r.steps if piece.start < s.start < piece.end}
    return list(pairwise(sorted({piece.start, piece.end} | cuts)))
