"""A case and its transitions: what the ledger keeps, and the case as the transitions up to a moment tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lineside.cases.classes import Severity, State
from lineside.plant.entities import Entity
from lineside.plant.records import Json

RECORDS = "records"
"""Who moved a case where the records did, and no person."""

OPENED, MOVED, OWNED, ESCALATED, GRADED, LINKED, RETOLD, NOTED = (
    "opened", "moved", "owned", "escalated", "graded", "linked", "retold", "noted",
)  # fmt: skip
"""What a transition is: the opening, a new state, a new owner, a step of escalation, another severity, a cause,
evidence that tells the same case anew, or a person's note."""

_MOMENTS = (
    "began", "ended", "acknowledged_at", "contained_at", "resolved_at", "closed_at", "due", "owner_since", "clock_from",
    "escalated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One operational exception. Times are the plant's: began, ended of the disturbance; acknowledged_at to closed_at
    when the plant reached that; opened_at when Lineside or a person opened it.

    role: whose it is by its class; owner: the person, None where nobody in the plant file has the role. clock_from:
    since when its clock runs. level: how many steps it was escalated, last at escalated_at, to whom. settled_by: who
    brought it into its state; contained_by: who said that it was contained. opened_records: those that opened it.
    severity_why: what it endangers, in words; empty where that was not kept.
    """

    number: int
    key: str
    case_class: str
    title: str
    subject: Entity
    place: str
    state: State
    severity: Severity
    role: str
    owner: str | None
    owner_since: datetime
    began: datetime
    ended: datetime | None
    opened_at: datetime
    opened_by: str
    clock_from: datetime
    level: int = 0
    escalated_at: datetime | None = None
    escalated_to: str = ""
    acknowledged_at: datetime | None = None
    contained_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    due: datetime | None = None
    caused_by: int | None = None
    settled_by: str = RECORDS
    contained_by: str = RECORDS
    reason: str = ""
    pack: str = ""
    opened_records: tuple[str, ...] = ()
    severity_why: str = ""
    version: int = 0

    @property
    def id(self) -> str:
        return case_id(self.number)

    @property
    def is_open(self) -> bool:
        return self.state not in (State.CLOSED, State.WITHDRAWN)

    def within(self, start: datetime, end: datetime) -> bool:
        """Whether it stood at some time from start to end: from its beginning to its closing."""
        over = self.closed_at or (self.ended if not self.is_open else None)
        return self.began < end and (over is None or over >= start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One thing that happened to a case. at: when it was written, on the plant's clock; plant_at: when it became so in
    the plant. by: a person's id, or `records`. changes: the case's fields that it set, as they are kept."""

    case: int
    number: int
    kind: str
    move: str
    before: State | None
    after: State
    at: datetime
    plant_at: datetime
    by: str
    why: str
    cites: tuple[str, ...] = ()
    changes: Mapping[str, Json] = field(default_factory=dict)


def case_id(number: int) -> str:
    """How people name the case. Screens say exception."""
    return f"EXC-{number}"


def told(transitions: Iterable[Transition]) -> Case:
    """The case as its transitions tell it, the first of them the opening."""
    fields: dict[str, Any] = {}
    number = version = 0
    for each in transitions:
        number, version = each.case, each.number
        fields |= each.changes
        fields["state"] = each.after
        if each.kind in (OPENED, MOVED):
            fields["settled_by"] = each.by
    return _case(number, version, fields)


def moved(case: Case, transition: Transition) -> Case:
    """The case after one more transition."""
    fields = {**changes_of(case), **transition.changes, "state": transition.after}
    if transition.kind in (OPENED, MOVED):
        fields["settled_by"] = transition.by
    return _case(case.number, transition.number, fields)


def changes_of(case: Case) -> dict[str, Json]:
    """All fields of the case, as a transition keeps them."""
    found: dict[str, Json] = {
        name: getattr(case, name)
        for name in ("key", "case_class", "title", "place", "role", "owner", "opened_by", "level", "escalated_to",
                     "caused_by", "reason", "pack", "settled_by", "contained_by", "severity_why")
    }  # fmt: skip
    found |= {name: kept(getattr(case, name)) for name in (*_MOMENTS, "opened_at")}
    return found | {
        "subject": str(case.subject),
        "severity": int(case.severity),
        "opened_records": list(case.opened_records),
    }


def kept(moment: datetime | None) -> str | None:
    """A moment as a transition keeps it."""
    return None if moment is None else moment.isoformat()


def _case(number: int, version: int, fields: Mapping[str, Any]) -> Case:
    moments = {n: datetime.fromisoformat(v) if (v := fields.get(n)) else None for n in _MOMENTS}
    began, since, clock = (moments.pop(n) for n in ("began", "owner_since", "clock_from"))
    if began is None or since is None or clock is None:
        raise ValueError(f"case {number} was never opened")
    return Case(
        number=number,
        key=fields["key"],
        case_class=fields["case_class"],
        title=fields["title"],
        subject=Entity.parse(fields["subject"]),
        place=fields["place"],
        state=State(fields["state"]),
        severity=Severity(fields["severity"]),
        role=fields["role"],
        owner=fields.get("owner"),
        owner_since=since,
        began=began,
        clock_from=clock,
        opened_at=datetime.fromisoformat(fields["opened_at"]),
        opened_by=fields["opened_by"],
        level=fields.get("level", 0),
        escalated_to=fields.get("escalated_to", ""),
        caused_by=fields.get("caused_by"),
        settled_by=fields.get("settled_by", RECORDS),
        contained_by=fields.get("contained_by", RECORDS),
        reason=fields.get("reason", ""),
        pack=fields.get("pack", ""),
        opened_records=tuple(fields.get("opened_records", ())),
        severity_why=fields.get("severity_why", ""),
        version=version,
        **moments,
    )
