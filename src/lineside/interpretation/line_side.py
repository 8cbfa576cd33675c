"""Material at the line, need by need: what a job order requires, what of it is staged, and where the rest is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.holds import Hold, holds
from lineside.interpretation.stock import Figure, lot_state, restricted, stock_of
from lineside.interpretation.supply import expires
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity, plain
from lineside.plant.records import Event, Json, quantity
from lineside.plant.windows import Window

_PICKS = timedelta(days=14)
_NEAREST = ("available", "physical", None, "books", "line_side")  # which stock figure is nearest to what can be picked


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A pick that was told to be late and of which nothing was staged since."""

    at: datetime
    reason: str
    cite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A lot of the material that may not be used, or not for as long as the job order runs."""

    lot: Entity
    why: str
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One component of one job order, in one unit. staged + held + free + incoming + short is what is required.

    staged: at the line and usable; held: at the line and blocked; free: in stock and not promised to an earlier job
    order; incoming: bought and expected before the start; short: nothing on record covers it. told: whether any record
    says what is staged. earliest: when all of it can be there; None where nothing tells.
    """

    job: Entity
    material: str
    unit: str
    required: Decimal
    staged: Decimal
    held: Decimal
    free: Decimal
    incoming: Decimal
    short: Decimal
    told: bool
    starts: datetime | None
    earliest: datetime | None
    late: tuple[Late, ...]
    blocked: tuple[Blocked, ...]
    cites: tuple[str, ...]
    stock_cites: tuple[str, ...]

    @property
    def lacks(self) -> bool:
        """Whether less than what is required is at the line and usable, and a record says so."""
        return self.told and self.staged < self.required

    def amount(self, value: Decimal) -> str:
        return f"{plain(value)} {self.unit}".rstrip()


@dataclass(slots=True)
class _Pool:
    """What of one material is still free for job orders to come, and what arrives when."""

    unit: str
    free: Decimal
    arrivals: list[tuple[datetime, Decimal, str]]
    cites: tuple[str, ...]


