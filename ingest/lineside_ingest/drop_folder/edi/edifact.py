"""DESADV and IFTSTA. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineside.errors import UnreadableMessage
from lineside.plant.row_values import Moment
from lineside_ingest.drop_folder.edi.logistics import CODES, Advice, Line, Status, Unit, preferred
from lineside_ingest.drop_folder.edi.segments import Document, Segment
from lineside_ingest.drop_folder.values import Saying, codes, moment

_FORMATS = {
    "101": "20{0:.6}", "102": "{0:.8}", "201": "20{0:.10}", "203": "{0:.12}", "204": "{0:.14}", "303": "{0:.12}",
    "304": "{0:.14}", "205": "{0:.12}", "718": "{0:.8}", "719": "{0:.12}",
}  # fmt: skip


def advice(document: Document) -> Advice:
    """What a DESADV says. Raises UnreadableMessage where it has no number."""
    return _Despatch(document).advice


def statuses(document: Document, saying: Saying, references: Sequence[str] = ()) -> list[Status]:
    """What an IFTSTA says. references: which reference names the shipment, instead of the usual ones."""
    wanted = list(references) or _codes()["shipment"]
    heads, groups = _consignments(document.segments)
    number = next((each.get(2) for each in document.segments if each.tag == "BGM"), "")
    found = []
    for group in groups:
        shared = {**_references(heads), **_references(_until_status(group))}
        consignment = next((each.get(2) for each in group if each.tag == "CNI"), "")
        for block in _blocks(group):
            known = {**shared, **_references(block)}
            times = _times(block)
            at = preferred(times, _codes()["status_time"])
            sts = block[0]
            reason = sts.get(3, 4) or sts.get(3)
            shipment = preferred(known, wanted) or consignment or number
            if not shipment:
                raise UnreadableMessage("a status that names no shipment")
            found.append(
                Status(
                    shipment=shipment,
                    code=sts.get(2) or sts.get(1, 2),
                    codes="edifact",
                    at=_moment(at, saying),
                    eta=preferred(times, _codes()["estimated_arrival"]),
                    place=next((each.get(2, 4) or each.get(2) for each in block if each.tag == "LOC"), ""),
                    reason=sts.get(2, 4) or reason,
                    carrier=next((_carrier(each) for each in block if each.tag == "TDT"), ""),
                    references=known,
                )
            )
    if not found:
        raise UnreadableMessage("an IFTSTA without STS")
    return found


def document_time(document: Document) -> str:
    """When the message was written, by its head; empty where it does not say."""
    head = []
    for each in document.segments:
        if each.tag in {"CPS", "CNI", "STS", "LIN"}:
            break
        head.append(each)
    return preferred(_times(head), _codes()["document_time"])


class _Despatch:
    def __init__(self, document: Document) -> None:
        self._codes = _codes()
        self.advice = Advice()
        self._line: Line | None = None
        self._items: dict[str, str] = {}  # the item's numbers by their code
        self._packed: list[Unit] = []  # the packages of this level
        self._order = self._sales_order = ""
        self._written = document_time(document)
        for segment in document.segments:
            self._take(segment)
        if not self.advice.number:
            raise UnreadableMessage("a DESADV without a number in BGM")
        departs = self.advice.departs
        self.advice.departed = bool(departs and self._written) and departs[:8] <= self._written[:8]

    def _take(self, segment: Segment) -> None:
        match segment.tag:
            case "BGM":
                self.advice.number = segment.get(2)
                self.advice.cancelled = segment.get(3) in self._codes["cancellation"]
            case "DTM":
                self._time(segment)
            case "NAD":
                if segment.get(1) in self._codes["supplier"] and not self.advice.supplier:
                    self.advice.supplier = segment.get(4) or segment.get(2) or segment.get(3)
            case "TDT":
                self.advice.carrier = self.advice.carrier or _carrier(segment)
            case "RFF":
                self._reference(segment)
            case "CPS":
                self._line, self._packed = None, []
            case "GIN":
                self._numbers(segment)
            case "LIN":
                self._item(segment)
            case tag:
                if self._line is not None:
                    self._detail(self._line, tag, segment)

    def _detail(self, line: Line, tag: str, segment: Segment) -> None:
        """What belongs to one item."""
        pairs = [(segment.get(place, 2), segment.get(place)) for place in range(2, len(segment.elements) + 1)]
        match tag:
            case "PIA":
                for code, number in pairs:
                    self._number_of(line, code, number)
            case "IMD":
                line.description = line.description or segment.get(3, 4) or segment.get(3)
            case "QTY":
                if segment.get(1) in self._codes["dispatched_quantity"] and not line.quantity:
                    line.quantity, line.unit = segment.get(1, 2), segment.get(1, 3)
            case "GIR":
                line.lot = line.lot or next((number for code, number in pairs if code in self._codes["lot"]), "")

    def _time(self, segment: Segment) -> None:
        code, written = segment.get(1), _written(segment)
        if self._line is not None:
            if code in self._codes["expiry"]:
                self._line.expires = written
        elif code in self._codes["departure"]:
            times = {code: written, "": self.advice.departs}
            self.advice.departs = preferred(times, [*self._codes["departure"], ""])
        elif code in self._codes["arrival"]:
            self.advice.eta = self.advice.eta or written

    def _reference(self, segment: Segment) -> None:
        code, number, of_line = segment.get(1), segment.get(1, 2), segment.get(1, 3)
        line = self._line
        if code in self._codes["purchase_order"]:
            if line is None:
                self._order = number
            else:
                line.order, line.order_line = number, of_line or line.order_line
        elif code in self._codes["sales_order"]:
            if line is None:
                self._sales_order = number
            else:
                line.sales_order = number
        elif line is not None and code in self._codes["lot_reference"]:
            line.lot = line.lot or number
        elif line is not None and code == "LI":
            line.order_line = line.order_line or number

    def _numbers(self, segment: Segment) -> None:
        named = [segment.get(place) for place in range(2, len(segment.elements) + 1) if segment.get(place)]
        if segment.get(1) in self._codes["handling_unit"]:
            units = [Unit(number) for number in named]
            self.advice.units += units
            if self._line is None:
                self._packed += units
            else:
                for unit in units:
                    unit.lines.append(self._line)
        elif segment.get(1) in self._codes["lot"] and self._line is not None and named:
            self._line.lot = self._line.lot or named[0]

    def _item(self, segment: Segment) -> None:
        line = Line(order=self._order, sales_order=self._sales_order)
        self._line, self._items = line, {}
        self._number_of(line, segment.get(3, 2), segment.get(3))
        self.advice.lines.append(line)
        for unit in self._packed:
            unit.lines.append(line)

    def _number_of(self, line: Line, code: str, number: str) -> None:
        if code in self._codes["lot"]:
            line.lot = line.lot or number
        elif number:
            self._items.setdefault(code, number)
            line.material = preferred(self._items, self._codes["material"]) or next(iter(self._items.values()))


def _codes() -> dict[str, Any]:
    found: dict[str, Any] = codes(CODES)["edifact"]
    return found


def _written(segment: Segment) -> str:
    """The time of a DTM as `row_values.moment` reads it."""
    code, value, form = (segment.get(1, place) for place in (1, 2, 3))
    if not value:
        return ""
    if form and form not in _FORMATS:
        raise UnreadableMessage(f"DTM {code}: times of the form {form} are not known")
    return _FORMATS.get(form, "{0}").format(value)


def _times(segments: Sequence[Segment]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in segments:
        if each.tag == "DTM":
            found.setdefault(each.get(1), _written(each))
    return found


def _references(segments: Sequence[Segment]) -> dict[str, str]:
    return {each.get(1): each.get(1, 2) for each in segments if each.tag == "RFF" and each.get(1, 2)}


def _moment(written: str, saying: Saying) -> Moment | None:
    return moment(written, saying.notation) if written else None


def _carrier(segment: Segment) -> str:
    return segment.get(5, 4) or segment.get(5)


def _consignments(segments: Sequence[Segment]) -> tuple[list[Segment], list[list[Segment]]]:
    """The segments before the first consignment, and those of each; a message without CNI is one consignment."""
    heads: list[Segment] = []
    groups: list[list[Segment]] = []
    for each in segments:
        if each.tag == "CNI" or (each.tag == "STS" and not groups):
            groups.append([])
        (groups[-1] if groups else heads).append(each)
    return heads, groups


def _until_status(group: Sequence[Segment]) -> list[Segment]:
    place = next((n for n, each in enumerate(group) if each.tag == "STS"), len(group))
    return list(group[:place])


def _blocks(group: Sequence[Segment]) -> list[list[Segment]]:
    blocks: list[list[Segment]] = []
    for each in group:
        if each.tag == "STS":
            blocks.append([each])
        elif blocks:
            blocks[-1].append(each)
    return blocks
