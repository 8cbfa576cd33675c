"""What MES, SCADA and ERP recorded of the runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.plant.records import Json
from lineside.simulator.facts import Fact, Log, amount, text_of
from lineside.simulator.hours import ZONE, local, slots
from lineside.simulator.production import AHEAD, Production
from lineside.simulator.runs import Run, Span
from lineside.simulator.world import Line, World

SCADA_SINCE = timedelta(hours=10)
OPERATIONS_SINCE = timedelta(days=8)  # older operations are archived
SCADA_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffered:
    """Last night a line's terminal lost its network from `start` to `end`; it sent everything at `said`."""

    line: str
    start: datetime
    end: datetime
    said: datetime


@dataclass(slots=True, kw_only=True)
class Floor:
    """The facts that stories refer to, by job order or by line, oldest first. late: said hours after they happened."""

    buffered: Buffered
    counts: dict[str, list[Fact]] = field(default_factory=dict)
    events: dict[str, list[Fact]] = field(default_factory=dict)
    scada: dict[str, list[Fact]] = field(default_factory=dict)
    late: list[Fact] = field(default_factory=list)


def record_floor(world: World, production: Production, log: Log) -> Floor:
    floor = Floor(buffered=_buffered(world))
    for run in production.runs:
        _plan(world, run, log)
        _work(world, run, log, floor)
    for line in world.lines:
        _scada(world, production, line, log, floor)
    return floor


def reported(floor: Floor, run: Run, at: datetime) -> datetime | None:
    """When MES said what happened on the run's line at `at`, where that was not at once."""
    buffered = floor.buffered
    return buffered.said if run.line.id == buffered.line and buffered.start <= at < buffered.end else None


def _buffered(world: World) -> Buffered:
    rng = world.random("late")
    today = world.now.astimezone(ZONE).date()
    return Buffered(
        line=world.calm.id,
        start=local(today, 1, rng.randrange(0, 40)),
        end=local(today, 4, rng.randrange(10, 55)),
        said=local(today, 9, rng.randrange(5, 40)),
    )


def _plan(world: World, run: Run, log: Log) -> None:
    rng = world.random(f"plan/{run.id}")
    known = run.planned_start - timedelta(hours=rng.uniform(28, 40))
    components: list[Json] = [
        {"material": material, "quantity": amount(round(run.pieces * share), world.material(material).unit)}
        for material, share in run.line.components
    ]
    log.report(
        "erp",
        f"job_order:{run.id}",
        known,
        {"sales_order_line": run.sales_line} if run.sales_line else None,
        material=run.product.id,
        quantity=amount(run.quantity),
        status="planned",
        equipment=run.line.id,
        sequence=run.sequence,
        planned_start=text_of(run.planned_start),
        planned_end=text_of(run.planned_end),
        components=components,
    )
    released = run.planned_start - timedelta(hours=rng.uniform(2, 5))
    log.event("erp", "released", released, job_order=run.id, equipment=run.line.id, by=world.person("planner").id)
    log.report("erp", f"job_order:{run.id}", released, status="ready")
    log.report(
        "erp",
        f"job_order:{run.id}",
        run.completed + timedelta(minutes=rng.uniform(20, 45)),
        status="complete",
        quantity_good=amount(run.quantity),
        quantity_scrap=amount(run.rejects(run.completed)),
    )


