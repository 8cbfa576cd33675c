"""A proposal as the figures need it; the ledger of actions, which stands above the cases, fills it in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lineside.plant.entities import Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """One proposal. approved_at: None where nobody approved it. over_at: when it waited no longer, approved or not.
    place: an equipment path or the site. records: what it was proposed on."""

    id: str
    asked_at: datetime
    approved_at: datetime | None
    over_at: datetime | None
    entity: Entity
    place: str
    records: tuple[str, ...]
