"""Proposals where people meet them: the card with all that is decided on, the inbox, and the decision itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from lineside.actions import Proposal, State
from lineside.app import Lineside
from lineside.errors import ActionError, BadRequest, NotPermitted
from lineside.plant.plant import Person
from lineside.serve.api import Here, Reading
from lineside.serve.identity import Caller
from lineside.serve.pages.showing import partial, show

SHOWN = 50
_UNDER_WAY = frozenset({State.PENDING, State.APPROVED, State.EXECUTING, State.EXECUTED, State.UNKNOWN})
_REJECTABLE = (State.PENDING, State.APPROVED, State.NEEDS_HUMAN, State.VERIFY_FAILED)
_GOOD_WAY = (State.PENDING, State.APPROVED, State.EXECUTED, State.VERIFIED)
_TELLING = {State.EXECUTING: State.APPROVED, State.UNKNOWN: State.APPROVED, State.VERIFY_FAILED: State.EXECUTED}

router = APIRouter()


@router.get("/proposals")
def inbox(request: Request, lineside: Here, caller: Reading) -> Response:
    """What waits for the caller, what waits for others, and what was decided lately."""
    found = lineside.ledger.list(limit=SHOWN)
    mine = {p.id for p in lineside.ledger.pending_for(caller.person)} if caller.person else set()
    waiting = [_card(lineside, p, caller) for p in found if p.id in mine]
    others = [p for p in found if p.id not in mine and p.state in _UNDER_WAY]
    past = [p for p in found if p.id not in mine and p.state not in _UNDER_WAY]
    switches = lineside.ledger.switches()
    may_arm = caller.person is not None and lineside.ledger.policy.may_arm(caller.person, lineside.plant.site)
    return show(request, "inbox.html", waiting=waiting, others=others, past=past, switches=switches, may_arm=may_arm)


@router.get("/proposals/count")
def count(request: Request, lineside: Here, caller: Reading) -> Response:
    """How many wait for the caller."""
    waiting = len(lineside.ledger.pending_for(caller.person)) if caller.person else 0
    return show(request, "count.html", waiting=waiting)


@router.get("/proposals/{proposal_id}")
def proposal_page(proposal_id: str, request: Request, lineside: Here, caller: Reading) -> Response:
    """One proposal, as a link from elsewhere opens it."""
    card = _card(lineside, lineside.ledger.show(proposal_id), caller)
    return show(request, "proposal.html", card=card)


@router.get("/proposals/{proposal_id}/card")
def card(proposal_id: str, request: Request, lineside: Here, caller: Reading, seen: int = -1) -> Response:
    """The card as it stands; nothing where its version is the one that was `seen`."""
    found = lineside.ledger.show(proposal_id)
    if found.version == seen:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return show(request, "card.html", card=_card(lineside, found, caller))


@router.post("/proposals/{proposal_id}/approve")
def approve(
    proposal_id: str, request: Request, lineside: Here, caller: Reading, digest: Annotated[str, Form()]
) -> Response:
    """Approved exactly as shown; who came late is told who decided and when."""
    person = caller.deciding()
    try:
        lineside.ledger.approve(
            proposal_id, approver=person, digest=digest, channel=caller.via, signed_in_at=caller.signed_in_at
        )
    except (ActionError, NotPermitted) as error:
        return _decided(request, lineside, proposal_id, caller, refused=error.message)
    return _decided(request, lineside, proposal_id, caller)


@router.post("/proposals/{proposal_id}/reject")
def reject(
    proposal_id: str, request: Request, lineside: Here, caller: Reading, reason: Annotated[str, Form()] = ""
) -> Response:
    """Rejected, withdrawn or revoked with a reason."""
    person = caller.deciding()
    try:
        lineside.ledger.reject(proposal_id, approver=person, reason=reason, channel=caller.via)
    except (ActionError, BadRequest, NotPermitted) as error:
        return _decided(request, lineside, proposal_id, caller, refused=error.message)
    return _decided(request, lineside, proposal_id, caller)


def _decided(request: Request, lineside: Lineside, proposal_id: str, caller: Caller, *, refused: str = "") -> Response:
    if not partial(request) and not refused:
        return RedirectResponse(f"/proposals/{proposal_id}", status_code=HTTPStatus.SEE_OTHER)
    shown = {**_card(lineside, lineside.ledger.show(proposal_id), caller), "refused": refused}
    status = HTTPStatus.CONFLICT if refused else HTTPStatus.OK
    return show(request, "card.html" if partial(request) else "proposal.html", status=status, card=shown)


def _card(lineside: Lineside, proposal: Proposal, caller: Caller) -> dict[str, Any]:
    """Everything that the card shows. deciders: who may decide, by name, where the caller may not."""
    ledger, plant, state, person = lineside.ledger, lineside.plant, proposal.state, caller.person
    may = person is not None and ledger.may_decide(proposal, person)
    open_until = proposal.expires_at > lineside.clock()
    fresh = ledger.fresh_enough(proposal, caller.signed_in_at)
    asked = plant.person(proposal.requester)
    return {
        **proposal.to_json(),
        "version": proposal.version,
        "under_way": state in _UNDER_WAY,
        "asked_by": _name(asked) if asked else proposal.requester,
        "decided_by_name": _name_of(lineside, proposal.decided_by),
        "track": _track(state),
        "story": ledger.story(proposal.id),
        "can_approve": may and state is State.PENDING and open_until and fresh,
        "sign_in_again": may and state is State.PENDING and open_until and not fresh,
        "can_reject": may and state in _REJECTABLE,
        "can_withdraw": person is not None
        and person.id == proposal.requester
        and state in (State.PENDING, State.APPROVED),
        "can_undo": person is not None and state is State.VERIFIED and proposal.bound.get("reversal") == "action",
        "approved_by": [_name_of(lineside, each) for each in ledger.approvers(proposal.id)],
        "signed_in": person is not None,
        "deciders": [_name(p) for p in plant.people if ledger.may_decide(proposal, p)],
        "refused": "",
    }


def _track(state: State) -> list[tuple[str, str]]:
    """The four stages of an action, each done, now, or to come; a way that ended early has no track."""
    names = ("Proposed", "Approved", "Executed", "Verified")
    reached = _TELLING.get(state, state)
    if reached not in _GOOD_WAY:
        return []
    at = _GOOD_WAY.index(reached)
    return [(name, "done" if place <= at else "next" if place == at + 1 else "") for place, name in enumerate(names)]


def _name(person: Person) -> str:
    return f"{person.name} ({person.id})" if person.name else person.id


def _name_of(lineside: Lineside, person_id: str | None) -> str:
    known = lineside.plant.person(person_id) if person_id else None
    return _name(known) if known else person_id or ""
