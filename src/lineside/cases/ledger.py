"""The ledger of cases: transitions are only ever added, each in one transaction with the case that it moves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from lineside.cases.case import Case, Transition, changes_of, told
from lineside.cases.classes import State
from lineside.cases.tables import case_evidence, case_looks, case_transitions, cases
from lineside.errors import NotFound, ProposalStale
from lineside.memory.moments import moment, stored

_CHUNK = 400
OPENED, CLOSED, BESIDE = "opened", "closed", "beside"
"""The parts of evidence: what opened a case, what proves its end, what else tells of it."""


def load(connection: Connection, numbers: Iterable[int], *, as_of: datetime | None = None) -> list[Case]:
    """These cases as they stood at `as_of`, by default now; those that were not opened by then are left out."""
    wanted = sorted(set(numbers))
    found = transitions(connection, wanted, as_of=as_of)
    return [told(found[number]) for number in wanted if found.get(number)]


def transitions(
    connection: Connection, numbers: Sequence[int], *, as_of: datetime | None = None
) -> dict[int, list[Transition]]:
    """Everything that happened to each of these cases by then, oldest first."""
    found: dict[int, list[Transition]] = {number: [] for number in numbers}
    table = case_transitions
    for start in range(0, len(numbers), _CHUNK):
        query = select(table).where(table.c.case_number.in_(numbers[start : start + _CHUNK]))
        if as_of is not None:
            query = query.where(table.c.at <= stored(as_of))
        for row in connection.execute(query.order_by(table.c.case_number, table.c.number)):
            found[row.case_number].append(_transition(row))
    return found


def standing(connection: Connection, since: datetime) -> list[Case]:
    """The open cases, and those that were over or began no longer ago than `since`."""
    query: Select[Any] = select(cases.c.number).where(
        (cases.c.is_open == 1)
        | (cases.c.began >= stored(since))
        | (cases.c.ended >= stored(since))
        | (cases.c.over_at >= stored(since))
    )
    return load(connection, connection.scalars(query).all())


def earliest_open(connection: Connection, classes: Sequence[str]) -> datetime | None:
    """When the oldest disturbance began whose case is open, among cases of these classes."""
    mine = select(func.min(cases.c.began)).where(cases.c.is_open == 1, cases.c.case_class.in_(classes))
    found: int | None = connection.scalar(mine)
    return moment(found)


def one(connection: Connection, number: int) -> Case:
    """The case as it stands. Raises NotFound."""
    found = load(connection, [number])
    if not found:
        raise NotFound(f"there is no exception EXC-{number}", case=number)
    return found[0]


def next_number(connection: Connection) -> int:
    """The number of the next case; only for who holds the writer's place."""
    return (connection.scalar(select(func.max(cases.c.number))) or 0) + 1


def add(connection: Connection, case: Case, transition: Transition) -> None:
    """The transition is in the ledger, and the case stands as it says. case: after the transition.

    Raises ProposalStale where somebody else moved the case meanwhile; then nothing changed.
    """
    row = _row_of(case, transition.at)
    if transition.number == 1:
        connection.execute(insert(cases).values(number=case.number, version=1, **row))
    else:
        mine = update(cases).where(cases.c.number == case.number, cases.c.version == transition.number - 1)
        if connection.execute(mine.values(version=transition.number, **row)).rowcount != 1:
            raise ProposalStale(f"{case.id} was moved by somebody else meanwhile; look again", case=case.number)
    connection.execute(
        insert(case_transitions).values(
            case_number=transition.case,
            number=transition.number,
            kind=transition.kind,
            move=transition.move,
            before=transition.before,
            after=transition.after,
            at=stored(transition.at),
            plant_at=stored(transition.plant_at),
            by=transition.by,
            why=transition.why,
            cites=json.dumps(list(transition.cites)),
            changes=json.dumps(dict(transition.changes), sort_keys=True),
        )
    )


def assemble(connection: Connection, number: int, parts: Mapping[str, Sequence[str]], at: datetime) -> int:
    """The records are evidence of the case; how many are new. parts: by opened, closed, beside."""
    wanted = {record: part for part in (BESIDE, CLOSED, OPENED) for record in parts.get(part, ())}
    known = connection.scalars(select(case_evidence.c.record_id).where(case_evidence.c.case_number == number)).all()
    fresh = [record for record in wanted if record not in set(known)]
    for record in fresh:
        row = {"case_number": number, "record_id": record, "part": wanted[record], "added_at": stored(at)}
        connection.execute(insert(case_evidence).values(row))
    return len(fresh)


def evidence(
    connection: Connection, numbers: Sequence[int], *, as_of: datetime | None = None
) -> dict[int, dict[str, str]]:
    """The records of each case by then, to the part that they have in it."""
    found: dict[int, dict[str, str]] = {number: {} for number in numbers}
    table = case_evidence
    for start in range(0, len(numbers), _CHUNK):
        query = select(table).where(table.c.case_number.in_(numbers[start : start + _CHUNK]))
        if as_of is not None:
            query = query.where(table.c.added_at <= stored(as_of))
        for row in connection.execute(query.order_by(table.c.case_number, table.c.added_at, table.c.record_id)):
            found[row.case_number][row.record_id] = row.part
    return found


def looked(connection: Connection, detectors: Iterable[str], at: datetime) -> frozenset[str]:
    """Those of the detectors that have not looked later than `at`; they have looked up to then now."""
    known = {row.detector: row.looked_at for row in connection.execute(select(case_looks))}
    now, fresh = stored(at), []
    for detector in detectors:
        before = known.get(detector)
        if before is not None and before > now:
            continue
        fresh.append(detector)
        if before is None:
            connection.execute(insert(case_looks).values(detector=detector, looked_at=now))
        elif before < now:
            connection.execute(update(case_looks).where(case_looks.c.detector == detector).values(looked_at=now))
    return frozenset(fresh)


def opening(case: Case, *, at: datetime, by: str, why: str, cites: Sequence[str]) -> Transition:
    """The first transition of a case: all that it is."""
    return Transition(
        case=case.number,
        number=1,
        kind="opened",
        move="open",
        before=None,
        after=State.NEW,
        at=at,
        plant_at=case.began,
        by=by,
        why=why,
        cites=tuple(cites),
        changes=changes_of(case),
    )


def _row_of(case: Case, at: datetime) -> dict[str, Any]:
    over = (case.closed_at or at) if not case.is_open else None
    return {
        "key": case.key,
        "case_class": case.case_class,
        "subject": str(case.subject),
        "place": case.place,
        "state": case.state,
        "is_open": int(case.is_open),
        "began": stored(case.began),
        "ended": stored(case.ended),
        "opened_at": stored(case.opened_at),
        "over_at": stored(over),
        "owner": case.owner,
    }


def _transition(row: Row[Any]) -> Transition:
    return Transition(
        case=row.case_number,
        number=row.number,
        kind=row.kind,
        move=row.move,
        before=State(row.before) if row.before else None,
        after=State(row.after),
        at=moment(row.at),
        plant_at=moment(row.plant_at),
        by=row.by,
        why=row.why,
        cites=tuple(json.loads(row.cites)),
        changes=json.loads(row.changes),
    )
