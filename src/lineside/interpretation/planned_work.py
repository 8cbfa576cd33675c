"""The work that lies before each line, as the records have it: what a schedule is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product

from lineside.interpretation.facts import Facts, moment, plain_id
from lineside.interpretation.open_jobs import OpenJob, OpenJobs, aware, in_sequence, open_job_orders, running_of
from lineside.interpretation.paces import Pace, Paces
from lineside.interpretation.planning_rules import PlanningRules, planning_rules
from lineside.interpretation.schedule import Job, Promise, Schedule, Shop, dispatch
from lineside.interpretation.standing_still import SettingUp, Standing, standing
from lineside.interpretation.work_time import WorkTime
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import work_center


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A promise, with the records that state it."""

    promise: Promise
    cites: tuple[str, ...]
    customer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWork:
    """Everything a what-if starts from. shop: the work as it stands. missing: what could not be planned, in words."""

    facts: Facts
    paces: Paces
    rules: PlanningRules
    jobs: dict[str, OpenJob]
    dues: dict[str, Due]
    shop: Shop
    stands: dict[str, Standing]
    setting_up: dict[str, SettingUp]
    missing: tuple[str, ...]

    @property
    def view(self) -> View:
        return self.facts.view

    def due_of(self, job: str) -> list[Due]:
        return [due for due in self.dues.values() if job in due.promise.jobs]

    def lines_for(self, material: str) -> list[str]:
        """The lines that finished the material, the most used first; then those on which it is planned."""
        planned = sorted({job.line for job in self.jobs.values() if job.material == material})
        return list(dict.fromkeys((*self.paces.lines_for(material), *planned)))

    def pace_of(self, line: str, material: str) -> Pace | None:
        """As measured there; else as an open job order of it there is planned to run."""
        planned = (j.pace for j in self.jobs.values() if j.line == line and j.material == material and not j.begun)
        running = (j.pace for j in self.jobs.values() if j.line == line and j.material == material and j.begun)
        return self.paces.measured(line, material) or next(filter(None, (*planned, *running)), None)

    def pace_on(self, job: OpenJob, line: str) -> Pace | None:
        """The job order's pace on a line; on another than its own as measured there, in its own unit."""
        if line == job.line:
            return job.pace
        pace = self.paces.measured(line, job.material)
        return pace if pace and pace.unit == job.unit else None

    def span(self, shop: Shop, schedule: Schedule) -> dict[str, tuple[datetime, datetime]]:
        """The earliest and latest end of each job order, as far as paces differ from run to run."""
        slow, fast = dict(shop.per_h), dict(shop.per_h)
        for line, jobs in shop.orders.items():
            hours = 0.0
            for job in jobs:
                per_h = shop.per_h.get((line, job.id))
                known = self.jobs.get(job.id)
                pace = (self.pace_on(known, line) if known else None) or self.pace_of(line, job.material)
                if not per_h or pace is None:
                    continue
                hours += job.left / per_h
                low, high = pace.within(hours)
                slow[line, job.id], fast[line, job.id] = per_h * low / pace.per_h, per_h * high / pace.per_h
        late, early = dispatch(replace(shop, per_h=slow)), dispatch(replace(shop, per_h=fast))
        return {
            name: (early.operations[name].end, late.operations[name].end)
            for name in schedule.operations
            if name in early.operations and name in late.operations
        }

    def closed(self, line: str, stretches: Sequence[tuple[datetime, datetime]]) -> Shop:
        """The work as it stands, with a line that does not run in these stretches."""
        until = [(self.view.as_of, s.until) for s in (self.stands.get(line),) if s and s.until]
        time = WorkTime(self.view.calendar, self.view.as_of, [*until, *stretches])
        return replace(self.shop, time={**self.shop.time, line: time})


def planned_work(view: View) -> PlannedWork:
    """The open job orders of every line with their paces, changeovers, promises, and the lines' state."""
    facts, rules = Facts(view), planning_rules()
    missing: list[str] = []
    paces = Paces(facts)
    entities = open_job_orders(facts, rules, missing)
    facts.load(EntityKind.EQUIPMENT, "job_order", "good_count", "target_rate")
    placed = {e: work_center(s.text) for e in entities if (s := facts.best(e, "equipment")) and s.text}
    missing += [f"The equipment of {e.id}: no source says where it is made." for e in entities if e not in placed]
    stands, setting = standing(facts, set(placed.values()) | {run.line for run in paces.finished})
    reader = OpenJobs(facts, paces, running_of(facts, placed, setting), stands)
    jobs = {job.id: job for entity, line in placed.items() if (job := reader.job(entity, line))}
    missing += reader.missing
    dues = _dues(facts, rules, jobs)
    shop = _shop(paces, jobs, dues, stands, setting)
    return PlannedWork(
        facts=facts, paces=paces, rules=rules, jobs=jobs, dues=dues, shop=shop, stands=stands, setting_up=setting,
        missing=tuple(dict.fromkeys(missing)),
    )  # fmt: skip


