"""Key figures after ISO 22400-2, each with its numerator, denominator and window; what lacks is said, never assumed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lineside.interpretation.kpi_sums import Figure, figure
from lineside.interpretation.kpi_words import Definition, definitions, element_names
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, Reading, clock
from lineside.interpretation.time_model import Cell, cells
from lineside.interpretation.wording import bounded, counted, late_sources, listed, unheard
from lineside.memory import View
from lineside.plant.entities import EntityKind
from lineside.plant.equipment import Level, level, within, work_center
from lineside.plant.records import Json
from lineside.plant.windows import Window

USUAL = ("oee", "availability", "effectiveness", "quality_ratio", "throughput_rate")
GROUPS = ("line", "unit", "shift", "crew", "day", "area", "site")
_FEW = 5  # shifts a side; fewer prove nothing of a difference
_COVERED = 0.9


def kpis(
    view: View,
    *,
    equipment: str | None = None,
    window: Window | None = None,
    measures: Sequence[str] = (),
    by: str | None = None,
) -> Reading:
    """The figures of the equipment, or of all lines below it, in the window; by default those of this shift so far.

    measures: as the pack names them; the usual ones where none are named. by: one of GROUPS, to set side by side.
    """
    asked = window or shift_so_far(view)
    wanted = [d for m in measures or USUAL if (d := definitions().get(m))]
    name = view.plant.called(equipment) if equipment else view.plant.name or view.plant.site
    places = _places(view, equipment, by, asked)
    found = [cell for place in places for cell in cells(view, place, asked) if cell.heard]
    until = min(asked.end, view.as_of)
    when = f"{asked.label or asked.shift or 'the time'} ({_span(view, asked)})"
    if not found:
        return Reading(
            verdict=f"No key figure of {name} can be computed for {when}: no record tells of it.",
            missing=(f"Stops, states, counts or job orders of {name} in that time.",),
            window=asked,
        )
    sources = {s for c in found for s in c.sources}
    missing = [*late_sources(view, sources), *unheard(view, sources, Window(start=asked.start, end=until))]
    told = _Asked(view=view, name=name, window=asked, when=when, wanted=wanted, missing=missing)
    return _whole(told, found) if by is None else _beside(told, found, by)


def shift_so_far(view: View) -> Window:
    """The running shift; outside of shifts the last one; without shifts the last 24 hours."""
    slot = view.calendar.at(view.as_of) or view.calendar.previous(view.as_of)
    if slot is None:
        return Window(start=view.as_of - timedelta(hours=24), end=view.as_of, label="the last 24 hours")
    return Window(start=slot.start, end=min(slot.end, view.as_of), label=slot.label, shift=slot.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is wanted, of which name, and what lacks already."""

    view: View
    name: str
    window: Window
    when: str
    wanted: Sequence[Definition]
    missing: list[str]


def long_enough(view: View, window: Window | None, by: str) -> Window:
    """A window in which shifts, or crews, can be set side by side: the one named, else the last 7, or 28, days. One
    that is a single shift becomes the 24 hours up to its end."""
    if window is None:
        days = 28 if by == "crew" else 7
        return Window(start=view.as_of - timedelta(days=days), end=view.as_of, label=f"the last {days} days")
    slots = view.calendar.between(window.start, window.end)
    if len(slots) > 1 or not slots:
        return window
    end = min(window.end, view.as_of)
    return Window(start=end - timedelta(hours=24), end=end, label=f"the 24 hours to the end of {slots[0].label}")


