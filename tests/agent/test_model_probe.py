"""What doctor finds out about a model's endpoint."""

from __future__ import annotations

import pytest

from lineside.agent.model import probe
from lineside.serve.dev_llm import running


def test_a_sound_endpoint_passes_every_check() -> None:
    with running() as peer:
        checks = list(probe(peer.url, name="honest", api_key="none"))
    assert [check.name for check in checks] == [
        f"model: {what}" for what in ("reachable", "name", "tool calls", "streaming", "usage")
    ]
    assert all(check.ok for check in checks)


@pytest.mark.parametrize(
    ("name", "failing", "fix"),
    [
        ("gpt-0", "model: name", "honest"),
        ("fault-500", "model: answers", "call tools"),
        ("fault-401", "model: answers", "api_key"),
        ("fault-html", "model: tool calls", "calls tools"),
        ("fault-dropped", "model: answers", "look"),
        ("fault-empty-reply", "model: tool calls", "calls tools"),
    ],
)
def test_a_failing_endpoint_is_told_with_what_mends_it(name: str, failing: str, fix: str) -> None:
    with running() as peer:
        bad = {check.name: check for check in probe(peer.url, name=name, api_key="") if not check.ok}
    assert fix in bad[failing].fix


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "nonsense"])
def test_an_endpoint_that_is_not_there_is_told_first(url: str) -> None:
    (check,) = probe(url, name="any", api_key="")
    assert (check.name, check.ok) == ("model: reachable", False)
    assert "base_url" in check.fix
