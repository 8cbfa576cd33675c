"""What proves an effect: the subject's own system tells of it, through its feed, after the intent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, select

from lineside.actions.action import Sets, shows
from lineside.actions.planning import names
from lineside.actions.proposal import Proposal
from lineside.memory import Statement, View
from lineside.memory.tables import messages
from lineside.memory.words import render
from lineside.plant.entities import Entity
from lineside.plant.records import Event, Provenance, Report
from lineside.plant.windows import Window

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

NOTE = "note"


def proof_of(ledger: Ledger, proposal: Proposal, execution: Row[Any]) -> Provenance | None:
    """Where the effect came back; None while it has not."""
    view = ledger.memory.view(as_of=ledger.clock())
    return next((found for found in _told_by(proposal, view) if _is_new(ledger, execution, found)), None)


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
    # By the other system's clock, which may run behind ours.
    since = proposal.created_at - timedelta(days=1)
    for note in view.notes(within=Window(start=since, end=view.as_of + timedelta(seconds=1)), about=None):
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
