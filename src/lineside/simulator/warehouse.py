"""What the systems tell of every material's stock at the anchor, out of their ledgers: where they differ, by how much,
and which job orders soon need more than the lowest figure holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from lineside.plant.records import Json
from lineside.simulator.facts import LAG, Fact, text_of
from lineside.simulator.figures import Figures
from lineside.simulator.hours import slot_at
from lineside.simulator.production import Production
from lineside.simulator.stock import Stock, snapshots
from lineside.simulator.world import Material, World

_ORDER = ("depends", "short", "covered", "none")


def told_figures(world: World, stock: Stock, material: Material, systems: Sequence[str]) -> dict[str, int]:
    """What each system told last by the anchor."""
    found = {}
    for system in systems:
        told = [at for at in snapshots(world, system) if at + LAG[system] <= world.now]
        found[system] = stock.balance(system, material, told[-1])
    return found


def warehouse(
    world: World, production: Production, stock: Stock, figures: Figures, planned: Mapping[str, datetime]
) -> dict[str, Json]:
    """The materials on which systems differ, what is endangered gravest first; then those that nothing soon needs.

    planned: job orders of which ERP has another start than was planned. Only what job orders need is looked at, so the
    danger of a finished good, which orders need, is left open (None).
    """
    rows: list[dict[str, Json]] = []
    simple = world.components[:-1]
    for material in (*world.goods, *simple):
        said = told_figures(world, stock, material, ("erp", "wms", "mes") if material in simple else ("erp", "wms"))
        if len(set(said.values())) > 1:
            rows.append(_row(world, production, planned, material, said))
    odd = {system: sum(map(_pieces, figures.said[system])) for system in ("erp", "wms", "mes")}
    rows.append(_row(world, production, planned, world.odd, odd))
    rows.sort(key=lambda row: (_ORDER.index(str(row["danger"] or "none")), str(row["due"]), str(row["material"])))
    agreeing = len(world.goods) + len(simple) + 1 - len(rows)
    return {"differing": [*rows], "agreeing": agreeing}


def _row(
    world: World, production: Production, planned: Mapping[str, datetime], material: Material, said: dict[str, int]
) -> dict[str, Json]:
    low, high = min(said.values()), max(said.values())
    until = slot_at(slot_at(world.now).end + timedelta(minutes=1)).end
    total, danger, due, first = 0, "none", None, ""
    wanted = sorted(
        (start, run.id, round(run.pieces * share))
        for run in production.runs
        for name, share in run.line.components
        if name == material.id
        and (start := planned.get(run.id, run.planned_start)) <= until
        and run.completed > world.now
    )
    for start, job, pieces in wanted:
        total += pieces
        stands = "covered" if total <= low else "depends" if total <= high else "short"
        if _ORDER.index(stands) < _ORDER.index(danger):
            danger, due, first = stands, text_of(start), job
    return {
        "material": material.id,
        "figures": dict(said),
        "by": high - low,
        "danger": None if material in world.goods else danger,
        "due": due,
        "first": first,
    }


def _pieces(fact: Fact) -> int:
    properties = fact.data["properties"]
    quantity = properties["quantity"] if isinstance(properties, dict) else None
    return int(str(quantity["value"])) if isinstance(quantity, dict) else 0
