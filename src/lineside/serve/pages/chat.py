"""Ask, watch the answer come, and find it again: a run's events as parts of the page, numbered so none is doubled."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Form, Header, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from lineside.agent.answer import ClaimFound, Done, Step
from lineside.app import Lineside
from lineside.errors import NotFound
from lineside.memory import conversations
from lineside.plant.plant import Person
from lineside.serve.api import EVENT_STREAM, PULSE, Answering, Here, Reading
from lineside.serve.asking import LINESIDE, LONGEST_QUESTION, PERSON, Failed, RunEvent, answer_json, questioned
from lineside.serve.pages.showing import partial, render, show
from lineside.serve.pages.suggesting import suggested
from lineside.serve.telling import news_for, recalled_marks

TURNS_SHOWN = 200
_BREAK = re.compile(r"\r\n|\r|\n")

router = APIRouter()


@router.get("/")
def welcome(request: Request, lineside: Here, caller: Reading) -> Response:
    """A new conversation."""
    return _chat(request, lineside, caller.person, conversation="")


@router.get("/c/{conversation}")
def conversation_page(conversation: str, request: Request, lineside: Here, caller: Reading) -> Response:
    """A conversation of the caller's, whatever runs in it still running."""
    return _chat(request, lineside, caller.person, conversation=conversation)


@router.get("/suggestions")
def suggestions(request: Request, lineside: Here, caller: Reading) -> Response:
    """Questions that suit the caller's role, about what the records tell."""
    return show(request, "suggestions.html", questions=suggested(lineside, caller.person))


@router.post("/ask")
def ask(
    request: Request,
    lineside: Here,
    runs: Answering,
    caller: Reading,
    question: Annotated[str, Form()] = "",
    conversation: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """The question is being answered; its part of the page watches the run."""
    here = conversation or uuid4().hex
    asked = questioned(lineside, question, at=lineside.clock(), person=caller.person, conversation=here)
    run = runs.begin(asked)
    if not partial(request):
        return RedirectResponse(f"/c/{here}", status_code=HTTPStatus.SEE_OTHER)
    turn = {"run": run.id, "question": asked.text, "at": asked.at, "state": "live"}
    headers = {} if conversation else {"HX-Push-Url": f"/c/{here}"}
    listed = _listed(lineside, caller.person)
    return show(request, "asked.html", headers=headers, turn=turn, conversation=here, conversations=listed)


@router.get("/runs/{run_id}/events")
async def events(
    run_id: str,
    request: Request,
    lineside: Here,
    runs: Answering,
    caller: Reading,
    conversation: str,
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """The run's events from the one after Last-Event-ID on, each the part of the page that it changes."""
    run = runs.find(run_id, caller.person)
    after = int(last_event_id) if last_event_id.isdecimal() else 0
    kept = None if run else await run_in_threadpool(_turn, lineside, conversation, run_id, caller.person)

    async def told() -> AsyncIterator[str]:
        if kept is not None:
            yield _message(render(request, "ended.html", turn=kept, conversation=conversation))
        if run is not None:
            turn = {"run": run_id, "question": run.question.text, "at": run.question.at}
            async for happened in run.events(after):
                if happened is None:
                    yield PULSE
                else:
                    number, event = happened
                    yield _message(_part(request, turn, event, conversation=conversation), number)
        yield "event: done\ndata: done\n\n"

    return StreamingResponse(told(), media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})


def _part(request: Request, turn: dict[str, Any], event: RunEvent, *, conversation: str) -> str:
    match event:
        case Step():
            return render(request, "step.html", run=turn["run"], step=event)
        case ClaimFound():
            claim = {"text": event.claim.text, "kind": event.claim.kind.value, "citations": event.claim.citations}
            cited = {c.n: {"record_id": c.record_id, "source": c.source, "source_id": c.source_id, "quote": c.quote}
                     for c in event.citations}  # fmt: skip
            return render(request, "claim.html", run=turn["run"], claim=claim, cited=cited)
        case Done(answer):
            answered = {**turn, "state": "answered", "said": answer_json(answer)}
            return render(request, "ended.html", turn=answered, conversation=conversation)
        case Failed():
            failed = {**turn, "state": "failed", "message": event.message}
            return render(request, "ended.html", turn=failed, conversation=conversation)


def _message(html: str, number: int | None = None) -> str:
    """One server-sent event. Every kind of line break becomes a data line, so that no text can end the event."""
    head = "" if number is None else f"id: {number}\n"
    return head + "".join(f"data: {line}\n" for line in _BREAK.split(html)) + "\n"


def _chat(request: Request, lineside: Lineside, person: Person | None, *, conversation: str) -> Response:
    turns = _turns(lineside, conversation, person) if conversation else []
    for turn in turns:
        if turn["state"] == "lost" and request.app.state.runs.find(turn["run"], person):
            turn["state"] = "live"
    marks = recalled_marks(lineside, person, conversation) if turns else {}
    for turn in turns:
        turn["recalled"] = marks.get(turn["run"], "")
    return show(
        request,
        "chat.html",
        conversation=conversation,
        conversations=_listed(lineside, person),
        turns=turns,
        notices=news_for(lineside, person),
        longest=LONGEST_QUESTION,
    )


def _turn(lineside: Lineside, conversation: str, run_id: str, person: Person | None) -> dict[str, Any]:
    """What became of a run that this process doesn't know. Raises NotFound."""
    for turn in _turns(lineside, conversation, person):
        if turn["run"] == run_id:
            return turn
    raise NotFound("nothing is known of this question any more; ask it again", run=run_id)


def _turns(lineside: Lineside, conversation: str, person: Person | None) -> list[dict[str, Any]]:
    """What was asked in the conversation and what came of it, oldest first. state: answered, or lost so far."""
    who = person.id if person else None
    said = conversations.history(lineside.memory, conversation, person=who, limit=TURNS_SHOWN)
    turns: dict[str, dict[str, Any]] = {}
    for turn in said:
        match turn.role, turn.content:
            case str(role), {"run": str(run), "question": str(question), "at": str(at)} if role == PERSON:
                turns[run] = {"run": run, "question": question, "at": datetime.fromisoformat(at), "state": "lost"}
            case str(role), {"run": str(run), **answer} if role == LINESIDE and run in turns:
                turns[run] |= {"state": "answered", "said": answer}
    return list(turns.values())


def _listed(lineside: Lineside, person: Person | None) -> list[dict[str, Any]]:
    return list(_named(conversations.recent(lineside.memory, person=person.id if person else None)))


def _named(found: list[tuple[str, conversations.Turn]]) -> Iterator[dict[str, Any]]:
    for key, turn in found:
        match turn.content:
            case {"question": str(question)}:
                yield {"id": key, "question": question, "at": turn.said_at}
