"""What people are to hear of the cases: one opened, came to them, ran out of its clock, or began again.

It is read off the transitions of the open cases, which commit with what they tell: nothing is told that was not written
and nothing written is forgotten, wherever the product was killed. Who has heard what is kept by the memory's notices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from lineside.cases.case import ESCALATED, MOVED, OPENED, OWNED, RECORDS, Case, Transition
from lineside.cases.classes import CaseClass, State
from lineside.cases.listing import Cases
from lineside.cases.owners import at_work, owner_at
from lineside.memory.notices import mark_told, untold
from lineside.plant.calendar import ShiftCalendar

KIND = "case"
"""How the memory files them among all that people were told."""
REOPENED = "reopened"
_DONE = {OPENED: "opened", OWNED: "passed on", REOPENED: "open again", ESCALATED: "escalated"}
_OVER = (State.RESOLVED, State.CLOSED, State.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What there is to hear of one case, by the last of what came: kind is opened, owned, reopened or escalated. to:
    whom that was for first, who may be off shift. at: when it was written, on the plant's clock. tells: the keys of all
    that it tells of, the last one's own among them; its text names each with its time."""

    case: Case
    transition: Transition
    kind: str
    to: str
    text: str
    tells: tuple[str, ...]

    @property
    def key(self) -> str:
        """What names it for good."""
        return _key(self.case, self.transition)

    @property
    def at(self) -> datetime:
        return self.transition.at


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """One thing that happened to a case and concerns the reader."""

    case: Case
    transition: Transition
    kind: str
    to: str

    @property
    def key(self) -> str:
        return _key(self.case, self.transition)


def standing(cases: Cases, *, of: Collection[Case] | None = None) -> list[Notice]:
    """What concerns the reader of these cases now, one notice for each, newest first, heard or not; of the open ones
    they may see, or of those given. Nothing for who is off shift: that goes to who has the role meanwhile."""
    return _by_case(cases, _events(cases, of))


def unheard(cases: Cases, *, of: Collection[Case] | None = None) -> list[Notice]:
    """What the reader has not heard yet of that."""
    return _by_case(cases, _fresh(cases, _events(cases, of)))


def heard(cases: Cases, keys: Collection[str]) -> int:
    """What these notices tell of stands as told to the reader, once and for all; how much of it had not been. Others'
    are left alone, as is what came since."""
    person = cases.reader.person
    if person is None or not keys:
        return 0
    events = _events(cases, None)
    last = {e.case.number: e.transition.number for e in events if e.key in set(keys)}
    mine = [e.key for e in events if e.transition.number <= last.get(e.case.number, 0)]
    return mark_told(cases.memory, person.id, KIND, mine) if mine else 0


def _events(cases: Cases, of: Collection[Case] | None) -> list[_Event]:
    """In the order in which they were written, of one case after the other."""
    person, now = cases.reader.person, cases.as_of or cases.memory.clock()
    if person is None or not at_work(ShiftCalendar(cases.memory.plant), person, now):
        return []
    found = [c for c in (cases.list(only_open=True) if of is None else of) if c.is_open]
    told, histories = list[_Event](), cases.histories(found)
    for case in found:
        for to, transition, kind in addressed(case, histories[case.number], cases.pack.classes[case.case_class]):
            if to == person.id or _meanwhile(cases, case, to, now) == person.id:
                told.append(_Event(case=case, transition=transition, kind=kind, to=to))
    once = {event.key: event for event in sorted(told, key=lambda e: e.to == person.id)}
    return sorted(once.values(), key=lambda e: (e.case.number, e.transition.number))


def _fresh(cases: Cases, events: Sequence[_Event]) -> list[_Event]:
    person = cases.reader.person
    fresh = set(untold(cases.memory, person.id, KIND, [e.key for e in events])) if person and events else set()
    return [e for e in events if e.key in fresh]


def _by_case(cases: Cases, events: Sequence[_Event]) -> list[Notice]:
    told = [_notice(cases, list(of)) for _, of in groupby(events, key=lambda e: e.case.number)]
    return sorted(told, key=lambda n: (n.at, n.case.number), reverse=True)


def addressed(case: Case, history: Sequence[Transition], of: CaseClass) -> Iterator[tuple[str, Transition, str]]:
    """Whom the story of an open case concerns as it stands, by which transitions and why: its owner by each by which it
    came to them, and whoever hears since its clock ran out. What began again within the class's damping only flaps."""
    owner: str | None = None
    came: list[tuple[str | None, Transition, str]] = []
    late: list[tuple[str, Transition]] = []
    over: Transition | None = None
    for each in history:
        if each.kind in (OPENED, OWNED):
            owner = _name(each, "owner")
            came.append((owner, each, each.kind))
        elif each.kind == ESCALATED:
            late += [(to, each) for to in dict.fromkeys((owner, _name(each, "escalated_to"))) if to]
        elif each.kind == MOVED and each.move == "reopen":
            late.clear()
            flaps = over is not None and each.by == RECORDS and each.plant_at - over.plant_at < of.damping
            if not flaps:
                came.append((owner, each, REOPENED))
        elif each.kind == MOVED and each.after is not State.ACKNOWLEDGED:
            late.clear()
            over = each if each.after in _OVER else over
    for to, each, kind in came:
        if to and to == case.owner and each.by != case.owner:
            yield to, each, kind
    for to, each in late:
        if to == case.owner or each.changes.get("escalated_to") == to:
            yield to, each, ESCALATED


def _key(case: Case, transition: Transition) -> str:
    return f"{case.id}.{transition.number}"


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


def _notice(cases: Cases, events: Sequence[_Event]) -> Notice:
    """One line for all that there is to hear of a case."""
    last, person = events[-1], cases.reader.person
    case, why = last.case, last.transition.why
    what = f"{case.title} ({case.severity.name.casefold()})"
    match last.kind:
        case "opened":
            text = f"{case.id} is yours: {what}"
        case "owned":
            text = f"{case.id} has come to you: {what}; {why}"
        case "reopened":
            text = f"{case.id} is open again: {what}; {why}"
        case _:
            text = f"{case.id} ran out of its time: {what}; {why}"
    if len(events) > 1:
        text += f"; {', '.join(_when(cases, each) for each in events)}"
    if person is not None and last.to != person.id:
        text += f"; for {last.to}, who is off shift"
    return Notice(
        case=case,
        transition=last.transition,
        kind=last.kind,
        to=last.to,
        text=f"{text}.",
        tells=tuple(each.key for each in events),
    )


def _when(cases: Cases, each: _Event) -> str:
    """`escalated 08:32`, with the date where it was another day."""
    zone = cases.memory.plant.time_zone
    at, now = (t.astimezone(zone) for t in (each.transition.plant_at, cases.as_of or cases.memory.clock()))
    return f"{_DONE[each.kind]} {at:%H:%M}" if at.date() == now.date() else f"{_DONE[each.kind]} {at:%Y-%m-%d %H:%M}"
