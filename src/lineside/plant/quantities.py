"""A number with its unit. Arithmetic never mixes units; packaging factors come from reports on the material."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lineside.plant.vocabulary import UNIT_WORDS

_SPELLINGS = {word.casefold(): code for code, words in UNIT_WORDS.items() for word in words}
_FACTORS: Mapping[str, tuple[str, Decimal]] = {
    "kg": ("g", Decimal(1000)), "g": ("g", Decimal(1)), "mg": ("g", Decimal("0.001")), "t": ("g", Decimal(1_000_000)),
    "L": ("L", Decimal(1)), "mL": ("L", Decimal("0.001")), "hL": ("L", Decimal(100)), "m3": ("L", Decimal(1000)),
    "h": ("s", Decimal(3600)), "min": ("s", Decimal(60)), "s": ("s", Decimal(1)), "d": ("s", Decimal(86400)),
    "m": ("m", Decimal(1)), "mm": ("m", Decimal("0.001")), "cm": ("m", Decimal("0.01")), "km": ("m", Decimal(1000)),
    "[lb_av]": ("g", Decimal("453.59237")), "[in_i]": ("m", Decimal("0.0254")), "[ft_i]": ("m", Decimal("0.3048")),
}  # fmt: skip


def unit(text: str) -> str:
    """The unit's one spelling here: `pcs` and `Stück` are `ea`; UCUM codes and unknown units stay as they came."""
    bare = text.strip()
    return bare if bare in _FACTORS else _SPELLINGS.get(bare.casefold().rstrip("."), bare)


def number(value: object) -> Decimal | None:
    """The finite decimal in a JSON value, exactly as it was written; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


@dataclass(frozen=True, slots=True)
class Quantity:
    """`value` of `unit`; the unit is empty for a bare number."""

    value: Decimal
    unit: str = ""

    def __post_init__(self) -> None:
        if not self.value.is_finite():
            raise ValueError(f"{self.value} is not a finite number")
        object.__setattr__(self, "unit", unit(self.unit))

    def to(self, wanted: str, packaging: Mapping[str, Quantity] | None = None) -> Quantity | None:
        """The same amount in `wanted`; None where no factor is known.

        packaging: for one material, what one packaging unit holds, as in {"case": 12 ea}.
        """
        goal = unit(wanted)
        if self.unit == goal:
            return self
        here, there = _reduced(self, packaging), _reduced(Quantity(Decimal(1), goal), packaging)
        if here is None or there is None or here.unit != there.unit or there.value == 0:
            return None
        return Quantity(here.value / there.value, goal)

    def __str__(self) -> str:
        return f"{plain(self.value)} {self.unit}".rstrip()


def plain(value: Decimal) -> str:
    """The number without exponent and without trailing zeros: 840, 0.5."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def _reduced(amount: Quantity, packaging: Mapping[str, Quantity] | None) -> Quantity | None:
    seen: set[str] = set()
    while packaging and amount.unit in packaging:
        if amount.unit in seen:  # case of pallets of cases: a faulty report must not hang us
            return None
        seen.add(amount.unit)
        step = packaging[amount.unit]
        amount = Quantity(amount.value * step.value, step.unit)
    if amount.unit in _FACTORS:
        smallest, factor = _FACTORS[amount.unit]
        return Quantity(amount.value * factor, smallest)
    return amount
