"""Take a note where one stands: a text, what was read out of it with its words marked, and one tap to keep it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from lineside.agent.capture import LONGEST
from lineside.agent.captured import SEVERAL, CaptureKind, Field, Proposed
from lineside.errors import ActionError, BadRequest, NotPermitted
from lineside.serve.api import Here, Reading
from lineside.serve.capturing import keep_confirmed, keep_text, new_id, proposal, proposal_of
from lineside.serve.moments import parse_moment
from lineside.serve.pages.showing import show
from lineside.serve.pieces import pieces

_RECORD = re.compile(r"r-[0-9a-f]{20}")
_HINTS = {
    Field.THING: "as lot:L-77",
    Field.BEGAN: "as 2026-03-04T06:00",
    Field.ENDED: "as 2026-03-04T06:00",
    Field.HOLDS_UNTIL: "as 2026-03-04T06:00",
    Field.DURATION: "as 20 min",
    Field.QUANTITY: "as 300 kg",
}

router = APIRouter()


@router.get("/note")
def note_page(request: Request, lineside: Here, caller: Reading, kept: str = "", record: str = "") -> Response:
    """The form; after a note was kept, where it is. record: what that note, mail or cell says instead."""
    if record:
        return _proposed(request, proposal_of(lineside, record, person=caller.person), capture=new_id(), record=record)
    return _form(request, kept=kept if _RECORD.fullmatch(kept) else "")


@router.post("/note")
def proposed_page(request: Request, lineside: Here, caller: Reading, text: Annotated[str, Form()] = "") -> Response:
    """What was read out of the text. Nothing is kept yet."""
    try:
        found = proposal(lineside, text.replace("\r\n", "\n"), person=caller.person)
    except BadRequest as error:
        return _form(request, text=text, wrong=error.message)
    return _proposed(request, found, capture=new_id())


@router.post("/note/keep")
async def keep_page(request: Request, lineside: Here, caller: Reading) -> Response:
    """Kept in the name of the signed-in person: as confirmed, or the bare text; sent twice, it is kept once."""
    sent = await request.form()
    said = {name: value for name, value in sent.items() if isinstance(value, str)}
    text, capture = said.get("text", "").replace("\r\n", "\n"), said.get("id", "")
    wrong, record = "", said.get("record") or None
    try:
        author, at = caller.deciding(), parse_moment(said.get("at", ""), lineside.plant)
        if said.get("keep") == "text":
            kept = await run_in_threadpool(lambda: keep_text(lineside, text, author=author, capture_id=capture, at=at))
        else:
            fields = [
                (Field(name), value.strip())
                for name, value in sent.multi_items()
                if name in set(Field) and isinstance(value, str) and value.strip()
            ]
            kind = CaptureKind(said["kind"]) if said.get("kind") in set(CaptureKind) else CaptureKind.NOTE
            kept = await run_in_threadpool(
                lambda: keep_confirmed(
                    lineside, text, author=author, capture_id=capture, at=at, kind=kind, fields=fields, record=record
                )
            )
        return RedirectResponse(f"/note?kept={kept.record_id}", status_code=HTTPStatus.SEE_OTHER)
    except (ActionError, BadRequest, NotPermitted) as error:
        wrong = error.message
    if record:
        found = await run_in_threadpool(lambda: proposal_of(lineside, record, person=caller.person))
        return _proposed(request, found, capture=capture or new_id(), wrong=wrong, record=record)
    try:
        found = await run_in_threadpool(lambda: proposal(lineside, text, person=caller.person))
    except BadRequest:
        return _form(request, text=text, wrong=wrong)
    return _proposed(request, found, capture=capture or new_id(), wrong=wrong)


def _form(request: Request, *, text: str = "", wrong: str = "", kept: str = "") -> Response:
    status = HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK
    return show(request, "note.html", status=status, text=text, wrong=wrong, kept=kept, longest=LONGEST)


def _proposed(request: Request, found: Proposed, *, capture: str, wrong: str = "", record: str = "") -> Response:
    there = {each.field for each in found.fields}
    return show(
        request,
        "note_proposed.html",
        status=HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
        found=found,
        capture=capture,
        wrong=wrong,
        record=record,
        kinds=[CaptureKind.DECISION] if record else list(CaptureKind),
        pieces=list(pieces(found)),
        rows=[_row(found, place) for place in range(len(found.fields))],
        more=[
            {"field": str(field), "hint": _HINTS.get(field, "")}
            for field in Field
            if field is not Field.OF and (field not in there or field in SEVERAL)
        ],
    )


def _row(found: Proposed, place: int) -> dict[str, Any]:
    """One field as the form has it: free where it is words, else to be chosen or left out. A second value of a field
    that takes one is offered, not chosen."""
    each = found.fields[place]
    second = each.field not in SEVERAL and any(before.field is each.field for before in found.fields[:place])
    return {
        "field": str(each.field),
        "free": each.by == "words" and len(each.readings) == 1 and not second,
        "readings": each.readings,
        "chosen": None if second else each.value,
        "words": found.text[each.start : each.end],
    }
