"""Close what was executed only when the effect came back through ingest, and remember the whole story as a decision."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, select, update

from lineside.actions.action import ACTIVE, names
from lineside.actions.execute import EXECUTOR, Step
from lineside.actions.proposal import Proposal, State, canonical, load, move, select_where
from lineside.actions.tables import approvals, executions, proposals
from lineside.connector import Batch, SourceMessage
from lineside.memory import View
from lineside.memory.moments import moment, stored
from lineside.memory.tables import messages
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.open_format import record_from_data
from lineside.plant.records import Event, Json, Provenance, Record, Report

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
    proof = next(
        (found for found in _told_by(proposal, ledger.memory.view(as_of=at)) if _is_new(ledger, row, found)), None
    )
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


def _told_by(proposal: Proposal, view: View) -> Iterator[Provenance]:
    """Where the target itself says that this hold is on this lot."""
    hold = Entity(EntityKind.HOLD, proposal.effect or "")
    seen = {statement.record_id for statement in view.statements(entity=hold)}
    seen |= {statement.record_id for statement in view.statements(kind=EntityKind.HOLD, properties=("proposal",))}
    for record in view.records(sorted(seen)).values():
        if record.provenance.source == proposal.system and isinstance(record, Report) and _reports(record, proposal):
            yield record.provenance
    for event in view.events(kinds=("hold_placed",), about=proposal.entity):
        if event.provenance.source == proposal.system and _tells(event, proposal):
            yield event.provenance


def _is_new(ledger: Ledger, execution: Row[Any], told: Provenance) -> bool:
    """Whether we were told after the intent. By the order of our inbox: the clocks of targets, connectors and plants
    differ."""
    kept = select(func.max(messages.c.id)).where(
        messages.c.source == told.source, messages.c.source_id == told.source_id
    )
    with ledger.memory.read() as connection:
        return (connection.scalar(kept) or 0) > int(execution.heard_until)


def _reports(report: Report, proposal: Proposal) -> bool:
    said = report.properties
    ours = report.entity.id == proposal.effect or said.get("proposal") == proposal.id
    return ours and said.get("status") == ACTIVE and names(said.get("subject"), proposal.entity)


def _tells(event: Event, proposal: Proposal) -> bool:
    return event.hold == proposal.effect or event.attributes.get("proposal") == proposal.id


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
        approval = connection.execute(select(approvals).where(approvals.c.proposal_id == proposal.id)).one()
    lot, reason = proposal.entity.id, proposal.parameters["reason"]
    preconditions = proposal.bound["preconditions"]
    decided_at, verified_at = moment(approval.approved_at), proposal.verified_at or proposal.changed_at
    decision: dict[str, Json] = {
        "question": f"Should lot {lot} be placed on hold?",
        "choice": f"Place lot {lot} on hold",
        "options": [f"Place lot {lot} on hold", f"Leave lot {lot} as it is"],
        "rationale": reason,
        "constraints": [f"proposed by {proposal.requester}, decided by another person"],
        "decided_by": approval.approver,
        "authority": approval.role,
        "assumptions": [
            f"quality status of lot {lot} in {proposal.system}: {preconditions['quality_status'] or 'not said'}",
            f"active holds on lot {lot} in {proposal.system}: none",
        ],
        "expected": f"{proposal.system} shows an active hold on lot {lot}",
        "outcome": f"hold {proposal.effect} placed in {proposal.system} and confirmed by its own feed",
        "lot": lot,
        "hold": proposal.effect,
        "proposal": proposal.id,
        "requested_by": proposal.requester,
        "evidence": [each["record"] for each in proposal.bound["evidence"]],
        "confirmed_by": proposal.verified_record,
        "channel": approval.channel,
    }
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