def _whole(asked: _Asked, found: Sequence[Cell]) -> Reading:
    view, name, wanted, missing, when = asked.view, asked.name, asked.wanted, asked.missing, asked.when
    figures = [figure(d, found) for d in wanted]
    findings = [_finding(view, name, f, found) for f in figures if f.value is not None]
    findings += _spent(view, name, found)
    for each in figures:
        missing += _lacks(name, each)
    known = [f for f in figures if f.value is not None]
    if not known:
        verdict = f"{listed([d.title for d in wanted])} of {name} in {when} cannot be computed from the records."
    else:
        head = figures[0]
        if head.value is None:
            verdict = f"{head.definition.title} of {name} in {when} cannot be computed"
            verdict += f"; known are {listed([f.short for f in known])}."
        else:
            verdict = f"{name}, {when}: {head.short}{head.made_of}."
    return Reading(
        verdict=verdict,
        findings=tuple(findings),
        missing=tuple(dict.fromkeys(missing)),
        window=asked.window,
        data={"kpis": [f.to_json() for f in figures], "parts": _parts(found)},
    )


def _beside(asked: _Asked, found: Sequence[Cell], by: str) -> Reading:
    view, name, wanted, missing, when = asked.view, asked.name, asked.wanted, asked.missing, asked.when
    groups: dict[str, list[Cell]] = {}
    for cell in found:
        groups.setdefault(_AXES[by](view, cell) or f"no {by} known", []).append(cell)
    table = {label: [figure(d, mine) for d in wanted] for label, mine in groups.items()}
    head = wanted[0]
    ranked = sorted(table, key=lambda g: (table[g][0].value is None, -(table[g][0].value or 0.0), g))
    if not head.more_is_better:
        ranked = sorted(table, key=lambda g: (table[g][0].value is None, table[g][0].value or 0.0, g))
    findings, rows = [], list[Json]()
    for label in ranked:
        known = [f for f in table[label] if f.value is not None]
        if not known:
            missing += [lack for f in table[label][:1] for lack in _lacks(label, f)]
            continue
        often = f", {counted(_shifts(groups[label]), 'shift')}" if by in ("shift", "crew") else ""
        taken = next((_taken(view, f) for f in known if f.rate_since or f.by_plan), "")
        text = f"{label}: {listed([f.short for f in known], limit=9)}{often}{taken}."
        findings.append(
            Finding(
                text=text[:1].upper() + text[1:],
                kind=Kind.GUESSED if any(f.rate_since for f in known) else Kind.DERIVED,
                cites=(*_cites(groups[label]), *_calendar(view, groups[label])),
                data={"group": label, "kpis": [f.to_json() for f in table[label]]},
            )
        )
        rows.append({"group": label, "kpis": [f.to_json() for f in table[label]], "cells": len(groups[label])})
        for each in table[label]:
            missing += _lacks(label, each) if each.value is None else []
    told = [g for g in ranked if table[g][0].value is not None]
    if not told:
        verdict = f"{head.title} by {by} of {name} in {when} cannot be computed from the records."
    elif len(told) == 1:
        verdict = f"{name}, {when}, by {by}: only {told[0]} can be computed, {table[told[0]][0].short}."
    else:
        best, worst = told[0], told[-1]
        verdict = (
            f"{name}, {when}, by {by}: {best} did best with {table[best][0].short}, "
            f"{worst} worst with {table[worst][0].short}{_mostly(table[best], table[worst])}."
        )
    return Reading(
        verdict=verdict,
        findings=tuple(findings),
        against=tuple(_doubt(groups, told, head)) if by in ("shift", "crew") and len(told) > 1 else (),
        missing=tuple(dict.fromkeys(missing)),
        window=asked.window,
        data={"by": by, "groups": rows},
    )


def _mostly(best: Sequence[Figure], worst: Sequence[Figure]) -> str:
    """Which factor the difference of a product lies in most."""
    factors = [
        (one.value - other.value, one.definition.name)
        for one, other in zip(best, worst, strict=True)
        if one.value is not None and other.value is not None and one.definition.key in best[0].definition.factors
    ]
    if not factors or max(factors)[0] <= 0:
        return ""
    return f"; it differs most in {max(factors)[1]} ({max(factors)[0] * 100:.1f} points)"


