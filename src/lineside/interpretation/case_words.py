"""How one case of something that can repeat is told."""

from __future__ import annotations

from lineside.interpretation.occurrences import Occurrence
from lineside.interpretation.reading import Finding, Kind, clock
from lineside.interpretation.wording import short
from lineside.memory import View
from lineside.plant.timeline import duration


def what(case: Occurrence) -> str:
    """`stop "jam" at mill/line-1/filler`."""
    label = f' "{short(case.label, 80)}"' if case.label else ""
    place = f" at {case.equipment}" if case.equipment else ""
    return f"{case.kind.replace('_', ' ')}{label}{place}"


def single(view: View, case: Occurrence) -> Finding:
    """What happened, when and for how long."""
    lasted = f", {duration(case.seconds(view.as_of))}" if case.seconds(view.as_of) else ""
    text = f"{what(case)} at {clock(case.start, view.plant)}{lasted}."
    return Finding(text=text[:1].upper() + text[1:], kind=Kind.DERIVED, cites=case.records)
