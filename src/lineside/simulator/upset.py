"""Upsets that the demo leaves out: stock that parts between systems, and feeds that change without notice. A plant that
is told to have them has them beside all else; each is known to its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lineside.plant.records import Json
from lineside.simulator.facts import Log, text_of
from lineside.simulator.hours import slot_at
from lineside.simulator.production import Production
from lineside.simulator.stock import Stock
from lineside.simulator.world import World

CODES = ("UD7", "K4-REL", "FREE2", "QX9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A change of a feed. about: the property. since: the first record that shows it. planned: a job order whose start
    ERP has otherwise because of it."""

    what: str
    source: str
    kind: str
    about: str
    now: str
    since: datetime
    planned: tuple[str, datetime] | None = None

    def told(self) -> dict[str, Json]:
        return {
            "what": self.what, "source": self.source, "kind": self.kind, "property": self.about, "now": self.now,
            "since": text_of(self.since),
        }  # fmt: skip


def part_stock(world: World, production: Production, stock: Stock) -> None:
    """Issues that ERP never got: one that leaves the next job orders' caps in doubt, and small ones beside it."""
    rng = world.random("upset/stock")
    at = world.now - timedelta(hours=rng.uniform(3, 6))
    until = slot_at(slot_at(world.now).end + timedelta(minutes=1)).end
    needs = [
        round(run.pieces * share)
        for run in production.runs
        for name, share in run.line.components
        if name == world.cap.id and run.planned_start <= until and run.completed > world.now
    ]
    left = min(needs) // rng.randrange(8, 20)
    doubtful = stock.balance("wms", world.cap, world.now) - left
    good = rng.choice(world.goods)
    for material, pieces, systems in (
        (world.cap, doubtful, ("wms", "mes")),
        (rng.choice((world.label, world.carton)), rng.randrange(7, 40), ("wms", "mes")),
        (good, rng.randrange(2, 6) * good.case, ("wms",)),
    ):
        stock.move("goods_issue", at, material, pieces, systems=systems)


def drift_feeds(world: World, production: Production, log: Log) -> list[Drift]:
    """A code that nobody knows, a unit that jumps, a field that is told no more, a plan that the floor left behind."""
    rng = world.random("upset/feeds")

    def ago(least: float, most: float) -> datetime:
        return world.now - timedelta(days=rng.uniform(least, most))

    code, resin = rng.choice(CODES), f"inventory:{world.resin.id}@"

    def renamed(told: dict[str, Json]) -> dict[str, Json]:
        return {**told, "quality_status": code} if told.get("quality_status") == "unrestricted" else told

    def without_place(told: dict[str, Json]) -> dict[str, Json]:
        return {name: value for name, value in told.items() if name != "location"}

    unknown = Drift(
        what="unknown code", source="qms", kind="lot", about="quality_status", now=code, since=ago(1.6, 2.6)
    )
    unit = Drift(what="unit", source="wms", kind="inventory", about="quantity", now="t", since=ago(1.2, 2.4))
    vanished = Drift(what="vanished", source="wms", kind="handling_unit", about="location", now="", since=ago(2.2, 3.0))
    return [
        _told(log, unknown, renamed),
        _told(log, unit, _in_tonnes, of=resin),
        _told(log, vanished, without_place),
        _left_behind(world, production, log),
    ]


def _told(log: Log, drift: Drift, change: Callable[[dict[str, Json]], dict[str, Json]], *, of: str = "") -> Drift:
    """The source tells the property otherwise from then on, of the entities that begin so; dated by the first such."""
    changed_at: list[datetime] = []
    for index, fact in enumerate(log.facts):
        told = fact.data.get("properties")
        if fact.source != drift.source or fact.kind != drift.kind or not fact.entity.startswith(of):
            continue
        if fact.occurred_at < drift.since or not isinstance(told, dict) or drift.about not in told:
            continue
        changed = change(told)
        if changed != told:
            log.facts[index] = replace(fact, data={**fact.data, "properties": changed})
            changed_at.append(fact.occurred_at)
    return replace(drift, since=min(changed_at))


def _in_tonnes(properties: dict[str, Json]) -> dict[str, Json]:
    quantity = properties["quantity"]
    if not isinstance(quantity, dict):
        return properties
    return {**properties, "quantity": {"value": float(str(quantity["value"])) / 1000, "unit": "t"}}


def _left_behind(world: World, production: Production, log: Log) -> Drift:
    """ERP has the next job order of the calm line before the one that runs there."""
    runs = sorted(production.on(world.calm), key=lambda run: run.started)
    now = next(run for run in reversed(runs) if run.started <= world.now)
    following = next(run for run in runs if run.spans[0].start > world.now)
    planned = now.planned_start - timedelta(hours=3)
    for index, fact in enumerate(log.facts):
        properties = fact.data.get("properties")
        if fact.source != "erp" or fact.entity != f"job_order:{following.id}":
            continue
        if isinstance(properties, dict) and "planned_start" in properties:
            earlier = {
                **properties, "planned_start": text_of(planned), "sequence": now.sequence - 5,
                "planned_end": text_of(planned + (following.planned_end - following.planned_start)),
            }  # fmt: skip
            said = min(fact.said_at, now.started - timedelta(hours=6))
            log.facts[index] = replace(
                fact, data={**fact.data, "properties": earlier}, occurred_at=said, reported_at=said, said_at=said
            )
    return Drift(
        what="sequence", source="erp", kind="job_order", about="planned_start", now=f"{now.id} before {following.id}",
        since=now.started,
        planned=(following.id, planned),
    )  # fmt: skip
