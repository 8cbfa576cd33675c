"""What repeats across shifts, crews and materials: its rate, whether that could be chance, and which fixes held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log

from lineside.interpretation.chance import at_least, holm
from lineside.interpretation.fixes import Fix, fixes, outcome, worked_best
from lineside.interpretation.occurrences import Exposure, Occurrence, exposure, occurrences, running_material
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.stops import Interval, intervals
from lineside.interpretation.wording import counted, late_sources, listed, rid, short, text_of, words
from lineside.memory import View
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Event, Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_LOOK_BACK = timedelta(days=90)
_SHOWN = 5
_CITED = 20
_CHANCE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """More cases on one level of a dimension than its share of the running hours lets expect."""

    dimension: str
    level: str
    hits: int
    trials: int
    share: float
    chance: float
    comparisons: int


def patterns(
    view: View,
    window: Window | None = None,
    *,
    equipment: str | None = None,
    kind: str | None = None,
    reason: str | None = None,
) -> Reading:
    """What repeats, the costliest first: how often, whether it clusters beyond chance, what was tried and held.

    window: default is the 90 days before the view's `as_of`. kind: of stop, slow or an event kind. reason: words that
    the label, the code or the text must share.
    """
    span = _span(view, window)
    running = running_material(view)
    cases = _select(occurrences(view, equipment=equipment, window=span, running=running), kind, reason)
    groups: dict[tuple[str, str, str], list[Occurrence]] = {}
    for case in cases:
        groups.setdefault(case.key, []).append(case)
    repeated = [g for g in groups.values() if len(g) > 1]
    wanted = " ".join(filter(None, (reason, kind, "at " + view.plant.called(equipment) if equipment else None)))
    if not repeated:
        once = f"; {counted(len(cases), 'case')} happened once each" if cases else ""
        return Reading(
            verdict=f"Nothing{f' ({wanted})' if wanted else ''} repeats between {_dates(view, span)}{once}.",
            findings=tuple(_single(view, c) for c in cases[-_SHOWN:]),
            missing=() if cases else (f"Stops or quality events{f' ({wanted})' if wanted else ''} in that time.",),
            window=span,
        )
    losses = intervals(view, equipment, span)
    repeated.sort(key=lambda g: (-sum(c.seconds(view.as_of) for c in g), -len(g), g[0].key))
    places = {work_center(g[0].equipment) for g in repeated}
    hours_of = {line: _exposure(view, line, span, losses, running) for line in places}
    told = [(group, hours_of[work_center(group[0].equipment)]) for group in repeated]
    excesses = _excesses(view, told)
    # What gathers beyond chance is the pattern asked for; then comes what costs most.
    told.sort(key=lambda t: not _strong(excesses, t[0]))
    findings: list[Finding] = []
    steps: list[str] = []
    held: Fix | None = None
    for group, hours in told[:_SHOWN]:
        findings.append(_rate(view, group, hours, span))
        if window is not None:
            findings += _before(view, group, hours, span, losses=losses, running=running)
        findings.append(_clustering(view, group, hours, excesses))
        tried = fixes(view, group)
        findings += [outcome(fix, view) for fix in tried[:4]]
        best = worked_best(tried, view)
        held = held or (best if group is told[0][0] else None)
        if best is not None:
            steps.append(f'Check whether "{short(best.name, 100)}" can become the rule at {group[0].equipment}.')
    records = view.records(c.records[0] for g, _ in told for c in g)
    return Reading(
        verdict=_verdict(view, told[0][0], excesses, others=len(repeated) - 1, held=held),
        findings=tuple(findings),
        missing=_missing(view, told, {r.provenance.source for r in records.values()}),
        next_steps=tuple(steps),
        window=span,
        data={
            "groups": [
                {
                    "kind": g[0].kind,
                    "label": g[0].label,
                    "equipment": g[0].equipment,
                    "count": len(g),
                    "minutes": sum(c.seconds(view.as_of) for c in g) / 60,
                    "running_hours": hours.hours,
                }
                for g, hours in told
            ]
        },
    )


def similar(view: View, subject: str | Event, *, limit: int = 5) -> Reading:
    """Whether what the text or event tells has happened before, the cases most alike, and what was tried then."""
    text = subject if isinstance(subject, str) else text_of(subject)
    own = "" if isinstance(subject, str) else rid(subject)
    known = [c for c in occurrences(view) if own not in c.records]
    asked = words(text)
    frequency = Counter(w for c in known for w in c.words)
    scored = sorted(
        ((_weight(asked & c.words, frequency, len(known)), c) for c in known), key=lambda s: (-s[0], s[1].key)
    )
    floor = 0.4 * _weight(asked & frozenset(frequency), frequency, len(known))
    close = [c for score, c in scored if score > 0 and score >= floor]
    if not close:
        return Reading(
            verdict=f'No record of anything like "{short(text, 120)}" before {clock(view.as_of, view.plant)}.',
            missing=("An earlier stop, alarm or quality event that shares its words.",),
        )
    best = close[0].key
    same = sorted((c for c in close if c.key == best), key=lambda c: c.start)
    others = [c for c in close if c.key != best][: max(0, limit - 1)]
    tried = fixes(view, same)
    findings = [_single(view, c) for c in reversed(same[-limit:])]
    findings += [outcome(fix, view) for fix in tried[:4]]
    findings += [_single(view, c) for c in others]
    last = same[-1]
    verdict = (
        f"Yes: {_what(last)} happened {counted(len(same), 'time')}, last at {clock(last.start, view.plant)}"
        if len(same) > 1
        else f"Yes, once: {_what(last)} at {clock(last.start, view.plant)}"
    )
    if held := worked_best(tried, view) or (tried[0] if len(tried) == 1 else None):
        verdict += f'; {"longest away after" if len(tried) > 1 else "then done:"} "{short(held.name, 120)}"'
    missing = () if tried else ("What was done then: no note, maintenance or parameter change follows it.",)
    return Reading(verdict=verdict + ".", findings=tuple(findings), missing=missing)


def _span(view: View, window: Window | None) -> Window:
    if window is not None:
        return Window(
            start=window.start,
            end=max(window.start, min(window.end, view.as_of)),
            label=window.label,
            shift=window.shift,
        )
    first = view.events(limit=1)
    start = max(view.as_of - _LOOK_BACK, first[0].provenance.occurred_at) if first else view.as_of - _LOOK_BACK
    return Window(start=min(start, view.as_of), end=view.as_of + timedelta(microseconds=1), label="the last 90 days")


def _select(cases: Sequence[Occurrence], kind: str | None, reason: str | None) -> list[Occurrence]:
    wanted = words(reason or "")
    return [
        c
        for c in cases
        if (kind is None or c.kind == kind)
        and (not wanted or wanted <= c.words or wanted & words(f"{c.label} {c.text}"))
    ]


def _exposure(
    view: View, line: str, span: Window, losses: Sequence[Interval], running: dict[str, list[tuple[datetime, str]]]
) -> Exposure:
    own = [i for i in losses if within(i.equipment, line)]
    return exposure(view, span, own, running.get(line, ()))


def _level(view: View, case: Occurrence, dimension: str) -> str | None:
    slot = view.calendar.at(case.start)
    match dimension:
        case "shift":
            return slot.name if slot else None
        case "crew":
            return slot.crew if slot else None
        case _:
            return case.material


def _excesses(
    view: View, told: Sequence[tuple[list[Occurrence], Exposure]]
) -> dict[tuple[str, str, str], list[Excess]]:
    tests: list[tuple[tuple[str, str, str], str, str, int, int, float]] = []
    for group, hours in told:
        for dimension, levels in hours.by.items():
            placed = [level for c in group if (level := _level(view, c, dimension)) in levels]
            total = sum(levels.values())
            if len(levels) < 2 or not total:
                continue
            for level, count in Counter(placed).items():
                if level is not None:
                    tests.append((group[0].key, dimension, level, count, len(placed), levels[level] / total))
    chances = holm([at_least(hits, trials, share) for *_, hits, trials, share in tests])
    found: dict[tuple[str, str, str], list[Excess]] = {}
    for (key, dimension, level, hits, trials, share), chance in zip(tests, chances, strict=True):
        excess = Excess(
            dimension=dimension,
            level=level,
            hits=hits,
            trials=trials,
            share=share,
            chance=chance,
            comparisons=len(tests),
        )
        found.setdefault(key, []).append(excess)
    return {key: sorted(e, key=lambda x: (x.chance, -x.hits, x.level)) for key, e in found.items()}


def _strong(excesses: dict[tuple[str, str, str], list[Excess]], group: Sequence[Occurrence]) -> list[Excess]:
    return [e for e in excesses.get(group[0].key, []) if e.chance < _CHANCE]


def _rate(view: View, group: Sequence[Occurrence], hours: Exposure, span: Window) -> Finding:
    lost = sum(c.seconds(view.as_of) for c in group)
    minutes = f", {duration(lost)} in all" if lost >= 60 else ""
    per = f"{100 * len(group) / hours.hours:.2f} per 100 running h" if hours.hours else "no running hours known"
    text = (
        f"{_what(group[0])}: {counted(len(group), 'time')}{minutes}, between {_dates(view, span)}: "
        f"{per} ({len(group)} in {round(hours.hours)} running h, {counted(hours.shifts, 'shift')})."
    )
    cites = tuple(c.records[0] for c in group[-_CITED:])
    data = {"count": len(group), "minutes": lost / 60, "running_hours": hours.hours, "shifts": hours.shifts}
    return Finding(text=text[:1].upper() + text[1:], kind=Kind.DERIVED, cites=cites, data=data)


def _before(
    view: View,
    group: Sequence[Occurrence],
    hours: Exposure,
    span: Window,
    *,
    losses: Sequence[Interval],
    running: dict[str, list[tuple[datetime, str]]],
) -> list[Finding]:
    """The window's rate against that of the time before it."""
    earlier = Window(start=span.start - _LOOK_BACK, end=span.start)
    happened = occurrences(view, equipment=group[0].equipment, window=earlier, running=running)
    past = [c for c in happened if c.key == group[0].key]
    first = view.events(limit=1)
    start = max(earlier.start, min(first[0].provenance.occurred_at, earlier.end)) if first else earlier.start
    base = _exposure(view, work_center(group[0].equipment), Window(start=start, end=earlier.end), losses, running)
    if not base.hours or not hours.hours:
        return []
    share = hours.hours / (hours.hours + base.hours)
    chance = at_least(len(group), len(group) + len(past), share)
    word = "more often than before" if chance < _CHANCE else "no more often than chance allows"
    text = (
        f"Before that: {len(past)} in {round(base.hours)} running h ({100 * len(past) / base.hours:.2f} per 100 h); "
        f"now {100 * len(group) / hours.hours:.2f} per 100 h, {word} (p = {chance:.2g})."
    )
    cites = tuple(c.records[0] for c in (*group, *past)[:_CITED])
    return [Finding(text=text, kind=Kind.DERIVED, cites=cites, data={"before": len(past), "p": chance})]


