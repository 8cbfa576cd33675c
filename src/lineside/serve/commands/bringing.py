"""import, backfill: records and the past of sources brought in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lineside.errors import BadRequest
from lineside.serve.home import home_folder

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHOWN = 20
INTERRUPTED = 130


def register(root: typer.Typer) -> None:
    root.command("import")(import_files)
    root.command("backfill")(backfill)


def import_files(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Files of open records, one CloudEvent a line, or one array.")],
    as_json: _Json = False,
) -> None:
    """Record files in the open record format; importing one again records nothing twice."""
    from lineside.app import open_lineside
    from lineside.serve.importing import import_file
    from lineside.serve.terminal import print_json

    for path in files:
        if not path.is_file():
            raise BadRequest(f"{path} is not a file; name files in the open record format")
    lineside = open_lineside(home_folder(context.obj.home))
    try:
        outcomes = [import_file(lineside, path, quiet=as_json) for path in files]
        lineside.memory.index_pending()
    finally:
        lineside.close()
    if as_json:
        print_json([outcome.to_json() for outcome in outcomes])
    else:
        for outcome in outcomes:
            typer.echo(outcome.summary)
            for origin, reason in outcome.dead[:_SHOWN]:
                typer.echo(f"  {origin}: {reason}", err=True)
            if len(outcome.dead) > _SHOWN:
                typer.echo(f"  and {len(outcome.dead) - _SHOWN} more: lineside dead-letters list", err=True)
    if any(outcome.dead for outcome in outcomes):
        raise typer.Exit(1)


def backfill(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A source of lineside.toml.")],
    since: Annotated[
        str | None, typer.Option(help="Read it anew from its start, and keep what it stamped since this time.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Read everything that a source still has, from where reading stopped; resumable at any moment."""
    from lineside.app import open_lineside
    from lineside.serve.backfilling import backfill as read_past
    from lineside.serve.backfilling import shown
    from lineside.serve.moments import parse_moment
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        at = parse_moment(since, lineside.plant) if since else None
        with shown(source, since=at, now=lineside.clock().astimezone(lineside.plant.time_zone)) as told:
            outcome = read_past(lineside, source, since=at, told=told)
    except KeyboardInterrupt as stopped:
        typer.echo(f"{source}: stopped; what was read is kept. Go on with: lineside backfill {source}", err=True)
        raise typer.Exit(INTERRUPTED) from stopped
    finally:
        lineside.close()
    counts = {name: getattr(outcome, name) for name in ("received", "recorded", "known", "dead_lettered")}
    counts |= {"held": outcome.held, "ignored": outcome.ignored}
    if as_json:
        print_json({"source": source, **counts})
    else:
        typer.echo(f"{source}: " + ", ".join(f"{name.replace('_', '-')} {count}" for name, count in counts.items()))
