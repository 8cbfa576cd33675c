"""sources: what is read and how it is doing, one of them whole, tried, paused, resumed, mapped."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.errors import BadRequest
from lineside.serve.commands.mapping import map_source
from lineside.serve.home import home_folder

if TYPE_CHECKING:
    from lineside.app import Lineside

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_By = Annotated[str, typer.Option("--as", help="Who says so.")]
_STREAMS_SHOWN = 15
_Source = Annotated[str, typer.Argument(help="A source.")]


def register(root: typer.Typer) -> None:
    sources = typer.Typer(help="What is read, and how it is doing.", no_args_is_help=True)
    sources.command("list")(list_sources)
    sources.command("show")(show_source)
    sources.command("check")(check_sources)
    sources.command("pause")(pause_source)
    sources.command("resume")(resume_source)
    sources.command("map")(map_source)
    root.add_typer(sources, name="sources")


def list_sources(context: typer.Context, as_json: _Json = False) -> None:
    """Every source that is configured, declared or was heard, and how it is doing."""
    from lineside.app import open_lineside
    from lineside.serve.overview import source_rows
    from lineside.serve.terminal import print_json, print_table

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        rows: list[Any] = list(source_rows(lineside))
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
        return
    now = lineside.clock()
    header = ("source", "state", "since", "heard", "lag", "per hour", "errors", "dead", "drift", "gaps")
    print_table(header, [_listed(row, now) for row in rows])
    for row in rows:
        if row["reason"]:
            typer.echo(f"{row['source']}: {row['reason']}")
    if not rows:
        typer.echo("No source is configured and none has spoken. Name one in lineside.toml, or: lineside import FILE")


def _listed(row: dict[str, Any], now: datetime) -> tuple[object, ...]:
    from lineside.serve.moments import age

    return (
        row["source"],
        row["state"].replace("_", " "),
        _since(row["since"], now),
        _since(row["last_heard"], now),
        age(row["lag_s"]) if row["lag_s"] is not None else "-",
        row["rate_per_h"],
        f"{row['error_share']:.0%}",
        row["open_letters"],
        row["drift"],
        row["gaps"],
    )


def _since(at: str | None, now: datetime) -> str:
    from lineside.serve.moments import age

    return "-" if at is None else age((now - datetime.fromisoformat(at)).total_seconds())


def show_source(context: typer.Context, source: _Source, as_json: _Json = False) -> None:
    """Everything about one source: state and why, streams, accounts, latencies, alerts, gaps, drift, checkpoint."""
    from lineside.app import open_lineside
    from lineside.serve.overview import source_detail
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        row: Any = source_detail(lineside, source)
    finally:
        lineside.close()
    if as_json:
        print_json(row)
        return
    now = lineside.clock()
    typer.echo(f"{row['source']}: {row['state'].replace('_', ' ')}{_minute(row['since'], ' since ')}")
    if row["reason"]:
        typer.echo(f"  because {row['reason']}")
    if row["paused_by"]:
        typer.echo(f"  paused by {row['paused_by']}; go on with: lineside sources resume {source}")
    if row["configuration_error"]:
        typer.echo(f"  its configuration can't be used: {row['configuration_error']}")
    facts = (
        ("kind", ", ".join(filter(None, (row["kind"], row["connector"]))) or "-"),
        ("owner", row["owner"] or "-"),
        ("last heard", _heard(row["last_heard"], now)),
        ("accounts", row["equation"]),
        ("last hour", f"{row['rate_per_h']} messages, {row['error_share']:.0%} of the latest unreadable"),
        ("latency", _latency(row["latency"])),
        ("checkpoint", _checkpoint(row)),
        ("began anew", _minute(row["epoch_at"]) or "never told"),
        ("mapping", row["mapping"] or "of its connector"),
        ("dead letters", f"{row['open_letters']} open"),
    )
    for name, said in facts:
        typer.echo(f"{name:<13} {said}")
    for stream in row["streams"][:_STREAMS_SHOWN]:
        name = stream["stream"] or "(the only one)"
        typer.echo(f"{'stream':<13} {name}: {stream['messages']} messages, last {_minute(stream['last_at'])}")
    if len(row["streams"]) > _STREAMS_SHOWN:
        typer.echo(f"{'':<13} and {len(row['streams']) - _STREAMS_SHOWN} more streams: --json shows all")
    for alert in row["alerts"]:
        typer.echo(f"{'alert':<13} {_alert(alert)} since {_minute(alert['opened_at'])}")
    for alert in row["past_alerts"]:
        over = f"{_minute(alert['opened_at'])} to {_minute(alert['closed_at'])}"
        typer.echo(f"{'was':<13} {_alert(alert)}, {over}")
    for gap in row["gap_list"]:
        typer.echo(f"{'gap':<13} {_minute(gap['since'])} to {_minute(gap['until'])}: {gap['reason']}")
    for drift in row["drift_list"]:
        typer.echo(f"{'drift':<13} {drift['stream']}: {drift['reason']}")


def _heard(at: str | None, now: datetime) -> str:
    return "never" if at is None else f"{_since(at, now)} ago, {_minute(at)}"


def _minute(at: str | None, before: str = "") -> str:
    return "" if at is None else f"{before}{datetime.fromisoformat(at):%Y-%m-%d %H:%M}"


def _latency(row: dict[str, Any] | None) -> str:
    if row is None:
        return "nothing came in the last day"
    half, most = row["p50_us"] / 1000, row["p99_us"] / 1000
    return f"{half:.1f} ms in the middle, {most:.1f} ms for 99 of 100, of {row['messages']} in the last day"


def _checkpoint(row: dict[str, Any]) -> str:
    import json

    from lineside.serve.moments import age

    if row["checkpoint_age_s"] is None:
        return "none"
    told = json.dumps(row["checkpoints"].get("", row["checkpoints"]), ensure_ascii=False)
    return f"kept {age(row['checkpoint_age_s'])} ago: {told if len(told) <= 200 else told[:199] + '…'}"


def _alert(alert: dict[str, Any]) -> str:
    where = f"{alert['stream']}: " if alert["stream"] else ""
    return f"{alert['kind'].replace('_', ' ')}: {where}{alert['reason']}"


def check_sources(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Which sources; all if none is named.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Instead: sources of this draft of a lineside.toml; - reads it here.")
    ] = None,
    within: Annotated[float, typer.Option(min=1, max=600, help="Longest wait for each source, in seconds.")] = 30.0,
    as_json: _Json = False,
) -> None:
    """Try sources without changing anything there; one that refused us is read again once it is well.

    With --file nothing is written at home either: a configuration can be tried before it is saved.
    """
    from lineside.app import open_draft, open_lineside
    from lineside.serve.checking import check_all
    from lineside.serve.terminal import print_checks, print_json

    home, draft = home_folder(context.obj.home), _draft(file) if file else None
    lineside: Lineside = open_lineside(home) if draft is None else open_draft(home, draft)
    try:
        checks = check_all(lineside, names or (), draft=draft, within_s=within)
    finally:
        lineside.close()
    if as_json:
        print_json([{"name": c.name, "ok": c.ok, "detail": c.detail, "fix": c.fix} for c in checks])
    else:
        print_checks(checks)
        if not checks:
            typer.echo("No source is configured.", err=True)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def _draft(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file} is not UTF-8 text: {error}") from error
    except OSError as error:
        raise BadRequest(f"{file} can't be read: {error.strerror}") from error


def pause_source(
    context: typer.Context,
    source: _Source,
    reason: Annotated[str, typer.Option(help="Why it is not to be read.")],
    by: _By = "operator",
) -> None:
    """Leave a source alone until somebody resumes it, across restarts; what it says meanwhile is read afterwards."""
    from lineside.app import open_lineside
    from lineside.serve.tending import Tender, pause

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        pause(lineside, source, reason=reason, tender=Tender(by=by, via="cli"))
    finally:
        lineside.close()
    typer.echo(f"{source} is paused: {reason}. Go on with: lineside sources resume {source}")


def resume_source(context: typer.Context, source: _Source, by: _By = "operator") -> None:
    """Have a source read again that was paused, refused us or failed; a running `lineside serve` does it at once."""
    from lineside.app import open_lineside
    from lineside.serve.tending import Tender, resume

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        resumed = resume(lineside, source, tender=Tender(by=by, via="cli"))
    finally:
        lineside.close()
    typer.echo(f"{source} is read again." if resumed else f"{source} was neither paused nor failed; nothing changed.")
