"""What becomes of a finished lot: samples, results, holds, certificates. All of it is QMS's to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.simulator.facts import Fact, Log, amount, text_of
from lineside.simulator.hours import ZONE, local
from lineside.simulator.orders import Sale
from lineside.simulator.production import Production
from lineside.simulator.runs import Run
from lineside.simulator.shopfloor import OPERATIONS_SINCE
from lineside.simulator.world import World

TESTS = (("fill weight", "g"), ("seal strength", "N"), ("viscosity", "mPa.s"), ("pH", "[pH]"))
WRONG = ("label text faded", "fill weight below limit", "seal leak found", "cap torque low", "wrong batch code printed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A hold that QMS placed on a lot. released: None while it is active."""

    id: str
    lot: str
    reason: str
    placed: datetime
    released: datetime | None
    facts: tuple[Fact, ...]


@dataclass(slots=True, kw_only=True)
class Quality:
    """free: lot to when it became unrestricted. facts: lot to what QMS said of it last."""

    holds: list[Held] = field(default_factory=list)
    free: dict[str, datetime] = field(default_factory=dict)
    status: dict[str, Fact] = field(default_factory=dict)
    coa: dict[str, Fact] = field(default_factory=dict)
    inspection: dict[str, Fact] = field(default_factory=dict)
    number: int = 0

    def hold_id(self) -> str:
        self.number += 1
        return f"H-{self.number}"


def inspect(world: World, production: Production, sales: list[Sale], log: Log) -> Quality:
    quality = Quality(number=world.random("holds").randrange(40, 400))
    roles = {sale.run.id: sale.role for sale in sales}
    rng = world.random("quality")
    number = rng.randrange(2000, 5000)
    recent = world.now - timedelta(hours=40)
    for run in sorted(production.runs, key=lambda run: run.completed):
        number += 1
        failed = rng.random() < 0.05 and run.completed < recent
        _lot(world, run, f"QI-{number}", roles.get(run.id, ""), failed=failed, log=log, quality=quality)
    return quality


def _lot(world: World, run: Run, inspection: str, role: str, *, failed: bool, log: Log, quality: Quality) -> None:
    rng = world.random(f"lot/{run.id}")
    lot, owner = f"lot:{run.lot}", world.person("quality").id
    characteristic, unit = rng.choice(TESTS)
    low = rng.randrange(40, 90)
    value = low - 1.5 if failed or role == "hold" else low + round(rng.uniform(2, 8), 1)
    done = run.completed
    log.report("qms", lot, run.started, material=run.product.id, job_order=run.id, quality_status="inspection")
    log.report("qms", lot, done + timedelta(minutes=6), quantity=amount(run.quantity), quality_status="inspection")
    log.event("qms", "sample", done + timedelta(minutes=15), lot=run.lot, characteristic=characteristic)
    tested = done + timedelta(hours=rng.uniform(1.6, 4.4))
    due = text_of(done + timedelta(hours=6))
    log.report(
        "qms", f"inspection:{inspection}", done + timedelta(minutes=16),
        lot=run.lot, characteristic=characteristic, result="pending", due_at=due,
    )  # fmt: skip
    result = "failed" if value < low else "passed"
    log.event(
        "qms", "inspection_result", tested, lot=run.lot, inspection=inspection, characteristic=characteristic,
        result=result, value=value, unit=unit, limit_low=low, limit_high=low + 10,
    )  # fmt: skip
    quality.inspection[run.lot] = log.report("qms", f"inspection:{inspection}", tested, lot=run.lot, result=result)
    free = tested + timedelta(minutes=8)
    if failed:
        free = _past_hold(world, run, tested, log, quality)
    elif role == "hold":
        today = local(world.now.astimezone(ZONE).date(), 6)
        placed = max(tested + timedelta(minutes=20), today + timedelta(minutes=rng.uniform(90, 270)))
        reason = rng.choice(WRONG)
        quality.holds.append(place_hold(log, quality.hold_id(), run.lot, placed, reason=reason, owner=owner))
        quality.status[run.lot] = quality.holds[-1].facts[-1]
        quality.coa[run.lot] = log.report("qms", f"document:coa/{run.lot}", placed, subject=lot, status="missing")
        return
    quality.free[run.lot] = free
    quality.status[run.lot] = log.report("qms", lot, free, quality_status="unrestricted")
    if run.completed > world.now - OPERATIONS_SINCE:
        log.report("mes", f"operation:{run.id}/30", free, status="complete", quantity_good=amount(run.quantity))
    if run.line == world.press:
        return
    issued = free + timedelta(minutes=rng.uniform(15, 40))
    if role == "coa":
        quality.coa[run.lot] = log.report("qms", f"document:coa/{run.lot}", issued, subject=lot, status="draft")
        return
    quality.coa[run.lot] = log.report("qms", f"document:coa/{run.lot}", issued, subject=lot, status="issued")
    log.event("qms", "document_issued", issued, lot=run.lot, document=f"coa/{run.lot}")


def place_hold(log: Log, hold: str, lot: str, at: datetime, *, reason: str, owner: str) -> Held:
    """The hold's own records and the lot's new status, in that order."""
    facts = (
        log.event("qms", "hold_placed", at, lot=lot, hold=hold, reason=reason, by=owner),
        log.report("qms", f"hold:{hold}", at, subject=f"lot:{lot}", reason=reason, owner=owner, status="active"),
        log.report("qms", f"lot:{lot}", at, quality_status="blocked"),
    )
    return Held(id=hold, lot=lot, reason=reason, placed=at, released=None, facts=facts)


def _past_hold(world: World, run: Run, tested: datetime, log: Log, quality: Quality) -> datetime:
    rng = world.random(f"hold/{run.id}")
    reason, owner = rng.choice(WRONG), world.person("quality").id
    log.event("qms", "nonconformity", tested, lot=run.lot, text=reason, reason=reason)
    held = place_hold(log, quality.hold_id(), run.lot, tested + timedelta(minutes=10), reason=reason, owner=owner)
    released = held.placed + timedelta(hours=rng.uniform(2, 20))
    disposition = rng.choice(("use as is", "rework"))
    log.event("qms", "disposition", released, lot=run.lot, hold=held.id, result=disposition)
    log.event("qms", "hold_released", released, lot=run.lot, hold=held.id, by=owner)
    log.report("qms", f"hold:{held.id}", released, status="released", disposition=disposition)
    quality.holds.append(
        Held(id=held.id, lot=run.lot, reason=reason, placed=held.placed, released=released, facts=held.facts)
    )
    return released
