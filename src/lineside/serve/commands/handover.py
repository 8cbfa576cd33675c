"""handover: what passes on at the end of a shift, drafted, added to, signed off and acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lineside.serve.home import home_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from lineside.app import Lineside
    from lineside.cases.handover_document import Document
    from lineside.cases.handover_ledger import Handovers
    from lineside.plant.calendar import ShiftSlot
    from lineside.plant.plant import Person

_As = Annotated[str, typer.Option("--as", help="Who does it: a person of the plant file.")]
_Shift = Annotated[str, typer.Option(help="As in 2026-11-20-night, or night for the last one; by default now's.")]
_Equipment = Annotated[str | None, typer.Option(help="Only this equipment and what lies below it.")]


def register(root: typer.Typer) -> None:
    handover = typer.Typer(help="The handover of a shift, drafted from the records at any moment.")
    handover.callback(invoke_without_command=True)(show)
    handover.command("add")(add)
    handover.command("sign")(sign)
    handover.command("acknowledge")(acknowledge)
    root.add_typer(handover, name="handover")


def show(
    context: typer.Context,
    shift: _Shift = "now",
    equipment: _Equipment = None,
    at: Annotated[str | None, typer.Option(help="As it stood then, as in 2026-11-20T06:00.")] = None,
    reader: Annotated[str | None, typer.Option("--as", help="Only what this person may read.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    slack: Annotated[bool, typer.Option("--slack", help="Print it as a Slack message.")] = False,
    post: Annotated[
        bool, typer.Option("--post", help="Post it to slack.channel, with what everybody of the site may read.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Post it also where it was posted before as it is.")] = False,
) -> None:
    """The handover of a shift, drafted from the records at any moment: safety first, each thing once."""
    if context.invoked_subcommand:
        return
    from lineside.app import open_lineside
    from lineside.errors import BadRequest
    from lineside.serve.handover_rows import lines, message, place_for, reading, row, slot_for
    from lineside.serve.moments import parse_moment
    from lineside.serve.terminal import print_json

    if post and reader:
        raise BadRequest("--post shows what everybody of the site may read; leave --as out")
    lineside = open_lineside(home_folder(context.obj.home))
    try:
        moment = parse_moment(at, lineside.plant) if at else None
        rights = lineside.reader(lineside.person(reader) if reader else None)
        if post:
            from lineside.serve.slack.handing import everybody

            rights = everybody(lineside)
        seen = reading(lineside, rights, moment)
        document = seen.show(slot_for(lineside, shift, moment), place_for(lineside, equipment))
        told = row(lineside, document)
        if post:
            told["posted"] = _posted(lineside, document, again=again)
        text = message(lineside, document) if slack else "\n".join(lines(lineside, document))
    finally:
        lineside.close()
    if as_json:
        print_json(told)
    elif post:
        typer.echo(f"the handover of {document.slot.label} stands in {told['posted']}")
    else:
        typer.echo(text)


def _posted(lineside: Lineside, document: Document, *, again: bool) -> str:
    """The channel that it stands in."""
    import asyncio

    from lineside.serve.slack.handing import post

    return asyncio.run(post(lineside, document, again=again)).channel


def add(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What the next shift should know.")],
    person: _As,
    section: Annotated[str, typer.Option(help="safety, carried over, new, closed, tried and failed, do not change.")]
    = "new",
    item: Annotated[str, typer.Option(help="Not an item of its own, but a comment on this one.")] = "",
) -> None:  # fmt: skip
    """Add an item, or a comment on one."""
    from lineside.errors import BadRequest
    from lineside.interpretation.handover_draft import Section

    if section not in list(Section):
        raise BadRequest(f"there is no section {section!r}; there are: {', '.join(Section)}")

    def added(handovers: Handovers, who: Person, slot: ShiftSlot, place: str | None) -> str:
        if item:
            handovers.comment(who, slot, text, place=place, item=item)
            return f"a comment on {item} stands in the handover of {slot.label}"
        made = handovers.add(who, slot, text, place=place, section=Section(section))
        return f"{made} stands in the handover of {slot.label}"

    _act(context, person, added)


def sign(context: typer.Context, person: _As) -> None:
    """Sign it off for the outgoing shift."""

    def signed(handovers: Handovers, who: Person, slot: ShiftSlot, place: str | None) -> str:
        document = handovers.sign(who, slot, place=place)
        return f"the handover of {slot.label} is signed off; {len(document.waiting)} to acknowledge"

    _act(context, person, signed)


def acknowledge(
    context: typer.Context,
    items: Annotated[list[str], typer.Argument(help="The ids of the items, as the handover shows them.")],
    person: _As,
) -> None:
    """Acknowledge items for the incoming shift, each by itself."""

    def acknowledged(handovers: Handovers, who: Person, slot: ShiftSlot, place: str | None) -> str:
        for item in items:
            handovers.acknowledge(who, slot, item, place=place)
        return f"{', '.join(items)} acknowledged; {len(handovers.show(slot, place).waiting)} to go"

    _act(context, person, acknowledged)


def _act(
    context: typer.Context, person: str, act: Callable[[Handovers, Person, ShiftSlot, str | None], str]
) -> None:  # fmt: skip
    from lineside.app import open_lineside
    from lineside.serve.handover_rows import place_for, reading, row, slot_for
    from lineside.serve.terminal import print_json

    given = context.parent.params if context.parent else {}
    shift, equipment, as_json = given["shift"], given["equipment"], given["as_json"]
    lineside = open_lineside(home_folder(context.obj.home))
    try:
        who = lineside.person(person)
        slot, place = slot_for(lineside, shift), place_for(lineside, equipment)
        handovers = reading(lineside, lineside.reader(who))
        said = act(handovers, who, slot, place)
        told = row(lineside, handovers.show(slot, place)) if as_json else {}
    finally:
        lineside.close()
    if as_json:
        print_json(told)
    else:
        typer.echo(said)
