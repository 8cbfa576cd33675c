"""The HTTP interface to what the caller is to hear of exceptions: each once, and not while they are off shift."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lineside.app import Lineside
from lineside.cases import notices
from lineside.cases.notices import Notice
from lineside.plant.records import Json
from lineside.serve.api import FAULTS, Here, Reading
from lineside.serve.case_rows import reading

router = APIRouter(prefix="/api/v1", responses=FAULTS)


class ToldBody(BaseModel):
    """keys: of notices that the caller has seen."""

    model_config = ConfigDict(extra="forbid")

    keys: list[Annotated[str, Field(max_length=100)]] = Field(max_length=1000)


def notice_row(lineside: Lineside, notice: Notice) -> dict[str, Json]:
    """One thing to hear. to: whom it was for first; at: when it was written."""
    return {
        "key": notice.key,
        "case": notice.case.id,
        "kind": notice.kind,
        "severity": notice.case.severity.name.casefold(),
        "text": notice.text,
        "to": notice.to,
        "at": notice.at.astimezone(lineside.plant.time_zone).isoformat(),
    }


@router.get("/notices")
def my_notices(
    lineside: Here, caller: Reading, every: Annotated[bool, Query(alias="all")] = False
) -> dict[str, Any]:  # fmt: skip
    """What the caller has not heard yet of exceptions that are theirs, newest first; with `all` what they have heard
    too, as long as it stands. Asking tells nothing as heard: POST /notices/told does."""
    cases = reading(lineside, lineside.reader(caller.person))
    found = notices.standing(cases) if every else notices.unheard(cases)
    as_of = lineside.clock().astimezone(lineside.plant.time_zone)
    return {"as_of": as_of.isoformat(), "notices": [notice_row(lineside, each) for each in found]}


@router.post("/notices/told")
def told(body: ToldBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """The caller has heard these; `told` says how many of them were new."""
    cases = reading(lineside, lineside.reader(caller.deciding()))
    return {"told": notices.heard(cases, body.keys)}
