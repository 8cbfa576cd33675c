"""The plant as its people describe it in plant.toml: what no system knows. Frozen; reading the file is plant_file's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from zoneinfo import ZoneInfo

from lineside.plant.equipment import Equipment, within
from lineside.plant.packs import CORE, Packs


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftPattern:
    """A slot of the calendar, local wall-clock times; it belongs to the day it starts on. Ends next day where
    end <= start. `days`: ISO weekdays (1 Monday) on which it starts."""

    name: str
    start: time
    end: time
    aliases: tuple[str, ...] = ()
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who asks, decides or owns. One human is one principal, whatever the door. crew: whose shifts they work,
    as the roster names it; empty where they work by no roster."""

    id: str
    name: str = ""
    roles: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    slack: str | None = None
    email: str | None = None
    crew: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCard:
    """A source as the plant knows it. cadence_s: how often it is expected to speak. clock_offset_s: how far its clock
    runs ahead. owns: `property` or `entity_kind.property`, with `:scope` where it matters. readers: roles that may
    see its records; empty means everybody at the site."""

    name: str
    kind: str = ""
    owner: str | None = None
    cadence_s: float | None = None
    clock_offset_s: float = 0.0
    owns: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """A truck's departure from a dock and the last moment to have goods there, local wall-clock."""

    dock: str
    departure: time
    cut_off: time
    carrier: str | None = None
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Terms that no system holds."""

    id: str
    name: str = ""
    partial_allowed: bool | None = None
    partial_min_share: float | None = None
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom a customer or carrier is written to through. partner: as records name it. language: as in `de`. serves: what
    the partner is to us, among `customer` and `carrier`."""

    partner: str
    email: str
    name: str = ""
    language: str = "en"
    serves: tuple[str, ...] = ("customer", "carrier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One site. `roster` maps (ISO week as 2026-W44, shift name) to a crew.

    pack: the pack by which its records are read; site_packs: that of other sites whose records lie in the same memory.
    packs, packs_by_site: what is in them, once they were opened.
    """

    site: str
    time_zone: ZoneInfo
    enterprise: str = ""
    name: str = ""
    holidays: frozenset[date] = frozenset()
    equipment: tuple[Equipment, ...] = ()
    shifts: tuple[ShiftPattern, ...] = ()
    roster: tuple[tuple[str, str, str], ...] = ()
    people: tuple[Person, ...] = ()
    sources: tuple[SourceCard, ...] = ()
    cut_offs: tuple[CutOff, ...] = ()
    customers: tuple[Customer, ...] = ()
    contacts: tuple[Contact, ...] = ()
    pack: str = ""
    site_packs: tuple[tuple[str, str], ...] = ()
    packs: Packs = CORE
    packs_by_site: Mapping[str, Packs] = field(default_factory=dict)

    def packs_at(self, site: str) -> Packs:
        """The packs by which records of that site are read: its own where it has some, else the plant's."""
        return self.packs_by_site.get(site.casefold(), self.packs)

    def person(self, person_id: str) -> Person | None:
        """The person of that id, Slack id or mail address."""
        wanted = person_id.strip()
        return next((p for p in self.people if wanted in (p.id, p.slack, p.email)), None)

    def source(self, name: str) -> SourceCard:
        """What the plant file says of a source; a bare card where it says nothing."""
        return next((s for s in self.sources if s.name == name), SourceCard(name=name))

    def customer(self, customer_id: str) -> Customer | None:
        return next((c for c in self.customers if c.id == customer_id), None)

    def contacts_of(self, partner: str, role: str) -> tuple[Contact, ...]:
        """Who is written to at the partner, as a `customer` or a `carrier`."""
        wanted = partner.strip().casefold()
        return tuple(c for c in self.contacts if c.partner.casefold() == wanted and role in c.serves)

    def called(self, path: str) -> str:
        """What people call the equipment at `path`: its name, or the end of its path."""
        return next((e.name for e in self.equipment if e.id == path and e.name), path.rpartition("/")[2] or path)

    def elsewhere(self, path: str | None) -> bool:
        """Whether the path lies at another site, of which the plant file declares no equipment."""
        site, _, below = (path or "").casefold().partition("/")
        here = {self.site.casefold(), *(e.id.casefold().partition("/")[0] for e in self.equipment)}
        return bool(below) and site not in here

    def below(self, path: str) -> Iterable[Equipment]:
        """The declared equipment at `path` and below."""
        return (e for e in self.equipment if within(e.id, path))
