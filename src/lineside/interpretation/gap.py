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

_STALE = timedelta(minutes=5)  # a count this old, of a running line, no longer speaks for now
_BEHIND_SHARE = 0.01  # less than this share of the target is on time


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One share of the gap. The parts' `units` sum to the gap, and so do their `minutes`."""

    name: str
    units: Decimal
    minutes: Decimal
    cites: tuple[str, ...] = ()
    times: int = 0
    intervals: tuple[Interval, ...] = ()


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
    parts = [*_standing_still(run), *_rejected(view, run), *_slow(view, run)]
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
    for line in dict.fromkeys((equipment, work_center(equipment))):
        for find, owned in (
            (counts, "equipment.good_count"),
            (booked, "production"),
            (job_counts, "job_order.quantity_good"),
        ):
            found = find(view, line, window)
            if found:
                best = preferred_count(view, found, owned)
                return best, [c for c in found if c is not best and c.equipment == best.equipment]
    return None, []


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

    def part(self, name: str, units: float, cites: tuple[str, ...], owners: tuple[Interval, ...] = ()) -> Part:
        """Units lost otherwise than by standing still, with the minutes in which the target makes as many."""
        minutes = units / (self.target / (self.window.seconds / 60)) if self.target else 0.0
        return Part(
            name=name,
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
                cites=tuple(dict.fromkeys(r for i in owners for r in i.records)),
                times=len(owners),
                intervals=owners,
            )
        )
    return parts


def _rejected(view: View, run: _Run) -> list[Part]:
    """Units made that were not good: by the reject counter, else by the scrap bookings."""
    place, window = run.count.equipment, run.window
    rejects = counts(view, place, window, "reject_count") or booked(view, run.equipment, window, "scrap")
    if not rejects:
        return []
    scrap = preferred_count(view, rejects, "equipment.reject_count")
    lost = scrap.made(window.start, window.end)
    return [run.part("rejects", lost, scrap.cites(window))] if lost > 0 else []


def called(interval: Interval) -> str:
    """How a share of the gap is named: `stop: jam at .../filler`, `changeover`, `waiting`."""
    match interval.loss:
        case Loss.STOP:
            return f"stop: {interval.why or 'no reason recorded'}"
        case Loss.IDLE:
            return f"waiting: {interval.why}" if interval.why else "waiting"
        case Loss.CHANGEOVER | Loss.MAINTENANCE | Loss.SLOW:
            return str(interval.loss)


def _slow(view: View, run: _Run) -> list[Part]:
    """Units lost to slow running: by the rate that the line reports, else by the count within the slow intervals."""
    running = [s for s in run.slices if s.interval is None or s.interval.loss is Loss.SLOW]
    owners = tuple(dict.fromkeys(s.interval for s in running if s.interval))
    told = tuple(r for o in owners for r in o.records)
    if actual := rates_said(view, run.equipment, "rate", run.window):
        speed = preferred(view, actual, "equipment.rate")
        lost = 0.0
        for piece in running:
            for start, end in _pieces(piece, speed, run.rate):
                aim, real = run.rate.at(start), speed.at(start)
                # A line that says rate 0 while no stop is recorded is not slow: that stays unexplained.
                if aim is not None and real:
                    lost += max(0.0, aim - real) * (end - start).total_seconds() / 3600
        if round(lost) > 0:
            return [run.part("slow running", lost, (*told, *speed.cites(run.window)), owners)]
    if not owners:
        return []
    slow = [s for s in running if s.interval is not None]
    lost = sum(max(0.0, run.rate.units(s.start, s.end) - run.count.made(s.start, s.end)) for s in slow)
    return [run.part("slow running", lost, told, owners)]


def _pieces(piece: Slice, one: Rate, other: Rate) -> list[tuple[datetime, datetime]]:
    cuts = {s.start for r in (one, other) for s in r.steps if piece.start < s.start < piece.end}
    edges = sorted({piece.start, piece.end} | cuts)
    return list(pairwise(edges))
