"""The HTTP interface to single interpretations: each tool that reads, by its arguments instead of a question."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from lineside.agent.looking import look, readable
from lineside.agent.tools import TOOLS
from lineside.serve.api import FAULTS, Here, Reading
from lineside.serve.asking import answer_json
from lineside.serve.moments import parse_moment

AS_OF = "as_of"

router = APIRouter(prefix="/api/v1", responses=FAULTS)


@router.get("/look")
def tools(caller: Reading) -> list[dict[str, Any]]:
    """What can be looked up, with the arguments that each takes."""
    del caller
    return [
        {"tool": tool.name, "description": tool.description, "parameters": tool.parameters.model_json_schema()}
        for tool in TOOLS.values()
        if tool.reads
    ]


@router.get("/look/{tool}")
def look_up(tool: str, request: Request, lineside: Here, caller: Reading, as_of: str | None = None) -> dict[str, Any]:
    """One interpretation. The tool's arguments are query parameters: lists repeated or with commas, pairs as
    `name:value`. as_of: what was known then; now without it. `data` has the figures behind the sentences."""
    at = parse_moment(as_of, lineside.plant) if as_of else lineside.clock()
    values = {name: request.query_params.getlist(name) for name in request.query_params if name != AS_OF}
    found = look(lineside.memory, readable(tool), values, at=at, person=caller.person, ledger=lineside.ledger)
    return {"tool": tool, **answer_json(found.answer), "data": dict(found.data)}
