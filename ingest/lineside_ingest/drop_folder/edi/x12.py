"""856 (advance ship notice) and 214 (shipment status). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from lineside.errors import UnreadableMessage
from lineside.plant.row_values import Moment, Notation
from lineside_ingest.drop_folder.edi.logistics import CODES, Advice, Line, Status, Unit, preferred
from lineside_ingest.drop_folder.edi.segments import Document, Segment
from lineside_ingest.drop_folder.values import Saying, codes, moment


def advice(document: Document) -> Advice:
    """What an 856 says. Raises UnreadableMessage where it has no number."""
    return _ShipNotice(document).advice


def statuses(document: Document, saying: Saying, references: Sequence[str] = ()) -> list[Status]:
    """What a 214 says. references: which L11 names the shipment, instead of B10's."""
    wanted = list(references) or _codes()["shipment"]
    head = next((each for each in document.segments if each.tag == "B10"), None)
    known = {each.get(2): each.get(1) for each in document.segments if each.tag == "L11" and each.get(1)}
    named = "" if head is None else head.get(2) or head.get(1)
    shipment = preferred(known, wanted) if references or not named else named
    if not shipment:
        raise UnreadableMessage("a 214 that names no shipment")
    found: list[Status] = []
    for each in document.segments:
        if each.tag == "AT7":
            appointment = each.get(3) if not each.get(1) else ""
            found.append(
                Status(
                    shipment=shipment,
                    code=each.get(1) or appointment,
                    codes="x12_appointment" if appointment else "x12",
                    at=_moment(each.get(5), each.get(6), each.get(7), saying.notation),
                    reason=each.get(2) or each.get(4),
                    carrier="" if head is None else head.get(3),
                    references=known,
                )
            )
        elif each.tag == "MS1" and found and not found[-1].place:
            place = ", ".join(part for part in (each.get(1), each.get(2), each.get(3)) if part)
            found[-1] = replace(found[-1], place=place)
    if not found:
        raise UnreadableMessage("a 214 without AT7")
    return found


def document_time(document: Document) -> str:
    """When an 856 was written, by BSN; empty where it does not say."""
    head = next((each for each in document.segments if each.tag == "BSN"), None)
    return "" if head is None else head.get(3) + head.get(4)[:4]


class _ShipNotice:
    def __init__(self, document: Document) -> None:
        self._codes = _codes()
        self.advice = Advice()
        self._parents: dict[str, str] = {}
        self._orders: dict[str, tuple[str, str]] = {}
        self._packs: dict[str, list[Unit]] = {}
        self._level = ""
        self._line: Line | None = None
        self._lines: list[tuple[str, Line]] = []
        for segment in document.segments:
            self._take(segment)
        if not self.advice.number:
            raise UnreadableMessage("an 856 without a number in BSN")
        self._join()
        departs, written = self.advice.departs, document_time(document)
        self.advice.departed = bool(departs and written) and departs[:8] <= written[:8]

    def _take(self, segment: Segment) -> None:
        match segment.tag:
            case "BSN":
                self.advice.number = segment.get(2)
                self.advice.cancelled = segment.get(1) in self._codes["cancellation"]
            case "HL":
                self._level, self._line = segment.get(1), None
                self._parents[self._level] = segment.get(2)
                if segment.get(3) == "I":
                    self._line = Line()
                    self._lines.append((self._level, self._line))
            case "PRF":
                self._orders[self._level] = (segment.get(1), segment.get(5))
            case "TD5":
                self.advice.carrier = self.advice.carrier or segment.get(5) or segment.get(3)
            case "N1" if segment.get(1) in self._codes["supplier"]:
                self.advice.supplier = self.advice.supplier or segment.get(2) or segment.get(4)
            case "DTM":
                self._time(segment)
            case "MAN" if segment.get(1) in self._codes["handling_unit"]:
                unit = Unit(segment.get(2))
                self.advice.units.append(unit)
                self._packs.setdefault(self._level, []).append(unit)
            case tag:
                if self._line is not None:
                    self._detail(self._line, tag, segment)

    def _detail(self, line: Line, tag: str, segment: Segment) -> None:
        """What belongs to one item."""
        match tag:
            case "LIN":
                self._item(line, segment)
            case "SN1":
                line.quantity, line.unit = segment.get(2), segment.get(3)
            case "PID":
                line.description = line.description or segment.get(5)
            case "REF" if segment.get(1) in self._codes["lot_reference"]:
                line.lot = line.lot or segment.get(2)
            case "REF" if segment.get(1) in self._codes["order_line_reference"]:
                line.order_line = line.order_line or segment.get(2)

    def _time(self, segment: Segment) -> None:
        code, written = segment.get(1), segment.get(2) + segment.get(3)[:4]
        if self._line is not None and code in self._codes["expiry"]:
            self._line.expires = segment.get(2)
        elif code in self._codes["departure"]:
            self.advice.departs = self.advice.departs or written
        elif code in self._codes["arrival"]:
            self.advice.eta = self.advice.eta or written

    def _item(self, line: Line, segment: Segment) -> None:
        pairs = {segment.get(n): segment.get(n + 1) for n in range(2, len(segment.elements), 2)}
        line.material = preferred(pairs, self._codes["material"])
        line.lot = line.lot or preferred(pairs, self._codes["lot"])
        line.order_line = preferred(pairs, self._codes["order_line"]) or line.order_line or segment.get(1)

    def _join(self) -> None:
        """Each item learns its order and its packages from the levels above it, wherever these stand."""
        for level, line in self._lines:
            at, seen = level, set[str]()
            while at and at not in seen:  # a loop in the tree must not hang us
                seen.add(at)
                if at in self._orders and not line.order:
                    line.order, of_line = self._orders[at]
                    line.order_line = line.order_line or of_line
                for unit in self._packs.get(at, []):
                    unit.lines.append(line)
                at = self._parents.get(at, "")
            self.advice.lines.append(line)


def _codes() -> dict[str, Any]:
    found: dict[str, Any] = codes(CODES)["x12"]
    return found


def _moment(date: str, time: str, zone: str, notation: Notation) -> Moment | None:
    if not date:
        return None
    known = _codes()["zones"].get(zone, "")
    written = date + time[:4]
    if known[:1] in {"+", "-"}:
        day, clock = written[:8], written[8:].ljust(4, "0")
        return moment(f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:]}:00{known}", notation)
    return moment(written, replace(notation, time_zone=ZoneInfo(known)) if known else notation)
