"""What exceptions stand, whose each is and since when; and the story of one: answered from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lineside.cases.case import MOVED, OPENED, OWNED, RECORDS, Case, Transition, case_id
from lineside.cases.classes import CaseClass, State
from lineside.cases.closing import Due, next_due
from lineside.cases.listing import Cases
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, Reading, clock
from lineside.interpretation.wording import bounded, counted, listed
from lineside.memory import View
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_SHOWN = 12
_DONE = {"acknowledge": "acknowledged", "contain": "contained"}


def standing(
    cases: Cases,
    view: View,
    *,
    place: str | None = None,
    case_class: str | None = None,
    owner: str | None = None,
    window: Window | None = None,
) -> Reading:
    """The exceptions that are open, the gravest first; with `window` all that stood at some time of it."""
    found = cases.list(
        only_open=window is None, place=place, classes=[case_class] if case_class else (), owner=owner, window=window
    )
    found = [c for c in found if c.state is not State.WITHDRAWN]
    where = f" at {view.plant.called(place)}" if place else ""
    what = f" of {cases.pack.classes[case_class].name.casefold()}" if case_class else ""
    when = f" in {window.label or 'that time'}" if window else ""
    if not found:
        return Reading(verdict=f"No exception{what} is open{where}{when}.", window=window, data={"cases": []})
    findings = tuple(_finding(cases, view, c) for c in found[:_SHOWN])
    more = len(found) - len(findings)
    first = found[0]
    verb = ("stands open" if len(found) == 1 else "stand open") if window is None else "stood"
    verdict = f"{counted(len(found), 'exception')}{what} {verb}{where}{when}; first {first.id}: {first.title}, "
    verdict += f"{_held(first)} since {clock(first.began, view.plant, relative_to=view.as_of)}."
    return Reading(
        verdict=verdict,
        findings=findings,
        missing=(f"{more} more exceptions are not shown here.",) if more > 0 else (),
        next_steps=tuple(_steps(cases, found[:3])),
        window=window,
        data={"cases": [c.id for c in found]},
    )


def overdue(
    cases: Cases, view: View, *, place: str | None = None, case_class: str | None = None, owner: str | None = None
) -> Reading:
    """The open exceptions whose time to be acknowledged or contained ran out, the longest past first, and whose each
    is; where none is, how many are open and whose clock runs out next."""
    found = cases.list(only_open=True, place=place, classes=[case_class] if case_class else (), owner=owner)
    clocks = [(due, c) for c in found if (due := next_due(cases.pack.classes[c.case_class], c)) is not None]
    clocks.sort(key=lambda pair: (pair[0].by, pair[1].number))
    late = [(due, c) for due, c in clocks if due.by < view.as_of]
    where = f" at {view.plant.called(place)}" if place else ""
    what = f" of {cases.pack.classes[case_class].name.casefold()}" if case_class else ""
    whose = f" of {owner}" if owner else ""
    data: dict[str, Json] = {"cases": [c.id for _, c in late], "open": len(found)}
    if not late:
        verdict = f"No open exception{what}{where}{whose} is past its time"
        verdict += (
            f"; {counted(len(found), 'exception')}{what} {'is' if len(found) == 1 else 'are'} open" if found else ""
        )
        none = PlantFact("cases", f"{counted(len(found), 'open exception')}{what}{where}{whose}, none past its time")
        coming = [_finding(cases, view, c, due) for due, c in clocks[:1]]
        coming = coming or [Finding(text=f"{verdict}.", kind=Kind.DERIVED, cites=(none,), data={"open": len(found)})]
        return Reading(verdict=f"{verdict}.", findings=tuple(coming), data=data)
    first, more = late[0][1], len(late) - _SHOWN
    verb = "is past its" if len(late) == 1 else "are past their"
    verdict = f"{counted(len(late), 'open exception')}{what}{where}{whose} {verb} time, of {len(found)} open; "
    verdict += f"longest {first.id}: {first.title}, {_held(first)} has it."
    return Reading(
        verdict=verdict,
        findings=tuple(_finding(cases, view, c, due) for due, c in late[:_SHOWN]),
        missing=(f"{more} more exceptions are not shown here.",) if more > 0 else (),
        next_steps=tuple(_steps(cases, [c for _, c in late[:3]])),
        data=data,
    )


def story(cases: Cases, view: View, case: str | int) -> Reading:
    """One exception: whose it is, since when, what happened to it, what may be done and what closes it."""
    found = cases.show(case)
    of = cases.pack.classes[found.case_class]
    told = [t for t in cases.history(case) if t.kind != "retold"]
    findings = [_finding(cases, view, found), *(_told(view, found, t) for t in told[1:])]
    if found.is_open:
        findings.append(_clock(view, of, found))
    effects = [c for c in cases.list() if c.caused_by == found.number and c.state is not State.WITHDRAWN]
    findings += [_finding(cases, view, c) for c in effects[:3]]
    since = clock(found.began, view.plant, relative_to=view.as_of)
    verdict = f"{found.id}: {found.title}; {found.state}, {_held(found)} since {since}."
    return Reading(
        verdict=verdict,
        findings=tuple(findings),
        next_steps=tuple(f"{o.do} ({listed(list(o.may))} may decide)." for o in of.options) if found.is_open else (),
        data={"case": found.id, "state": str(found.state), "owner": found.owner, "class": found.case_class},
    )


def _held(case: Case) -> str:
    return f"{case.owner} ({case.role.replace('_', ' ')})" if case.owner else f"nobody named, role {case.role}"


def _finding(cases: Cases, view: View, case: Case, due: Due | None = None) -> Finding:
    """due: what its clock waits for, where that is to be told too."""
    plant, now = view.plant, view.as_of
    of = cases.pack.classes[case.case_class]
    until = case.closed_at or case.ended or now
    since = clock(case.began, plant, relative_to=now)
    lasted = duration((until - case.began).total_seconds())
    text = (
        f"{case.id}, {of.name.casefold()}, {case.severity.name.casefold()}: {case.title}; {case.state}, since {since}"
    )
    text += f" ({lasted})" if case.is_open else f" until {clock(until, plant, relative_to=case.began)} ({lasted})"
    text += f"; {_held(case)} has it"
    text += f", escalated to {case.escalated_to}" if case.escalated_to and case.is_open else ""
    text += f"; it follows from {case_id(case.caused_by)}" if case.caused_by else ""
    if due is not None:
        left = (due.by - now).total_seconds()
        when = f"{duration(-left)} ago" if left < 0 else f"in {duration(left)}"
        past = "was" if left < 0 else "is"
        text += f"; it {past} to be {_DONE[due.what]} by {clock(due.by, plant, relative_to=now)} ({when})"
    data: dict[str, Json] = {
        "case": case.id,
        "class": case.case_class,
        "state": str(case.state),
        "severity": case.severity.name.casefold(),
        "owner": case.owner,
        "role": case.role,
        "since": case.began.isoformat(),
        "subject": str(case.subject),
        "caused_by": case_id(case.caused_by) if case.caused_by else None,
    }
    return Finding(text=f"{text}.", kind=Kind.DERIVED, cites=_cites(view, case), data=data)


def _told(view: View, case: Case, each: Transition) -> Finding:
    at = clock(each.plant_at, view.plant, relative_to=view.as_of)
    who = "" if each.by == RECORDS else f" by {each.by}"
    what = {OPENED: "opened", OWNED: "passed on", MOVED: str(each.after)}.get(each.kind, each.kind)
    why = f": {each.why}" if each.why and not each.why.startswith(what) else each.why.removeprefix(what)
    kind = Kind.DERIVED if each.by == RECORDS else Kind.CLAIMED
    seen = tuple(view.records(each.cites)) or _cites(view, case)
    return Finding(text=f"{at}: {what}{who}{why}.", kind=kind, cites=seen, data={"transition": each.number})


def _clock(view: View, of: CaseClass, case: Case) -> Finding:
    def at(moment: datetime) -> str:
        return clock(moment, view.plant, relative_to=view.as_of)

    text = f"It is to be acknowledged by {at(case.clock_from + of.acknowledge)} and contained by "
    text += f"{at(case.clock_from + of.contain)}; after that it goes to {listed(list(of.escalates))}, one after another"
    fact = PlantFact(f"cases.{of.key}", f"{text}; it closes when proven: {listed(list(of.closed))}")
    return Finding(text=f"{text}.", kind=Kind.DERIVED, cites=(fact, *_cites(view, case)), data={"clock": True})


def _cites(view: View, case: Case) -> tuple[Cite, ...]:
    seen = bounded(view.records(case.opened_records))
    said = f"{case.id}: {case.title}, opened {case.opened_at.isoformat()} by {case.opened_by}"
    return seen or (PlantFact(f"cases.{case.id}", said),)


def _steps(cases: Cases, found: Sequence[Case]) -> list[str]:
    steps = []
    for case in found:
        of = cases.pack.classes[case.case_class]
        if case.state in (State.NEW, State.REOPENED) and case.is_open:
            steps.append(f"Ask {case.owner or case.role} to acknowledge {case.id}.")
        elif case.is_open and of.options:
            steps.append(f"{case.id}: {of.options[0].do} ({listed(list(of.options[0].may))} may decide).")
    return steps
