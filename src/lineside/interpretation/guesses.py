"""What may close the rest of a bridge where no record says so: exactly one candidate that equals it, called a guess."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lineside.interpretation.facts import Facts
from lineside.interpretation.movements import Movement, title
from lineside.interpretation.past import WITHIN
from lineside.interpretation.reading import Kind
from lineside.interpretation.steps import IN_PROCESS, PACKAGING, UNIT, Bridge, Step
from lineside.interpretation.stock import Figure, Restricted, Stock, quantity_in, related
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import plain

# A figure that was written in another unit of its kind is off by one of these.
_UNIT_RATIOS = tuple(Decimal(each) for each in (1000, 1_000_000, 100, 10))


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    value: Decimal
    text: str
    cites: tuple[str, ...]


def guess(
    facts: Facts, stock: Stock, found: Bridge, bad: Sequence[Restricted], moves: Sequence[Movement]
) -> Step | None:
    """The one thing on record whose quantity is exactly the rest, else a factor that is; None where several fit."""
    used = {c for s in found.steps for c in s.cites}
    fitting = [
        each
        for each in (*_left_out(stock, bad), *_moving(found, moves), *_in_process(facts, stock))
        if each.value == abs(found.rest) and not used & set(each.cites)
    ]
    if len(fitting) != 1:
        return None if fitting else _slip(facts, stock, found)
    chosen = fitting[0]
    text = f"The rest equals {chosen.text} exactly; no record says which of the two figures leaves it out."
    return Step(name=chosen.name, value=found.rest, text=text, kind=Kind.GUESSED, cites=chosen.cites)


def _left_out(stock: Stock, bad: Sequence[Restricted]) -> Iterator[_Candidate]:
    for item in bad:
        yield _Candidate(item.state + " stock", item.value, f"{item.subject.id} ({item.why})", item.cites)
    for figure in stock.parts:
        what = f"{figure.source}'s {figure.amount} {figure.scope or ''}".rstrip()
        yield _Candidate(f"{figure.scope or figure.covers} stock", figure.value, what, figure.cites)


def _moving(found: Bridge, moves: Sequence[Movement]) -> Iterator[_Candidate]:
    for move in moves:
        if move.first.kind in WITHIN and move.first.at > found.since:
            told = f"{title(move)}, recorded by {' and '.join(sorted(move.postings))},"
            yield _Candidate("movement in flight", move.first.value, told, move.cites)


def _in_process(facts: Facts, stock: Stock) -> Iterator[_Candidate]:
    """What job orders of the material have made and no lot holds yet, and what they scrapped."""
    for order in _job_orders(facts, stock):
        for said in facts.words(order, "quantity_scrap"):
            scrapped = quantity_in(said, stock, facts)
            if scrapped:
                told = f"what {said.source} calls scrap of {order.id}"
                yield _Candidate("scrap", scrapped, told, (said.record_id,))
                break
        if stock.about == order:
            continue
        held = [s for lot in facts.pointing("lot", "job_order", order) for s in facts.words(lot.entity, "quantity")[:1]]
        received = sum((quantity_in(s, stock, facts) or Decimal(0) for s in held), Decimal(0))
        for said in facts.words(order, "quantity_good")[:1]:
            open_ = (quantity_in(said, stock, facts) or Decimal(0)) - received
            if open_ > 0 and facts.state(order, "status") not in ("complete", "closed"):
                told = f"what {order.id} has made by {said.source} and no lot holds"
                yield _Candidate(IN_PROCESS, open_, told, (said.record_id, *(s.record_id for s in held)))


def _job_orders(facts: Facts, stock: Stock) -> list[Entity]:
    if stock.about.kind == EntityKind.JOB_ORDER:
        return [stock.about]
    if stock.about.kind == EntityKind.LOT:
        return [order for order, _ in facts.linked(stock.about, "job_order")]
    made = facts.pointing("job_order", "material", Entity("material", stock.material)) if stock.material else []
    return list(dict.fromkeys(s.entity for s in made))


def _slip(facts: Facts, stock: Stock, found: Bridge) -> Step | None:
    """One figure, or its part at one place, that is a packaging unit's or a unit's factor times the other's."""
    both = (*found.start.cites, *found.end.cites)
    pairs: list[tuple[Decimal, Decimal, str, tuple[str, ...]]] = [(found.start.value, found.end.value, "figure", both)]
    for mine in found.start.parts:
        others = [p for p in found.end.parts if related(mine.location, p.location)]
        if len(others) == 1 and len(found.start.parts) > 1:
            records = (mine.statement.record_id, others[0].statement.record_id)
            pairs.append((mine.value, others[0].value, f"figure at {mine.location}", records))
    for one, other, what, cites in pairs:
        if one == other or other - one != found.rest:
            continue
        low, high = sorted((one, other))
        if low <= 0:
            continue
        for name, (factor, said) in sorted(facts.factor_statements(stock.material).items()):
            if low * factor.value == high:
                text = f"One {what} is exactly {plain(factor.value)} times the other, which is what one {name} holds."
                told = (*cites, said.record_id)
                return Step(name=PACKAGING, value=found.rest, text=text, kind=Kind.GUESSED, cites=told)
        if (ratio := unit_ratio(low, high)) is not None:
            text = f"One {what} is exactly {plain(ratio)} times the other: it may be written in another unit."
            return Step(name=UNIT, value=found.rest, text=text, kind=Kind.GUESSED, cites=cites)
    return None


def unit_ratio(low: Decimal, high: Decimal) -> Decimal | None:
    """The ratio of two units of one kind, where the two amounts are in it."""
    return next((ratio for ratio in _UNIT_RATIOS if low > 0 and low * ratio == high), None)


def between_operations(facts: Facts, start: Figure, end: Figure, order: Entity) -> Step | None:
    """What is in process between two operations of a job order, where the figures are those operations' counts."""
    counts = dict[Entity, tuple[Decimal, str]]()
    facts.load(EntityKind.OPERATION, "quantity_good")
    for operation in facts.having(EntityKind.OPERATION, "quantity_good"):
        if operation.parent == order and (said := facts.best(operation, "quantity_good")) and said.quantity is not None:
            amount = said.quantity.to(start.unit) if said.quantity.unit else said.quantity
            if amount is not None:
                counts[operation] = (amount.value, said.record_id)
    first = [op for op, (value, _) in counts.items() if value == start.value]
    last = [op for op, (value, _) in counts.items() if value == end.value]
    if len(first) != 1 or len(last) != 1 or first == last:
        return None
    text = (
        f"{start.source}'s figure is what operation {first[0].id} has made, {end.source}'s what operation "
        f"{last[0].id} has; what lies between is in process or was scrapped there."
    )
    cites = (counts[first[0]][1], counts[last[0]][1], *start.cites, *end.cites)
    value = end.value - start.value
    return Step(name=IN_PROCESS, value=value, text=text, kind=Kind.DERIVED, cites=tuple(dict.fromkeys(cites)))
