"""Decide on a proposal: own right, not one's own wish, in time, on exactly what was shown. One conditional UPDATE."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from sqlalchemy import insert

from lineside.actions.policy import Policy, Verdict, principal
from lineside.actions.proposal import Proposal, State, load, move
from lineside.actions.tables import approvals
from lineside.errors import ActionError, AlreadyDecided, BadRequest, NotPermitted, ProposalStale
from lineside.memory.moments import stored
from lineside.plant.plant import Person, Plant

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger


def approve(ledger: Ledger, proposal_id: str, *, approver: Person, digest: str, channel: str) -> Proposal:
    """The proposal is approved, once, by somebody with the right. digest: of what the approver was shown.

    Raises NotFound, NotPermitted, AlreadyDecided, ProposalStale.
    """
    journal, at = ledger.journal, ledger.clock()
    with ledger.memory.read() as connection:
        proposal = load(connection, proposal_id)
    person, verdict = _entitled(ledger, proposal, approver)
    if proposal.state is not State.PENDING:
        raise _too_late(proposal)
    if not hmac.compare_digest(digest.encode(), proposal.digest.encode()):
        raise ProposalStale(f"{proposal_id} is not what you were shown; look at it again", proposal=proposal_id)
    stale = policy_changed(proposal, ledger.policy)
    with ledger.memory.write() as connection:
        if stale:
            moved = move(connection, journal, proposal, State.STALE, at=at, actor="lineside", detail=stale)
        else:
            moved = move(
                connection,
                journal,
                proposal,
                State.APPROVED,
                at=at,
                actor=person.id,
                data={"role": verdict.role, "rule": verdict.rule, "channel": channel},
                only_before_expiry=True,
                decided_by=person.id,
                decided_at=stored(at),
                channel=channel,
            )
            if moved:
                connection.execute(
                    insert(approvals).values(
                        proposal_id=proposal.id,
                        approver=person.id,
                        role=verdict.role,
                        rule=verdict.rule,
                        channel=channel,
                        digest=proposal.digest,
                        approved_at=stored(at),
                    )
                )
        now = load(connection, proposal_id)
        if not moved and now.state is State.PENDING:
            move(connection, journal, now, State.EXPIRED, at=at, actor="lineside", detail="nobody decided in time")
            now = load(connection, proposal_id)
    if not moved or stale:
        raise _too_late(now)
    return now


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
        person, _ = _entitled(ledger, proposal, approver)
        to = {
            State.PENDING: State.REJECTED,
            State.APPROVED: State.REVOKED,
            State.NEEDS_HUMAN: State.FAILED,
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


def entitled(proposal: Proposal, person: Person, plant: Plant, policy: Policy) -> Verdict:
    """Whether the plant file and the policy, as they stand now, let `person` decide on the proposal."""
    known = principal(plant, person)
    if known is None:
        return Verdict(allowed=False, reason=f"{person.id} is not in the plant file")
    asked = plant.person(proposal.requester) or Person(id=proposal.requester)
    authors = [
        plant.person(o.author) or _called(plant, o.author) or Person(id=o.author) for o in proposal.origins if o.author
    ]
    return policy.may_approve(known, proposal.case, barred=(asked, *authors))


def policy_changed(proposal: Proposal, policy: Policy) -> str:
    """In words, if the policy is no longer the one that the proposal is bound to; empty otherwise."""
    if proposal.bound["policy"]["digest"] == policy.digest:
        return ""
    return "the policy has changed since this was proposed"


def _called(plant: Plant, name: str) -> Person | None:
    return next((p for p in plant.people if p.name and p.name.casefold() == name.strip().casefold()), None)


def _entitled(ledger: Ledger, proposal: Proposal, person: Person) -> tuple[Person, Verdict]:
    verdict = entitled(proposal, person, ledger.memory.plant, ledger.policy)
    known = principal(ledger.memory.plant, person)
    if known is None or not verdict.allowed:
        raise NotPermitted(verdict.reason, proposal=proposal.id, person=person.id)
    return known, verdict


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
