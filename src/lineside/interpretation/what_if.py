"""What follows if a line stays down, and what other sequences would cost: computed ahead, nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lineside.interpretation.plan_prices import Option, Prices, Slip, Telling
from lineside.interpretation.planned_work import PlannedWork, planned_work
from lineside.interpretation.reading import Finding, Reading, clock
from lineside.interpretation.resequence import Trial, best_sequence, comparable, insertions, moved
from lineside.interpretation.schedule import Job, Shop, dispatch
from lineside.interpretation.wording import counted, listed
from lineside.memory import View
from lineside.plant.entities import Entity
from lineside.plant.equipment import work_center
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_SHOWN = 6
_KEPT = 3


def what_if_down(view: View, equipment: str, until: datetime, since: datetime | None = None) -> Reading:
    """What slips if the equipment's line does not run until then (from `since`, default now), and what would help."""
    line, begin = work_center(equipment), max(view.as_of, since or view.as_of)
    name = view.plant.called(equipment)
    if until <= begin:
        return Reading(
            verdict=f"{clock(until, view.plant)} is not ahead of {clock(begin, view.plant)}: no down time to compute.",
            missing=("A time ahead, as in: until 18:00.",),
        )
    work = planned_work(view)
    telling = Telling(work)
    when = telling.clock(until) if begin == view.as_of else f"{telling.clock(begin)} to {telling.clock(until)}"
    if not work.shop.orders.get(line):
        return Reading(
            verdict=f"No open job order on {name} is on record, so nothing is known to slip.",
            missing=(f"Open job orders on {name}.", *work.missing),
        )
    prices = Prices(work)
    down = work.closed(line, [(begin, until)])
    case = prices.option(f"wait until {name} runs again", down)
    jobs = [job.id for job in work.shop.orders[line]]
    slips = [s for s in case.slips if set(s.due.promise.jobs) & set(jobs)]
    worse = [s for s in slips if s.slips]
    spans = work.span(down, case.schedule)
    planned = [job for job in jobs if job in case.schedule.operations]
    options = _remedies(work, prices, line, down, case) if worse else []
    stands = telling.standing(line)
    findings = [
        *(telling.promise(s) for s in [*worse[:_SHOWN], *(s for s in slips if not s.slips)][: max(len(worse), _KEPT)]),
        *(telling.job(job, case.schedule, spans) for job in planned[:_SHOWN]),
        *_paces(telling, planned),
        *([stands] if stands else []),
        *(telling.price(option, number=n) for n, option in enumerate(options, 1)),
        *(telling.shortfall(lack) for lack in prices.new_shortfalls(case.schedule)[:3]),
        *([telling.slower(down, prices, planned, [line])] if planned else []),
        *_deciders(telling, worse),
        telling.assumptions(planned, f"{name} makes nothing until {telling.clock(until)}"),
    ]
    span = f"If {name} stays down until {when}" if begin == view.as_of else f"If {name} is down from {when}"
    return Reading(
        verdict=f"{span}, {_told(worse, slips, planned, case, prices)}",
        findings=tuple(findings),
        missing=telling.missing(jobs),
        next_steps=_steps(options, worse),
        window=Window(start=begin, end=until, label=f"{name} down"),
        data={
            "equipment": line,
            "until": until.isoformat(),
            "slips": {s.due.promise.id: round(s.late_after_s - s.late_before_s) for s in worse},
            "ends": {job: case.schedule.operations[job].end.isoformat() for job in planned},
        },
    )


