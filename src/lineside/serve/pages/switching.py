"""What may be written to, from the page: stopping in one click, arming by two people, and asking for an undo."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from lineside.actions import Refusal
from lineside.errors import BadRequest, NotPermitted
from lineside.serve.api import Here, Reading

router = APIRouter()


@router.post("/targets/{target}/stop")
def stop(target: str, lineside: Here, caller: Reading) -> Response:
    """Nothing more is sent there; * for everything."""
    lineside.ledger.stop(target, by=caller.deciding().id, reason="stopped on the page")
    return RedirectResponse("/proposals#switches", status_code=HTTPStatus.SEE_OTHER)


@router.post("/targets/{target}/arm")
def arm(target: str, lineside: Here, caller: Reading, reason: Annotated[str, Form()] = "") -> Response:
    """The caller is the first or the second of the two who arm it."""
    lineside.ledger.arm(target, caller.deciding(), reason)
    return RedirectResponse("/proposals#switches", status_code=HTTPStatus.SEE_OTHER)


@router.post("/proposals/{proposal_id}/undo")
def undo(proposal_id: str, lineside: Here, caller: Reading, reason: Annotated[str, Form()] = "") -> Response:
    """A proposal that takes the effect back, to be decided on like any other."""
    if not reason.strip():
        raise BadRequest("say why it should be taken back")
    filed = lineside.ledger.undo(proposal_id, caller.deciding(), reason)
    if isinstance(filed, Refusal):
        raise NotPermitted(filed.reason, refusal=filed.code)
    return RedirectResponse(f"/proposals/{filed.id}", status_code=HTTPStatus.SEE_OTHER)
