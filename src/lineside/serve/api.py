"""The HTTP interface under /api/v1: what the command line does, for other programs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from lineside import connector
from lineside.actions import Refusal, State
from lineside.agent.answer import ClaimFound, Done, Step
from lineside.app import Lineside
from lineside.connector import Connector, Receiver, Verifies
from lineside.errors import BadRequest, LinesideError, NotFound, NotPermitted, SetupError
from lineside.memory.words import render
from lineside.plant.records import Json
from lineside.serve.asking import LONGEST_QUESTION, Failed, RunEvent, Runs, questioned
from lineside.serve.cards import told
from lineside.serve.identity import Caller, identify, same_origin
from lineside.serve.moments import parse_moment
from lineside.serve.overview import translator_for

LARGEST_PUSH_BYTES = 20_000_000
EVENT_STREAM = "text/event-stream"
PULSE = ": still there\n\n"  # a comment, so that no proxy takes the stream for dead

_PROBLEM: dict[str, Any] = {
    "description": "What went wrong and what to do, as application/problem+json",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}
FAULTS: dict[int | str, dict[str, Any]] = dict.fromkeys((400, 401, 403, 404, 409, 422, 503), _PROBLEM)


class AskBody(BaseModel):
    """A question. at: the asker's now, RFC 3339. as_user: only where the caller may ask for another."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1, max_length=LONGEST_QUESTION)
    at: str | None = None
    as_user: str | None = None
    conversation: str | None = Field(None, max_length=200)


class ProposeBody(BaseModel):
    """An action that is asked for; nothing happens before somebody else approves."""

    model_config = ConfigDict(extra="forbid")

    action: str
    parameters: dict[str, Any]
    evidence: list[str] = []


class ApproveBody(BaseModel):
    """digest: of the proposal as it was shown; another one is refused."""

    model_config = ConfigDict(extra="forbid")

    digest: str


class RejectBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)


def installation(request: Request) -> Lineside:
    """The installation that this server serves."""
    lineside: Lineside = request.app.state.lineside
    return lineside


Here = Annotated[Lineside, Depends(installation)]


def answering(request: Request) -> Runs:
    """The questions that this server is answering."""
    runs: Runs = request.app.state.runs
    return runs


Answering = Annotated[Runs, Depends(answering)]


def known(request: Request, lineside: Here) -> Caller:
    """Whoever calls. Raises NotPermitted for nobody, and for another site's page."""
    if request.method not in ("GET", "HEAD") and not same_origin(request):
        raise NotPermitted("this request was sent by another site's page")
    return identify(lineside, request)


Known = Annotated[Caller, Depends(known)]


def reading(caller: Known) -> Caller:
    """A caller who may read: not a source's token."""
    if caller.source is not None:
        raise NotPermitted(f"this token only brings in {caller.source}")
    return caller


Reading = Annotated[Caller, Depends(reading)]


def operating(caller: Reading) -> Caller:
    """Feeds are mended by the operator of the machine, or by whom the plant file calls its administrator."""
    if caller.person is not None and "admin" not in caller.person.roles:
        raise NotPermitted(f"{caller.person.id} may not look into or change feeds; that takes the role admin")
    return caller


Operating = Annotated[Caller, Depends(operating)]

router = APIRouter(prefix="/api/v1", responses=FAULTS)


@router.post("/ask", response_model=None)
async def ask(
    body: AskBody, lineside: Here, runs: Answering, caller: Known, accept: Annotated[str, Header()] = "application/json"
) -> Response:
    """The answer as JSON, or as server-sent events where `Accept` asks for text/event-stream.

    Events: `step` {text, tool}, `claim` {text, kind, citations}, and last `answer` (as the JSON) or `failed`
    {detail, code}. Their ids count from 1.
    """
    person = caller.asking_as(lineside, body.as_user)
    at = parse_moment(body.at, lineside.plant) if body.at else lineside.clock()
    run = await run_in_threadpool(
        lambda: runs.begin(questioned(lineside, body.question, at=at, person=person, conversation=body.conversation))
    )
    if EVENT_STREAM not in accept:
        return JSONResponse((await run.outcome()).to_json())

    async def events() -> AsyncIterator[str]:
        async for happened in run.events():
            yield PULSE if happened is None else sse(*happened)

    return StreamingResponse(events(), media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})


@router.post("/ingest/{source}", status_code=200)
async def ingest(source: str, request: Request, lineside: Here) -> dict[str, Any]:
    """CloudEvents 1.0, one or a batch, or what the source's connector takes. Every event is recorded, was known, or is
    a dead letter with its reason. The source's token is needed, or what its connector checks instead."""
    receiver = _connector(lineside, source)
    if not (isinstance(receiver, Verifies) and receiver.verifies):
        caller = known(request, lineside)
        if caller.person is not None or caller.source not in (None, source):
            raise NotPermitted(f"pushing {source} takes a token of its own: lineside token --source {source}")
    if not isinstance(receiver, Receiver):
        raise SetupError(f"{source} is read by its connector; it takes no pushes", source=source)
    batch = receiver.receive(await _body(request), dict(request.headers))
    outcome = await run_in_threadpool(
        lambda: lineside.memory.remember(batch, source=source, translate=translator_for(lineside, source))
    )
    return {
        "received": outcome.received,
        "recorded": outcome.recorded,
        "known": outcome.known,
        "dead_lettered": outcome.dead_lettered,
        "dead_letters": [{"id": letter.id, "reason": letter.reason} for letter in outcome.dead],
    }


