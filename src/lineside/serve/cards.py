"""A proposal in words: what an approver must see, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lineside.actions import AuditReport, Head, Proposal
from lineside.actions.exporting import newest_head
from lineside.app import Lineside
from lineside.errors import BadRequest
from lineside.interpretation.reading import clock


def card(proposal: Proposal) -> Iterator[str]:
    """What an approver must see, whole: nothing here is shortened."""
    shown = proposal.to_json()
    yield f"{proposal.id}: {shown['title']} {proposal.entity} in {proposal.system} ({proposal.state})"
    yield f"  asked by {proposal.requester}, risk {shown['risk']}, expires {shown['expires_at']}"
    for change in proposal.bound["changes"]:
        yield f"  {change['field']}: {change['before']} -> {change['after']}"
    for fact in proposal.bound["facts"]:
        yield f"  {fact}"
    for name, value in proposal.parameters.items():
        yield f"  {name}: {value}"
    for warning in proposal.warnings:
        yield f"  CAUTION: {warning}"
    if proposal.quorum > 1:
        yield f"  needs {proposal.quorum} approvals, of different people"
    yield f"  undo: {shown['undo']}"
    yield f"  digest: {proposal.digest}"


def told(lineside: Lineside, proposal_id: str) -> Iterator[str]:
    """Everything that happened to the proposal, oldest first, in plant time."""
    for chapter in lineside.ledger.story(proposal_id):
        when = clock(chapter.at, lineside.plant)
        yield f"{when}  {chapter.kind} by {chapter.actor}{': ' + chapter.detail if chapter.detail else ''}"


def audit_words(found: AuditReport) -> str:
    """The outcome of checking the chain, for people."""
    if not found.ok:
        return "\n".join(("The audit ledger is NOT whole:", *(f"  {problem}" for problem in found.problems)))
    against = "and agrees with the exported head" if found.against_head else "up to its own signed head"
    return f"The audit ledger is whole: {found.entries} entries, each as it was written, {against}."


def read_head(path: Path) -> Head:
    """The head in an exported file. Raises BadRequest where it is none."""
    try:
        return newest_head(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadRequest(f"{path} is not an exported head: {error}") from error