def resequence_options(
    view: View,
    *,
    equipment: str | None = None,
    save: Entity | None = None,
    first: Entity | None = None,
    before: Entity | None = None,
) -> Reading:
    """What other sequences would gain and cost: of a line, to save a promise, or one job order before another.

    save: a sales order, its line or a job order. first, before: job orders; `first` is put right before the other.
    """
    work = planned_work(view)
    prices, telling = Prices(work), Telling(work)
    if first is not None and before is not None:
        return _swapped(work, prices, telling, first.id, before.id)
    wanted = _meant(work, save) if save else []
    if save is not None and not wanted:
        return Reading(
            verdict=f"No open job order that makes {save.id} is on record, so no sequence can save it.",
            missing=(f"An open job order that makes {save.id}.", *work.missing),
        )
    lines = (
        [work_center(equipment)] if equipment else sorted({work.jobs[job].line for job in wanted} or work.shop.orders)
    )
    unfit = [line for line in lines if not comparable(work.shop, line)]
    options = [o for line in lines if line not in unfit for o in _sequences(work, prices, line, wanted)]
    options += [o for job in wanted for o in _elsewhere(work, prices, work.shop, job)]
    present = prices.price(work.shop, prices.present)
    target = {s.due.promise.id for s in prices.slips(prices.present) if set(s.due.promise.jobs) & set(wanted)}
    options = _ranked(options, present, target, int(work.rules["search.options"]))
    jobs = [job.id for line in lines for job in work.shop.orders.get(line, ())]
    standing = [s for s in prices.slips(prices.present) if set(s.due.promise.jobs) & set(wanted or jobs)]
    if not jobs:
        where = listed([telling.called(line) for line in lines])
        return Reading(
            verdict=f"No open job order on {where} is on record.", missing=("Open job orders.", *work.missing)
        )
    shown = sorted(standing, key=lambda s: -s.late_after_s)
    spans = work.span(work.shop, prices.present)
    findings = [
        *(telling.promise(s) for s in shown[:_SHOWN]),
        *(telling.price(option, number=n) for n, option in enumerate(options, 1)),
        *(telling.shortfall(lack) for option in options[:1] for lack in prices.new_shortfalls(option.schedule)[:3]),
        *([telling.slower(options[0].shop, prices, jobs, lines)] if options else []),
        *(telling.job(j, prices.present, spans) for j in (wanted or jobs)[:3] if j in prices.present.operations),
        *_paces(telling, [job for job in (wanted or jobs)[:2] if job in prices.present.operations]),
        *_deciders(telling, [s for o in options[:1] for s in o.slips if s.slips], "which job order comes first"),
        telling.assumptions(jobs[:4]),
    ]
    return Reading(
        verdict=_best_told(options, standing, save),
        findings=tuple(findings),
        missing=(
            *(
                f"A rate for every job order on {telling.called(line)}: its sequences can't be compared."
                for line in unfit
            ),
            *telling.missing(jobs),
        ),
        next_steps=_steps(options, ()),
        data={"present": round(present, 1), "options": [{"what": o.what, "price": round(o.price, 1)} for o in options]},
    )


def _swapped(work: PlannedWork, prices: Prices, telling: Telling, first: str, other: str) -> Reading:
    one, two = work.jobs.get(first), work.jobs.get(other)
    gone = [name for name, job in ((first, one), (other, two)) if job is None]
    if one is None or two is None:
        return Reading(
            verdict=f"{listed(gone)} is no open job order on record, so there is nothing to resequence.",
            missing=(*(f"An open job order {name}." for name in gone), *work.missing),
        )
    begun = next((job.id for job in (one, two) if job.begun), None)
    if begun is not None and (one.begun or two.begun):
        return Reading(
            verdict=f"{begun} runs already: what runs is not interrupted here, so {first} can't come before {other}."
            if two.begun
            else f"{first} runs already, so it comes before {other} as it is.",
            findings=(telling.job(begun, prices.present, {}),) if begun in prices.present.operations else (),
        )
    if one.line != two.line and work.pace_on(one, two.line) is None:
        return Reading(
            verdict=f"{first} is planned on {telling.called(one.line)}, {other} on {telling.called(two.line)}, and no "
            f"record tells how fast {telling.called(two.line)} makes {one.material}.",
            missing=(f"A rate for {one.material} on {telling.called(two.line)}.",),
        )
    order = [job.id for job in work.shop.orders[two.line]]
    if one.line == two.line and order.index(first) < order.index(other):
        return Reading(
            verdict=f"{first} comes before {other} on {telling.called(one.line)} as it is.",
            findings=tuple(
                telling.job(job, prices.present, work.span(work.shop, prices.present))
                for job in (first, other)
                if job in prices.present.operations
            ),
            missing=telling.missing((first, other)),
        )
    place = next(i for i, job in enumerate(_rest(work.shop, two.line, first)) if job.id == other)
    shop = dict(insertions(*_placed(work, work.shop, first, two.line)))[place]
    option = prices.option(f"Run {first} before {other} on {telling.called(two.line)}", shop)
    touched = [s for s in option.slips if s.slips or s.gains]
    near = [s for s in option.slips if {first, other} & set(s.due.promise.jobs) and s not in touched]
    lines = sorted({one.line, two.line})
    jobs = [first, other]
    spans = work.span(shop, option.schedule)
    return Reading(
        verdict=f"{option.what}: {_balance(option)}.",
        findings=(
            *(telling.promise(s) for s in (*touched, *near)[:_SHOWN]),
            telling.price(option, number=1),
            *(telling.job(j, option.schedule, spans) for j in jobs if j in option.schedule.operations),
            *_paces(telling, jobs),
            *(telling.shortfall(lack) for lack in prices.new_shortfalls(option.schedule)[:3]),
            telling.slower(shop, prices, jobs, lines),
            *_deciders(telling, [s for s in touched if s.slips], "which job order comes first"),
            telling.assumptions(jobs),
        ),
        missing=telling.missing(jobs),
        next_steps=_steps([option], ()) if not any(s.slips for s in touched) else (),
        data={"price": round(option.price, 1), "present": round(prices.price(work.shop, prices.present), 1)},
    )


