"""The only code that writes outside, one file per target system; what it reads there and the answers it can get.

Nothing here decides: `execute` hands over bytes that an approval binds, and is told what the target answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldThere:
    """A hold as the target has it. proposal: ours, where the target keeps it."""

    hold: str
    status: str
    reason: str = ""
    proposal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LotThere:
    """A lot as the target has it now. condition: what a write can be made conditional on (its ETag), if offered."""

    lot: str
    quality_status: str
    holds: tuple[HoldThere, ...]
    condition: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The target says that the effect is there. effect: its own id."""

    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoEffect:
    """The target proved that nothing was done. changed: because it is no longer as it was proposed on."""

    reason: str
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """Nobody knows. The target must be read before anything else happens."""

    reason: str


Answer: TypeAlias = Done | NoEffect | NoAnswer


class Executor(Protocol):
    """One armed target. source: through which source its effects come back."""

    source: str

    def read(self, lot: str) -> LotThere | None:
        """The lot as the target has it; None where it has none. Raises SourceUnavailable or SourceRefused."""
        ...

    def place(self, body: bytes, *, key: str, condition: str | None) -> Answer:
        """What came of sending exactly these bytes under this idempotency key. Never raises for the target's faults."""
        ...
