"""note: what happened, what was decided or what came of it, in a person's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lineside.serve.home import home_folder

if TYPE_CHECKING:
    from lineside.agent.capture_keeping import Kept
    from lineside.agent.captured import Proposed


def register(root: typer.Typer) -> None:
    root.command("note")(note)


def note(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The note, in English or German.")],
    as_user: Annotated[str | None, typer.Option("--as", help="Whose note it is; without it nothing is kept.")] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Keep what was read out of it as well.")] = False,
    capture_id: Annotated[str, typer.Option("--id", help="Sending the same id again keeps it once.")] = "",
    at: Annotated[str | None, typer.Option("--at", help="When it was written, as in 2026-11-20T06:00.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a text says, each value with its words; with --as keep it, with --confirm together with the values."""
    from lineside.app import open_lineside
    from lineside.errors import BadRequest
    from lineside.serve.capturing import keep_confirmed, keep_text, proposal
    from lineside.serve.moments import parse_moment
    from lineside.serve.terminal import print_json

    if confirm and as_user is None:
        raise BadRequest("a confirmation has a name: --as PERSON")
    lineside = open_lineside(home_folder(context.obj.home))
    try:
        person = lineside.person(as_user) if as_user is not None else None
        moment = parse_moment(at, lineside.plant) if at else lineside.clock()
        proposed = proposal(lineside, text, person=person, at=moment)
        kept = None
        if person is not None:
            keep = keep_confirmed if confirm else keep_text
            kept = keep(lineside, text, author=person, capture_id=capture_id, at=moment, channel="command line")
            lineside.memory.index_pending()
    finally:
        lineside.close()
    if as_json:
        said = proposed.to_json()
        print_json(said | {"kept": kept and {"record_id": kept.record_id, "type": kept.type, "again": kept.again}})
        return
    _print(proposed, kept, confirmed=confirm)


def _print(proposed: Proposed, kept: Kept | None, *, confirmed: bool) -> None:
    typer.echo(f"This reads as a {proposed.kind}.")
    for each in proposed.fields:
        words = proposed.text[each.start : each.end]
        meant = " or ".join(one.shown for one in each.readings)
        typer.echo(f"  {each.field.replace('_', ' ')}: {meant}" + (f'  (from "{words}")' if meant != words else ""))
    for none in proposed.unknown:
        nearest = f"; nearest: {', '.join(none.nearest)}" if none.nearest else ""
        typer.echo(f"  {none.words} is not known here{nearest}")
    if kept is None:
        typer.echo("Nothing was kept: --as PERSON keeps the text, --confirm these values as well.")
    elif kept.again:
        typer.echo(f"It was kept before as {kept.record_id}.")
    else:
        with_values = "with what has one reading" if confirmed else "as a plain note"
        typer.echo(f"Kept {with_values}: {kept.record_id}.")
