"""What the records hold of disturbances: one module for each family, each a pure function over one look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from lineside.cases.classes import CaseClass, CasePack
from lineside.cases.detection import (
    carriers,
    conflicts,
    credit,
    documents,
    downtime,
    effects,
    excursions,
    feeds,
    holding,
    labels,
    lateness,
    material,
    stock,
)
from lineside.cases.episode import Episode, merged
from lineside.cases.look import Look

Detector: TypeAlias = Callable[[Look, CaseClass], list[Episode]]

_DETECTORS: Mapping[str, Detector] = {
    "downtime": downtime.episodes,
    "shortage": material.shortage,
    "staging": material.staging,
    "excursion": excursions.episodes,
    "hold": holding.episodes,
    "document": documents.episodes,
    "carrier": carriers.episodes,
    "stock": stock.episodes,
    "conflict": conflicts.episodes,
    "feed": feeds.episodes,
    "lateness": lateness.episodes,
    "credit": credit.episodes,
    "label": labels.episodes,
    "effect": effects.episodes,
}
QUICK = frozenset({"downtime", "staging", "excursion", "hold", "effect"})
"""Those that are read again at every batch; the others look at more, and wait for a calmer moment."""


def episodes(look: Look, pack: CasePack, detectors: Collection[str] | None = None) -> list[Episode]:
    """Every disturbance of the stretch by the detectors named, all by default; oldest first, flaps merged."""
    found = [
        episode
        for of in pack.classes.values()
        if of.detector and (detectors is None or of.detector in detectors)
        for episode in _DETECTORS[of.detector](look, of)
    ]
    seen = [e for e in found if look.overlaps(e.began, e.ended)]
    return merged(seen, {key: of.damping for key, of in pack.classes.items()})
