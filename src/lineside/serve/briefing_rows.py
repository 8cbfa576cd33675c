"""The briefing for somebody new at a place as the faces show it: as data, and as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineside.app import Lineside
from lineside.interpretation.briefing import briefing
from lineside.interpretation.pack_files import under
from lineside.interpretation.reading import Finding, PlantFact, clock
from lineside.memory import Reader
from lineside.plant.records import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """What is told of a place, None for the whole site, by the parts of it in the order in which they are told."""

    place: str | None
    called: str
    as_of: datetime
    verdict: str
    sections: dict[str, list[Finding]]
    against: Sequence[Finding]
    missing: Sequence[str]


def brief(lineside: Lineside, reader: Reader, place: str | None, at: datetime | None = None) -> Briefing:
    """What this reader may know of the place, as it stood at `at`, by default now."""
    plant, moment = lineside.plant, at or lineside.clock()
    with under(plant.packs):
        found = briefing(lineside.memory.view(as_of=moment, reader=reader), place)
    sections: dict[str, list[Finding]] = {}
    for each in found.findings:
        sections.setdefault(str(each.data.get("section") or "performance"), []).append(each)
    return Briefing(
        place=place,
        called=plant.called(place) if place else plant.name or plant.site,
        as_of=moment,
        verdict=found.verdict,
        sections=sections,
        against=found.against,
        missing=found.missing,
    )


def row(lineside: Lineside, found: Briefing) -> dict[str, Json]:
    """The whole briefing as data."""
    return {
        "equipment": found.place,
        "place": found.called,
        "as_of": found.as_of.astimezone(lineside.plant.time_zone).isoformat(),
        "verdict": found.verdict,
        "sections": [
            {"section": name, "items": [_item(each) for each in items]} for name, items in found.sections.items()
        ],
        "against": [_item(each) for each in found.against],
        "missing": list(found.missing),
    }


def lines(lineside: Lineside, found: Briefing) -> Iterator[str]:
    """The briefing line by line."""
    yield f"Briefing for {found.called}, as of {clock(found.as_of, lineside.plant)}"
    yield found.verdict
    for name, items in found.sections.items():
        yield from ("", name[:1].upper() + name[1:])
        yield from (f"• {each.text}" for each in items)
    if found.against:
        yield from ("", "What speaks against it")
        yield from (f"• {each.text}" for each in found.against)
    for lacking in found.missing:
        yield f"Missing: {lacking}"


def records(finding: Finding) -> tuple[str, ...]:
    """The records that a finding rests on; what the plant file says is none."""
    return tuple(cite for cite in finding.cites if not isinstance(cite, PlantFact))


def _item(finding: Finding) -> dict[str, Json]:
    return {
        "text": finding.text,
        "kind": str(finding.kind),
        "citations": list(records(finding)),
        "plant_facts": [cite.text for cite in finding.cites if isinstance(cite, PlantFact)],
    }
