"""The pack's policy on patterns: how far back to look, what counts as chance, as a burst, as inseparable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineside.interpretation.pack_files import load, of_packs, table, texts, wrong

FILE = "patterns.toml"

DIMENSIONS = (
    "shift", "crew", "material", "line", "tool", "supplier", "after_changeover", "hour_of_shift", "weekday",
)  # fmt: skip
_NUMBERS = {
    "look_back_days": (1, 3660),
    "false_discovery_rate": (0.0001, 0.5),
    "inseparable_share": (0.5, 1),
    "confounder_explains": (0.01, 1),
    "burst_factor": (1, 100),
    "after_changeover_minutes": (1, 1440),
    "shift_edge_minutes": (1, 1440),
}


@dataclass(frozen=True, slots=True)
class PatternRules:
    """numbers: by key; weights: by dimension; names: the properties that name a dimension's levels; booked: kinds of
    event whose time is that of their booking."""

    numbers: Mapping[str, float]
    weights: Mapping[str, float]
    names: Mapping[str, tuple[str, ...]]
    booked: tuple[str, ...]

    def __getitem__(self, key: str) -> float:
        return self.numbers[key]


@of_packs
def pattern_rules() -> PatternRules:
    """The rules of the packs in force. Raises BadSettings with the key that is wrong."""
    return load(FILE, parse_rules)


def parse_rules(where: str, data: Mapping[str, Any]) -> PatternRules:
    """The rules in a patterns.toml. Raises BadSettings with the key that is wrong."""
    allowed = (*_NUMBERS, "version", "booked", "weights", "names")
    for key in data:
        if key not in allowed:
            raise wrong(where, key, "is not a key here", allowed)
    numbers = {key: _number(where, key, data.get(key), *bounds) for key, bounds in _NUMBERS.items()}
    weights = table(where, "weights", data.get("weights"))
    if set(weights) != set(DIMENSIONS):
        raise wrong(where, "weights", "must name each dimension once", DIMENSIONS)
    named = table(where, "names", data.get("names"))
    for key in named:
        if key != "tool":
            raise wrong(where, f"names.{key}", "is not a key here", ("tool",))
    return PatternRules(
        numbers=numbers,
        weights={d: _number(where, f"weights.{d}", weights[d], 0.001, 1000) for d in DIMENSIONS},
        names={"tool": texts(where, "names.tool", named.get("tool"))},
        booked=texts(where, "booked", data.get("booked")),
    )


def _number(where: str, key: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise wrong(where, key, f"must be a number from {least} to {most}")
    return float(value)
