"""targets, deputies: what may be written to at all, and who decides in whose place."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Annotated

import typer

from lineside.serve.home import home_folder

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Target = Annotated[str, typer.Argument(help="A target of the settings; * for all, site:ID for one site.")]
_Why = Annotated[str, typer.Option(help="Why, so that others can follow it.")]


def register(root: typer.Typer) -> None:
    targets = typer.Typer(
        help="Systems that approved actions may write to; each is off until two people have armed it.",
        no_args_is_help=True,
    )
    targets.command("list")(list_targets)
    targets.command("arm")(arm)
    targets.command("stop")(stop)
    root.add_typer(targets, name="targets")
    deputies = typer.Typer(help="Who decides in whose place, and until when.", no_args_is_help=True)
    deputies.command("list")(list_deputies)
    deputies.command("name")(name_deputy)
    deputies.command("end")(end_deputy)
    root.add_typer(deputies, name="deputies")


def list_targets(context: typer.Context, as_json: _Json = False) -> None:
    """How each target stands: armed, waiting for a second person, stopped by whom and why."""
    from lineside.app import open_lineside
    from lineside.serve.terminal import print_json, print_table

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        rows = [switch.to_json() for switch in lineside.ledger.switches()]
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo("Nothing can be written to: the settings name no target.")
    else:
        print_table(
            ("target", "armed", "since", "why not"),
            [[row["target"], "yes" if row["armed"] else "no", row["at"] or "", row["why"]] for row in rows],
        )


def arm(
    context: typer.Context,
    target: _Target,
    person: Annotated[str, typer.Option("--as", help="Who arms it: a person of the plant file.")],
    reason: _Why,
) -> None:
    """Let the target be written to, as the first or the second of two people."""
    from lineside.app import open_lineside

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        switch = lineside.ledger.arm(target, lineside.person(person), reason)
    finally:
        lineside.close()
    typer.echo(f"{target} is armed." if switch.armed else f"{target} is not armed yet: {switch.why}")


def stop(context: typer.Context, target: _Target = "*", reason: _Why = "stopped from the command line") -> None:
    """Nothing more is sent to the target, or anywhere, from now on. Needs no second person and no running server."""
    from lineside.app import open_lineside

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        lineside.ledger.stop(target, by=f"{getpass.getuser()} on the command line", reason=reason)
    finally:
        lineside.close()
    typer.echo(
        "Nothing is written anywhere any more." if target == "*" else f"Nothing is written to {target} any more."
    )


def list_deputies(context: typer.Context, as_json: _Json = False) -> None:
    """Every right to decide that is lent now or later."""
    from lineside.app import open_lineside
    from lineside.serve.terminal import print_json, print_table

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        rows = [each.to_json() for each in lineside.ledger.lent()]
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
    else:
        columns = ("id", "giver", "taker", "action", "since", "until", "reason")
        print_table(columns, [[row[column] for column in columns] for row in rows])


def name_deputy(
    context: typer.Context,
    taker: Annotated[str, typer.Argument(help="Who decides instead.")],
    giver: Annotated[str, typer.Option("--as", help="Whose right is lent: a person of the plant file.")],
    until: Annotated[datetime, typer.Option(help="Until when, in the plant's time.")],
    reason: _Why,
    since: Annotated[datetime | None, typer.Option(help="From when, in the plant's time; by default now.")] = None,
    action: Annotated[str, typer.Option(help="Which action it covers; * for all.")] = "*",
) -> None:
    """Let somebody decide in your place for a time."""
    from lineside.app import open_lineside

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        zone = lineside.plant.time_zone
        lent = lineside.ledger.lend(
            lineside.person(giver),
            taker,
            since=since.replace(tzinfo=zone) if since else lineside.clock(),
            until=until.replace(tzinfo=zone),
            reason=reason,
            action=action,
        )
    finally:
        lineside.close()
    typer.echo(
        f"{lent.id}: {lent.taker} decides for {lent.giver} until {lent.until.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    )


def end_deputy(
    context: typer.Context,
    delegation: Annotated[str, typer.Argument(help="The id, as `lineside deputies list` shows it.")],
    giver: Annotated[str, typer.Option("--as", help="Whose right it was.")],
) -> None:
    """Take a lent right back, now."""
    from lineside.app import open_lineside

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        lineside.ledger.take_back(delegation, lineside.person(giver))
    finally:
        lineside.close()
    typer.echo(f"{delegation} is taken back.")
