"""briefing: what somebody new on a line needs to know."""

from __future__ import annotations

from typing import Annotated

import typer

from lineside.serve.home import home_folder


def register(root: typer.Typer) -> None:
    root.command("briefing")(briefing)


def briefing(
    context: typer.Context,
    line: Annotated[str, typer.Argument(help="A line or machine by path, name or alias; the whole site without it.")]
    = "",
    at: Annotated[str | None, typer.Option(help="As it stood then, as in 2026-11-20T06:00.")] = None,
    reader: Annotated[str | None, typer.Option("--as", help="Only what this person may read.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """What somebody new on a line needs to know: what stands, what to leave alone, what comes back, whom to ask."""
    from lineside.app import open_lineside
    from lineside.serve.briefing_rows import brief, lines, row
    from lineside.serve.handover_rows import place_for
    from lineside.serve.moments import parse_moment
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        moment = parse_moment(at, lineside.plant) if at else None
        person = lineside.person(reader) if reader else None
        found = brief(lineside, lineside.reader(person), place_for(lineside, line), moment)
        told = row(lineside, found) if as_json else {}
        text = "\n".join(lines(lineside, found))
    finally:
        lineside.close()
    if as_json:
        print_json(told)
    else:
        typer.echo(text)
