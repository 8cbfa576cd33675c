"""A handover as people see it: what was signed off beside what the records say now, and what of it is acknowledged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from lineside.interpretation.handover_draft import ORDER, Draft, DraftItem, Section, digest_of
from lineside.interpretation.reading import Kind
from lineside.plant.calendar import ShiftSlot

TAKEN_BACK = "taken back"


class Standing(StrEnum):
    """How an item stands to what was signed off."""

    DRAFTED = "drafted"
    SIGNED = "signed off"
    CHANGED = "changed since"
    CAME = "came since"
    GONE = "no longer told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What somebody added in words."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One item and how it stands. was: what was signed off, where that has changed. digest: what is acknowledged."""

    item: DraftItem
    standing: Standing
    digest: str
    was: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def id(self) -> str:
        """Its short name, the same in every draft."""
        return id_of(self.item.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The handover of a shift for a place (None: the whole site), by what was known at `as_of`."""

    slot: ShiftSlot
    place: str | None
    as_of: datetime
    lines: tuple[Line, ...]
    missing: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    signed_by: str | None = None
    signed_at: datetime | None = None

    @property
    def id(self) -> str:
        """Of its shift: the day and the name."""
        return shift_id(self.slot)

    @property
    def digest(self) -> str:
        """Of all that it says."""
        return digest_of([[line.item.key, line.digest] for line in self.lines])

    @property
    def waiting(self) -> Sequence[Line]:
        """What the incoming shift has yet to acknowledge; nothing before it is signed off."""
        return [each for each in self.lines if self.signed_at and each.acknowledged_at is None]

    def sections(self) -> Mapping[Section, Sequence[Line]]:
        """The lines by section, in reading order; empty sections are left out."""
        found: dict[Section, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.item.section, []).append(line)
        return found


def shift_id(slot: ShiftSlot) -> str:
    """The day and the name of a shift, as in `2026-11-20-night`."""
    return f"{slot.day.isoformat()}-{slot.name}"


def id_of(key: str) -> str:
    """The short name of an item."""
    return digest_of(key)[:8]


def lines_of(
    now: Iterable[DraftItem],
    signed: Mapping[str, DraftItem] | None,
    acknowledged: Mapping[tuple[str, str], tuple[str, datetime]],
    remarks: Mapping[str, Sequence[Remark]],
) -> tuple[Line, ...]:
    """Each item once, in reading order. signed: by key, None before the sign-off; acknowledged: by key and digest."""
    current = {item.key: item for item in now}
    if signed is not None:
        # What is proposed passes by its own ways; the handover says what was open when it was signed off.
        current = {k: i for k, i in current.items() if i.section is not Section.PROPOSALS}
        current |= {k: i for k, i in signed.items() if i.section is Section.PROPOSALS}
    found = []
    for key in {**(signed or {}), **current}:
        item, before = current.get(key), (signed or {}).get(key)
        if item is None and before is not None:
            line = Line(item=before, standing=Standing.GONE, digest=digest_of(["gone", before.digest]))
        elif item is not None:
            standing = Standing.DRAFTED
            if signed is not None:
                standing = Standing.CAME if before is None else Standing.SIGNED
            changed = before is not None and before.digest != item.digest
            line = Line(
                item=item,
                standing=Standing.CHANGED if changed else standing,
                digest=item.digest,
                was=before.text if changed and before is not None else None,
            )
        by, at = acknowledged.get((key, line.digest), (None, None))
        found.append(
            replace(line, acknowledged_by=by, acknowledged_at=at, remarks=tuple(remarks.get(key, ())))
        )  # fmt: skip
    return tuple(
        sorted(found, key=lambda each: (ORDER[each.item.section], _opened(each.item), each.item.key))
    )  # fmt: skip


def veiled(line: Line) -> Line:
    """The line without its words: the records behind it were taken back, and nobody may quote them any more."""
    said = f"An item that was signed off here; its records were {TAKEN_BACK} since."
    return replace(line, item=replace(line.item, text=said, cites=(), facts=()), was=None)


def kept(item: DraftItem) -> str:
    """The item as it is stored."""
    fields = {name: getattr(item, name) for name in DraftItem.__slots__}
    fields["opened"] = item.opened.isoformat() if item.opened else None
    return json.dumps(fields, sort_keys=True)


def from_kept(body: str) -> DraftItem:
    """The item that was stored."""
    fields: dict[str, Any] = json.loads(body)
    fields |= {
        "section": Section(fields["section"]),
        "kind": Kind(fields["kind"]),
        "cites": tuple(fields["cites"]),
        "facts": tuple(fields["facts"]),
        "records": tuple(fields["records"]),
        "opened": datetime.fromisoformat(fields["opened"]) if fields["opened"] else None,
    }
    return DraftItem(**fields)


def together(drafted: Draft, extra: Iterable[DraftItem]) -> list[DraftItem]:
    """What the records tell and what is beside them, each key once."""
    found = {item.key: item for item in drafted.items}
    for item in extra:
        found.setdefault(item.key, item)
    return list(found.values())


def _opened(item: DraftItem) -> str:
    return item.opened.isoformat() if item.opened else ""
