"""Maintenance, staging and the worn part: what the CMMS, the tracker and the terminals said around the machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.simulator.facts import Fact, Log, amount, text_of
from lineside.simulator.hours import ZONE, local
from lineside.simulator.production import Production
from lineside.simulator.world import World

TRACKER_SINCE = timedelta(days=12)
JOBS = (
    ("replace worn belt", "W02"), ("calibrate the fill head", "C01"), ("grease the chain", "P01"),
    ("seal leaking", "L04"),
    ("clean the photo eye", "S03"), ("adjust the guide rail", "A05"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wear:
    """The records of the worn part's morning. part_line: the purchase of its replacement, whose arrival slipped."""

    order: str
    part_line: str
    eta_before: datetime
    eta_now: datetime
    slipped: datetime
    chain: tuple[Fact, ...]
    slip: tuple[Fact, ...]


def maintain(world: World, production: Production, log: Log) -> Wear:
    rng = world.random("maintenance")
    number = rng.randrange(100, 700)
    at = world.start + timedelta(hours=rng.uniform(3, 20))
    owner = world.person("maintenance").id
    while at < world.now - timedelta(hours=20):
        number += 1
        line = rng.choice(world.lines)
        unit = f"{line.id}/{rng.choice(line.units)}"
        what, code = rng.choice(JOBS)
        order, done = f"MO-{number}", at + timedelta(hours=rng.uniform(2, 14))
        log.event("cmms", "maintenance_requested", at, equipment=unit, code=code, maintenance_order=order)
        log.report(
            "cmms", f"maintenance_order:{order}", at, equipment=unit, description=what, priority=rng.choice((2, 3)),
            status="planned", due_at=text_of(at + timedelta(hours=48)), failure_code=code,
        )  # fmt: skip
        log.event("cmms", "maintenance_started", done - timedelta(minutes=50), equipment=unit, maintenance_order=order)
        log.event("cmms", "maintenance_finished", done, equipment=unit, maintenance_order=order, result="ok", by=owner)
        log.report("cmms", f"maintenance_order:{order}", done, status="complete")
        at += timedelta(hours=rng.uniform(18, 44))
    _stage(world, production, log)
    return _wear(world, production, log, f"MO-{number + 1}")


def _wear(world: World, production: Production, log: Log, order: str) -> Wear:
    rng = world.random("wear")
    behind, owner = production.behind, world.person("maintenance").id
    today = world.now.astimezone(ZONE).date()
    run, line = behind.run, behind.run.line.id
    inspection = next(span for span in run.spans if span.code == "M01")
    part_line = f"PO-{rng.randrange(1000, 1400)}/1"
    eta_before = local(today, rng.randrange(15, 18))
    eta_now = local(today + timedelta(days=1), rng.randrange(8, 15))
    slipped = local(today, 11, rng.randrange(20, 58))
    first, late, micro = run.line.components[0][0], behind.staging_due + timedelta(minutes=9), behind.micro[0]
    asked = behind.alarmed + timedelta(minutes=5)
    chain = (
        log.event(
            "wms", "pick_late", late, equipment=line, job_order=run.id, material=first, reason="forklift short",
            quantity=run.pieces, unit="ea",
        ),
        log.event(
            "wms", "staged", behind.staged, equipment=line, job_order=run.id, material=first, quantity=run.pieces,
            unit="ea",
        ),
        log.event("mes", "alarm", behind.alarmed, equipment=behind.unit, text=behind.alarm[0], code=behind.alarm[1],
                  severity="high", reason=behind.alarm[0]),
        log.event("cmms", "maintenance_requested", asked, equipment=behind.unit, code=behind.alarm[1],
                  maintenance_order=order, by=world.supervisor_now.id),
        log.report(
            "cmms", f"maintenance_order:{order}", asked, equipment=behind.unit,
            description=f"Replace the {behind.part}", priority=1, status="planned",
            due_at=text_of(local(today, 18)), failure_code=behind.alarm[1],
        ),
        log.event(
            "mes", "parameter_change", behind.slow_from, equipment=behind.unit, parameter="speed setpoint",
            from_=run.line.rate, to=run.line.rate * behind.limit_pct // 100, unit="/h", by=owner,
            reason=f"protect the {behind.part}",
        ),
        log.event("cmms", "maintenance_started", inspection.start, equipment=behind.unit, maintenance_order=order,
                  by=owner),
        log.event("cmms", "restart_check", inspection.end, equipment=behind.unit, maintenance_order=order, result="ok",
                  text=f"{behind.part} greased, play measured, {micro} expected until it is replaced"),
        log.report("cmms", f"maintenance_order:{order}", inspection.end, status="blocked",
                   reason="waiting for the part"),
    )  # fmt: skip
    bought = log.report(
        "erp", f"purchase_order_line:{part_line}", behind.alarmed + timedelta(minutes=35), material=behind.part,
        quantity=amount(1), supplier=f"SUP-{rng.randrange(10, 99)}", eta=text_of(eta_before), status="released",
    )  # fmt: skip
    slip = (
        log.event(
            "erp", "eta_changed", slipped, purchase_order_line=part_line, from_=text_of(eta_before), to=text_of(eta_now)
        ),
        log.report("erp", f"purchase_order_line:{part_line}", slipped, eta=text_of(eta_now)),
    )
    log.report(
        "cmms", f"maintenance_order:{order}", world.now - timedelta(minutes=rng.randrange(25, 80)), status="blocked"
    )
    return Wear(
        order=order, part_line=part_line, eta_before=eta_before, eta_now=eta_now, slipped=slipped,
        chain=(*chain, bought), slip=slip,
    )  # fmt: skip


def _stage(world: World, production: Production, log: Log) -> None:
    """The line-side staging tracker, which fell silent this morning when its sheet was locked on somebody's laptop."""
    rng = world.random("tracker")
    for run in production.runs:
        if run == production.behind.run or run.started < world.now - TRACKER_SINCE or run.started > world.now:
            continue
        material, share = run.line.components[0]
        log.event(
            "tracker", "staged", run.spans[0].start - timedelta(minutes=rng.uniform(-12, 25)),
            text=rng.choice(("ok", "ok", "ok", "short, rest follows", "zweite Palette folgt")), equipment=run.line.id,
            job_order=run.id, material=material, quantity=round(run.pieces * share), unit=world.material(material).unit,
        )  # fmt: skip
    log.silence(world.silent, world.silent_since)
