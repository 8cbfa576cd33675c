"""Handling units that have no label although their goods leave soon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lineside.cases.classes import CaseClass
from lineside.cases.detection.leaving import carried, departures, gone
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation.supply import flag
from lineside.interpretation.wording import bounded, counted
from lineside.memory import Statement
from lineside.plant.entities import Entity


@dataclass(frozen=True, slots=True)
class _Bare:
    """A unit that had no label for a stretch. labelled: the record that says that it has one now."""

    unit: Entity
    began: datetime
    ended: datetime | None
    opened: str
    labelled: str | None
    leaves: datetime


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """One episode for each line of which units are said to be without a label so shortly before it leaves, until all
    have one or the goods are gone."""
    histories = look.history("handling_unit", "labelled")
    bare = {u: history for u, history in histories.items() if any(flag(s) is False for s in history)}
    if not bare:
        return []
    look.facts.load("handling_unit", "sales_order_line", "lot")
    look.facts.load("shipment", "planned_departure")
    leaves = departures(look, carried(look))
    by_line: dict[Entity, list[_Bare]] = defaultdict(list)
    for unit, history in bare.items():
        for line in _lines(look, unit):
            stretch = _stretch(look, of, unit, history, leaves.get(line, ()))
            if stretch is not None:
                by_line[line].append(stretch)
    ends = gone(look, by_line)
    found = (_episode(look, of, line, units, ends.get(line)) for line, units in sorted(by_line.items()))
    return [each for each in found if each.ended is None or each.ended > each.began]


def _lines(look: Look, unit: Entity) -> list[Entity]:
    own = [line for line, _ in look.facts.linked(unit, "sales_order_line")]
    return own or look.lines_of(lot for lot, _ in look.facts.linked(unit, "lot"))


def _stretch(
    look: Look, of: CaseClass, unit: Entity, history: Sequence[Statement], leaves: Sequence[datetime]
) -> _Bare | None:
    """From so shortly before its first departure, at the earliest from when it was said to have none, to its label."""
    opened = next(s for s in history if flag(s) is False)
    coming = [when for when in leaves if when >= opened.occurred_at]
    if not coming:
        return None
    began = max(opened.occurred_at, coming[0] - of.seconds("ahead_s"))
    done = next((s for s in history if flag(s) and s.occurred_at > opened.occurred_at), None)
    if began > look.view.as_of or (done is not None and done.occurred_at <= began):
        return None
    return _Bare(
        unit,
        began,
        done.occurred_at if done else None,
        opened.record_id,
        done.record_id if done else None,
        coming[0],
    )


def _episode(
    look: Look, of: CaseClass, line: Entity, units: Sequence[_Bare], left: tuple[datetime, str] | None
) -> Episode:
    units = sorted(units, key=lambda each: (each.began, each.unit))
    waiting = [each for each in units if each.ended is None]
    ended = None if waiting else max(each.ended for each in units if each.ended)
    closed = tuple(each.labelled for each in units if each.labelled) if ended else ()
    if left is not None and (ended is None or left[0] < ended):
        ended, closed = left[0], (left[1],)
    lots = {lot for each in units for lot, _ in look.facts.linked(each.unit, "lot")}
    return Episode(
        case_class=of.key,
        subject=line,
        title=f"{line.id} has {counted(len(units), 'unit')} without a label",
        began=units[0].began,
        ended=ended,
        opened_by=bounded(tuple(each.opened for each in units)),
        closed_by=bounded(closed),
        touches=frozenset({line, *lots, *(each.unit for each in units), *({line.parent} if line.parent else ())}),
        due=min(each.leaves for each in units),
        data={"units": [each.unit.id for each in units]},
    )
