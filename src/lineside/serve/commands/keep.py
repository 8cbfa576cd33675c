"""backup, restore, token: keeping an installation, and letting people in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lineside.errors import BadRequest
from lineside.serve.home import home_folder


def register(root: typer.Typer) -> None:
    root.command("backup")(backup)
    root.command("restore")(restore)
    root.command("token")(token)


def backup(context: typer.Context, file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Copy the whole installation into one file, while it runs."""
    from lineside.app import open_lineside
    from lineside.memory.backup import backup as write_backup

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        write_backup(lineside.memory, home=lineside.home, file=file)
    finally:
        lineside.close()
    typer.echo(f"{file} holds {lineside.home} as it is now.")


def restore(context: typer.Context, file: Annotated[Path, typer.Argument(help="A file of `lineside backup`.")]) -> None:
    """Bring an installation back into an empty home."""
    from lineside.memory.backup import restore as read_backup

    home = home_folder(context.obj.home)
    read_backup(file, home=home)
    typer.echo(f"{home} is as it was when {file} was written; the index is built again on first use.")


def token(
    context: typer.Context,
    person: Annotated[str | None, typer.Argument(help="A person of the plant file.")] = None,
    source: Annotated[str | None, typer.Option(help="Instead: a source whose records may be pushed with it.")] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it is good for.")] = 30,
) -> None:
    """Print a token: for a person to sign in with, or for a system to push its records with."""
    from lineside.app import open_lineside
    from lineside.serve.identity import issue_source_token, issue_token

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        if source and not person:
            typer.echo(issue_source_token(lineside, source, days=days))
        elif person and not source:
            typer.echo(issue_token(lineside, lineside.person(person), days=days))
        else:
            raise BadRequest("name a person, or a source with --source")
    finally:
        lineside.close()
