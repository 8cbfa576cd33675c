"""A job order as it ran: spans of running, standing and setting up, and counts that follow from them exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from lineside.simulator.world import Line, Material

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of one state, whole seconds, UTC. rate: pieces per hour, rejects included. unit: which work unit."""

    start: datetime
    end: datetime
    state: str  # running, stopped, setup
    rate: int = 0
    reason: str = ""
    code: str = ""
    unit: str = ""
    slow: bool = False

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())


@dataclass(kw_only=True)
class Run:
    """One job order on one line."""

    id: str
    line: Line
    product: Material
    quantity: int
    lot: str
    sequence: int
    reject_share: float
    planned_start: datetime
    planned_end: datetime
    spans: list[Span] = field(default_factory=list)
    sales_line: str = ""

    @property
    def started(self) -> datetime:
        """The end of the changeover."""
        return next(span.start for span in self.spans if span.state != "setup")

    @property
    def completed(self) -> datetime:
        return self.spans[-1].end

    @property
    def pieces(self) -> int:
        """How many must be made, rejects included, so that the good ones are the quantity."""
        made = self.quantity
        while made - int(made * self.reject_share) < self.quantity:
            made += 1
        return made

    def made(self, at: datetime) -> int:
        return min(made_in(self.spans, at), self.pieces)

    def rejects(self, at: datetime) -> int:
        return int(self.made(at) * self.reject_share)

    def good(self, at: datetime) -> int:
        return self.made(at) - self.rejects(at)

    def span_at(self, at: datetime) -> Span | None:
        return next((span for span in self.spans if span.start <= at < span.end), None)

    def hours(self) -> Iterator[datetime]:
        """The full hours at which the count is taken, the end of the run last."""
        at = self.started.replace(minute=0, second=0) + HOUR
        while at < self.completed:
            yield at
            at += HOUR
        yield self.completed


def made_in(spans: Sequence[Span], at: datetime) -> int:
    """Whole pieces made in `spans` up to `at`, in exact arithmetic."""
    total = sum(span.rate * int((min(span.end, at) - span.start).total_seconds()) for span in spans if span.start < at)
    return total // 3600


def finish(run: Run, rate: int, start: datetime) -> Span:
    """The last running span: from `start` at `rate` until the last piece is made."""
    missing = run.pieces * 3600 - sum(span.rate * span.seconds for span in run.spans)
    return Span(start=start, end=start + timedelta(seconds=-(-missing // rate)), state="running", rate=rate)


def run_through(
    run: Run, start: datetime, rate: int, stops: Iterator[tuple[datetime, timedelta, str, str, str]]
) -> None:
    """Fills in the spans from `start` at `rate` until the run is complete, standing at each of `stops`.

    stops: (when, how long, work unit, reason, code), in order of time; one that falls into another waits for its end.
    """
    at = start
    for when, lasting, unit, reason, code in stops:
        last = finish(run, rate, at)
        if when >= last.end:
            break
        if when <= at:
            continue
        run.spans.append(Span(start=at, end=when, state="running", rate=rate))
        at = when + lasting
        run.spans.append(Span(start=when, end=at, state="stopped", unit=unit, reason=reason, code=code))
    run.spans.append(finish(run, rate, at))


def whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def minutes(rng: Random, low: float, high: float) -> timedelta:
    """A stretch between `low` and `high` minutes, in whole seconds."""
    return timedelta(seconds=round(rng.uniform(low, high) * 60))
