"""The pack's rules for the sentinel: how far to look, and how sure to be before a change of a feed is told."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from lineside.errors import BadSettings

_WHERE = "core/sentinel.toml"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Look(_Table):
    """How far to look, and how much to show."""

    window_days: PositiveFloat
    before_days: PositiveFloat
    shown: PositiveInt
    touching: int = Field(ge=0)


class Sure(_Table):
    """What it takes to tell a change. gap_factor, cadence_factor: times what was usual."""

    chance: float = Field(gt=0, lt=1)
    least_before: PositiveInt
    least_after: PositiveInt
    gap_factor: float = Field(ge=1)
    cadence_factor: float = Field(ge=1)
    least_days: PositiveInt
    least_share_moved: float = Field(ge=0, le=1)


class Size(_Table):
    """factors: between one unit and another."""

    factors: tuple[PositiveFloat, ...]
    least: PositiveInt


class Floor(_Table):
    """When what a system says is compared with what was seen on the floor."""

    look_back_days: PositiveFloat
    lots_before: PositiveInt
    lots_after: PositiveInt
    start_slack_minutes: float = Field(ge=0)


class SentinelRules(_Table):
    """All tables of the file."""

    version: str
    look: Look
    sure: Sure
    size: Size
    floor: Floor


@cache
def sentinel_rules() -> SentinelRules:
    """The core pack's rules. Raises BadSettings with the key that is wrong."""
    return parse_rules(resources.files("lineside.packs").joinpath(_WHERE).read_text("utf-8"))


def parse_rules(text: str) -> SentinelRules:
    """The rules in the text. Raises BadSettings with the key that is wrong."""
    try:
        return SentinelRules.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{_WHERE} is no TOML: {error}", file=_WHERE) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadSettings(f"{_WHERE}: {key}: {first['msg']}", file=_WHERE, key=key) from error
