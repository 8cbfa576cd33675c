"""Carriers that come later than they said, or do not come: shipments going out, purchases coming in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation import shared_states
from lineside.interpretation.facts import moment
from lineside.interpretation.links import lines_on
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.records import Event

_THERE = {"shipment": frozenset({"loading", "departed", "delivered", "cancelled"}),
          "purchase_order_line": frozenset({"complete", "cancelled"})}  # fmt: skip
_ARRIVES = ("truck_arrived", "loaded", "departed", "goods_receipt")


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """What was said to come by more than the class allows later than before, and shipments that are overdue, until they
    are there or said to be in time again."""
    came: dict[Entity, list[Event]] = {}
    for event in look.events(*_ARRIVES):
        for thing in event.entities():
            if thing.kind in _THERE:
                came.setdefault(thing, []).append(event)
    found = []
    for kind in _THERE:
        names = ("eta", "planned_departure", "status")
        for thing, history in look.history(kind, *names).items():
            stretch = _stretch(look, of, thing, history, came.get(thing, ()))
            if stretch is not None and look.overlaps(stretch.began, stretch.ended):
                found.append(stretch)
    return found


def _stretch(
    look: Look, of: CaseClass, thing: Entity, history: Sequence[Statement], came: Sequence[Event]
) -> Episode | None:
    later = of.seconds("later_s")
    there = _there(thing, history, came)
    said = _slipped(history, later)
    begun: list[tuple[datetime, tuple[str, ...], str]] = []
    if said is not None:
        begun.append((said[0].occurred_at, (said[0].record_id,), f"said to come {_by(said[1])} later"))
    if thing.kind == "shipment" and (due := _due(history)) is not None:
        begun.append((due[0] + later, (due[1],), "overdue"))
    begun = [b for b in begun if b[0] <= look.view.as_of and (there is None or b[0] < there[0])]
    if not begun:
        return None
    began, opened, what = min(begun)
    back = _back(history, began, later) if what != "overdue" else None
    ends = [e for e in (there, back) if e is not None and e[0] >= began]
    end = min(ends, default=None)
    material = look.facts.best(thing, "material")
    things = {thing, *(lines_on(look.facts, thing) if thing.kind == "shipment" else ())}
    things |= {Entity("material", material.text)} if material else set()
    return Episode(
        case_class=of.key,
        subject=thing,
        title=f"{thing.id} is {what}" + (f" ({material.text})" if material else ""),
        began=began,
        ended=end[0] if end else None,
        opened_by=opened,
        closed_by=(end[1],) if end else (),
        touches=frozenset(things),
        due=look.time(thing, "planned_departure") or look.time(thing, "eta"),
    )


def _there(thing: Entity, history: Iterable[Statement], came: Iterable[Event]) -> tuple[datetime, str] | None:
    words = [
        (s.occurred_at, s.record_id)
        for s in history
        if s.property == "status" and shared_states.state_of(thing.kind, "status", s.value) in _THERE[thing.kind]
    ]
    return min((*words, *((e.provenance.occurred_at, e.provenance.record_id) for e in came)), default=None)


def _slipped(history: Iterable[Statement], later: timedelta) -> tuple[Statement, timedelta] | None:
    """The first word that put it off by more than is allowed, and by how much."""
    first: datetime | None = None
    for said in history:
        when = moment(said.value) if said.property == "eta" else None
        if when is None:
            continue
        first = first or when
        if when - first > later:
            return said, when - first
    return None


def _back(history: Iterable[Statement], began: datetime, later: timedelta) -> tuple[datetime, str] | None:
    """When it was said to be in time again, for good."""
    times = [(s, when) for s in history if s.property == "eta" and (when := moment(s.value))]
    last = times[-1] if times else None
    if last is None or last[1] - times[0][1] > later:
        return None
    back = next(s for n, (s, _) in enumerate(times)
                if s.occurred_at > began and all(w - times[0][1] <= later for _, w in times[n:]))  # fmt: skip
    return back.occurred_at, back.record_id


def _due(history: Iterable[Statement]) -> tuple[datetime, str] | None:
    """When it was last said to leave."""
    said = [s for s in history if s.property == "planned_departure" and moment(s.value)]
    when = moment(said[-1].value) if said else None
    return (when, said[-1].record_id) if when else None


def _by(delay: timedelta) -> str:
    hours = delay.total_seconds() / 3600
    return f"{hours:.0f} h" if hours >= 2 else f"{delay.total_seconds() / 60:.0f} min"
