"""Whether a rush order can be taken: every place on every line that has made the material, with what each costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lineside.interpretation.facts import Facts
from lineside.interpretation.material_needs import Need, Shortfall, recipe, supplies
from lineside.interpretation.paces import Pace
from lineside.interpretation.plan_prices import Option, Prices, Telling
from lineside.interpretation.planned_work import PlannedWork, planned_work, setups
from lineside.interpretation.reading import Finding, Kind, Reading
from lineside.interpretation.resequence import insertions
from lineside.interpretation.schedule import Job, dispatch
from lineside.interpretation.wording import bounded, listed
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import work_center
from lineside.plant.quantities import Quantity
from lineside.plant.timeline import duration

RUSH = "the rush order"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The rush order at one place. lacks: what it, or another for its sake, lacks. sure: its latest end."""

    line: str
    option: Option
    pace: Pace
    end: datetime
    sure: datetime
    lacks: tuple[Shortfall, ...]

    @property
    def slips(self) -> int:
        return sum(s.slips for s in self.option.slips)


def rush_order(
    view: View,
    material: str | None,
    amount: Quantity | None,
    *,
    due: datetime | None = None,
    equipment: str | None = None,
) -> Reading:
    """Whether so much of the material can be made (by `due`), where, and which promises would pay for it.

    equipment: only there. The job order that runs is not interrupted. Refuses where material or quantity isn't said.
    """
    if material is None or amount is None or amount.value <= 0:
        lacking = [n for n, given in (("material", material), ("quantity", amount and amount.value > 0)) if not given]
        return Reading(
            verdict=f"Which {' and '.join(lacking)} the rush order is for is not said, so nothing can be computed.",
            missing=tuple(f"The {name} of the rush order." for name in lacking),
        )
    work = planned_work(view)
    prices, telling = Prices(work), Telling(work)
    lines = [work_center(equipment)] if equipment else work.lines_for(material)
    known = {line: pace for line in lines if (pace := work.pace_of(line, material))}
    if not known:
        return _never_made(work, telling, material, amount, lines if equipment else [])
    asked = _converted(work.facts, material, amount, next(iter(known.values())).unit)
    if asked is None:
        unit = next(iter(known.values())).unit
        return Reading(
            verdict=f"No factor from {amount.unit} to {unit} is on record for {material}: {amount} can't be planned.",
            missing=(f"What one {amount.unit} of {material} holds.",),
        )
    needs, unknown = _needs(work, material, asked)
    ready, waits = _material_by(prices, needs, view.as_of)
    places = [
        place
        for line, pace in known.items()
        if pace.unit == next(iter(known.values())).unit
        for place in _places(work, prices, line, _Rush(material, asked, pace, ready), needs)
    ]
    if not places:
        return Reading(verdict="No line has working time ahead for the rush order.", missing=work.missing)
    chosen = _chosen(places, due)
    what = f"{round(asked, 1):g} {next(iter(known.values())).unit} of {material}"
    late = [w for w in waits if w.comes is None]
    findings = [
        *(_told(telling, place, number) for number, place in enumerate(chosen, 1)),
        *(telling.promise(s) for s in chosen[0].option.slips if s.slips),
        *_capacity(telling, chosen, known, material),
        *_in_stock(work, material, next(iter(known.values())).unit),
        *(telling.shortfall(w) for w in waits[:4]),
        *(telling.shortfall(lack) for lack in chosen[0].lacks if lack.job != RUSH),
        _slower(work, prices, telling, chosen[0], due),
        *(f for f in (telling.deciders("accept_rush_order", "whether the rush order is taken"),) if f),
        *_others(telling, chosen[0]),
        telling.assumptions(
            [j.id for j in work.shop.orders.get(chosen[0].line, ())][:3], "what runs now is not interrupted for it"
        ),
    ]
    crews, no_crew = telling.crews(chosen[0].sure)
    return Reading(
        verdict=_verdict(telling, what, chosen, due, late) + (" Its material can't be checked." if unknown else ""),
        findings=(*findings, *crews),
        missing=(*unknown, *no_crew, *telling.missing(j.id for j in work.shop.orders.get(chosen[0].line, ()))),
        next_steps=(f"Ask who may decide whether to take it as in option 1: {chosen[0].option.what}.",),
        data={
            "quantity": asked,
            "options": [
                {"line": p.line, "end": p.end.isoformat(), "sure": p.sure.isoformat(), "slips": p.slips,
                 "price": round(p.option.price, 1)}
                for p in chosen
            ],
        },
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rush:
    material: str
    quantity: float
    pace: Pace
    not_before: datetime | None


def _places(work: PlannedWork, prices: Prices, line: str, rush: _Rush, needs: Sequence[Need]) -> list[_Place]:
    """The rush order at every place of the line behind what runs there."""
    shop = work.shop
    materials = {job.material for job in shop.orders.get(line, ())} | {
        rush.material,
        shop.on_line.get(line, rush.material),
    }
    shop = replace(
        shop,
        orders={**shop.orders, line: shop.orders.get(line, ())},
        per_h={**shop.per_h, (line, RUSH): rush.pace.per_h},
        changeover_s={**shop.changeover_s, **setups(work.paces, line, materials)},
    )
    job = Job(id=RUSH, line=line, material=rush.material, left=rush.quantity, not_before=rush.not_before)
    found = []
    for place, other in insertions(shop, line, job):
        jobs = other.orders[line]
        where = f"before {jobs[place + 1].id}" if place + 1 < len(jobs) else "behind all that waits there"
        option = prices.option(f"Make it on {work.view.plant.called(line)}, {where}", other)
        if RUSH not in option.schedule.operations:
            continue
        end = option.schedule.operations[RUSH].end
        late = work.span(other, option.schedule).get(RUSH, (end, end))[1]
        lacks = tuple(prices.new_shortfalls(option.schedule, {RUSH: list(needs)}))
        found.append(_Place(line=line, option=option, pace=rush.pace, end=end, sure=late, lacks=lacks))
    return found


def _chosen(places: Sequence[_Place], due: datetime | None) -> list[_Place]:
    """The best first: without a slip and in time, else without a slip, else the cheapest; then the earliest of all."""
    free = [place for place in places if not place.slips]
    in_time = [place for place in free if due is not None and place.sure <= due]
    cheapest = min(places, key=lambda p: (p.slips, p.option.price, p.end, p.line))
    earliest = min(places, key=lambda p: (p.end, p.slips, p.line))
    kept = min(free, key=lambda p: (p.end, p.option.price, p.line)) if free else cheapest
    best = min(in_time, key=lambda p: (p.option.price, p.end, p.line)) if in_time else kept
    met = [place for place in places if due is not None and place.sure <= due]
    paid = min(met, key=lambda p: (p.option.price, p.end, p.line)) if met and not in_time else None
    order = [best, *([paid] if paid else []), kept, earliest]
    return list({(p.line, p.option.what): p for p in order}.values())


def _verdict(
    telling: Telling, what: str, chosen: Sequence[_Place], due: datetime | None, late: Sequence[Shortfall]
) -> str:
    best = chosen[0]
    where, end = telling.called(best.line), telling.clock(best.end)
    sure = telling.clock(best.sure)
    lack = f" But nothing that is ordered covers {listed([w.material for w in late])}." if late else ""
    done = f"{what} would be done on {where} at {end}, at the latest {sure}"
    done += ", if the planned rates hold" if best.pace.kind is Kind.GUESSED else ""
    pay = "without a promise slipping" if not best.slips else f"and {listed(_slipping(best))}"
    if due is None:
        return f"{'Yes' if not best.slips and not late else 'At a price' if not late else 'No'}: {done}, {pay}.{lack}"
    wanted = telling.clock(due)
    if best.sure <= due and not late:
        return f"Yes, by {wanted}: {done}, {pay}."
    paid = next((p for p in chosen if p.sure <= due), None)
    if paid is not None and not late:
        return (
            f"Only at a price by {wanted}: {paid.option.what}, done at the latest {telling.clock(paid.sure)}, and "
            f"{listed(_slipping(paid))}. Without a slip it is {end}, at the latest {sure}."
        )
    if best.end <= due and not late:
        return f"Perhaps, by {wanted}: {done}, {pay}; the margin is smaller than what paces differ by."
    return f"No, not by {wanted}: {done}, {pay}.{lack}"


def _slipping(place: _Place) -> list[str]:
    return [
        f"{s.due.promise.id} slips by {duration(s.late_after_s - s.late_before_s)}"
        for s in place.option.slips
        if s.slips
    ]


def _told(telling: Telling, place: _Place, number: int) -> Finding:
    priced = telling.price(place.option, number=number)
    end, sure = telling.clock(place.end), telling.clock(place.sure)
    return replace(
        priced,
        text=f"{priced.text.removesuffix('.')}; done {end}, at the latest {sure}.",
        cites=bounded(dict.fromkeys((*place.pace.cites[:6], *(c for c in priced.cites if isinstance(c, str))))),
        data={**priced.data, "end": place.end.isoformat(), "sure": place.sure.isoformat(), "line": place.line},
    )


def _capacity(telling: Telling, chosen: Sequence[_Place], known: Mapping[str, Pace], material: str) -> list[Finding]:
    found = []
    for line in dict.fromkeys(place.line for place in chosen):
        pace = known[line]
        text = f"{material} on {telling.called(line)}: {round(pace.per_h, 1):g} {pace.unit} per h, {pace.how}."
        found.append(Finding(text=text, kind=pace.kind, cites=pace.cites, data={"per_h": pace.per_h}))
    return found


def _in_stock(work: PlannedWork, material: str, unit: str) -> list[Finding]:
    """What lies there already: perhaps nothing has to be made."""
    found = supplies(work.facts, {material: unit}).get(material)
    if found is None or found.usable <= 0:
        return []
    text = (
        f"{round(found.usable, 1):g} {unit} of {material} lie in stock and may be used ({found.figure}); what of it is "
        "promised already is not counted."
    )
    return [Finding(text=text, kind=Kind.DERIVED, cites=found.cites, data={"usable": found.usable})]


def _slower(work: PlannedWork, prices: Prices, telling: Telling, place: _Place, due: datetime | None) -> Finding:
    share = work.rules["pace.doubt_pct"]
    schedule = dispatch(place.option.shop.slower(share / 100, [place.line]))
    present = dispatch(work.shop.slower(share / 100, [place.line]))
    end = schedule.operations[RUSH].end if RUSH in schedule.operations else None
    worse = [s for s in prices.slips(schedule, present) if s.slips]
    told = f"it is done {telling.clock(end)}" if end else "it has no end"
    if due is not None and end is not None:
        told += f", {'still in time' if end <= due else 'too late'}"
    told += f"; {listed([s.due.promise.id for s in worse])} slip{'s' if len(worse) == 1 else ''}" if worse else ""
    text = f"If the pace on {telling.called(place.line)} is {share:g} % lower than measured: {told}."
    return Finding(text=text, kind=Kind.GUESSED, cites=place.pace.cites)


def _others(telling: Telling, place: _Place) -> list[Finding]:
    if not place.slips:
        return []
    return [f for f in (telling.deciders("change_promise", "what a customer is promised instead"),) if f]


def _needs(work: PlannedWork, material: str, quantity: float) -> tuple[list[Need], tuple[str, ...]]:
    """What the rush order needs, as the other job orders of its material do; and what is not known of it."""
    others = [job.entity for job in work.jobs.values() if job.material == material]
    others += [Entity(EntityKind.JOB_ORDER, run.job) for run in work.paces.finished if run.material == material][:6]
    rows = recipe(work.facts, others)
    needs = [
        Need(job=RUSH, material=what, amount=share * quantity, unit=unit, cites=(record,))
        for what, share, unit, record in rows
    ]
    return needs, () if rows else (f"What {material} is made of: no job order of it states its components.",)


def _material_by(prices: Prices, needs: Sequence[Need], now: datetime) -> tuple[datetime | None, list[Shortfall]]:
    """When there is enough for the rush order beside all that is planned already, and what lacks until then."""
    known = {need.material: need.unit for need in needs}
    prices.there |= supplies(prices.work.facts, {m: unit for m, unit in known.items() if m not in prices.there})
    far = now + timedelta(days=30)
    for_it = _after_all(prices, needs, far)
    ready = max((lack.comes for lack in for_it if lack.comes), default=None)
    return ready, for_it


def _after_all(prices: Prices, needs: Sequence[Need], far: datetime) -> list[Shortfall]:
    """What lacks if the rush order takes what the job orders that wait leave over from the stock of now."""
    left: dict[str, float] = {}
    for need in (need for some in prices.needs.values() for need in some):
        left[need.material] = left.get(need.material, 0.0) + need.amount
    found = []
    for need in needs:
        supply = prices.there.get(need.material)
        if supply is None:
            continue
        have = supply.usable - left.get(need.material, 0.0)
        if have >= need.amount:
            continue
        covering = None
        for arrival in (a for a in supply.arrivals if a.at <= far):
            have += arrival.amount
            if have >= need.amount:
                covering = arrival
                break
        if have >= need.amount and covering is None:
            continue
        found.append(
            Shortfall(
                job=RUSH, material=need.material, lacks=min(need.amount, need.amount - supply.usable
                + left.get(need.material, 0.0)), unit=need.unit, at=prices.work.view.as_of,
                comes=covering.at if covering else None, by=covering.order if covering else "", figure=supply.figure,
                cites=tuple(dict.fromkeys((*need.cites, *supply.cites, *((covering.record,) if covering else ())))),
            )
        )  # fmt: skip
    return found


def _never_made(work: PlannedWork, telling: Telling, material: str, amount: Quantity, lines: Sequence[str]) -> Reading:
    """No line is known to make it: what others on the line run at is given as a range, nothing more."""
    ranges = []
    for line in lines:
        if others := work.paces.others_on(line):
            low, high, unit, cites = others
            text = (
                f"No finished job order of {material} on {telling.called(line)} is on record; other work there ran at "
                f"{round(low, 1):g} to {round(high, 1):g} {unit} per h."
            )
            ranges.append(Finding(text=text, kind=Kind.DERIVED, cites=cites))
    where = f" on {listed([telling.called(line) for line in lines])}" if lines else ""
    made_on = [line for line in work.lines_for(material) if line not in lines]
    elsewhere = f" It was made on {listed([telling.called(line) for line in made_on])}." if made_on else ""
    return Reading(
        verdict=f"Whether {amount} of {material} can be taken{where} can't be computed: no record tells how fast it is "
        f"made{where}.{elsewhere}",
        findings=tuple(ranges),
        missing=(f"A rate for {material}{where}: a finished job order of it, or a target.", *work.missing),
    )


def _converted(facts: Facts, material: str, amount: Quantity, unit: str) -> float | None:
    if not amount.unit or not unit:
        return float(amount.value)
    found = amount.to(unit, facts.factors(material))
    return None if found is None else float(found.value)
