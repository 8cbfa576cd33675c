"""The command line: one root, each command thin, heavy imports inside the commands."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from lineside.errors import BadRequest, LinesideError

root = typer.Typer(
    name="lineside",
    help="The operational memory of a manufacturing plant, and the assistant that answers from it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Context:
    """What every command gets: the home that was chosen, or None for the default."""

    def __init__(self, home: Path | None) -> None:
        self.home = home


def _version(wanted: bool) -> None:
    if wanted:
        from lineside import __version__

        typer.echo(__version__)
        raise typer.Exit


@root.callback()
def _root(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option("--home", help="Where the state lives (LINESIDE_HOME, default ./lineside-data).")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version
    context.obj = Context(home)


def main() -> None:
    """The command in argv was carried out. Exit codes: 0 ok, 1 failed, 2 bad usage."""
    from lineside.app import collect_seldom
    from lineside.serve import commands

    signal.signal(signal.SIGTERM, _end)
    collect_seldom()
    if not root.registered_commands:
        commands.register(root)
    try:
        root()
    except BadRequest as error:
        typer.echo(f"lineside: {error.message}", err=True)
        sys.exit(2)
    except LinesideError as error:
        typer.echo(f"lineside: {error.message} [{error.code}]", err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:  # nothing that a person could mend: the trace is wanted
            raise
        typer.echo(f"lineside: {error.filename}: {error.strerror}; mend its place or its rights", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _end(*_: object) -> None:
    """What was begun is undone on the way out, as after Ctrl-C; without this a child would outlive us."""
    raise SystemExit(128 + signal.SIGTERM)
