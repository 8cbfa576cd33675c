"""The whole month thought out once: production, stock, quality, orders, maintenance, talk, decisions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from lineside.plant.records import Json
from lineside.simulator.decided import Decided, decide
from lineside.simulator.facts import Fact, Log, amount, text_of
from lineside.simulator.figures import Figures, differ
from lineside.simulator.hours import ZONE, local
from lineside.simulator.orders import Sale, sell
from lineside.simulator.production import Production, produce
from lineside.simulator.quality import Quality, inspect
from lineside.simulator.runs import Run
from lineside.simulator.shipping import Shipping, ship
from lineside.simulator.shopfloor import Floor, record_floor
from lineside.simulator.stock import Stock, move_stock, tell_stock
from lineside.simulator.talk import Talk, morning_mail, talk
from lineside.simulator.upkeep import Wear, maintain
from lineside.simulator.upset import Drift, drift_feeds, part_stock
from lineside.simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A count that was wrong until it was corrected, and a booking that was deleted."""

    run: Run
    wrong: Fact
    right: int
    correction: Fact
    deleted: Fact
    deletion: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An approved change that has not reached the floor."""

    id: str
    material: str
    revision: str
    old: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stories:
    """facts: everything ever said, AHEAD of now included, in the order in which it was said."""

    production: Production
    sales: list[Sale]
    quality: Quality
    shipping: Shipping
    floor: Floor
    figures: Figures
    wear: Wear
    talk: Talk
    decided: Decided
    mended: Mended
    change: Change
    short_run: tuple[Run, str, Fact]
    drift: list[Drift]
    stock: Stock
    facts: tuple[Fact, ...]


def tell(world: World) -> Stories:
    log = Log(clock_offset=world.clock_offset)
    production = produce(world)
    sales = sell(world, production)
    stock = Stock(log=log, number=world.random("documents").randrange(4_900_000, 4_990_000))
    for material in world.materials:
        _describe(world, material.id, log)
    move_stock(world, production, stock)
    floor = record_floor(world, production, log)
    quality = inspect(world, production, sales, log)
    shipping = ship(world, sales, quality, stock, log)
    figures = differ(world, stock, quality, log)
    if world.upset:
        part_stock(world, production, stock)
    simple = world.components[:-1]
    tell_stock(world, stock, {"erp": (*world.goods, *simple), "wms": (*world.goods, *simple), "mes": simple})
    wear = maintain(world, production, log)
    said = talk(world, production, quality, wear, log)
    morning_mail(world, world.behind, log)
    decided = decide(world, production, quality, wear, log)
    change = _change(world, production, log)
    short_run = _short(world, production, log)
    _interfaces(world, log)
    mended = _mend(world, production, floor, log)
    drift = drift_feeds(world, production, log) if world.upset else []
    return Stories(
        production=production,
        sales=sales,
        quality=quality,
        shipping=shipping,
        floor=floor,
        figures=figures,
        wear=wear,
        talk=said,
        decided=decided,
        mended=mended,
        change=change,
        short_run=short_run,
        drift=drift,
        stock=stock,
        facts=tuple(sorted(log.facts, key=lambda fact: (fact.said_at, fact.occurred_at, fact.source))),
    )


def _describe(world: World, material_id: str, log: Log) -> None:
    material = world.material(material_id)
    if material == world.odd:
        return
    units: dict[str, Json] = {"case": amount(material.case, material.unit)}
    if material.pallet:
        units["pallet"] = amount(material.pallet, material.unit)
    log.report("erp", f"material:{material.id}", world.start, description=material.description, units=units)


def _mend(world: World, production: Production, floor: Floor, log: Log) -> Mended:
    rng = world.random("mended")
    morning = local(world.now.astimezone(ZONE).date(), 6)
    runs = [
        run
        for run in production.on(world.press)
        if len(floor.counts[run.id]) > 3
        and morning - timedelta(hours=30) < run.completed < morning - timedelta(hours=2)
    ]
    run = rng.choice(runs)
    fact = rng.choice(floor.counts[run.id][1:-1])
    attributes = fact.data["attributes"]
    if not isinstance(attributes, dict):
        raise TypeError(f"{fact.id} has no attributes")
    right = int(str(attributes["quantity"]))
    mistaken: dict[str, Json] = {
        **fact.data,
        "attributes": {**attributes, "quantity": right + rng.randrange(3, 9) * 300},
    }
    wrong = replace(fact, data=mistaken)
    log.facts[log.facts.index(fact)] = wrong
    floor.counts[run.id][floor.counts[run.id].index(fact)] = wrong
    correction = log.correct(
        fact, morning + timedelta(minutes=rng.randrange(125, 240)), "counter read twice after a restart", fact.data
    )
    deleted = log.event(
        "mes", "scrap", morning - timedelta(hours=rng.uniform(3, 9)), equipment=world.press.id, lot=run.lot,
        material=run.product.id, job_order=run.id, quantity=rng.randrange(280, 620), unit="ea", reason="mixed colour",
    )  # fmt: skip
    deletion = log.delete(deleted, morning + timedelta(minutes=rng.randrange(60, 120)), "booked on the wrong lot")
    return Mended(run=run, wrong=wrong, right=right, correction=correction, deleted=deleted, deletion=deletion)


def _change(world: World, production: Production, log: Log) -> Change:
    """A new revision is effective in ERP; the job order on the floor still carries the old one."""
    rng = world.random("change")
    run = [one for one in production.on(world.recurring) if one.started < world.now][-1]
    number, old = f"EC-{rng.randrange(10, 99)}", rng.choice("ABCD")
    new, effective = chr(ord(old) + 1), local(world.now.astimezone(ZONE).date(), 0)
    approved = effective - timedelta(days=2, hours=-10)
    entity, material = f"engineering_change:{number}", run.product.id
    facts = (
        log.report(
            "erp", entity, approved, material=material, revision=new, effective_at=text_of(effective), status="approved"
        ),
        log.report("erp", f"material:{material}", effective, revision=new),
        log.report("erp", entity, effective, status="effective"),
        log.report("mes", f"job_order:{run.id}", run.started + timedelta(seconds=20), revision=old),
    )
    return Change(id=number, material=material, revision=new, old=old, facts=facts)


def _short(world: World, production: Production, log: Log) -> tuple[Run, str, Fact]:
    """The next job order on one line lacks a component that is not staged yet."""
    run = next(one for one in production.on(world.recurring) if one.spans[0].start > world.now)
    (first, share), (second, other) = run.line.components
    staged = (first, round(run.pieces * share), True), (second, round(run.pieces * other), False)
    components: list[Json] = [
        {"material": material, "quantity": amount(pieces, world.material(material).unit), "staged": there}
        for material, pieces, there in staged
    ]
    said = world.now - timedelta(minutes=world.random("short").randrange(20, 55))
    return run, second, log.report("erp", f"job_order:{run.id}", said, status="ready", components=components)


def _interfaces(world: World, log: Log) -> None:
    owner = world.person("it").id
    for name, here, there, needs in (
        ("wms-stock", "wms", "erp", ["inventory.quantity:on_hand"]),
        ("mes-confirmations", "mes", "erp", ["job_order.quantity_good"]),
        ("qms-release", "qms", "wms", ["lot.quality_status"]),
    ):
        wants: list[Json] = list(needs)
        log.report(
            "erp", f"interface:{name}", world.start, owner=owner, from_=here, to=there, cadence_s=3600, depends_on=wants
        )  # fmt: skip
