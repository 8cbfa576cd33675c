"""serve: the product, running."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from lineside.serve.home import home_folder


class Part(StrEnum):
    """What one process can run by itself."""

    WEB = "web"
    INGEST = "ingest"
    ACTIONS = "actions"
    SLACK = "slack"


def register(root: typer.Typer) -> None:
    root.command("serve")(serve)


def serve(
    context: typer.Context,
    only: Annotated[Part | None, typer.Option(help="Run one part in this process; all if none is named.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the web server instead of the configured one.")] = None,
) -> None:
    """Read the sources, answer over HTTP and on the web, and carry out what was approved."""
    from lineside.app import open_lineside
    from lineside.serve.running import run

    lineside = open_lineside(home_folder(context.obj.home))
    parts = {only.value} if only else {part.value for part in Part}
    try:
        asyncio.run(run(lineside, parts=parts, port=lineside.settings.port if port is None else port))
    finally:
        lineside.close()