def _remedies(work: PlannedWork, prices: Prices, line: str, down: Shop, case: Option) -> list[Option]:
    """What would cost less than waiting: another sequence after the stop, or another line for one job order."""
    options = list(_sequences(work, prices, line, (), down)) if comparable(down, line) else []
    for job in [job.id for job in down.orders[line] if not job.begun][:4]:
        options += _elsewhere(work, prices, down, job)
    return _ranked(options, case.price, set(), int(work.rules["search.options"]))


def _sequences(
    work: PlannedWork, prices: Prices, line: str, wanted: Sequence[str], shop: Shop | None = None
) -> list[Option]:
    """The cheapest sequence of the line that was found, and for each wanted job order its earlier places."""
    base = shop or work.shop
    present = base.orders.get(line, ())
    if sum(not job.begun for job in present) < 2:
        return []
    best, proven = best_sequence(Trial.of(base, line, work.rules, dispatch(base)), work.rules)
    found = []
    if [job.id for job in best] != [job.id for job in present]:
        order = ", ".join(job.id for job in best if not job.begun)
        how = "the cheapest of all sequences" if proven else "the cheapest sequence that was found, not proven the best"
        what = f"Run {work.view.plant.called(line)} in the order {order} ({how})"
        found.append(prices.option(what, base.with_orders(line, best)))
    waiting = tuple(job for job in present if not job.begun)
    fixed = tuple(job for job in present if job.begun)
    for sequence in moved(waiting) if len(waiting) <= 12 else ():
        mover = _moved_up(waiting, sequence)
        if mover and (not wanted or mover.id in wanted):
            behind = sequence[sequence.index(mover) + 1]
            found.append(
                prices.option(
                    f"Run {mover.id} before {behind.id} on {work.view.plant.called(line)}",
                    base.with_orders(line, (*fixed, *sequence)),
                )
            )
    return found


def _moved_up(present: Sequence[Job], order: Sequence[Job]) -> Job | None:
    """The one job order that came forward; None where one went back."""
    up = [job for job in order if order.index(job) < present.index(job)]
    return up[0] if len(up) == 1 else None


def _elsewhere(work: PlannedWork, prices: Prices, base: Shop, name: str) -> list[Option]:
    """The job order at its cheapest place on each other line that has made its material."""
    job = work.jobs[name]
    if job.begun:
        return []
    found = []
    for line in work.paces.lines_for(job.material):
        if line == job.line or work.pace_on(job, line) is None:
            continue
        options = []
        for place, shop in insertions(*_placed(work, base, name, line)):
            jobs = shop.orders[line]
            where = f"before {jobs[place + 1].id}" if place + 1 < len(jobs) else "at the end"
            options.append(prices.option(f"Make {name} on {work.view.plant.called(line)}, {where}", shop))
        found += sorted(options, key=lambda option: option.price)[:1]
    return found


def _placed(work: PlannedWork, base: Shop, name: str, line: str) -> tuple[Shop, str, Job]:
    """The work without the job order where it is, and the job order as the line would make it."""
    known = work.jobs[name]
    taken = base.with_orders(known.line, _rest(base, known.line, name))
    pace = work.pace_on(known, line)
    per_h = {**taken.per_h, **({(line, name): pace.per_h} if pace else {})}
    job = Job(id=name, line=line, material=known.material, left=known.left)
    return (
        Shop(
            orders=taken.orders, time=taken.time, per_h=per_h, changeover_s=taken.changeover_s, on_line=taken.on_line,
            promises=taken.promises,
        ),
        line,
        job,
    )  # fmt: skip


