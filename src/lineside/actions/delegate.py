"""Deputies: somebody's right to decide, lent for a time, to one person, without a chain and without a circle.

A deputy decides by the right of who lent it and counts as that person. A lent right can't be lent on, so no chain can
lead back to who asked; two people who lend to each other at once would be one in two seats, and are refused.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select, update

from lineside.actions.policy import ANY, holds, one_human, principal
from lineside.actions.tables import delegations
from lineside.actions.types import ACTIONS
from lineside.errors import AlreadyDecided, BadRequest, NotFound, NotPermitted
from lineside.memory.moments import moment, stored
from lineside.plant.plant import Person
from lineside.plant.records import Json

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

LONGEST = timedelta(days=92)
SUBJECT = "delegations"  # what the audit ledger files these under


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """One right, lent. action: the one that it covers, * for all. Times aware, in UTC."""

    id: str
    giver: str
    taker: str
    action: str
    since: datetime
    until: datetime
    reason: str
    revoked_at: datetime | None

    def to_json(self) -> dict[str, Json]:
        return {
            "id": self.id,
            "giver": self.giver,
            "taker": self.taker,
            "action": self.action,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "reason": self.reason,
            "revoked_at": None if self.revoked_at is None else self.revoked_at.isoformat(),
        }


def lend(
    ledger: Ledger,
    *,
    giver: Person,
    taker: str,
    since: datetime,
    until: datetime,
    action: str = ANY,
    reason: str,
) -> Delegation:
    """The taker may decide in the giver's place between the two times. Raises NotPermitted, BadRequest."""
    plant, at = ledger.memory.plant, ledger.clock()
    one, other = principal(plant, giver), plant.person(taker)
    if one is None or other is None:
        missing = giver.id if one is None else taker
        raise NotPermitted(f"{missing} is not in the plant file", person=missing)
    if one_human(one, other):
        raise BadRequest("a right can't be lent to oneself")
    if action != ANY and action not in ACTIONS:
        raise BadRequest(f"there is no action {action!r}; there are: {', '.join(ACTIONS)}, and * for all")
    if not reason.strip():
        raise BadRequest("say why, so that others can follow it")
    if until <= max(since, at):
        raise BadRequest("the time must end after it begins, and in the future")
    if until - since > LONGEST:
        raise BadRequest(f"a right is lent for {LONGEST.days} days at most")
    deciding = (rule.approve | rule.escalate_to for rule in ledger.policy.rules if _covers(rule.actions, action))
    if not any(holds(one, roles) for roles in deciding):
        raise NotPermitted(f"{one.id} has no right to decide that could be lent", person=one.id)
    row: dict[str, Json] = {
        "id": f"D-{secrets.token_hex(4).upper()}",
        "giver": one.id,
        "taker": other.id,
        "action": action,
        "since": stored(since),
        "until": stored(until),
        "reason": reason.strip(),
        "made_at": stored(at),
    }
    with ledger.memory.write() as connection:
        for back in connection.execute(select(delegations).where(_overlapping(since, until))):
            takes_back = plant.person(back.taker) or Person(id=back.taker)
            gives_back = plant.person(back.giver) or Person(id=back.giver)
            if one_human(gives_back, other) and one_human(takes_back, one):
                raise BadRequest(f"{other.id} has lent their right to {one.id} for that time ({back.id}): no circles")
        connection.execute(insert(delegations).values(**row))
        data: dict[str, Json] = {name: value for name, value in row.items() if name != "made_at"}
        ledger.journal.append(connection, at=at, kind="delegated", actor=one.id, proposal=SUBJECT, data=data)
        found = connection.execute(select(delegations).where(delegations.c.id == row["id"])).one()
    return _delegation(found)


def take_back(ledger: Ledger, delegation_id: str, *, giver: Person) -> Delegation:
    """It ends now. Raises NotFound, NotPermitted, AlreadyDecided."""
    at = ledger.clock()
    with ledger.memory.write() as connection:
        row = connection.execute(select(delegations).where(delegations.c.id == delegation_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no delegation {delegation_id}", delegation=delegation_id)
        if row.giver != giver.id:
            raise NotPermitted(f"only {row.giver} can take {delegation_id} back", person=giver.id)
        mine = update(delegations).where(delegations.c.id == delegation_id, delegations.c.revoked_at.is_(None))
        if connection.execute(mine.values(revoked_at=stored(at))).rowcount != 1:
            raise AlreadyDecided(f"{delegation_id} was taken back already", delegation=delegation_id)
        ledger.journal.append(
            connection, at=at, kind="delegation_revoked", actor=giver.id, proposal=SUBJECT, data={"id": delegation_id}
        )
        found = connection.execute(select(delegations).where(delegations.c.id == delegation_id)).one()
    return _delegation(found)


def givers(connection: Connection, taker: str, action: str, *, at: datetime) -> list[str]:
    """Whose right this person has been lent for the action at that moment, in the order of their ids."""
    columns = delegations.c
    wanted = select(columns.giver).where(
        columns.taker == taker,
        columns.action.in_((action, ANY)),
        columns.since <= stored(at),
        columns.until > stored(at),
        or_(columns.revoked_at.is_(None), columns.revoked_at > stored(at)),
    )
    return sorted(set(connection.scalars(wanted)))


def lent(ledger: Ledger, *, at: datetime | None = None) -> list[Delegation]:
    """Every right that is lent now or will be, oldest first."""
    now = at or ledger.clock()
    wanted = select(delegations).where(delegations.c.until > stored(now), delegations.c.revoked_at.is_(None))
    with ledger.memory.read() as connection:
        return [_delegation(row) for row in connection.execute(wanted.order_by(delegations.c.since, delegations.c.id))]


def _overlapping(since: datetime, until: datetime) -> ColumnElement[bool]:
    columns = delegations.c
    return and_(columns.since < stored(until), columns.until > stored(since), columns.revoked_at.is_(None))


def _covers(actions: frozenset[str], action: str) -> bool:
    return action == ANY or ANY in actions or action in actions


def _delegation(row: Row[Any]) -> Delegation:
    names = ("id", "giver", "taker", "action", "reason")
    return Delegation(
        **{name: getattr(row, name) for name in names},
        since=moment(row.since),
        until=moment(row.until),
        revoked_at=moment(row.revoked_at),
    )
