"""Cases as the command line and the interface show them: times on the plant's clock, ids as people write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from lineside.app import Lineside
from lineside.cases import Case, CaseClass, Cases, Transition, case_id
from lineside.interpretation.reading import clock
from lineside.memory import Reader
from lineside.plant.records import Json
from lineside.plant.timeline import duration


def reading(lineside: Lineside, reader: Reader, at: datetime | None = None) -> Cases:
    """The cases that this reader may see, as they stood at `at`, by default now."""
    return Cases(lineside.memory, reader=reader, as_of=at)


def row(lineside: Lineside, case: Case, *, now: datetime | None = None) -> dict[str, Json]:
    """One case in figures and words. clock: by when it is to be acknowledged and contained."""
    of = _class(lineside, case)

    def told(moment: datetime | None) -> str | None:
        return moment.astimezone(lineside.plant.time_zone).isoformat() if moment else None

    until = case.closed_at or case.ended or now or lineside.clock()
    return {
        "id": case.id,
        "class": case.case_class,
        "name": of.name,
        "title": case.title,
        "subject": str(case.subject),
        "place": case.place or None,
        "state": str(case.state),
        "severity": case.severity.name.casefold(),
        "owner": case.owner,
        "role": case.role,
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
        "reason": case.reason or None,
        "pack": case.pack,
    }


def whole(lineside: Lineside, cases: Cases, case: str) -> dict[str, Json]:
    """One case with its options, closure criteria, evidence and story. Raises NotFound."""
    found = cases.show(case)
    of = _class(lineside, found)
    effects = [c for c in cases.list() if c.caused_by == found.number]
    return {
        **row(lineside, found, now=cases.as_of),
        "options": [{"do": option.do, "may": list(option.may)} for option in of.options],
        "closes_when": list(of.closed),
        "effects": [c.id for c in effects],
        "evidence": [{"record_id": record, "part": part} for record, part in cases.evidence(case).items()],
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
