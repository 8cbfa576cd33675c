"""The cases that a thing has on record: a hold, a lot, an order, an alarm, what happens on equipment now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from lineside.interpretation.facts import Facts, plain_id
from lineside.interpretation.occurrences import KINDS, Occurrence, happened, late, lost, occurrences
from lineside.interpretation.pattern_rules import pattern_rules
from lineside.interpretation.running import running_on
from lineside.interpretation.stops import OPENS
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Event
from lineside.plant.windows import Window

_INSTANT = timedelta(microseconds=1)


def cases_of(view: View, thing: Entity) -> list[Occurrence]:
    """What can repeat and is of the thing, what lasts and what is newest last; none where it has none.

    Of equipment: what lasts at or below it, else what happened there within the hours that the pack calls now. A hold
    that no event tells of is a case by its reports. A maintenance order's are those of its equipment.
    """
    match thing.kind:
        case EntityKind.EQUIPMENT:
            found = _now(view, thing.id)
        case EntityKind.MATERIAL:
            found = [c for c in occurrences(view) if c.material == thing.id or c.equipment == str(thing)]
        case EntityKind.MAINTENANCE_ORDER:
            place = Facts(view).best(thing, "equipment")
            found = _now(view, place.text) if place else []
        case EntityKind.SALES_ORDER:
            found = _about(view, thing) or [c for c in late(view) if any(n.startswith(f"{thing.id}/") for n in c.about)]
        case EntityKind.SALES_ORDER_LINE:
            found = [*_about(view, thing), *(c for c in late(view) if thing.id in c.about)]
        case _:
            found = _about(view, thing)
    if not found and thing.kind == EntityKind.HOLD and (held := _reported_hold(view, thing)):
        found = [held]
    return sorted(found, key=lambda c: (c.end is None, c.start, c.records))


def cases_with(view: View, events: Sequence[Event]) -> list[Occurrence]:
    """The cases of the moments and the places of the events, of which some may rest on them."""
    ran = running_on(view).at
    found: list[Occurrence] = []
    lines: dict[str | None, list[datetime]] = {}
    for event in events:
        when = event.provenance.occurred_at
        if event.kind in KINDS:
            found += happened(view, (event.kind,), None, Window(start=when, end=when + _INSTANT), ran=ran)
        elif event.kind == "departed":
            found += late(view, Window(start=when, end=when + _INSTANT))
        else:
            lines.setdefault(work_center(event.equipment) if event.equipment else None, []).append(when)
    for line, moments in lines.items():
        found += lost(view, line, Window(start=min(moments) - _INSTANT, end=max(moments) + _INSTANT), ran=ran)
    return found


def _about(view: View, thing: Entity) -> list[Occurrence]:
    """What names the thing itself."""
    kinds = (*KINDS, *OPENS)
    events = [event for event in view.events(kinds=kinds, about=thing) if not view.plant.elsewhere(event.equipment)]
    return list({c.records: c for c in cases_with(view, events) if thing.id in c.about}.values())


def _now(view: View, place: str) -> list[Occurrence]:
    ran, until = running_on(view).at, view.as_of + _INSTANT
    since = view.as_of - timedelta(hours=pattern_rules()["still_now_hours"])
    recent = Window(start=since - _INSTANT, end=until)
    there = [
        *lost(view, place, recent, ran=ran), *happened(view, KINDS, place, recent, ran=ran),
        *(c for c in late(view, recent) if within(c.equipment, place)),
    ]  # fmt: skip
    return [c for c in there if c.end is None] or [c for c in there if (c.end or c.start) >= since]


def _reported_hold(view: View, hold: Entity) -> Occurrence | None:
    facts = Facts(view)
    reason, subject = facts.best(hold, "reason"), facts.best(hold, "subject")
    first = min(facts.about(hold), key=lambda s: (s.occurred_at, s.record_id), default=None)
    if first is None:
        return None
    lot = plain_id(subject.value, "lot") if subject else None
    made = facts.best(Entity(EntityKind.LOT, lot), "material") if lot else None
    return Occurrence(
        kind="hold_placed",
        label=reason.text if reason else "",
        equipment="",
        start=first.occurred_at,
        end=first.occurred_at,
        records=tuple(dict.fromkeys(s.record_id for s in (first, reason, subject) if s is not None)),
        material=made.text if made else None,
        about=tuple(filter(None, (hold.id, lot))),
    )
