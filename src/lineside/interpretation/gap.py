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
    rate, count, others = target_rate(view, equipment, window), *counted_by(view, equipment, window)
    if rate is None or count is None:
        return None
    covered = _covered(window, rate, count, losses)
    if covered.seconds <= 0:
        return None
    slices = tile(losses, covered)
    target, made = rate.units(covered.start, covered.end), count.made(covered.start, covered.end)
    digits = Decimal(1) if all(m.total == int(m.total) for m in count.marks) else Decimal("0.1")
    total, good = (Decimal(str(v)).quantize(digits) for v in (target, made))
    per_minute = target / (covered.seconds / 60) if target else 0.0
    parts = _parts(view, equipment, covered, slices, rate, count, digits)
    minutes = Decimal(str((target - made) / per_minute)).quantize(Decimal(1)) if per_minute else Decimal(0)
    rest = Part(
        name="unexplained",
        units=total - good - sum((p.units for p in parts), Decimal(0)),
        minutes=minutes - sum((p.minutes for p in parts), Decimal(0)),
    )
    return Gap(
        window=covered,
        target=total,
        made=good,
        parts=(*sorted(parts, key=lambda p: (-p.units, -p.minutes, p.name)), rest),
        rate=rate,
        count=count,
        slices=tuple(slices),
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
    return Window(
        start=min(start, max(end, window.start)), end=max(end, min(start, end)), label=window.label, shift=window.shift
    )


def _parts(
    view: View, line: str, window: Window, slices: Sequence[Slice], rate: Rate, count: Count, digits: Decimal
) -> list[Part]:
    grouped: dict[str, list[Slice]] = {}
    for piece in slices:
        if piece.interval is not None and piece.interval.loss is not Loss.SLOW:
            grouped.setdefault(called(piece.interval), []).append(piece)
    parts = []
    for name, pieces in grouped.items():
        owners = tuple(dict.fromkeys(p.interval for p in pieces if p.interval))
        parts.append(
            Part(
                name=name,
                units=Decimal(str(sum(rate.units(p.start, p.end) for p in pieces))).quantize(digits),
                minutes=Decimal(str(sum(p.seconds for p in pieces) / 60)).quantize(Decimal(1)),
                cites=tuple(dict.fromkeys(r for i in owners for r in i.records)),
                times=len(owners),
                intervals=owners,
            )
        )
    per_minute = rate.units(window.start, window.end) / (window.seconds / 60) or 1.0
    rejects = counts(view, count.equipment, window, "reject_count") or booked(view, line, window, "scrap")
    if rejects:
        scrap = preferred_count(view, rejects, "equipment.reject_count")
        lost = scrap.made(window.start, window.end)
        if lost > 0:
            parts.append(_part("rejects", lost, per_minute, digits, scrap.cites(window)))
    if (slow := _slow(view, line, window, slices, rate, count)) is not None:
        parts.append(_part("slow running", slow[0], per_minute, digits, slow[1], slow[2]))
    return parts


def called(interval: Interval) -> str:
    """How a share of the gap is named: `stop: jam at .../filler`, `changeover`, `waiting`."""
    match interval.loss:
        case Loss.STOP:
            return f"stop: {interval.why or 'no reason recorded'}"
        case Loss.IDLE:
            return f"waiting: {interval.why}" if interval.why else "waiting"
        case Loss.CHANGEOVER | Loss.MAINTENANCE | Loss.SLOW:
            return str(interval.loss)


def _part(
    name: str,
    units: float,
    per_minute: float,
    digits: Decimal,
    cites: tuple[str, ...],
    owners: tuple[Interval, ...] = (),
) -> Part:
    return Part(
        name=name,
        units=Decimal(str(units)).quantize(digits),
        minutes=Decimal(str(units / per_minute)).quantize(Decimal(1)),
        cites=cites,
        times=len(owners),
        intervals=owners,
    )


def _slow(
    view: View, line: str, window: Window, slices: Sequence[Slice], rate: Rate, count: Count
) -> tuple[float, tuple[str, ...], tuple[Interval, ...]] | None:
    """Units lost to slow running: by the rate that the line reports, else by the count within the slow intervals."""
    running = [s for s in slices if s.interval is None or s.interval.loss is Loss.SLOW]
    owners = tuple(dict.fromkeys(s.interval for s in running if s.interval))
    told = tuple(r for o in owners for r in o.records)
    actual = rates_said(view, line, "rate", window)
    if actual:
        speed = preferred(view, actual, "equipment.rate")
        lost = 0.0
        for piece in running:
            for start, end in _pieces(piece, speed, rate):
                aim, real = rate.at(start), speed.at(start)
                # A line that says rate 0 while no stop is recorded is not slow: that stays unexplained.
                if aim is not None and real:
                    lost += max(0.0, aim - real) * (end - start).total_seconds() / 3600
        if round(lost) > 0:
            return lost, (*told, *speed.cites(window)), owners
    if not owners:
        return None
    lost = sum(
        max(0.0, rate.units(s.start, s.end) - count.made(s.start, s.end)) for s in running if s.interval is not None
    )
    return lost, told, owners


def _pieces(piece: Slice, one: Rate, other: Rate) -> list[tuple[datetime, datetime]]:
    cuts = {s.start for r in (one, other) for s in r.steps if piece.start < s.start < piece.end}
    edges = sorted({piece.start, piece.end} | cuts)
    return list(pairwise(edges))