def _clustering(
    view: View, group: Sequence[Occurrence], hours: Exposure, excesses: dict[tuple[str, str, str], list[Excess]]
) -> Finding:
    found = excesses.get(group[0].key, [])
    cites = tuple(c.records[0] for c in group[-_CITED:])
    strong = [e for e in found if e.chance < _CHANCE]
    if not found:
        text = (
            "It cannot be compared across shifts, crews or materials: the records and the plant file tell of one only."
        )
        return Finding(text=text, kind=Kind.DERIVED, cites=cites)
    if not strong:
        top = found[0]
        text = (
            f"No shift, crew or material stands out beyond chance ({counted(top.comparisons, 'comparison')}); "
            f"most often {top.dimension} {top.level}: {top.hits} of {top.trials}, "
            f"with {100 * top.share:.0f} % of the running hours (corrected p = {top.chance:.2g})."
        )
        return Finding(text=text, kind=Kind.DERIVED, cites=cites, data={"p": top.chance})
    lead = strong[0]
    levels = hours.by[lead.dimension]
    elsewhere = sum(levels.values()) - levels[lead.level]
    there = 100 * lead.hits / levels[lead.level] if levels[lead.level] else 0.0
    rest = 100 * (lead.trials - lead.hits) / elsewhere if elsewhere else 0.0
    text = (
        f"It gathers on {lead.dimension} {lead.level}: {lead.hits} of {lead.trials}, "
        f"with {100 * lead.share:.0f} % of the running hours; {there:.2f} per 100 h there, {rest:.2f} elsewhere; "
        f"corrected for {counted(lead.comparisons, 'comparison')} p = {lead.chance:.2g}."
    )
    if mixed := _confounders(view, group, lead):
        text += f" {mixed}"
    data: dict[str, Json] = {
        "dimension": lead.dimension,
        "level": lead.level,
        "hits": lead.hits,
        "trials": lead.trials,
        "p": lead.chance,
    }
    return Finding(text=text, kind=Kind.DERIVED, cites=cites, data=data)


