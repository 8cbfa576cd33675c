"""The tools of both answerers: pure reads over one view, and one that only proposes. Each gives a Reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineside.agent.parameters import Parameters
from lineside.agent.tools import acting, floor, past, shipping, stock
from lineside.agent.tools.context import Context, Tool

__all__ = ["TOOLS", "Context", "Parameters", "Tool", "described"]

TOOLS: Mapping[str, Tool] = {
    tool.name: tool for module in (floor, stock, shipping, past, acting) for tool in module.TOOLS
}


def described() -> Sequence[Tool]:
    """Every tool, for whoever hands them to a model."""
    return tuple(TOOLS.values())
