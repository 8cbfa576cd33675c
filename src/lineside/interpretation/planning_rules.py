"""The pack's rules for planning questions: how far back to look, what lateness costs, who may decide."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lineside.errors import BadSettings
from lineside.plant.plant import Person, Plant

_WHERE = "packs/core/planning.toml"
_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "pace": (
        "history_days", "most_samples", "least_run_minutes", "recent_minutes", "longest_silence_minutes", "doubt_pct",
        "spread_pct",
    ),
    "work": ("stale_days", "stop_history_days", "longest_changeover_minutes"),
    "search": ("exact_up_to", "most_tries", "options"),
    "price": ("late_minute", "changeover_minute"),
}  # fmt: skip
_RIGHTS = ("resequence_job_order", "accept_rush_order", "change_promise")


@dataclass(frozen=True, slots=True)
class PlanningRules:
    """numbers: by `table.key`; weights: of lateness, by the priority's word; rights: roles."""

    numbers: Mapping[str, float]
    weights: Mapping[str, float]
    rights: Mapping[str, frozenset[str]]

    def __getitem__(self, key: str) -> float:
        return self.numbers[key]

    def weight(self, priority: object) -> float:
        """What a minute of lateness weighs for a promise of that priority."""
        return self.weights.get(str(priority).strip().casefold(), self.weights["default"])

    def deciders(self, right: str, plant: Plant) -> tuple[Person, ...]:
        """The people of the plant file who hold a role with that right."""
        roles = self.rights[right]
        return tuple(p for p in plant.people if plant.site in p.sites and any(_role(r) in roles for r in p.roles))


@cache
def planning_rules() -> PlanningRules:
    """The rules of the core pack. Raises BadSettings with the key that is wrong."""
    content = resources.files("lineside.packs").joinpath("core/planning.toml").read_text("utf-8")
    return parse_rules(tomllib.loads(content))


def parse_rules(data: Mapping[str, Any]) -> PlanningRules:
    """The rules in a planning.toml. Raises BadSettings with the key that is wrong."""
    for key in data:
        if key not in (*_NUMBERS, "version", "weights", "rights"):
            raise _wrong(key, "is not a key here")
    if not isinstance(data.get("version"), str):
        raise _wrong("version", "give it a text")
    numbers = {
        f"{table}.{key}": _number(f"{table}.{key}", value)
        for table, keys in _NUMBERS.items()
        for key, value in _exactly(data, table, keys).items()
    }
    weights = {str(word).casefold(): _number(f"weights.{word}", value) for word, value in data["weights"].items()}
    if "default" not in weights:
        raise _wrong("weights.default", "is missing")
    rights = _exactly(data, "rights", _RIGHTS)
    for right, roles in rights.items():
        if not isinstance(roles, list) or not roles or not all(isinstance(role, str) for role in roles):
            raise _wrong(f"rights.{right}", "give it a list of roles, at least one")
    return PlanningRules(numbers, weights, {right: frozenset(map(_role, roles)) for right, roles in rights.items()})


def _exactly(data: Mapping[str, Any], table: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    found = data.get(table)
    if not isinstance(found, dict):
        raise _wrong(table, "is missing")
    for key in (*keys, *found):
        if key not in found or key not in keys:
            raise _wrong(f"{table}.{key}", "is missing" if key in keys else "is not a key here")
    return found


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _wrong(key, "give it a number, zero or more")
    return float(value)


def _role(text: str) -> str:
    return text.strip().casefold().replace("-", "_").replace(" ", "_")


def _wrong(key: str, remedy: str) -> BadSettings:
    return BadSettings(f"{_WHERE}: {key}: {remedy}", key=key, path=_WHERE)
