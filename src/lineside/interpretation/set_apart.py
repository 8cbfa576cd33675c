"""Whether one crew, shift, material, line or tool is worse than the rest, as far as the records can tell."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.interpretation.case_words import what
from lineside.interpretation.comparing import (
    Comparison,
    Placed,
    beside,
    compared,
    confounded,
    in_words,
    inseparable,
    placed,
    spoken,
)
from lineside.interpretation.denominators import RUNNING, UNITS
from lineside.interpretation.occurrences import Occurrence, amount_of, occurrences
from lineside.interpretation.pattern_rules import pattern_rules
from lineside.interpretation.patterns import look_back, select
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.running_hours import Exposure, LineHours, Piece
from lineside.interpretation.stops import intervals
from lineside.interpretation.trials import Against, Trials, to_test
from lineside.interpretation.wording import bounded, counted, late_sources, listed
from lineside.memory import View
from lineside.memory.picked import sources_of
from lineside.plant.equipment import work_center
from lineside.plant.records import Json
from lineside.plant.windows import Window

_SHOWN = 4
_STOPPED = ("stop", "slow")
_LACKING = {
    "crew": "A roster in the plant file: who worked which shift.",
    "shift": "Shifts in the plant file.",
    "material": "Job orders with their material on the line.",
    "tool": "Reports of the tool that is mounted on the line.",
    "supplier": "Consumed lots with their supplier, from two suppliers at least.",
    "line": "A second line.",
    "carrier": "Shipments with their carrier.",
    "customer": "Order lines with their customer.",
    "after_changeover": "Changeovers.",
}


def set_apart(
    view: View,
    dimension: str,
    *,
    level: str | None = None,
    window: Window | None = None,
    equipment: str | None = None,
    kind: str | None = None,
    reason: str | None = None,
) -> Reading:
    """How often it happens on each level of the dimension, whether that is beyond chance, what goes along with it.

    dimension: as in patterns.toml. level: one that is asked about, then compared with the rest alone; by default all
    of them are. kind, reason: by default every stop and slow running.
    """
    span = look_back(view, window)
    kinds = (kind,) if kind is not None else () if reason else _STOPPED
    cases = select(occurrences(view, equipment=equipment, window=span, kinds=kinds), kind, reason)
    lines = LineHours(view, span, intervals(view, equipment, span))
    against = Trials(lines, cases).of(cases, [work_center(equipment)] if equipment else [])
    hours = against.exposure
    named = [d for d in hours.by if d == dimension or d.startswith(f"{dimension} ")]
    levels = {known for d in named for known in hours.by[d]}
    asked = _known(levels, level)
    if level is not None and asked is None:
        return _unknown(view, dimension, level, levels, span)
    if not any(len(hours.by[d]) > 1 for d in named):
        lacking = _LACKING.get(dimension, f"Records that name the {dimension.replace('_', ' ')}.")
        return Reading(
            verdict=f"The records cannot tell: no second {dimension.replace('_', ' ')} is known to compare with.",
            missing=(lacking,),
            window=span,
        )
    on, tested = to_test(cases, against, lines)
    called = _called(view, kind, reason, equipment)
    between = f"between {clock(span.start, view.plant)} and {clock(span.end, view.plant)}"
    title = f"{called} per {hours.of.per:g} {hours.of.short} {between}"
    if not on:
        return Reading(
            verdict=f"Nothing to compare: no {called} {between}.",
            missing=(f"Records of {called}.",),
            window=span,
        )
    # One level that was asked about before the data were looked at is the only comparison.
    [found] = compared([(on, tested, named)], level=asked)
    if not found:
        return Reading(
            verdict=f"Too few to tell: {counted(len(on), 'case')} ({called}) could all be chance.",
            findings=(_rates(cases, hours, named[0], title),),
            missing=(f"More cases, or more {hours.of.noun}.",),
            window=span,
        )
    lead = confounded(found[0], on, tested) if found[0].strong else found[0]
    findings = [_rates(cases, hours, lead.dimension, title), _comparison(lead, on)]
    if lead.confounders:
        findings.append(Finding(text=beside(lead), kind=Kind.DERIVED, cites=_cited(on)))
    findings += _by_reason(on, tested, lead)
    sources = sources_of(view, (c.records[0] for c, _ in on))
    return Reading(
        verdict=_verdict(lead, called, asked=asked is not None),
        findings=tuple(findings),
        missing=(*late_sources(view, sources), *_instead(against)),
        next_steps=_steps(lead),
        window=span,
        data={
            "dimension": lead.dimension,
            "level": lead.level,
            "p": lead.chance,
            "beyond_chance": lead.strong,
            "inseparable": [*inseparable(lead)],
            "of": hours.of.name,
        },
    )


def _instead(against: Against) -> tuple[str, ...]:
    wanted = against.wanted
    if wanted is None:
        return ()
    return (f"{wanted.noun[:1].upper()}{wanted.noun[1:]}: the cases are counted against running hours instead.",)


def _known(levels: set[str], level: str | None) -> str | None:
    return next((known for known in sorted(levels) if level and known.casefold() == level.casefold()), None)


def _unknown(view: View, dimension: str, level: str, levels: set[str], span: Window) -> Reading:
    known = f"; known: {listed(sorted(levels))}" if levels else ""
    lacking = _LACKING.get(dimension, "")
    return Reading(
        verdict=f"No running time of {spoken(dimension, level)} is known between {clock(span.start, view.plant)} and "
        f"{clock(span.end, view.plant)}{known}.",
        missing=(lacking or f"Running time of {level}.",),
        window=span,
    )


def _called(view: View, kind: str | None, reason: str | None, equipment: str | None) -> str:
    thing = (kind or ("case" if reason else "stop or slow running")).replace("_", " ")
    return " ".join(
        filter(
            None, (thing, f'"{reason}"' if reason else "", f"at {view.plant.called(equipment)}" if equipment else "")
        )
    )


def _rates(cases: Sequence[Occurrence], hours: Exposure, dimension: str, title: str) -> Finding:
    levels, of = hours.by[dimension], hours.of
    on = placed(cases, hours)
    amount = amount_of(cases) if of is UNITS else None
    count = dict.fromkeys(levels, 0.0)
    for case, piece in on:
        if (level := piece.levels.get(dimension)) in count:
            count[level] += float(case.amount.value) if amount and case.amount else 1
    unit = f" {amount.unit or 'ea'}" if amount else ""
    ranked = sorted(levels, key=lambda level: (-count[level] / levels[level], level))
    told = [
        f"{spoken(dimension, each)} {of.per * count[each] / levels[each]:.2f} "
        f"({count[each]:.0f}{unit} in {round(levels[each])} {'h' if of is RUNNING else of.short})"
        for each in ranked
    ]
    text = f"{title[:1].upper()}{title[1:]}: {listed(told, limit=8)}."
    key = "running_hours" if of is RUNNING else "amount"
    rates: dict[str, Json] = {level: {"count": count[level], key: levels[level]} for level in ranked}
    return Finding(
        text=text, kind=Kind.DERIVED, cites=_cited(on), data={"by": dimension, "levels": rates, "of": of.name}
    )


def _comparison(lead: Comparison, on: Placed) -> Finding:
    text = in_words(lead)
    here = [(c, p) for c, p in on if p.levels.get(lead.dimension) == lead.level] or on
    data: dict[str, Json] = {
        "dimension": lead.dimension, "level": lead.level, "hits": lead.hits, "trials": lead.trials,
        "p": lead.chance, "comparisons": lead.comparisons, "test": lead.test, "of": lead.of.name,
    }  # fmt: skip
    return Finding(text=f"{text[:1].upper()}{text[1:]}", kind=Kind.DERIVED, cites=_cited(here), data=data)


def _by_reason(on: Placed, hours: Exposure, lead: Comparison) -> list[Finding]:
    """The things that make the difference, where the whole is beyond chance."""
    if not lead.strong:
        return []
    groups: dict[tuple[str, str, str], list[tuple[Occurrence, Piece]]] = {}
    for case, piece in on:
        groups.setdefault(case.key, []).append((case, piece))
    several = [members for members in groups.values() if len(members) > 1]
    results = compared([(cases, hours, (lead.dimension,)) for cases in several], level=lead.level)
    strong = [(found[0], cases) for found, cases in zip(results, several, strict=True) if found and found[0].strong]
    strong.sort(key=lambda s: (s[0].chance, s[1][0][0].key))
    return [
        Finding(text=f"Of these, {what(cases[0][0])}: {in_words(one)}", kind=Kind.DERIVED, cites=_cited(cases))
        for one, cases in strong[:_SHOWN]
    ]


def _verdict(lead: Comparison, called: str, *, asked: bool) -> str:
    own = spoken(lead.dimension, lead.level)
    of = lead.of
    if of.hit:
        called = f"{of.noun} {of.hit} of {called}"
    rates = f"{lead.there:.2f} {called} per {of.per:g} {of.short} on {own} against {lead.elsewhere:.2f} elsewhere"
    made = "the only comparison" if asked else f"corrected for {counted(lead.comparisons, 'comparison')}"
    rates += f" ({lead.test}, p = {lead.chance:.2g}, {made})"
    if not lead.strong:
        return f"{'More, but that may be chance' if lead.more else 'No, not more'}: {rates}."
    mixed = inseparable(lead)
    if mixed:
        return (
            f"{own[:1].upper()}{own[1:]} has more than chance explains: {rates}, but {listed(mixed)} "
            f"{'goes' if len(mixed) == 1 else 'go'} with it, and the records cannot tell them apart."
        )
    limit = pattern_rules()["false_discovery_rate"]
    gone = [spoken(c.dimension, c.level) for c in lead.confounders if c.apart and c.chance >= limit]
    but = f"; {listed(gone)} may explain it" if gone else ""
    return f"Yes, more than chance explains: {rates}{but}."


def _steps(lead: Comparison) -> tuple[str, ...]:
    mixed = inseparable(lead)
    if lead.strong and mixed:
        return (f"Run {mixed[0]} once without {spoken(lead.dimension, lead.level)}, to tell the two apart.",)
    return ()


def _cited(on: Placed) -> tuple[str, ...]:
    return bounded(case.records[0] for case, _ in on)
