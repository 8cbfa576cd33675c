"""Where sources contradict one another, on anything that they speak of, and where people contradict machines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lineside.interpretation import causes, handover
from lineside.interpretation.disputes import Disputed, disputes
from lineside.interpretation.facts import Facts
from lineside.interpretation.left_out import COMPARED, left_out
from lineside.interpretation.past import Past
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.reconcile import reconcile, stock_conflicts
from lineside.interpretation.stops import Interval, Loss, intervals
from lineside.interpretation.wording import at, counted, listed, rid, said
from lineside.memory import View
from lineside.plant.windows import Window

_SHOWN = 12
_STEPPED = 6  # conflicts whose way out is told; more would bury the first


def conflicts(view: View, *, states_only: bool = False) -> Reading:
    """Everything on whose state, revision or stock two sources can't both be right, ranked by what it endangers.

    states_only: differing stock figures are left out.
    """
    facts = Facts(view)
    found = sorted(disputes(facts), key=Disputed.rank)
    stocks = [] if states_only else [stock.about for stock, _ in stock_conflicts(facts)]
    past = Past(facts)
    bridged = [reconcile(view, entity, past=past) for entity in stocks[:3]]
    shown = found[:_SHOWN]
    findings = [f for each in shown for f in (*each.findings, each.stakes.finding(facts)) if f is not None]
    findings += [f for reading in bridged for f in reading.findings]
    if not findings:
        return Reading(
            verdict="No two sources contradict one another on a state"
            + (" or a revision." if states_only else ", a revision or a stock figure."),
            missing=("A second source on anything that only one speaks of.", *left_out(facts, COMPARED)),
        )
    things = [entity.id for entity in dict.fromkeys((*(each.entity for each in found), *stocks))]
    steps = [step for each in shown[:_STEPPED] for step in each.steps]
    steps += [step for reading in bridged for step in reading.next_steps]
    return Reading(
        verdict=f"Sources contradict one another on {counted(len(things), 'thing')}: {listed(things)}.",
        findings=tuple(findings),
        missing=(
            *dict.fromkeys(gap for reading in bridged for gap in reading.missing),
            *left_out(facts, COMPARED),
        ),
        next_steps=tuple(dict.fromkeys(steps)),
        data={
            "things": list(things),
            "conflicts": [{"entity": str(e.entity), **e.stakes.to_json()} for e in shown],
        },
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
    r"voller? (leistung|last|geschwindigkeit|fahrt)|läuft (wieder )?(normal|rund)|keine probleme mehr|"
    r"wieder normal|plena (velocidad|marcha)|a tope|sin problemas|va (de maravilla|perfecto|bien)|"
    r"pleine (vitesse|charge)|"
    r"sans probl(è|e)me|piena velocit(à|a)|senza problemi|volle snelheid|pe(ł|l)na pr(ę|e)dko(ś|s)(ć|c))\b",
    re.IGNORECASE,
)


def _called_fast(view: View, place: str, window: Window, losses: Sequence[Interval]) -> list[Finding]:
    """The notes that call equipment fast or sound while slow running is recorded of it."""
    found = []
    for note in view.notes(equipment=place, within=window):
        moment = at(note)
        slow = [i for i in losses if i.loss is Loss.SLOW and i.start <= moment and (i.end is None or moment < i.end)]
        if slow and _FAST.search(note.text):
            since = clock(slow[0].start, view.plant, relative_to=view.as_of)
            when = clock(moment, view.plant, relative_to=view.as_of)
            text = f"{said(note)} at {when}, while slow running is recorded since {since}."
            found.append(Finding(text=text, kind=Kind.CLAIMED, cites=(rid(note), *slow[0].records)))
    return found
