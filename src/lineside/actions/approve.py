"""Decide on a proposal: own right, not one's own wish, in time, on exactly what was shown. One conditional UPDATE."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, insert, select

from lineside.actions.action import Refusal
from lineside.actions.delegate import givers
from lineside.actions.limits import beyond
from lineside.actions.policy import Policy, Verdict, one_human, principal
from lineside.actions.proposal import FORMAT, Proposal, State, load, move
from lineside.actions.tables import approvals, audit_head
from lineside.errors import ActionError, AlreadyDecided, BadRequest, NotPermitted, ProposalStale
from lineside.memory.moments import stored
from lineside.plant.plant import Person, Plant
from lineside.plant.records import Json

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

FRESH = timedelta(minutes=5)
SECONDED = "seconded"  # approved by one of several who must


def approve(
    ledger: Ledger,
    proposal_id: str,
    *,
    approver: Person,
    digest: str,
    channel: str,
    signed_in_at: datetime | None = None,
) -> Proposal:
    """One more person with the right has approved; with enough of them the proposal is approved, once.

    digest: of what the approver was shown. signed_in_at: when they last proved who they are, as high risk asks for.
    Raises NotFound, NotPermitted, AlreadyDecided, ProposalStale.
    """
    journal, at = ledger.journal, ledger.clock()
    with ledger.memory.read() as connection:
        proposal = load(connection, proposal_id)
        right = _entitled(connection, ledger, proposal, approver)
    if proposal.state is not State.PENDING:
        raise _too_late(proposal)
    if not hmac.compare_digest(digest.encode(), proposal.digest.encode()):
        raise ProposalStale(f"{proposal_id} is not what you were shown; look at it again", proposal=proposal_id)
    if not fresh_enough(ledger, proposal, signed_in_at):
        raise NotPermitted(
            f"{proposal_id} is of {proposal.case.risk} risk: sign in again on the web to approve it",
            proposal=proposal_id,
            person=right.person.id,
        )
    stale = outdated(proposal, ledger.policy)
    refusal: Refusal | None = None
    with ledger.memory.write() as connection:
        # The audit ledger's one head puts deciders in line, so that sums over other approvals hold.
        connection.execute(select(audit_head.c.seq).with_for_update()).all()
        proposal = load(connection, proposal_id)
        if proposal.state is not State.PENDING:
            raise _too_late(proposal)
        given = approved_by(connection, proposal_id)
        if any(each.approver == right.person.id for each in given):
            raise AlreadyDecided(
                f"{right.person.id} has approved {proposal_id} already; somebody else must as well",
                proposal=proposal_id,
                decided_by=right.person.id,
                decided_at=at,
                state=proposal.state,
            )
        done = beyond(
            connection, ledger.policy, proposal.case, at=at, requester=proposal.requester, entity=str(proposal.entity)
        )
        if stale:
            moved = move(connection, journal, proposal, State.STALE, at=at, actor="lineside", detail=stale)
        elif done is not None:
            moved, refusal = False, done
        else:
            moved = _give(connection, ledger, proposal, right, channel=channel, at=at)
        now = load(connection, proposal_id)
        if not moved and refusal is None and now.state is State.PENDING:
            move(connection, journal, now, State.EXPIRED, at=at, actor="lineside", detail="nobody decided in time")
            now = load(connection, proposal_id)
    if refusal is not None:
        raise NotPermitted(refusal.reason, proposal=proposal_id, person=right.person.id)
    if not moved or stale:
        raise _too_late(now)
    return now


def approved_by(connection: Connection, proposal_id: str) -> list[Row[Any]]:
    """Every approval that was given, oldest first."""
    wanted = select(approvals).where(approvals.c.proposal_id == proposal_id)
    return list(connection.execute(wanted.order_by(approvals.c.approved_at, approvals.c.approver)))


def humans(plant: Plant, given: Sequence[Row[Any]]) -> int:
    """How many people these approvals stand for: a deputy and who they stood in for are one."""
    groups: list[list[Person]] = []
    for each in given:
        people = [plant.person(name) or Person(id=name) for name in (each.approver, each.on_behalf) if name]
        mine = [g for g in groups if any(one_human(a, b) for a in g for b in people)]
        groups = [g for g in groups if g not in mine] + [[*people, *(p for g in mine for p in g)]]
    return len(groups)


def _give(
    connection: Connection, ledger: Ledger, proposal: Proposal, right: Right, *, channel: str, at: datetime
) -> bool:
    """Whether the approval was kept: the last one of the quorum moves the state, the others only the version."""
    connection.execute(
        insert(approvals).values(
            proposal_id=proposal.id,
            approver=right.person.id,
            on_behalf=right.on_behalf or None,
            role=right.verdict.role,
            rule=right.verdict.rule,
            channel=channel,
            digest=proposal.digest,
            approved_at=stored(at),
        )
    )
    standing = _still_entitled(connection, ledger, proposal)
    count = humans(ledger.memory.plant, standing)
    enough = count >= proposal.quorum
    data: dict[str, Json] = {"role": right.verdict.role, "rule": right.verdict.rule, "channel": channel}
    if right.on_behalf:
        data["on_behalf"] = right.on_behalf
    decided = {"decided_by": right.person.id, "decided_at": stored(at), "channel": channel} if enough else {}
    moved = move(
        connection,
        ledger.journal,
        proposal,
        State.APPROVED if enough else State.PENDING,
        at=at,
        actor=right.person.id,
        detail="" if enough else f"{count} of {proposal.quorum} have approved",
        data=data,
        kind="" if enough else SECONDED,
        only_before_expiry=True,
        **decided,
    )
    if not moved:
        mine = (approvals.c.proposal_id == proposal.id, approvals.c.approver == right.person.id)
        connection.execute(delete(approvals).where(*mine))
    return moved


def _still_entitled(connection: Connection, ledger: Ledger, proposal: Proposal) -> list[Row[Any]]:
    """The approvals whose givers the plant file and the policy, as they stand now, would let decide."""
    return [
        each
        for each in approved_by(connection, proposal.id)
        if each.digest == proposal.digest
        and right_of(connection, ledger, proposal, Person(id=each.approver), on_behalf=each.on_behalf) is not None
    ]


def lacking(connection: Connection, ledger: Ledger, proposal: Proposal) -> str:
    """Why the approvals that were given no longer suffice; empty where they do."""
    standing = _still_entitled(connection, ledger, proposal)
    count, given = humans(ledger.memory.plant, standing), approved_by(connection, proposal.id)
    if count >= proposal.quorum:
        return ""
    gone = [each.approver for each in given if each not in standing]
    lost = f"{', '.join(gone)} may no longer decide on it; " if gone else ""
    return f"{lost}{count} of {proposal.quorum} approvals stand"


def reject(ledger: Ledger, proposal_id: str, *, approver: Person, reason: str, channel: str) -> Proposal:
    """The proposal goes no further. By who asked: withdrawn; by an approver: rejected, or revoked where it was approved
    and nothing was sent; one that needs a person is closed as failed.

    Raises NotFound, NotPermitted, AlreadyDecided, ProposalStale, BadRequest.
    """
    if not reason.strip():
        raise BadRequest("say why, so that others can learn from it")
    journal, at = ledger.journal, ledger.clock()
    with ledger.memory.read() as connection:
        proposal = load(connection, proposal_id)
    person = principal(ledger.memory.plant, approver)
    if person is not None and person.id == proposal.requester:
        to = {State.PENDING: State.WITHDRAWN, State.APPROVED: State.WITHDRAWN}.get(proposal.state)
    else:
        with ledger.memory.read() as connection:
            person = _entitled(connection, ledger, proposal, approver).person
        to = {
            State.PENDING: State.REJECTED,
            State.APPROVED: State.REVOKED,
            State.NEEDS_HUMAN: State.FAILED,
            State.VERIFY_FAILED: State.FAILED,
        }.get(proposal.state)
    if to is None:
        raise _too_late(proposal)
    with ledger.memory.write() as connection:
        moved = move(
            connection,
            journal,
            proposal,
            to,
            at=at,
            actor=person.id,
            detail=reason.strip(),
            data={"channel": channel},
            decided_by=person.id,
            decided_at=stored(at),
            channel=channel,
        )
        now = load(connection, proposal_id)
    if not moved:
        raise _too_late(now)
    return now


@dataclass(frozen=True, slots=True)
class Right:
    """Somebody's right to decide: their own, or that of who made them their deputy."""

    person: Person
    verdict: Verdict
    on_behalf: str = ""


