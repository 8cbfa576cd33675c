"""dev llm: a scripted language model for tests and demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(root: typer.Typer) -> None:
    dev = typer.Typer(help="For those who build and try Lineside.", no_args_is_help=True)
    dev.command("llm")(llm)
    root.add_typer(dev, name="dev")


def llm(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8001,
    script: Annotated[Path | None, typer.Option(help="A TOML file of replies instead of the honest script.")] = None,
) -> None:
    """Serve an OpenAI-compatible endpoint that follows a script; no model, no network."""
    from lineside.serve.dev_llm import serve_script

    serve_script(port=port, script=script)
