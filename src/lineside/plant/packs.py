"""The pack files that a plant's records are read by, as plain values. What is in them is for others to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PackLayer:
    """One version of one pack. files: by name, the text of each."""

    name: str
    version: str
    files: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Packs:
    """What lies over the core pack, the lowest first. made: what was once read from these files."""

    layers: tuple[PackLayer, ...] = ()
    made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def called(self) -> str:
        """`core < dairy 1.2.0 < our-works 3.0.1`."""
        return " < ".join(("core", *(f"{layer.name} {layer.version}" for layer in self.layers)))


CORE = Packs()