def entitled(
    proposal: Proposal, person: Person, plant: Plant, policy: Policy, *, at: datetime | None = None
) -> Verdict:
    """Whether the plant file and the policy, as they stand now, let `person` decide by their own right."""
    known = principal(plant, person)
    if known is None:
        return Verdict(allowed=False, reason=f"{person.id} is not in the plant file")
    waited = timedelta() if at is None else at - proposal.created_at
    return policy.may_approve(known, proposal.case, barred=_barred(proposal, plant), waited=waited)


def right_of(
    connection: Connection, ledger: Ledger, proposal: Proposal, person: Person, *, on_behalf: str | None = None
) -> Right | None:
    """By what right `person` may decide, their own first; None where they have none. on_behalf: by that one alone."""
    plant, at = ledger.memory.plant, ledger.clock()
    known = principal(plant, person)
    if known is None:
        return None
    own = entitled(proposal, known, plant, ledger.policy, at=at)
    if on_behalf is None and own.allowed:
        return Right(known, own)
    if any(one_human(known, each) for each in _barred(proposal, plant)):
        return None  # nobody who asked decides, whoever they stand in for
    for giver in givers(connection, known.id, proposal.action, at=at):
        if on_behalf is not None and giver != on_behalf:
            continue
        lent = entitled(proposal, Person(id=giver), plant, ledger.policy, at=at)
        if lent.allowed and proposal.case.site.casefold() in {site.casefold() for site in known.sites}:
            return Right(known, lent, giver)
    return None


