"""Cases as the command line and the interface show them: times on the plant's clock, ids as people write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from lineside.app import Lineside
from lineside.cases import Case, CaseClass, Cases, Moves, State, Transition, case_id
from lineside.cases.classes import case_pack
from lineside.cases.closing import criteria, next_due
from lineside.cases.owners import at_work, unowned
from lineside.interpretation.reading import clock
from lineside.memory import Reader
from lineside.memory.words import render
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_SLACK = timedelta(minutes=10)  # two systems' clocks: an effect may be told a little before its cause


def reading(lineside: Lineside, reader: Reader, at: datetime | None = None) -> Cases:
    """The cases that this reader may see, as they stood at `at`, by default now."""
    return Cases(lineside.memory, reader=reader, as_of=at)


def row(lineside: Lineside, case: Case, *, now: datetime | None = None) -> dict[str, Json]:
    """One case in figures and words. clock: by when it is to be acknowledged and contained; next: what of that is to be
    done as it stands, null where nothing is. off_shift: whether its owner's crew does not work now. unowned: that
    nobody holds the roles of its class, and who hears of it then."""
    of, plant = _class(lineside, case), lineside.plant

    def told(moment: datetime | None) -> str | None:
        return moment.astimezone(lineside.plant.time_zone).isoformat() if moment else None

    now = now or lineside.clock()
    until = case.closed_at or case.ended or now
    due, owner = next_due(of, case), plant.person(case.owner) if case.owner else None
    return {
        "id": case.id,
        "class": case.case_class,
        "name": of.name,
        "title": case.title,
        "subject": str(case.subject),
        "place": case.place or None,
        "where": plant.called(case.place) if case.place else None,
        "state": str(case.state),
        "severity": case.severity.name.casefold(),
        "severity_why": case.severity_why or None,
        "owner": case.owner,
        "owner_name": owner.name or owner.id if owner else None,
        "owner_since": told(case.owner_since),
        "off_shift": owner is not None and not at_work(ShiftCalendar(plant), owner, now),
        "role": case.role,
        "unowned": unowned(case_pack(), plant, of) or None,
        "began": told(case.began),
        "ended": told(case.ended),
        "opened_at": told(case.opened_at),
        "opened_by": case.opened_by,
        "acknowledged_at": told(case.acknowledged_at),
        "contained_at": told(case.contained_at),
        "resolved_at": told(case.resolved_at),
        "closed_at": told(case.closed_at),
        "due": told(case.due),
        "age_s": max(0.0, (until - case.began).total_seconds()),
        "caused_by": case_id(case.caused_by) if case.caused_by else None,
        "escalated_to": case.escalated_to or None,
        "level": case.level,
        "clock": {
            "acknowledge_by": told(case.clock_from + of.acknowledge),
            "contain_by": told(case.clock_from + of.contain),
        },
        "next": {
            "do": due.what,
            "by": told(due.by),
            "left_s": (due.by - now).total_seconds(),
        }
        if due
        else None,
        "reason": case.reason or None,
        "pack": case.pack,
    }


def whole(lineside: Lineside, cases: Cases, case: str) -> dict[str, Json]:
    """One case with its options, closure criteria, evidence and story. Raises NotFound."""
    found = cases.show(case)
    of = _class(lineside, found)
    now = cases.as_of or lineside.clock()
    later = Window(start=found.began - _SLACK, end=max(now, found.began) + _SLACK)
    effects = [c for c in cases.list(window=later) if c.caused_by == found.number and c.state is not State.WITHDRAWN]
    parts, person = cases.evidence(case), cases.reader.person
    records = cases.view().records(parts)
    told = sorted(records.items(), key=lambda pair: (pair[1].provenance.occurred_at, pair[0]))
    zone = lineside.plant.time_zone
    return {
        **row(lineside, found, now=cases.as_of),
        "options": [
            {
                "do": option.do,
                "may": list(option.may),
                "you": person is not None
                and any(cases.pack.of_role(role, held) for role in option.may for held in person.roles),
            }
            for option in of.options
        ],
        "closes_when": list(of.closed),
        "criteria": [
            {
                "name": each.name,
                "words": each.words,
                "proven_at": each.proof.at.astimezone(zone).isoformat() if each.proof else None,
                "cites": list(each.proof.cites) if each.proof else [],
            }
            for each in criteria(cases, found)
        ],
        "moves": list(Moves(lineside.memory, person).may(found)) if person and cases.as_of is None else [],
        "effects": [c.id for c in effects],
        "evidence": [
            {
                "record_id": name,
                "part": parts[name],
                "source": record.provenance.source,
                "at": record.provenance.occurred_at.astimezone(zone).isoformat(),
                "text": render(record),
            }
            for name, record in told
        ],
        "story": [story_row(lineside, each) for each in cases.history(case)],
    }


def story_row(lineside: Lineside, each: Transition) -> dict[str, Json]:
    """One thing that happened to a case."""
    zone = lineside.plant.time_zone
    return {
        "number": each.number,
        "kind": each.kind,
        "move": each.move or None,
        "from": str(each.before) if each.before else None,
        "to": str(each.after),
        "at": each.at.astimezone(zone).isoformat(),
        "plant_at": each.plant_at.astimezone(zone).isoformat(),
        "by": each.by,
        "why": each.why,
        "cites": list(each.cites),
    }


def lines(lineside: Lineside, told: dict[str, Json]) -> Iterator[str]:
    """The whole case for a terminal."""
    for name in ("id", "name", "title", "state", "severity", "owner", "role", "began", "ended", "due", "caused_by"):
        if told[name] is not None:
            yield f"{name}: {told[name]}"
    options = told["options"]
    for option in options if isinstance(options, list) else ():
        if isinstance(option, dict) and isinstance(may := option["may"], list):
            yield f"option: {option['do']} ({', '.join(map(str, may))} may decide)"
    story = told["story"]
    for each in story if isinstance(story, list) else ():
        if isinstance(each, dict):
            when = clock(datetime.fromisoformat(str(each["plant_at"])), lineside.plant)
            yield f"{when}  {each['move'] or each['kind']} by {each['by']}: {each['why']}"


def table(lineside: Lineside, found: Iterable[Case]) -> list[list[str]]:
    """The cases for a terminal: id, state, severity, owner, since, age, title."""
    now = lineside.clock()
    return [
        [
            case.id,
            str(case.state),
            case.severity.name.casefold(),
            case.owner or case.role,
            clock(case.began, lineside.plant),
            duration(((case.closed_at or case.ended or now) - case.began).total_seconds()),
            case.title,
        ]
        for case in found
    ]


def _class(lineside: Lineside, case: Case) -> CaseClass:
    return Cases(lineside.memory).pack.classes[case.case_class]
