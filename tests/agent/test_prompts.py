"""Prompts are read from their files, and filled in strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineside.agent import prompts
from lineside.errors import SetupError

WHOLE = """+++
purpose = "Greet."
inputs = ["name"]
output = "A line."
owner = "agent"
+++
Hello {{ name }}
"""


def test_a_prompt_is_filled_in_and_can_be_told_apart_by_its_digest() -> None:
    read = prompts.prompt("question")
    one, other = read.render(earlier=[], question="Why?"), read.render(earlier=["Where?"], question="Why?")
    assert one.text == "Question:\nWhy?"
    assert "- Where?" in other.text
    assert one.digest == read.render(earlier=[], question="Why?").digest
    assert one.digest != other.digest


@pytest.mark.parametrize("inputs", [{}, {"earlier": []}, {"earlier": [], "question": "Why?", "more": 1}])
def test_inputs_that_are_not_the_declared_ones_are_refused(inputs: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="takes"):
        prompts.prompt("question").render(**inputs)


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        WHOLE.replace("+++\nHello", "Hello"),
        WHOLE.replace('owner = "agent"\n', ""),
        WHOLE.replace('owner = "agent"', 'owner = ""'),
        WHOLE.replace('["name"]', '"name"'),
        WHOLE.replace("Greet.", 'Gr"eet.'),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "greeting.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(prompts, "folder", lambda: tmp_path)
    with pytest.raises(SetupError, match=r"greeting\.md"):
        prompts.prompt("greeting")


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "folder", lambda: tmp_path)
    with pytest.raises(SetupError, match=r"nothing\.md is missing"):
        prompts.prompt("nothing")
