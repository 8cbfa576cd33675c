"""The prompts, one Markdown file each: read, checked against their front matter, and filled in."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.errors import SetupError

if TYPE_CHECKING:
    from jinja2 import Environment

KEYS = ("purpose", "inputs", "output", "owner")
_FENCE = "+++\n"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A filled-in prompt. digest: sha256 of its text, to tell later what a model was told."""

    text: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt file. inputs: exactly the names that its template uses. digest: sha256 of the whole file."""

    name: str
    purpose: str
    inputs: tuple[str, ...]
    output: str
    owner: str
    template: str
    digest: str

    def render(self, **inputs: object) -> Rendered:
        """The text for these inputs. Raises ValueError where they are not the declared ones."""
        if set(inputs) != set(self.inputs):
            raise ValueError(f"prompt {self.name} takes {sorted(self.inputs)}, not {sorted(inputs)}")
        text = jinja().from_string(self.template).render(inputs).strip()
        return Rendered(text, _sha256(text))


def prompt(name: str) -> Prompt:
    """The prompt of that name. Raises SetupError where its file is missing or malformed."""
    return _read(folder() / f"{name}.md")


def folder() -> Path:
    """Where the prompts are: inside the installed package, or at the top of the checkout."""
    package = Path(__file__).parents[1]
    installed = package / "prompts"
    return installed if installed.is_dir() else package.parents[1] / "prompts"


@cache
def jinja() -> Environment:
    """Templates in which an unknown name is an error."""
    from jinja2 import Environment, StrictUndefined

    # Nothing is escaped: the output is plain text for a model, never markup for a browser.
    return Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701


@cache
def _read(path: Path) -> Prompt:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SetupError(f"{path} is missing; install Lineside again", path=str(path)) from error
    opening, _, rest = text.partition(_FENCE)
    front, fence, template = rest.partition(_FENCE)
    if opening or not fence:
        raise SetupError(f"{path} has no front matter between lines of +++", path=str(path))
    try:
        said = tomllib.loads(front)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{path}: its front matter is not TOML: {error}", path=str(path)) from error
    if set(said) != set(KEYS) or not _well_formed(said):
        raise SetupError(f"{path}: its front matter must say {', '.join(KEYS)}, and nothing else", path=str(path))
    return Prompt(
        name=path.stem,
        purpose=said["purpose"],
        inputs=tuple(said["inputs"]),
        output=said["output"],
        owner=said["owner"],
        template=template,
        digest=_sha256(text),
    )


def _well_formed(said: Mapping[str, object]) -> bool:
    inputs = said["inputs"]
    return (
        all(isinstance(said[key], str) and said[key] for key in KEYS if key != "inputs")
        and isinstance(inputs, list)
        and all(isinstance(name, str) for name in inputs)
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
