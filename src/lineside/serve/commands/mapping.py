"""sources map: what a source's mapping reads, would read, and should have read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.errors import BadRequest
from lineside.serve.home import home_folder

if TYPE_CHECKING:
    from lineside.app import Lineside

_WIDEST = 200


def map_source(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A source of lineside.toml.")],
    preview: Annotated[bool, typer.Option("--preview", help="Translate real messages; nothing is kept.")] = False,
    propose: Annotated[bool, typer.Option("--propose", help="Write a mapping file to look through.")] = False,
    replay: Annotated[bool, typer.Option("--replay", help="Read all kept messages again by the mapping.")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="The source looks as it does now; drift is closed.")] = False,
    file: Annotated[
        Path | None, typer.Option(help="Preview: this mapping file instead. Propose: where to write it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Preview: of how many messages.")] = 10,
    since: Annotated[str | None, typer.Option(help="Replay: only what was received since this time.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """A source's mapping: what it reads and what drifted; tried, proposed, or replayed over the past."""
    from lineside.app import open_lineside

    if sum((preview, propose, replay, accept)) > 1:
        raise BadRequest("--preview, --propose, --replay and --accept are four things: choose one")
    if file is not None and not (preview or propose):
        raise BadRequest("--file goes with --preview or --propose")
    if since is not None and not replay:
        raise BadRequest("--since goes with --replay")
    lineside = open_lineside(home_folder(context.obj.home))
    try:
        if preview:
            _preview(lineside, source, file=file, limit=limit, as_json=as_json)
        elif propose:
            _propose(lineside, source, file)
        elif replay:
            _replay(lineside, source, since=since, as_json=as_json)
        elif accept:
            _accept(lineside, source, as_json=as_json)
        else:
            _show(lineside, source, as_json=as_json)
    finally:
        lineside.close()


def _show(lineside: Lineside, source: str, *, as_json: bool) -> None:
    from lineside.serve.mapping import mapping_row
    from lineside.serve.terminal import print_json, print_table

    row: Any = mapping_row(lineside, source)
    if as_json:
        print_json(row)
        return
    where = row["file"] or "lineside.toml"
    typer.echo(f"{source}: mapping {row['version'] or 'of its connector'} in {where}, times in {row['time_zone']}")
    if row["owner"] or row["owns"]:
        typer.echo(f"owner {row['owner'] or '-'}, owns {', '.join(row['owns']) or '-'}")
    header = ("stream", "field", "read as", "role", "type", "codes")
    print_table(
        header,
        [
            (stream["stream"], each["field"], each["fact"], each["role"], each["type"], _codes(each["codes"]))
            for stream in row["streams"]
            for each in stream["fields"]
        ],
    )
    for told in row["warnings"]:
        typer.echo(f"warning: {told}")
    for each in row["drift"]:
        typer.echo(f"drift: {each['stream']}: {each['reason']}")


def _preview(lineside: Lineside, source: str, *, file: Path | None, limit: int, as_json: bool) -> None:
    from lineside.serve.mapping import preview_rows
    from lineside.serve.terminal import print_json

    rows: list[Any] = list(preview_rows(lineside, source, file=file, limit=limit))
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo(f"{source} has sent nothing yet, and gave nothing when it was asked")
    for row in rows:
        change = "new" if not row["was"] else "changed" if row["changed"] else "as recorded"
        said = f"{row['outcome']}, {change}" if row["outcome"] == "recorded" else f"{row['outcome']}: {row['reason']}"
        typer.echo(f"{row['origin'] or row['stream']} {row['source_id']}: {said}")
        typer.echo(f"  raw      {_brief(row['raw'])}")
        if row["changed"]:
            for each in row["was"]:
                typer.echo(f"  recorded {_brief(each)}")
        for each in row["records"]:
            typer.echo(f"  gives    {_brief(each)}")
        if row["unmapped"]:
            typer.echo(f"  not read {', '.join(row['unmapped'])}")


def _propose(lineside: Lineside, source: str, file: Path | None) -> None:
    from lineside.serve.mapping import proposal

    text = proposal(lineside, source)
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        with file.open("x", encoding="utf-8") as made:
            made.write(text)
    except FileExistsError as error:
        raise BadRequest(f"{file} is there already; name another file") from error
    except OSError as error:
        raise BadRequest(f"{file} can't be written: {error.strerror}") from error
    typer.echo(
        f"{file} is written; look through its remarks, then: lineside sources map {source} --preview --file {file}"
    )


def _replay(lineside: Lineside, source: str, *, since: str | None, as_json: bool) -> None:
    from dataclasses import asdict

    from lineside.memory.replay import Replayed
    from lineside.memory.replay import replay as read_again
    from lineside.serve.moments import parse_moment
    from lineside.serve.terminal import print_json

    connector, mapping = lineside.connector(source)
    at = parse_moment(since, lineside.plant) if since else None

    def progress(done: Replayed) -> None:
        if not as_json:
            typer.echo(f"\r{done.replayed} read again", nl=False, err=True)

    done = read_again(
        lineside.memory, source, connector.translate, mapping=mapping.version, since=at, progress=progress
    )
    lineside.memory.index_pending()
    if as_json:
        print_json({"source": source, "mapping": mapping.version, "replayed": done.replayed, **asdict(done)})
        return
    typer.echo("", err=True)
    typer.echo(
        f"{source}: replayed {done.replayed} by mapping {mapping.version or 'of its connector'}: "
        f"recorded {done.recorded}, restated {done.restated}, taken back {done.taken_back}, "
        f"unchanged {done.unchanged}, held {done.held}, ignored {done.ignored}, still dead {done.dead}, "
        f"unreadable now and left as recorded {done.left}"
    )


def _accept(lineside: Lineside, source: str, *, as_json: bool) -> None:
    from lineside.memory.drift import accept
    from lineside.serve.mapping import drift_rows
    from lineside.serve.terminal import print_json

    rows: list[Any] = drift_rows(accept(lineside.memory, lineside.connector(source)[1]))
    if as_json:
        print_json(rows)
        return
    for each in rows:
        typer.echo(f"accepted: {each['stream']}: {each['reason']}")
    if not rows:
        typer.echo(f"{source} has no open drift")


def _codes(codes: dict[str, Any] | None) -> str:
    return ", ".join(f"{code}={meaning}" for code, meaning in (codes or {}).items())


def _brief(value: Any) -> str:
    told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    told = " ".join(told.split())
    return told if len(told) <= _WIDEST else f"{told[: _WIDEST - 1]}…"
