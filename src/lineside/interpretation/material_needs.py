"""What the planned job orders need, what there is and what comes: which of them lack what, from when to when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.holds import holds
from lineside.interpretation.schedule import Schedule
from lineside.interpretation.wording import bounded
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import Quantity
from lineside.plant.records import Quality, quantity

_BEST = {"available": 0, "physical": 1, None: 2, "books": 3}  # which figure says best what can be used
_SOURCE_KINDS = {"erp": "books", "wms": "physical"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """So much of a material, beside what is staged already, when the job order starts."""

    job: str
    material: str
    amount: float
    unit: str
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    at: datetime
    amount: float
    order: str
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What of a material can be used, by one figure, and what is ordered. figure: whose, in words."""

    material: str
    unit: str
    usable: float
    figure: str
    arrivals: tuple[Arrival, ...]
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """What a job order lacks at its start. comes: when an arrival covers it; None: none that is ordered does."""

    job: str
    material: str
    lacks: float
    unit: str
    at: datetime
    comes: datetime | None
    by: str
    figure: str
    cites: tuple[str, ...]


def needs_of(facts: Facts, job: Entity) -> list[Need]:
    """The job order's components that are not staged."""
    said = facts.best(job, "components")
    return [
        Need(job=job.id, material=material, amount=amount, unit=unit, cites=(said.record_id,))
        for material, amount, unit in _rows(said, facts)
        if said is not None and amount > 0
    ]


def recipe(facts: Facts, jobs: Iterable[Entity]) -> list[tuple[str, float, str, str]]:
    """(material, amount per piece, unit, record) of the first of these job orders that states what it needs."""
    for job in jobs:
        said, wanted = facts.best(job, "components"), facts.best(job, "quantity")
        if said is not None and wanted is not None and wanted.quantity and wanted.quantity.value > 0:
            rows = _rows(said, facts, staged=False)
            whole = float(wanted.quantity.value)
            return [(material, amount / whole, unit, said.record_id) for material, amount, unit in rows]
    return []


def supplies(facts: Facts, needed: Mapping[str, str]) -> dict[str, Supply]:
    """For each material and unit what there is; none for a material that no source states."""
    held = _unusable(facts)
    arriving = _arrivals(facts, needed)
    found = {}
    for material, unit in needed.items():
        figures: dict[tuple[str, str | None], list[Statement]] = defaultdict(list)
        for said in facts.positions(material):
            if said.quality is not Quality.BAD and said.quantity is not None:
                figures[said.source, said.scope].append(said)
        ranked = sorted((_rank(facts, source, scope), source, scope or "") for source, scope in figures)
        for rank, source, scope in ranked:
            statements = figures[source, scope or None]
            values = [_in(said.quantity, unit, facts, material) for said in statements]
            if rank > len(_BEST) or any(value is None for value in values):
                continue
            blocked = 0.0 if rank == 0 else sum(_in(q, unit, facts, material) or 0.0 for q, _ in held.get(material, ()))
            cites = [said.record_id for said in statements]
            cites += [record for _, record in held.get(material, ())] if blocked else []
            found[material] = Supply(
                material=material,
                unit=unit,
                usable=max(0.0, sum(filter(None, values)) - blocked),
                figure=f"{source}{f', {scope}' if scope else ''}",
                arrivals=tuple(arriving.get(material, ())),
                cites=bounded(dict.fromkeys(cites)),
            )
            break
    return found


def shortfalls(needs: Mapping[str, list[Need]], there: Mapping[str, Supply], schedule: Schedule) -> list[Shortfall]:
    """What lacks if the job orders start as scheduled, each taking what it needs in the order of their starts."""
    left = {material: supply.usable for material, supply in there.items()}
    found = []
    for operation in sorted(schedule.operations.values(), key=lambda o: (o.start, o.job.id)):
        for need in needs.get(operation.job.id, ()):
            supply = there.get(need.material)
            if supply is None:
                continue
            arrived = sum(a.amount for a in supply.arrivals if a.at <= operation.runs)
            open_before = left[need.material] + arrived
            left[need.material] -= need.amount
            lacks = min(need.amount, need.amount - open_before)
            if lacks <= 1e-6 * max(1.0, need.amount):
                continue
            more, covering = 0.0, None
            for arrival in (a for a in supply.arrivals if a.at > operation.runs):
                more += arrival.amount
                if more >= lacks:
                    covering = arrival
                    break
            cites = (*need.cites, *supply.cites, *((covering.record,) if covering else ()))
            found.append(
                Shortfall(
                    job=need.job, material=need.material, lacks=lacks, unit=need.unit, at=operation.runs,
                    comes=covering.at if covering else None, by=covering.order if covering else "",
                    figure=supply.figure, cites=tuple(dict.fromkeys(cites)),
                )
            )  # fmt: skip
    return found


