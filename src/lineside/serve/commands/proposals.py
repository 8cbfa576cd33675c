"""proposals, audit: what may be done, who decided, and the proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.errors import BadRequest, NotFound, NotPermitted
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
    proposals.command("new")(new)
    proposals.command("undo")(undo)
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
    from lineside.serve.executing import one_pass

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
        one_pass(lineside)
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


def new(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help="Which action; `lineside proposals new list` names them.")],
    asker: Annotated[str, typer.Option("--as", help="Who asks: a person of the plant file.")] = "",
    said: Annotated[list[str] | None, typer.Option("--set", help="A parameter as name=value; again for each.")] = None,
    evidence: Annotated[list[str] | None, typer.Option(help="A record id that speaks for it; again for each.")] = None,
) -> None:
    """Ask for an action: nothing is done before somebody else approves."""
    from lineside.actions import ACTIONS, QUESTION, Refusal
    from lineside.app import open_lineside
    from lineside.serve.cards import card
    from lineside.serve.terminal import print_table

    if action == "list":
        rows = [
            [each.name, each.title, ", ".join(p.name if p.required else f"[{p.name}]" for p in each.parameters)]
            for each in ACTIONS.values()
        ]
        print_table(("action", "what it does", "parameters"), rows)
        return
    parameters = dict(_named(each) for each in said or [])
    lineside = open_lineside(home_folder(context.obj.home))
    try:
        filed = lineside.ledger.propose(
            action=action,
            parameters=parameters,
            requester=lineside.person(asker),
            evidence=evidence or [],
            origins=dict.fromkeys(parameters, QUESTION),
        )
        if isinstance(filed, Refusal):
            raise NotPermitted(filed.reason, refusal=filed.code)
        for line in card(filed):
            typer.echo(line)
    finally:
        lineside.close()


def undo(
    context: typer.Context,
    proposal: _Id,
    asker: Annotated[str, typer.Option("--as", help="Who asks: a person of the plant file.")],
    reason: Annotated[str, typer.Option(help="Why it should be taken back.")],
) -> None:
    """Ask for an effect to be taken back, by a proposal of its own."""
    from lineside.actions import Refusal
    from lineside.app import open_lineside
    from lineside.serve.cards import card

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        filed = lineside.ledger.undo(proposal, lineside.person(asker), reason)
        if isinstance(filed, Refusal):
            raise NotPermitted(filed.reason, refusal=filed.code)
        for line in card(filed):
            typer.echo(line)
    finally:
        lineside.close()


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


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise BadRequest(f"{text!r} names no parameter; write it as name=value")
    return name.strip(), value.strip()


def _state(text: str) -> State:
    from lineside.actions import State

    try:
        return State(text)
    except ValueError as error:
        raise BadRequest(f"{text!r} is not a state; there are: {', '.join(State)}") from error
