"""Handovers as things kept: the outgoing shift adds and signs off, the incoming one acknowledges item by item.

Each act is one transaction with one conditional write, so that a kill or two people at once lose and double nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from lineside.cases.case import RECORDS, Case
from lineside.cases.classes import State
from lineside.cases.handover_document import (
    Document,
    Line,
    Remark,
    Standing,
    from_kept,
    kept,
    lines_of,
    shift_id,
    together,
    veiled,
)
from lineside.cases.handover_rights import ACKNOWLEDGE, ADD, SIGN, require
from lineside.cases.handover_tables import handover_acknowledgements, handover_entries, handover_lines, handovers
from lineside.cases.listing import Cases
from lineside.errors import AlreadyDecided, BadRequest, NotFound, NotPermitted, ProposalStale
from lineside.interpretation.handover_draft import DraftItem, Section, digest_of, draft
from lineside.interpretation.pack_files import follow
from lineside.interpretation.reading import Kind, clock
from lineside.interpretation.safety import concerns_safety
from lineside.memory import EVERYTHING, Memory, Reader
from lineside.memory.letters import storable
from lineside.memory.moments import moment, stored
from lineside.plant.calendar import ShiftCalendar, ShiftSlot
from lineside.plant.plant import Person, Plant

BY_HAND = (Section.SAFETY, Section.CARRIED, Section.NEW, Section.CLOSED, Section.FAILED, Section.LEAVE)
"""The sections that people may add to; what they add is their word."""
_LONGEST = 2000
_CITED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A shift and what of its handover is kept."""

    slot: ShiftSlot
    signed_by: str | None
    signed_at: datetime | None


