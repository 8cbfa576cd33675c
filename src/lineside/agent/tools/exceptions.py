"""Operational exceptions being worked: which are open, whose they are, and the story of each."""

from __future__ import annotations

from pydantic import Field

from lineside.agent.parameters import WhereWhen
from lineside.agent.tools.context import Context, tool
from lineside.cases import Cases, case_pack
from lineside.cases.telling import standing, story
from lineside.errors import BadRequest
from lineside.interpretation.reading import Reading


class Exceptions(WhereWhen):
    case: str | None = Field(default=None, description="one exception's id, as in EXC-17")
    kind: str | None = Field(default=None, description="only this class, as in downtime, quality_hold, shortage")
    owner: str | None = Field(default=None, description="only what this person or role has")


def _cases(context: Context, asked: Exceptions) -> Reading:
    cases = Cases(context.memory, reader=context.view.reader, as_of=context.view.as_of)
    if asked.case:
        return story(cases, context.view, asked.case)
    if asked.kind and asked.kind not in case_pack().classes:
        raise BadRequest(f"there is no class {asked.kind!r}; there are: {', '.join(case_pack().classes)}")
    return standing(
        cases,
        context.view,
        place=context.place(asked.equipment),
        case_class=asked.kind,
        owner=asked.owner,
        window=context.window(asked.window),
    )


TOOLS = (
    tool(
        "cases",
        "Operational exceptions (cases): which are open or stood in a stretch of time, how grave, who owns each and "
        "since when, what caused it, to whom it escalates; or the whole story of one.",
        Exceptions,
        _cases,
    ),
)
