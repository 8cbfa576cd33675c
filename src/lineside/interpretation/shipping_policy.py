"""The pack's policy on readiness: what is tight, what forecasts rest on, whose consent a substitute needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineside.interpretation.pack_files import load, of_packs, validated

FILE = "readiness.toml"
_OFTEN = 2  # where a priority says nothing, it stands in the middle


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stability(_Table):
    watched_h: float = Field(gt=0)
    tight_min: float = Field(ge=0)
    expiry_margin_h: float = Field(ge=0)
    signs: tuple[str, ...]
    signs_h: float = Field(gt=0)


class Forecast(_Table):
    cases: int = Field(gt=0)
    least_cases: int = Field(gt=0)


class Dock(_Table):
    occupied_min: float = Field(ge=0)
    ahead_days: int = Field(gt=0)


class Rank(_Table):
    penalty: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]
    last: tuple[str, ...]

    def priority(self, said: str | None) -> float:
        """Sorts the most urgent first; a number counts as it is."""
        word = (said or "").strip().casefold()
        try:
            return float(word)
        except ValueError:
            places = ((0.5, self.first), (1.5, self.second), (9.0, self.last))
            return next((place for place, words in places if word in words), float(_OFTEN))


class SubstitutionRule(_Table):
    name: str
    material: str = "*"
    substitute: str = "*"
    customer: str = "*"
    verdict: Literal["allowed", "approval", "forbidden"]
    approve: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _someone_consents(self) -> SubstitutionRule:
        if self.verdict == "approval" and not self.approve:
            raise ValueError(f"the rule {self.name!r} asks for an approval and names nobody in `approve`")
        return self

    def fits(self, material: str, substitute: str, customer: str | None) -> bool:
        """Whether the rule speaks of this material, substitute and customer."""
        pairs = ((self.material, material), (self.substitute, substitute), (self.customer, customer or ""))
        return all(_matches(pattern, text) for pattern, text in pairs)


class ShippingPolicy(_Table):
    version: Annotated[str, Field(min_length=1)]
    stability: Stability
    forecast: Forecast
    dock: Dock
    rank: Rank
    substitution: tuple[SubstitutionRule, ...]

    def rule(self, material: str, substitute: str, customer: str | None) -> SubstitutionRule | None:
        """The first rule that fits; None where none does, and then it is forbidden."""
        return next((rule for rule in self.substitution if rule.fits(material, substitute, customer)), None)


def read_policy(where: str, data: Mapping[str, Any]) -> ShippingPolicy:
    """The policy in a readiness.toml. Raises BadSettings that names every place that is wrong."""
    return validated(where, ShippingPolicy, data)


@of_packs
def shipping_policy() -> ShippingPolicy:
    """The policy of the packs in force."""
    return load(FILE, read_policy)


def _matches(pattern: str, text: str) -> bool:
    stem, star, _ = pattern.partition("*")
    here, wanted = text.casefold(), stem.casefold()
    return here.startswith(wanted) if star else here == wanted
