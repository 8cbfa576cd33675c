"""Sales orders, which run makes them and which truck takes them. Today's first truck carries the shipping story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lineside.simulator.hours import ZONE, local
from lineside.simulator.production import Production
from lineside.simulator.runs import Run
from lineside.simulator.world import Buyer, World

ROLES: Final = ("hold", "ready", "labels", "coa", "credit", "partial")
"""What becomes of today's first truck's orders: what keeps each from leaving, if anything."""

CURING: Final = timedelta(hours=9)
"""From the last piece to the earliest truck: inspection, documents, packing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truck:
    shipment: str
    dock: str
    departure: datetime
    carrier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One order with one line. extra: pieces ordered beyond what `run` makes. role: one of ROLES on today's truck."""

    order: str
    buyer: Buyer
    run: Run
    extra: int
    truck: Truck
    role: str
    created: datetime

    @property
    def line(self) -> str:
        return f"{self.order}/10"

    @property
    def quantity(self) -> int:
        return self.run.quantity + self.extra


def sell(world: World, production: Production) -> list[Sale]:
    """A sale for every packing run, oldest first; each run then knows its order line."""
    rng = world.random("orders")
    runs = sorted((run for run in production.runs if run.line != world.press), key=lambda run: run.completed)
    trucks = _trucks(world, runs[-1].completed)
    today = local(world.now.astimezone(ZONE).date(), 15)
    waiting = [run for run in runs if _truck(trucks, run).departure == today]
    if len(waiting) < len(ROLES):
        raise ValueError(
            f"seed {world.seed} leaves {len(waiting)} orders for today's truck; its story needs {len(ROLES)}"
        )
    roles = dict(zip((run.id for run in rng.sample(waiting, len(ROLES))), ROLES, strict=True))
    held = next(run for run in runs if roles.get(run.id) == "hold")
    first = _first_number(rng.randrange(10, 89) * 100, runs.index(held))
    sales = []
    for index, run in enumerate(runs):
        role = roles.get(run.id, "ready" if run in waiting else "")
        buyers = [buyer for buyer in world.buyers if _fits(buyer, role)]
        extra = 0
        buyer = rng.choice(buyers)
        if role == "partial":
            most = int(run.quantity * (1 / buyer.partial_min_share - 1)) // run.product.case
            extra = max(1, round(most * rng.uniform(0.5, 0.9))) * run.product.case
        sale = Sale(
            order=f"SO-{first + index}",
            buyer=buyer,
            run=run,
            extra=extra,
            truck=_truck(trucks, run),
            role=role,
            created=max(run.planned_start - timedelta(hours=rng.uniform(60, 130)), world.start - timedelta(hours=30)),
        )
        run.sales_line = sale.line
        sales.append(sale)
    return sales


def twin(order: str) -> str:
    """The number one reads by mistake: the last two digits changed places."""
    return order[:-2] + order[-1] + order[-2]


def _first_number(hundreds: int, index: int) -> int:
    """A first number such that the order at `index` ends in two digits whose exchange names an older order."""
    wanted = next(
        number for number in range(hundreds + index, hundreds + index + 100) if number % 100 in (42, 53, 64, 31)
    )
    return wanted - index


def _fits(buyer: Buyer, role: str) -> bool:
    if role == "partial":
        return buyer.partial_allowed and buyer.partial_min_share < 0.95
    return "coa" in buyer.documents if role in ("coa", "hold") else True


def _trucks(world: World, until: datetime) -> list[Truck]:
    rng = world.random("trucks")
    number, found = rng.randrange(300, 800), []
    carriers = rng.sample(("Northline Freight", "Keller Spedition", "Prairie Haul", "Lakes Express"), 2)
    day = world.start.astimezone(ZONE).date()
    while local(day, 0) < until + timedelta(days=2):
        for dock, hour, minute, carrier in (
            (world.dock, 15, 0, carriers[0]),
            (world.late_dock, 18, 30, carriers[1]),
        ):
            number += 1
            found.append(Truck(shipment=f"SH-{number}", dock=dock, departure=local(day, hour, minute), carrier=carrier))
        day += timedelta(days=1)
    return found


def _truck(trucks: list[Truck], run: Run) -> Truck:
    return next(truck for truck in trucks if truck.departure >= run.completed + CURING)
