"""What state a source's feed is in, and what is wrong with it: pure functions of signals that are kept apart.

"Connected" is not "receiving": a sign of life, a record, and a record that is not old are three different things.
Silence counts in the hours that the plant works, so that a Sunday is quiet and a Monday morning no alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lineside.plant.timeline import duration

MANY_DEAD_SHARE, JUDGED_FROM = 0.5, 20
MANY_LETTERS = 100
SKEW_S = 120.0
LAG_FLOOR_S, LAG_TIMES = 3600.0, 4
UNREACHABLE_S = 300.0
STILL_S = 3600.0


class FeedState(StrEnum):
    """How a source's feed is doing."""

    STARTING = "starting"  # it is to be read, or catches up with what it has of the past
    LIVE = "live"
    QUIET = "quiet"  # it says nothing, and nothing is expected at this hour
    SILENT = "silent"  # it says nothing, though it should
    LAGGING = "lagging"  # it speaks, of what is long over
    DEGRADED = "degraded"  # it is read, but a part of it is not as it should be
    PAUSED = "paused"  # by a person, or since it refused us: nothing is tried until a person resumes it
    FAILED = "failed"  # its connector broke: nothing is tried until a person resumes it, or the program is started anew
    RETRYING = "retrying"  # it does not answer; tried again with growing pauses
    STORE_DOWN = "store_down"  # our own database; nothing is lost, reading goes on from the checkpoint


_HELD_UP = (FeedState.PAUSED, FeedState.FAILED, FeedState.STORE_DOWN, FeedState.RETRYING)


class Concern(StrEnum):
    """What the watchdog alerts to; connectors' own troubles have kinds of their own."""

    PAUSED = "paused"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    NO_RECORDS = "no_records"
    LAGGING = "lagging"
    ERROR_RATE = "error_rate"
    DEAD_LETTERS = "dead_letters"
    CLOCK_SKEW = "clock_skew"


STOPPED = frozenset({Concern.PAUSED, Concern.FAILED, Concern.UNREACHABLE, Concern.SILENT, Concern.NO_RECORDS})
"""Those with which a feed brings nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """One source as it is now; seconds throughout, and None where nothing can be said.

    reading: what the loop that reads it last said of it; None where no connector reads it. worked: in the plant's
    working hours. since_life: an empty read counts; since_record: it doesn't. patience: from when on that is silence.
    missed_hour: it spoke in this hour of the earlier weeks and did not now. off: the plant does not work, or the
    source says nothing at this hour of other weeks. lag: how old what comes now is, against usually. ahead: by how
    much it stamps later than our clock. dead of judged: of its latest messages. troubles: open ones of its connector.
    """

    reading: FeedState | None = None
    reason: str = ""
    in_that_state_s: float = 0.0
    since_life_s: float | None = None
    worked_since_life_s: float | None = None
    life_patience_s: float = 0.0
    since_record_s: float | None = None
    worked_since_record_s: float | None = None
    record_patience_s: float | None = None
    missed_hour: bool = False
    off: bool = False
    lag_s: float | None = None
    usual_lag_s: float = 0.0
    ahead_s: float = 0.0
    dead: int = 0
    judged: int = 0
    open_letters: int = 0
    troubles: int = 0

    @property
    def error_share(self) -> float:
        return self.dead / self.judged if self.judged else 0.0


def concerns_of(signals: Signals) -> dict[Concern, str]:
    """Everything that is wrong now, each with its reason in words."""
    found: dict[Concern, str] = {}
    if signals.reading is FeedState.PAUSED:
        found[Concern.PAUSED] = signals.reason
    if signals.reading is FeedState.FAILED:
        found[Concern.FAILED] = signals.reason
    if signals.reading is FeedState.RETRYING and signals.in_that_state_s > UNREACHABLE_S:
        found[Concern.UNREACHABLE] = f"no answer for {duration(signals.in_that_state_s)}: {signals.reason}"
    if signals.reading not in _HELD_UP:
        found |= _silence(signals)
    if signals.lag_s is not None and signals.lag_s > max(LAG_FLOOR_S, LAG_TIMES * signals.usual_lag_s):
        found[Concern.LAGGING] = f"what it says now is {duration(signals.lag_s)} old"
    if signals.judged >= JUDGED_FROM and signals.error_share > MANY_DEAD_SHARE:
        found[Concern.ERROR_RATE] = f"{signals.dead} of its latest {signals.judged} messages can't be read"
    if signals.open_letters >= MANY_LETTERS:
        found[Concern.DEAD_LETTERS] = f"{signals.open_letters} dead letters wait"
    if signals.ahead_s > SKEW_S:
        found[Concern.CLOCK_SKEW] = f"its clock is {duration(signals.ahead_s)} ahead of ours"
    return found


def _silence(signals: Signals) -> dict[Concern, str]:
    """At most one: whoever gives no sign of life says nothing either."""
    if signals.worked_since_life_s is None:
        waited = signals.reading is None or signals.in_that_state_s > signals.life_patience_s
        return {Concern.SILENT: "it was never heard"} if waited else {}
    if signals.worked_since_life_s > signals.life_patience_s:
        return {Concern.SILENT: f"no sign of life for {duration(signals.since_life_s or 0.0)}"}
    if signals.worked_since_record_s is None or signals.reading is FeedState.STARTING:
        return {}
    unusual = signals.record_patience_s is not None and signals.worked_since_record_s > signals.record_patience_s
    if not unusual and not signals.missed_hour:
        return {}
    return {Concern.NO_RECORDS: f"it answers, but said nothing for {duration(signals.since_record_s or 0.0)}"}


def state_of(signals: Signals) -> FeedState:
    """The one word for it: what keeps it from being read first, then silence, then age, then parts, then calm."""
    concerns = concerns_of(signals)
    if signals.reading in _HELD_UP:
        return signals.reading
    if Concern.SILENT in concerns or Concern.NO_RECORDS in concerns:
        return FeedState.SILENT
    if signals.reading is FeedState.STARTING:
        return FeedState.STARTING
    if Concern.LAGGING in concerns:
        return FeedState.LAGGING
    if concerns or signals.troubles:
        return FeedState.DEGRADED
    still = signals.since_record_s is None or signals.since_record_s > STILL_S
    return FeedState.QUIET if signals.off and still else FeedState.LIVE
