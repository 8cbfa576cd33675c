"""What repeats across shifts, crews and materials: its rate, whether that could be chance, and which fixes held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lineside.interpretation.case_words import single, what
from lineside.interpretation.chance import at_least, at_least_drawn
from lineside.interpretation.comparing import Comparison, Placed, beside, compared, confounded, in_words, placed, spoken
from lineside.interpretation.denominators import RUNNING, UNITS
from lineside.interpretation.fixes import Fix, fixes, outcome, worked_best
from lineside.interpretation.occurrences import Occurrence, amount_of, occurrences
from lineside.interpretation.pattern_rules import pattern_rules
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.running_hours import Exposure, LineHours, Piece
from lineside.interpretation.stops import intervals
from lineside.interpretation.trials import Against, Trials, to_test
from lineside.interpretation.wording import counted, late_sources, short, words
from lineside.memory import View
from lineside.memory.picked import sources_of
from lineside.plant.equipment import work_center
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_SHOWN = 5
_TIMED = ("hour_of_shift", "after_changeover")
_CITED = 20


@dataclass(frozen=True, slots=True)
class _Tested:
    comparison: Comparison
    cases: Placed
    hours: Exposure


@dataclass(frozen=True, slots=True)
class _Told:
    """The cases of one thing at one place, what they are counted against, and what was compared, the clearest first."""

    cases: list[Occurrence]
    against: Against
    found: list[_Tested]

    @property
    def hours(self) -> Exposure:
        return self.against.exposure

    @property
    def numerator(self) -> tuple[float, str]:
        """The cases, of single things those that had any, of what is told by amount the amount; and what these are."""
        of = self.hours.of
        if of.each:
            return len(placed(self.cases, self.hours)), ""
        amount = amount_of(self.cases) if of is UNITS else None
        return (float(amount.value), amount.unit or "ea") if amount else (len(self.cases), "")

    @property
    def strong(self) -> Comparison | None:
        return self.found[0].comparison if self.found and self.found[0].comparison.strong else None


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
    span = look_back(view, window)
    kinds = () if kind is None else (kind,)
    cases = select(occurrences(view, equipment=equipment, window=span, kinds=kinds), kind, reason)
    groups: dict[tuple[str, str, str], list[Occurrence]] = {}
    for case in cases:
        groups.setdefault(case.key, []).append(case)
    repeated = [g for g in groups.values() if len(g) > 1]
    wanted = " ".join(filter(None, (reason, kind, "at " + view.plant.called(equipment) if equipment else None)))
    if not repeated:
        once = f"; {counted(len(cases), 'case')} happened once each" if cases else ""
        return Reading(
            verdict=f"Nothing{f' ({wanted})' if wanted else ''} repeats between {_dates(view, span)}{once}.",
            findings=tuple(single(view, c) for c in cases[-_SHOWN:]),
            missing=() if cases else (f"Stops or quality events{f' ({wanted})' if wanted else ''} in that time.",),
            window=span,
        )
    repeated.sort(key=lambda g: (-sum(c.seconds(view.as_of) for c in g), -len(g), g[0].key))
    lines = LineHours(view, span, intervals(view, equipment, span))
    told = _tested(repeated, lines, across=equipment is None)
    # What gathers beyond chance is the pattern asked for; then comes what costs most.
    told.sort(key=lambda t: t.strong is None)
    earlier = _earlier(view, span, equipment) if window is not None else None
    findings: list[Finding] = []
    steps: list[str] = []
    held: Fix | None = None
    for one in told[:_SHOWN]:
        findings.append(_rate(view, one, span))
        if earlier is not None:
            findings += _before(one, earlier)
        findings.append(_clustering(one))
        tried = fixes(view, one.cases)
        findings += [outcome(fix, view) for fix in tried[:4]]
        best = worked_best(tried, view)
        held = held or (best if one is told[0] else None)
        if best is not None:
            steps.append(f'Check whether "{short(best.name, 100)}" can become the rule at {one.cases[0].equipment}.')
    cited = [c for t in told for c in t.cases]
    sources = {c.source for c in cited} | sources_of(view, (c.records[0] for c in cited if not c.source))
    return Reading(
        verdict=_verdict(view, told[0], others=len(repeated) - 1, held=held),
        findings=tuple(findings),
        missing=_missing(view, told, sources),
        next_steps=tuple(steps),
        window=span,
        data={
            "groups": [
                {
                    "kind": t.cases[0].kind,
                    "label": t.cases[0].label,
                    "equipment": t.cases[0].equipment,
                    "count": len(t.cases),
                    "minutes": sum(c.seconds(view.as_of) for c in t.cases) / 60,
                    "running_hours": t.hours.total if t.hours.of is RUNNING else None,
                    "numerator": t.numerator[0],
                    "denominator": {"name": t.hours.of.name, "amount": t.hours.total},
                    "base_rate": t.numerator[0] / t.hours.total if t.hours.total else None,
                }
                for t in told
            ]
        },
    )


def _tested(repeated: Sequence[list[Occurrence]], lines: LineHours, *, across: bool) -> list[_Told]:
    """Every group compared along all dimensions of its line, and across the lines that could have had the same."""
    trials = Trials(lines, (case for group in repeated for case in group))
    jobs: list[tuple[list[tuple[Occurrence, Piece]], Exposure, tuple[str, ...]]] = []
    counted_against: list[Against] = []
    for group in repeated:
        against = trials.of(group, _places(group[0]))
        counted_against.append(against)
        cases, exposure = to_test(group, against, lines)
        untimed = group[0].kind in pattern_rules().booked or exposure.of.each
        jobs.append((cases, exposure, tuple(d for d in exposure.by if d not in _TIMED) if untimed else ()))
    shared: dict[tuple[str, str], list[int]] = {}
    if across:
        for number, group in enumerate(repeated):
            shared.setdefault(group[0].key[:2], []).append(number)
    pools: dict[int, int] = {}
    for numbers in shared.values():
        everywhere = [case for n in numbers for case in repeated[n]]
        places = _could_have(everywhere, lines)
        if len(places) > 1 and all("/" in c.equipment for c in everywhere):
            pools |= dict.fromkeys(numbers, len(jobs))
            jobs.append((*to_test(everywhere, trials.of(everywhere, places), lines), ("line",)))
    results = compared(jobs)
    told = []
    for number, group in enumerate(repeated):
        cases, exposure, _ = jobs[number]
        found = [_Tested(c, cases, exposure) for c in results[number]]
        if number in pools:
            pool = pools[number]
            own = work_center(group[0].equipment)
            found += [_Tested(c, jobs[pool][0], jobs[pool][1]) for c in results[pool] if c.level == own]
        found.sort(key=lambda t: (t.comparison.chance, t.comparison.raw))
        told.append(_Told(group, counted_against[number], found))
    return told


def _places(case: Occurrence) -> list[str]:
    """The line of the case, or the material that it names in place of one; nothing where it names neither."""
    return [work_center(case.equipment)] if "/" in case.equipment else [case.equipment] if case.equipment else []


def _could_have(cases: Sequence[Occurrence], lines: LineHours) -> list[str]:
    """The lines on which the same could have happened: those it did happen on, and those with a unit of that name."""
    own = {work_center(c.equipment) for c in cases}
    tails = {c.equipment.removeprefix(work_center(c.equipment)) for c in cases} - {""}
    return sorted(own | {line for line in lines.lines for tail in tails if f"{line}{tail}" in lines.units})


def look_back(view: View, window: Window | None) -> Window:
    """The window as far as it is known; without one the time that the pack looks back, from the first event on."""
    if window is not None:
        return Window(
            start=window.start,
            end=max(window.start, min(window.end, view.as_of)),
            label=window.label,
            shift=window.shift,
        )
    first = view.events(limit=1)
    back = _days_back()
    start = max(view.as_of - back, first[0].provenance.occurred_at) if first else view.as_of - back
    return Window(
        start=min(start, view.as_of),
        end=view.as_of + timedelta(microseconds=1),
        label=f"the last {_days_back().days} days",
    )


def select(cases: Sequence[Occurrence], kind: str | None, reason: str | None) -> list[Occurrence]:
    """The cases of the kind that have the reason: called exactly so, else with all of its words, else with any."""
    found = [c for c in cases if kind is None or c.kind == kind]
    if not reason:
        return found
    wanted, called = words(reason), " ".join(reason.lower().split())
    exactly = [c for c in found if c.key[1] == called]
    wholly = exactly or [c for c in found if wanted <= c.words]
    return wholly or [c for c in found if wanted & words(f"{c.label} {c.text}")]


def _days_back() -> timedelta:
    return timedelta(days=pattern_rules()["look_back_days"])


def _rate(view: View, told: _Told, span: Window) -> Finding:
    group, hours, of = told.cases, told.hours, told.hours.of
    lost = sum(c.seconds(view.as_of) for c in group)
    minutes = f", {duration(lost)} in all" if lost >= 60 else ""
    number, unit = told.numerator
    turns = counted(len(hours.turns), "shift" if view.plant.shifts else "day")
    how = f"{number:.0f} {unit}".rstrip() if unit else f"{number:.0f}"
    times = f" {of.noun}" if of.each else f" {of.short}"
    text = (
        f"{what(group[0])}: {counted(len(group), 'time')}{minutes}, between {_dates(view, span)}: "
        f"{of.rate(number, hours.total)} ({how} in {round(hours.total)}{times}, {turns})."
    )
    if told.against.wanted is not None:
        text += f" No {told.against.wanted.noun} of it are on record, so running hours are taken instead."
    cites = tuple(c.records[0] for c in group[-_CITED:])
    data: dict[str, Json] = {
        "count": len(group), "minutes": lost / 60, "shifts": len(hours.turns), "numerator": number, "of": of.name,
        "denominator": hours.total, "base_rate": number / hours.total if hours.total else None,
        "window": [span.start.isoformat(), span.end.isoformat()],
    }  # fmt: skip
    if of is RUNNING:
        data["running_hours"] = hours.total
    return Finding(text=text[:1].upper() + text[1:], kind=Kind.DERIVED, cites=cites, data=data)


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The time before a window: what happened then, and the hours run."""

    cases: list[Occurrence]
    lines: LineHours


