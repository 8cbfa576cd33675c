"""What each key figure is made of and called, as the pack's data says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from lineside.errors import SetupError

UNITS = ("%", "/h", "h", "min")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """numerator, denominator: elements that are summed; or factors: keys of figures that are multiplied."""

    key: str
    name: str
    unit: str
    numerator: tuple[str, ...] = ()
    denominator: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    lower_is_better: bool = False

    @property
    def title(self) -> str:
        return self.name[:1].upper() + self.name[1:]

    @property
    def more_is_better(self) -> bool:
        return not self.lower_is_better

    def shown(self, value: float, unit: str = "") -> str:
        """The value as people read it. value: a share, seconds, or units per second."""
        match self.unit:
            case "%":
                return f"{value * 100:.1f} %"
            case "/h":
                return f"{value * 3600:.1f} {unit}/h".replace(" /h", " per h")
            case "h":
                return f"{value / 3600:.2f} h"
            case _:
                return f"{value / 60:.1f} min"


def definitions() -> Mapping[str, Definition]:
    """Every figure by its key, in the pack's order."""
    return _pack()[1]


def element_names() -> Mapping[str, str]:
    """What people call each element."""
    return _pack()[0]


@cache
def _pack() -> tuple[Mapping[str, str], Mapping[str, Definition]]:
    return parse(resources.files("lineside.packs").joinpath("core/kpis.toml").read_text("utf-8"))


def parse(text: str) -> tuple[Mapping[str, str], Mapping[str, Definition]]:
    """The pack's elements and figures. Raises SetupError where a figure is made of what is not known."""
    pack = tomllib.loads(text)
    elements: dict[str, str] = pack.get("elements", {})
    figures: dict[str, Definition] = {}
    for key, told in pack.get("kpi", {}).items():
        unknown = set(told) - {"name", "unit", "numerator", "denominator", "factors", "words", "lower_is_better"}
        if unknown:
            raise SetupError(f"kpis.toml: [kpi.{key}] has unknown keys: {', '.join(sorted(unknown))}")
        parts = {n: tuple(told.get(n, ())) for n in ("numerator", "denominator", "factors", "words")}
        if not told.get("name") or told.get("unit") not in UNITS:
            raise SetupError(f"kpis.toml: [kpi.{key}] needs a name, and a unit of {', '.join(UNITS)}")
        if bool(parts["factors"]) == bool(parts["numerator"] and parts["denominator"]):
            raise SetupError(f"kpis.toml: [kpi.{key}] needs either factors, or a numerator and a denominator")
        if strange := [e for n in ("numerator", "denominator") for e in parts[n] if e not in elements]:
            raise SetupError(f"kpis.toml: [kpi.{key}] is made of unknown elements: {', '.join(strange)}")
        better = bool(told.get("lower_is_better", False))
        figures[key] = Definition(key=key, name=told["name"], unit=told["unit"], lower_is_better=better, **parts)
    for each in figures.values():
        if strange := [f for f in each.factors if f not in figures or figures[f].factors]:
            raise SetupError(f"kpis.toml: [kpi.{each.key}] multiplies what is no plain figure: {', '.join(strange)}")
    return elements, figures
