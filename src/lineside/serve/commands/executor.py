"""executor: the process that alone may write to targets."""

from __future__ import annotations

from typing import Annotated

import typer

from lineside.serve.home import home_folder


def register(root: typer.Typer) -> None:
    root.command("executor")(executor)


def executor(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Carry out what is approved now, then end.")] = False,
) -> None:
    """Carry out what was approved, as the only process that holds the credentials of targets."""
    from lineside.executor import told_to_stop, work

    home = home_folder(context.obj.home)
    if not once:
        typer.echo("Lineside carries out what is approved (Ctrl-C ends it)")
    work(home, once=once, stop=None if once else told_to_stop())
