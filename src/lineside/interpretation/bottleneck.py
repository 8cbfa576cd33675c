"""Which work unit limits its line: by active periods where units say that they wait, else by what their stops cost.

Active periods (Roser): a unit that works, is set up or is repaired is active; one that starves or is blocked is not. At
each moment the unit that has been active longest without a wait limits the line; others wait for it sooner or later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from lineside.interpretation import waiting
from lineside.interpretation.gap import kind_of
from lineside.interpretation.kpi import lines_below, shift_so_far
from lineside.interpretation.kpi_sums import figure
from lineside.interpretation.kpi_words import definitions
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.stops import Interval, Loss, from_states, intervals, tile
from lineside.interpretation.time_model import cells
from lineside.interpretation.wording import bounded, late_sources
from lineside.memory import View
from lineside.plant.entities import EntityKind
from lineside.plant.equipment import Level, level, within, work_center
from lineside.plant.records import Json
from lineside.plant.windows import Window

_CLEAR = 1.5  # by how much the first must lead the second to be called the bottleneck without doubt
_TELLING = 0.05  # some unit must wait for so much of the time before waits tell anything
_MOST_LINES = 8
_LOOK_BACK = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One work unit: the share of the time in which it limited the line, and in which it waited. seconds: of what."""

    unit: str
    limits: float
    waited: float
    longest: float
    cites: tuple[str, ...]


def bottleneck(view: View, *, equipment: str | None = None, window: Window | None = None) -> Reading:
    """What limits the line of the equipment, or each line below it, in the window; by default in this shift so far."""
    asked = window or shift_so_far(view)
    asked = replace(asked, end=max(asked.start, min(asked.end, view.as_of)))
    if equipment and level(equipment) in (Level.WORK_CENTER, Level.WORK_UNIT):
        return _of_line(view, work_center(equipment), asked)
    lines = lines_below(view, equipment, asked)
    each = {line: _of_line(view, line, asked) for line in lines[:_MOST_LINES]}
    told = {line: reading for line, reading in each.items() if reading.data.get("bottleneck")}
    allocated = _allocated(view, lines, asked)
    verdict = " ".join(reading.verdict for reading in told.values()) or "What limits the lines cannot be told."
    if len(allocated) > 1 and _leads(allocated):
        verdict = f"{allocated[0].text} {verdict}"
    return Reading(
        verdict=verdict,
        findings=(*allocated, *(f for reading in told.values() for f in _foremost(reading))),
        against=tuple(f for reading in told.values() for f in reading.against),
        missing=tuple(dict.fromkeys(m for reading in each.values() for m in reading.missing)),
        window=asked,
        data={"lines": {line: dict(reading.data) for line, reading in told.items()}},
    )


def _leads(allocated: Sequence[Finding]) -> bool:
    """Whether one line is busier than the next by more than chance; where all are equally busy, that tells nothing."""
    first, second = (float(str(each.data["allocation_efficiency"])) for each in allocated[:2])
    return first - second >= _TELLING


def _foremost(reading: Reading) -> list[Finding]:
    """Of one line among several only what limits it, and what of it is a guess."""
    return [*reading.findings[:1], *(f for f in reading.findings[1:] if f.kind is Kind.GUESSED)]


def _of_line(view: View, line: str, window: Window) -> Reading:
    name = view.plant.called(line)
    losses = waiting.told(view, intervals(view, line, window)) if window.seconds else []
    when = f"from {clock(window.start, view.plant)} to {clock(window.end, view.plant, relative_to=window.start)}"
    missing = late_sources(view, {i.source for i in losses})
    waits, since = _waits(view, line, window, losses)
    asked = _Asked(view=view, name=name, window=window, losses=losses, waits=waits, missing=missing, when=when)
    shares = active_periods(waits, replace(window, start=max(window.start, since))) if since < window.end else []
    # Where hardly anybody ever waits, the longest active unit may just be the one that says least.
    return _by_activity(asked, shares) if any(s.waited >= _TELLING for s in shares) else _by_stops(asked)