class LineSide:
    """The needs of job orders in the order of their start, so that no stock is counted for two of them."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.known: Sequence[Hold] = holds(facts)
        self._pools: dict[str, _Pool] = {}
        now = facts.view.as_of
        lately = Window(start=now - _PICKS, end=now + timedelta(microseconds=1))
        self._moves: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in facts.view.events(kinds=("staged", "pick_late"), within=lately):
            self._moves[event.job_order or "", (event.material or "").casefold()].append(event)
        facts.load("lot", "material", "quantity", "quality_status", "expires_at", "location")
        facts.load("purchase_order_line", "material", "quantity", "eta", "status")

    def needs(self, jobs: Iterable[Entity]) -> dict[Entity, list[Need]]:
        """The needs of each job order that has its components on record."""
        starts = {job: _time(self.facts, job, "planned_start") for job in jobs}
        far = self.facts.view.as_of + timedelta(days=9999)
        found: dict[Entity, list[Need]] = {}
        for job in sorted(starts, key=lambda j: (starts[j] or far, j)):
            said = self.facts.best(job, "components")
            if said is not None:
                found[job] = [n for row in _rows(said.value) if (n := self._need(job, said, row, starts[job]))]
        return found

    def free_of(self, material: str) -> tuple[Decimal, str, tuple[str, ...]]:
        """What of a material is free by now, its unit, and the records."""
        pool = self._pool(material)
        return pool.free, pool.unit, pool.cites

    def _need(self, job: Entity, said: Statement, row: Mapping[str, Json], starts: datetime | None) -> Need | None:
        material, wanted = str(row.get("material") or "").strip(), quantity(row.get("quantity"))
        if not material or wanted is None or wanted.value <= 0:
            return None
        moves = self._moves.get((job.id, material.casefold()), [])
        there = _in(_staged(row.get("staged"), wanted), wanted.unit, self.facts, material)
        brought = [e for e in moves if e.kind == "staged"]
        by_events = self._brought(brought, wanted.unit, material)
        told = there is not None or bool(brought)
        at_line = min(wanted.value, max(there or Decimal(0), by_events))
        held_lots = {b.lot.id for b in self._blocked(material, until=None)}
        held = min(at_line, self._brought([e for e in brought if e.lot in held_lots], wanted.unit, material))
        staged = at_line - held
        pool = self._pool(material)
        rest = wanted.value - at_line
        free = self._take(pool, rest, wanted.unit, material)
        rest -= free
        incoming, arrives = self._arriving(pool, rest, wanted.unit, material, starts)
        until = _time(self.facts, job, "planned_end")
        now = self.facts.view.as_of
        short = rest - incoming
        later = None if short else max([now, *arrives])
        return Need(
            job=job,
            material=material,
            unit=wanted.unit,
            required=wanted.value,
            staged=staged,
            held=held,
            free=free,
            incoming=incoming,
            short=short,
            told=told,
            starts=starts,
            earliest=None if held else later,
            late=tuple(self._late(moves)),
            blocked=tuple(self._blocked(material, until=until)),
            cites=tuple(dict.fromkeys((said.record_id, *(e.provenance.record_id for e in brought)))),
            stock_cites=pool.cites,
        )

    def _brought(self, events: Iterable[Event], unit: str, material: str) -> Decimal:
        """What the events say was staged, by the source that says most; told twice by two systems, it came once."""
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for event in events:
            amount = quantity(event.attributes.get("quantity"), str(event.attributes.get("unit") or unit))
            totals[event.provenance.source] += _in(amount, unit, self.facts, material) or Decimal(0)
        return max(totals.values(), default=Decimal(0))

    def _late(self, moves: Sequence[Event]) -> Iterator[Late]:
        for event in moves:
            at = event.provenance.occurred_at
            if event.kind == "pick_late" and not any(
                e.kind == "staged" and e.provenance.occurred_at >= at for e in moves
            ):
                reason = str(event.attributes.get("reason") or event.text or "")
                yield Late(at=at, reason=reason, cite=event.provenance.record_id)

    def _blocked(self, material: str, *, until: datetime | None) -> Iterator[Blocked]:
        """The material's lots that are blocked, in inspection or expired, or that expire before `until`."""
        named = self.facts.pointing("lot", "material", Entity("material", material))
        for lot in dict.fromkeys(s.entity for s in named):
            if state := lot_state(self.facts, self.known, lot):
                yield Blocked(lot=lot, why=f"{state[0]}: {state[1]}", cites=state[2])
                continue
            end = expires(self.facts, lot)
            if end and (end[0] <= self.facts.view.as_of or (until and end[0] < until)):
                word = "expired" if end[0] <= self.facts.view.as_of else "expires before the job order ends"
                yield Blocked(lot=lot, why=f"{word}: {end[1].text}", cites=(end[1].record_id,))

    def _pool(self, material: str) -> _Pool:
        if material not in self._pools:
            stock = stock_of(self.facts, Entity("material", material))
            figure = _nearest(stock.whole)
            value, unit, cites = Decimal(0), stock.unit, tuple[str, ...]()
            if figure is not None:
                kept = [] if figure.covers == "available" else restricted(self.facts, stock, self.known)
                off = sum((r.value for r in kept), Decimal(0)) + self._expired(material, stock.unit)
                value = max(Decimal(0), figure.value - off)
                cites = tuple(dict.fromkeys((*figure.cites, *(c for r in kept for c in r.cites))))
            self._pools[material] = _Pool(unit=unit, free=value, arrivals=self._arrivals(material), cites=cites)
        return self._pools[material]

    def _expired(self, material: str, unit: str) -> Decimal:
        """What lots that nothing else blocks have expired."""
        total = Decimal(0)
        for said in self.facts.pointing("lot", "material", Entity("material", material)):
            end, amount = expires(self.facts, said.entity), self.facts.best(said.entity, "quantity")
            gone = end is not None and end[0] <= self.facts.view.as_of
            if gone and amount and lot_state(self.facts, self.known, said.entity) is None:
                total += _in(amount.quantity, unit, self.facts, material) or Decimal(0)
        return total

    def _arrivals(self, material: str) -> list[tuple[datetime, Decimal, str]]:
        """What was bought and has not come, by its ETA, in the material's own units as (time, quantity, record)."""
        found, unit = list[tuple[datetime, Decimal, str]](), ""
        for said in self.facts.pointing("purchase_order_line", "material", Entity("material", material)):
            state = self.facts.state(said.entity, "status")
            eta, amount = _time(self.facts, said.entity, "eta"), self.facts.best(said.entity, "quantity")
            if state in ("complete", "cancelled") or eta is None or amount is None or amount.quantity is None:
                continue
            if eta <= self.facts.view.as_of:
                continue  # it should be there: that it isn't makes its ETA worthless
            unit = unit or stock_of(self.facts, Entity("material", material)).unit or amount.quantity.unit
            value = _in(amount.quantity, unit, self.facts, material)
            if value:
                found.append((eta, value, amount.record_id))
        return sorted(found)

    def _take(self, pool: _Pool, wanted: Decimal, unit: str, material: str) -> Decimal:
        there = _in(Quantity(pool.free, pool.unit), unit, self.facts, material) if pool.free else Decimal(0)
        taken = min(wanted, there or Decimal(0))
        if taken and there:
            pool.free -= pool.free * taken / there
        return taken

    def _arriving(
        self, pool: _Pool, wanted: Decimal, unit: str, material: str, starts: datetime | None
    ) -> tuple[Decimal, list[datetime]]:
        """What of the wanted quantity arrives before the start, and when; each arrival is used once."""
        total, times = Decimal(0), list[datetime]()
        for place, (eta, value, record) in enumerate(pool.arrivals):
            if wanted <= total or (starts is not None and eta > starts):
                break
            there = _in(Quantity(value, pool.unit), unit, self.facts, material) or Decimal(0)
            used = min(wanted - total, there)
            if used > 0:
                total += used
                times.append(eta)
                pool.arrivals[place] = (eta, value - value * used / there, record)
        return total, times

    def next_arrival(self, material: str) -> tuple[datetime, str] | None:
        """When more of the material comes, and the record."""
        return next(((eta, record) for eta, value, record in self._pool(material).arrivals if value > 0), None)


def _nearest(figures: Sequence[Figure]) -> Figure | None:
    order = {covers: place for place, covers in enumerate(_NEAREST)}
    return min(figures, key=lambda f: (order.get(f.covers, len(order)), f.value), default=None)


def _rows(value: Json) -> Iterator[Mapping[str, Json]]:
    yield from (row for row in (value if isinstance(value, list) else []) if isinstance(row, dict))


def _staged(value: Json, needed: Quantity) -> Quantity | None:
    if isinstance(value, bool):
        return needed if value else Quantity(Decimal(0), needed.unit)
    return quantity(value, needed.unit)


def _in(amount: Quantity | None, unit: str, facts: Facts, material: str) -> Decimal | None:
    if amount is None:
        return None
    if not amount.unit or not unit:
        return max(amount.value, Decimal(0))
    found = amount.to(unit, facts.factors(material))
    return None if found is None else max(found.value, Decimal(0))


def _time(facts: Facts, thing: Entity, name: str) -> datetime | None:
    said = facts.best(thing, name)
    return moment(said.value) if said else None
