"""What a reading that goes through all things of a kind leaves out as over long since, told to its reader."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.interpretation.facts import Facts
from lineside.interpretation.reading import clock
from lineside.interpretation.wording import listed

COMPARED = ("job_order", "lot", "sales_order", "sales_order_line", "shipment")
"""The kinds of which comparing sources leaves something out that its reader may miss."""


def left_out(facts: Facts, kinds: Sequence[str]) -> list[str]:
    """One sentence on the things of these kinds that `Facts.live` leaves out; none where it leaves out none."""
    until = {kind: since for kind in kinds if (since := facts.leaves_out(kind))}
    if not until:
        return []
    when = clock(min(until.values()), facts.plant, relative_to=facts.view.as_of)
    return [f"The {listed([plural(kind) for kind in until])} that were over, and last spoken of before {when}."]


def plural(kind: str) -> str:
    """Several things of the kind, as people name them."""
    return kind if kind == "equipment" else f"{kind.replace('_', ' ')}s"
