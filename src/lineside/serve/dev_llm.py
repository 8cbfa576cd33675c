"""A scripted language model behind an OpenAI-compatible endpoint: for tests and demonstrations, no model, no network.

The model's name chooses the play (`honest`, `hostile-...`), or a fault or dialect of the server (`fault-...`,
`dialect-...`) under which the honest play runs. A script is a TOML file instead: `[[replies]]` in order, the last one
repeated, each with `calls` = [{ tool, arguments }] or `verdict` and `claims` = [{ text, evidence }] or `text`, and
perhaps a `fault`; in every text {question} stands for what was asked.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.errors import BadSettings, SetupError
from lineside.serve.dev_plays import PLAYS, Say, Scene, arguments

FAULTS = (
    "fault-401", "fault-429", "fault-429-once", "fault-500", "fault-503-once", "fault-slow", "fault-dropped",
    "fault-broken-json", "fault-html", "fault-empty-choices", "fault-empty-reply",
)  # fmt: skip
DIALECTS = (
    "dialect-no-index", "dialect-whole-arguments", "dialect-object-arguments", "dialect-no-ids", "dialect-reasoning",
    "dialect-no-usage", "dialect-not-streaming", "dialect-malformed-once", "dialect-unknown-tool-once",
)  # fmt: skip
NAMES = (*PLAYS, *FAULTS, *DIALECTS)
_DRIP_S, _DRIPS = 0.1, 600
_READY_S = 10.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScriptedCall(_Strict):
    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class ScriptedClaim(_Strict):
    text: str
    evidence: list[str] = Field(default_factory=list)


class ScriptedReply(_Strict):
    calls: list[ScriptedCall] = Field(default_factory=list)
    claims: list[ScriptedClaim] | None = None
    verdict: str = ""
    text: str = ""
    fault: str = ""


class Script(_Strict):
    """A file of replies."""

    replies: list[ScriptedReply] = Field(min_length=1)

    def play(self, scene: Scene, turn: int) -> Say:
        """The reply to the model's `turn`-th call for one question, counted from 0."""
        reply = self.replies[min(turn, len(self.replies) - 1)]

        def filled(value: Any) -> Any:
            match value:
                case str():
                    return value.replace("{question}", scene.question)
                case dict():
                    return {key: filled(each) for key, each in value.items()}
                case list():
                    return [filled(each) for each in value]
            return value

        if reply.claims is not None:
            claims = [(filled(claim.text), claim.evidence) for claim in reply.claims]
            said = scene.answer(claims, filled(reply.verdict))
            return Say(calls=said.calls, fault=reply.fault)
        calls = [(call.tool, filled(call.arguments)) for call in reply.calls]
        return Say(calls=calls, text=filled(reply.text), fault=reply.fault)


def read_script(path: Path) -> Script:
    """The script in that file. Raises BadSettings with what is wrong in it."""
    try:
        script = Script.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadSettings(f"{path} is no script: {error}", path=str(path)) from error
    for reply in script.replies:
        if reply.fault and reply.fault not in (*FAULTS, *DIALECTS):
            raise BadSettings(f"{path}: no fault {reply.fault}; there are: {', '.join((*FAULTS, *DIALECTS))}")
    return script


