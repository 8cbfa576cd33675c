"""The HTTP interface to notes from the floor: a text's proposed structure, and keeping what its author confirmed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from lineside.agent.capture import LONGEST
from lineside.agent.captured import CaptureKind
from lineside.agent.captured import Field as Told
from lineside.serve.api import FAULTS, Here, Reading
from lineside.serve.capturing import keep_confirmed, keep_text, proposal, proposal_of
from lineside.serve.moments import parse_moment

router = APIRouter(prefix="/api/v1", responses=FAULTS)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextBody(_Body):
    """A text as it was written. at: when, RFC 3339; now where it is absent."""

    text: str = Field(min_length=1, max_length=LONGEST)
    at: str | None = None


class ConfirmedField(_Body):
    """One value that the person confirmed or put there."""

    field: Told
    value: str = Field(min_length=1, max_length=LONGEST)


class CaptureBody(TextBody):
    """id: chosen by the client; sending it again keeps it once. confirm: false keeps the bare text as a note. kind,
    fields: what was confirmed; as proposed where they are absent."""

    id: str = Field(min_length=1, max_length=100)
    confirm: bool = False
    kind: CaptureKind | None = None
    fields: list[ConfirmedField] | None = Field(None, max_length=50)


@router.post("/captures/proposal")
def propose_capture(body: TextBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """What the text says: its kind and its fields, each inferred and pointing at its words. Nothing is kept."""
    at = parse_moment(body.at, lineside.plant) if body.at else None
    return dict(proposal(lineside, body.text, person=caller.person, at=at).to_json())


@router.get("/captures/proposal/{record}")
def propose_of_record(record: str, lineside: Here, caller: Reading) -> dict[str, Any]:
    """What a note, message, mail or cell that is kept already says, as for a new text."""
    return dict(proposal_of(lineside, record, person=caller.person).to_json())


@router.post("/captures", status_code=201)
def keep_capture(body: CaptureBody, response: Response, lineside: Here, caller: Reading) -> dict[str, Any]:
    """Kept in the name of the signed-in person: 201, or 200 where this id had kept it already."""
    at = parse_moment(body.at, lineside.plant) if body.at else None
    author = caller.deciding()
    if body.confirm:
        fields = None if body.fields is None else [(each.field, each.value) for each in body.fields]
        kept = keep_confirmed(
            lineside,
            body.text,
            author=author,
            capture_id=body.id,
            at=at,
            kind=body.kind,
            fields=fields,
            channel=caller.via,
        )
    else:
        kept = keep_text(lineside, body.text, author=author, capture_id=body.id, at=at, channel=caller.via)
    if kept.again:
        response.status_code = 200
    return {"record_id": kept.record_id, "type": kept.type, "again": kept.again, "completes": kept.completes}
