"""A handover as a document: sections of items, each once, with a key that stays its own however often it is drafted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from lineside.interpretation.handover import handover
from lineside.interpretation.reading import Finding, Kind, PlantFact, clock
from lineside.memory import View
from lineside.plant.calendar import ShiftSlot
from lineside.plant.records import Json


class Section(StrEnum):
    """The parts of a handover, in the order in which they are read."""

    SAFETY = "safety"
    CARRIED = "carried over"
    NEW = "new"
    CLOSED = "closed"
    IN_FORCE = "decisions in force"
    TAKEN = "decisions taken"
    FAILED = "tried and failed"
    LEAVE = "do not change"
    PROPOSALS = "open proposals"
    FEEDS = "feeds not to trust"
    UNVERIFIED = "unverified"
    PERFORMANCE = "performance"


ORDER = {section: place for place, section in enumerate(Section)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftItem:
    """One thing of a handover. key: its own in every draft of the shift. cites: record ids. facts: of the plant file.

    digest: what it says, but for how long it lasts; another one means that it changed. late: some of its records were
    reported after the shift. by: who added it by hand. case, owner: of the exception that stands for it. records: all
    that it tells of, those beyond the cited ones too.
    """

    key: str
    section: Section
    text: str
    kind: Kind
    cites: tuple[str, ...]
    facts: tuple[str, ...] = ()
    opened: datetime | None = None
    age_s: float | None = None
    digest: str = ""
    late: bool = False
    by: str | None = None
    case: str | None = None
    owner: str | None = None
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The handover of one shift for a place (None: the whole site), by what was known at `as_of`."""

    slot: ShiftSlot
    place: str | None
    as_of: datetime
    verdict: str
    items: tuple[DraftItem, ...]
    missing: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of all that it says."""
        return digest_of([[i.key, i.digest] for i in self.items])

    def sections(self) -> Mapping[Section, Sequence[DraftItem]]:
        """The items by section, in reading order; empty sections are left out."""
        found: dict[Section, list[DraftItem]] = {}
        for item in ordered(self.items):
            found.setdefault(item.section, []).append(item)
        return found


def draft(view: View, slot: ShiftSlot, place: str | None = None, *, proposals: Sequence[DraftItem] = ()) -> Draft:
    """The document as the records known at the view's `as_of` tell it; each thing once. proposals: open ones."""
    end = min(slot.end, max(slot.start, view.as_of))
    reading = handover(view, slot, place, whole=True)
    found: dict[str, DraftItem] = {}
    for finding in (*reading.findings, *reading.against):
        item = _item(finding, end)
        found.setdefault(item.key, item)
    for item in (*proposals, *_feeds(view, end)):
        found.setdefault(item.key, item)
    late = _late(view, found.values(), slot)
    items = [replace(i, late=any(c in late for c in i.cites)) for i in found.values()]
    unended = tuple(m for m in reading.missing if m.startswith(("The rest of the shift", "Any event")))
    return Draft(
        slot=slot,
        place=place,
        as_of=view.as_of,
        verdict=reading.verdict,
        items=tuple(ordered(items)),
        missing=unended,
    )


def ordered(items: Sequence[DraftItem]) -> list[DraftItem]:
    """In reading order: by section, then what is oldest."""
    return sorted(items, key=lambda i: (ORDER[i.section], i.opened.isoformat() if i.opened else "", i.key))


def digest_of(told: Json) -> str:
    """A short name of what is told."""
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def _item(finding: Finding, end: datetime) -> DraftItem:
    data = finding.data
    cites = tuple(c for c in finding.cites if not isinstance(c, PlantFact))
    records = data.get("records")
    opened = datetime.fromisoformat(str(data["opened"])) if data.get("opened") else None
    section = Section(str(data["section"]))
    about: list[Json] = [*sorted(map(str, records if isinstance(records, list) else cites))]
    told: list[Json] = [str(section), about]
    key = str(data.get("key") or digest_of([str(section), *cites, finding.text]))
    if not key.startswith("note "):
        # How long an open item lasts grows by itself: only what bounds it is its content. The rest is its words.
        told.append(data.get("closed") if "closed" in data else finding.text)
    return DraftItem(
        key=key,
        section=section,
        text=finding.text,
        kind=finding.kind,
        cites=cites,
        facts=tuple(c.text for c in finding.cites if isinstance(c, PlantFact)),
        opened=opened,
        age_s=max(0.0, (end - opened).total_seconds()) if opened else None,
        digest=digest_of(told),
        records=tuple(map(str, records)) if isinstance(records, list) else cites,
    )


def _feeds(view: View, end: datetime) -> Iterator[DraftItem]:
    """The sources that were late or silent when the shift ended, as was known then."""
    then = View(plant=view.plant, as_of=end, reader=view.reader, read=view.read)
    for fresh in then.freshness():
        if str(fresh.state) == "live":
            continue
        heard = f"last heard at {clock(fresh.last_heard, view.plant)}" if fresh.last_heard else "never heard"
        yield DraftItem(
            key=f"feed {fresh.source}",
            section=Section.FEEDS,
            text=f"{fresh.source} is {fresh.state} ({heard}): what it says may be out of date.",
            kind=Kind.DERIVED,
            cites=(),
            opened=fresh.last_heard,
            age_s=max(0.0, (end - fresh.last_heard).total_seconds()) if fresh.last_heard else None,
            digest=digest_of(["feed", fresh.source, str(fresh.state)]),
        )


def _late(view: View, items: Iterable[DraftItem], slot: ShiftSlot) -> frozenset[str]:
    """The records among those cited that were reported when the shift was over."""
    cited = [c for i in items for c in i.cites]
    found = view.records(cited)
    return frozenset(r for r, record in found.items() if record.provenance.reported_at > slot.end)
