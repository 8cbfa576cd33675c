"""Quantities as each source states them: one figure for each source and scope, brought to one unit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, owner_of, recency
from lineside.interpretation.holds import Hold, binding
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import Quantity, plain
from lineside.plant.records import Quality

# Figures that tell of a part of the stock: they explain a difference between whole figures, they don't compete.
PARTS = ("line_side", "in_transit", "blocked_stock")
_SOURCE_KINDS = {"erp": "books", "wms": "physical"}  # what an unscoped figure of such a source usually covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One stated quantity within a figure. location: empty where none is named."""

    location: str
    value: Decimal
    statement: Statement

    @property
    def at(self) -> datetime:
        return self.statement.occurred_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one source says in one scope, the shares of one total added up.

    covers: books, physical, available, line_side, in_transit, blocked_stock, or None where the scope's words aren't
    known.
    """

    source: str
    scope: str | None
    covers: str | None
    unit: str
    parts: tuple[Part, ...]

    @property
    def value(self) -> Decimal:
        return sum((p.value for p in self.parts), Decimal(0))

    @property
    def at(self) -> datetime:
        return max(p.at for p in self.parts)

    @property
    def reported_at(self) -> datetime:
        return max(p.statement.reported_at for p in self.parts)

    @property
    def cites(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.statement.record_id for p in self.parts))

    @property
    def amount(self) -> str:
        return f"{plain(self.value)} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The figures on one thing. whole: those to compare; parts: those that tell of a part of it. unreadable: what
    could not be brought to the unit, in words. material: whose packaging factors apply."""

    about: Entity
    material: str
    unit: str
    whole: tuple[Figure, ...]
    parts: tuple[Figure, ...]
    lots: tuple[Entity, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restricted:
    """A quantity that may not be used, and why. state: blocked or inspection."""

    subject: Entity
    value: Decimal
    state: str
    why: str
    cites: tuple[str, ...]


def stock_of(facts: Facts, entity: Entity, location: str | None = None) -> Stock:
    """Every figure on a material, an inventory position, a lot, a job order, or whatever else states a quantity."""
    return stock_told(facts, entity, *_stated(facts, entity), location=location)


def stock_as_of(facts: Facts, entity: Entity, said: Iterable[Statement]) -> Stock:
    """The figures on a material, an inventory position or a lot by these statements on its quantity, whenever they
    stood."""
    lots = [s.entity for s in facts.pointing("lot", "material", Entity("material", _material(facts, entity)))]
    told = [(s, s.entity.id.partition("@")[2] if s.entity.kind == EntityKind.INVENTORY else "") for s in said]
    return stock_told(facts, entity, _sound(told), list(dict.fromkeys(lots)))


def stock_told(
    facts: Facts, entity: Entity, said: Sequence[tuple[Statement, str]], lots: Sequence[Entity], *,
    location: str | None = None,
) -> Stock:  # fmt: skip
    """The figures that these statements make, each with its place. location: only what lies there."""
    place = location or (entity.id.partition("@")[2] if entity.kind == EntityKind.INVENTORY else "")
    material = _material(facts, entity)
    factors = facts.factors(material)
    unit = _one_unit([s for s, _ in said], factors)
    totals = {(s.source, s.property) for s, _ in said if not _is_share(s.scope)}
    missing = list[str]()
    parts: dict[tuple[str, str | None], list[Part]] = defaultdict(list)
    for statement, where in said:
        if place and where and not related(where, place):
            continue
        if _is_share(statement.scope) and (statement.source, statement.property) in totals:
            continue  # its source states the whole beside its shares
        amount = statement.quantity
        if amount is None:
            missing.append(f"{statement.source} gives no number for {statement.entity.id}: {statement.text}.")
            continue
        if unit and not amount.unit:
            missing.append(f"{statement.source} gives no unit for {statement.entity.id}; it is taken as {unit}.")
            amount = Quantity(amount.value, unit)
        converted = amount.to(unit, factors)
        if converted is None:
            missing.append(
                f"No factor from {amount.unit} to {unit} is on record for {material or entity.id}, so "
                f"{statement.source}'s {amount} can't be compared."
            )
            continue
        parts[statement.source, share_name(statement.scope)].append(
            Part(location=where, value=converted.value, statement=statement)
        )
    figures = [
        Figure(source=source, scope=scope, covers=_covers(facts, source, scope), unit=unit, parts=_outermost(group))
        for (source, scope), group in parts.items()
    ]
    figures.sort(key=lambda f: (-f.value, f.source, f.scope or ""))
    whole, partial = _split(figures)
    return Stock(
        about=entity,
        material=material,
        unit=unit,
        whole=tuple(whole),
        parts=tuple(partial),
        lots=tuple(lots),
        missing=tuple(dict.fromkeys(missing)),
    )


def share_name(scope: str | None) -> str | None:
    """What all shares of one total have in common: `response` for `response R-7`; any other scope as it is."""
    return scope.split()[0] if scope is not None and _is_share(scope) else scope


def _is_share(scope: str | None) -> bool:
    """Whether the scope names one of several that make up a total, as one job response of a job order."""
    first, _, rest = (scope or "").strip().partition(" ")
    return bool(rest) and shared_states.meaning("share_scope", first) is not None


def restricted(facts: Facts, stock: Stock, known: Sequence[Hold]) -> list[Restricted]:
    """What of the stock is blocked or in inspection: by lot, else by place, else by a source's blocked part.

    known: all holds.
    """
    found = list[Restricted]()
    position = stock.about.id.partition("@")[2] if stock.about.kind == EntityKind.INVENTORY else ""
    for lot in dict.fromkeys(stock.lots):
        where = _place(facts, lot) if position else ""
        if where and not related(where, position):
            continue
        if state := lot_state(facts, known, lot):
            said = facts.best(lot, "quantity")
            amount = None if said is None else quantity_in(said, stock, facts)
            if said is not None and amount:
                name, why, cites = state
                cited = tuple(dict.fromkeys((*cites, said.record_id)))
                found.append(Restricted(subject=lot, value=amount, state=name, why=why, cites=cited))
    if found:
        return found
    for figure in stock.whole:
        for part in figure.parts:
            place = part.statement.entity
            said = facts.best(place, "quality_status")
            standing = facts.state(place, "quality_status") or ""
            if said is not None and standing in ("blocked", "inspection") and place not in [r.subject for r in found]:
                why = f"{said.source} says {said.text}"
                cites = tuple(dict.fromkeys((said.record_id, part.statement.record_id)))
                found.append(Restricted(subject=place, value=part.value, state=standing, why=why, cites=cites))
    if not found:
        for figure in (f for f in stock.parts if f.covers == "blocked_stock" and f.value):
            why = f"{figure.source}'s {figure.scope}"
            found.append(
                Restricted(subject=stock.about, value=figure.value, state="blocked", why=why, cites=figure.cites)
            )
    return found


def quantity_in(said: Statement, stock: Stock, facts: Facts) -> Decimal | None:
    """What is stated, in the stock's unit; None where it is no number, or no factor is known."""
    amount = said.quantity
    if amount is None:
        return None
    if not amount.unit:
        return amount.value
    converted = amount.to(stock.unit, facts.factors(stock.material))
    return None if converted is None else converted.value


def lot_state(facts: Facts, known: Sequence[Hold], lot: Entity) -> tuple[str, str, tuple[str, ...]] | None:
    """Why a lot may not be used now: (blocked or inspection, the reason, its records); None where nothing says so.

    The owner of the quality status decides, else the strictest word; an active hold always binds.
    """
    bearers = [lot, *(e for name in ("material", "job_order") for e, _ in facts.linked(lot, name))]
    if on_it := binding(known, bearers):
        names = ", ".join(h.id for h in on_it)
        return "blocked", f"hold {names} is active", tuple(dict.fromkeys(c for h in on_it for c in h.cites))
    words = facts.words(lot, "quality_status")
    owner = owner_of(facts.plant, "lot", "quality_status")
    deciding = [w for w in words if owner and w.source == owner.name] or words
    for name in ("blocked", "inspection"):
        for word in deciding:
            if shared_states.state_of("lot", "quality_status", word.value) == name:
                return name, f"{word.source} says {word.text}", (word.record_id,)
    return None


def related(one: str, other: str) -> bool:
    """Whether two locations are the same or one lies in the other; a path's end may stand for the path."""
    a, b = one.strip().casefold().rstrip("/"), other.strip().casefold().rstrip("/")
    if not a or not b:
        return False
    return a == b or a.startswith(b + "/") or b.startswith(a + "/") or a.endswith("/" + b) or b.endswith("/" + a)


def comparable(one: Figure, other: Figure) -> tuple[Figure, Figure, list[Part], list[Part]]:
    """Both figures reduced to the places that both know, and the parts that only one of them covers.

    Where no place of one is known to the other, each is taken to speak of the whole.
    """
    mine = [p for p in one.parts if any(related(p.location, o.location) for o in other.parts)]
    theirs = [p for p in other.parts if any(related(p.location, o.location) for o in one.parts)]
    if not mine or not theirs:
        return one, other, [], []
    only_mine = [p for p in one.parts if p not in mine and p.location]
    only_theirs = [p for p in other.parts if p not in theirs and p.location]
    return (
        replace(one, parts=tuple(p for p in one.parts if p not in only_mine)),
        replace(other, parts=tuple(p for p in other.parts if p not in only_theirs)),
        only_mine,
        only_theirs,
    )


def _stated(facts: Facts, entity: Entity) -> tuple[list[tuple[Statement, str]], list[Entity]]:
    """The quantity statements on the entity with their places, and the lots that it consists of."""
    kind = entity.kind
    if kind in (EntityKind.MATERIAL, EntityKind.INVENTORY):
        material = _material(facts, entity)
        said = [(s, s.entity.id.partition("@")[2]) for s in facts.positions(material)]
        said += [(s, "") for s in facts.words(Entity("material", material), "quantity")]
        lots = [s.entity for s in facts.pointing("lot", "material", Entity("material", material))]
        if not said:
            said = [(s, _place(facts, lot)) for lot in dict.fromkeys(lots) for s in facts.words(lot, "quantity")]
        return _sound(said), list(dict.fromkeys(lots))
    if kind == EntityKind.JOB_ORDER:
        lots = [s.entity for s in facts.pointing("lot", "job_order", entity)]
        said = [(s, "") for s in facts.words(entity, "quantity_good")]
        said += [(s, "") for lot in dict.fromkeys(lots) for s in facts.words(lot, "quantity")]
        return _sound(said), list(dict.fromkeys(lots))
    return _sound([(s, "") for s in facts.words(entity, "quantity")]), [entity] if kind == EntityKind.LOT else []


def _sound(said: Iterable[tuple[Statement, str]]) -> list[tuple[Statement, str]]:
    good = [(s, where) for s, where in said if s.quality is not Quality.BAD and s.value is not None]
    return sorted(good, key=lambda pair: (recency(pair[0]), pair[1]))


def _place(facts: Facts, lot: Entity) -> str:
    said = facts.best(lot, "location")
    return said.text if said else ""


def _material(facts: Facts, entity: Entity) -> str:
    if entity.kind == EntityKind.MATERIAL:
        return entity.id
    if entity.kind == EntityKind.INVENTORY:
        return entity.id.partition("@")[0]
    named = facts.linked(entity, "material")
    if not named and entity.kind in (EntityKind.LOT, EntityKind.HANDLING_UNIT):
        above = [e for name in ("job_order", "lot") for e, _ in facts.linked(entity, name)]
        named = [pair for e in above for pair in facts.linked(e, "material")]
    return named[0][0].id if named else ""


def _one_unit(said: Sequence[Statement], factors: Mapping[str, Quantity]) -> str:
    units = Counter(q.unit for s in said if (q := s.quality is not Quality.BAD and s.quantity) and q.unit)
    return min(units, key=lambda u: (u in factors, -units[u], u), default="")


def _covers(facts: Facts, source: str, scope: str | None) -> str | None:
    if scope:
        return shared_states.meaning("stock_scope", scope)
    return _SOURCE_KINDS.get(facts.plant.source(source).kind)


def _outermost(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Without the places that lie in another stated place: their stock is in that one's figure already."""

    def inside(part: Part) -> bool:
        return any(part.location.casefold().startswith(o.location.casefold() + "/") for o in parts if o.location)

    return tuple(sorted((p for p in parts if not inside(p)), key=lambda p: (p.location, p.statement.record_id)))


def _split(figures: Sequence[Figure]) -> tuple[list[Figure], list[Figure]]:
    """Figures of a part of the stock apart from whole ones, the books first, then what lies there.

    Some systems call line side what is the whole to them: such a figure competes where its source states no other and
    it is at the others' own place, or of their size.
    """
    whole = [f for f in figures if f.covers not in PARTS]
    least = min((f.value for f in whole), default=Decimal(0))
    partial = list[Figure]()
    for figure in (f for f in figures if f.covers in PARTS):
        alone = not any(f.source == figure.source for f in figures if f is not figure)
        same_place = any(related(p.location, o.location) for p in figure.parts for f in whole for o in f.parts)
        competes = figure.covers == "line_side" and alone and (same_place or figure.value * 2 >= least)
        (whole if competes or not whole else partial).append(figure)
    order = {"books": 0, "physical": 1}
    return sorted(whole, key=lambda f: (order.get(f.covers or "", 2), figures.index(f))), partial
