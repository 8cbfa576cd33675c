"""What may be written to at all: each target is off until two people have armed it, and off again in one move.

A target is armed for one address and interface; another one under the same name is off. Stopping needs no second
person and no web: one target, one site or everything, from the page, the interface or the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, insert, select, update

from lineside.actions.executors import Target
from lineside.actions.policy import one_human, principal
from lineside.actions.tables import switches
from lineside.errors import AlreadyDecided, BadRequest, NotFound, NotPermitted
from lineside.memory.moments import moment, stored
from lineside.plant.plant import Person
from lineside.plant.records import Json

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

ALL, SITE = "*", "site:"
SUBJECT = "switches"  # what the audit ledger files these under
SECOND_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """How a target stands. waiting: who has armed it alone; why: what a person is told. at: since when, aware."""

    target: str
    armed: bool
    why: str
    waiting: str = ""
    at: datetime | None = None

    def to_json(self) -> dict[str, Json]:
        since = None if self.at is None else self.at.isoformat()
        return {"target": self.target, "armed": self.armed, "why": self.why, "waiting": self.waiting, "at": since}


def arm(ledger: Ledger, name: str, *, person: Person, reason: str) -> Switch:
    """The first of two people has said so, or the second: then it is armed. name: a target, site:ID or * where that was
    stopped. Raises NotFound, NotPermitted, BadRequest, AlreadyDecided."""
    at, known = ledger.clock(), principal(ledger.memory.plant, person)
    if known is None or not ledger.policy.may_arm(known, ledger.memory.plant.site):
        raise NotPermitted(f"the policy does not let {person.id} arm anything", person=person.id)
    if not reason.strip():
        raise BadRequest("say why it is armed, so that others can follow it")
    wanted = _armed_for(ledger, name)
    with ledger.memory.write() as connection:
        row = _row(connection, name, lock=True)
        if row is not None and row.armed_at is not None and row.armed_for == wanted:
            raise AlreadyDecided(f"{name} is armed already, by {row.first_by} and {row.armed_by}", target=name)
        first = _first(ledger, row, wanted, at)
        if first is not None and one_human(first, known):
            raise NotPermitted(f"{known.id} has armed {name} already; a second person must", person=known.id)
        values: dict[str, object] = {
            "armed_for": wanted,
            "reason": reason.strip(),
            "stopped_by": None,
            "stopped_at": None,
        }
        if first is None:
            values |= {"first_by": known.id, "first_at": stored(at), "armed_by": None, "armed_at": None}
            # Half an arming leaves a stop in force.
            if row is not None:
                values |= {"stopped_by": row.stopped_by, "stopped_at": row.stopped_at}
        else:
            values |= {"armed_by": known.id, "armed_at": stored(at)}
        _keep(connection, name, values)
        ledger.journal.append(
            connection,
            at=at,
            kind="armed" if first is not None else "arming",
            actor=known.id,
            proposal=SUBJECT,
            data={"target": name, "armed_for": wanted, "detail": reason.strip()},
        )
    return stand(ledger, name)


def stop(ledger: Ledger, name: str, *, by: str, reason: str) -> Switch:
    """Nothing more is sent there, from now on. name: a target, site:ID, or * for all. by: who says so, however."""
    at = ledger.clock()
    if name not in ledger.targets and name != ALL and not name.startswith(SITE):
        raise NotFound(f"there is no target {name}; there are: {', '.join(ledger.targets) or 'none'}", target=name)
    said = reason.strip() or "stopped"
    with ledger.memory.write() as connection:
        values: dict[str, object] = {
            "armed_for": None, "first_by": None, "first_at": None, "armed_by": None, "armed_at": None,
            "stopped_by": by, "stopped_at": stored(at), "reason": said,
        }  # fmt: skip
        _keep(connection, name, values)
        ledger.journal.append(
            connection, at=at, kind="stopped", actor=by, proposal=SUBJECT, data={"target": name, "detail": said}
        )
    return stand(ledger, name)


def unarmed(connection: Connection, ledger: Ledger, target: Target) -> str:
    """Why nothing may be sent to the target now; empty where it may."""
    for name in (ALL, f"{SITE}{ledger.memory.plant.site}"):
        row = _row(connection, name)
        if row is not None and row.stopped_at is not None:
            return (
                f"everything{'' if name == ALL else f' at {ledger.memory.plant.site}'} was stopped by {row.stopped_by}"
            )
    row, name = _row(connection, target.source), target.source
    if row is None or row.armed_at is None:
        if row is not None and row.stopped_at is not None:
            return f"{name} was stopped by {row.stopped_by}: {row.reason}"
        alone = f"; {row.first_by} alone has" if row is not None and row.first_by else ""
        return f"{name} is not armed: two people must arm it (lineside targets arm {name}){alone}"
    if row.armed_for != target.interface:
        return f"{name} was armed for another address or interface; two people must arm it anew"
    return ""


def stand(ledger: Ledger, name: str) -> Switch:
    """How the switch stands now."""
    with ledger.memory.read() as connection:
        row, target = _row(connection, name), ledger.targets.get(name)
        if target is not None:
            why = unarmed(connection, ledger, target)
        else:
            why = f"stopped by {row.stopped_by}: {row.reason}" if row is not None and row.stopped_at else ""
    waiting = row.first_by if row is not None and row.first_by and row.armed_at is None else ""
    since = None if row is None else row.armed_at or row.stopped_at or row.first_at
    return Switch(target=name, armed=not why, why=why, waiting=waiting, at=moment(since))


def stands(ledger: Ledger) -> list[Switch]:
    """Every configured target, and what else was stopped."""
    with ledger.memory.read() as connection:
        rows = connection.execute(select(switches.c.target, switches.c.stopped_at)).all()
    others = sorted(row.target for row in rows if row.target not in ledger.targets and row.stopped_at is not None)
    return [stand(ledger, name) for name in (*others, *ledger.targets)]


def _armed_for(ledger: Ledger, name: str) -> str:
    if name == ALL or name.startswith(SITE):
        return name
    target = ledger.targets.get(name)
    if target is None:
        there = ", ".join(ledger.targets) or "none"
        raise NotFound(f"there is no target {name} in the settings; there are: {there}", target=name)
    return target.interface


def _first(ledger: Ledger, row: Row[Any] | None, wanted: str, at: datetime) -> Person | None:
    """Who armed the same thing alone, not too long ago, and still may."""
    if row is None or row.first_by is None or row.armed_for != wanted or row.armed_at is not None:
        return None
    first = principal(ledger.memory.plant, Person(id=row.first_by))
    if first is None or not ledger.policy.may_arm(first, ledger.memory.plant.site):
        return None
    return first if at - moment(row.first_at) <= SECOND_WITHIN else None


def _row(connection: Connection, name: str, *, lock: bool = False) -> Row[Any] | None:
    wanted = select(switches).where(switches.c.target == name)
    return connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()


def _keep(connection: Connection, name: str, values: dict[str, object]) -> None:
    if connection.execute(update(switches).where(switches.c.target == name).values(**values)).rowcount == 0:
        connection.execute(insert(switches).values(target=name, **values))
