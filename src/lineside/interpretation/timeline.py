"""How a figure went over time, as its own source stated it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from lineside.interpretation.past import Past
from lineside.interpretation.stock import Figure
from lineside.memory.statements import order_of_statement
from lineside.plant.entities import Entity
from lineside.plant.records import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The figure as it stood at one time. oldest: when the oldest of the statements that it sums was made."""

    at: datetime
    reported_at: datetime
    oldest: datetime
    value: Decimal


def totals(past: Past, figure: Figure) -> list[Total]:
    """The figure's total at each time that its source stated a part of it, once every part has been stated."""
    facts = past.facts
    stated = {(p.statement.entity, p.statement.property, p.statement.scope) for p in figure.parts}
    history = past.stated({e for e, _, _ in stated}, sorted({name for _, name, _ in stated}))
    said = [
        s
        for s in history
        if (s.entity, s.property, s.scope) in stated
        and s.source == figure.source
        and s.quality is not Quality.BAD
        and s.occurred_at <= facts.view.as_of
    ]
    latest: dict[tuple[Entity, str | None], tuple[datetime, Decimal]] = {}
    found, whole = list[Total](), Decimal(0)
    factors = facts.factors(figure.parts[0].statement.entity.id.partition("@")[0])
    # Parts stated at one moment are one statement of the whole.
    for when, together in groupby(sorted(said, key=order_of_statement), key=lambda s: s.occurred_at):
        last = None
        for statement in together:
            amount = statement.quantity
            value = None if amount is None else amount.to(figure.unit, factors) if amount.unit else amount
            if value is None:
                continue
            key = (statement.entity, statement.scope)
            whole += value.value - (latest[key][1] if key in latest else 0)
            latest[key] = (when, value.value)
            last = statement
        if last is not None and len(latest) == len(figure.parts):
            oldest = min(at for at, _ in latest.values())
            found.append(Total(at=when, reported_at=last.reported_at, oldest=oldest, value=whole))
    return found


def last_agreement(one: list[Total], other: list[Total]) -> datetime | None:
    """Since when at the latest two figures were equal: the older of the two statements that agreed."""
    points = [(each, side) for side, history in ((0, one), (1, other)) for each in history]
    now: dict[int, Total] = {}
    agreed = None
    for each, side in sorted(points, key=lambda pair: (pair[0].at, pair[1])):
        now[side] = each
        if len(now) == 2 and now[0].value == now[1].value:
            agreed = min(now[0].oldest, now[1].oldest)
    return agreed