def _earlier(view: View, span: Window, equipment: str | None) -> _Earlier | None:
    first = view.events(limit=1)
    start = max(span.start - _days_back(), first[0].provenance.occurred_at) if first else span.start
    if start >= span.start:
        return None
    window = Window(start=start, end=span.start)
    cases = occurrences(view, equipment=equipment, window=window)
    return _Earlier(cases, LineHours(view, window, intervals(view, equipment, window)))


def _before(told: _Told, earlier: _Earlier) -> list[Finding]:
    """The window's rate against that of the time before it."""
    group, hours, of = told.cases, told.hours, told.hours.of
    before = [c for c in earlier.cases if c.key == group[0].key]
    trials = Trials(earlier.lines, before)
    exposure = trials.counted(of, _places(group[0]))
    base = exposure.total
    if not base or not hours.total:
        return []
    now = placed(group, hours) if of.each else group
    past = placed(before, exposure) if of.each else before
    if of.each:
        chance = at_least_drawn(len(now), len(now) + len(past), round(hours.total), round(hours.total + base))
    else:
        chance = at_least(len(now), len(now) + len(past), hours.total / (hours.total + base))
    often = chance < pattern_rules()["false_discovery_rate"]
    word = "more often than before" if often else "no more often than chance allows"
    text = (
        f"Before that: {len(past)} in {round(base)} {of.short} ({of.rate(len(past), base)}); "
        f"now {of.rate(len(now), hours.total)}, {word} ({of.test}, p = {chance:.2g})."
    )
    cites = tuple(c.records[0] for c in (*group, *before)[:_CITED])
    return [Finding(text=text, kind=Kind.DERIVED, cites=cites, data={"before": len(past), "p": chance})]