def _work(world: World, run: Run, log: Log, floor: Floor) -> None:
    here: dict[str, Json] = {"equipment": run.line.id, "job_order": run.id}
    made: dict[str, Json] = {**here, "lot": run.lot, "material": run.product.id}
    events = floor.events.setdefault(run.id, [])

    def say(kind: str, at: datetime, **about: Json) -> Fact:
        fact = log.event("mes", kind, at, about, reported=reported(floor, run, at))
        if fact.said_at - fact.occurred_at > timedelta(hours=1):
            floor.late.append(fact)
        events.append(fact)
        return fact

    def tell(entity: str, at: datetime, **properties: Json) -> None:
        log.report("mes", entity, at, properties, reported=reported(floor, run, at))

    say("changeover_start", run.spans[0].start, **here)
    say("changeover_end", run.started, **here)
    say("started", run.started, **here)
    tell(f"job_order:{run.id}", run.started, status="in_progress", actual_start=text_of(run.started))
    for index, span in enumerate(run.spans):
        before = run.spans[index - 1] if index else None
        _span(run, span, before, say)
    previous = 0
    for at in run.hours():
        good = run.good(at)
        fact = say("production", at, **made, quantity=good - previous, unit="ea")
        floor.counts.setdefault(run.id, []).append(fact)
        previous = good
    scrapped = 0
    ends = [slot.end for slot in slots(run.started, run.completed) if run.started < slot.end < run.completed]
    for at in (*ends, run.completed):
        if run.rejects(at) > scrapped:
            say("scrap", at, **made, quantity=run.rejects(at) - scrapped, unit="ea", reason="line rejects")
            scrapped = run.rejects(at)
        if at != run.completed:
            tell(
                f"job_order:{run.id}",
                at,
                status="in_progress",
                quantity_good=amount(run.good(at)),
                quantity_scrap=amount(run.rejects(at)),
            )
    say("completed", run.completed, **here)
    tell(
        f"job_order:{run.id}",
        run.completed,
        status="complete",
        actual_end=text_of(run.completed),
        quantity_good=amount(run.quantity),
        quantity_scrap=amount(scrapped),
    )
    if run.completed > world.now - OPERATIONS_SINCE:
        for step in ("10", "20"):
            tell(f"operation:{run.id}/{step}", run.completed, status="complete", quantity_good=amount(run.quantity))


def _span(run: Run, span: Span, before: Span | None, say: Callable[..., Fact]) -> None:
    here: dict[str, Json] = {"equipment": run.line.id, "job_order": run.id}
    if span.state == "stopped":
        at_unit = {**here, "equipment": f"{run.line.id}/{span.unit}"}
        say("stop", span.start, **at_unit, reason=span.reason, code=span.code)
        say("start", span.end, **at_unit, reason=span.reason, code=span.code)
    was_slow = before is not None and (before.slow or before.state == "stopped")
    if span.slow and not was_slow:
        say("slow", span.start, **here, parameter="rate", from_=run.line.rate, to=span.rate, unit="/h")


def reading(production: Production, line: Line, at: datetime) -> dict[str, Json]:
    """What the line's controller shows at `at`: state, reason, rate and the counts of the current job order."""
    run = production.running(line, at)
    span = run.span_at(at) if run else None
    if run is None or span is None:
        return {"state": "idle", "rate": amount(0, "/h")}
    return {
        "state": span.state,
        "reason": span.reason or None,
        "rate": amount(span.rate, "/h"),
        "target_rate": amount(line.rate, "/h"),
        "good_count": run.good(at),
        "reject_count": run.rejects(at),
        "job_order": run.id,
    }


def unit_reading(production: Production, line: Line, unit: str, at: datetime) -> dict[str, Json]:
    """What a work unit's controller shows: it stands when its line stands for its sake."""
    run = production.running(line, at)
    span = run.span_at(at) if run else None
    if span is None:
        return {"state": "idle"}
    if span.state == "stopped" and span.unit != unit:
        return {"state": "idle"}
    return {"state": span.state, "reason": span.reason or None}


def _scada(world: World, production: Production, line: Line, log: Log, floor: Floor) -> None:
    kept = floor.scada.setdefault(line.id, [])
    since, until = world.now - SCADA_SINCE, world.now + AHEAD
    steps = range(int((until - since) / SCADA_EVERY))
    moments = {since + step * SCADA_EVERY for step in steps}
    for run in production.on(line):
        moments |= {at for span in run.spans for at in (span.start, span.end) if since <= at < until}
    standing = ""
    for at in sorted(moments):
        kept.append(log.report("scada", f"equipment:{line.id}", at, reading(production, line, at)))
        run_now = production.running(line, at)
        span = run_now.span_at(at) if run_now else None
        unit = span.unit if span else ""
        for changed in sorted({unit, standing} - {""}) if unit != standing else ():
            said = unit_reading(production, line, changed, at)
            log.report("scada", f"equipment:{line.id}/{changed}", at, said)
        standing = unit