def _doubt(groups: Mapping[str, Sequence[Cell]], told: Sequence[str], head: Definition) -> Iterable[Finding]:
    """That single shifts of the best and the worst overlap, or are too few, speaks against a real difference."""
    best, worst = told[0], told[-1]
    spans = []
    for label in (best, worst):
        single = [f.value for mine in _by_shift(groups[label]) if (f := figure(head, mine)).value is not None]
        values = sorted(v for v in single if v is not None)
        if not values:
            return
        spans.append((label, values))
    few = min(len(values) for _, values in spans) < _FEW
    overlap = spans[0][1][0] < spans[1][1][-1] if head.more_is_better else spans[0][1][-1] > spans[1][1][0]
    if not few and not overlap:
        return
    ranges = " and ".join(
        f"{label} from {head.shown(values[0])} to {head.shown(values[-1])} ({counted(len(values), 'shift')})"
        for label, values in spans
    )
    why = "so few shifts prove no difference" if few else "the ranges overlap, so the difference may be chance"
    cites = tuple(dict.fromkeys((*_cites(groups[best]), *_cites(groups[worst]))))
    yield Finding(text=f"Single shifts go in {ranges}: {why}.", kind=Kind.DERIVED, cites=cites)


def _by_shift(found: Sequence[Cell]) -> list[list[Cell]]:
    slots: dict[tuple[object, str], list[Cell]] = {}
    for cell in found:
        slots.setdefault((cell.day, cell.shift), []).append(cell)
    return list(slots.values())


def _shifts(found: Sequence[Cell]) -> int:
    return len({(c.day, c.shift) for c in found})


def _finding(view: View, name: str, each: Figure, found: Sequence[Cell]) -> Finding:
    used = [c for c in found if each.uses(c)]
    return Finding(
        text=f"{each.definition.title} of {name}: {each.shown}{each.fraction}{_taken(view, each)}.",
        kind=Kind.GUESSED if each.rate_since else Kind.DERIVED,
        cites=(*_cites(used), *(_calendar(view, used) if each.of_shifts else ())),
        data=each.to_json(),
    )


def _taken(view: View, each: Figure) -> str:
    """What is taken for granted behind the figure; empty where nothing is."""
    if each.rate_since is not None:
        first = clock(each.rate_since, view.plant)
        return f"; the target rate, first reported at {first} and never changed since, is taken for the time before"
    return "; by the plan of its job orders, setup included" if each.by_plan else ""


def _spent(view: View, name: str, found: Sequence[Cell]) -> list[Finding]:
    parts: dict[str, Json] = {part: hours for part, hours in _parts(found).items() if hours}
    whole = sum(c.window.seconds for c in found) / 3600
    text = f"{name}: of {whole:.2f} h, {listed([f'{hours:.2f} h {part}' for part, hours in parts.items()])}."
    cites = (*_cites(found), *_calendar(view, found))
    return [Finding(text=text, kind=Kind.DERIVED, cites=cites, data={"hours": parts})]


def _parts(found: Sequence[Cell]) -> dict[str, Json]:
    return {part: round(sum(c.parts[part] for c in found) / 3600, 4) for part in (found[0].parts if found else ())}


def _lacks(name: str, each: Figure) -> list[str]:
    """What would be needed for a figure that can't be computed, or only for a part."""
    title = each.definition.title
    if each.value is None and each.definition.factors:
        known = [f"{f.definition.name} for {f.share:.0%} of the time only" for f in each.factors if f.value is not None]
        lacks = [n for n in each.lacking if not any(k.startswith(n) for k in known)]
        told = [k for k in known if k.partition(" for ")[0] in each.lacking]
        return [f"{title} of {name} needs {listed([*lacks, *(f'more than {t}' for t in told)])}."]
    if each.value is None and each.units:
        return [f"{title} of {name} is not summed: it is counted in {listed(list(each.units))}."]
    if each.value is None:
        needs = [_NEEDS.get(e, element_names()[e]) for e in each.lacking]
        return [f"{title} of {name} needs {listed(list(dict.fromkeys(needs)))}."]
    if each.share < _COVERED:
        return [f"{title} of {name} rests on {each.share:.0%} of the time: the records behind it tell of no more."]
    return []