def _clustering(told: _Told) -> Finding:
    cites = tuple(c.records[0] for c in told.cases[-_CITED:])
    if not told.found:
        text = (
            "It cannot be compared across shifts, crews or materials: "
            "the records and the plant file tell of one only, or it happened too seldom."
        )
        return Finding(text=text, kind=Kind.DERIVED, cites=cites)
    first = told.found[0]
    lead = confounded(first.comparison, first.cases, first.hours) if first.comparison.strong else first.comparison
    data: dict[str, Json] = {
        "p": lead.chance, "raw_p": lead.raw, "comparisons": lead.comparisons, "test": lead.test, "of": lead.of.name,
    }  # fmt: skip
    if not lead.strong:
        text = f"No shift, crew, material or other thing compared stands out beyond chance; most on {in_words(lead)}"
        return Finding(text=text, kind=Kind.DERIVED, cites=cites, data=data)
    if first.hours is not told.hours and first.cases:
        cites = tuple(c.records[0] for c, _ in first.cases[-_CITED:])
    text = " ".join(filter(None, (f"It gathers on {in_words(lead)}", beside(lead))))
    data |= {"dimension": lead.dimension, "level": lead.level, "hits": lead.hits, "trials": lead.trials}
    data["confounders"] = [{"dimension": c.dimension, "level": c.level, "apart": c.apart} for c in lead.confounders]
    return Finding(text=text, kind=Kind.DERIVED, cites=cites, data=data)


def _verdict(view: View, told: _Told, *, others: int, held: Fix | None) -> str:
    group, lead = told.cases, told.strong
    lost = sum(c.seconds(view.as_of) for c in group)
    often = "repeats" if lead else "costs most" if lost >= 60 else "repeats most"
    verdict = f"{what(group[0])} {often}: {counted(len(group), 'time')}"
    if lost >= 60:
        verdict += f", {duration(lost)}"
    if lead:
        hits = f"{lead.hits} of {lead.trials}{f' {lead.of.hit}' if lead.of.hit else ''}"
        verdict += f", {hits} on {spoken(lead.dimension, lead.level)}, more than chance explains"
    else:
        verdict += ", with no shift, crew or material beyond chance"
    if held is not None:
        verdict += f'; it stayed away longest after "{short(held.name, 120)}"'
    rest = f"; {counted(others, 'other thing repeats', 'other things repeat')}" if others else ""
    return verdict[:1].upper() + verdict[1:] + rest + "."


def _missing(view: View, told: Sequence[_Told], sources: set[str]) -> tuple[str, ...]:
    missing = list(late_sources(view, sources))
    missing += dict.fromkeys(
        f"{lack.noun[:1].upper()}{lack.noun[1:]}: {t.cases[0].kind.replace('_', ' ')} cases are counted against "
        "running hours instead."
        for t in told
        if (lack := t.against.wanted) is not None
    )
    if not view.plant.shifts:
        missing.append("Shifts in the plant file: hours are counted round the clock.")
    elif not view.plant.roster:
        missing.append("A roster in the plant file: crews cannot be compared.")
    if not any("material" in t.hours.by for t in told):
        missing.append("Job orders with their material on the line: materials cannot be compared.")
    return tuple(missing)


def _dates(view: View, span: Window) -> str:
    return f"{clock(span.start, view.plant)} and {clock(span.end, view.plant)}"
