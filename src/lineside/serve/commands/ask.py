"""ask, recalled: what people want to know."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from lineside.serve.home import home_folder


def register(root: typer.Typer) -> None:
    root.command("ask")(ask)
    root.command("recalled")(recalled)


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question, in English or German.")],
    as_user: Annotated[str | None, typer.Option("--as", help="Ask with this person's rights.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="The asker's now; only what was reported by then.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Go on with this conversation.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Answer a question from the plant's memory, each claim with its evidence."""
    _answer(context, question, as_user=as_user, at=at, conversation=conversation, as_json=as_json)


def recalled(
    context: typer.Context,
    as_user: Annotated[str | None, typer.Option("--as", help="What this person was told.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="What had changed by then.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List earlier answers and decisions that rest on records which changed since."""
    from lineside.app import open_lineside
    from lineside.serve.moments import parse_moment
    from lineside.serve.telling import recall_rows
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        person = lineside.person(as_user) if as_user is not None else None
        rows = recall_rows(lineside, person, at=parse_moment(at, lineside.plant) if at else None)
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(row["text"])
    if not rows:
        typer.echo("Nothing that was told and kept in a conversation has changed since.")


def _answer(
    context: typer.Context, text: str, *, as_user: str | None, at: str | None, conversation: str | None, as_json: bool
) -> None:
    from lineside.app import open_lineside
    from lineside.serve.asking import ask_once
    from lineside.serve.moments import parse_moment
    from lineside.serve.terminal import print_answer, print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        person = lineside.person(as_user) if as_user is not None else None
        moment = parse_moment(at, lineside.plant) if at else lineside.clock()
        answer = asyncio.run(ask_once(lineside, text, at=moment, person=person, conversation=conversation))
    finally:
        lineside.close()
    if as_json:
        print_json(answer.to_json())
    else:
        print_answer(answer.to_json())
