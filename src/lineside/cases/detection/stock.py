"""Stock on whose quantity systems differ for a reason that does not pass by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation.differences import bridged, differing
from lineside.interpretation.past import Past
from lineside.interpretation.steps import Bridge
from lineside.interpretation.stock import Figure, Stock
from lineside.interpretation.wording import bounded
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.quantities import plain

_FLOOR = timedelta(days=14)  # what moved before is in both figures


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """What differs now, since the figures last agreed. What came and went between two looks is not found."""
    stocks, _, _ = differing(look.facts)
    share = Decimal(str(of.opens.get("share", 0)))
    wide = [s for s in stocks if _width(s) > share * max(abs(f.value) for f in s.whole)]
    passing = frozenset(of.opens.get("passing", ()))
    past = Past(look.facts, floor=look.view.as_of - _FLOOR)
    found = []
    for stock, bridges in bridged(past, wide):
        if not any(b.rest or any(step.name not in passing for step in b.steps) for b in bridges):
            continue
        began = _since(look, stock)
        if began <= look.view.as_of - of.seconds("after_s"):
            found.append(_episode(of, stock, bridges, began))
    return found


def ending(look: Look, subject: Entity) -> tuple[datetime, tuple[str, ...]] | None:
    """When figures that differed were last told, now that they agree, with the records."""
    stocks = [s for s in differing(look.facts)[0] if s.about == subject]
    said = look.facts.positions(subject.id) or [s for s in look.facts.about(subject) if s.property == "quantity"]
    if stocks or not said:
        return None
    newest = {s.source: s for s in sorted(said, key=lambda s: (s.occurred_at, s.record_id))}
    return max(s.occurred_at for s in newest.values()), tuple(s.record_id for s in newest.values())


def _width(stock: Stock) -> Decimal:
    values = [f.value for f in stock.whole]
    return max(values) - min(values) if values else Decimal(0)


def _since(look: Look, stock: Stock) -> datetime:
    """When the figures began to differ without agreeing again since, by what each source told; in the day before, where
    they were never seen to agree."""
    things = {p.statement.entity for f in stock.whole for p in f.parts}
    floor = look.view.as_of - _FLOOR
    told = sorted(
        (s for history in look.history_of(things, "quantity").values() for s in history if s.occurred_at >= floor),
        key=lambda s: (s.occurred_at, s.record_id),
    )
    newest: dict[tuple[str, str | None], dict[Entity, Statement]] = {_lane(f): {} for f in stock.whole}
    began: datetime | None = None
    for said in told:
        if (said.source, said.scope) not in newest:
            continue
        newest[said.source, said.scope][said.entity] = said
        totals = [_total(f, newest[_lane(f)]) for f in stock.whole]
        if None in totals:
            continue
        if len(set(totals)) == 1:
            began = None
        elif began is None:
            began = said.occurred_at
    return began or min(f.at for f in stock.whole)


def _lane(figure: Figure) -> tuple[str, str | None]:
    return figure.source, figure.scope


def _total(figure: Figure, newest: dict[Entity, Statement]) -> Decimal | None:
    """The figure as it stood, in the unit in which it is told now; None before every part was told."""
    total = Decimal(0)
    for part in figure.parts:
        said = newest.get(part.statement.entity)
        amount, now = said.quantity if said else None, part.statement.quantity
        if amount is None or now is None or amount.unit != now.unit:
            return None
        total += amount.value * (part.value / now.value if now.value else Decimal(1))
    return total


def _episode(of: CaseClass, stock: Stock, bridges: Sequence[Bridge], began: datetime) -> Episode:
    figures = ", ".join(f"{f.source} {f.amount}" for f in stock.whole)
    unexplained = sum((abs(b.rest) for b in bridges), Decimal(0))
    opened = tuple(dict.fromkeys(c for f in stock.whole for c in f.cites))
    why = [step.name for b in bridges for step in b.steps]
    why += [f"{plain(unexplained)} {stock.unit} unexplained".replace("  ", " ")] if unexplained else []
    return Episode(
        case_class=of.key,
        subject=stock.about,
        title=f"{stock.about.id}: {figures}",
        began=began,
        ended=None,
        opened_by=bounded(opened),
        evidence=bounded(dict.fromkeys(c for b in bridges for step in b.steps for c in step.cites)),
        reason=", ".join(dict.fromkeys(why)),
        touches=frozenset({stock.about, *([Entity("material", stock.material)] if stock.material else ())}),
        data={"difference": plain(_width(stock)), "unit": stock.unit},
    )