def _mute(view: View, unit: str) -> tuple[str, ...]:
    """That a unit which never told of a wait may just not tell of them."""
    return (f"Whether {view.plant.called(unit)} reports its waits at all: none is on record in the last 14 days.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One line in one window, with its losses, the waits that its units tell of, and what lacks already."""

    view: View
    name: str
    window: Window
    losses: Sequence[Interval]
    waits: Mapping[str, Sequence[Interval]]
    missing: tuple[str, ...]
    when: str


def active_periods(waits: Mapping[str, Sequence[Interval]], window: Window) -> list[Share]:
    """For each unit how long it limited the line; the shares sum to one. waits: when each unit waited, of all that tell
    of waiting; empty where fewer than two do, or none of them ever waited.

    While all wait, nobody limits: that time is shared out to none and left out of the whole.
    """
    waits = {unit: [i for i in found if _touches(i, window)] for unit, found in waits.items()}
    if len(waits) < 2 or not any(waits.values()) or window.seconds <= 0:
        return []
    periods = {unit: _active(stretches, window) for unit, stretches in waits.items()}
    edges = sorted({window.start, window.end} | {t for p in periods.values() for pair in p for t in pair})
    limits = dict.fromkeys(waits, 0.0)
    for start, end in pairwise(edges):
        on = {unit: b - a for unit, found in periods.items() for a, b in found if a <= start and end <= b}
        if on:
            most = max(on.values())
            first = sorted(unit for unit, long in on.items() if long == most)
            for unit in first:
                limits[unit] += (end - start).total_seconds() / len(first)
    whole = sum(limits.values())
    if not whole:
        return []
    shares = [
        Share(
            unit=unit,
            limits=limits[unit] / whole,
            waited=1 - sum((b - a).total_seconds() for a, b in periods[unit]) / window.seconds,
            longest=max(((b - a).total_seconds() for a, b in periods[unit]), default=0.0),
            cites=bounded(dict.fromkeys(r for i in stretches for r in i.records)),
        )
        for unit, stretches in waits.items()
    ]
    return sorted(shares, key=lambda s: (-s.limits, s.waited, s.unit))


def _touches(interval: Interval, window: Window) -> bool:
    return interval.start < window.end and (interval.end is None or interval.end > window.start)


def _active(stretches: Sequence[Interval], window: Window) -> list[tuple[datetime, datetime]]:
    found, reached = [], window.start
    for wait in sorted(stretches, key=lambda i: i.start):
        start, end = max(wait.start, window.start), min(wait.end or window.end, window.end)
        if start > reached:
            found.append((reached, start))
        reached = max(reached, end)
    return [*found, (reached, window.end)] if reached < window.end else found


def _waits(
    view: View, line: str, window: Window, losses: Sequence[Interval]
) -> tuple[dict[str, list[Interval]], datetime]:
    """The waits of each unit of the line that reports its state, and since when at least two of them do."""
    # The same stretch as `intervals` reads, so that it is read once.
    near = Window(start=window.start - _LOOK_BACK, end=view.as_of + timedelta(microseconds=1))
    states = [
        s
        for s in view.statements(kind=EntityKind.EQUIPMENT, properties=("state", "reason"), within=near)
        if within(s.entity.id, line) and level(s.entity.id) is Level.WORK_UNIT
    ]
    speaking: dict[str, datetime] = {}
    for said in states:
        if said.property == "state":
            speaking.setdefault(said.entity.id, said.occurred_at)
    seen = [i for i in from_states(states) if i.loss is Loss.IDLE or waiting.meant(i.reason)[0]]
    seen += [i for i in losses if i.waits_for and not i.inferred and level(i.equipment) is Level.WORK_UNIT]
    told: dict[str, list[Interval]] = {unit: [] for unit in sorted({*speaking, *(i.equipment for i in seen)})}
    for wait in seen:
        told[wait.equipment].append(wait)
        speaking[wait.equipment] = min(wait.start, speaking.get(wait.equipment, wait.start))
    return told, [*sorted(speaking.values()), window.end, window.end][1]


def _by_activity(asked: _Asked, shares: Sequence[Share]) -> Reading:
    view, name, when = asked.view, asked.name, asked.when
    first, second = shares[0], shares[1]
    shifts = first.limits < _CLEAR * second.limits
    unit = view.plant.called(first.unit)
    verdict = f"{name}, {when}: {unit} limits it, for {first.limits:.0%} of the time by active periods"
    if shifts:
        also = view.plant.called(second.unit)
        verdict = f"{name}, {when}: the bottleneck shifts between {unit} ({first.limits:.0%}) and {also}"
        verdict += f" ({second.limits:.0%}), by active periods"
    others = bounded(dict.fromkeys(c for s in shares for c in s.cites))
    findings = [
        Finding(
            text=f"{view.plant.called(s.unit)}: limits for {s.limits:.0%} of the time, waits {s.waited:.0%} of it; "
            f"longest without a wait {s.longest / 60:.0f} min.",
            kind=Kind.DERIVED,
            cites=s.cites or others,
            data={"unit": s.unit, "limits": round(s.limits, 4), "waited": round(s.waited, 4)},
        )
        for s in shares
    ]
    cost = _cost(asked.losses, asked.window)
    against = []
    if cost and (worst := max(cost, key=lambda u: cost[u][0])) != first.unit:
        text = f"By own stops {view.plant.called(worst)} costs more: {cost[worst][0] / 60:.0f} min."
        against.append(Finding(text=text, kind=Kind.DERIVED, cites=cost[worst][1]))
    rows: list[Json] = [{"unit": s.unit, "limits": round(s.limits, 4), "waited": round(s.waited, 4)} for s in shares]
    return Reading(
        verdict=verdict + ".",
        findings=tuple(findings),
        against=tuple(against),
        missing=(*asked.missing, *(_mute(view, first.unit) if not asked.waits.get(first.unit) else ())),
        window=asked.window,
        data={"bottleneck": first.unit, "by": "active periods", "shifting": shifts, "units": rows},
    )


def _by_stops(asked: _Asked) -> Reading:
    view, name, window, missing, when = asked.view, asked.name, asked.window, asked.missing, asked.when
    lacks = f"The waits of the work units of {name} (state idle, starved or blocked of at least two of them)."
    cost = _cost(asked.losses, window)
    if not cost:
        return Reading(
            verdict=f"What limits {name} {when} cannot be told: no work unit of it tells of waits or stops.",
            missing=(*missing, lacks),
            window=window,
        )
    ranked = sorted(cost, key=lambda unit: (-cost[unit][0], unit))
    whole = sum(seconds for seconds, _ in cost.values())
    findings = [
        Finding(
            text=f"{view.plant.called(unit)}: {cost[unit][0] / 60:.0f} min of own stops, "
            f"{cost[unit][0] / whole:.0%} of all that stopped the line.",
            kind=Kind.DERIVED,
            cites=cost[unit][1],
            data={"unit": unit, "minutes": round(cost[unit][0] / 60, 1)},
        )
        for unit in ranked
    ]
    first = view.plant.called(ranked[0])
    text = f"{name}, {when}: {first} stopped it longest, {cost[ranked[0]][0] / 60:.0f} of {whole / 60:.0f} min"
    rows: list[Json] = [{"unit": unit, "minutes": round(cost[unit][0] / 60, 1)} for unit in ranked]
    guess = Finding(
        text=f"{first} probably limits {name}: it stopped it longest. No unit tells of its waits, so a slower unit "
        "that never stops would not be seen.",
        kind=Kind.GUESSED,
        cites=cost[ranked[0]][1],
    )
    return Reading(
        verdict=f"{text}; that it is the bottleneck follows only from its stops.",
        findings=(*findings, guess),
        missing=(*missing, lacks),
        window=window,
        data={"bottleneck": ranked[0], "by": "own stops", "units": rows},
    )


def _cost(losses: Sequence[Interval], window: Window) -> dict[str, tuple[float, tuple[str, ...]]]:
    """The seconds in which each unit's own stops held the line, each second to one unit, and the records."""
    found: dict[str, list[tuple[float, Interval]]] = {}
    for piece in tile([i for i in losses if kind_of(i) in ("stops", "maintenance")], window):
        if piece.interval is not None and level(piece.interval.equipment) is Level.WORK_UNIT:
            found.setdefault(piece.interval.equipment, []).append((piece.seconds, piece.interval))
    return {
        unit: (sum(s for s, _ in pieces), bounded(dict.fromkeys(r for _, i in pieces for r in i.records)))
        for unit, pieces in found.items()
    }


def _allocated(view: View, lines: Sequence[str], window: Window) -> list[Finding]:
    """How much of their planned time the lines are busy, the busiest first: what limits the whole may be among them."""
    definition = definitions()["allocation_efficiency"]
    found = []
    for line in lines:
        mine = [c for c in cells(view, line, window) if c.heard]
        busy = figure(definition, mine)
        if busy.value is not None:
            cites = bounded(dict.fromkeys(r for c in mine for r in c.cites))
            found.append((busy.value, line, busy, cites))
    found.sort(key=lambda each: (-each[0], each[1]))
    return [
        Finding(
            text=f"{view.plant.called(line)} is busy for {busy.shown} of its planned time.",
            kind=Kind.DERIVED,
            cites=cites,
            data={"line": line, "allocation_efficiency": round(value, 4)},
        )
        for value, line, busy, cites in found
        if cites
    ]
