"""The scripted model speaks the protocol, follows a script, and refuses what it can't play."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from lineside.errors import BadSettings
from lineside.serve.dev_llm import NAMES, read_script, running

TOOLS = [
    {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}},
    {"type": "function", "function": {"name": "search", "parameters": {
        "type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}},
    {"type": "function", "function": {"name": "reply", "parameters": {
        "type": "object", "properties": {"verdict": {"type": "string"}, "claims": {"type": "array"}}}}},
]  # fmt: skip
ASKED = {"role": "user", "content": "Question:\nWhere is everybody?"}
SCRIPT = """
[[replies]]
calls = [{ tool = "search", arguments = { text = "about: {question}" } }]

[[replies]]
verdict = "Nobody knows."
claims = [{ text = "They left.", evidence = ["F1"] }]
"""


def ask(url: str, model: str, *said: dict[str, Any], stream: bool = False) -> httpx.Response:
    body = {"model": model, "messages": [ASKED, *said], "tools": TOOLS, "stream": stream}
    return httpx.post(f"{url}/chat/completions", json=body)


def called(response: httpx.Response) -> tuple[str, Any]:
    function = response.json()["choices"][0]["message"]["tool_calls"][0]["function"]
    return function["name"], json.loads(function["arguments"])


def test_it_lists_what_it_can_play() -> None:
    with running() as peer:
        listed = httpx.get(f"{peer.url}/models").json()
    assert [model["id"] for model in listed["data"]] == list(NAMES)


def test_the_honest_play_asks_a_fitting_tool_and_repeats_what_came_back() -> None:
    with running() as peer:
        first = ask(peer.url, "honest")
        result = "search found\nverdict: At lunch.\nF1 (fact; R1): All are at lunch: 12:00.\nR1 x: y\n"
        second = ask(peer.url, "honest", {"role": "assistant", "content": ""}, {"role": "tool", "content": result})
    assert called(first) == ("search", {"text": "Where is everybody?"})
    assert called(second) == (
        "reply", {"verdict": "At lunch.", "claims": [{"text": "All are at lunch: 12:00.", "evidence": ["F1"]}]}
    )  # fmt: skip
    assert first.json()["usage"]["total_tokens"] == 12
    assert len(peer.requests) == 2


def test_a_streamed_reply_comes_in_pieces_and_ends() -> None:
    with running() as peer:
        lines = [line for line in ask(peer.url, "honest", stream=True).text.split("\n\n") if line]
    pieces = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    calls = [call for p in pieces for c in p["choices"] for call in c["delta"].get("tool_calls", ())]
    assert lines[-1] == "data: [DONE]"
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"text": "Where is everybody?"}
    assert {call["index"] for call in calls} == {0}
    assert pieces[-1]["usage"]["total_tokens"] == 12


def test_a_script_is_followed_whatever_the_model_is_called(tmp_path: Path) -> None:
    path = tmp_path / "script.toml"
    path.write_text(SCRIPT, encoding="utf-8")
    with running(script=read_script(path)) as peer:
        first = ask(peer.url, "anything")
        second = ask(peer.url, "anything", {"role": "assistant", "content": ""}, {"role": "tool", "content": ""})
    assert called(first) == ("search", {"text": "about: Where is everybody?"})
    assert called(second)[1] == {"verdict": "Nobody knows.", "claims": [{"text": "They left.", "evidence": ["F1"]}]}


@pytest.mark.parametrize(
    "text", ["", "[[replies]]\nsay = 1", "replies = []", "[[replies]]\nfault = 'fault-nine'", "not toml"]
)
def test_a_script_that_says_nothing_usable_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "script.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings, match=r"script\.toml"):
        read_script(path)


def test_a_missing_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"none\.toml"):
        read_script(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("model", "status"), [("gpt-0", 404), ("fault-401", 401), ("fault-429", 429), ("fault-500", 500)]
)
def test_what_it_refuses_it_refuses_by_status(model: str, status: int) -> None:
    with running() as peer:
        response = ask(peer.url, model)
    assert response.status_code == status
    assert ("retry-after" in response.headers) == (status == 429)


@pytest.mark.parametrize("model", [name for name in NAMES if name.startswith(("honest", "hostile"))])
def test_every_play_says_something_even_without_tools(model: str) -> None:
    with running() as peer:
        body = {"model": model, "messages": [ASKED]}
        assert (
            httpx.post(f"{peer.url}/chat/completions", json=body).json()["choices"][0]["message"]["role"] == "assistant"
        )
