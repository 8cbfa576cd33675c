"""Close what was executed only when the effect came back through ingest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select, update

from lineside.actions.action import Sets, shows
from lineside.actions.execute import EXECUTOR, Step
from lineside.actions.planning import names
from lineside.actions.proposal import Proposal, State, load, move, select_where
from lineside.actions.remember import remember_due
from lineside.actions.tables import executions, proposals
from lineside.memory import Statement, View
from lineside.memory.moments import moment, stored
from lineside.memory.tables import messages
from lineside.memory.words import render
from lineside.plant.entities import Entity
from lineside.plant.records import Event, Provenance, Report
from lineside.plant.windows import Window

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

NOTE = "note"


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
            _taken_back(connection, ledger, proposal)
    return Step(proposal=proposal.id, state=to, detail=detail)


def _taken_back(connection: Connection, ledger: Ledger, proposal: Proposal) -> None:
    """What this one was to undo, if anything, is undone."""
    undone = load(connection, proposal.undoes) if proposal.undoes else None
    if undone is not None and undone.state is State.VERIFIED:
        detail = f"taken back by {proposal.id}"
        move(connection, ledger.journal, undone, State.COMPENSATED, at=ledger.clock(), actor=EXECUTOR, detail=detail)


def _told_by(proposal: Proposal, view: View) -> Iterator[Provenance]:
    """Where the subject's own system says that it is done."""
    expected = proposal.bound["expects"]
    if "sets" in expected:
        yield from _set_by(proposal, view, Sets.of(expected))
        return
    if expected["kind"] == NOTE:
        yield from _noted_by(proposal, view)
        return
    if expected["kind"]:
        entity = Entity(expected["kind"], proposal.effect or proposal.id)
        seen = {statement.record_id for statement in view.statements(entity=entity)}
        seen |= {each.record_id for each in view.statements(kind=expected["kind"], properties=("proposal",))}
        for record in view.records(sorted(seen)).values():
            if (
                record.provenance.source == proposal.system
                and isinstance(record, Report)
                and _reports(record, proposal)
            ):
                yield record.provenance
    if expected["events"]:
        for event in view.events(kinds=tuple(expected["events"]), about=proposal.entity):
            if event.provenance.source == proposal.system and _tells(event, proposal):
                yield event.provenance


def _set_by(proposal: Proposal, view: View, effect: Sets) -> Iterator[Provenance]:
    """The statements of each property in question that show the new value; the last property's ones are the proof."""
    found: list[Statement] = []
    for name in effect.values:
        said = view.statements(entity=proposal.entity, properties=(name,))
        found = [each for each in said if each.source == proposal.system and shows(effect, name, each.text)]
        if not found:
            return
    yield from (record.provenance for record in view.records([each.record_id for each in found]).values())


def _noted_by(proposal: Proposal, view: View) -> Iterator[Provenance]:
    """The entry or message itself, as its system shows it: it names the proposal."""
    for note in view.notes(within=Window(start=proposal.created_at, end=view.as_of + timedelta(seconds=1)), about=None):
        if note.provenance.source == proposal.system and proposal.id in render(note):
            yield note.provenance


def _is_new(ledger: Ledger, execution: Row[Any], told: Provenance) -> bool:
    """Whether we were told after the intent. By the order of our inbox: the clocks of targets, connectors and plants
    differ."""
    kept = select(func.max(messages.c.id)).where(
        messages.c.source == told.source, messages.c.source_id == told.source_id
    )
    with ledger.memory.read() as connection:
        return (connection.scalar(kept) or 0) > int(execution.heard_until)


def _reports(report: Report, proposal: Proposal) -> bool:
    said, expected = report.properties, proposal.bound["expects"]
    ours = report.entity.id == proposal.effect or said.get("proposal") == proposal.id
    alive = not expected["statuses"] or said.get("status") in expected["statuses"]
    return ours and alive and (not expected["points"] or names(said.get(expected["points"]), proposal.entity))


def _tells(event: Event, proposal: Proposal) -> bool:
    """Whether the event is of the effect: by our mark, or by the number that the target gave it."""
    said = event.attributes
    return said.get("proposal") == proposal.id or (
        bool(proposal.effect) and proposal.effect in (event.hold, said.get("document"))
    )
