"""The commands, one module a noun. `register` hangs them on the root."""

from __future__ import annotations

import typer

from lineside.serve.commands import (
    ask,
    briefing,
    bringing,
    cases,
    demo,
    dev,
    executor,
    governing,
    handover,
    keep,
    kpi,
    letters,
    note,
    packs,
    proposals,
    run,
    setup,
    slack,
    sources,
)


def register(root: typer.Typer) -> None:
    """Every command is reachable from `root` afterwards."""
    for module in (
        setup,
        ask,
        note,
        bringing,
        sources,
        letters,
        cases,
        handover,
        briefing,
        kpi,
        proposals,
        governing,
        packs,
        run,
        executor,
        slack,
        demo,
        keep,
        dev,
    ):
        module.register(root)
