"""Which exceptions somebody wants to see, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lineside.app import Lineside
from lineside.cases import Case, Cases, State, case_id
from lineside.cases.owners import at_work, owner_at
from lineside.plant.calendar import ShiftCalendar
from lineside.serve.case_rows import row


class Sort(StrEnum):
    """What stands first: the gravest, the one whose clock ends first, the oldest; or by class, state or owner."""

    SEVERITY = "severity"
    CLOCK = "clock"
    AGE = "age"
    CLASS = "class"
    STATE = "state"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for; empty asks nothing. of: a class. place: with what lies below it."""

    states: tuple[State, ...] = ()
    only_open: bool = True
    of: str = ""
    place: str = ""
    owner: str = ""
    mine: bool = False
    overdue: bool = False
    sort: Sort = Sort.SEVERITY


def board(lineside: Lineside, cases: Cases, wanted: Wanted) -> list[dict[str, Any]]:
    """The rows that are wanted, of those that the reader may see, in that order; equal ones the gravest first."""
    found = cases.list(
        states=wanted.states,
        only_open=wanted.only_open,
        classes=[wanted.of] if wanted.of else (),
        place=wanted.place or None,
        owner=wanted.owner or None,
    )
    mine = is_mine(lineside, cases)
    led = _effects(cases)
    rows: list[dict[str, Any]] = [
        {**row(lineside, case, now=cases.as_of), "effects": led.get(case.id, [])}
        for case in found
        if not wanted.mine or mine(case)
    ]
    rows = [each for each in rows if not wanted.overdue or overdue(each)]
    order = _ORDERS.get(wanted.sort)
    return sorted(rows, key=order) if order else rows


def _effects(cases: Cases) -> dict[str, list[str]]:
    """The open cases that follow from each, by their ids."""
    found: dict[str, list[str]] = {}
    for case in cases.list(only_open=True):
        if case.caused_by is not None:
            found.setdefault(case_id(case.caused_by), []).append(case.id)
    return found


def is_mine(lineside: Lineside, cases: Cases) -> Callable[[Case], bool]:
    """Tells whether a case is the reader's: owned, escalated to them, waiting for a role of theirs with no owner, or
    its owner is off shift and they stand in."""
    person, pack, calendar = cases.reader.person, cases.pack, ShiftCalendar(lineside.plant)
    now = cases.as_of or lineside.clock()

    def mine(case: Case) -> bool:
        if person is None:
            return False
        if person.id == case.owner or (case.is_open and person.id == case.escalated_to):
            return True
        if case.owner is None:
            return any(pack.of_role(case.role, held) for held in person.roles)
        owner = lineside.plant.person(case.owner)
        if owner is None or at_work(calendar, owner, now):
            return False
        return owner_at(pack, calendar, (case.role,), now).person == person.id

    return mine


def overdue(row: Mapping[str, Any]) -> bool:
    """Whether the clock of the row ran out."""
    return row["next"] is not None and row["next"]["left_s"] < 0


_LAST = float("inf")
_ORDERS: Mapping[Sort, Callable[[Mapping[str, Any]], Any]] = {
    Sort.CLOCK: lambda row: row["next"]["left_s"] if row["next"] else _LAST,
    Sort.AGE: lambda row: -row["age_s"],
    Sort.CLASS: lambda row: row["name"],
    Sort.STATE: lambda row: list(State).index(State(row["state"])),
    Sort.OWNER: lambda row: (row["owner"] is None, row["owner"] or row["role"]),
}
