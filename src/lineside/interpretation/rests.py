"""The pack's list of what answers rest on, to tell what is lost with a system."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, PositiveFloat, ValidationError

from lineside.errors import BadSettings
from lineside.plant.vocabulary import is_mapped

_WHERE = "core/interfaces.toml"


class Rest(BaseModel):
    """on: `kind.property`, or `event.kind`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: str
    on: tuple[str, ...]


class Rests(BaseModel):
    """days: what was said in so many days is what a source delivers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    days: PositiveFloat
    rests: tuple[Rest, ...]


@cache
def rests() -> Rests:
    """The core pack's list. Raises BadSettings with the key that is wrong."""
    return parse_rests(resources.files("lineside.packs").joinpath(_WHERE).read_text("utf-8"))


def parse_rests(text: str) -> Rests:
    """The list in the text. Raises BadSettings with the key that is wrong."""
    try:
        found = Rests.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{_WHERE} is no TOML: {error}", file=_WHERE) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadSettings(f"{_WHERE}: {key}: {first['msg']}", file=_WHERE, key=key) from error
    for each in found.rests:
        for name in each.on:
            kind, _, what = name.partition(".")
            if not is_mapped(kind, what):
                raise BadSettings(f"{_WHERE}: {each.answer}: the vocabulary has no {name}", file=_WHERE, key=name)
    return found
