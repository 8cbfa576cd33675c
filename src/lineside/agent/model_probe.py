"""Whether a language model's endpoint can do what the answerer needs, one check for each capability."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lineside.connector import Check

_TIMEOUT_S = 30.0
_TOOL = {
    "type": "function",
    "function": {
        "name": "note_number",
        "description": "Takes down a number.",
        "parameters": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
    },
}


def probe(base_url: str, *, name: str, api_key: str) -> Iterator[Check]:
    """The endpoint's abilities: reachable, knows the model, calls tools, streams, reports usage. Sends nothing of the
    plant; what an earlier failure bars is left out."""
    import httpx

    base = base_url.rstrip("/")
    body: dict[str, Any] = {
        "model": name or "default",
        "messages": [{"role": "user", "content": "Call note_number with the number 7."}],
        "tools": [_TOOL],
        "tool_choice": "required",
        "max_tokens": 200,
    }
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    with httpx.Client(timeout=_TIMEOUT_S, headers=headers) as client:
        try:
            listed = client.get(f"{base}/models")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            yield _bad("reachable", f"{base}: {type(error).__name__}", "start it, or mend base_url under [model]")
            return
        if listed.status_code in (401, 403):
            yield _bad("reachable", f"{base} refuses the key ({listed.status_code})", "mend api_key under [model]")
            return
        yield _ok("reachable", base)
        yield _named(listed, name)
        try:
            whole = client.post(f"{base}/chat/completions", json=body)
            streamed = client.post(f"{base}/chat/completions", json={**body, "stream": True})
        except httpx.HTTPError as error:
            yield _bad("answers", f"no reply: {type(error).__name__}", f"look why it takes more than {_TIMEOUT_S:g} s")
            return
    if whole.status_code in (401, 403):
        yield _bad("answers", f"{base} refuses the key ({whole.status_code})", "mend api_key under [model]")
        return
    if whole.is_error:
        yield _bad(
            "answers", f"it answers {whole.status_code} to a call with tools", "load a model that can call tools"
        )
        return
    yield from _replies(_json(whole.text), streamed.text)


def _named(listed: Any, name: str) -> Check:
    found = _json(listed.text) if listed.is_success else None
    rows = found.get("data") if isinstance(found, dict) else None
    names = [str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row] if isinstance(rows, list) else []
    if not names:
        return _ok("name", f"{name or 'none given'}; the endpoint lists none")
    if name in names:
        return _ok("name", name)
    return _bad("name", f"{name or 'none'} is not listed", f"set name under [model] to one of: {', '.join(names[:8])}")


def _replies(whole: Any, streamed: str) -> Iterator[Check]:
    arguments = _arguments(whole)
    if arguments == {"number": 7}:
        yield _ok("tool calls", "a tool was called with the right argument")
    else:
        yield _bad(
            "tool calls",
            "no usable tool call came back",
            "choose a model that calls tools, and switch that on at its server",
        )
    lines = [line.removeprefix("data:").strip() for line in streamed.splitlines() if line.startswith("data:")]
    chunks = [_json(line) for line in lines if line != "[DONE]"]
    if chunks and all(isinstance(chunk, dict) for chunk in chunks):
        yield _ok("streaming", f"{len(chunks)} pieces")
    else:
        yield _ok("streaming", "replies come whole; that works too")
    usage = whole.get("usage") if isinstance(whole, dict) else None
    yield _ok("usage", "reported" if usage else "not reported: tokens are not counted in the log")


def _arguments(reply: Any) -> Any:
    match reply:
        case {"choices": [{"message": {"tool_calls": [{"function": {"arguments": arguments}}, *_]}}, *_]}:
            return _json(arguments) if isinstance(arguments, str) else arguments
    return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _ok(what: str, detail: str) -> Check:
    return Check(name=f"model: {what}", ok=True, detail=detail)


def _bad(what: str, detail: str, fix: str) -> Check:
    return Check(name=f"model: {what}", ok=False, detail=detail, fix=fix)