def _confounders(view: View, group: Sequence[Occurrence], lead: Excess) -> str:
    inside = [c for c in group if _level(view, c, lead.dimension) == lead.level]
    mixed = []
    for dimension in ("shift", "crew", "material"):
        if dimension != lead.dimension:
            levels = Counter(level for c in inside if (level := _level(view, c, dimension)))
            for level, count in levels.most_common(1):
                if count >= 0.8 * len(inside):
                    mixed.append(f"{dimension} {level} ({count} of {len(inside)})")
    return f"These were nearly all {listed(mixed)} too, which cannot be told apart from it." if mixed else ""


def _verdict(
    view: View,
    group: Sequence[Occurrence],
    excesses: dict[tuple[str, str, str], list[Excess]],
    *,
    others: int,
    held: Fix | None,
) -> str:
    lost = sum(c.seconds(view.as_of) for c in group)
    strong = _strong(excesses, group)
    often = "repeats" if strong else "costs most" if lost >= 60 else "repeats most"
    verdict = f"{_what(group[0])} {often}: {counted(len(group), 'time')}"
    if lost >= 60:
        verdict += f", {duration(lost)}"
    if strong:
        lead = strong[0]
        verdict += f", {lead.hits} of {lead.trials} on {lead.dimension} {lead.level}, more than chance explains"
    else:
        verdict += ", with no shift, crew or material beyond chance"
    if held is not None:
        verdict += f'; it stayed away longest after "{short(held.name, 120)}"'
    rest = f"; {counted(others, 'other thing repeats', 'other things repeat')}" if others else ""
    return verdict[:1].upper() + verdict[1:] + rest + "."


