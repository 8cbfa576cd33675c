"""sources, import, backfill, dead-letters: what comes in, and what could not be read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.errors import BadRequest
from lineside.serve.commands.mapping import map_source
from lineside.serve.home import home_folder

if TYPE_CHECKING:
    from lineside.app import Lineside
    from lineside.connector import Check

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHOWN = 20
_STREAMED_S = 10.0  # a stream has no end to reach


def register(root: typer.Typer) -> None:
    root.command("import")(import_files)
    root.command("backfill")(backfill)
    sources = typer.Typer(help="What is read, and how it is doing.", no_args_is_help=True)
    sources.command("list")(list_sources)
    sources.command("check")(check_sources)
    sources.command("map")(map_source)
    root.add_typer(sources, name="sources")
    dead = typer.Typer(help="Messages that could not be read.", no_args_is_help=True)
    dead.command("list")(list_dead_letters)
    dead.command("show")(show_dead_letter)
    dead.command("retry")(retry_dead_letter)
    dead.command("discard")(discard_dead_letter)
    root.add_typer(dead, name="dead-letters")


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


def backfill(context: typer.Context, source: Annotated[str, typer.Argument(help="A source of lineside.toml.")]) -> None:
    """Read everything that a source still has, from where reading stopped; resumable at any moment."""
    from lineside.app import open_lineside
    from lineside.memory.intake import catch_up

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        connectors = lineside.connectors()
        if source not in connectors:
            raise BadRequest(
                f"{source!r} is not a source of lineside.toml; there are: {', '.join(connectors) or 'none'}"
            )
        longest_s = _STREAMED_S if lineside.streams(source) else None
        version = lineside.mapping(source).version
        reading = catch_up(lineside.memory, connectors[source][0], longest_s=longest_s, mapping=version)
        outcome = asyncio.run(reading)
        lineside.memory.index_pending()
    finally:
        lineside.close()
    typer.echo(
        f"{source}: received {outcome.received}, recorded {outcome.recorded}, known {outcome.known}, "
        f"dead-lettered {outcome.dead_lettered}"
    )


def list_sources(context: typer.Context, as_json: _Json = False) -> None:
    """Every source that is configured, declared or was heard, and how it is doing."""
    from lineside.app import open_lineside
    from lineside.serve.overview import source_rows
    from lineside.serve.terminal import print_json, print_table

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        rows = source_rows(lineside)
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
    else:
        header = tuple(rows[0]) if rows else ("source",)
        print_table(header, [tuple(row.values()) for row in rows])


def check_sources(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Which sources; all if none is named.")] = None,
    as_json: _Json = False,
) -> None:
    """Try each configured source without changing anything there; a paused one that is well again is read again."""
    from lineside.app import open_lineside
    from lineside.serve.terminal import print_checks, print_json

    lineside = open_lineside(home_folder(context.obj.home))
    configured = [source.name for source in lineside.settings.sources]
    unknown = set(names or ()) - set(configured)
    if unknown:
        there = ", ".join(configured) or "none"
        raise BadRequest(f"not configured in lineside.toml: {', '.join(sorted(unknown))}; there are: {there}")
    checks = asyncio.run(_check(lineside, names or configured))
    if as_json:
        print_json([{"name": c.name, "ok": c.ok, "detail": c.detail, "fix": c.fix} for c in checks])
    else:
        print_checks(checks)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


async def _check(lineside: Lineside, names: list[str]) -> list[Check]:
    """Every source's checks; one that is well is tried again by the process that serves, if it had paused it."""
    from dataclasses import replace

    from lineside.memory.feeds import resume_source

    connectors = lineside.connectors()
    found: list[Check] = []
    for name in names:
        checks = await connectors[name][0].check()
        if all(check.ok for check in checks):
            resume_source(lineside.memory, name)
        found += [replace(check, name=f"{name}: {check.name}") for check in checks]
    return found


def list_dead_letters(
    context: typer.Context,
    source: Annotated[str | None, typer.Option(help="Only this source's.")] = None,
    as_json: _Json = False,
) -> None:
    """Open dead letters, newest first, each with its reason."""
    from lineside.app import open_lineside
    from lineside.serve.overview import dead_letter_rows
    from lineside.serve.terminal import print_json, print_table

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        rows = dead_letter_rows(lineside, source=source)
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
    else:
        columns = ("id", "source", "origin", "reason", "attempts", "received_at", "status")
        print_table(columns, [[row[column] for column in columns] for row in rows])


def show_dead_letter(
    context: typer.Context, letter: Annotated[int, typer.Argument(help="Its id.")], as_json: _Json = False
) -> None:
    """One dead letter with the bytes as they came."""
    from lineside.app import open_lineside
    from lineside.serve.overview import dead_letter_row
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        row = dead_letter_row(lineside.memory.dead_letter(letter))
    finally:
        lineside.close()
    if as_json:
        print_json(row)
    else:
        for key, value in row.items():
            typer.echo(f"{key}: {value}")


def retry_dead_letter(context: typer.Context, letter: Annotated[int, typer.Argument(help="Its id.")]) -> None:
    """Read a dead letter once more, after its mapping or its neighbour was mended."""
    from lineside.app import open_lineside
    from lineside.serve.overview import translator_for

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        waiting = lineside.memory.dead_letter(letter)
        tried = lineside.memory.retry_dead_letter(letter, translator_for(lineside, waiting.source))
        lineside.memory.index_pending()
    finally:
        lineside.close()
    if tried.status == "open":
        typer.echo(f"{letter} is still unreadable: {tried.reason}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{letter} was read and recorded.")


def discard_dead_letter(
    context: typer.Context,
    letter: Annotated[int, typer.Argument(help="Its id.")],
    reason: Annotated[str, typer.Option(help="Why it may be forgotten.")],
    by: Annotated[str, typer.Option("--as", help="Who says so.")] = "operator",
) -> None:
    """Close a dead letter with a reason; its bytes stay kept."""
    from lineside.app import open_lineside

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        lineside.memory.discard_dead_letter(letter, reason=reason, by=by)
    finally:
        lineside.close()
    typer.echo(f"{letter} is discarded: {reason}")
