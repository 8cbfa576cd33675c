"""How fresh each source is: when it was last heard, and whether that is as it should be.

A declared cadence rules: late after two of it, silent after four. Otherwise the source's own habit does: the 95th
percentile of its recent silences, at least a quarter of an hour; with fewer than twenty of them the longest, at least a
day, so that a source which posts rarely, or has only just begun, stays live unless it is clearly broken. Late is twice
that (and longer than any recent silence), silent is twice late. A source that never spoke is silent; one with a gap in
the time that is asked about is late at best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

OURS = "lineside"
"""The source of what Lineside says of itself; its contact is the watchdog's heartbeat."""
HEARTBEAT_S = 60.0
LATE_AFTER, SILENT_AFTER = 2, 4
RECENT = 200
_ENOUGH, _FLOOR_S, _RARE_FLOOR_S = 20, 900.0, 86_400.0


class SourceState(StrEnum):
    LIVE = "live"
    LATE = "late"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """cadence_s: declared or learnt; None where nothing is known. declared: whether the plant file says so.

    gap: whether it may have spoken unheard in the time that was asked about.
    """

    source: str
    last_heard: datetime | None
    state: SourceState
    cadence_s: float | None = None
    declared: bool = False
    gap: bool = False


def freshness_of(
    source: str,
    *,
    heard: Sequence[datetime],
    contact: datetime | None,
    declared_s: float | None,
    as_of: datetime,
    gap: bool = False,
) -> Freshness:
    """heard: the distinct moments at which it spoke, newest first, none after `as_of`. contact: a read that found the
    source alive with nothing new. gap: whether it may have spoken unheard in the time that is asked about."""
    last = max(filter(None, (heard[0] if heard else None, contact)), default=None)
    cadence, late = _patience(heard, declared_s)
    if last is None:
        return Freshness(source=source, last_heard=None, state=SourceState.SILENT, cadence_s=cadence, gap=gap)
    quiet = (as_of - last).total_seconds()
    state = SourceState.LATE if gap or quiet > late else SourceState.LIVE
    if quiet > late * SILENT_AFTER / LATE_AFTER:
        state = SourceState.SILENT
    return Freshness(source=source, last_heard=last, state=state, cadence_s=cadence, declared=bool(declared_s), gap=gap)


def patience_s(heard: Sequence[datetime], declared_s: float | None) -> float:
    """How long a silence must be to be one."""
    return _patience(heard, declared_s)[1] * SILENT_AFTER / LATE_AFTER


def knows_habit(heard: Sequence[datetime]) -> bool:
    """Whether it spoke often enough to tell what is usual."""
    return len(heard) > _ENOUGH


def _patience(heard: Sequence[datetime], declared_s: float | None) -> tuple[float, float]:
    """(its cadence, after how long it is late)."""
    if declared_s:
        return declared_s, LATE_AFTER * declared_s
    silences = [(newer - older).total_seconds() for newer, older in pairwise(heard)]
    cadence = _learnt(silences)
    return cadence, max(LATE_AFTER * cadence, 1.2 * max(silences, default=0.0))


def _learnt(silences: Sequence[float]) -> float:
    if len(silences) < _ENOUGH:
        return max(_RARE_FLOOR_S, *silences, 0.0)
    ranked = sorted(silences)
    return max(_FLOOR_S, ranked[round(0.95 * (len(ranked) - 1))])
