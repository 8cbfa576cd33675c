"""Where sources contradict one another, on anything that they speak of, and where people contradict machines."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from lineside.interpretation import causes, handover, shared_states
from lineside.interpretation.conflict import conflicts_on
from lineside.interpretation.facts import Facts
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.reconcile import reconcile, stock_conflicts
from lineside.interpretation.stops import Interval, Loss, intervals
from lineside.interpretation.wording import at, counted, listed, rid, said
from lineside.memory import View
from lineside.plant.entities import Entity
from lineside.plant.windows import Window

_SHOWN = 12
_STANDING = ("status", "state", "quality_status", "result", "credit", "revision")


def conflicts(view: View) -> Reading:
    """Everything on whose state, revision or stock two sources can't both be right, holds and blocks first."""
    facts = Facts(view)
    spoken: dict[Entity, set[str]] = defaultdict(set)
    for statement in view.said(properties=_STANDING):
        spoken[statement.entity].add(statement.property)
    found = [
        (entity, finding)
        for entity in sorted(spoken)
        for name in sorted(spoken[entity])
        for finding in conflicts_on(facts, entity, name)
    ]
    found.sort(key=lambda pair: not _blocks(facts, *pair))
    stocks = [stock.about for stock, _ in stock_conflicts(facts)]
    bridged = [reconcile(view, entity) for entity in stocks[:3]]
    findings = (*(finding for _, finding in found[:_SHOWN]), *(f for reading in bridged for f in reading.findings))
    if not findings:
        return Reading(
            verdict="No two sources contradict one another on a state, a revision or a stock figure.",
            missing=("A second source on anything that only one speaks of.",),
        )
    things = [entity.id for entity in dict.fromkeys((*(entity for entity, _ in found), *stocks))]
    return Reading(
        verdict=f"Sources contradict one another on {counted(len(things), 'thing')}: {listed(things)}.",
        findings=findings,
        missing=tuple(dict.fromkeys(gap for reading in bridged for gap in reading.missing)),
        next_steps=tuple(dict.fromkeys(step for reading in bridged for step in reading.next_steps)),
        data={"things": list(things)},
    )


def contradictions(view: View, window: Window, equipment: str | None = None) -> Reading:
    """The notes and states that say otherwise than what is recorded of the equipment's stops."""
    places = [equipment] if equipment else handover.lines(view, window)
    findings: list[Finding] = []
    for place in places:
        losses = intervals(view, place, window)
        findings += causes.contradictions(view, place, window, losses)
        findings += _called_fast(view, place, window, losses)
    if not findings:
        where = f" at {view.plant.called(equipment)}" if equipment else ""
        return Reading(
            verdict=f"No note contradicts what the machines report{where} in that time.",
            missing=("Notes and stops of one place and time to compare.",),
            window=window,
        )
    return Reading(verdict=findings[0].text, findings=tuple(findings), window=window)


_FAST = re.compile(
    r"\b(full (speed|rate|load)|at (target|rated) (speed|rate)|no more trouble|running fine|back to normal|as normal|"
    r"voller? (leistung|last|geschwindigkeit|fahrt)|läuft (wieder )?(normal|rund)|keine probleme mehr|wieder normal)\b",
    re.IGNORECASE,
)


def _called_fast(view: View, place: str, window: Window, losses: Sequence[Interval]) -> list[Finding]:
    """The notes that call equipment fast or sound while slow running is recorded of it."""
    found = []
    for note in view.notes(equipment=place, within=window):
        moment = at(note)
        slow = [i for i in losses if i.loss is Loss.SLOW and i.start <= moment and (i.end is None or moment < i.end)]
        if slow and _FAST.search(note.text):
            since = clock(slow[0].start, view.plant, relative_to=window.start)
            when = clock(moment, view.plant, relative_to=window.start)
            text = f"{said(note)} at {when}, while slow running is recorded since {since}."
            found.append(Finding(text=text, kind=Kind.CLAIMED, cites=(rid(note), *slow[0].records)))
    return found


def _blocks(facts: Facts, entity: Entity, finding: Finding) -> bool:
    name = str(finding.data.get("property", ""))
    return any(
        shared_states.state_of(entity.kind, name, statement.value) == "blocked"
        for statement in facts.words(entity, name)
    )
