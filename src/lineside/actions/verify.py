"""Close what was executed only when the effect came back through ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from lineside.actions.execute import EXECUTOR, Step
from lineside.actions.proof import proof_of
from lineside.actions.proposal import Proposal, State, load, move, select_where
from lineside.actions.remember import remember_due
from lineside.actions.tables import executions, proposals
from lineside.memory.moments import moment, stored

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger


def verify_due(ledger: Ledger) -> list[Step]:
    """Everything executed was looked for among what its target has reported since; what is overdue needs a person.

    A proof that comes after the deadline still counts. What became of each is remembered. Idempotent.
    """
    with ledger.memory.read() as connection:
        waiting = select_where(connection, proposals.c.state.in_((State.EXECUTED, State.VERIFY_FAILED)))
    steps = [step for proposal in reversed(waiting) if (step := _verify(ledger, proposal)) is not None]
    remember_due(ledger)
    return steps


def _verify(ledger: Ledger, proposal: Proposal) -> Step | None:
    at = ledger.clock()
    with ledger.memory.read() as connection:
        row = connection.execute(select(executions).where(executions.c.proposal_id == proposal.id)).one()
    proof = proof_of(ledger, proposal, row)
    if proof is not None:
        to, detail = State.VERIFIED, f"{proposal.effect} came back from {proposal.system}"
    elif proposal.state is State.EXECUTED and at >= moment(row.verify_by):
        to, detail = State.VERIFY_FAILED, f"{proposal.effect} never came back from {proposal.system}; look there"
    else:
        return None
    with ledger.memory.write() as connection:
        data = {} if proof is None else {"record": proof.record_id}
        if not move(connection, ledger.journal, proposal, to, at=at, actor=EXECUTOR, detail=detail, data=data):
            return None
        if proof is not None:
            mine = update(executions).where(executions.c.proposal_id == proposal.id)
            connection.execute(mine.values(verified_at=stored(at), verified_record=proof.record_id))
            _taken_back(connection, ledger, proposal)
    return Step(proposal=proposal.id, state=to, detail=detail)


def _taken_back(connection: Connection, ledger: Ledger, proposal: Proposal) -> None:
    """What this one was to undo, if anything, is undone."""
    undone = load(connection, proposal.undoes) if proposal.undoes else None
    if undone is not None and undone.state is State.VERIFIED:
        detail = f"taken back by {proposal.id}"
        move(connection, ledger.journal, undone, State.COMPENSATED, at=ledger.clock(), actor=EXECUTOR, detail=detail)
