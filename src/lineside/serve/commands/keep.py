"""backup, restore, token, diagnostics: keeping an installation, letting people in, and handing on what is wrong."""

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
    root.command("diagnostics")(diagnose)


def backup(context: typer.Context, file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Copy the memory with its proposals and audit into one file, while it runs."""
    from lineside.app import open_lineside
    from lineside.memory.backup import backup as write_backup

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        write_backup(lineside.memory, file)
    finally:
        lineside.close()
    typer.echo(f"{file} holds the memory of {lineside.home}.")
    typer.echo("Keep plant.toml, lineside.toml, mappings, packs and the keys beside it.")


def restore(context: typer.Context, file: Annotated[Path, typer.Argument(help="A file of `lineside backup`.")]) -> None:
    """Make the memory what a backup holds, whatever it is now."""
    from lineside.app import open_lineside
    from lineside.memory.backup import restore as read_backup

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        read_backup(lineside.memory, file)
        lineside.memory.index_pending()
    finally:
        lineside.close()
    typer.echo(f"The memory of {lineside.home} is as it was when {file} was written.")


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


def diagnose(
    context: typer.Context,
    sources: Annotated[list[str] | None, typer.Argument(help="Which sources; all if none is named.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A zip to write, with the message log too.")] = None,
) -> None:
    """Collect what helps to find a fault, fit to be handed on: no secret and no record is in it. Prints JSON, or writes
    a zip with --out."""
    from lineside.app import open_lineside
    from lineside.serve.diagnostics import diagnostics, installation, write_diagnostics
    from lineside.serve.overview import source_rows
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        if out is not None:
            count = write_diagnostics(lineside, out, sources or ())
            typer.echo(f"{out} tells of {count} source{'' if count == 1 else 's'}; secrets are hidden in it.")
            return
        names = sources or [str(row["source"]) for row in source_rows(lineside)]
        told = {name: diagnostics(lineside, name) for name in names}
        print_json({"installation": installation(lineside), "sources": told})
    finally:
        lineside.close()
