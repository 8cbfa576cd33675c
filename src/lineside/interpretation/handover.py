"""The handover of a shift, drafted from the records: safety first, each item once, nothing to write up afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from lineside.interpretation import waiting
from lineside.interpretation.gap import measure
from lineside.interpretation.open_items import Item, items
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.safety import carried_notes, concerns_safety
from lineside.interpretation.standing import applies, in_force_finding, standing, standing_decisions
from lineside.interpretation.stops import intervals
from lineside.interpretation.wording import at, counted, late_sources, listed, rid, said, short
from lineside.memory import View
from lineside.memory.columns import places_within
from lineside.plant.calendar import ShiftSlot
from lineside.plant.equipment import Level, level, within, work_center
from lineside.plant.quantities import plain
from lineside.plant.records import Decision, Json, Note
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_FAILED = re.compile(
    r"\b(did(?:n't| not) (?:help|work|hold)|no (?:effect|improvement|luck|change)|without (?:success|effect)|failed|"
    r"not the cause|came back|still (?:jams|stops|leaks|trips|fails)|in vain|made it worse|nicht geholfen|"
    r"half nicht|hilft nicht|ohne erfolg|erfolglos|keine (?:wirkung|besserung|verbesserung)|brachte nichts|"
    r"vergeblich|schlimmer)\b",
    re.IGNORECASE,
)
_LEAVE = re.compile(
    r"\b(do not|don't|must not|never|leave (?:it|the|as)|hands off|keep (?:the|it|at|below|above)|not above|"
    r"nicht (?:ver(?:ä|ae)ndern|ver?stellen|anfassen|(?:ö|oe)ffnen|starten|(?:ü|ue)ber|(?:ä|ae)ndern|freigeben)|"
    r"finger weg|keinesfalls|auf keinen fall|bitte nicht)\b",
    re.IGNORECASE,
)
_NOTES = 12


def handover(
    view: View,
    slot: ShiftSlot | Window,
    equipment: str | None = None,
    *,
    proposals: Sequence[Finding] = (),
    whole: bool = False,
    measured: bool = True,
) -> Reading:
    """What passes on at the end of `slot`, each item in one section only; `data["section"]` of a finding names it.

    slot: a window where the plant has no shifts. The state is that of its end, told by everything known at the view's
    `as_of`. proposals: open ones. whole: for a document that is kept: every note, and times that read alike whenever
    it is drafted. measured: with what each line made of what was due in it.
    """
    told_on = slot.end if whole else view.as_of
    end = min(slot.end, max(slot.start, view.as_of))
    name = slot.label or clock(slot.start, view.plant)
    crew = slot.crew if isinstance(slot, ShiftSlot) else None
    window = Window(start=slot.start, end=end, label=name, shift=name if isinstance(slot, ShiftSlot) else slot.shift)
    found = items(view, slot.start, end, equipment)
    notes = [
        n for n in view.notes(equipment=equipment, within=window) if equipment or not view.plant.elsewhere(n.equipment)
    ]
    safe_notes, rest = _parted(notes, lambda n: concerns_safety(n.text))
    safe_items, others = _parted(found, _is_safety)
    earlier = carried_notes(view, slot.start, end, equipment)
    failed, rest = _parted(rest, lambda n: tells_failure(n.text))
    leave, claims = _parted(rest, lambda n: tells_to_leave(n.text))
    carried = [i for i in others if i.opened < slot.start and i.open_at(end)]
    new = [i for i in others if i.opened >= slot.start and (i.open_at(end) or i.passing)]
    closed = [i for i in others if i.closed is not None and i.closed <= end]
    standings = [s for s in standing_decisions(view, end) if applies(view, s.decision, equipment)]
    known = view.decisions()
    ended = [
        standing(view, d, known, end)
        for d in view.decisions(within=window)
        if applies(view, d, equipment) and d not in [s.decision for s in standings]
    ]
    findings = [
        *(_earlier(view, n, window, told_on) for n in earlier),
        *(_item(view, i, "safety", window, told_on) for i in safe_items),
        *(note_finding(view, n, "safety", told_on) for n in safe_notes),
        *(_item(view, i, "carried over", window, told_on) for i in carried),
        *(_item(view, i, "new", window, told_on) for i in new),
        *(_item(view, i, "closed", window, told_on) for i in closed),
        *(_decision(in_force_finding(view, s), s.decision, "decisions in force") for s in standings),
        *(
            _decision(
                Finding(
                    text=f"{said(s.decision)}: {s.why_not}.",
                    kind=Kind.FACT,
                    cites=(rid(s.decision), *(rid(d) for d in s.followed_by[:1])),
                ),
                s.decision,
                "decisions taken",
            )
            for s in ended
        ),
        *(note_finding(view, n, "tried and failed", told_on) for n in failed),
        *(note_finding(view, n, "do not change", told_on) for n in leave),
        *(_in_section(p, "open proposals") for p in proposals),
        *(performance(view, window, equipment) if measured else ()),
        *(note_finding(view, n, "unverified", told_on) for n in claims[: None if whole else _NOTES]),
    ]
    broken = [
        Finding(
            text=f'The decision "{short(s.decision.choice, 100)}" assumed "{c.text}"; {c.found}.',
            kind=Kind.DERIVED,
            cites=(rid(s.decision), *c.records),
            data={"section": "decisions in force", "key": f"assumption {rid(s.decision)} {c.text}"},
        )
        for s in standings
        for c in s.broken
    ]
    missing = [*late_sources(view, _sources(view))]
    if len(claims) > _NOTES and not whole:
        missing.append(f"{counted(len(claims) - _NOTES, 'more note')} of the shift, not shown.")
    place = f" for {view.plant.called(equipment)}" if equipment else ""
    head = f"Handover of {name}{f' ({crew})' if crew else ''}{place}"
    sizes = (
        ("safety", len(earlier) + len(safe_items) + len(safe_notes)), ("carried over", len(carried)), ("new", len(new)),
        ("closed", len(closed)), ("decisions in force", len(standings)),
    )  # fmt: skip
    verdict = f"{head}: " + ", ".join(f"{n} {name}" for name, n in sizes)
    lagging = [f for f in findings if f.data.get("section") == "performance" and f.data.get("behind")]
    if lagging:
        verdict += f"; behind target: {listed([str(f.data['called']) for f in lagging])}"
    if not findings:
        missing.append(f"Any event, state, decision or note of {name}.")
        verdict = f"{head}: the records tell of nothing"
    if view.as_of < slot.end:
        missing.append(f"The rest of the shift: it ends at {clock(slot.end, view.plant)}.")
    return Reading(
        verdict=verdict + ".",
        findings=tuple(findings),
        against=tuple(broken),
        missing=tuple(missing),
        window=window,
        data={name.replace(" ", "_"): n for name, n in sizes},
    )


def tells_failure(text: str) -> bool:
    """Whether it says that something was tried in vain; English and German."""
    return bool(_FAILED.search(text))


def tells_to_leave(text: str) -> bool:
    """Whether it says that something is to be left as it is; English and German."""
    return bool(_LEAVE.search(text))


def lines(view: View, window: Window, equipment: str | None = None) -> list[str]:
    """The work centers that the plant file or the window's records name, in order."""
    declared = {work_center(e.id) for e in view.plant.equipment if level(e.id) in (Level.WORK_CENTER, Level.WORK_UNIT)}
    seen = {work_center(place) for place in places_within(view, window)}
    deep = {p for p in declared | seen if level(p) is Level.WORK_CENTER}
    if equipment is None:
        return sorted(p for p in deep if not view.plant.elsewhere(p))
    return sorted(p for p in deep if within(p, equipment) or within(equipment, p))


