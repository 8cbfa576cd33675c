"""dead-letters: what could not be read, looked at, read again or closed, one by one or many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lineside.errors import BadRequest
from lineside.serve.home import home_folder

if TYPE_CHECKING:
    from lineside.app import Lineside
    from lineside.memory.letters import Wanted

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Letter = Annotated[int | None, typer.Argument(help="Its id; without one, all that the filters leave.")]
_Source = Annotated[str | None, typer.Option(help="Only this source's.")]
_Stream = Annotated[str | None, typer.Option(help="Only this stream's.")]
_Containing = Annotated[str, typer.Option("--containing", help="Only those whose reason has this in it.")]
_Reason = Annotated[str, typer.Option("--containing", "--reason", help="Only those whose reason has this in it.")]
_Since = Annotated[str | None, typer.Option(help="Only what came since this time.")]
_All = Annotated[bool, typer.Option("--all", help="All of every source.")]


def register(root: typer.Typer) -> None:
    dead = typer.Typer(help="Messages that could not be read.", no_args_is_help=True)
    dead.command("list")(list_dead_letters)
    dead.command("show")(show_dead_letter)
    dead.command("retry")(retry_dead_letters)
    dead.command("discard")(discard_dead_letters)
    root.add_typer(dead, name="dead-letters")


def list_dead_letters(
    context: typer.Context,
    source: _Source = None,
    stream: _Stream = None,
    containing: _Reason = "",
    since: _Since = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 1000,
    as_json: _Json = False,
) -> None:
    """Open dead letters, newest first, each with its reason."""
    from lineside.app import open_lineside
    from lineside.memory.mending import count_letters
    from lineside.serve.overview import dead_letter_rows
    from lineside.serve.terminal import print_json, print_table

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        wanted = _wanted(lineside, source, stream, containing, since)
        rows = dead_letter_rows(lineside, wanted, limit=limit)
        open_now = sum(count_letters(lineside.memory, wanted).values())
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
        return
    columns = ("id", "source", "origin", "reason", "attempts", "received_at", "status")
    print_table(columns, [[row[column] for column in columns] for row in rows])
    if open_now > len(rows):
        typer.echo(
            f"and {open_now - len(rows)} older ones: --limit, or filter by --source, --reason, --since", err=True
        )


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


def retry_dead_letters(
    context: typer.Context,
    letter: _Letter = None,
    everything: _All = False,
    source: _Source = None,
    stream: _Stream = None,
    containing: _Reason = "",
    since: _Since = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Ask the source for it as it is now.")] = False,
    by: Annotated[str, typer.Option("--as", help="Who says so.")] = "operator",
    as_json: _Json = False,
) -> None:
    """Read dead letters once more, after the mapping or a neighbour was mended. Exit code 1 while any is still open."""
    from lineside.app import open_lineside
    from lineside.serve.tending import Tender, retry
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        if _one(letter, everything, source, stream, containing, since):
            _retry_one(lineside, letter or 0, fetch=fetch)
            return
        wanted = _wanted(lineside, source, stream, containing, since)
        rows = retry(lineside, wanted, tender=Tender(by=by, via="cli"), fetch=fetch)
        lineside.memory.index_pending()
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
    for row in () if as_json else rows:
        nameless = (
            f" ({row['nameless']} without an id, which only their source can send again)" if row["nameless"] else ""
        )
        typer.echo(
            f"{row['source']}: tried {row['tried']}, recovered {row['recovered']}, replaced {row['replaced']}, "
            f"still open {row['open']}{nameless}"
        )
        if row["error"]:
            typer.echo(f"  stopped: {row['error']}", err=True)
    if not rows and not as_json:
        typer.echo("No open dead letter is meant by that.")
    if any(row["open"] or row["error"] for row in rows):
        raise typer.Exit(1)


def discard_dead_letters(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why it may be forgotten.")],
    letter: _Letter = None,
    everything: _All = False,
    source: _Source = None,
    stream: _Stream = None,
    containing: _Containing = "",
    since: _Since = None,
    by: Annotated[str, typer.Option("--as", help="Who says so.")] = "operator",
) -> None:
    """Close dead letters with a reason; their bytes stay kept."""
    from lineside.app import open_lineside
    from lineside.serve.tending import Tender, discard

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        if _one(letter, everything, source, stream, containing, since):
            lineside.memory.discard_dead_letter(letter or 0, reason=reason, by=by)
            typer.echo(f"{letter} is discarded: {reason}")
            return
        wanted = _wanted(lineside, source, stream, containing, since)
        done = discard(lineside, wanted, reason=reason, tender=Tender(by=by, via="cli"))
    finally:
        lineside.close()
    typer.echo(f"{done} discarded: {reason}" if done else "No open dead letter is meant by that.")


def _one(letter: int | None, everything: bool, *filters: str | None) -> bool:
    """Whether one letter is meant. Raises BadRequest where it is not clear which are."""
    if letter is not None and (everything or any(filters)):
        raise BadRequest("name one dead letter, or choose many by --all or filters")
    if letter is None and not everything and not any(filters):
        raise BadRequest("name a dead letter, or choose by --source, --stream, --containing, --since, or --all")
    return letter is not None


def _retry_one(lineside: Lineside, letter: int, *, fetch: bool) -> None:
    import asyncio

    from lineside.memory.mending import refetch_letter
    from lineside.serve.overview import translator_for

    waiting = lineside.memory.dead_letter(letter)
    if fetch:
        tried = asyncio.run(refetch_letter(lineside.memory, lineside.connector(waiting.source)[0], letter))
    else:
        tried = lineside.memory.retry_dead_letter(letter, translator_for(lineside, waiting.source))
    lineside.memory.index_pending()
    if tried.status == "open":
        typer.echo(f"{letter} is still unreadable: {tried.reason}", err=True)
        raise typer.Exit(1)
    became = {"recovered": "was read and recorded."}.get(tried.status, f"is {tried.status}: {tried.closed_because}")
    typer.echo(f"{letter} {became}")


def _wanted(lineside: Lineside, source: str | None, stream: str | None, containing: str, since: str | None) -> Wanted:
    from lineside.memory.letters import Wanted
    from lineside.serve.moments import parse_moment

    return Wanted(
        sources=None if source is None else (source,),
        stream=stream,
        containing=containing,
        since=parse_moment(since, lineside.plant) if since else None,
    )
