"""Close what was executed only when the effect came back through ingest, and remember the whole story as a decision."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from lineside.actions.action import filled
from lineside.actions.approve import approved_by
from lineside.actions.execute import EXECUTOR, Step
from lineside.actions.proof import proof_of
from lineside.actions.proposal import Proposal, State, canonical, load, move, select_where
from lineside.actions.tables import executions, proposals
from lineside.actions.types import ACTIONS
from lineside.connector import Batch, SourceMessage
from lineside.memory.moments import moment, stored
from lineside.plant.entities import EntityKind
from lineside.plant.open_format import record_from_data
from lineside.plant.records import SUBJECTS, Json, Provenance, Record

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

SOURCE, STREAM = "lineside", "actions"


def verify_due(ledger: Ledger) -> list[Step]:
    """Everything executed was looked for among what its target has reported since; what is overdue needs a person.

    A proof that comes after the deadline still counts. Idempotent: a story is remembered once.
    """
    with ledger.memory.read() as connection:
        waiting = select_where(connection, proposals.c.state.in_((State.EXECUTED, State.VERIFY_FAILED)))
    steps = [step for proposal in reversed(waiting) if (step := _verify(ledger, proposal)) is not None]
    with ledger.memory.read() as connection:
        untold = select_where(connection, proposals.c.state == State.VERIFIED, proposals.c.remembered_at.is_(None))
    for proposal in reversed(untold):
        _remember(ledger, proposal)
    return steps


def translate(message: SourceMessage) -> list[Record]:
    """The decision in one of our own messages."""
    event = json.loads(message.content)
    provenance = Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=datetime.fromisoformat(event["time"]),
        reported_at=datetime.fromisoformat(event["reportedat"]),
        recorded_at=message.received_at,
    )
    return [record_from_data(event["type"], event["data"], provenance)]


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
    return Step(proposal=proposal.id, state=to, detail=detail)


def _remember(ledger: Ledger, proposal: Proposal) -> None:
    """The story is a decision that anyone can recall. Its bytes depend on the stored proposal alone, so telling it
    again after a crash keeps it once."""
    message = SourceMessage(
        source=SOURCE,
        source_id=proposal.id,
        content=_told(ledger, proposal),
        received_at=ledger.clock(),
        content_type="application/cloudevents+json",
        origin=proposal.id,
    )
    ledger.memory.remember(Batch(messages=(message,)), source=SOURCE, stream=STREAM, translate=translate)
    with ledger.memory.write() as connection:
        mine = update(proposals).where(proposals.c.id == proposal.id)
        connection.execute(mine.values(remembered_at=stored(ledger.clock())))


def _told(ledger: Ledger, proposal: Proposal) -> bytes:
    with ledger.memory.read() as connection:
        proposal = load(connection, proposal.id)
        last = next(each for each in approved_by(connection, proposal.id) if each.approver == proposal.decided_by)
    action, words = ACTIONS[proposal.action], proposal.parameters
    told = proposal.bound["preconditions"]["values"]
    does = filled(action.does, words)
    decision: dict[str, Json] = {
        "question": filled(action.asks, words),
        "choice": does,
        "options": [does, f"Leave {proposal.entity.kind.replace('_', ' ')} {proposal.entity.id} as it is"],
        "rationale": words.get("reason") or does,
        "constraints": [f"proposed by {proposal.requester}, decided by another person"],
        "decided_by": last.approver,
        "authority": last.role,
        "assumptions": [
            f"{name.replace('_', ' ')} of {proposal.entity} in {proposal.system}: {value or 'not said'}"
            for name, value in told.items()
        ],
        "expected": "; ".join(f"{each['field']}: {each['after']}" for each in proposal.bound["changes"]),
        "outcome": f"{_what(proposal)} in {proposal.system}, confirmed by its own feed",
        **_subjects(proposal),
        "proposal": proposal.id,
        "requested_by": proposal.requester,
        "evidence": [each["record"] for each in proposal.bound["evidence"]],
        "confirmed_by": proposal.verified_record,
        "channel": last.channel,
    }
    decided_at, verified_at = moment(last.approved_at), proposal.verified_at or proposal.changed_at
    event: dict[str, Json] = {
        "specversion": "1.0",
        "id": proposal.id,
        "source": SOURCE,
        "type": "lineside.decision",
        "time": decided_at.isoformat(),
        "reportedat": verified_at.isoformat(),
        "data": decision,
    }
    return canonical(event)


def _what(proposal: Proposal) -> str:
    expected = proposal.bound["expects"]
    return f"{expected['creates']} {proposal.effect}" if "creates" in expected else f"changed {proposal.entity}"


def _subjects(proposal: Proposal) -> dict[str, Json]:
    """What the decision is about, by the names of the vocabulary."""
    kind, expected = proposal.entity.kind, proposal.bound["expects"]
    found: dict[str, Json] = {kind: proposal.entity.id} if kind in (*SUBJECTS, EntityKind.HOLD) else {}
    if expected.get("kind") == EntityKind.HOLD:
        found["hold"] = proposal.effect
    return found
