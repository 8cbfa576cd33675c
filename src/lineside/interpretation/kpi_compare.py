"""What two readings of the same key figures in different windows differ by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lineside.interpretation.kpi_words import Definition, definitions
from lineside.interpretation.reading import Finding, Kind, Reading
from lineside.interpretation.wording import bounded
from lineside.plant.records import Json


def compared(readings: Sequence[Reading]) -> Reading | None:
    """The two side by side, figure by figure; None where they are not two of the same figures in two windows."""
    if len(readings) != 2 or not all(r.window and "kpis" in r.data for r in readings):
        return None
    one, other = readings
    if one.window == other.window or one.window is None or other.window is None:
        return None
    names = [r.window.label or r.window.shift or "" for r in (one, other) if r.window]
    before, after = (_values(r.data["kpis"]) for r in (one, other))
    told = [
        _difference(definitions()[key], names, before[key], after[key])
        for key in before
        if key in after and key in definitions()
    ]
    cites = tuple(dict.fromkeys(c for r in readings for f in r.findings for c in f.cites))
    if not told or not cites:
        return None
    guessed = any(f.kind is Kind.GUESSED for r in readings for f in r.findings)
    kind = Kind.GUESSED if guessed else Kind.DERIVED
    ids = bounded(c for c in cites if isinstance(c, str))
    facts = tuple(c for c in cites if not isinstance(c, str))
    return Reading(
        verdict=told[0], findings=tuple(Finding(text=text, kind=kind, cites=(*ids, *facts)) for text in told)
    )


def _values(figures: Json) -> dict[str, float]:
    found = {}
    for each in figures if isinstance(figures, list) else ():
        if isinstance(each, dict) and isinstance(each.get("value"), int | float):
            found[str(each["kpi"])] = float(cast("float", each["value"]))
    return found


def _difference(definition: Definition, names: Sequence[str], one: float, other: float) -> str:
    text = f"{definition.title}: {names[0]} {definition.shown(one)}, {names[1]} {definition.shown(other)}"
    if definition.shown(one) == definition.shown(other):
        return f"{text}, the same."
    better = (one > other) is definition.more_is_better
    # Of what is shown, so that a reader who subtracts comes to the same.
    points = abs(round(one, 3) - round(other, 3)) * 100
    by = f"{points:.1f} points" if definition.unit == "%" else definition.shown(abs(one - other))
    return f"{text}: {names[0]} is {'better' if better else 'worse'} by {by}."
