"""What will surprise the dock: the lines of a coming stretch that won't be ready, or may not, the costliest first; and
what production must have done by when so that none of it slips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta

from lineside.interpretation.assessment import assess, read_ahead
from lineside.interpretation.dock import dock_findings, trucks_in, waiting_trucks
from lineside.interpretation.facts import Facts, spoken
from lineside.interpretation.gates import Gate
from lineside.interpretation.holds import Hold, holds
from lineside.interpretation.last_moments import deadline_by_promise
from lineside.interpretation.lead_times import LeadTimes
from lineside.interpretation.line_words import line_gaps
from lineside.interpretation.links import lines_on
from lineside.interpretation.outlook import (
    Expected,
    Outlook,
    outlook,
    outlook_data,
    outlook_finding,
    penalty,
    priority,
    rank,
)
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.shared_states import state_of
from lineside.interpretation.stability import Watch, flip_findings
from lineside.interpretation.stock import related
from lineside.interpretation.trucks import Truck
from lineside.interpretation.wording import counted, listed
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.timeline import instant
from lineside.plant.windows import Window

_WORRY = (Expected.MISSES, Expected.DOUBTFUL, Expected.UNKNOWN, Expected.SHAKY)
_GONE = ("shipped", "cancelled")
_TOLD = 12  # lines that are told each by each
_FLIPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """The lines whose last moment lies in a stretch of time, the most worrying first."""

    window: Window
    lines: tuple[Outlook, ...]
    past: LeadTimes
    known: tuple[Hold, ...]

    @property
    def worries(self) -> tuple[Outlook, ...]:
        return tuple(each for each in self.lines if each.expected in _WORRY)


def surprises(view: View, window: Window | None = None, *, dock: str | None = None) -> Reading:
    """The shipments and lines that leave in the window and are not ready, or not safely. window: by default the next
    day; dock: only what leaves there."""
    facts = Facts(view)
    found = coming(facts, window or tomorrow(view), dock=dock)
    trucks = [t for t in trucks_in(facts, found.window) if not dock or related(t.dock, dock)]
    at_dock = tuple(dock_findings(facts, trucks))
    worries, calm = found.worries, [e for e in found.lines if e.expected not in (*_WORRY, Expected.LEFT)]
    span = _span(view, found.window)
    if not found.lines and not at_dock:
        return Reading(
            verdict=f"No departure and no promise {span} is on record.",
            missing=("Shipments with their lines and departures, or promises of sales order lines.",),
            window=found.window,
        )
    findings = [f for each in worries[:_TOLD] for f in _worry(facts, each)]
    findings += [*_more(worries[_TOLD:]), *at_dock, *_calm(calm)]
    return Reading(
        verdict=_verdict(found, at_dock, span),
        findings=tuple(findings),
        against=_against(worries),
        missing=tuple(dict.fromkeys(m for each in worries[:_TOLD] for m in line_gaps(each.line))),
        next_steps=tuple(dict.fromkeys(s for each in worries[:_TOLD] for s in _steps(facts, each))),
        window=found.window,
        data={
            "surprises": [outlook_data(each) for each in worries],
            "calm": [each.line.line.id for each in calm],
            "dock": len(at_dock),
        },
    )


def coming(facts: Facts, window: Window, *, dock: str | None = None) -> Coming:
    """Every line whose truck leaves in the window, or that must leave in it to keep its promise."""
    lines = _candidates(facts, window, dock)
    read_ahead(facts, lines)
    known, past = holds(facts), facts.once(LeadTimes)
    assessed = [assess(facts, known, line) for line in lines]
    watch = Watch(facts, known, assessed)
    found = [seen for each in assessed if (seen := outlook(facts, each, watch.flips(each), past))]
    inside = [each for each in found if each.deadline.leaves in window and each.expected is not Expected.LEFT]
    ordered = sorted(inside, key=lambda each: rank(facts, each))
    return Coming(window=window, lines=tuple(ordered), past=past, known=tuple(known))


def tomorrow(view: View) -> Window:
    """The plant's next calendar day; 23 to 25 hours."""
    day = view.as_of.astimezone(view.plant.time_zone).date() + timedelta(days=1)
    ends = (instant(each, time(0), view.plant.time_zone) for each in (day, day + timedelta(days=1)))
    start, end = ends
    return Window(start=start, end=end, label="tomorrow")


def _candidates(facts: Facts, window: Window, dock: str | None) -> list[Entity]:
    """What may leave in the window, by its truck or, where no truck takes it, by its promise."""
    names = ("status", "promised_at", "priority", "customer", "quantity")
    for kind in (EntityKind.SALES_ORDER_LINE, EntityKind.SALES_ORDER):
        facts.load(kind, *names)
    carried = dict[Entity, list[Truck]]()
    for each in waiting_trucks(facts):
        for line in lines_on(facts, each.shipment):
            carried.setdefault(line, []).append(each)
    found = {
        line
        for line, trucks in carried.items()
        if any(t.departure and t.departure in window and (not dock or related(t.dock, dock)) for t in trucks)
    }
    if dock is None:
        for line in _promised(facts):
            if line not in carried and not _gone(facts, line):
                said = facts.best(line, "promised_at") or (
                    facts.best(line.parent, "promised_at") if line.parent else None
                )
                last = deadline_by_promise(facts, said) if said else None
                if last is not None and last.leaves in window:
                    found.add(line)
    return sorted(found)


