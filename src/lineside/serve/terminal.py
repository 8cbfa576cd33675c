"""How answers, tables and progress look on a terminal; plain lines where it isn't one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from lineside.connector import Check

_CITATIONS_SHOWN = 15
_QUOTE_SHOWN = 160


def print_json(value: Any) -> None:  # whatever a reading command returns
    """`value` as JSON on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table as wide as the terminal; without one, tab-separated lines that a script can cut."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in (list(header), *texts):
            typer.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=None, pad_edge=False, header_style="bold")
    for row in texts:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def print_checks(checks: Iterable[Check]) -> None:
    """A line a check, and under a failed one what to do."""
    for check in checks:
        typer.echo(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.detail}")
        if not check.ok and check.fix:
            typer.echo(f"     fix: {check.fix}")


def print_answer(answer: dict[str, Any]) -> None:
    """An answer as people read it: its text, then the numbered sources, as many and as much as fit on a screen."""
    typer.echo(answer["answer"])
    citations = answer["citations"]
    if citations:
        typer.echo("")
    for cite in citations[:_CITATIONS_SHOWN]:
        said = " ".join(str(cite["quote"]).split())
        said = said if len(said) <= _QUOTE_SHOWN else f"{said[: _QUOTE_SHOWN - 1].rstrip()}…"
        typer.echo(f"  [{cite['n']}] {cite['source']} {cite['source_id']} {cite['occurred_at'] or ''}: {said}")
    if len(citations) > _CITATIONS_SHOWN:
        typer.echo(f"  {len(citations) - _CITATIONS_SHOWN} more: --json shows all")