def _missing(view: View, told: Sequence[tuple[list[Occurrence], Exposure]], sources: set[str]) -> tuple[str, ...]:
    missing = list(late_sources(view, sources))
    if not view.plant.shifts:
        missing.append("Shifts in the plant file: hours are counted round the clock.")
    elif not view.plant.roster:
        missing.append("A roster in the plant file: crews cannot be compared.")
    if not any(hours.by["material"] for _, hours in told):
        missing.append("Job orders with their material on the line: materials cannot be compared.")
    return tuple(missing)


def _single(view: View, case: Occurrence) -> Finding:
    lasted = f", {duration(case.seconds(view.as_of))}" if case.seconds(view.as_of) else ""
    text = f"{_what(case)} at {clock(case.start, view.plant)}{lasted}."
    return Finding(text=text[:1].upper() + text[1:], kind=Kind.DERIVED, cites=case.records)


def _what(case: Occurrence) -> str:
    label = f' "{short(case.label, 80)}"' if case.label else ""
    place = f" at {case.equipment}" if case.equipment else ""
    return f"{case.kind.replace('_', ' ')}{label}{place}"


def _dates(view: View, span: Window) -> str:
    return f"{clock(span.start, view.plant)} and {clock(span.end, view.plant)}"


def _weight(shared: frozenset[str], frequency: Counter[str], total: int) -> float:
    return sum(log(1 + total / frequency[w]) for w in shared)