@router.get("/records/{record_id}")
def record(record_id: str, lineside: Here, caller: Reading) -> dict[str, Any]:
    """One record with its provenance, as the caller may read it now."""
    return record_json(lineside, record_id, caller)


@router.get("/search")
def search(
    lineside: Here,
    caller: Reading,
    q: Annotated[str, Query(min_length=1, max_length=LONGEST_QUESTION)],
    at: str | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
) -> dict[str, Any]:
    """The records nearest to the words, best first, with their scores and the filters used."""
    moment = parse_moment(at, lineside.plant) if at else lineside.clock()
    view = lineside.memory.view(as_of=moment, reader=lineside.reader(caller.person))
    found = lineside.memory.recall(q, view=view, limit=limit)
    return {
        "evidence": [
            {
                "record_id": one.record_id,
                "source": one.record.provenance.source,
                "source_id": one.record.provenance.source_id,
                "occurred_at": one.record.provenance.occurred_at.isoformat(),
                "score": round(one.score, 4),
                "quote": one.quote,
                "why": list(one.why),
            }
            for one in found.evidence
        ],
        "filters": dict(found.filters),
    }


@router.get("/proposals")
def proposals(lineside: Here, caller: Reading, state: State | None = None) -> list[dict[str, Any]]:
    """Proposals, newest first."""
    del caller
    return [found.to_json() for found in lineside.ledger.list(states=[state] if state else [])]


@router.post("/proposals", status_code=201)
def propose(body: ProposeBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """A pending proposal; 403 with the reason where policy or the records refuse it."""
    filed = lineside.ledger.propose(
        action=body.action,
        parameters=body.parameters,
        requester=caller.deciding(),
        evidence=body.evidence,
        origins=dict.fromkeys(body.parameters, "question"),
    )
    if isinstance(filed, Refusal):
        raise NotPermitted(filed.reason, refusal=filed.code)
    return filed.to_json()


@router.get("/proposals/{proposal}")
def proposal_story(proposal: str, lineside: Here, caller: Reading) -> dict[str, Any]:
    """One proposal whole, with its story."""
    del caller
    return {**lineside.ledger.show(proposal).to_json(), "story": list(told(lineside, proposal))}


@router.post("/proposals/{proposal}/approve")
def approve(proposal: str, body: ApproveBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """Approved by the signed-in person, once, exactly as shown; carried out by the running actions part."""
    lineside.ledger.approve(
        proposal,
        approver=caller.deciding(),
        digest=body.digest,
        channel=caller.via,
        signed_in_at=caller.signed_in_at,
    )
    return lineside.ledger.show(proposal).to_json()


@router.post("/proposals/{proposal}/reject")
def reject(proposal: str, body: RejectBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """Rejected with a reason."""
    person = caller.deciding()
    return lineside.ledger.reject(proposal, approver=person, reason=body.reason, channel=caller.via).to_json()


@router.get("/audit/verify")
def audit_verify(lineside: Here, caller: Reading) -> dict[str, Any]:
    """Whether the audit ledger is whole."""
    del caller
    found = lineside.ledger.audit_verify()
    return {"ok": found.ok, "entries": found.entries, "problems": list(found.problems)}


def record_json(lineside: Lineside, record_id: str, caller: Caller, *, as_of: datetime | None = None) -> dict[str, Any]:
    """A record as it stood at `as_of`, by default now. Raises NotFound also where the caller may not know of it."""
    view = lineside.memory.view(as_of=as_of, reader=lineside.reader(caller.person))
    found = view.record(record_id)
    if found is None:
        raise NotFound(f"there is no record {record_id} that you may read", record=record_id)
    said = found.provenance
    return {
        "record_id": record_id,
        "type": type(found).__name__.lower(),
        "source": said.source,
        "source_id": said.source_id,
        "occurred_at": said.occurred_at.astimezone(lineside.plant.time_zone).isoformat(),
        "reported_at": said.reported_at.astimezone(lineside.plant.time_zone).isoformat(),
        "recorded_at": said.recorded_at.astimezone(lineside.plant.time_zone).isoformat(),
        "quality": said.quality.value,
        "entities": [str(entity) for entity in found.entities()],
        "text": render(found),
    }


def sse(number: int, event: RunEvent) -> str:
    """One server-sent event: `step`, `claim`, `answer` or `failed`, its data JSON on one line."""
    data: Json
    match event:
        case Step():
            name, data = "step", {"text": event.text, "tool": event.tool.name if event.tool else None}
        case ClaimFound():
            name, data = "claim", _claim_json(event)
        case Done():
            name, data = "answer", event.answer.to_json()
        case Failed(error):
            code = error.code if isinstance(error, LinesideError) else LinesideError.code
            name, data = "failed", {"detail": event.message, "code": code}
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


def _claim_json(found: ClaimFound) -> dict[str, Json]:
    claim = found.claim
    return {
        "text": claim.text,
        "kind": claim.kind.value,
        "citations": [
            {"n": c.n, "record_id": c.record_id, "source": c.source, "source_id": c.source_id, "quote": c.quote}
            for c in found.citations
        ],
    }


def _connector(lineside: Lineside, source: str) -> Connector:
    """The source's connector; of a source that is not configured, the one that takes the open format."""
    if source in {each.name for each in lineside.settings.sources}:
        return lineside.connector(source)[0]
    return connector.load("open_records")(source, {}, time_zone=lineside.plant.time_zone, clock=lineside.clock)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_PUSH_BYTES:
            raise BadRequest(f"the request is larger than {LARGEST_PUSH_BYTES // 1_000_000} MB; send smaller batches")
    return bytes(body)
