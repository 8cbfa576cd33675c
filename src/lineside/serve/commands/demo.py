"""demo: the demo plant and the product beside it, from nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from lineside.serve.home import home_folder


def register(root: typer.Typer) -> None:
    root.command("demo")(demo)


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Ask, act, verify, and exit.")] = False,
    seed: Annotated[int, typer.Option(help="Which demo plant.")] = 7,
    days: Annotated[int, typer.Option(min=14, max=365, help="Days of history.")] = 30,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the web chat; 0 takes a free one.")] = 8765,
) -> None:
    """Start a demo plant over real protocols, read it, and answer at a printed address."""
    import asyncio
    import os
    import tempfile
    from pathlib import Path

    from lineside.serve.demonstration import demonstrate

    if once and context.obj.home is None and not os.environ.get("LINESIDE_HOME"):
        with tempfile.TemporaryDirectory(prefix="lineside-demo-") as folder:
            asyncio.run(demonstrate(Path(folder), once=True, seed=seed, days=days, port=0))
        return
    home = home_folder(context.obj.home, otherwise="lineside-demo")
    asyncio.run(demonstrate(home, once=once, seed=seed, days=days, port=port))
