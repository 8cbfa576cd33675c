"""What despatch advices and status messages say, whatever their standard, and the records of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lineside.plant.records import Json
from lineside.plant.row_values import Moment, Notation
from lineside_ingest.drop_folder.values import Saying, codes, quantity

CODES = "edi/codes.toml"


@dataclass(slots=True)
class Line:
    """One item of a despatch advice, as written; empty where it says nothing."""

    order: str = ""
    order_line: str = ""
    sales_order: str = ""
    material: str = ""
    description: str = ""
    quantity: str = ""
    unit: str = ""
    lot: str = ""
    expires: str = ""


@dataclass(slots=True)
class Unit:
    """A pallet or package with its number, and the items that are in it."""

    number: str
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Advice:
    """A despatch advice. Times are written as `row_values.moment` reads them."""

    number: str = ""
    cancelled: bool = False
    departs: str = ""
    departed: bool = False
    eta: str = ""
    carrier: str = ""
    supplier: str = ""
    lines: list[Line] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One thing that happened to a shipment. code: as sent; list: the code list of codes.toml that explains it."""

    shipment: str
    code: str
    codes: str
    at: Moment | None = None
    eta: str = ""
    place: str = ""
    reason: str = ""
    carrier: str = ""
    references: Mapping[str, str] = field(default_factory=dict)


def tell_advice(advice: Advice, saying: Saying) -> None:
    """The records of a despatch advice: the shipment, its document, lots, packages and the order lines it serves."""
    shipment = f"shipment:{advice.number}"
    if advice.cancelled:
        attributes: dict[str, Json] = {"document": advice.number}
        saying.add("event", {"kind": "cancelled", "shipment": advice.number, "attributes": attributes})
        return
    saying.report(
        shipment,
        {
            "lines": [_line(each, saying) for each in advice.lines],
            "carrier": advice.carrier,
            "supplier": advice.supplier,
            "planned_departure": saying.time(advice.departs),
            "eta": saying.time(advice.eta),
            "status": "departed" if advice.departed else "planned",
        },
    )
    saying.report(f"document:delivery_note/{advice.number}", {"subject": shipment, "status": "issued"})
    for line in advice.lines:
        if line.order:
            entity = f"purchase_order_line:{line.order}" + (f"/{line.order_line}" if line.order_line else "")
            known: dict[str, Json] = {
                "material": line.material,
                "supplier": advice.supplier,
                "eta": saying.time(advice.eta),
                "shipment": advice.number,
            }
            saying.report(entity, known)
            # What is under way is not what was ordered, so it has a scope of its own.
            saying.report(entity, {"quantity": _quantity(line, saying)}, scope="in_transit")
    for lot, lines in _by_lot(advice.lines).items():
        saying.report(
            f"lot:{lot}",
            {
                "material": lines[0].material,
                "supplier": advice.supplier,
                "expires_at": saying.time(lines[0].expires),
            },
        )
    for unit in advice.units:
        only = unit.lines[0] if len(unit.lines) == 1 else None
        saying.report(
            f"handling_unit:{unit.number}",
            {
                "shipment": advice.number,
                "lot": only.lot if only else None,
                "material": only.material if only else None,
                "quantity": _quantity(only, saying) if only else None,
                "lines": [_line(each, saying) for each in unit.lines] if len(unit.lines) > 1 else None,
            },
        )


def tell_status(status: Status, saying: Saying) -> None:
    """The records of one status: an event where the code means one, and what is known of the shipment then."""
    meaning: Mapping[str, Json] = codes(CODES)["status"][status.codes].get(status.code, {})
    eta = saying.time(status.eta) or (status.at.at.isoformat() if meaning.get("eta") and status.at else None)
    kind = "eta_changed" if meaning.get("eta") else meaning.get("kind")
    attributes: dict[str, Json] = {
        "code": status.code,
        "place": status.place,
        "reason": status.reason,
        "to": eta if kind == "eta_changed" else None,
        "references": dict(status.references),
    }
    # When an arrival is estimated says nothing of when that was said.
    at = None if meaning.get("eta") else status.at
    if kind:
        filled: dict[str, Json] = {name: value for name, value in attributes.items() if value}
        saying.add("event", {"kind": kind, "shipment": status.shipment, "attributes": filled}, at=at)
    saying.report(
        f"shipment:{status.shipment}",
        {
            "status": meaning.get("status") or (None if meaning else status.code),
            "eta": eta,
            "place": status.place,
            "carrier": status.carrier,
        },
        at=at,
    )


def preferred(found: Mapping[str, str], wanted: list[str]) -> str:
    """The value of the first wanted code that has one."""
    return next((found[code] for code in wanted if found.get(code)), "")


def _quantity(line: Line, saying: Saying) -> Json:
    """Both marks are decimal ones: neither standard groups thousands."""
    notation = Notation(time_zone=saying.notation.time_zone)
    return quantity(line.quantity.replace(",", "."), line.unit, notation) if line.quantity else None


def _line(line: Line, saying: Saying) -> dict[str, Json]:
    order = f"{line.order}/{line.order_line}" if line.order and line.order_line else line.order
    said: dict[str, Json] = {
        "purchase_order_line": order,
        "sales_order": line.sales_order,
        "material": line.material,
        "description": line.description,
        "quantity": _quantity(line, saying),
        "lot": line.lot,
    }
    return {name: value for name, value in said.items() if value not in (None, "")}


def _by_lot(lines: list[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        if line.lot:
            found.setdefault(line.lot, []).append(line)
    return found