def _barred(proposal: Proposal, plant: Plant) -> list[Person]:
    """Who asked for it, and whose words fill it in."""
    asked = plant.person(proposal.requester) or Person(id=proposal.requester)
    authors = (o.author for o in proposal.origins if o.author)
    return [asked, *(plant.person(name) or _called(plant, name) or Person(id=name) for name in authors)]


def outdated(proposal: Proposal, policy: Policy) -> str:
    """In words, if it was asked for under another form or policy than today's; empty otherwise."""
    if proposal.bound["format"] != FORMAT:
        return "it was proposed to an earlier Lineside"
    return policy_changed(proposal, policy)


def policy_changed(proposal: Proposal, policy: Policy) -> str:
    """In words, if the policy is no longer the one that the proposal is bound to; empty otherwise."""
    if proposal.bound["policy"]["digest"] == policy.digest:
        return ""
    return "the policy has changed since this was proposed"


def _called(plant: Plant, name: str) -> Person | None:
    return next((p for p in plant.people if p.name and p.name.casefold() == name.strip().casefold()), None)


def _entitled(connection: Connection, ledger: Ledger, proposal: Proposal, person: Person) -> Right:
    right = right_of(connection, ledger, proposal, person)
    if right is None:
        own = entitled(proposal, person, ledger.memory.plant, ledger.policy, at=ledger.clock())
        raise NotPermitted(own.reason, proposal=proposal.id, person=person.id)
    return right


def fresh_enough(ledger: Ledger, proposal: Proposal, signed_in_at: datetime | None) -> bool:
    """Whether the policy lets somebody approve this who signed in then."""
    if not ledger.policy.fresh_login(proposal.case):
        return True
    return signed_in_at is not None and timedelta() <= ledger.clock() - signed_in_at <= FRESH


def _too_late(proposal: Proposal) -> ActionError:
    """What a decision deserves that came after another one, or after its time."""
    if proposal.state in (State.EXPIRED, State.STALE):
        why = proposal.detail or "it waited too long"
        return ProposalStale(f"{proposal.id} is {proposal.state}: {why}; propose again", proposal=proposal.id)
    when = "" if proposal.decided_at is None else f" at {proposal.decided_at.isoformat(timespec='seconds')}"
    return AlreadyDecided(
        f"{proposal.id} is {proposal.state}: decided by {proposal.decided_by or 'nobody'}{when}",
        proposal=proposal.id,
        decided_by=proposal.decided_by,
        decided_at=proposal.decided_at,
        state=proposal.state,
    )
