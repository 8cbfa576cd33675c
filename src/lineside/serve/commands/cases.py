"""cases: what is out of the ordinary, whose it is, and what people do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.errors import BadRequest
from lineside.serve.home import home_folder

if TYPE_CHECKING:
    from lineside.cases import Case, Moves

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(help="The exception's id, as in EXC-17.")]
_As = Annotated[str, typer.Option("--as", help="Who does it: a person of the plant file.")]
_Why = Annotated[str, typer.Option(help="The reason, in words.")]
_Cite = Annotated[list[str] | None, typer.Option(help="A record's id; may be given again.")]
_Reader = Annotated[str | None, typer.Option("--as", help="Only what this person of the plant file may read.")]
_At = Annotated[str | None, typer.Option(help="As it stood then, as in 2026-11-20T06:00.")]


def register(root: typer.Typer) -> None:
    cases = typer.Typer(
        help="Operational exceptions: opened from the records, each with an owner and a clock.", no_args_is_help=True
    )
    cases.command("list")(list_cases)
    cases.command("mine")(my_cases)
    cases.command("show")(show_case)
    cases.command("open")(open_case)
    cases.command("acknowledge")(acknowledge)
    cases.command("assign")(assign)
    cases.command("contain")(contain)
    cases.command("resolve")(resolve)
    cases.command("withdraw")(withdraw)
    cases.command("reopen")(reopen)
    cases.command("note")(note)
    cases.command("run")(run_engine)
    root.add_typer(cases, name="cases")


def list_cases(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Those that are over as well.")] = False,
    of: Annotated[str | None, typer.Option("--class", help="Only this class, as in downtime.")] = None,
    place: Annotated[str | None, typer.Option(help="Only this equipment path and what lies below it.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only what this person or role has.")] = None,
    at: _At = None,
    reader: _Reader = None,
    as_json: _Json = False,
) -> None:
    """Open exceptions, the gravest first."""
    from lineside.app import open_lineside
    from lineside.serve.case_rows import reading, row, table
    from lineside.serve.moments import parse_moment
    from lineside.serve.terminal import print_json, print_table

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        moment = parse_moment(at, lineside.plant) if at else None
        cases = reading(lineside, lineside.reader(lineside.person(reader) if reader else None), moment)
        if of and of not in cases.pack.classes:
            raise BadRequest(f"there is no class {of!r}; there are: {', '.join(cases.pack.classes)}")
        found = cases.list(only_open=not every, classes=[of] if of else (), place=place, owner=owner)
        rows = [row(lineside, case, now=moment) for case in found] if as_json else table(lineside, found)
    finally:
        lineside.close()
    if as_json:
        print_json(rows)
    else:
        print_table(("id", "state", "severity", "owner", "since", "age", "what"), rows)  # type: ignore[arg-type]


def my_cases(context: typer.Context, person: _As, as_json: _Json = False) -> None:
    """What that person has, and what they have not heard of it yet; heard once it is printed."""
    from lineside.app import open_lineside
    from lineside.cases import notices
    from lineside.serve.case_board import is_mine
    from lineside.serve.case_rows import reading, row, table
    from lineside.serve.notices_api import notice_row
    from lineside.serve.terminal import print_json, print_table

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        cases = reading(lineside, lineside.reader(lineside.person(person)))
        fresh = notices.unheard(cases)
        mine = is_mine(lineside, cases)
        found = [case for case in cases.list(only_open=True) if mine(case)]
        told = [notice_row(lineside, each) for each in fresh]
        if as_json:
            print_json({"notices": told, "cases": [row(lineside, case) for case in found]})
        else:
            for each in told:
                typer.echo(f"{each['at']}  {each['text']}")
            print_table(("id", "state", "severity", "owner", "since", "age", "what"), table(lineside, found))
        notices.heard(cases, [each.key for each in fresh])
    finally:
        lineside.close()


def show_case(
    context: typer.Context, case: _Id, at: _At = None, reader: _Reader = None, as_json: _Json = False
) -> None:
    """One exception: evidence, options, what closes it, and its story so far."""
    from lineside.app import open_lineside
    from lineside.serve.case_rows import lines, reading, whole
    from lineside.serve.moments import parse_moment
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        moment = parse_moment(at, lineside.plant) if at else None
        person = lineside.person(reader) if reader else None
        told = whole(lineside, reading(lineside, lineside.reader(person), moment), case)
        shown = list(lines(lineside, told))
    finally:
        lineside.close()
    if as_json:
        print_json(told)
    else:
        typer.echo("\n".join(shown))


def open_case(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="What is out of the ordinary, in a sentence.")],
    person: _As,
    of: Annotated[str, typer.Option("--class", help="Its class.")] = "reported",
    subject: Annotated[str, typer.Option(help="What it is about, as in lot:L-77.")] = "",
    place: Annotated[str, typer.Option(help="The equipment's path.")] = "",
    cite: _Cite = None,
    as_json: _Json = False,
) -> None:
    """Report one by hand."""
    _move(
        context,
        person,
        lambda moves: moves.open(title=title, case_class=of, subject=subject, place=place, cites=cite or ()),
        as_json=as_json,
    )


def acknowledge(context: typer.Context, case: _Id, person: _As, why: _Why = "", as_json: _Json = False) -> None:
    """Take care of it."""
    _move(context, person, lambda moves: moves.acknowledge(case, why=why), as_json=as_json)


def assign(
    context: typer.Context,
    case: _Id,
    person: _As,
    to: Annotated[str, typer.Option(help="Whose it is from now on: a person of the plant file.")],
    why: _Why = "",
    as_json: _Json = False,
) -> None:
    """Give it to somebody."""
    _move(context, person, lambda moves: moves.assign(case, to, why=why), as_json=as_json)


def contain(
    context: typer.Context, case: _Id, person: _As, why: _Why, cite: _Cite = None, as_json: _Json = False
) -> None:
    """Say that it does no further harm."""
    _move(context, person, lambda moves: moves.contain(case, why=why, cites=cite or ()), as_json=as_json)


def resolve(
    context: typer.Context, case: _Id, person: _As, why: _Why, cite: _Cite = None, as_json: _Json = False
) -> None:
    """Say that it is dealt with; it closes when the records prove it."""
    _move(context, person, lambda moves: moves.resolve(case, why=why, cites=cite or ()), as_json=as_json)


def withdraw(context: typer.Context, case: _Id, person: _As, why: _Why, as_json: _Json = False) -> None:
    """Say that it was none; it stays visible with the reason."""
    _move(context, person, lambda moves: moves.withdraw(case, why=why), as_json=as_json)


def reopen(context: typer.Context, case: _Id, person: _As, why: _Why, as_json: _Json = False) -> None:
    """Say that it is not over."""
    _move(context, person, lambda moves: moves.reopen(case, why=why), as_json=as_json)


def note(context: typer.Context, case: _Id, person: _As, why: _Why, cite: _Cite = None, as_json: _Json = False) -> None:
    """Say something about it; nothing else changes."""
    _move(context, person, lambda moves: moves.note(case, why=why, cites=cite or ()), as_json=as_json)


def run_engine(context: typer.Context, as_json: _Json = False) -> None:
    """Bring what the records tell into the ledger now; `lineside serve` does so by itself."""
    from lineside.app import open_lineside
    from lineside.cases import case_id, run
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        done = run(lineside.memory)
    finally:
        lineside.close()
    named = {n: [case_id(c) for c in getattr(done, n)] for n in ("opened", "changed", "closed", "withdrawn")}
    if as_json:
        print_json({**named, "overtaken": done.overtaken})
    else:
        typer.echo(", ".join(f"{len(each)} {name}" for name, each in named.items()))


def _move(context: typer.Context, person: str, move: Callable[[Moves], Case], *, as_json: bool) -> None:
    from lineside.app import open_lineside
    from lineside.cases import Moves
    from lineside.serve.case_rows import row
    from lineside.serve.terminal import print_json

    lineside = open_lineside(home_folder(context.obj.home))
    try:
        case = move(Moves(lineside.memory, lineside.person(person)))
        told = row(lineside, case)
    finally:
        lineside.close()
    if as_json:
        print_json(told)
    else:
        typer.echo(f"{case.id} is {case.state}; {case.owner or case.role} has it: {case.title}")
