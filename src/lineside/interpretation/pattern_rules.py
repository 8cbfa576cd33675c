"""The pack's policy on patterns: how far back to look, what counts as chance, what is counted against what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineside.interpretation.pack_files import load, of_packs, table, text, texts, wrong

FILE = "patterns.toml"

DIMENSIONS = (
    "shift", "crew", "material", "line", "tool", "supplier", "carrier", "customer", "after_changeover",
    "hour_of_shift", "weekday",
)  # fmt: skip
DENOMINATORS = ("running_hours", "lots", "units", "changeovers", "orders")
_NUMBERS = {
    "look_back_days": (1, 3660),
    "false_discovery_rate": (0.0001, 0.5),
    "inseparable_share": (0.5, 1),
    "confounder_explains": (0.01, 1),
    "burst_factor": (1, 100),
    "still_now_hours": (0.1, 168),
    "after_changeover_minutes": (1, 1440),
    "shift_edge_minutes": (1, 1440),
}


@dataclass(frozen=True, slots=True)
class PatternRules:
    """numbers: by key; weights: by dimension; names: the properties that name a dimension's levels; booked: kinds of
    event whose time is that of their booking; by_kind, by_word: what cases are counted against, by their kind and by
    how a word of what they are called begins; per: so many of those a rate is told for."""

    numbers: Mapping[str, float]
    weights: Mapping[str, float]
    names: Mapping[str, tuple[str, ...]]
    booked: tuple[str, ...]
    by_kind: Mapping[str, str]
    by_word: Mapping[str, tuple[str, ...]]
    per: Mapping[str, float]

    def counted_against(self, kind: str, label: str) -> str:
        """Which of the denominators cases of this kind that are called so have."""
        called = label.casefold()
        for name, beginnings in self.by_word.items():
            if any(re.search(rf"(?<!\w){re.escape(word.casefold())}", called) for word in beginnings):
                return name
        return self.by_kind.get(kind, self.by_kind["default"])

    def __getitem__(self, key: str) -> float:
        return self.numbers[key]


@of_packs
def pattern_rules() -> PatternRules:
    """The rules of the packs in force. Raises BadSettings with the key that is wrong."""
    return load(FILE, parse_rules)


def parse_rules(where: str, data: Mapping[str, Any]) -> PatternRules:
    """The rules in a patterns.toml. Raises BadSettings with the key that is wrong."""
    allowed = (*_NUMBERS, "version", "booked", "weights", "names", "counted_against", "counted_by_word", "per")
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
    against = table(where, "counted_against", data.get("counted_against"))
    if "default" not in against:
        raise wrong(where, "counted_against", "must name a default")
    by_word = table(where, "counted_by_word", data.get("counted_by_word", {}))
    for key in by_word:
        if key not in DENOMINATORS:
            raise wrong(where, f"counted_by_word.{key}", "is not counted against", DENOMINATORS)
    per = table(where, "per", data.get("per"))
    if set(per) != set(DENOMINATORS):
        raise wrong(where, "per", "must name each denominator once", DENOMINATORS)
    return PatternRules(
        numbers=numbers,
        weights={d: _number(where, f"weights.{d}", weights[d], 0.001, 1000) for d in DIMENSIONS},
        names={"tool": texts(where, "names.tool", named.get("tool"))},
        booked=texts(where, "booked", data.get("booked")),
        by_kind={kind: text(where, f"counted_against.{kind}", said, DENOMINATORS) for kind, said in against.items()},
        by_word={name: texts(where, f"counted_by_word.{name}", said) for name, said in by_word.items()},
        per={name: _number(where, f"per.{name}", per[name], 1, 1_000_000) for name in DENOMINATORS},
    )


def _number(where: str, key: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise wrong(where, key, f"must be a number from {least} to {most}")
    return float(value)