class Handovers:
    """The handovers of a memory, as of any moment and for any reader. Raises NotFound where no such shift is worked."""

    def __init__(
        self,
        memory: Memory,
        *,
        reader: Reader = EVERYTHING,
        as_of: datetime | None = None,
        proposals: Sequence[DraftItem] = (),
    ) -> None:
        self.memory, self.reader, self.as_of, self.proposals = memory, reader, as_of, proposals
        self.calendar = ShiftCalendar(memory.plant)
        follow(memory.plant)

    @property
    def now(self) -> datetime:
        return self.as_of or self.memory.clock()

    def shifts(self, start: datetime, end: datetime, place: str | None = None) -> Sequence[Kept]:
        """The shifts that began by then, the newest first, with who signed off."""
        slots = [s for s in self.calendar.between(start, end) if s.start <= self.now]
        with self.memory.read() as connection:
            rows = {row.key: row for row in connection.execute(select(handovers))}
        found = []
        for slot in reversed(slots):
            row = rows.get(self._key(slot, place))
            signed = bool(row and row.signed_at is not None and moment(row.signed_at) <= self.now)
            found.append(
                Kept(
                    slot=slot,
                    signed_by=row.signed_by if row and signed else None,
                    signed_at=moment(row.signed_at) if row and signed else None,
                )
            )
        return found

    def show(self, slot: ShiftSlot, place: str | None = None) -> Document:
        """The document as it stands for this reader: drafted anew, beside what was signed off."""
        return self._read(self._whole(slot, place))

    def add(
        self, person: Person, slot: ShiftSlot, text: str, *, place: str | None = None, section: Section = Section.NEW
    ) -> str:
        """The item stands in the document; its id. Said again it is the same item. Raises BadRequest, NotPermitted."""
        if section not in BY_HAND:
            raise BadRequest(
                f"nobody adds to {section!s}; there are: {', '.join(BY_HAND)}", section=str(section)
            )  # fmt: skip
        return self._enter(person, slot, text, place=place, section=section, about=None)

    def comment(
        self, person: Person, slot: ShiftSlot, text: str, *, place: str | None = None, item: str = ""
    ) -> str:  # fmt: skip
        """The words stand beside the item, or beside the whole document. Said again they are the same."""
        about = self._line(self.show(slot, place), item).item.key if item else ""
        return self._enter(person, slot, text, place=place, section=Section.NEW, about=about)

    def sign(self, person: Person, slot: ShiftSlot, *, place: str | None = None, seen: str | None = None) -> Document:
        """What the document says is signed off; once. seen: the digest of the document that the person saw.

        Raises NotPermitted, AlreadyDecided where somebody else was first, and ProposalStale where it says something
        else by now.
        """
        require(SIGN, self.memory.plant, person, slot)
        now = self.memory.clock()
        if now < slot.start:
            raise BadRequest(f"{slot.label} has not begun: there is nothing to hand over yet", shift=shift_id(slot))
        shown = self._read(whole := self._whole(slot, place))
        if whole.signed_at is None and seen is not None and seen != shown.digest:
            raise ProposalStale("the handover says something else by now; read it again before you sign it off")
        lines = [each.item for each in whole.lines]
        with self.memory.write() as connection:
            number = self._number(connection, slot, place, now)
            mine = update(handovers).where(handovers.c.number == number, handovers.c.signed_at.is_(None))
            if connection.execute(mine.values(signed_at=stored(now), signed_by=person.id)).rowcount:
                entered = {i.key: i for i in self._added(connection, number)}
                items = {**{i.key: i for i in lines}, **entered}
                rows = [
                    {"handover": number, "item": i.key, "digest": i.digest, "body": kept(i)} for i in items.values()
                ]
                if rows:
                    connection.execute(insert(handover_lines), rows)
            else:
                row = connection.execute(select(handovers).where(handovers.c.number == number)).one()
                if row.signed_by != person.id:
                    raise AlreadyDecided(f"{row.signed_by} signed it off at {self._clock(moment(row.signed_at))}")
        return self.show(slot, place)

    def acknowledge(
        self, person: Person, slot: ShiftSlot, item: str, *, place: str | None = None, seen: str | None = None
    ) -> Line:
        """The item, as it reads now, is acknowledged; once, by one person. seen: the digest that the person saw.

        Raises NotFound, NotPermitted, BadRequest before the sign-off, AlreadyDecided where somebody else was first, and
        ProposalStale where it says something else by now.
        """
        require(ACKNOWLEDGE, self.memory.plant, person, slot)
        document = self.show(slot, place)
        if document.signed_at is None:
            raise BadRequest(f"the handover of {slot.label} is not signed off yet", shift=shift_id(slot))
        if document.signed_by == person.id:
            raise NotPermitted(f"{person.id} signed it off; somebody else acknowledges it", person=person.id)
        line = self._line(document, item)
        if seen is not None and seen != line.digest:
            raise ProposalStale("the item says something else by now; read it again", item=line.id)
        now, table = self.memory.clock(), handover_acknowledgements
        with self.memory.write() as connection:
            number = self._number(connection, slot, place, now)
            this = (table.c.handover == number, table.c.item == line.item.key, table.c.digest == line.digest)
            row = connection.execute(select(table).where(*this)).one_or_none()
            if row is None:
                told = {"handover": number, "item": line.item.key, "digest": line.digest}
                connection.execute(insert(table).values(**told, by=person.id, at=stored(now)))
                return replace(line, acknowledged_by=person.id, acknowledged_at=now)
        if row.by != person.id:
            raise AlreadyDecided(f"{row.by} acknowledged it at {self._clock(moment(row.at))}", item=line.id)
        return replace(line, acknowledged_by=row.by, acknowledged_at=moment(row.at))

    def _enter(
        self, person: Person, slot: ShiftSlot, text: str, *, place: str | None, section: Section, about: str | None
    ) -> str:
        require(ADD, self.memory.plant, person, slot)
        words = storable(" ".join(text.split())[:_LONGEST])
        if not words:
            raise BadRequest("say it in words", lacking="text")
        now, table = self.memory.clock(), handover_entries
        key = f"added {digest_of([person.id, str(section), about, words])}"
        with self.memory.write() as connection:
            number = self._number(connection, slot, place, now)
            if connection.scalar(select(table.c.number).where(table.c.handover == number, table.c.key == key)) is None:
                last = connection.scalar(select(func.max(table.c.number)).where(table.c.handover == number)) or 0
                row = {"handover": number, "number": last + 1, "key": key, "about": about, "section": str(section)}
                connection.execute(insert(table).values(**row, text=words, by=person.id, at=stored(now)))
        return digest_of(key)[:8]

    def _number(self, connection: Connection, slot: ShiftSlot, place: str | None, now: datetime) -> int:
        """The number of the shift's document, which is there from now on; only in the writer's transaction."""
        key = self._key(slot, place)
        found: int | None = connection.scalar(select(handovers.c.number).where(handovers.c.key == key))
        if found is None:
            found = (connection.scalar(select(func.max(handovers.c.number))) or 0) + 1
            connection.execute(insert(handovers).values(number=found, key=key, opened_at=stored(now)))
        return found

    def _whole(self, slot: ShiftSlot, place: str | None) -> Document:
        view = self.memory.view(as_of=self.now)
        drafted = draft(view, slot, place, proposals=self.proposals)
        at, signed = stored(self.now), None
        with self.memory.read() as connection:
            row = connection.execute(select(handovers).where(handovers.c.key == self._key(slot, place))).one_or_none()
            number = row.number if row else -1
            added = list(self._added(connection, number))
            if row and row.signed_at is not None and row.signed_at <= at:
                rows = connection.execute(select(handover_lines).where(handover_lines.c.handover == number))
                signed = {each.item: from_kept(each.body) for each in rows}
            acks = select(handover_acknowledgements).where(handover_acknowledgements.c.handover == number)
            acknowledged = {
                (a.item, a.digest): (a.by, moment(a.at))
                for a in connection.execute(acks.where(handover_acknowledgements.c.at <= at))
            }
            remarks = self._remarks(connection, number)
        found = Cases(self.memory, as_of=self.as_of).list(window=slot.window(), place=place)
        standing = [c for c in found if place or not self.memory.plant.elsewhere(c.place or None)]
        beside = _beside(standing, slot, drafted.items, self.memory.plant)
        items = [_owned(each, standing) for each in together(drafted, [*beside, *added])]
        return Document(
            slot=slot,
            place=place,
            as_of=self.now,
            lines=lines_of(items, signed, acknowledged, remarks),
            missing=drafted.missing,
            remarks=tuple(remarks.get("", ())),
            signed_by=row.signed_by if row and signed is not None else None,
            signed_at=moment(row.signed_at) if row and signed is not None else None,
        )

    def _read(self, document: Document) -> Document:
        """What the reader may see of it. What nobody may quote any more stands there without its words."""
        cited = {c for line in document.lines for c in line.item.cites}
        there = set(self.memory.view(as_of=self.now).records(cited))
        mine = there
        if self.reader.person is not None:
            mine = set(self.memory.view(as_of=self.now, reader=self.reader).records(cited))
        lines = []
        for line in document.lines:
            if line.standing is Standing.GONE and not there.issuperset(line.item.cites):
                lines.append(veiled(line))
            elif mine.issuperset(line.item.cites) and self._may_know(line.item):
                lines.append(line)
        return replace(document, lines=tuple(lines))

    def _may_know(self, item: DraftItem) -> bool:
        if item.section is not Section.FEEDS:
            return True
        return self.reader.may_read_source(item.key.removeprefix("feed "), self.memory.plant)

    def _added(self, connection: Connection, number: int) -> Iterator[DraftItem]:
        table = handover_entries
        query = select(table).where(table.c.handover == number, table.c.about.is_(None), table.c.at <= stored(self.now))
        for row in connection.execute(query.order_by(table.c.number)):
            yield DraftItem(
                key=row.key,
                section=Section(row.section),
                text=row.text,
                kind=Kind.CLAIMED,
                cites=(),
                opened=moment(row.at),
                age_s=max(0.0, (self.now - moment(row.at)).total_seconds()),
                digest=digest_of([row.section, row.text]),
                by=row.by,
            )

    def _remarks(self, connection: Connection, number: int) -> dict[str, list[Remark]]:
        table = handover_entries
        said = (table.c.handover == number, table.c.about.is_not(None), table.c.at <= stored(self.now))
        found: dict[str, list[Remark]] = {}
        for row in connection.execute(select(table).where(*said).order_by(table.c.number)):
            found.setdefault(row.about, []).append(Remark(text=row.text, by=row.by, at=moment(row.at)))
        return found

    def _line(self, document: Document, item: str) -> Line:
        for line in document.lines:
            if item in (line.id, line.item.key):
                return line
        raise NotFound(f"the handover of {document.slot.label} has no item {item!r}", item=item)

    def _key(self, slot: ShiftSlot, place: str | None) -> str:
        return f"{self.memory.plant.site} {shift_id(slot)} {place or ''}"

    def _clock(self, at: datetime) -> str:
        return clock(at, self.memory.plant)


