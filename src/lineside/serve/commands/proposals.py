"""proposals, audit: what may be done, who decided, and the proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.errors import BadRequest, NotFound
from lineside.serve.home import home_folder

if TYPE_CHECKING:
    from lineside.actions import State

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(help="The proposal's id.")]
_As = Annotated[str, typer.Option("--as", help="Who decides: a person of the plant file.")]


def register(root: typer.Typer) -> None:
    proposals = typer.Typer(
        help="Governed actions: nothing executes before somebody entitled approves.", no_args_is_help=True
    )
    proposals.command("list")(list_proposals)
    proposals.command("show")(show_proposal)
    proposals.command("approve")(approve)
    proposals.command("reject")(reject)
    root.add_typer(proposals, name="proposals")
    audit = typer.Typer(help="The chained ledger of every action.", no_args_is_help=True)
    audit.command("verify")(verify)
    audit.command("export")(export)
    root.add_typer(audit, name="audit")


def list_proposals(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="Only proposals in this state.")] = None,
    as_json: _Json = False,
) -> None:
    """Proposals, newest first."""
    from lineside.app import open_lineside
    from lineside.serve.terminal import print_json, print_table

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        states = [_state(state)] if state else []
        rows = [proposal.to_json() for proposal in lineside.ledger.list(states=states)]
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
    else:
        columns = ("id", "state", "title", "entity", "requester", "expires_at")
        print_table(columns, [[row[column] for column in columns] for row in rows])


def show_proposal(context: typer.Context, proposal: _Id, as_json: _Json = False) -> None:
    """One proposal: what would change, on what evidence, and its story so far."""
    from lineside.app import open_lineside
    from lineside.serve.cards import card, told
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        shown = lineside.ledger.show(proposal)
        story = list(told(lineside, proposal))
    finally:
        lineside.close()
    if as_json:
        print_json({**shown.to_json(), "story": story})
    else:
        for line in (*card(shown), *story):
            typer.echo(line)


def approve(
    context: typer.Context,
    proposal: _Id,
    approver: _As,
    digest: Annotated[
        str | None, typer.Option(help="The digest that was shown; without it the proposal is shown first.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask again; needs --digest.")] = False,
) -> None:
    """Approve exactly what is shown, then carry it out."""
    from lineside.app import open_lineside
    from lineside.serve.cards import card

    if yes and not digest:
        raise BadRequest(f"--yes approves unseen: add the --digest that `lineside proposals show {proposal}` prints")
    lineside = open_lineside(home_folder(context.obj.home))
    try:
        person = lineside.person(approver)
        shown = lineside.ledger.show(proposal)
        if not yes:
            for line in card(shown):
                typer.echo(line)
            typer.confirm(f"Approve as {person.id}?", abort=True)
        lineside.ledger.approve(proposal, approver=person, digest=digest or shown.digest, channel="cli")
        lineside.ledger.execute_due()
        after = lineside.ledger.show(proposal)
    finally:
        lineside.close()
    typer.echo(f"{proposal} is {after.state}{': ' + after.detail if after.detail else ''}")


def reject(
    context: typer.Context,
    proposal: _Id,
    approver: _As,
    reason: Annotated[str, typer.Option(help="Why not.")],
) -> None:
    """Reject a proposal with a reason."""
    from lineside.app import open_lineside

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        lineside.ledger.reject(proposal, approver=lineside.person(approver), reason=reason)
    finally:
        lineside.close()
    typer.echo(f"{proposal} is rejected: {reason}")


def verify(
    context: typer.Context,
    head: Annotated[Path | None, typer.Option(help="An exported head to check against; finds cut tails too.")] = None,
    as_json: _Json = False,
) -> None:
    """Check the whole chain: any changed, removed, swapped, added or cut entry is found."""
    from lineside.app import open_lineside
    from lineside.serve.cards import audit_words, read_head
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        found = lineside.ledger.audit_verify(read_head(head) if head else None)
    finally:
        lineside.close()
    if as_json:
        print_json({"ok": found.ok, "entries": found.entries, "problems": list(found.problems)})
    else:
        typer.echo(audit_words(found))
    if not found.ok:
        raise typer.Exit(1)


def export(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="Where to write the signed head.")]
) -> None:
    """Write the chain's signed head, to be kept on another machine."""
    import json

    from lineside.app import open_lineside

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        head = lineside.ledger.export_head()
    finally:
        lineside.close()
    if head is None:
        raise NotFound("the audit ledger is still empty: there is no head to export")
    file.write_text(json.dumps(head.to_json(), indent=2), encoding="utf-8")
    typer.echo(f"The signed head is in {file}; keep it off this machine.")


def _state(text: str) -> State:
    from lineside.actions import State

    try:
        return State(text)
    except ValueError as error:
        raise BadRequest(f"{text!r} is not a state; there are: {', '.join(State)}") from error
