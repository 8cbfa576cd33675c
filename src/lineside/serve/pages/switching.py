"""What may be written to, from the page: stopping in one click, arming by two people; asking for an undo, or for an
outcome to be written back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from lineside.actions import QUESTION, Refusal
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


@router.post("/write-back")
def write_back(
    lineside: Here,
    caller: Reading,
    concerns: Annotated[str, Form(max_length=300)],
    outcome: Annotated[str, Form(max_length=2000)] = "",
    case: Annotated[str, Form(max_length=40)] = "",
    record: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """A proposal to enter the outcome of a case, or a decision, in the system that keeps what it concerns."""
    if not outcome.strip():
        raise BadRequest("say what is to be entered there")
    parameters = {"concerns": concerns, "outcome": outcome.strip(), **({"case": case} if case else {})}
    filed = lineside.ledger.propose(
        action="write_back",
        parameters=parameters,
        requester=caller.deciding(),
        evidence=[record] if record else [],
        origins=dict.fromkeys(parameters, QUESTION),
    )
    if isinstance(filed, Refusal):
        raise NotPermitted(filed.reason, refusal=filed.code)
    return RedirectResponse(f"/proposals/{filed.id}", status_code=HTTPStatus.SEE_OTHER)
