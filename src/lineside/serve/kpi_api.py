"""The HTTP interface to the figures on how exceptions are worked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from lineside.serve.api import FAULTS, Here, Reading
from lineside.serve.kpi_rows import asked_for, csv_text, document, told

_LONGEST = 2000
_Words = Annotated[str | None, Query(max_length=_LONGEST)]
_Several = Annotated[list[str] | None, Query(max_length=20)]

router = APIRouter(prefix="/api/v1", responses=FAULTS)


@router.get("/kpi", response_model=dict[str, Any])
def kpi(
    lineside: Here,
    caller: Reading,
    since: _Words = None,
    until: _Words = None,
    by: _Several = None,
    only: Annotated[list[str] | None, Query(alias="kpi", max_length=50)] = None,
    of: Annotated[str | None, Query(alias="class", max_length=100)] = None,
    place: _Words = None,
    at: _Words = None,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Response:
    """How exceptions were worked, over the last seven days or from `since` to `until`: what the caller may not see is
    not counted. by: class, area, shift, site, and one of day, week and each-shift. kpi: only these. at: as it would
    have been told then."""
    asked, moment = asked_for(
        lineside, since=since, until=until, by=by or (), kpis=only or (), of=of, place=place, at=at
    )
    found = told(lineside, lineside.reader(caller.person), asked, moment)
    if form == "csv":
        headers = {"Content-Disposition": 'attachment; filename="kpi.csv"', "Cache-Control": "no-store"}
        return Response(csv_text(lineside, found), media_type="text/csv; charset=utf-8", headers=headers)
    return JSONResponse(document(lineside, found))
