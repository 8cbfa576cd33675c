"""The ledger of governed actions: one door to asking, deciding, carrying out, confirming and looking back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineside.actions import approve, delegate, execute, propose, switch, verify
from lineside.actions.action import Refusal
from lineside.actions.approve import approved_by, right_of
from lineside.actions.audit import AuditReport, Head, Journal
from lineside.actions.delegate import Delegation
from lineside.actions.execute import Step
from lineside.actions.executors import Target
from lineside.actions.policy import ANY, Policy, principal
from lineside.actions.proposal import Proposal, State, load, select_where
from lineside.actions.propose import Wish
from lineside.actions.switch import Switch
from lineside.actions.tables import proposals
from lineside.memory import Memory, Reader
from lineside.memory.moments import stored
from lineside.plant.plant import Person
from lineside.plant.records import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One thing that happened to a proposal, as the audit ledger has it."""

    at: datetime
    actor: str
    kind: str
    detail: str
    seq: int


class Ledger:
    """Proposals and what became of them. Its calls block, so call them off a running event loop.

    targets: what could be written to once it is armed; only the executor's own are also Writers, and nothing is sent
    through any other. clock: aware, ours.
    """

    def __init__(
        self,
        memory: Memory,
        policy: Policy,
        clock: Callable[[], datetime],
        key: Ed25519PrivateKey,
        *,
        targets: Iterable[Target] = (),
    ) -> None:
        self.memory = memory
        self.policy = policy
        self.clock = clock
        self.journal = Journal(key)
        self.targets: Mapping[str, Target] = {target.source: target for target in targets}

    def propose(
        self,
        *,
        action: str,
        parameters: Mapping[str, Json],
        requester: Person,
        evidence: Sequence[str] = (),
        origins: Mapping[str, str] | None = None,
        as_of: datetime | None = None,
    ) -> Proposal | Refusal:
        """A pending proposal on what `requester` may read, or why there is none. Nothing in the plant changes.

        origins: parameter to `question` (the asker's own words) or a record id. as_of: what is known then, default now.
        """
        wish = Wish(action=action, parameters=parameters, requester=requester, evidence=evidence, origins=origins or {})
        # As the plant file has them: roles and sites that a caller brought along open nothing.
        known = principal(self.memory.plant, requester) or Person(id=requester.id)
        view = self.memory.view(as_of=as_of or self.clock(), reader=Reader(known))
        return propose.propose(self, wish, view=view)

    def undo(self, proposal_id: str, requester: Person, reason: str) -> Proposal | Refusal:
        """A proposal that takes back what a verified one did, to be decided on like any other. Raises NotFound."""
        known = principal(self.memory.plant, requester) or Person(id=requester.id)
        view = self.memory.view(as_of=self.clock(), reader=Reader(known))
        return propose.undoing(self, proposal_id, requester=requester, reason=reason, view=view)

    def approve(
        self, proposal_id: str, approver: Person, digest: str, channel: str, signed_in_at: datetime | None = None
    ) -> Proposal:
        """Approved by one more; with enough of them, approved, once. digest: of what was shown. channel: cli, web,
        slack. signed_in_at: when the approver last proved who they are.

        Raises NotFound, NotPermitted, AlreadyDecided, ProposalStale.
        """
        return approve.approve(
            self, proposal_id, approver=approver, digest=digest, channel=channel, signed_in_at=signed_in_at
        )

    def reject(self, proposal_id: str, approver: Person, reason: str, channel: str = "cli") -> Proposal:
        """Rejected, or withdrawn by who asked, or revoked before anything was sent.

        Raises NotFound, NotPermitted, AlreadyDecided, ProposalStale, BadRequest.
        """
        return approve.reject(self, proposal_id, approver=approver, reason=reason, channel=channel)

    def arm(self, target: str, person: Person, reason: str) -> Switch:
        """The first of two people lets the target be written to, or the second: then it may be.

        Raises NotFound, NotPermitted, BadRequest, AlreadyDecided.
        """
        return switch.arm(self, target, person=person, reason=reason)

    def stop(self, target: str, by: str, reason: str) -> Switch:
        """Nothing more is sent to the target, to a site (site:ID) or anywhere (*), from now on. Raises NotFound."""
        return switch.stop(self, target, by=by, reason=reason)

    def switches(self) -> Sequence[Switch]:
        """How every target stands, and what else was stopped."""
        return switch.stands(self)

    def lend(
        self, giver: Person, taker: str, *, since: datetime, until: datetime, reason: str, action: str = ANY
    ) -> Delegation:
        """The taker may decide in the giver's place for that time. Raises NotPermitted, BadRequest."""
        return delegate.lend(self, giver=giver, taker=taker, since=since, until=until, action=action, reason=reason)

    def take_back(self, delegation_id: str, giver: Person) -> Delegation:
        """The lent right ends now. Raises NotFound, NotPermitted, AlreadyDecided."""
        return delegate.take_back(self, delegation_id, giver=giver)

    def lent(self) -> Sequence[Delegation]:
        """Every right that is lent now or later."""
        return delegate.lent(self)

    def execute_due(self) -> Sequence[Step]:
        """What is approved was carried out, what is unanswered was read, what is overdue has expired. Idempotent."""
        return execute.execute_due(self)

    def verify_due(self) -> Sequence[Step]:
        """What came back through ingest is closed and remembered; what did not in time needs a person. Idempotent."""
        return verify.verify_due(self)

    def show(self, proposal_id: str) -> Proposal:
        """The proposal as it stands. Raises NotFound; ProposalStale where its stored bytes were tampered with."""
        with self.memory.read() as connection:
            return load(connection, proposal_id)

    def list(self, *, states: Iterable[State] = (), limit: int | None = None) -> Sequence[Proposal]:
        """Proposals, newest first, of all states or of some."""
        wanted = tuple(states)
        with self.memory.read() as connection:
            return select_where(connection, *((proposals.c.state.in_(wanted),) if wanted else ()), limit=limit)

    def pending_for(self, person: Person) -> Sequence[Proposal]:
        """What waits for a decision that this person has the right to make."""
        with self.memory.read() as connection:
            waiting = select_where(
                connection, proposals.c.state == State.PENDING, proposals.c.expires_at > stored(self.clock())
            )
            given = {p.id: {each.approver for each in approved_by(connection, p.id)} for p in waiting}
            return [
                p for p in waiting if person.id not in given[p.id] and right_of(connection, self, p, person) is not None
            ]

    def may_decide(self, proposal: Proposal, person: Person) -> bool:
        """Whether the policy as it stands gives this person the right to approve or reject it."""
        with self.memory.read() as connection:
            return right_of(connection, self, proposal, person) is not None

    def fresh_enough(self, proposal: Proposal, signed_in_at: datetime | None) -> bool:
        """Whether somebody who signed in then may approve it without doing so again."""
        return approve.fresh_enough(self, proposal, signed_in_at)

    def approvers(self, proposal_id: str) -> Sequence[str]:
        """Who has approved it so far, in the order in which they did."""
        with self.memory.read() as connection:
            return [str(each.approver) for each in approved_by(connection, proposal_id)]

    def story(self, proposal_id: str) -> Sequence[Chapter]:
        """Everything that happened to the proposal, oldest first. Raises NotFound."""
        with self.memory.read() as connection:
            load(connection, proposal_id)
            entries = self.journal.entries(connection, proposal=proposal_id)
        return [_chapter(entry.seq, json.loads(entry.content)) for entry in entries]

    def audit_verify(self, head: Head | None = None) -> AuditReport:
        """Whether the audit ledger is whole and unchanged. head: an exported one, without which a tail that was cut
        back to an older signed head can't be told."""
        with self.memory.read() as connection:
            return self.journal.verify(connection, exported=head)

    def export_head(self) -> Head | None:
        """The signed head, to keep on another machine; None while nothing was written."""
        with self.memory.read() as connection:
            return self.journal.head(connection)


def _chapter(seq: int, said: Mapping[str, Json]) -> Chapter:
    match said:
        case {"at": str(at), "actor": str(actor), "kind": str(kind), "data": dict(data)}:
            return Chapter(
                at=datetime.fromisoformat(at), actor=actor, kind=kind, detail=str(data.get("detail") or ""), seq=seq
            )
    raise ValueError(f"audit entry {seq} has another form")
