"""A line's quantity in buckets: what can leave, what is at risk, blocked, not made, and what has left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from lineside.interpretation.gates import Gate, Passage, Question, Stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """What becomes of the quantity wanted. on_record: what passes every gate that has records, unknown ones aside.

    shippable + at_risk + blocked + not_made + shipped is the quantity wanted.
    """

    wanted: Decimal
    shippable: Decimal
    at_risk: Decimal
    blocked: Decimal
    not_made: Decimal
    shipped: Decimal
    on_record: Decimal


def buckets_of(q: Question, gates: Sequence[Passage], wanted: Decimal) -> Buckets:
    """What becomes of the quantity wanted, once every gate is known."""
    gone = [t for t in q.trucks if t.gone]
    carried = sum((t.quantity for t in gone if t.quantity is not None), Decimal(0))
    shipped = min(wanted, wanted if gone and all(t.quantity is None for t in gone) else carried)
    by_gate = {g.gate: g for g in gates}
    whole = [by_gate[g] for g in (Gate.DOCUMENTS, Gate.CREDIT, Gate.CARRIER)]
    units = [by_gate[g] for g in (Gate.PACKED, Gate.LABELLED)]
    general = by_gate[Gate.HOLD_FREE].passed == 0 and by_gate[Gate.HOLD_FREE].stand is Stand.CLOSED
    stopped = general or by_gate[Gate.CREDIT].stand is Stand.CLOSED
    ready = on_record = blocked = Decimal(0)
    for batch in q.supply.batches:
        if stopped or batch.holds or (batch.quality.passes is False and batch.quality.stops):
            blocked += batch.value
            continue
        blocked += batch.held()
        free = batch.value - batch.held()
        by_events = not batch.packs and all(g.stand is Stand.OPEN for g in units)
        ready += min(free, free if by_events else batch.ready()) if batch.quality.passes else Decimal(0)
        on_record += Decimal(0) if batch.quality.passes is False else min(free, batch.not_ruled_out())
    on_record = min([on_record, *(g.passed for g in (*whole, *units) if g.stand is not Stand.UNKNOWN)])
    ready = min([ready, *(g.passed if g.stand is not Stand.UNKNOWN else Decimal(0) for g in (*whole, *units))])
    left = wanted - shipped
    # What has left is made, and no longer waits at any gate.
    waiting = max(Decimal(0), q.supply.made - shipped)
    shippable = min(ready, left, waiting)
    held = min(blocked, waiting - shippable, left - shippable)
    at_risk = max(Decimal(0), min(waiting, left) - shippable - held)
    return Buckets(
        wanted=wanted,
        shippable=shippable,
        at_risk=at_risk,
        blocked=held,
        not_made=left - shippable - held - at_risk,
        shipped=shipped,
        on_record=min(on_record, left, waiting),
    )
