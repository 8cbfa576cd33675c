"""Everything in a warehouse on whose quantity sources differ, found in columns: materials, then places, then lots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import pairwise

from lineside.interpretation import shared_states
from lineside.interpretation.bridge import bridge
from lineside.interpretation.facts import Facts
from lineside.interpretation.past import Past
from lineside.interpretation.steps import Bridge
from lineside.interpretation.stock import PARTS, Stock, related, stock_as_of, stock_of
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Quality


def differing(facts: Facts, location: str | None = None) -> tuple[list[Stock], int, list[str]]:
    """The stocks on which sources differ, how many materials and lots were compared, and what could not be.

    A place is told apart only where its material's totals agree, a lot only where its material has no position: one
    difference is told once. location: only what lies there.
    """
    _load(facts)
    found, missing = list[Stock](), list[str]()
    compared = 0
    for material in _materials(facts):
        said = facts.positions(material)
        if location:
            said = [s for s in said if related(s.entity.id.partition("@")[2], location)]
        thing = Entity(EntityKind.MATERIAL, material)
        own = facts.words(thing, "quantity") if not location else []
        if len({s.source for s in (*said, *own)}) < 2:
            continue
        compared += 1
        if not own and _plainly_equal(said):
            continue
        stock = stock_of(facts, thing, location)
        if _differ(stock):
            found.append(stock)
        elif (places := list(_places(material, stock, partial(stock_of, facts)))) and not location:
            found += places
        missing += [gap for gap in stock.missing if gap.startswith("No factor")]
    for lot in [] if location else facts.having(EntityKind.LOT, "quantity"):
        words = facts.words(lot, "quantity")
        if len({s.source for s in words}) < 2:
            continue
        compared += 1
        if len({_amount(s) for s in words}) == 1:
            continue
        material = next((m.id for m, _ in facts.linked(lot, "material")), "")
        if not (material and facts.positions(material)) and _differ(stock := stock_of(facts, lot)):
            found.append(stock)
    return found, compared, list(dict.fromkeys(missing))


def differing_by(facts: Facts, thing: Entity, said: Collection[Statement]) -> list[Stock]:
    """The stocks of a material or a lot on which sources differ by these statements on its quantity: `differing` at
    some other time."""
    if len({s.source for s in said}) < 2 or (
        all(s.entity.kind == EntityKind.INVENTORY for s in said) and _plainly_equal(said)
    ):
        return []
    stock = stock_as_of(facts, thing, said)
    if _differ(stock):
        return [stock]
    if thing.kind != EntityKind.MATERIAL:
        return []
    return list(_places(thing.id, stock, lambda place: stock_as_of(facts, place, said)))


def bridged(past: Past, stocks: Sequence[Stock]) -> list[tuple[Stock, tuple[Bridge, ...]]]:
    """Each stock with the way from each of its figures to the next that differs."""
    parts = [p.statement for stock in stocks for f in stock.whole for p in f.parts]
    past.read({s.entity for s in parts}, sorted({s.property for s in parts}))
    ways = [[pair for pair in pairwise(stock.whole) if pair[0].value != pair[1].value] for stock in stocks]
    return [
        (stock, tuple(bridge(past, stock, *pair) for pair in pairs)) for stock, pairs in zip(stocks, ways, strict=True)
    ]


def _load(facts: Facts) -> None:
    facts.load(EntityKind.MATERIAL, "quantity", "units")
    facts.load(EntityKind.LOT, "material", "quantity", "location", "quality_status", "job_order")
    facts.load(EntityKind.INVENTORY, "quality_status", "as_counted_at")
    facts.load(EntityKind.JOB_ORDER, "material", "quantity_good", "quantity_scrap", "status")


def _materials(facts: Facts) -> list[str]:
    """Each material once, in whatever case its id is written."""
    named = (*facts.stocked(), *(e.id for e in facts.having(EntityKind.MATERIAL, "quantity")))
    return list({name.casefold(): name for name in reversed(named)}.values())[::-1]


def _plainly_equal(said: Iterable[Statement]) -> bool:
    """Whether, without looking closer, every source states the same amount at every place, in one unit."""
    by: dict[tuple[str, str | None], dict[str, tuple[Decimal, str] | None]] = defaultdict(dict)
    for statement in said:
        if statement.quality is Quality.BAD or shared_states.meaning("stock_scope", statement.scope or "") in PARTS:
            return False
        place = statement.entity.id.partition("@")[2].casefold()
        by[statement.source, statement.scope][place] = _amount(statement)
    rows = list(by.values())
    return None not in rows[0].values() and all(row == rows[0] for row in rows[1:])


def _amount(statement: Statement) -> tuple[Decimal, str] | None:
    amount = statement.quantity
    return None if amount is None else (amount.value, amount.unit)


def _differ(stock: Stock) -> bool:
    return len({f.source for f in stock.whole}) > 1 and len({f.value for f in stock.whole}) > 1


def _places(material: str, whole: Stock, stock_at: Callable[[Entity], Stock]) -> Iterator[Stock]:
    """The places on which sources differ though their totals agree, each told by its outermost name."""
    places = sorted({p.location for f in whole.whole for p in f.parts if p.location}, key=lambda p: (len(p), p))
    told = list[str]()
    for place in places:
        if any(related(place, other) for other in told):
            continue
        told.append(place)
        stock = stock_at(Entity(EntityKind.INVENTORY, f"{material}@{place}"))
        if _differ(stock):
            yield stock
