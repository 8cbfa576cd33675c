"""The material whose stock three systems tell differently, and the records that bridge one figure to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.plant.records import Json
from lineside.simulator.facts import Fact, Log, amount
from lineside.simulator.hours import ZONE, local
from lineside.simulator.quality import Quality, place_hold
from lineside.simulator.stock import PLACES, SCOPES, Stock, snapshots
from lineside.simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Why one system's figure differs from another's, in pieces. facts: the records that prove it."""

    here: str
    there: str
    cause: str
    pieces: int
    document: str
    facts: tuple[Fact, ...]


@dataclass(slots=True, kw_only=True)
class Figures:
    """said: each system's last facts by now (WMS has one per place). rest: pieces that no record explains."""

    counted: tuple[Fact, ...]
    said: dict[str, list[Fact]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    rest: int = 0
    blocked_lot: str = ""


def differ(world: World, stock: Stock, quality: Quality, log: Log) -> Figures:
    """A month of agreement, then two days in which ERP, WMS and MES part. The bridge is exact."""
    rng = world.random("figures")
    odd, now = world.odd, world.now
    today = local(now.astimezone(ZONE).date(), 6)
    counted = today - timedelta(days=2, hours=rng.uniform(0.5, 3))
    line = world.recurring.id
    _agree(world, stock, counted, line)
    total = stock.balance("wms", odd, counted)
    document = stock.document()
    figures = Figures(
        counted=tuple(
            log.event(
                system, "count", counted, material=odd.id, quantity=total, counted=total, unit="ea", document=document
            )
            for system in ("erp", "wms", "mes")
        )
    )
    cases = rng.sample(range(2, 7), 4)
    for days, count in ((1.6, cases[0]), (1.1, cases[1])):
        stock.move("goods_issue", today - timedelta(days=days), odd, count * odd.case, equipment=line)

    slip = stock.document()
    at = today - timedelta(hours=rng.uniform(2.5, 6))
    booked = stock.move(
        "goods_issue", at, odd, cases[2] * odd.case, systems=("erp", "wms"), document=slip, equipment=line,
        quantity=cases[2], unit="case",
    )  # fmt: skip
    booked |= stock.move("goods_issue", at, odd, cases[2], systems=("mes",), document=slip, equipment=line)
    scrapped = stock.move(
        "scrap", today + timedelta(minutes=rng.uniform(15, 110)), odd, rng.randrange(3, 12), systems=("mes",),
        equipment=line, reason="damaged at infeed",
    )  # fmt: skip
    unposted = stock.move(
        "goods_issue", today + timedelta(minutes=rng.uniform(200, 330)), odd, rng.randrange(13, 40),
        systems=("wms", "mes"), equipment=line,
    )  # fmt: skip
    flying = stock.move(
        "transfer", now - timedelta(minutes=rng.uniform(16, 34)), odd, cases[3] * odd.case, systems=("wms",),
        from_=stock.places[odd.id], to=f"LINE-{world.recurring.key[-1]}",
    )  # fmt: skip
    received = now.replace(minute=rng.randrange(3, 12), second=0)
    arrived = stock.move("goods_receipt", received, odd, rng.randrange(2, 5) * odd.case, to=stock.places[odd.id])

    lot = f"L-{rng.randrange(70000, 99000)}"
    blocked = rng.randrange(1, 4) * odd.case
    log.report(
        "qms", f"lot:{lot}", today - timedelta(days=1, hours=3), material=odd.id, quantity=amount(blocked),
        quality_status="inspection", supplier=f"SUP-{rng.randrange(10, 99)}",
    )  # fmt: skip
    held = place_hold(
        log, quality.hold_id(), lot, today - timedelta(hours=rng.uniform(9, 20)), reason="supplier colour deviation",
        owner=world.person("quality").id,
    )  # fmt: skip
    quality.holds.append(held)
    figures.blocked_lot = lot
    if rng.random() < 0.5:
        figures.rest = rng.choice((-5, -4, -3, -2, 2, 3))
        stock.entries["wms", odd.id].append((figures.rest, today + timedelta(minutes=250)))
    _tell(world, stock, log, figures, blocked=blocked, flying=flying["wms"])
    _bridge(
        figures,
        pieces_in_case=odd.case,
        slip=booked,
        scrapped=scrapped,
        unposted=unposted,
        flying=flying,
        received=arrived,
        blocked=(blocked, held.facts),
    )
    return figures


def _agree(world: World, stock: Stock, until: datetime, line: str) -> None:
    """A calm month: every movement is on all three books."""
    rng = world.random("figures/month")
    odd = world.odd
    shelf = rng.randrange(640, 980)
    stock.move("count", world.start + timedelta(hours=1), odd, shelf, counted=shelf)
    at = world.start + timedelta(hours=rng.uniform(20, 40))
    while at < until - timedelta(hours=4):
        pieces = rng.randrange(2, 8) * odd.case
        if shelf < 560:
            stock.move("goods_receipt", at, odd, 20 * odd.case, to=stock.places[odd.id])
            shelf += 20 * odd.case
        else:
            stock.move("goods_issue", at, odd, pieces, equipment=line)
            shelf -= pieces
        at += timedelta(hours=rng.uniform(14, 32))


def _tell(world: World, stock: Stock, log: Log, figures: Figures, *, blocked: int, flying: Fact) -> None:
    rng = world.random("figures/places")
    odd, place = world.odd, stock.places[world.odd.id]
    shelf, pen = rng.sample([f"WH1/{bay}-{row:02d}-1" for bay in "FG" for row in range(1, 9)], 2)
    second = rng.randrange(60, 120)
    log.report("erp", f"material:{odd.id}", world.start, units={"case": amount(odd.case)}, description=odd.description)
    for system in ("erp", "mes"):
        for at in snapshots(world, system):
            total = stock.balance(system, odd, at)
            if system == "mes" and at > figures.counted[0].said_at:
                total -= blocked
            fact = log.report(
                system, f"inventory:{odd.id}@{PLACES[system]}", at, scope=SCOPES[system], quantity=amount(total)
            )
            if fact.said_at <= world.now:
                figures.said[system] = [fact]
    for at in snapshots(world, "wms"):
        total = stock.balance("wms", odd, at)
        kept = blocked if at > figures.counted[0].said_at else 0
        here = [
            (f"inventory:{odd.id}@{place}", total - second - kept, "unrestricted"),
            (f"inventory:{odd.id}@{shelf}", second, "unrestricted"),
            *([(f"inventory:{odd.id}@{pen}", kept, "blocked")] if kept else []),
        ]
        facts = [
            log.report("wms", entity, at, scope=SCOPES["wms"], quantity=amount(pieces), quality_status=status)
            for entity, pieces, status in here
        ]
        if facts[0].said_at <= world.now:
            figures.said["wms"] = facts
    figures.said["in_transit"] = [
        log.report(
            "wms", f"inventory:{odd.id}@TRANSIT", flying.said_at, scope="in_transit",
            quantity=amount(_number(flying)),
        )
    ]  # fmt: skip


def _bridge(
    figures: Figures,
    *,
    pieces_in_case: int,
    slip: dict[str, Fact],
    scrapped: dict[str, Fact],
    unposted: dict[str, Fact],
    flying: dict[str, Fact],
    received: dict[str, Fact],
    blocked: tuple[int, tuple[Fact, ...]],
) -> None:
    def step(here: str, there: str, cause: str, by: int, *, facts: Iterable[Fact], document: str = "") -> None:
        figures.steps.append(
            Step(here=here, there=there, cause=cause, pieces=by, document=document, facts=tuple(facts))
        )

    def moved(here: str, there: str, cause: str, sign: int, facts: dict[str, Fact]) -> None:
        first = next(iter(facts.values()))
        step(here, there, cause, sign * _number(first), facts=facts.values(), document=_document(first))

    moved("erp", "wms", "posted after the figure", 1, received)
    moved("erp", "wms", "unposted issue", -1, unposted)
    moved("erp", "wms", "transfer in flight", -1, flying)
    step("wms", "mes", "blocked lot", -blocked[0], facts=blocked[1])
    moved("wms", "mes", "transfer in flight", 1, flying)
    moved("wms", "mes", "scrap", -1, scrapped)
    by = _number(slip["wms"]) * (pieces_in_case - 1)
    step("wms", "mes", "packaging slip", by, facts=slip.values(), document=_document(slip["wms"]))


def _attribute(fact: Fact, name: str) -> Json:
    attributes = fact.data["attributes"]
    if not isinstance(attributes, dict):
        raise TypeError(f"{fact.id} has no attributes")
    return attributes[name]


def _number(fact: Fact) -> int:
    return int(str(_attribute(fact, "quantity")))


def _document(fact: Fact) -> str:
    return str(_attribute(fact, "document"))
