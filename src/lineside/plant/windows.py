"""Stretches of time as people name them, resolved in the plant's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Half-open, aware, kept in UTC. label: how it was named. shift: the shift it is, as in `night 2026-11-20`."""

    start: datetime
    end: datetime
    label: str = ""
    shift: str | None = None

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware times")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end < self.start:
            raise ValueError(f"a window can't end before it starts: {self.start} to {self.end}")

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()
