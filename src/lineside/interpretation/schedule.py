"""Every line's job orders one after the other, by arithmetic: what starts and ends when, and what that costs.

A scheduling library was weighed and left out: OR-Tools brings 28 MB, pandas and one narrow range of protobuf into every
installation, while a line has a handful of waiting job orders, for which every order can be tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lineside.interpretation.work_time import WorkTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is left to make of one job order. left: in the unit of its pace. begun: stays where it is, first.

    setup_s: what is left of its changeover where that is known, else None. not_before: when its material comes.
    """

    id: str
    line: str
    material: str
    left: float
    begun: bool = False
    setup_s: float | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What was promised for when, and the job orders that make it."""

    id: str
    due: datetime
    jobs: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What a schedule is made of. orders: each line's job orders in their sequence.

    per_h: good pieces per working hour, by line and job order. changeover_s: by line, from one material to the next.
    on_line: the material that each line is set up for. time: each line's working time.
    """

    orders: Mapping[str, tuple[Job, ...]]
    time: Mapping[str, WorkTime]
    per_h: Mapping[tuple[str, str], float]
    changeover_s: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    on_line: Mapping[str, str] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()

    def with_orders(self, line: str, jobs: Sequence[Job]) -> Shop:
        """The same with another sequence on one line."""
        return replace(self, orders={**self.orders, line: tuple(jobs)})

    def slower(self, share: float, lines: Sequence[str] | None = None) -> Shop:
        """The same with paces lower by a share, on these lines or on all."""
        slow = {k: v * (1 - share) if lines is None or k[0] in lines else v for k, v in self.per_h.items()}
        return replace(self, per_h=slow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One job order on its line: its changeover from `start`, its pieces from `runs` to `end`. made: how many."""

    job: Job
    start: datetime
    runs: datetime
    end: datetime
    changeover_s: float
    made: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """operations: by job order. unplanned: job orders for which a pace or working time lacks, and all behind them."""

    operations: Mapping[str, Operation]
    unplanned: tuple[str, ...]

    @property
    def changeover_s(self) -> float:
        return sum(o.changeover_s for o in self.operations.values())

    def end_of(self, promise: Promise) -> datetime | None:
        """When the last of its job orders is done; None where one has no end."""
        ends = [self.operations[job].end for job in promise.jobs if job in self.operations]
        return max(ends) if len(ends) == len(promise.jobs) and ends else None

    def late_s(self, promise: Promise) -> float:
        end = self.end_of(promise)
        return 0.0 if end is None else max(0.0, (end - promise.due).total_seconds())


def dispatch(shop: Shop) -> Schedule:
    """Each line's job orders in their sequence, each as soon as the line is free and its material is there."""
    found: dict[str, Operation] = {}
    unplanned: list[str] = []
    for line, jobs in shop.orders.items():
        steps = _steps(shop, line, jobs)
        unplanned += [job.id for job in jobs[len(steps) :]]
        found |= {operation.job.id: operation for operation in steps}
    return Schedule(operations=found, unplanned=tuple(unplanned))


def cost(shop: Shop, schedule: Schedule, *, late_minute: float, changeover_minute: float) -> float:
    """What a schedule costs: weighted lateness of promises, and changeovers. Job orders without an end cost nothing."""
    late = sum(p.weight * schedule.late_s(p) for p in shop.promises) / 60
    return late_minute * late + changeover_minute * schedule.changeover_s / 60


def changeover(shop: Shop, line: str, before: str | None, job: Job) -> float:
    """The seconds of changeover before a job order, coming from the material `before`."""
    if job.setup_s is not None:
        return job.setup_s
    if job.begun or before is None:
        return 0.0
    return shop.changeover_s.get((line, before, job.material), 0.0)


def _steps(shop: Shop, line: str, jobs: Sequence[Job]) -> list[Operation]:
    time = shop.time[line]
    at, before = 0.0, shop.on_line.get(line)
    found: list[Operation] = []
    for job in jobs:
        per_h = shop.per_h.get((line, job.id), 0.0)
        if per_h <= 0:
            break
        if job.not_before is not None:
            at = max(at, time.place(job.not_before))
        setup = changeover(shop, line, before, job)
        runs_s = job.left / per_h * 3600
        start = time.moment(at, opens=True)
        runs, end = time.moment(at + setup, opens=True), time.moment(at + setup + runs_s)
        if start is None or runs is None or end is None:
            break
        end = max(end, runs) if runs_s == 0 else end
        found.append(Operation(job=job, start=start, runs=runs, end=end, changeover_s=setup, made=job.left))
        at, before = at + setup + runs_s, job.material
    return found
