"""What a plan costs against the work as it stands: promises that slip, changeovers, material, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation.material_needs import Need, Shortfall, Supply, needs_of, shortfalls, supplies
from lineside.interpretation.planned_work import Due, PlannedWork
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, clock
from lineside.interpretation.schedule import Schedule, Shop, cost, dispatch
from lineside.interpretation.wording import bounded, counted, late_sources, listed
from lineside.plant.timeline import duration

_NOTICED_S = 60.0  # a minute is the least that a plan tells


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A promise under two plans. None: no end. late: how long after the promise."""

    due: Due
    before: datetime | None
    after: datetime | None
    late_before_s: float
    late_after_s: float

    @property
    def moved_s(self) -> float:
        return (self.after - self.before).total_seconds() if self.before and self.after else 0.0

    @property
    def slips(self) -> bool:
        return self.late_after_s > self.late_before_s + _NOTICED_S

    @property
    def gains(self) -> bool:
        return self.late_before_s > self.late_after_s + _NOTICED_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Something that could be done. what: a sentence that starts with a verb. price: what it costs in all."""

    what: str
    shop: Shop
    schedule: Schedule
    slips: tuple[Slip, ...]
    changeover_s: float
    price: float


class Prices:
    """Compares plans with the work as it stands. needs, there: read once."""

    def __init__(self, work: PlannedWork) -> None:
        self.work = work
        self.present = dispatch(work.shop)
        facts = work.facts
        waiting = [job for job in work.jobs.values() if not job.begun]
        self.needs: dict[str, list[Need]] = {job.id: needs_of(facts, job.entity) for job in waiting}
        self.there: dict[str, Supply] = supplies(facts, self.units(self.needs.values()))
        self._lacking: list[Shortfall] | None = None

    @staticmethod
    def units(needs: Iterable[Sequence[Need]]) -> dict[str, str]:
        return {need.material: need.unit for some in needs for need in some}

    @property
    def lacking(self) -> list[Shortfall]:
        """What lacks as the work stands."""
        if self._lacking is None:
            self._lacking = shortfalls(self.needs, self.there, self.present)
        return self._lacking

    def option(self, what: str, shop: Shop) -> Option:
        schedule = dispatch(shop)
        return Option(
            what=what,
            shop=shop,
            schedule=schedule,
            slips=self.slips(schedule),
            changeover_s=schedule.changeover_s - self.present.changeover_s,
            price=self.price(shop, schedule),
        )

    def price(self, shop: Shop, schedule: Schedule) -> float:
        rules = self.work.rules
        late, setup = rules["price.late_minute"], rules["price.changeover_minute"]
        return cost(shop, schedule, late_minute=late, changeover_minute=setup)

    def slips(self, schedule: Schedule, present: Schedule | None = None) -> tuple[Slip, ...]:
        """Every promise under that plan beside the present one, the earliest due first."""
        now = present or self.present
        found = [
            Slip(
                due=due,
                before=now.end_of(due.promise),
                after=schedule.end_of(due.promise),
                late_before_s=now.late_s(due.promise),
                late_after_s=schedule.late_s(due.promise),
            )
            for due in self.work.dues.values()
        ]
        return tuple(sorted(found, key=lambda slip: (slip.due.promise.due, slip.due.promise.id)))

    def new_shortfalls(self, schedule: Schedule, extra: dict[str, list[Need]] | None = None) -> list[Shortfall]:
        """What lacks under that plan and not, or less, as the work stands."""
        before = {(s.job, s.material): s.lacks for s in self.lacking}
        needs = {**self.needs, **(extra or {})}
        found = shortfalls(needs, self.there, schedule)
        return [s for s in found if s.lacks > before.get((s.job, s.material), 0.0) + 1e-6]


class Telling:
    """Sentences about plans, each with what it rests on."""

    def __init__(self, work: PlannedWork) -> None:
        self.work, self.plant, self.now = work, work.view.plant, work.view.as_of

    def clock(self, moment: datetime) -> str:
        return clock(moment + timedelta(seconds=30), self.plant, relative_to=self.now)

    def called(self, line: str) -> str:
        return self.plant.called(line)

    def cites(self, jobs: Iterable[str]) -> tuple[str, ...]:
        """The records of job orders and of their paces."""
        found: list[str] = []
        for name in jobs:
            if job := self.work.jobs.get(name):
                found += [*job.cites, *(job.pace.cites[:4] if job.pace else ())]
        return bounded(dict.fromkeys(found))

    def ends(self, slip: Slip) -> str:
        """`done 14:05 CST, 2 h 10 min before the promise`."""
        if slip.after is None:
            return "has no end that can be told"
        spare = (slip.due.promise.due - slip.after).total_seconds()
        where = f"{duration(spare)} before" if spare >= _NOTICED_S else f"{duration(-spare)} after"
        where = "just at" if abs(spare) < _NOTICED_S else where
        return f"the last piece {self.clock(slip.after)}, {where} the promise ({self.clock(slip.due.promise.due)})"

    def promise(self, slip: Slip) -> Finding:
        """How a promise stands under a plan."""
        due, made_by = slip.due, listed(slip.due.promise.jobs)
        customer = f" ({due.customer})" if due.customer else ""
        moved = slip.moved_s
        if slip.slips:
            how = f"slips by {duration(slip.late_after_s - slip.late_before_s)}"
        elif slip.late_after_s > _NOTICED_S:
            how = "is late either way" if not slip.gains else "stays late, but less so"
        elif slip.gains:
            how = "is kept"
        else:
            how = f"is kept, {duration(moved)} later" if moved > _NOTICED_S else "is kept"
        return Finding(
            text=f"{due.promise.id}{customer}, made by {made_by}, {how}: {self.ends(slip)}.",
            kind=Kind.GUESSED,
            cites=tuple(dict.fromkeys((*due.cites, *self.cites(due.promise.jobs)))),
            data={
                "promise": due.promise.id, "due": due.promise.due.isoformat(), "late_s": round(slip.late_after_s),
                "end": slip.after.isoformat() if slip.after else None, "moved_s": round(moved),
            },
        )  # fmt: skip

    def job(self, name: str, schedule: Schedule, spans: dict[str, tuple[datetime, datetime]]) -> Finding:
        """When a job order ends under a plan, and between which bounds."""
        operation, job = schedule.operations[name], self.work.jobs[name]
        span = ""
        if name in spans:
            early, late = spans[name]
            span = f" (between {self.clock(early)} and {self.clock(late)})"
        left = f"{round(job.left)} of {round(job.quantity)} {job.unit} left".replace("  ", " ")
        text = f"{name} on {self.called(operation.job.line)}: {left}, done {self.clock(operation.end)}{span}."
        return Finding(
            text=text, kind=Kind.GUESSED, cites=self.cites([name]),
            data={"job_order": name, "end": operation.end.isoformat(), "line": operation.job.line},
        )  # fmt: skip

    def pace(self, name: str) -> Finding | None:
        job = self.work.jobs[name]
        if job.pace is None:
            return None
        return Finding(
            text=f"{job.material} on {self.called(job.line)}: {round(job.pace.per_h, 1):g} {job.unit} per h, "
            f"{job.pace.how}.",
            kind=job.pace.kind,
            cites=job.pace.cites or job.cites,
            data={"per_h": job.pace.per_h},
        )

    def price(self, option: Option, *, number: int) -> Finding:
        """An option with its price in promises and changeovers."""
        worse = [s for s in option.slips if s.slips]
        better = [s for s in option.slips if s.gains]
        parts = [f"{s.due.promise.id} slips by {duration(s.late_after_s - s.late_before_s)}" for s in worse[:4]]
        parts += [f"{s.due.promise.id} gains {duration(s.late_before_s - s.late_after_s)}" for s in better[:4]]
        if not worse:
            parts.append("no promise slips" if not better else "no other promise slips")
        minutes = round(option.changeover_s / 60)
        parts.append(
            f"{abs(minutes)} min {'more' if minutes > 0 else 'less'} changeover" if minutes else "as much changeover"
        )
        touched = [*worse, *better]
        jobs = [job for s in touched for job in s.due.promise.jobs] or list(option.schedule.operations)[:6]
        cites = (*(c for s in touched for c in s.due.cites), *self.cites(jobs))
        return Finding(
            text=f"Option {number}: {option.what}: {', '.join(parts)}.",
            kind=Kind.GUESSED,
            cites=bounded(dict.fromkeys(cites)) or (self.rules_cite(),),
            data={
                "price": round(option.price, 1), "changeover_min": minutes,
                "slips": {s.due.promise.id: round(s.late_after_s - s.late_before_s) for s in (*worse, *better)},
            },
        )  # fmt: skip

    def shortfall(self, lack: Shortfall) -> Finding:
        when = (
            f"covered by {lack.by} at {self.clock(lack.comes)}" if lack.comes else "nothing that is ordered covers it"
        )
        return Finding(
            text=f"{lack.job} lacks {round(lack.lacks, 1):g} {lack.unit} of {lack.material} at its start, "
            f"{self.clock(lack.at)} (stock as {lack.figure} says); {when}.",
            kind=Kind.DERIVED,
            cites=bounded(lack.cites),
            data={"job_order": lack.job, "material": lack.material, "lacks": lack.lacks},
        )

    def standing(self, line: str) -> Finding | None:
        """Why a line stands now, and how long that is taken to last."""
        stop = self.work.stands.get(line)
        if stop is None:
            return None
        why = f" ({stop.why})" if stop.why else ""
        text = f"{self.called(line)} stands since {self.clock(stop.since)}{why}"
        if stop.until:
            text += f"; such a stop lasted in the middle of {stop.times} until what would be {self.clock(stop.until)}"
        else:
            text += "; how much longer no record tells, so it is taken to run again at once"
        return Finding(text=f"{text}.", kind=Kind.GUESSED, cites=stop.cites)

    def deciders(self, right: str, what: str) -> Finding | None:
        """Who may decide, by the plant file's roles and the pack's rights."""
        people = self.work.rules.deciders(right, self.plant)
        if not people:
            return None
        names = [f"{p.name or p.id} ({', '.join(p.roles)})" for p in people]
        cites: list[Cite] = [PlantFact(f"people.{p.id}", f"{p.name or p.id}: {', '.join(p.roles)}") for p in people]
        return Finding(text=f"{listed(names)} may decide {what}.", kind=Kind.DERIVED, cites=tuple(cites))

    def rules_cite(self) -> PlantFact:
        return PlantFact("packs.core.planning", "planning rules of the core pack")

    def assumptions(self, jobs: Iterable[str], *more: str) -> Finding:
        """What every sentence about the time ahead takes for granted."""
        days = self.work.rules["pace.history_days"]
        said = [
            "each line makes its job orders in their sequence, each as soon as the line is free",
            "work goes on in every shift of the plant file" if self.plant.shifts else "work goes on around the clock",
            "no line waits for another",
            f"a job order of which nothing was said for {days:g} days is not made",
            "a promise is set beside the last piece made: inspection, packing and transport come on top",
            *more,
        ]
        cites = self.cites(jobs)
        return Finding(text=f"Taken as given: {'; '.join(said)}.", kind=Kind.GUESSED, cites=(*cites, self.rules_cite()))

    def doubt(self, slips_at: Sequence[Slip]) -> str:
        """What a lower pace would do, in one clause."""
        late = [s.due.promise.id for s in slips_at if s.late_after_s > _NOTICED_S]
        return (
            f"{counted(len(late), 'promise')} would be late ({listed(late)})" if late else "every promise is still kept"
        )

    def slower(self, shop: Shop, prices: Prices, jobs: Iterable[str], lines: Sequence[str]) -> Finding:
        """What comes of it if the lines run slower than measured."""
        share = self.work.rules["pace.doubt_pct"]
        schedule = dispatch(shop.slower(share / 100, lines))
        slips = [s for s in prices.slips(schedule) if self._on(s, lines)]
        return Finding(
            text=f"If the pace is {share:g} % lower than taken: {self.doubt(slips)}.",
            kind=Kind.GUESSED,
            cites=self.cites(jobs) or (self.rules_cite(),),
            data={"late": [s.due.promise.id for s in slips if s.late_after_s > _NOTICED_S]},
        )

    def missing(self, jobs: Iterable[str]) -> tuple[str, ...]:
        """What lacks in the plan: sources that went quiet, crews that nobody named, what could not be planned."""
        sources = {source for name in jobs if (job := self.work.jobs.get(name)) for source in job.sources}
        return (*self.work.missing, *late_sources(self.work.view, sources))

    def crews(self, until: datetime) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        """The crews of the shifts until then, and the shifts for which the roster names none."""
        if not self.plant.roster:
            return (), ()
        slots = self.work.view.calendar.between(self.now, min(until, self.now + timedelta(days=4)))
        bare = [slot.label for slot in slots if slot.crew is None]
        named = [slot for slot in slots if slot.crew]
        found: tuple[Finding, ...] = ()
        if named:
            text = ", ".join(f"{slot.label}: {slot.crew}" for slot in named[:4])
            facts = tuple(PlantFact(f"roster.{slot.label}", f"{slot.label} {slot.crew}") for slot in named[:4])
            found = (Finding(text=f"Crews on the roster: {text}.", kind=Kind.DERIVED, cites=facts),)
        return found, ((f"A crew on the roster for {listed(bare)}.",) if bare else ())

    def _on(self, slip: Slip, lines: Sequence[str]) -> bool:
        return any((job := self.work.jobs.get(name)) and job.line in lines for name in slip.due.promise.jobs)
