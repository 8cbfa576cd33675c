"""Other sequences for a line, and other lines for a job order: found by trying, each compared by one objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from lineside.interpretation.planning_rules import PlanningRules
from lineside.interpretation.schedule import Job, Schedule, Shop, changeover


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Costs one line's sequences, the other lines as they are. The same objective as `schedule.cost`, in seconds."""

    shop: Shop
    line: str
    late: float
    setup: float
    dues: dict[str, list[tuple[int, float, float]]]  # by job order: promise, due, weight
    floors: tuple[float, ...]  # until when other lines work on the same promises

    @classmethod
    def of(cls, shop: Shop, line: str, rules: PlanningRules, present: Schedule) -> Trial:
        here = {job.id for job in shop.orders[line]}
        dues: dict[str, list[tuple[int, float, float]]] = {job: [] for job in here}
        floors: list[float] = []
        for promise in shop.promises:
            own = here & set(promise.jobs)
            others = [job for job in promise.jobs if job not in here]
            if not own or any(job not in present.operations for job in others):
                continue
            for job in own:
                dues[job].append((len(floors), promise.due.timestamp(), promise.weight))
            floors.append(max((present.operations[job].end.timestamp() for job in others), default=0.0))
        return cls(
            shop=shop, line=line, late=rules["price.late_minute"], setup=rules["price.changeover_minute"],
            dues=dues, floors=tuple(floors),
        )  # fmt: skip

    def cost(self, jobs: Sequence[Job]) -> float:
        """Weighted minutes of lateness and of changeover. Every job order has a pace."""
        time, at, before = self.shop.time[self.line], 0.0, self.shop.on_line.get(self.line)
        ends = list(self.floors)
        bounds: dict[int, tuple[float, float]] = {}
        spent = 0.0
        for job in jobs:
            per_h = self.shop.per_h.get((self.line, job.id), 0.0)
            if per_h <= 0:
                break
            if job.not_before is not None:
                at = max(at, time.place(job.not_before))
            step = changeover(self.shop, self.line, before, job)
            spent += step
            at += step + job.left / per_h * 3600
            before = job.material
            if self.dues[job.id]:
                end = time.stamp(at)
                if end is None:
                    break
                for index, due, weight in self.dues[job.id]:
                    ends[index] = max(ends[index], end)
                    bounds[index] = (due, weight)
        late = sum(weight * max(0.0, ends[index] - due) for index, (due, weight) in bounds.items())
        return (self.late * late + self.setup * spent) / 60


def best_sequence(trial: Trial, rules: PlanningRules) -> tuple[tuple[Job, ...], bool]:
    """The cheapest sequence of the line that was found, never dearer than the present one, and whether it is proven.

    Few waiting job orders: every order is tried. Many: moves of one job order, from the present sequence and from the
    one by due date, as long as they gain. What runs stays. Of equal ones the one nearest to the present is taken.
    """
    jobs = trial.shop.orders[trial.line]
    fixed = tuple(job for job in jobs if job.begun)
    waiting = tuple(job for job in jobs if not job.begun)
    if len(waiting) <= rules["search.exact_up_to"]:
        tried = ((*fixed, *order) for order in permutations(waiting))
        return min(tried, key=lambda order: round(trial.cost(order), 6)), True
    by_due = tuple(
        sorted(waiting, key=lambda job: min((due for _, due, _ in trial.dues[job.id]), default=float("inf")))
    )
    tries = int(rules["search.most_tries"])
    found = []
    for start in (waiting, by_due):
        best, cost = start, trial.cost((*fixed, *start))
        gained, used = True, 0
        while gained and used < tries // 2:
            gained = False
            for other in moved(best):
                used += 1
                value = trial.cost((*fixed, *other))
                if value < cost - 1e-6:
                    best, cost, gained = other, value, True
                    break
        found.append((round(cost, 6), best))
    return (*fixed, *min(found, key=lambda pair: pair[0])[1]), False


def moved(jobs: Sequence[Job]) -> Iterator[tuple[Job, ...]]:
    """Every sequence that comes of moving one job order to another place."""
    for place, job in enumerate(jobs):
        rest = (*jobs[:place], *jobs[place + 1 :])
        yield from ((*rest[:other], job, *rest[other:]) for other in range(len(jobs)) if other != place)


def insertions(shop: Shop, line: str, job: Job) -> Iterator[tuple[int, Shop]]:
    """The job order at each place on the line behind what runs there, and how many job orders are before it."""
    jobs = tuple(other for other in shop.orders.get(line, ()) if other.id != job.id)
    first = sum(1 for other in jobs if other.begun)
    for place in range(first, len(jobs) + 1):
        yield place, shop.with_orders(line, (*jobs[:place], job, *jobs[place:]))


def comparable(shop: Shop, line: str) -> bool:
    """Whether every job order of the line has a pace, so that sequences can be set beside one another."""
    return all(shop.per_h.get((line, job.id), 0.0) > 0 for job in shop.orders.get(line, ()))
