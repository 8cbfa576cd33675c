"""The pack's policy on reconciliation: what a warehouse's differences endanger, whose word serves which purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lineside.interpretation.pack_files import load, of_packs, texts, validated
from lineside.interpretation.past import KINDS
from lineside.plant.vocabulary import EVENT_KINDS

FILE = "reconciliation.toml"
PurposeName = Literal["promise", "plan", "ship", "post"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Warehouse(_Table):
    """What is looked at when all positions are compared at once."""

    look_back_days: float = Field(gt=0)
    shifts_ahead: int = Field(gt=0)
    hours_ahead: float = Field(gt=0)
    promised_days: float = Field(ge=0)
    shown: int = Field(gt=0)
    value: tuple[str, ...]


class ReconciliationPolicy(_Table):
    """go_by: source kinds by property and purpose; changes: by property, the event kinds that change it."""

    version: str
    warehouse: Warehouse
    go_by: dict[str, dict[PurposeName, tuple[str, ...]]]
    changes: dict[str, tuple[str, ...]]


@of_packs
def policy() -> ReconciliationPolicy:
    """The policy of the packs in force. Raises BadSettings with the key that is wrong."""
    return load(FILE, parse_policy)


def parse_policy(where: str, data: Mapping[str, Any]) -> ReconciliationPolicy:
    """The policy in a reconciliation.toml. Raises BadSettings with the key that is wrong."""
    found = validated(where, ReconciliationPolicy, data)
    for name, kinds in found.changes.items():
        texts(where, f"changes.{name}", list(kinds), (*EVENT_KINDS, *KINDS))
    return found
