"""Every prompt says what it is for, takes what it says, and is used."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from jinja2 import meta

from lineside.agent import prompts

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "prompts").glob("*.md"))


class Anything:
    """Stands for any input: a text, a list of one, a thing with attributes."""

    def __getattr__(self, name: str) -> str:
        return f"some {name}"

    def __iter__(self):
        return iter((self,))

    def __str__(self) -> str:
        return "something"


def test_there_are_prompts_and_nothing_else_in_their_folder() -> None:
    assert NAMES
    assert {path.suffix for path in (ROOT / "prompts").iterdir()} == {".md"}
    assert prompts.folder() == ROOT / "prompts"


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_declares_the_inputs_that_it_uses(name: str) -> None:
    read = prompts.prompt(name)
    assert meta.find_undeclared_variables(prompts.jinja().parse(read.template)) == set(read.inputs)


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_can_be_filled_in(name: str) -> None:
    read = prompts.prompt(name)
    for value in (Anything(), ""):
        text = read.render(**dict.fromkeys(read.inputs, value)).text
        assert text
        assert "{{" not in text
        assert "{%" not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_is_used_by_the_code(name: str) -> None:
    calls = [
        node
        for path in (ROOT / "src/lineside").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "prompt"
    ]
    named = {argument.value for call in calls for argument in call.args if isinstance(argument, ast.Constant)}
    assert name in named
