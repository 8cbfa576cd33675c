"""kpi: how well exceptions are worked."""

from __future__ import annotations

from typing import Annotated

import typer

from lineside.serve.home import home_folder


def register(root: typer.Typer) -> None:
    root.command("kpi")(kpi)


def kpi(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(help="From then, as in 2026-11-20; by default seven days.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to then, by default now.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="class, area, shift, site, day, week or each-shift; may be given again, or with commas."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--kpi", help="Only this figure, as in time_to_containment.")
    ] = None,
    of: Annotated[str | None, typer.Option("--class", help="Only this class, as in downtime.")] = None,
    place: Annotated[str | None, typer.Option(help="Only this equipment and what lies below it.")] = None,
    at: Annotated[str | None, typer.Option(help="As it would have been told then.")] = None,
    reader: Annotated[str | None, typer.Option("--as", help="Only what this person may read.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with the exceptions behind each figure.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_table: Annotated[bool, typer.Option("--table", help="Print a table, which is the default.")] = False,
) -> None:
    """How well exceptions are worked: how long they stand, how fast they are contained, decided on and approved."""
    from lineside.app import open_lineside
    from lineside.errors import BadRequest
    from lineside.serve.kpi_rows import asked_for, csv_text, document, table, told
    from lineside.serve.terminal import print_json, print_table

    if as_json + as_csv + as_table > 1:
        raise BadRequest("print one of --json, --csv and --table")
    lineside = open_lineside(home_folder(context.obj.home))
    try:
        asked, moment = asked_for(
            lineside, since=since, until=until, by=by or (), kpis=only or (), of=of, place=place, at=at
        )
        found = told(lineside, lineside.reader(lineside.person(reader) if reader else None), asked, moment)
        data = document(lineside, found) if as_json else {}
        text = csv_text(lineside, found) if as_csv else ""
    finally:
        lineside.close()
    if as_json:
        print_json(data)
    elif as_csv:
        typer.echo(text, nl=False)
    else:
        print_table(*table(found, asked.by))
