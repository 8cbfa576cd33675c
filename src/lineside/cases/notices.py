"""What people are to hear of the cases: one opened, came to them, ran out of its clock, or began again.

It is read off the transitions of the open cases, which commit with what they tell: nothing is told that was not written
and nothing written is forgotten, wherever the product was killed. Who has heard what is kept by the memory's notices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineside.cases.case import ESCALATED, MOVED, OPENED, OWNED, RECORDS, Case, Transition
from lineside.cases.classes import CaseClass, State
from lineside.cases.listing import Cases
from lineside.cases.owners import at_work, owner_at
from lineside.memory.notices import mark_told, untold
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.plant import Person

KIND = "case"
"""How the memory files them among all that people were told."""
REOPENED = "reopened"
_OVER = (State.RESOLVED, State.CLOSED, State.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to hear. kind: opened, owned, reopened or escalated. to: whom it was for first, who may be off shift.
    at: when it was written, on the plant's clock."""

    case: Case
    transition: Transition
    kind: str
    to: str
    text: str

    @property
    def key(self) -> str:
        """What names it for good."""
        return f"{self.case.id}.{self.transition.number}"

    @property
    def at(self) -> datetime:
        return self.transition.at


def standing(cases: Cases, *, of: Collection[Case] | None = None) -> list[Notice]:
    """What concerns the reader of these cases now, the newest first, heard or not; of the open ones they may see, or
    of those given. Nothing for who is off shift: that goes to who has the role meanwhile."""
    person, now = cases.reader.person, cases.as_of or cases.memory.clock()
    if person is None or not at_work(ShiftCalendar(cases.memory.plant), person, now):
        return []
    found = [c for c in (cases.list(only_open=True) if of is None else of) if c.is_open]
    told, histories = list[Notice](), cases.histories(found)
    for case in found:
        for to, transition, kind in addressed(case, histories[case.number], cases.pack.classes[case.case_class]):
            if to == person.id or _meanwhile(cases, case, to, now) == person.id:
                told.append(_notice(case, transition, kind, to, person))
    once = {notice.key: notice for notice in sorted(told, key=lambda n: n.to == person.id)}
    return sorted(once.values(), key=lambda n: (n.at, n.transition.case, n.transition.number), reverse=True)


def unheard(cases: Cases, *, of: Collection[Case] | None = None) -> list[Notice]:
    """What the reader has not heard yet of that."""
    found, person = standing(cases, of=of), cases.reader.person
    if not found or person is None:
        return []
    fresh = set(untold(cases.memory, person.id, KIND, [n.key for n in found]))
    return [n for n in found if n.key in fresh]


def heard(cases: Cases, keys: Collection[str]) -> int:
    """These stand as told to the reader, once and for all; how many had not been. Others' are left alone."""
    person = cases.reader.person
    mine = [n.key for n in standing(cases) if n.key in set(keys)] if keys else []
    return mark_told(cases.memory, person.id, KIND, mine) if person and mine else 0


def addressed(case: Case, history: Sequence[Transition], of: CaseClass) -> Iterator[tuple[str, Transition, str]]:
    """Whom the story of an open case concerns as it stands, by which transition and why: its owner by how it came to
    them last, and whoever hears since its clock ran out. What began again within the class's damping only flaps."""
    owner: str | None = None
    yours: tuple[Transition, str] | None = None
    late = dict[str, Transition]()
    over: Transition | None = None
    for each in history:
        if each.kind in (OPENED, OWNED):
            owner = _name(each, "owner")
            yours = each, each.kind
        elif each.kind == ESCALATED:
            late |= {to: each for to in (owner, _name(each, "escalated_to")) if to}
        elif each.kind == MOVED and each.move == "reopen":
            late.clear()
            flaps = over is not None and each.by == RECORDS and each.plant_at - over.plant_at < of.damping
            yours = yours if flaps else (each, REOPENED)
        elif each.kind == MOVED and each.after is not State.ACKNOWLEDGED:
            late.clear()
            over = each if each.after in _OVER else over
    if case.owner and yours and yours[0].by != case.owner:
        yield case.owner, *yours
    for to, each in late.items():
        if to == case.owner or each.changes.get("escalated_to") == to:
            yield to, each, ESCALATED


def _name(transition: Transition, field: str) -> str | None:
    value = transition.changes.get(field)
    return value if isinstance(value, str) else None


def _meanwhile(cases: Cases, case: Case, to: str, now: datetime) -> str | None:
    """Who has the role of whom it is for, while that one is off shift."""
    calendar, pack = ShiftCalendar(cases.memory.plant), cases.pack
    meant = calendar.plant.person(to)
    if meant is None or at_work(calendar, meant, now):
        return None
    chain = (case.role, *pack.classes[case.case_class].escalates)
    role = next((r for r in chain if any(pack.of_role(r, held) for held in meant.roles)), case.role)
    return owner_at(pack, calendar, (role,), now).person


def _notice(case: Case, transition: Transition, kind: str, to: str, person: Person) -> Notice:
    what = f"{case.title} ({case.severity.name.casefold()})"
    match kind:
        case "opened":
            text = f"{case.id} is yours: {what}"
        case "owned":
            text = f"{case.id} has come to you: {what}; {transition.why}"
        case "reopened":
            text = f"{case.id} is open again: {what}; {transition.why}"
        case _:
            text = f"{case.id} ran out of its time: {what}; {transition.why}"
    if to != person.id:
        text += f"; for {to}, who is off shift"
    return Notice(case=case, transition=transition, kind=kind, to=to, text=f"{text}.")
