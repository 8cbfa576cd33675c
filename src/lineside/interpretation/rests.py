"""The pack's list of what answers rest on, to tell what is lost with a system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveFloat

from lineside.interpretation.pack_files import load, of_packs, validated, wrong
from lineside.plant.vocabulary import is_mapped

FILE = "interfaces.toml"


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


@of_packs
def rests() -> Rests:
    """The list of the packs in force. Raises BadSettings with the key that is wrong."""
    return load(FILE, parse_rests)


def parse_rests(where: str, data: Mapping[str, Any]) -> Rests:
    """The list in an interfaces.toml. Raises BadSettings with the key that is wrong."""
    found = validated(where, Rests, data)
    for place, each in enumerate(found.rests):
        for name in each.on:
            kind, _, what = name.partition(".")
            if not is_mapped(kind, what):
                raise wrong(where, f"rests[{place}].on", f"({each.answer}): the vocabulary has no {name}")
    return found
