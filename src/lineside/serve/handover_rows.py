"""Handovers as the faces show them: the shift and place that are meant, as data, and as text for people and Slack."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime

from lineside.actions import State
from lineside.app import Lineside
from lineside.cases.handover_document import Document, Line, Remark, Standing, shift_id
from lineside.cases.handover_ledger import Handovers, Kept
from lineside.errors import BadRequest, NotFound
from lineside.interpretation.handover_draft import DraftItem, Section, digest_of
from lineside.interpretation.reading import Kind, clock
from lineside.memory import Reader
from lineside.plant.calendar import ShiftCalendar, ShiftSlot
from lineside.plant.named_shifts import named_shift
from lineside.plant.records import Json
from lineside.plant.timeline import duration

NOW = "now"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def slot_for(lineside: Lineside, shift: str = NOW, at: datetime | None = None) -> ShiftSlot:
    """The shift that is meant: `now` (the one at work, else the last), a name with a day or without one, in any order,
    as in `2026-11-20-night`. Raises BadRequest, and NotFound where no such shift is worked."""
    calendar, now = ShiftCalendar(lineside.plant), at or lineside.clock()
    if not lineside.plant.shifts:
        raise BadRequest("the plant file names no shifts: add [[shifts]] to plant.toml")
    day = _DAY.search(shift)
    name = " ".join(_DAY.sub(" ", shift).strip(" -").split())
    if not day and name.casefold() in ("", NOW):
        found = calendar.at(now) or calendar.previous(now)
        if found is None:
            raise NotFound("no shift was worked yet")
        return found
    pattern = named_shift(name, lineside.plant)
    if pattern is None:
        known = ", ".join(s.name for s in lineside.plant.shifts)
        raise BadRequest(f"{shift!r} names no shift; write {known}, with a day as in 2026-11-20-{known.split(',')[0]}")
    if day:
        return _on_day(calendar, pattern.name, day.group(), shift)
    running, before = calendar.at(now), calendar.previous(now)
    while before is not None and running is None:
        running, before = before, calendar.previous(before.start)
    while running is not None and running.name != pattern.name:
        running = calendar.previous(running.start)
    if running is None:
        raise NotFound(f"no shift {pattern.name} was worked yet")
    return running


def place_for(lineside: Lineside, equipment: str | None) -> str | None:
    """The path of the equipment that is meant by path, name or alias; None for the whole site. Raises BadRequest."""
    if not equipment or equipment == lineside.plant.site:
        return None
    wanted = equipment.strip().strip("/").casefold()
    for each in lineside.plant.equipment:
        if wanted in (name.casefold() for name in each.names()):
            return each.id
    if wanted.startswith(f"{lineside.plant.site.casefold()}/"):
        return wanted  # records may name more equipment than the plant file
    raise BadRequest(f"the plant file knows no equipment {equipment!r}", equipment=equipment)


def reading(lineside: Lineside, reader: Reader, at: datetime | None = None) -> Handovers:
    """The handovers as this reader may see them, as they stood at `at`, by default now."""
    return Handovers(lineside.memory, reader=reader, as_of=at, proposals=proposed(lineside, at))


def proposed(lineside: Lineside, at: datetime | None = None) -> list[DraftItem]:
    """The proposals that wait for a decision."""
    now = at or lineside.clock()
    return [
        DraftItem(
            key=f"proposal {p.id}",
            section=Section.PROPOSALS,
            text=f"{p.id}: {p.bound['title']}, {p.entity}; asked by {p.requester}, "
            f"decide by {clock(p.expires_at, lineside.plant)}.",
            kind=Kind.FACT,
            cites=(),
            opened=p.created_at,
            age_s=max(0.0, (now - p.created_at).total_seconds()),
            digest=digest_of(p.id),
        )
        for p in lineside.ledger.list(states=[State.PENDING])
        if p.created_at <= now < p.expires_at
    ]


def row(lineside: Lineside, document: Document) -> dict[str, Json]:
    """The whole document as data."""
    return {
        "id": document.id,
        "shift": document.slot.label,
        "crew": document.slot.crew,
        "equipment": document.place,
        "from": _local(lineside, document.slot.start),
        "to": _local(lineside, document.slot.end),
        "as_of": _local(lineside, document.as_of),
        "digest": document.digest,
        "signed_by": document.signed_by,
        "signed_at": _local(lineside, document.signed_at),
        "waiting": len(document.waiting),
        "sections": [
            {"section": str(section), "items": [line_row(lineside, each) for each in lines]}
            for section, lines in document.sections().items()
        ],
        "comments": [_remark(lineside, each) for each in document.remarks],
        "missing": list(document.missing),
    }


def line_row(lineside: Lineside, line: Line) -> dict[str, Json]:
    """One item as data."""
    item = line.item
    return {
        "id": line.id,
        "text": item.text,
        "kind": str(item.kind),
        "standing": str(line.standing),
        "was": line.was,
        "late": item.late,
        "since": _local(lineside, item.opened),
        "age_s": item.age_s,
        "by": item.by,
        "case": item.case,
        "owner": item.owner,
        "citations": list(item.cites),
        "plant_facts": list(item.facts),
        "digest": line.digest,
        "acknowledged_by": line.acknowledged_by,
        "acknowledged_at": _local(lineside, line.acknowledged_at),
        "comments": [_remark(lineside, each) for each in line.remarks],
    }


def kept_row(lineside: Lineside, kept: Kept) -> dict[str, Json]:
    """A shift of the list."""
    return {
        "id": shift_id(kept.slot),
        "shift": kept.slot.label,
        "crew": kept.slot.crew,
        "from": _local(lineside, kept.slot.start),
        "to": _local(lineside, kept.slot.end),
        "signed_by": kept.signed_by,
        "signed_at": _local(lineside, kept.signed_at),
    }


def message(lineside: Lineside, document: Document) -> str:
    """The document as a Slack message: its marks, and no text of the plant that Slack would take for a command."""
    return "\n".join(lines(lineside, document, bold=lambda text: f"*{text}*", escape=_escaped))


def lines(
    lineside: Lineside,
    document: Document,
    *,
    bold: Callable[[str], str] = str,
    escape: Callable[[str], str] = str,
) -> Iterator[str]:
    """The document line by line, its ids in front for who acknowledges it."""
    slot, plant = document.slot, lineside.plant
    place = f", {plant.called(document.place)}" if document.place else ""
    crew = f" ({slot.crew})" if slot.crew else ""
    yield bold(escape(f"Handover of {slot.label}{crew}{place}"))
    if document.signed_at:
        waiting = f"{len(document.waiting)} to acknowledge" if document.waiting else "all acknowledged"
        signed = f"Signed off by {document.signed_by} at {clock(document.signed_at, plant)}; {waiting}."
        yield escape(signed)
    else:
        yield escape(f"A draft as of {clock(document.as_of, plant)}; not signed off yet.")
    for section, found in document.sections().items():
        yield ""
        yield bold(escape(str(section)[:1].upper() + str(section)[1:]))
        for each in found:
            yield f"• {escape(f'[{each.id}] {each.item.text}{notes_on(lineside, each)}')}"
            for remark in each.remarks:
                yield f"    {escape(f'{remark.by}: {remark.text}')}"
    if document.remarks:
        yield ""
        yield bold("Comments")
        yield from (f"• {escape(f'{each.by}: {each.text}')}" for each in document.remarks)
    for lacking in document.missing:
        yield escape(f"Missing: {lacking}")


def notes_on(lineside: Lineside, line: Line) -> str:
    """What is to be known about an item besides its words."""
    item, told = line.item, []
    if item.section in (Section.CARRIED, Section.SAFETY) and item.age_s:
        told.append(f"{duration(item.age_s)} old")
    if item.kind is Kind.CLAIMED and not item.by:
        told.append("claimed, not verified")
    if item.by:
        told.append(f"added by {item.by}")
    if item.case and item.owner:
        told.append(f"{item.case}, {item.owner} has it")
    if item.late:
        told.append("reported after the shift")
    if line.standing in (Standing.CHANGED, Standing.CAME, Standing.GONE):
        told.append(f"{line.standing} the sign-off" if line.standing is not Standing.GONE else str(line.standing))
    if line.acknowledged_at:
        told.append(f"acknowledged by {line.acknowledged_by} at {clock(line.acknowledged_at, lineside.plant)}")
    return f" ({'; '.join(told)})" if told else ""


def _on_day(calendar: ShiftCalendar, name: str, day: str, asked: str) -> ShiftSlot:
    try:
        found = calendar.slot(name, date.fromisoformat(day))
    except ValueError as error:
        raise BadRequest(f"{asked!r} has no day of the calendar in it") from error
    if found is None:
        raise NotFound(f"no shift {name} is worked on {day}", shift=asked)
    return found


def _remark(lineside: Lineside, remark: Remark) -> dict[str, Json]:
    return {"text": remark.text, "by": remark.by, "at": _local(lineside, remark.at)}


def _local(lineside: Lineside, at: datetime | None) -> str | None:
    return at.astimezone(lineside.plant.time_zone).isoformat() if at else None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
