"""What each key figure is made of and called, as the pack's data says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from lineside.interpretation.pack_files import load, of_packs, table, text, texts, wrong

FILE = "kpis.toml"
UNITS = ("%", "/h", "h", "min")
_NEEDED = ("allocation_efficiency",)  # the bottleneck is found by it
_PARTS = ("numerator", "denominator", "factors", "words")
_KEYS = ("name", "unit", "lower_is_better", *_PARTS)


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


@of_packs
def _pack() -> tuple[Mapping[str, str], Mapping[str, Definition]]:
    return load(FILE, parse)


def parse(where: str, data: Mapping[str, Any]) -> tuple[Mapping[str, str], Mapping[str, Definition]]:
    """The elements and figures of a kpis.toml. Raises BadSettings where a figure is made of what is not known."""
    for key in data:
        if key not in ("version", "elements", "kpi"):
            raise wrong(where, key, "is not a key here", ("version", "elements", "kpi"))
    named = table(where, "elements", data.get("elements", {}))
    elements = {key: text(where, f"elements.{key}", name) for key, name in named.items()}
    figures: dict[str, Definition] = {}
    for key, given in table(where, "kpi", data.get("kpi", {})).items():
        figures[key] = _definition(where, key, table(where, f"kpi.{key}", given), elements)
    for each in figures.values():
        if strange := [f for f in each.factors if f not in figures or figures[f].factors]:
            plain = [key for key, figure in figures.items() if not figure.factors]
            raise wrong(where, f"kpi.{each.key}.factors", f"names no plain figure: {', '.join(strange)}", plain)
    for key in _NEEDED:
        if key not in figures:
            raise wrong(where, f"kpi.{key}", "must stay: answers go by it", _NEEDED)
    return elements, figures


def _definition(where: str, key: str, told: Mapping[str, Any], elements: Collection[str]) -> Definition:
    for name in told:
        if name not in _KEYS:
            raise wrong(where, f"kpi.{key}.{name}", "is not a key here", _KEYS)
    parts = {n: texts(where, f"kpi.{key}.{n}", told.get(n, [])) for n in _PARTS}
    for name in ("numerator", "denominator"):
        texts(where, f"kpi.{key}.{name}", list(parts[name]), elements)
    if bool(parts["factors"]) == bool(parts["numerator"] and parts["denominator"]):
        raise wrong(where, f"kpi.{key}", "needs either factors, or a numerator and a denominator")
    return Definition(
        key=key,
        name=text(where, f"kpi.{key}.name", told.get("name")),
        unit=text(where, f"kpi.{key}.unit", told.get("unit"), UNITS),
        lower_is_better=bool(told.get("lower_is_better", False)),
        **parts,
    )