@dataclass
class Peer:
    """A running scripted model. requests: the bodies it was sent."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)


def build(script: Script | None = None, requests: list[dict[str, Any]] | None = None) -> FastAPI:
    """The endpoint as an application; it keeps the bodies it is sent in `requests`."""
    app = FastAPI(title="A scripted language model", docs_url=None, redoc_url=None)
    kept = requests if requests is not None else []

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "lineside"} for name in NAMES]}

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        body: dict[str, Any] = await request.json()
        kept.append(body)
        name = str(body.get("model", ""))
        if script is None and name not in NAMES:
            return _error(404, f"no model {name}; there are: {', '.join(NAMES)}")
        scene = Scene.of(body)
        turn = sum(message.get("role") == "assistant" for message in body.get("messages", ()))
        said = PLAYS.get(name, PLAYS["honest"])(scene) if script is None else script.play(scene, turn)
        manner = said.fault or name
        first = sum(each.get("messages") == body.get("messages") for each in kept) == 1
        return _refused(manner, first=first) or _spoken(_twisted(said, manner, turn), manner, body)

    return app


def _refused(manner: str, *, first: bool) -> Response | None:
    match manner:
        case "fault-401":
            return _error(401, "Incorrect API key provided: sk-secret")
        case "fault-429":
            return _error(429, "too many requests", {"Retry-After": "1"})
        case "fault-429-once" if first:
            return _error(429, "too many requests", {"Retry-After": "1"})
        case "fault-500":
            return _error(500, "it broke")
        case "fault-503-once" if first:
            return _error(503, "starting up")
        case "fault-broken-json":
            return Response('data: {"choices": [{"delta": {"tool_c\n\n', media_type="text/event-stream")
        case "fault-html":
            return HTMLResponse("<html><body>Welcome to the proxy</body></html>")
        case "fault-slow":
            return StreamingResponse(_drip(), media_type="text/event-stream")
        case "fault-dropped":
            return StreamingResponse(_dropped(), media_type="text/event-stream")
    return None


def _twisted(said: Say, manner: str, turn: int) -> Say:
    if turn == 0 and manner == "dialect-unknown-tool-once":
        return Say(calls=[("read_minds", {"of": "everybody"}), *said.calls])
    return said


def _spoken(said: Say, manner: str, body: Mapping[str, Any]) -> Response:
    if manner == "fault-empty-reply":
        said = Say()
    turn = sum(message.get("role") == "assistant" for message in body.get("messages", ()))
    malformed = manner == "dialect-malformed-once" and turn == 0
    calls = []
    for index, (tool, given) in enumerate(said.calls):
        wire: Any = arguments(given)
        if malformed:
            wire = "{" + wire
        elif manner == "dialect-object-arguments":
            wire = given
        call: dict[str, Any] = {
            "index": index,
            "id": f"call_{turn}_{index}",
            "type": "function",
            "function": {"name": tool, "arguments": wire},
        }
        if manner == "dialect-no-index":
            del call["index"]
        if manner == "dialect-no-ids":
            del call["id"]
        calls.append(call)
    usage = None if manner == "dialect-no-usage" else {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    if not body.get("stream") or manner == "dialect-not-streaming":
        return _whole(said, calls, manner, usage)
    return StreamingResponse(_pieces(said, calls, manner, usage), media_type="text/event-stream")


def _whole(said: Say, calls: list[dict[str, Any]], manner: str, usage: Mapping[str, int] | None) -> Response:
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if manner == "dialect-reasoning":
        message["reasoning_content"] = "I think."
    if calls:
        message["tool_calls"] = [{key: value for key, value in call.items() if key != "index"} for call in calls]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return JSONResponse({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "scripted",
        "choices": [] if manner == "fault-empty-choices" else [choice],
        **({"usage": usage} if usage else {}),
    })  # fmt: skip


async def _pieces(
    said: Say, calls: list[dict[str, Any]], manner: str, usage: Mapping[str, int] | None
) -> AsyncIterator[str]:
    def piece(delta: Mapping[str, Any] | None, finish: str | None = None) -> str:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        chunk: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0,
                                 "model": "scripted", "choices": choices}  # fmt: skip
        return f"data: {json.dumps(chunk | ({'usage': usage} if delta is None and usage else {}))}\n\n"

    if manner != "fault-empty-choices":
        yield piece({"role": "assistant", "content": ""})
        if manner == "dialect-reasoning":
            yield piece({"reasoning_content": "I think."})
        if said.text:
            yield piece({"content": said.text})
        for call in calls:
            for delta in _split(call, manner):
                yield piece({"tool_calls": [delta]})
        yield piece({}, "tool_calls" if calls else "stop")
    yield piece(None)
    yield "data: [DONE]\n\n"


def _split(call: Mapping[str, Any], manner: str) -> Iterator[Mapping[str, Any]]:
    """A call's arguments in three pieces, as most servers send them."""
    wire = call["function"]["arguments"]
    if manner in ("dialect-whole-arguments", "dialect-object-arguments"):
        yield call
        return
    third = max(1, len(wire) // 3)
    yield {**call, "function": {"name": call["function"]["name"], "arguments": wire[:third]}}
    place = {"index": call["index"]} if "index" in call else {}
    yield {**place, "function": {"arguments": wire[third : 2 * third]}}
    yield {**place, "function": {"arguments": wire[2 * third :]}}


async def _drip() -> AsyncIterator[str]:
    for _ in range(_DRIPS):
        yield 'data: {"choices": [{"index": 0, "delta": {"content": "."}}]}\n\n'
        await asyncio.sleep(_DRIP_S)


async def _dropped() -> AsyncIterator[str]:
    yield 'data: {"choices": [{"index": 0, "delta": {"content": "I w"}}]}\n\n'
    raise ConnectionAbortedError("the script says so")


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "type": "scripted"}}, status, headers)


@contextmanager
def running(*, port: int = 0, script: Script | None = None) -> Iterator[Peer]:
    """A scripted model that listens until the block ends; port 0 takes a free one."""
    bound = socket.create_server(("127.0.0.1", port))
    peer = Peer(f"http://127.0.0.1:{bound.getsockname()[1]}/v1")
    config = uvicorn.Config(build(script, peer.requests), log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        _wait(lambda: server.started)
        yield peer
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _READY_S
    while not ready():
        if time.monotonic() > deadline:
            raise SetupError(f"the scripted model did not start within {_READY_S:g} s")
        time.sleep(0.005)


def serve_script(*, port: int, script: Path | None) -> None:
    """The scripted model serves until it is stopped. Raises BadSettings on a script that says nothing usable."""
    import typer

    with socket.create_server(("127.0.0.1", port)) as bound:
        typer.echo(f"A scripted language model listens on http://127.0.0.1:{bound.getsockname()[1]}/v1")
        if script is None:
            typer.echo(f"The model's name chooses what it plays: {', '.join(NAMES)}")
        app = build(read_script(script) if script else None)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[bound])
