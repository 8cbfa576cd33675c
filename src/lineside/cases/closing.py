"""What is still to be done about a case, and by when: its closure criteria one by one, and its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lineside.cases import ledger
from lineside.cases.case import Case
from lineside.cases.classes import CaseClass, State
from lineside.cases.criteria import Proof, proof_of
from lineside.cases.episode import Episode
from lineside.cases.listing import Cases
from lineside.cases.look import Look
from lineside.plant.windows import Window

_UNSEEN = (State.NEW, State.REOPENED)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that the records must prove before the case closes. proof: None while they do not."""

    name: str
    words: str
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done next, `acknowledge` or `contain`, and by when."""

    what: str
    by: datetime


def criteria(cases: Cases, case: Case) -> tuple[Criterion, ...]:
    """The closure criteria of the case's class, each with what proves it by the records that the reader may see."""
    view, pack = cases.view(), cases.pack
    opened = view.records(case.opened_records)
    parts = cases.evidence(case.number)
    episode = Episode(
        case_class=case.case_class,
        subject=case.subject,
        title=case.title,
        began=case.began,
        ended=case.ended,
        opened_by=case.opened_records,
        closed_by=tuple(record for record, part in parts.items() if part == ledger.CLOSED),
        place=case.place,
        touches=frozenset({case.subject, *(e for record in opened.values() for e in record.entities())}),
    )
    look = Look(view=view, window=Window(start=min(case.began, view.as_of), end=view.as_of))
    closed = Proof(case.closed_at, ()) if case.state is State.CLOSED and case.closed_at else None
    return tuple(
        Criterion(name, pack.criteria.get(name, name.replace("_", " ")), proof_of(look, name, episode) or closed)
        for name in pack.classes[case.case_class].closed
    )


def next_due(of: CaseClass, case: Case) -> Due | None:
    """What its clock waits for as it stands; None once it is contained."""
    dues = []
    if case.state in _UNSEEN:
        dues.append(Due("acknowledge", case.clock_from + of.acknowledge))
    if case.state in (*_UNSEEN, State.ACKNOWLEDGED) and of.contain:
        dues.append(Due("contain", case.clock_from + of.contain))
    return min(dues, key=lambda due: due.by, default=None)
