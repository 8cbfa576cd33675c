"""What was decided, on what grounds, and what came of it: shortages past, limits in force, an assumption that broke."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.plant.records import Json
from lineside.simulator.facts import Fact, Log, amount, text_of
from lineside.simulator.hours import ZONE, local, slot_at
from lineside.simulator.production import Production
from lineside.simulator.quality import Quality
from lineside.simulator.upkeep import Wear
from lineside.simulator.world import Material, World


@dataclass(slots=True, kw_only=True)
class Decided:
    """Decisions by what stories need them for. outcomes: the corrections that tell what came of some, by name. came:
    whether that was as expected or otherwise. slips: purchase order line to when its ETA slipped and when it came."""

    facts: dict[str, Fact] = field(default_factory=dict)
    outcomes: dict[str, Fact] = field(default_factory=dict)
    came: dict[str, str] = field(default_factory=dict)
    slips: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def choice(self, name: str) -> str:
        return str(self.facts[name].data["choice"])


def decide(world: World, production: Production, quality: Quality, wear: Wear, log: Log) -> Decided:
    decided = Decided()
    rng = world.random("decisions")
    back = world.days * rng.uniform(0.38, 0.5)
    _shortage(world, log, "resin_shortage", world.resin, days_ago=back, decided=decided)
    _shortage(world, log, "cap_shortage", world.cap, days_ago=back + rng.uniform(4, 6), decided=decided)
    _limits(world, production, wear, log, decided)
    _overridden(world, quality, log, decided)
    return decided


def _shortage(
    world: World, log: Log, name: str, material: Material, *, days_ago: float, decided: Decided,
) -> None:  # fmt: skip
    rng = world.random(f"decisions/{name}")
    planner = world.person("planner")
    at = local(
        (world.now - timedelta(days=days_ago)).astimezone(ZONE).date(), rng.randrange(9, 13), rng.randrange(5, 55)
    )
    missing = rng.randrange(3, 19) * (material.pallet // 4)
    eta = at + timedelta(days=rng.randrange(2, 5), hours=rng.randrange(1, 7))
    order, lines = f"PO-{rng.randrange(1500, 1900)}/1", [line.name for line in world.lines]
    press = world.press.name
    log.report(
        "erp", f"purchase_order_line:{order}", at - timedelta(days=6), material=material.id,
        quantity=amount(material.pallet * 4, material.unit), supplier="SUP-7", status="released",
        eta=text_of(at + timedelta(hours=2)),
    )  # fmt: skip
    log.event("erp", "eta_changed", at - timedelta(hours=1), purchase_order_line=order, material=material.id,
              from_=text_of(at + timedelta(hours=2)), to=text_of(eta), reason="supplier truck broke down")  # fmt: skip
    log.report("erp", f"purchase_order_line:{order}", at - timedelta(hours=1), eta=text_of(eta))
    share, cost = rng.randrange(60, 86, 5), rng.randrange(12, 49) * 100
    lot, customer = f"L-{rng.randrange(10000, 19000)}", rng.choice(world.buyers)
    ways = (
        (f"run {press} at {share} % until the delivery", "keeps every line moving and needs no new release"),
        (f"use second-source lot {lot} on {rng.choice(lines[:3])}", "it was released for these products last quarter"),
        (f"pay {cost} USD for an express delivery", f"the penalty of {customer.name} would cost more"),
        (f"move the orders of {customer.name} by two days", "the customer agreed on the phone"),
    )
    options = rng.sample(ways, 3)
    choice, why = options[0]
    late = eta + timedelta(hours=rng.choice((-1, -1, 9, 14)))
    data: dict[str, Json] = {
        "question": f"How do we cover the {material.description.lower()} shortage of {missing} {material.unit}?",
        "choice": choice,
        "options": [option for option, _ in options],
        "rationale": f"{options[1][0].capitalize()} was rejected: too risky for {customer.id}. "
        f"{choice.capitalize()}: {why}.",
        "constraints": [f"{material.id} stock covers {rng.randrange(9, 30)} h", f"no overtime on {slot_at(at).day:%A}"],
        "decided_by": planner.id,
        "authority": "planner: shortages up to 72 h",
        "case": f"CASE-{rng.randrange(100, 999)}",
        "assumptions": [f"purchase_order_line:{order} eta <= {text_of(eta)}"],
        "expected": f"no line stops for want of {material.id}",
        "material": material.id,
    }
    decided.facts[name] = log.decision(at, data)
    hours = rng.randrange(2, 9)
    decided.came[name] = "as expected" if late < eta else "otherwise"
    outcome = (
        f"delivery came {text_of(late)}; no line stopped"
        if late < eta
        else f"delivery came {text_of(late)}, late again; {press} stood {hours} h"
    )
    after = data | {"outcome": outcome}
    decided.outcomes[name] = log.correct(decided.facts[name], late + timedelta(hours=20), "outcome known", after)
    log.report("erp", f"purchase_order_line:{order}", late, status="complete")
    decided.slips[order] = (at - timedelta(hours=1), late)


def _limits(
    world: World, production: Production, wear: Wear, log: Log, decided: Decided,
) -> None:  # fmt: skip
    rng = world.random("decisions/limits")
    behind, line, calm = production.behind, world.behind, world.calm
    boss, planner = world.supervisor_now, world.person("planner")
    today = world.now.astimezone(ZONE).date()
    decided.facts["limit"] = log.decision(behind.slow_from + timedelta(minutes=18), {
        "question": f"Do we stop {line.name} for the {behind.part} or run on?",
        "choice": f"speed of {line.name} limited to {behind.limit_pct} % until the {behind.part} is changed",
        "options": ["stop and wait for the part", f"run at {behind.limit_pct} %", "run at full speed and watch"],
        "rationale": f"Stopping would lose {behind.run.id}; full speed would destroy the {behind.part}.",
        "constraints": [f"no spare {behind.part} on site"],
        "decided_by": boss.id,
        "authority": "shift supervisor: speed of own lines",
        "assumptions": [f"maintenance_order:{wear.order} status != complete"],
        "expected": f"{line.name} makes {behind.limit_pct} % of its target",
        "equipment": line.id,
    })  # fmt: skip
    evening = local(today, 18)
    decided.facts["repair"] = log.decision(behind.slow_from + timedelta(minutes=70), {
        "question": f"When do we change the {behind.part} on {line.name}?",
        "choice": f"change it today at {evening.astimezone(ZONE):%H:%M}, between two job orders",
        "options": ["change it today in the evening shift", "wait for the weekend"],
        "rationale": "The mechanic is in the house and the part is on its way.",
        "decided_by": world.person("maintenance").id,
        "authority": "maintenance: planned stops up to 2 h",
        "assumptions": [f"purchase_order_line:{wear.part_line} eta <= {text_of(evening)}"],
        "expected": "two hours of standstill, then full speed",
        "equipment": line.id,
    })  # fmt: skip
    held = _blocked(world, log)[0]
    decided.facts["wait"] = log.decision(local(today, 11, rng.randrange(2, 17)), {
        "question": f"What do we do with blocked lot {held}?",
        "choice": f"lot {held} stays where it is; nobody reworks it before the second test",
        "rationale": "The first sample may have been taken wrongly.",
        "decided_by": world.person("quality").id,
        "authority": "quality: disposition",
        "assumptions": [f"lot:{held} quality_status = blocked"],
        "lot": held,
    })  # fmt: skip
    old = world.now - timedelta(days=rng.uniform(7, 9))
    lifted = old + timedelta(days=rng.uniform(1.5, 3))
    data: dict[str, Json] = {
        "question": f"How fast may {calm.name} run with the new film?",
        "choice": f"speed of {calm.name} limited to {rng.choice((88, 92))} % until the film is qualified",
        "rationale": "The film wrinkles above that.",
        "decided_by": planner.id,
        "authority": "planner",
        "assumptions": ["film not qualified"],
        "equipment": calm.id,
    }
    decided.facts["lifted"] = log.decision(old, data)
    decided.outcomes["lifted"] = log.correct(
        decided.facts["lifted"],
        lifted,
        "superseded",
        data | {"outcome": "film qualified, limit lifted", "status": "superseded"},
    )


def _blocked(world: World, log: Log) -> list[str]:
    """The lots whose last word from QMS by now is blocked, oldest first."""
    status: dict[str, str] = {}
    for fact in sorted(log.facts, key=lambda fact: fact.said_at):
        properties = fact.data.get("properties")
        if fact.source == "qms" and fact.kind == "lot" and fact.said_at <= world.now and isinstance(properties, dict):
            status[fact.entity.partition(":")[2]] = str(properties.get("quality_status", ""))
    return [lot for lot, last in status.items() if last == "blocked"]


def _overridden(
    world: World, quality: Quality, log: Log, decided: Decided,
) -> None:  # fmt: skip
    past = [hold for hold in quality.holds if hold.released and hold.released < world.now - timedelta(days=4)]
    if not past:
        return
    rng = world.random("decisions/override")
    hold = rng.choice(past)
    at = (hold.released or hold.placed) - timedelta(minutes=30)
    data: dict[str, Json] = {
        "question": f"Do we release lot {hold.lot} in spite of hold {hold.id}?",
        "choice": f"release lot {hold.lot} as it is",
        "options": ["rework", "scrap", "use as it is"],
        "rationale": f"{hold.reason.capitalize()} is cosmetic here; the customer was asked.",
        "decided_by": world.person("quality").id,
        "authority": "quality: concession up to one lot",
        "expected": "no complaint",
        "lot": hold.lot,
    }
    decided.facts["override"] = log.decision(at, data)
    complaints = rng.choice((0, 0, 1, 3))
    decided.came["override"] = "otherwise" if complaints else "as expected"
    outcome = f"{complaints} complaints in three days" if complaints else "no complaint in three days"
    decided.outcomes["override"] = log.correct(
        decided.facts["override"], at + timedelta(days=3), "outcome known", data | {"outcome": outcome}
    )