_NEEDS = {
    "PBT": "the shifts in the plant file, or planned times of its job orders",
    "GQ": "a good count, production bookings or the good quantity of its job orders",
    "SQ": "a reject count or scrap bookings", "PQ": "a good count with a reject count or scrap bookings",
    "AOET": "a good count with a reject count or scrap bookings",
    "PRPQ": "a target rate beside good and reject counts", "APTQ": "a target rate beside good and reject counts",
    "FE": "an own stop with its end", "TTR": "an own stop with its end",
}  # fmt: skip


def _cites(found: Sequence[Cell]) -> tuple[Cite, ...]:
    return bounded(dict.fromkeys(r for c in found for r in c.cites))


def _calendar(view: View, found: Sequence[Cell]) -> tuple[Cite, ...]:
    """The shifts, by which the planned time is known."""
    names = list(dict.fromkeys(c.shift for c in found if c.shift))
    by_name = {s.name: s for s in view.plant.shifts}
    return tuple(
        PlantFact(f"shifts.{n}", f"shift {n}: {by_name[n].start:%H:%M} to {by_name[n].end:%H:%M}")
        for n in names
        if n in by_name
    )


def _places(view: View, equipment: str | None, by: str | None, window: Window) -> list[str]:
    """The lines meant, or their work units; above lines all that lie below."""
    if equipment and level(equipment) is Level.WORK_UNIT:
        return [equipment]
    if by == "unit":
        known = {e.id for e in view.plant.equipment} | {e.id for e in view.entities(EntityKind.EQUIPMENT)}
        below = {k for k in known if (within(k, equipment) if equipment else not view.plant.elsewhere(k))}
        return sorted(k for k in below if level(k) is Level.WORK_UNIT)
    if equipment and level(equipment) is Level.WORK_CENTER:
        return [equipment]
    return lines_below(view, equipment, window, all_sites=by == "site")


def lines_below(view: View, equipment: str | None, window: Window, *, all_sites: bool = False) -> list[str]:
    """The lines of the area or site, or of the whole plant, on which something was made lately. all_sites: those of
    other sites in the same memory, too."""
    known = {e.id for e in view.plant.equipment} | {e.id for e in view.entities(EntityKind.EQUIPMENT)}
    below = {k for k in known if (within(k, equipment) if equipment else all_sites or not view.plant.elsewhere(k))}
    lines = {work_center(k) for k in below if level(k) in (Level.WORK_CENTER, Level.WORK_UNIT)}
    return sorted(line for line in lines if _makes(view, line, window))


def _makes(view: View, line: str, window: Window) -> bool:
    """Whether it is a place where something is made: a dock or a store has no job order, count or stop."""
    near = Window(start=window.start - timedelta(days=30), end=min(window.end, view.as_of) + timedelta(microseconds=1))
    kinds = ("started", "production", "changeover_start", "stop")
    return bool(view.events(kinds=kinds, equipment=line, within=near, limit=1)) or any(
        within(s.entity.id, line)
        for s in view.said(kind=EntityKind.EQUIPMENT, properties=("state", "good_count", "target_rate"))
    )


def _span(view: View, window: Window) -> str:
    until = clock(min(window.end, view.as_of), view.plant, relative_to=window.start)
    return f"{clock(window.start, view.plant)} to {until}"


_AXES: Mapping[str, Callable[[View, Cell], str]] = {
    "line": lambda view, cell: view.plant.called(cell.equipment),
    "unit": lambda view, cell: view.plant.called(cell.equipment),
    "shift": lambda _, cell: cell.shift,
    "crew": lambda _, cell: cell.crew,
    "day": lambda view, cell: (cell.day or cell.window.start.astimezone(view.plant.time_zone).date()).isoformat(),
    "area": lambda _, cell: "/".join(cell.equipment.split("/")[:2]),
    "site": lambda _, cell: cell.equipment.split("/")[0],
}
