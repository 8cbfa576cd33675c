"""What is on record that concerns safety: notes and events of a stretch, and what of before still stands."""

from __future__ import annotations

from datetime import timedelta

from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.safety import carried_notes, concerns_safety
from lineside.interpretation.wording import at, counted, late_sources, rid, said, stated, text_of
from lineside.memory import View
from lineside.plant.records import Record
from lineside.plant.windows import Window

_SHOWN = 12
_LATELY = timedelta(days=1)


def safety(view: View, window: Window | None = None, equipment: str | None = None) -> Reading:
    """The notes and events that speak of injuries, hazards or safeguards, the latest first; by default of one day."""
    asked = window or Window(start=view.as_of - _LATELY, end=view.as_of, label="the last 24 h")
    records: list[Record] = [
        *view.notes(equipment=equipment, within=asked),
        *view.events(equipment=equipment, within=asked),
    ]
    # A note that names no equipment concerns everyone.
    records += [n for n in view.notes(within=asked) if equipment is not None and n.equipment is None]
    told = [r for r in records if concerns_safety(text_of(r))]
    before = [n for n in carried_notes(view, asked.start, min(asked.end, view.as_of), equipment) if n not in told]
    told.sort(key=at, reverse=True)
    span = f" ({asked.shift or asked.label})" if asked.shift or asked.label else ""
    sources = {f.source for f in view.freshness()}
    if not told and not before:
        return Reading(
            verdict=f"Nothing on record concerns safety{span}.",
            missing=(f"A note or event on safety{span}, if something was only spoken.", *late_sources(view, sources)),
            window=asked,
            data={"count": 0},
        )
    findings = [stated(r, view.plant, relative_to=view.as_of) for r in told[:_SHOWN]]
    findings += [
        Finding(
            text=f"Still open from {clock(at(n), view.plant, relative_to=view.as_of)}: {said(n)}.",
            kind=Kind.CLAIMED,
            cites=(rid(n),),
        )
        for n in before
    ]
    verdict = f"{counted(len(told), 'record')} on safety{span}"
    verdict += f", and {counted(len(before), 'note')} from before still open" if before else ""
    return Reading(
        verdict=f"{verdict}: {findings[0].text}",
        findings=tuple(findings),
        missing=(f"{len(told) - _SHOWN} more, not shown.",) if len(told) > _SHOWN else (),
        window=asked,
        data={"count": len(told), "open": len(before)},
    )
