"""The pack's rules for the sentinel: how far to look, and how sure to be before a change of a feed is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from lineside.interpretation.pack_files import load, of_packs, validated

FILE = "sentinel.toml"


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


@of_packs
def sentinel_rules() -> SentinelRules:
    """The rules of the packs in force. Raises BadSettings with the key that is wrong."""
    return load(FILE, parse_rules)


def parse_rules(where: str, data: Mapping[str, Any]) -> SentinelRules:
    """The rules in a sentinel.toml. Raises BadSettings with the key that is wrong."""
    return validated(where, SentinelRules, data)