def performance(view: View, window: Window, equipment: str | None) -> list[Finding]:
    """What each line made of what was due in the window."""
    found = []
    losses = waiting.told(view, intervals(view, equipment, window))
    for line in lines(view, window, equipment):
        gap = measure(view, line, window, [i for i in losses if within(i.equipment, line)])
        if gap is None:
            continue
        name = view.plant.called(line)
        state = f"{plain(gap.units)} short" if gap.behind else "on target"
        until = clock(gap.window.end, view.plant, relative_to=gap.window.start)
        stretch = f"{clock(gap.window.start, view.plant)} to {until}"
        text = f"{name}: {plain(gap.made)} made of {plain(gap.target)} due ({state}), {stretch}"
        worst = next((p for p in gap.parts if p.name != "unexplained" and p.units > 0), None)
        if gap.behind and worst:
            text += f"; most lost to {worst.name}: {plain(worst.minutes)} min"
        data: dict[str, Json] = {
            "section": "performance",
            "key": f"performance {line}",
            "behind": gap.behind,
            "called": name,
            "gap": float(gap.units),
        }
        found.append(Finding(text=text + ".", kind=Kind.DERIVED, cites=gap.cites, data=data))
    return found


_Thing = TypeVar("_Thing")


def _parted(things: Iterable[_Thing], test: Callable[[_Thing], bool]) -> tuple[list[_Thing], list[_Thing]]:
    """Those that pass the test, and the others."""
    passed: list[_Thing] = []
    others: list[_Thing] = []
    for thing in things:
        (passed if test(thing) else others).append(thing)
    return passed, others


def _is_safety(item: Item) -> bool:
    return concerns_safety(f"{item.what} {item.words}")


def _item(view: View, item: Item, section: str, window: Window, told_on: datetime) -> Finding:
    opened = clock(item.opened, view.plant, relative_to=told_on)
    times = f"at {opened}" if item.passing else f"since {opened}"
    if item.closed is not None and item.closed <= window.end:
        times = f"{opened} to {clock(item.closed, view.plant, relative_to=item.opened)}"
    text = f"{item.what[:1].upper()}{item.what[1:]} ({times})."
    data: dict[str, Json] = {
        "section": section,
        "key": item.key,
        "opened": item.opened.isoformat(),
        "closed": item.closed.isoformat() if item.closed is not None and item.closed <= window.end else None,
        "records": list(item.records),
    }
    return Finding(text=text, kind=Kind.DERIVED, cites=item.bounds, data=data)


def note_finding(view: View, note: Note, section: str, told_on: datetime) -> Finding:
    """What somebody wrote, in that section. told_on: the moment that its time is told against."""
    text = f"{clock(at(note), view.plant, relative_to=told_on)}: {said(note)}."
    data = {"section": section, "key": f"note {rid(note)}", "opened": at(note).isoformat()}
    return Finding(text=text, kind=Kind.CLAIMED, cites=(rid(note),), data=data)


def _earlier(view: View, note: Note, window: Window, told_on: datetime) -> Finding:
    age = duration((window.end - at(note)).total_seconds())
    text = f"Still open from {clock(at(note), view.plant, relative_to=told_on)}, {age} ago: {said(note)}."
    data = {"section": "safety", "key": f"note {rid(note)}", "opened": at(note).isoformat()}
    return Finding(text=text, kind=Kind.CLAIMED, cites=(rid(note),), data=data)


def _in_section(finding: Finding, section: str) -> Finding:
    return replace(finding, data={**finding.data, "section": section})


def _decision(finding: Finding, decision: Decision, section: str) -> Finding:
    data = {"key": f"decision {rid(decision)}", "opened": at(decision).isoformat()}
    return _in_section(replace(finding, data={**finding.data, **data}), section)


def _sources(view: View) -> list[str]:
    return [f.source for f in view.freshness()]