def _dues(facts: Facts, rules: PlanningRules, jobs: dict[str, OpenJob]) -> dict[str, Due]:
    """The sales order lines (or orders) that the job orders make, where something is promised."""
    makers: dict[Entity, dict[str, str]] = defaultdict(dict)
    facts.load(EntityKind.SALES_ORDER_LINE, "job_order")
    for job in jobs.values():
        for name in ("sales_order_line", "sales_order"):
            for target, said in facts.linked(job.entity, name):
                makers[target][job.id] = said.record_id
        for said in facts.pointing("sales_order_line", "job_order", job.entity):
            makers[said.entity][job.id] = said.record_id
    parents = {parent for target in makers if (parent := target.parent)}
    facts.fetch((*makers, *parents))
    found = {}
    for target, by in makers.items():
        bearers = [target, *([target.parent] if target.parent else [])]
        due, cites = _promised(facts, target, bearers)
        if due is None:
            continue
        ranked = next((s for e in bearers if (s := facts.best(e, "priority"))), None)
        customer = next((s for e in bearers if (s := facts.best(e, "customer"))), None)
        promise = Promise(
            id=target.id, due=due, jobs=tuple(sorted(by)), weight=rules.weight(ranked.value if ranked else "default")
        )
        told = (*cites, *by.values(), *((ranked.record_id,) if ranked else ()))
        found[target.id] = Due(
            promise=promise,
            cites=tuple(dict.fromkeys(told)),
            customer=(plain_id(customer.value, "customer") or "") if customer else "",
        )
    return found


def _promised(facts: Facts, target: Entity, bearers: Sequence[Entity]) -> tuple[datetime | None, tuple[str, ...]]:
    for bearer in bearers:
        said = facts.best(bearer, "promised_at")
        if said is not None and (due := aware(facts, said.value)):
            return due, (said.record_id,)
    for carried in facts.pointing("shipment", "lines", target):
        leaves = facts.best(carried.entity, "planned_departure")
        if leaves is not None and (due := moment(leaves.value)):
            return due, (leaves.record_id, carried.record_id)
    return None, ()


def _shop(
    paces: Paces,
    jobs: Mapping[str, OpenJob],
    dues: Mapping[str, Due],
    stands: Mapping[str, Standing],
    setting: Mapping[str, SettingUp],
) -> Shop:
    view = paces.facts.view
    by_line: dict[str, list[OpenJob]] = defaultdict(list)
    for job in jobs.values():
        by_line[job.line].append(job)
    for line in {run.line for run in paces.finished}:
        by_line.setdefault(line, [])
    orders: dict[str, tuple[Job, ...]] = {}
    on_line: dict[str, str] = {}
    changeovers: dict[tuple[str, str, str], float] = {}
    time: dict[str, WorkTime] = {}
    plain_time = WorkTime(view.calendar, view.as_of)
    for line, waiting in by_line.items():
        ordered = in_sequence(waiting)
        last = paces.last_on(line)
        if last is not None:
            on_line[line] = last.material
        orders[line] = tuple(_step(paces, job, on_line.get(line), setting.get(line)) for job in ordered)
        materials = {job.material for job in jobs.values()} | ({last.material} if last else set())
        changeovers |= setups(paces, line, materials)
        stop = stands.get(line)
        until = stop.until if stop else None
        time[line] = WorkTime(view.calendar, view.as_of, [(view.as_of, until)]) if until else plain_time
    return Shop(
        orders=orders,
        time=time,
        per_h={(job.line, job.id): job.pace.per_h for job in jobs.values() if job.pace},
        changeover_s=changeovers,
        on_line=on_line,
        promises=tuple(due.promise for due in dues.values()),
    )


def _step(paces: Paces, job: OpenJob, before: str | None, set_up: SettingUp | None) -> Job:
    setup_s, calendar = None, paces.facts.view.calendar
    if set_up is not None and set_up.job == job.id:
        takes = paces.setup(job.line, before, job.material) if before else None
        setup_s = max(0.0, (takes.seconds if takes else 0.0) - calendar.worked_s(set_up.since, paces.facts.view.as_of))
    return Job(id=job.id, line=job.line, material=job.material, left=job.left, begun=job.begun, setup_s=setup_s)


def setups(paces: Paces, line: str, materials: Iterable[str]) -> dict[tuple[str, str, str], float]:
    """The seconds of changeover on the line between any two of the materials, where anything tells them."""
    pairs = product(sorted(set(materials)), repeat=2)
    return {(line, one, other): found.seconds for one, other in pairs if (found := paces.setup(line, one, other))}
