"""Who answers for a case: by role, by the shift at that moment, and who may move it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineside.cases.classes import CaseClass, CasePack, folded
from lineside.plant.calendar import ShiftCalendar, ShiftSlot
from lineside.plant.plant import Person, Plant


@dataclass(frozen=True, slots=True)
class Owner:
    """The role that answers, and who holds it; None where the plant file gives it to nobody."""

    role: str
    person: str | None


def owner_at(pack: CasePack, calendar: ShiftCalendar, roles: Sequence[str], moment: datetime) -> Owner:
    """The holder of the first of these roles that somebody at the site has: of the crew at work then, else the first
    that the plant file names."""
    plant = calendar.plant
    slot = calendar.at(moment)
    for role in roles:
        held = [p for p in plant.people if _here(p, plant) and any(pack.of_role(role, each) for each in p.roles)]
        if held:
            return Owner(role, _on_shift(plant, held, slot).id)
    return Owner(roles[0] if roles else "", None)


def answering(of: CaseClass) -> tuple[str, ...]:
    """The roles that answer for a case of the class, the first that somebody holds before the next: its own, then those
    that it would escalate to, since nobody could acknowledge it or let its clock run out before."""
    return (*of.owner, *of.escalates)


def next_to_hear(
    pack: CasePack, calendar: ShiftCalendar, of: CaseClass, level: int, moment: datetime
) -> tuple[Owner, int]:
    """Whom a case that ran out of its time for the `level`th time goes to, and the level that it has then: a role that
    nobody holds is passed over at once."""
    for place, role in enumerate(of.escalates[level:], start=level + 1):
        if (owner := owner_at(pack, calendar, (role,), moment)).person:
            return owner, place
    return Owner(of.escalates[level], None), level + 1


def unheld(pack: CasePack, plant: Plant, of: CaseClass) -> tuple[str, ...]:
    """The class's own roles, where the plant file gives none of them to anybody at the site."""
    return () if any(_held(pack, plant, role) for role in of.owner) else of.owner


def unowned(pack: CasePack, plant: Plant, of: CaseClass) -> str:
    """A sentence on who hears of cases of a class whose roles nobody holds; empty where somebody holds one."""
    if not (roles := unheld(pack, plant, of)):
        return ""
    told = " or ".join(role.replace("_", " ") for role in roles)
    held = next((role for role in of.escalates if _held(pack, plant, role)), None)
    goes = f"such cases go to {held.replace('_', ' ')} at once" if held else "nobody hears of such cases"
    return f"nobody has the role {told} for {of.name.casefold()}: {goes}"


def at_work(calendar: ShiftCalendar, person: Person, moment: datetime) -> bool:
    """Whether the person's crew or shift works then; whoever is bound to none is always there."""
    if not _bound(calendar.plant, person):
        return True
    return _of_shift(person, calendar.at(moment))


def turns(
    pack: CasePack, calendar: ShiftCalendar, roles: Sequence[str], began: datetime, until: datetime
) -> Iterator[tuple[datetime, Owner]]:
    """When the owner changes with the shift, after `began` and by `until`, and to whom."""
    before = owner_at(pack, calendar, roles, began)
    for slot in calendar.between(began, until):
        if began < slot.start <= until:
            owner = owner_at(pack, calendar, roles, slot.start)
            if owner != before:
                yield slot.start, owner
            before = owner


def may_move(pack: CasePack, of: CaseClass, plant: Plant, person: Person, *, owner: str | None, may: str) -> bool:
    """Whether the person has the right: everybody at the site, or who owns it or has a role of its class or chain."""
    known = next((p for p in plant.people if p.id == person.id), None)
    if known is None or not _here(known, plant):
        return False
    if may == "anybody" or known.id == owner:
        return True
    return any(pack.of_role(role, held) for role in (*of.owner, *of.escalates) for held in known.roles)


def _held(pack: CasePack, plant: Plant, role: str) -> bool:
    return any(pack.of_role(role, each) for p in plant.people if _here(p, plant) for each in p.roles)


def _here(person: Person, plant: Plant) -> bool:
    return not person.sites or plant.site in person.sites


def _on_shift(plant: Plant, held: Sequence[Person], slot: ShiftSlot | None) -> Person:
    """Who of them works then: by their crew, or a role named like the crew or the shift; else the first."""
    here = [p for p in held if _of_shift(p, slot)]
    return next(iter((*here, *(p for p in held if not _bound(plant, p)), *held)))


def _of_shift(person: Person, slot: ShiftSlot | None) -> bool:
    named = {folded(name) for name in ((slot.crew, slot.name) if slot else ()) if name}
    return bool({folded(each) for each in _crews(person)} & named)


def _bound(plant: Plant, person: Person) -> bool:
    crews = {folded(crew) for _, _, crew in plant.roster} | {folded(s.name) for s in plant.shifts}
    return bool({folded(each) for each in _crews(person)} & crews)


def _crews(person: Person) -> tuple[str, ...]:
    return (*person.roles, *((person.crew,) if person.crew else ()))
