"""The pack's rules for planning questions: how far back to look, what lateness costs, who may decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineside.interpretation.pack_files import load, of_packs, table, text, texts, wrong
from lineside.plant.plant import Person, Plant

FILE = "planning.toml"
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


@of_packs
def planning_rules() -> PlanningRules:
    """The rules of the packs in force. Raises BadSettings with the key that is wrong."""
    return load(FILE, parse_rules)


def parse_rules(where: str, data: Mapping[str, Any]) -> PlanningRules:
    """The rules in a planning.toml. Raises BadSettings with the key that is wrong."""
    known = (*_NUMBERS, "version", "weights", "rights")
    for key in data:
        if key not in known:
            raise wrong(where, key, "is not a key here", known)
    text(where, "version", data.get("version"))
    numbers = {
        f"{name}.{key}": _number(where, f"{name}.{key}", value)
        for name, keys in _NUMBERS.items()
        for key, value in _exactly(where, data, name, keys).items()
    }
    weighing = table(where, "weights", data.get("weights")).items()
    weights = {str(word).casefold(): _number(where, f"weights.{word}", value) for word, value in weighing}
    if "default" not in weights:
        raise wrong(where, "weights.default", "is missing")
    rights = _exactly(where, data, "rights", _RIGHTS)
    for right, roles in rights.items():
        if not texts(where, f"rights.{right}", roles):
            raise wrong(where, f"rights.{right}", "must name a role, at least one")
    return PlanningRules(numbers, weights, {right: frozenset(map(_role, roles)) for right, roles in rights.items()})


def _exactly(where: str, data: Mapping[str, Any], name: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    found = table(where, name, data.get(name))
    for key in (*keys, *found):
        if key not in found or key not in keys:
            raise wrong(where, f"{name}.{key}", "is missing" if key in keys else "is not a key here", keys)
    return found


def _number(where: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise wrong(where, key, "must be a number, zero or more")
    return float(value)


def _role(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(" ", "_")
