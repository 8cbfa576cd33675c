"""The only code that writes outside, one file per kind of interface; what it reads there and the answers it can get.

Nothing here decides: `execute` hands over bytes that an approval binds, and is told what the target answered. What
anybody may know of a target is apart from what writes to it, which the executor's process alone imports and fills with
a credential.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from lineside.actions.action import Draft, Refusal, Terms
from lineside.plant.entities import Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectThere:
    """Something on the subject as the target has it. proposal: ours, where the target keeps it."""

    id: str
    active: bool = True
    proposal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """The subject as the target has it now.

    values: property to text, in the vocabulary's words, of what the action rests on and sets. effects: what of the kind
    that the action creates stands on it; None where the target can't be asked for that. condition: what a write can be
    made conditional on (its ETag, its row version), if offered.
    """

    values: Mapping[str, str]
    effects: tuple[EffectThere, ...] | None = field(default=())
    condition: str | None = None


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


@runtime_checkable
class Target(Protocol):
    """What everybody may know of a system that could be written to. source: through which its effects come back.

    interface: what a proposal is bound to of it, so that approved parameters can't be sent another way than shown.
    """

    source: str
    interface: str

    @property
    def offers(self) -> Collection[str]:
        """The names of the actions that it can carry out."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """A target with bounds of its own, which it knows without being asked."""

    def terms(self, draft: Draft) -> Terms | Refusal:
        """What it says of this beforehand, or why it never would."""
        ...


@runtime_checkable
class Writer(Target, Protocol):
    """A target with the means to read and write it; the executor's process alone has any."""

    def read(self, action: str, subject: Entity, *, proposal: str) -> There | None:
        """The subject as the target has it; None where it has none. Raises SourceUnavailable or SourceRefused."""
        ...

    def carry_out(self, action: str, subject: Entity, body: bytes, *, key: str, condition: str | None) -> Answer:
        """What came of asking for exactly this under this idempotency key. Never raises for the target's faults.

        body: the canonical JSON that was approved, with who approved it.
        """
        ...
