"""What someone new at a place needs to know: what holds there, what keeps coming back, what to leave alone, whom to
ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from lineside.interpretation.handover import handover, note_finding, performance, tells_failure, tells_to_leave
from lineside.interpretation.patterns import patterns
from lineside.interpretation.reading import Finding, Kind, PlantFact, Reading
from lineside.interpretation.standing import applies
from lineside.interpretation.wording import counted, listed, rid
from lineside.memory import View
from lineside.plant.plant import Person
from lineside.plant.records import Decision, Note
from lineside.plant.windows import Window

_INSTANT = timedelta(microseconds=1)
_LATELY = timedelta(days=14)  # what people wrote and decided, and who did
_STANDS = ("safety", "carried over", "decisions in force")
_REPEATS = 3
_NOTES = 6
_PEOPLE = 8
_CITED = 6


def briefing(view: View, equipment: str | None = None) -> Reading:
    """How the place stands at the view's `as_of` and what is peculiar to it; `data["section"]` of a finding names the
    part. equipment: None for the whole site."""
    now = Window(start=view.as_of - _INSTANT, end=view.as_of, label="now")
    stands = handover(view, now, equipment, measured=False)
    sections = {name: [f for f in stands.findings if f.data.get("section") == name] for name in _STANDS}
    lately = Window(start=view.as_of - _LATELY, end=view.as_of + _INSTANT)
    written = view.notes(equipment=equipment, within=lately)
    notes = [n for n in written if equipment or not view.plant.elsewhere(n.equipment)]
    decided = [d for d in view.decisions(within=lately) if applies(view, d, equipment)]
    failed = [n for n in notes if tells_failure(n.text)]
    leave = [n for n in notes if tells_to_leave(n.text) and n not in failed]
    repeats = patterns(view, equipment=equipment)
    quirks = [replace(f, data={**f.data, "section": "keeps coming back"}) for f in _clearest(repeats.findings)]
    place = view.plant.called(equipment) if equipment else view.plant.site
    verdict = f"{place} now: {len(sections['carried over'])} open"
    verdict += f", {len(sections['safety'])} on safety" if sections["safety"] else ""
    verdict += f", {counted(len(sections['decisions in force']), 'decision')} in force"
    verdict += f"; {repeats.verdict[:1].lower()}{repeats.verdict[1:].rstrip('.')}" if quirks else ""
    return Reading(
        verdict=f"{verdict}.",
        findings=(
            *sections["safety"],
            *_this_shift(view, equipment),
            *sections["carried over"],
            *sections["decisions in force"],
            *(note_finding(view, n, "do not change", view.as_of) for n in leave[-_NOTES:]),
            *(note_finding(view, n, "tried and failed", view.as_of) for n in failed[-_NOTES:]),
            *quirks,
            *_people(view, notes, decided),
        ),
        against=stands.against,
        missing=tuple(dict.fromkeys((*stands.missing, *repeats.missing))),
        data={name: len(found) for name, found in sections.items()},
    )


def _this_shift(view: View, equipment: str | None) -> list[Finding]:
    slot = view.calendar.at(view.as_of)
    return performance(view, Window(start=slot.start, end=view.as_of), equipment) if slot else []


def _clearest(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Of the first things that repeat how often they do, and what was tried."""
    things = 0
    for finding in findings:
        things += "base_rate" in finding.data
        if things > _REPEATS:
            return
        if "base_rate" in finding.data or "fix" in finding.data:
            yield finding


def _people(view: View, notes: Sequence[Note], decided: Sequence[Decision]) -> Iterator[Finding]:
    """Who is at work by the plant file, and who wrote and decided here lately."""
    plant, slot = view.plant, view.calendar.at(view.as_of)
    here = [p for p in plant.people if not p.sites or plant.site in p.sites]
    crew = [p for p in here if p.crew and slot is not None and p.crew == slot.crew]
    for who, found in (("At work now", crew), ("By no roster", [p for p in here if not p.crew])):
        if found:
            yield Finding(
                text=f"{who}: {listed([_called(p) for p in found], limit=_PEOPLE)}.",
                kind=Kind.FACT,
                cites=tuple(PlantFact(f"people.{p.id}", _called(p)) for p in found[:_PEOPLE]),
                data={"section": "people"},
            )
    told = [(n.author, rid(n)) for n in notes] + [(d.decided_by, rid(d)) for d in decided]
    often = Counter(name for name, _ in told if name)
    if often:
        names = [f"{_name(view, name)} ({n})" for name, n in often.most_common(_PEOPLE)]
        yield Finding(
            text=f"Wrote or decided here in the last {_LATELY.days} days: {listed(names, limit=_PEOPLE)}.",
            kind=Kind.DERIVED,
            cites=tuple(record for name, record in told if name)[-_CITED:],
            data={"section": "people"},
        )


def _called(person: Person) -> str:
    roles = ", ".join(role.replace("_", " ") for role in person.roles)
    return f"{person.name or person.id} ({roles})" if roles else person.name or person.id


def _name(view: View, author: str) -> str:
    person = view.plant.person(author)
    return person.name or person.id if person else author
