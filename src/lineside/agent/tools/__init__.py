"""The tools of both answerers: pure reads over one view, and one that only proposes. Each gives a Reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineside.agent.parameters import Parameters
from lineside.agent.tools import acting, exceptions, floor, past, planning, reconciling, shipping, stock
from lineside.agent.tools.context import Context, Tool

__all__ = ["BY_SUBJECT", "TOOLS", "Context", "Parameters", "Tool", "described"]

BY_SUBJECT: Mapping[str, Sequence[Tool]] = {
    (module.__doc__ or "").strip().rstrip("."): module.TOOLS
    for module in (floor, exceptions, stock, reconciling, shipping, planning, past, acting)
}
TOOLS: Mapping[str, Tool] = {tool.name: tool for tools in BY_SUBJECT.values() for tool in tools}


def described() -> Sequence[Tool]:
    """Every tool, for whoever hands them to a model."""
    return tuple(TOOLS.values())
