"""The cases that a thing has on record: a hold, a lot, an order, an alarm, what happens on equipment now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from lineside.interpretation.facts import Facts, plain_id
from lineside.interpretation.occurrences import Occurrence
from lineside.interpretation.pattern_rules import pattern_rules
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within


def cases_of(view: View, known: Sequence[Occurrence], thing: Entity) -> list[Occurrence]:
    """What of the known cases is of the thing, what lasts and what is newest last; none where it has none.

    Of equipment: what lasts at or below it, else what happened there within the hours that the pack calls now. A hold
    that no event tells of is a case by its reports. A maintenance order's are those of its equipment.
    """
    match thing.kind:
        case EntityKind.EQUIPMENT:
            found = _now(view, known, thing.id)
        case EntityKind.MATERIAL:
            found = [c for c in known if c.material == thing.id or c.equipment == str(thing)]
        case EntityKind.MAINTENANCE_ORDER:
            place = Facts(view).best(thing, "equipment")
            found = _now(view, known, place.text) if place else []
        case _:
            found = [c for c in known if thing.id in c.about]
            lines = [c for c in known if any(name.startswith(f"{thing.id}/") for name in c.about)]
            found = found or (lines if thing.kind == EntityKind.SALES_ORDER else [])
    if not found and thing.kind == EntityKind.HOLD and (held := _reported_hold(view, thing)):
        found = [held]
    return sorted(found, key=lambda c: (c.end is None, c.start, c.records))


def _now(view: View, known: Sequence[Occurrence], place: str) -> list[Occurrence]:
    there = [c for c in known if within(c.equipment, place)]
    lasting = [c for c in there if c.end is None]
    since = view.as_of - timedelta(hours=pattern_rules()["still_now_hours"])
    return lasting or [c for c in there if (c.end or c.start) >= since]


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