def _rows(said: Statement | None, facts: Facts, *, staged: bool = True) -> list[tuple[str, float, str]]:
    found = []
    for row in said.value if said is not None and isinstance(said.value, list) else ():
        amount = quantity(row.get("quantity")) if isinstance(row, dict) else None
        if not isinstance(row, dict) or amount is None or not row.get("material"):
            continue
        material = str(row["material"])
        there = row.get("staged") if staged else None
        laid = amount if there is True else quantity(there, amount.unit) if not isinstance(there, bool) else None
        ready = (_in(laid, amount.unit, facts, material) if laid else 0.0) or 0.0
        found.append((material, max(0.0, float(amount.value) - ready), amount.unit))
    return found


def _rank(facts: Facts, source: str, scope: str | None) -> int:
    covers = shared_states.meaning("stock_scope", scope) if scope else None
    if covers is None and not scope:
        covers = _SOURCE_KINDS.get(facts.plant.source(source).kind)
    return _BEST.get(covers, len(_BEST) + 1)


def _unusable(facts: Facts) -> dict[str, list[tuple[Quantity, str]]]:
    """What is blocked or in inspection, by material, each quantity with the record that blocks it."""
    facts.load(EntityKind.LOT, "quality_status")
    barred: dict[Entity, str] = {}
    for lot in facts.having(EntityKind.LOT, "quality_status"):
        if facts.state(lot, "quality_status") in ("blocked", "inspection") and (
            said := facts.best(lot, "quality_status")
        ):
            barred[lot] = said.record_id
    for hold in holds(facts):
        if hold.subject is not None and hold.subject.kind == EntityKind.LOT and hold.cites:
            barred.setdefault(hold.subject, hold.cites[0])
    facts.fetch(barred)
    found: dict[str, list[tuple[Quantity, str]]] = defaultdict(list)
    for lot, record in barred.items():
        material, amount = facts.best(lot, "material"), facts.best(lot, "quantity")
        if material is not None and amount is not None and amount.quantity is not None:
            found[material.text].append((amount.quantity, record))
    return found


def _arrivals(facts: Facts, needed: Mapping[str, str]) -> dict[str, list[Arrival]]:
    """What is ordered and not here yet, the earliest first. What is overdue is not counted on."""
    facts.load(EntityKind.PURCHASE_ORDER_LINE, "eta")
    coming = {}
    for line in facts.having(EntityKind.PURCHASE_ORDER_LINE, "eta"):
        said = facts.best(line, "eta")
        at = moment(said.value) if said else None
        if said is not None and at is not None and at > facts.view.as_of:
            coming[line] = (at, said.record_id)
    facts.fetch(coming)
    found: dict[str, list[Arrival]] = defaultdict(list)
    for line, (at, record) in sorted(coming.items(), key=lambda item: (item[1], item[0])):
        material, amount = facts.best(line, "material"), facts.best(line, "quantity")
        if material is None or amount is None or facts.state(line, "status") in ("complete", "cancelled"):
            continue
        value = _in(amount.quantity, needed.get(material.text, ""), facts, material.text)
        if material.text in needed and value is not None:
            found[material.text].append(Arrival(at=at, amount=value, order=line.id, record=record))
    return found


def _in(amount: Quantity | None, unit: str, facts: Facts, material: str) -> float | None:
    if amount is None:
        return None
    if not amount.unit or not unit:
        return float(amount.value)
    converted = amount.to(unit, facts.factors(material))
    return None if converted is None else float(converted.value)
