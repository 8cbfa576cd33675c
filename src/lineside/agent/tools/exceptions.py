"""Operational exceptions being worked: which are open, whose they are, and the story of each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.actions.governed import governed
from lineside.agent.parameters import WhereWhen
from lineside.agent.tools.context import Context, tool
from lineside.cases import Cases, case_pack
from lineside.cases.kpis import Asked, take
from lineside.cases.kpis.telling import telling, week_to
from lineside.cases.telling import overdue, standing, story
from lineside.errors import BadRequest
from lineside.interpretation.reading import Reading


class Exceptions(WhereWhen):
    case: str | None = Field(default=None, description="one exception's id, as in EXC-17")
    kind: str | None = Field(default=None, description="only this class, as in downtime, quality_hold, shortage")
    owner: str | None = Field(default=None, description="only what this person or role has")
    overdue: bool = Field(
        default=False, description="only open ones whose time to be acknowledged or contained has run out"
    )


def _cases(context: Context, asked: Exceptions) -> Reading:
    cases = Cases(context.memory, reader=context.view.reader, as_of=context.view.as_of)
    if asked.case:
        return story(cases, context.view, asked.case)
    if asked.kind and asked.kind not in case_pack().classes:
        raise BadRequest(f"there is no class {asked.kind!r}; there are: {', '.join(case_pack().classes)}")
    place = context.place(asked.equipment)
    if asked.overdue:
        return overdue(cases, context.view, place=place, case_class=asked.kind, owner=asked.owner)
    window = context.window(asked.window)
    return standing(cases, context.view, place=place, case_class=asked.kind, owner=asked.owner, window=window)


class ExceptionKpis(WhereWhen):
    kpis: list[str] = Field(
        default_factory=list,
        description="aging, time_open, time_to_acknowledge, time_to_containment, decision_latency, approval_latency, "
        "touchless_rate, reopened_share, lot_rework_share, expedites, reconciliation_effort_saved, "
        "cost_until_contained; all where empty",
    )
    kind: str | None = Field(default=None, description="only this class, as in downtime, quality_hold, shortage")
    by: Literal["class", "area", "shift", "site", "day", "week"] | None = Field(
        default=None, description="what to set side by side"
    )


def _kpis(context: Context, asked: ExceptionKpis) -> Reading:
    if asked.kind and asked.kind not in case_pack().classes:
        raise BadRequest(f"there is no class {asked.kind!r}; there are: {', '.join(case_pack().classes)}")
    view, memory = context.view, context.memory
    wanted = Asked(
        window=context.window(asked.window) or week_to(view),
        by=(asked.by,) if asked.by else (),
        kpis=tuple(asked.kpis),
        case_class=asked.kind,
        place=context.place(asked.equipment),
    )
    proposals = governed(memory, reader=view.reader, as_of=view.as_of)
    taken = take(memory, wanted.window, reader=view.reader, as_of=view.as_of, proposals=proposals)
    return telling(taken, wanted, view)


TOOLS = (
    tool(
        "exception_kpis",
        "How well exceptions are worked, in figures: how old the open ones are, how long they stay open, how fast they "
        "are acknowledged, contained, decided on and approved, how many close without a person or come back.",
        ExceptionKpis,
        _kpis,
    ),
    tool(
        "cases",
        "Operational exceptions (cases): which are open or stood in a stretch of time, how grave, who owns each and "
        "since when, what caused it, to whom it escalates; those alone that are overdue; or the whole story of one.",
        Exceptions,
        _cases,
    ),
)
