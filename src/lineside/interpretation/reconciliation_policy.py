"""The pack's policy on reconciliation: what a warehouse's differences endanger, whose word serves which purpose."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.errors import BadSettings
from lineside.interpretation.past import KINDS
from lineside.plant.vocabulary import EVENT_KINDS

_WHERE = "core/reconciliation.toml"
PurposeName = Literal["promise", "plan", "ship", "post"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Warehouse(_Table):
    """What is looked at when all positions are compared at once."""

    look_back_days: float = Field(gt=0)
    shifts_ahead: int = Field(gt=0)
    hours_ahead: float = Field(gt=0)
    promised_days: float = Field(ge=0)
    shown: int = Field(gt=0)
    value: tuple[str, ...]


class ReconciliationPolicy(_Table):
    """go_by: source kinds by property and purpose; changes: by property, the event kinds that change it."""

    version: str
    warehouse: Warehouse
    go_by: dict[str, dict[PurposeName, tuple[str, ...]]]
    changes: dict[str, tuple[str, ...]]


@cache
def policy() -> ReconciliationPolicy:
    """The core pack's policy. Raises BadSettings with the key that is wrong."""
    return parse_policy(resources.files("lineside.packs").joinpath(_WHERE).read_text("utf-8"))


def parse_policy(text: str) -> ReconciliationPolicy:
    """The policy in the text. Raises BadSettings with the key that is wrong."""
    try:
        found = ReconciliationPolicy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{_WHERE} is no TOML: {error}", file=_WHERE) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadSettings(f"{_WHERE}: {key}: {first['msg']}", file=_WHERE, key=key) from error
    for name, kinds in found.changes.items():
        for kind in kinds:
            if kind not in EVENT_KINDS and kind not in KINDS:
                raise BadSettings(f"{_WHERE}: changes.{name} names {kind!r}, which is no event", file=_WHERE, key=name)
    return found
