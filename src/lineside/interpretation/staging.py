"""Which job orders lack material at the line: required, staged, usable, on its way; late picks, blocked lots,
substitutes, and the earliest time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.line_side import LineSide, Need
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.substitutes import substitutes_for
from lineside.interpretation.wording import counted, late_sources, listed
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.quantities import plain
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_OVER = ("complete", "closed")
_NAMES = ("status", "planned_start", "planned_end", "equipment", "components", "sales_order_line", "quantity")
_BLOCKED = 3  # lots told for one need


def lacking_material(
    view: View, window: Window | None = None, equipment: str | None = None, *, job: Entity | None = None
) -> Reading:
    """The open job orders whose components are not all staged and usable; with `window`, those planned to start by its
    end; with `job`, that one alone."""
    facts = Facts(view)
    facts.load(EntityKind.JOB_ORDER, *_NAMES)
    jobs = {each for name in ("status", "components", "planned_start") for each in facts.having("job_order", name)}
    open_jobs = [each for each in sorted(jobs) if facts.state(each, "status") not in _OVER]
    asked = [each for each in open_jobs if (each == job if job else _meant(facts, each, window, equipment))]
    # What an earlier job order elsewhere takes is not there for this one.
    rivals = [each for each in open_jobs if _meant(facts, each, window, None)]
    side = LineSide(facts)
    needs = side.needs([*rivals, *asked])
    found = {each: needs[each] for each in asked if each in needs}
    short = {each: lacking for each, mine in found.items() if (lacking := [n for n in mine if n.lacks])}
    waiting = [each for each in found if facts.state(each, "status") != "in_progress"]  # what runs has what it needs
    silent = {each: untold for each in waiting if (untold := [n for n in found[each] if not n.told])}
    missing = [f"The components of {each.id}." for each in asked if each not in found]
    missing += [f"What of {listed([n.material for n in mine])} is staged for {of.id}." for of, mine in silent.items()]
    if not found:
        return Reading(
            verdict="Which jobs lack material is not known: no open job order has its components on record.",
            missing=tuple(missing) or ("Job orders with components, and what is staged for them.",),
            window=window,
        )
    sources = {said.source for each in found if (said := facts.best(each, "components"))}
    ordered = sorted(short, key=lambda each: (_start(short[each]) or view.as_of, each))
    return Reading(
        verdict=_verdict(facts, found, {each: short[each] for each in ordered}, silent),
        findings=(
            *(f for each in ordered for need in short[each] for f in _about(facts, side, need)),
            *_pressing(silent),
            *_full(facts, found, short),
        ),
        missing=(*missing, *late_sources(view, sources)),
        next_steps=tuple(dict.fromkeys(s for each in ordered for need in short[each] for s in _steps(facts, need))),
        window=window,
        data={
            "lacking": [each.id for each in ordered],
            "not_known": [each.id for each in silent if each not in short],
            "of": len(found),
            "needs": [need_data(need) for mine in found.values() for need in mine],
        },
    )


def need_data(need: Need) -> dict[str, Json]:
    """The figures of one need; the five buckets sum to what is required."""
    return {
        "job_order": need.job.id,
        "material": need.material,
        "unit": need.unit,
        "required": plain(need.required),
        "buckets": {name: plain(getattr(need, name)) for name in ("staged", "held", "free", "incoming", "short")},
        "told": need.told,
        "earliest": need.earliest.isoformat() if need.earliest else None,
        "late_picks": len(need.late),
        "blocked_lots": [each.lot.id for each in need.blocked],
    }


def _meant(facts: Facts, job: Entity, window: Window | None, equipment: str | None) -> bool:
    start, place = facts.best(job, "planned_start"), facts.best(job, "equipment")
    begins = moment(start.value) if start else None
    in_time = window is None or begins is None or begins < window.end
    return in_time and (equipment is None or place is None or within(place.text, equipment))


def _about(facts: Facts, side: LineSide, need: Need) -> Iterator[Finding]:
    """What is lacking and where the rest is; then late picks, blocked lots and substitutes."""
    plant, now = facts.plant, facts.view.as_of
    text = f"{need.job.id} lacks {need.material}: {need.amount(need.staged)} of {need.amount(need.required)} staged"
    text += f", {need.amount(need.held)} more are there but blocked" if need.held else ""
    yield Finding(text=f"{text}.", kind=Kind.DERIVED, cites=need.cites, data=need_data(need))
    yield _rest(facts, side, need)
    for late in need.late:
        why = f" ({late.reason})" if late.reason else ""
        yield Finding(
            text=f"The pick of {need.material} for {need.job.id} was told to be late at "
            f"{clock(late.at, plant, relative_to=now)}{why}; nothing was staged since.",
            kind=Kind.FACT,
            cites=(late.cite,),
            data={"job_order": need.job.id, "material": need.material, "late_pick": True},
        )
    for blocked in need.blocked[:_BLOCKED]:
        yield Finding(
            text=f"Lot {blocked.lot.id} of {need.material} can't be used: {blocked.why}.",
            kind=Kind.DERIVED,
            cites=blocked.cites,
            data={"lot": blocked.lot.id, "material": need.material},
        )
    yield from substitutes_for(facts, side, need)


def _rest(facts: Facts, side: LineSide, need: Need) -> Finding:
    """Where what is not staged is to come from, and when all of it can be at the line."""
    plant, now = facts.plant, facts.view.as_of
    parts = [
        (need.free, "free in stock"),
        (need.incoming, "bought and due before the start"),
        (need.short, "covered by nothing on record"),
    ]
    shown = ", ".join(f"{need.amount(value)} {word}" for value, word in parts if value)
    rest = need.required - need.staged - need.held
    text = f"Of the {need.amount(rest)} of {need.material} that are not at the line: {shown}" if rest else ""
    text = text or f"All {need.amount(need.held)} of {need.material} that lack are at the line and blocked"
    cites = [*need.cites, *need.stock_cites]
    if need.earliest is not None and need.earliest > now:
        text += f"; complete at {clock(need.earliest, plant, relative_to=now)} at the soonest"
    elif need.earliest is not None:
        text += "; it can be staged as soon as it is picked"
    elif (more := side.next_arrival(need.material)) is not None:
        text += f"; the next delivery is due at {clock(more[0], plant, relative_to=now)}"
        cites.append(more[1])
    if need.starts is not None:
        text += f"; the start is planned for {clock(need.starts, plant, relative_to=now)}"
        if need.starts > now:
            text += f", in {duration((need.starts - now).total_seconds())}"
    return Finding(
        text=f"{text}.", kind=Kind.DERIVED, cites=tuple(dict.fromkeys(cites)), data={**need_data(need), "rest": True}
    )


def _pressing(silent: dict[Entity, list[Need]]) -> Iterator[Finding]:
    """What nobody has said to be staged, with what the stock could give: it may lack."""
    for job, mine in silent.items():
        worst = [need for need in mine if need.short]
        if worst:
            parts = [f"{need.amount(need.short)} of {need.material}" for need in worst]
            cites = tuple(dict.fromkeys(c for need in worst for c in (*need.cites, *need.stock_cites)))
            yield Finding(
                text=f"{job.id}: what is staged is not on record, and neither stock nor deliveries on record cover "
                f"{listed(parts)}.",
                kind=Kind.DERIVED,
                cites=cites,
                data={"job_order": job.id, "short": [need.material for need in worst]},
            )


def _full(facts: Facts, found: dict[Entity, list[Need]], short: dict[Entity, list[Need]]) -> Iterator[Finding]:
    for job, mine in found.items():
        said = facts.best(job, "components")
        if job not in short and said is not None and all(need.told for need in mine):
            cites = tuple(dict.fromkeys((said.record_id, *(c for need in mine for c in need.cites))))
            yield Finding(text=f"{job.id}: everything that it needs is staged.", kind=Kind.DERIVED, cites=cites)


def _steps(facts: Facts, need: Need) -> Iterator[str]:
    by = f" before {clock(need.starts, facts.plant, relative_to=facts.view.as_of)}" if need.starts else ""
    if need.free:
        yield f"Pick {need.amount(need.free)} of {need.material} for {need.job.id}{by}."
    if need.held:
        yield f"Ask for a decision on the blocked {need.material} at the line for {need.job.id}."
    if need.short:
        yield f"Find {need.amount(need.short)} of {need.material} for {need.job.id}{by}, or move the job order."


def _start(needs: Sequence[Need]) -> datetime | None:
    return next((need.starts for need in needs if need.starts), None)


def _verdict(
    facts: Facts,
    found: dict[Entity, list[Need]],
    short: dict[Entity, list[Need]],
    silent: dict[Entity, list[Need]],
) -> str:
    text = f"{counted(len(short), 'job order')} of {len(found)} lack{'s' if len(short) == 1 else ''} material"
    if short:
        named = []
        for job, needs in short.items():
            starts = _start(needs)
            when = f", start {clock(starts, facts.plant, relative_to=facts.view.as_of)}" if starts else ""
            named.append(f"{job.id} ({listed([need.material for need in needs])}{when})")
        text += f": {listed(named)}"
    unknown = [job.id for job in silent if job not in short]
    return f"{text}; of {listed(unknown)} no record says what is staged." if unknown else f"{text}."