def _promised(facts: Facts) -> Iterator[Entity]:
    """The lines with a promise of their own or of their order."""
    own = set(facts.having("sales_order_line", "promised_at"))
    yield from sorted(own)
    orders = set(facts.having("sales_order", "promised_at"))
    for line in facts.having("sales_order_line", "quantity"):
        if line not in own and line.parent in orders:
            yield line


def _gone(facts: Facts, line: Entity) -> bool:
    """Whether the line, or its order, is over by the word to go by."""
    bearers = [line, *([line.parent] if line.parent else [])]
    said = [s for bearer in bearers if (s := facts.best(bearer, "status"))]
    return any(state_of(s.entity.kind, "status", s.value) in _GONE for s in said)


def _worry(facts: Facts, each: Outlook) -> Iterator[Finding]:
    yield _with_stakes(facts, each)
    yield from flip_findings(each.line, [flip for flip in each.flips if flip.near][:_FLIPS])


def _with_stakes(facts: Facts, each: Outlook) -> Finding:
    """The line's outlook, with what hangs on it."""
    told, stakes, cites = outlook_finding(facts, each), list[str](), list[str]()
    worth, said = penalty(facts, each.line.line)
    if said is not None and worth:
        stakes.append(f"penalty {spoken(said, facts.view)}")
        cites.append(said.record_id)
    _, word = priority(facts, each.line.line)
    if word is not None:
        stakes.append(f"priority {word.text}")
        cites.append(word.record_id)
    gates = "; ".join(f"{g.gate.value}: {g.text}" for g in each.line.closed)
    unknown = ", ".join(g.gate.value for g in each.line.unknown)
    text = told.text.rstrip(".")
    text += f"; closed: {gates}" if gates else ""
    text += f"; not on record: {unknown}" if unknown and each.expected is Expected.UNKNOWN else ""
    text += f"; {', '.join(stakes)}" if stakes else ""
    return Finding(text=f"{text}.", kind=told.kind, cites=tuple(dict.fromkeys((*told.cites, *cites))), data=told.data)


def _more(rest: Sequence[Outlook]) -> Iterator[Finding]:
    if rest:
        cites = tuple(dict.fromkeys(c for each in rest for c in each.deadline.cites[:1]))
        names = listed([each.line.line.id for each in rest], limit=20)
        yield Finding(text=f"Less pressing: {names}.", kind=Kind.DERIVED, cites=cites[:20])


def _calm(calm: Sequence[Outlook]) -> Iterator[Finding]:
    if calm:
        ready = [each.line.line.id for each in calm if each.expected is Expected.FIRM]
        rest = [each.line.line.id for each in calm if each.expected is not Expected.FIRM]
        parts = [f"{listed(names, limit=12)} {word}" for names, word in ((ready, "ready"), (rest, "in time")) if names]
        cites = tuple(dict.fromkeys(c for each in calm for c in (*each.deadline.cites[:1], *each.line.cites[:1])))
        kind = Kind.GUESSED if any(each.guessed for each in calm) else Kind.DERIVED
        yield Finding(text=f"No worry as it stands: {'; '.join(parts)}.", kind=kind, cites=cites[:20])


def _against(worries: Sequence[Outlook]) -> tuple[Finding, ...]:
    seen = dict[str, Finding]()
    for each in worries[:_TOLD]:
        for finding in each.line.against:
            seen.setdefault(finding.text, finding)
    return tuple(seen.values())


def _steps(facts: Facts, each: Outlook) -> Iterator[str]:
    by = clock(each.deadline.at, facts.plant, relative_to=facts.view.as_of)
    for gate in each.line.closed:
        if gate.gate is not Gate.CARRIER:
            yield f"Ask {gate.owner or 'whoever keeps it'} for {gate.opens_with} by {by} ({each.line.line.id})."
    if each.deadline.truck is None:
        yield f"Name a shipment for {each.line.line.id}, which must leave by {by}."


def _verdict(found: Coming, at_dock: Sequence[Finding], span: str) -> str:
    worries = found.worries
    if not worries:
        extra = f" {counted(len(at_dock), 'truck')} need a look." if at_dock else ""
        return f"Nothing on record will surprise the dock {span}: {counted(len(found.lines), 'line')} looked at.{extra}"
    named = defaultdict[Expected, list[str]](list)
    for each in worries:
        named[each.expected].append(each.line.line.id)
    parts = [f"{listed(names)} {_SAID[expected]}" for expected, names in named.items()]
    text = f"{counted(len(worries), 'line')} of {len(found.lines)} may surprise the dock {span}: {'; '.join(parts)}"
    return f"{text}; {at_dock[0].text}" if at_dock else f"{text}."


_SAID = {
    Expected.MISSES: "will miss the last moment as it stands",
    Expected.DOUBTFUL: "doubtful",
    Expected.UNKNOWN: "not confirmed",
    Expected.SHAKY: "ready but unsteady",
}


def _span(view: View, window: Window) -> str:
    if window.label or window.shift:
        return window.label or str(window.shift)
    ends = (clock(each, view.plant, relative_to=view.as_of) for each in (window.start, window.end))
    return "from {} to {}".format(*ends)