def _rest(shop: Shop, line: str, name: str) -> list[Job]:
    return [job for job in shop.orders.get(line, ()) if job.id != name]


def _ranked(options: Sequence[Option], present: float, target: set[str], most: int) -> list[Option]:
    """The options that cost less than the present plan, or that bring a wanted promise forward; the best first."""

    def gained(option: Option) -> float:
        return sum(s.late_before_s - s.late_after_s for s in option.slips if s.due.promise.id in target)

    fit = [o for o in options if o.price < present - 1e-6 or gained(o) > 60]
    unique = {
        tuple((line, tuple(j.id for j in jobs)) for line, jobs in o.shop.orders.items()): o for o in reversed(fit)
    }
    return sorted(unique.values(), key=lambda o: (o.price, o.what))[:most]


def _meant(work: PlannedWork, save: Entity) -> list[str]:
    if save.id in work.jobs:
        return [save.id]
    named = [d for d in work.dues.values() if d.promise.id == save.id or d.promise.id.rpartition("/")[0] == save.id]
    return sorted({job for due in named for job in due.promise.jobs})


def _paces(telling: Telling, jobs: Sequence[str]) -> list[Finding]:
    found = [telling.pace(job) for job in jobs]
    return list({f.text: f for f in found if f}.values())[:4]


def _deciders(telling: Telling, worse: Sequence[Slip], what: str = "another sequence") -> list[Finding]:
    found = [telling.deciders("resequence_job_order", what)]
    if worse:
        found.append(telling.deciders("change_promise", "what a customer is promised instead"))
    return [f for f in found if f]


def _told(worse: Sequence[Slip], slips: Sequence[Slip], planned: Sequence[str], case: Option, prices: Prices) -> str:
    if worse:
        told = [f"{s.due.promise.id} by {duration(s.late_after_s - s.late_before_s)}" for s in worse]
        return f"{counted(len(worse), 'promise')} of {len(slips)} slip{'s' if len(worse) == 1 else ''}: {listed(told)}."
    if not planned:
        return "what ends when can't be told: no pace is known there."
    moved = max(
        (case.schedule.operations[j].end - prices.present.operations[j].end).total_seconds()
        for j in planned
        if j in prices.present.operations
    )
    later = f"; its job orders end up to {duration(moved)} later" if moved > 60 else ""
    if not slips:
        return f"no promise is known to hang on it{later}."
    spares = [((s.due.promise.due - s.after).total_seconds(), s.due.promise.id) for s in slips if s.after]
    spare, nearest = min(spares, default=(0.0, ""))
    near = f"; the nearest, {nearest}, keeps {duration(spare)} to spare" if spare > 0 else ""
    return f"no promise slips{later}{near}."


def _balance(option: Option) -> str:
    worse = [
        f"{s.due.promise.id} slips by {duration(s.late_after_s - s.late_before_s)}" for s in option.slips if s.slips
    ]
    better = [f"{s.due.promise.id} gains {duration(s.late_before_s - s.late_after_s)}" for s in option.slips if s.gains]
    minutes = round(option.changeover_s / 60)
    setup = f"{abs(minutes)} min {'more' if minutes > 0 else 'less'} changeover" if minutes else "as much changeover"
    return f"{listed([*worse, *better]) if worse or better else 'no promise slips'}, {setup}"


def _best_told(options: Sequence[Option], standing: Sequence[Slip], save: Entity | None) -> str:
    late = [s for s in standing if s.late_after_s > 60]
    subject = save.id if save else "the plan"
    if not options:
        why = "no promise is late as it stands" if not late else "no sequence that was tried costs less"
        return f"No other sequence gains anything for {subject}: {why}."
    return f"{options[0].what}: {_balance(options[0])}. It is the cheapest of {counted(len(options), 'option')} shown."


def _steps(options: Sequence[Option], worse: Sequence[Slip]) -> tuple[str, ...]:
    steps = [f"Ask who may decide whether to take option 1: {options[0].what}."] if options else []
    steps += [f"Tell the customer of {worse[0].due.promise.id} before the promise is missed."] if worse else []
    return tuple(steps)
