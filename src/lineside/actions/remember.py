"""What became of an action, in the memory: the whole story as a decision, an effect that stays out as an event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import or_, update

from lineside.actions.action import filled
from lineside.actions.approve import approved_by
from lineside.actions.proposal import Proposal, State, canonical, load, select_where
from lineside.actions.tables import proposals
from lineside.actions.types import ACTIONS
from lineside.connector import Batch, SourceMessage
from lineside.memory.moments import moment, stored
from lineside.memory.own_messages import translate
from lineside.plant.entities import EntityKind
from lineside.plant.records import SUBJECTS, Json

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

SOURCE, STREAM = "lineside", "actions"
MISSING, SETTLED = "effect_missing", "effect_settled"
_ADRIFT = (State.VERIFY_FAILED, State.NEEDS_HUMAN)  # a person must look; a case is open on it
_OVER = (State.VERIFIED, State.COMPENSATED, State.FAILED)


def remember_due(ledger: Ledger) -> None:
    """What was carried out is told as it stands now: each story once, whenever and however often this is called."""
    untold = or_(proposals.c.remembered_at.is_(None), proposals.c.remembered_at < proposals.c.changed_at)
    with ledger.memory.read() as connection:
        waiting = select_where(connection, proposals.c.state.in_((*_ADRIFT, *_OVER)), untold)
    for proposal in reversed(waiting):
        _remember(ledger, proposal)


def _remember(ledger: Ledger, proposal: Proposal) -> None:
    """Its bytes depend on the stored proposal alone, so telling it again after a crash keeps it once."""
    told = []
    if proposal.state in _ADRIFT:
        told.append(_message(ledger, proposal, f"{proposal.id}/missing", _happened(proposal, MISSING)))
    else:
        if _was_adrift(ledger, proposal):
            told.append(_message(ledger, proposal, f"{proposal.id}/settled", _happened(proposal, SETTLED)))
        if proposal.state is not State.FAILED:
            told.append(_message(ledger, proposal, proposal.id, _decided(ledger, proposal)))
    if told:
        ledger.memory.remember(Batch(messages=tuple(told)), source=SOURCE, stream=STREAM, translate=translate)
    with ledger.memory.write() as connection:
        mine = update(proposals).where(proposals.c.id == proposal.id, proposals.c.version == proposal.version)
        connection.execute(mine.values(remembered_at=stored(max(ledger.clock(), proposal.changed_at))))


def _was_adrift(ledger: Ledger, proposal: Proposal) -> bool:
    with ledger.memory.read() as connection:
        entries = ledger.journal.entries(connection, proposal=proposal.id)
    return any(json.loads(each.content)["kind"] in _ADRIFT for each in entries)


def _message(ledger: Ledger, proposal: Proposal, source_id: str, content: bytes) -> SourceMessage:
    return SourceMessage(
        source=SOURCE,
        source_id=source_id,
        content=content,
        received_at=ledger.clock(),
        content_type="application/cloudevents+json",
        origin=proposal.id,
    )


def _happened(proposal: Proposal, kind: str) -> bytes:
    """That the effect is missing, or how that ended, as an event about what was to be changed."""
    subject, changed = proposal.entity, proposal.changed_at.isoformat()
    attributes: dict[str, Json] = {
        "proposal": proposal.id,
        "subject": str(subject),
        "system": proposal.system,
        "action": str(proposal.bound["title"]),
        "by": proposal.requester,
        "reason": proposal.detail,
        "state": proposal.state,
    }
    if proposal.effect:
        attributes["effect"] = proposal.effect
    data: dict[str, Json] = {"kind": kind, "text": f"{proposal.id}: {proposal.detail}", "attributes": attributes}
    (data if subject.kind in SUBJECTS else attributes)[subject.kind] = subject.id
    return canonical(
        {
            "specversion": "1.0",
            "id": proposal.id,
            "source": SOURCE,
            "type": "lineside.event",
            "time": changed,
            "reportedat": changed,
            "data": data,
        }
    )


def _decided(ledger: Ledger, proposal: Proposal) -> bytes:
    """The whole story as a decision that anyone can recall."""
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
