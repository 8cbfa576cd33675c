"""The HTTP interface to what the caller was told and is no longer so."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from lineside.serve.api import FAULTS, Here, Reading
from lineside.serve.moments import parse_moment
from lineside.serve.telling import recall_rows

router = APIRouter(prefix="/api/v1", responses=FAULTS)


@router.get("/answers/recalled")
def recalled(lineside: Here, caller: Reading, at: str | None = None) -> dict[str, Any]:
    """The caller's own answers, handovers, proposals and approvals that rest on a record which was corrected, deleted
    or overtaken since; newest first. stands: whether the verdict is the same; null where it must be asked again."""
    moment = parse_moment(at, lineside.plant) if at else lineside.clock()
    zone = lineside.plant.time_zone
    return {
        "as_of": moment.astimezone(zone).isoformat(),
        "recalled": recall_rows(lineside, caller.person, at=moment),
    }
