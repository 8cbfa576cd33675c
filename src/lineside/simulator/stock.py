"""Stock as each system believes it: a ledger per system, moved by documents, read off at snapshots.

Equal document numbers in two systems are one movement; a system that lacks a document, or has it with another
quantity, has another figure. That is the only way in which figures come to differ here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from lineside.plant.records import Json
from lineside.simulator.facts import Fact, Log
from lineside.simulator.hours import ZONE, local
from lineside.simulator.production import AHEAD, Production
from lineside.simulator.world import Material, World

SIGN: Final[Mapping[str, int]] = {
    "count": 1, "goods_receipt": 1, "goods_issue": -1, "consumption": -1, "scrap": -1, "transfer": -1,
}  # fmt: skip
ALL: Final = ("erp", "wms", "mes")
PLACES: Final = {"erp": "NF01", "mes": "SHOP"}
SCOPES: Final = {"erp": "book", "wms": "on_hand", "mes": "available"}
SNAPSHOT_MINUTE: Final = {"erp": 0, "wms": 30, "mes": 20}


@dataclass(slots=True)
class Stock:
    """entries: of each system and material, (pieces with sign, when the system took it in)."""

    log: Log
    number: int
    entries: defaultdict[tuple[str, str], list[tuple[int, datetime]]] = field(default_factory=lambda: defaultdict(list))
    places: dict[str, str] = field(default_factory=dict)

    def document(self) -> str:
        self.number += 1
        return str(self.number)

    def move(
        self,
        kind: str,
        at: datetime,
        material: Material,
        pieces: int,
        *,
        systems: Sequence[str] = ALL,
        document: str | None = None,
        reported: datetime | None = None,
        **about: Json,
    ) -> dict[str, Fact]:
        """The movement is on the books of `systems`. In MES an issue is called consumption."""
        document = document or self.document()
        facts = {}
        for system in systems:
            said_kind = "consumption" if system == "mes" and kind == "goods_issue" else kind
            facts[system] = self.log.event(
                system,
                said_kind,
                at,
                {"quantity": pieces, "unit": material.unit, **about},
                material=material.id,
                reported=reported if system == "mes" else None,
                document=document,
            )
            self.entries[system, material.id].append((SIGN[said_kind] * pieces, facts[system].said_at))
        return facts

    def balance(self, system: str, material: Material, at: datetime) -> int:
        """What the system believes at `at`, in the material's base unit."""
        return sum(n for n, when in self.entries[system, material.id] if when <= at)


def move_stock(world: World, production: Production, stock: Stock) -> None:
    """A month of receipts and issues of every component but the odd one; purchases keep the shelves filled."""
    rng = world.random("stock")
    for index, material in enumerate(world.materials):
        stock.places[material.id] = f"WH1/{'ABCD'[index % 4]}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 4)}"
    daily = _daily_use(world, production)
    on_shelf: dict[str, int] = {}
    for material in (*world.components[:-1],):
        on_shelf[material.id] = round(daily[material.id] * rng.uniform(1.8, 3.0))
        stock.move("count", world.start, material, on_shelf[material.id], counted=on_shelf[material.id])
    purchases = _Purchases(world)
    uses = sorted(
        (
            (run.started, material, round(run.pieces * share), run.id, run.line.id)
            for run in production.runs
            for material, share in run.line.components
        ),
        key=lambda use: (use[0], use[3], use[1]),
    )
    for at, material_id, pieces, job_order, line in uses:
        material = world.material(material_id)
        if on_shelf[material_id] - pieces < daily[material_id]:
            lots = max(1, round(daily[material_id] * 2 / max(material.pallet, 1)))
            bought = lots * material.pallet
            purchases.receive(stock, material, bought, at - timedelta(minutes=rng.uniform(100, 200)))
            on_shelf[material_id] += bought
        stock.move("goods_issue", at, material, pieces, job_order=job_order, equipment=line)
        on_shelf[material_id] -= pieces


class _Purchases:
    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = world.random("purchases")
        self._number = self._rng.randrange(400, 900)
        self._suppliers = [f"SUP-{number}" for number in self._rng.sample(range(10, 99), 4)]

    def receive(self, stock: Stock, material: Material, pieces: int, at: datetime) -> None:
        self._number += self._rng.randrange(1, 3)
        line = f"purchase_order_line:PO-{self._number}/1"
        ordered = at - timedelta(days=self._rng.uniform(3, 6))
        stock.log.report(
            "erp",
            line,
            max(ordered, self._world.start - timedelta(days=2)),
            material=material.id,
            quantity={"value": pieces, "unit": material.unit},
            supplier=self._suppliers[hash_of(material.id) % 4],
            eta=at.isoformat().replace("+00:00", "Z"),
            status="released",
        )
        stock.move("goods_receipt", at, material, pieces, purchase_order_line=f"PO-{self._number}/1")
        stock.log.report("erp", line, at, status="complete")


def hash_of(text: str) -> int:
    """A small number that depends on the text only; `hash` differs from run to run."""
    return sum(ord(letter) * (index + 1) for index, letter in enumerate(text))


def _daily_use(world: World, production: Production) -> dict[str, float]:
    total: dict[str, float] = {}
    for run in production.runs:
        for material, share in run.line.components:
            total[material] = total.get(material, 0) + run.pieces * share
    return {material: used / (world.days + AHEAD.days) for material, used in total.items()}


def snapshots(world: World, system: str) -> list[datetime]:
    """When the system tells its stock: each morning, and every hour of the last half day and from then on."""
    minute = SNAPSHOT_MINUTE[system]
    day = world.start.astimezone(ZONE).date()
    found = []
    while (at := local(day, 6, minute)) < world.now - timedelta(hours=12):
        found.append(at)
        day += timedelta(days=1)
    at = (world.now - timedelta(hours=11)).replace(minute=minute)
    while at < world.now + AHEAD:
        found.append(at)
        at += timedelta(hours=1)
    return found


def tell_stock(world: World, stock: Stock, systems: Mapping[str, Sequence[Material]]) -> None:
    """Every system's stock figures at its snapshots; the odd material's are its story's own."""
    for system, materials in systems.items():
        for material in materials:
            moves = sorted((when, n) for n, when in stock.entries[system, material.id])
            total, position = 0, 0
            place = PLACES.get(system) or stock.places[material.id]
            for at in snapshots(world, system):
                while position < len(moves) and moves[position][0] <= at:
                    total += moves[position][1]
                    position += 1
                stock.log.report(
                    system,
                    f"inventory:{material.id}@{place}",
                    at,
                    scope=SCOPES[system],
                    quantity={"value": total, "unit": material.unit},
                )
