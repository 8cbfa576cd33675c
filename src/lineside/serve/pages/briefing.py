"""The briefing of somebody new on a line, to read on a phone or to print."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from lineside.plant.equipment import Level, level
from lineside.serve.api import Here, Reading
from lineside.serve.briefing_rows import brief, records
from lineside.serve.handover_rows import place_for
from lineside.serve.moments import parse_moment
from lineside.serve.pages.showing import show

router = APIRouter()


@router.get("/briefing")
def briefing_page(request: Request, lineside: Here, caller: Reading, equipment: str = "", at: str = "") -> Response:
    """What the reader may know of the place, by its parts."""
    moment = parse_moment(at, lineside.plant) if at else None
    place = place_for(lineside, equipment)
    found = brief(lineside, lineside.reader(caller.person), place, moment)
    places = [(e.id, e.name or e.id) for e in lineside.plant.equipment if level(e.id) is Level.WORK_CENTER]
    return show(request, "briefing.html", briefing=found, records=records, place=place or "", places=places, at=at)