def _owned(item: DraftItem, standing: Iterable[Case]) -> DraftItem:
    """The item with the exception that stands for it: one that the same records opened."""
    for case in standing:
        if not set(case.opened_records).isdisjoint(item.records):
            return replace(item, case=case.id, owner=case.owner or case.role)
    return item


def _beside(standing: Iterable[Case], slot: ShiftSlot, items: Sequence[DraftItem], plant: Plant) -> Iterator[DraftItem]:
    """The exceptions of the shift that no other item tells: those that people reported, and those that are no event or
    state by themselves, as a late delivery or a missing paper."""
    told = {record for item in items for record in item.records}
    words = " ".join(item.text for item in items)
    for case in standing:
        by_hand = case.opened_by != RECORDS and not case.opened_records
        if not by_hand:
            named = re.search(rf"(?<![\w/-]){re.escape(case.subject.id)}(?![\w/-])", words)
            if case.state is State.WITHDRAWN or named or not told.isdisjoint(case.opened_records):
                continue
        over = case.closed_at if by_hand else case.ended
        closed = case.state is State.WITHDRAWN or (over is not None and over <= slot.end)
        section = Section.CARRIED if case.began < slot.start else Section.NEW
        if closed:
            section = Section.CLOSED
        elif by_hand and concerns_safety(case.title):
            section = Section.SAFETY
        since = clock(case.began, plant, relative_to=slot.end)
        reported = f", reported by {case.opened_by}" if by_hand else ""
        yield DraftItem(
            key=f"case {case.id if by_hand else case.key}",
            section=section,
            text=f"{case.title} (since {since}{reported}{', over' if closed else ''}).",
            kind=Kind.CLAIMED if by_hand else Kind.DERIVED,
            cites=case.opened_records[:_CITED],
            opened=case.began,
            age_s=max(0.0, (slot.end - case.began).total_seconds()),
            digest=digest_of([case.title, closed]),
            by=case.opened_by if by_hand else None,
            case=case.id,
            owner=case.owner or case.role,
            records=case.opened_records,
        )
