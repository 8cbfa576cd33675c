"""The HTTP interface to what may be written to, to deputies, and to taking an effect back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lineside.actions import QUESTION, Refusal, Wish
from lineside.errors import NotPermitted
from lineside.serve.api import FAULTS, Here, ProposeBody, Reading

router = APIRouter(prefix="/api/v1", responses=FAULTS)
_Why = Annotated[str, Field(min_length=1, max_length=500)]


class ReasonBody(BaseModel):
    """reason: why, so that others can follow it."""

    model_config = ConfigDict(extra="forbid")

    reason: _Why


class DeputyBody(BaseModel):
    """taker: who decides instead; action: * for all."""

    model_config = ConfigDict(extra="forbid")

    taker: str = Field(max_length=200)
    since: AwareDatetime | None = None
    until: AwareDatetime
    action: str = "*"
    reason: _Why


class ChainBody(BaseModel):
    """Actions to be carried out one after the other, each once the one before it is verified."""

    model_config = ConfigDict(extra="forbid")

    steps: Annotated[list[ProposeBody], Field(min_length=2, max_length=10)]


@router.get("/targets")
def targets(lineside: Here, caller: Reading) -> list[dict[str, Any]]:
    """Every system that could be written to, and whether it may be now."""
    del caller
    return [switch.to_json() for switch in lineside.ledger.switches()]


@router.post("/targets/{target}/arm")
def arm(target: str, body: ReasonBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """The signed-in person is the first or the second of the two who arm it."""
    return lineside.ledger.arm(target, caller.deciding(), body.reason).to_json()


@router.post("/targets/{target}/stop")
def stop(target: str, body: ReasonBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """Nothing more is sent there, from now on; * for everything. Anybody who is signed in may stop."""
    return lineside.ledger.stop(target, by=caller.deciding().id, reason=body.reason).to_json()


@router.get("/deputies")
def deputies(lineside: Here, caller: Reading) -> list[dict[str, Any]]:
    """Every right to decide that is lent now or later."""
    del caller
    return [each.to_json() for each in lineside.ledger.lent()]


@router.post("/deputies", status_code=201)
def name_deputy(body: DeputyBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """Somebody decides in the signed-in person's place for a time."""
    since: datetime = body.since or lineside.clock()
    return lineside.ledger.lend(
        caller.deciding(), body.taker, since=since, until=body.until, reason=body.reason, action=body.action
    ).to_json()


@router.delete("/deputies/{delegation}")
def end_deputy(delegation: str, lineside: Here, caller: Reading) -> dict[str, Any]:
    """The lent right ends now; only who lent it can say so."""
    return lineside.ledger.take_back(delegation, caller.deciding()).to_json()


@router.post("/proposals/{proposal}/undo", status_code=201)
def undo(proposal: str, body: ReasonBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """A proposal that takes back what a verified one did; it is decided on like any other."""
    filed = lineside.ledger.undo(proposal, caller.deciding(), body.reason)
    if isinstance(filed, Refusal):
        raise NotPermitted(filed.reason, refusal=filed.code)
    return filed.to_json()


@router.post("/chains", status_code=201)
def chain(body: ChainBody, lineside: Here, caller: Reading) -> list[dict[str, Any]]:
    """A pending proposal for each step, all as strict as the strictest; none where one of them is refused."""
    requester = caller.deciding()
    filed = lineside.ledger.propose_chain(
        [
            Wish(
                action=step.action,
                parameters=step.parameters,
                requester=requester,
                evidence=step.evidence,
                origins=dict.fromkeys(step.parameters, QUESTION),
            )
            for step in body.steps
        ]
    )
    if isinstance(filed, Refusal):
        raise NotPermitted(filed.reason, refusal=filed.code)
    return [each.to_json() for each in filed]
