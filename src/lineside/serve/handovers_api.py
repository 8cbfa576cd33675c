"""The HTTP interface to handovers: the document of a shift, what is added to it, its sign-off and acknowledgements."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lineside.interpretation.handover_draft import Section
from lineside.serve.api import FAULTS, Here, Reading
from lineside.serve.handover_rows import kept_row, line_row, message, place_for, reading, row, slot_for
from lineside.serve.moments import parse_moment

_LONGEST = 2000
_Place = Annotated[str | None, Query(max_length=_LONGEST)]

router = APIRouter(prefix="/api/v1", responses=FAULTS)


class _Body(BaseModel):
    """equipment: whose document is meant; the whole site's without it."""

    model_config = ConfigDict(extra="forbid")

    equipment: str | None = Field(None, max_length=_LONGEST)


class ItemBody(_Body):
    """What the next shift should know, in a section that people add to."""

    text: str = Field(min_length=1, max_length=_LONGEST)
    section: Section = Section.NEW


class CommentBody(_Body):
    """item: what it comments on; the whole document without it."""

    text: str = Field(min_length=1, max_length=_LONGEST)
    item: str = Field("", max_length=200)


class SignBody(_Body):
    """digest: of the document as it was shown; another one is refused."""

    digest: str | None = Field(None, max_length=100)


class AcknowledgeBody(_Body):
    """digest: of the item as it was shown; another one is refused."""

    item: str = Field(min_length=1, max_length=200)
    digest: str | None = Field(None, max_length=100)


@router.get("/handovers")
def handovers(
    lineside: Here,
    caller: Reading,
    equipment: _Place = None,
    days: Annotated[int, Query(ge=1, le=31)] = 3,
) -> list[dict[str, Any]]:
    """The shifts of the last days, the newest first, with who signed off their handovers."""
    now, place = lineside.clock(), place_for(lineside, equipment)
    found = reading(lineside, lineside.reader(caller.person)).shifts(now - timedelta(days=days), now, place)
    return [dict(kept_row(lineside, each)) for each in found]


@router.get("/handovers/{shift}")
def handover(
    shift: str, lineside: Here, caller: Reading, equipment: _Place = None, at: str | None = None
) -> dict[str, Any]:
    """The handover of a shift: `now`, a name for the last of that name, or day and name as in `2026-11-20-night`.

    at: as it stood then. `message` is its text for Slack."""
    moment = parse_moment(at, lineside.plant) if at else None
    found = reading(lineside, lineside.reader(caller.person), moment)
    document = found.show(slot_for(lineside, shift, moment), place_for(lineside, equipment))
    return {**row(lineside, document), "message": message(lineside, document)}


@router.post("/handovers/{shift}/items", status_code=201)
def add_item(shift: str, body: ItemBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """An item by hand, in the name of the signed-in person; said again it is the same one."""
    person = caller.deciding()
    found = reading(lineside, lineside.reader(person))
    slot, place = slot_for(lineside, shift), place_for(lineside, body.equipment)
    return {"id": found.add(person, slot, body.text, place=place, section=body.section)}


@router.post("/handovers/{shift}/comments", status_code=201)
def add_comment(shift: str, body: CommentBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """A comment on an item or on the whole, in the name of the signed-in person."""
    person = caller.deciding()
    found = reading(lineside, lineside.reader(person))
    slot, place = slot_for(lineside, shift), place_for(lineside, body.equipment)
    return {"id": found.comment(person, slot, body.text, place=place, item=body.item)}


@router.post("/handovers/{shift}/sign")
def sign(shift: str, body: SignBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """Signed off by the signed-in person, once."""
    person = caller.deciding()
    found = reading(lineside, lineside.reader(person))
    slot, place = slot_for(lineside, shift), place_for(lineside, body.equipment)
    return dict(row(lineside, found.sign(person, slot, place=place, seen=body.digest)))


@router.post("/handovers/{shift}/acknowledge")
def acknowledge(shift: str, body: AcknowledgeBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """One item acknowledged by the signed-in person, as it reads now."""
    person = caller.deciding()
    found = reading(lineside, lineside.reader(person))
    slot, place = slot_for(lineside, shift), place_for(lineside, body.equipment)
    return dict(line_row(lineside, found.acknowledge(person, slot, body.item, place=place, seen=body.digest)))
