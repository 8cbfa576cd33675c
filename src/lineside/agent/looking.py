"""One tool by itself, without a question: its arguments as a form or an address gives them, checked like any answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lineside.agent.answer import Answer, ToolUse
from lineside.agent.compose import Findings, compose
from lineside.agent.tools import TOOLS, Context, Tool
from lineside.errors import BadRequest, NotFound
from lineside.memory import EVERYTHING, Memory, Reader
from lineside.plant.plant import Person
from lineside.plant.records import Json

if TYPE_CHECKING:
    from lineside.actions import Ledger

CODE = "code"  # who answers: nobody read a question


@dataclass(frozen=True, slots=True)
class Looked:
    """What a tool told. data: the figures behind it, for charts."""

    answer: Answer
    data: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One argument of a tool. kind: text, number, flag, choice, list, or pairs of `name: value`."""

    name: str
    description: str
    kind: str
    required: bool
    choices: tuple[str, ...] = ()


def readable(name: str) -> Tool:
    """The tool of that name that reads. Raises NotFound."""
    found = TOOLS.get(name)
    if found is None or not found.reads:
        there = ", ".join(each.name for each in TOOLS.values() if each.reads)
        raise NotFound(f"{name!r} is nothing to look up; there are: {there}")
    return found


def entries(tool: Tool) -> list[Entry]:
    """What the tool takes, in its order."""
    schema = tool.parameters.model_json_schema()
    required = schema.get("required", [])
    return [_entry(name, said, required=name in required) for name, said in schema.get("properties", {}).items()]


def look(
    memory: Memory,
    tool: Tool,
    values: Mapping[str, Sequence[str]],
    *,
    at: datetime,
    person: Person | None,
    ledger: Ledger | None = None,
) -> Looked:
    """What the tool tells `person` with these values, of what was known at `at`; empty values count as not given.

    Raises BadRequest where a value has a wrong shape or names nothing.
    """
    given = _given(tool, values)
    try:
        arguments = tool.parameters.model_validate(given, strict=False)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg'].lower()}" for each in error.errors())
        raise BadRequest(f"{tool.name} can't be asked so: {told}") from error
    view = memory.view(as_of=at, reader=EVERYTHING if person is None else Reader(person))
    context = Context(memory=memory, view=view, asked="", person=person, ledger=ledger)
    reading = tool.read(context, arguments)
    used = ToolUse(tool.name, arguments.model_dump(mode="json", exclude_none=True, exclude_defaults=True))
    answer = compose(Findings.of([reading], tools=(used,)), view=view, answerer=CODE)
    return Looked(answer, reading.data)


def _given(tool: Tool, values: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    kinds = {each.name: each.kind for each in entries(tool)}
    given: dict[str, Any] = {}
    for name, texts in values.items():
        filled = [text.strip() for text in texts if text.strip()]
        if not filled:
            continue
        match kinds.get(name):
            case "list":
                given[name] = [part.strip() for text in filled for part in text.split(",") if part.strip()]
            case "pairs":
                pairs = (part.partition(":") for text in filled for part in text.split(","))
                given[name] = {key.strip(): value.strip() for key, _, value in pairs}
            case _:
                given[name] = filled[-1]
    return given


def _entry(name: str, said: Mapping[str, Any], *, required: bool) -> Entry:
    shape = next((each for each in said.get("anyOf", ()) if each.get("type") != "null"), said)
    choices = tuple(str(each) for each in shape.get("enum", ()))
    kinds = {"number": "number", "integer": "number", "boolean": "flag", "array": "list", "object": "pairs"}
    kind = "choice" if choices else kinds.get(shape.get("type", ""), "text")
    return Entry(name=name, description=said.get("description", ""), kind=kind, required=required, choices=choices)
