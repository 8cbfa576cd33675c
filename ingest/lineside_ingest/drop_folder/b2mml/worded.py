"""How B2MML words quantities, places, equipment and properties, over its versions. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.plant.records import Json
from lineside_ingest.drop_folder.b2mml.tree import Element, child, children, first, local, text
from lineside_ingest.drop_folder.values import Saying, codes, quantity

_SCOPES = ("HierarchyScope", "Location")
_NUMERIC = {"decimal", "double", "float", "int", "integer", "long", "numeric", "quantity", "measure", "amount"}


def code(table: str, written: str) -> str:
    """What a code means; as it came where it is not known."""
    found: str = codes("b2mml/codes.toml")[table].get(written.replace(" ", "").replace("_", "").lower(), written)
    return found


def described(element: Element) -> str:
    return " ".join(said for each in children(element, "Description") if (said := (each.text or "").strip()))


def amount(element: Element, saying: Saying) -> Json:
    """A Quantity as `{value, unit}`: `QuantityString` beside `UnitOfMeasure`, or a bare number."""
    written = first(element, "QuantityString", "Quantity") or (element.text or "").strip()
    return quantity(written, text(element, "UnitOfMeasure"), saying.notation) if written else None


def measured(element: Element, saying: Saying) -> Json:
    """The element's first Quantity that says anything."""
    for each in children(element, "Quantity"):
        if (found := amount(each, saying)) is not None:
            unit = first(element, "QuantityUnitOfMeasure")
            return {"value": found, "unit": unit} if unit and not isinstance(found, dict) else found
    return None


def place(element: Element) -> str:
    """Where a thing is stored, in the source's own words."""
    for name in ("StorageLocation", "OperationalLocation", "SpatialDefinition", *_SCOPES):
        found = child(element, name)
        if found is None:
            continue
        said = (found.text or "").strip() or first(found, "ID", "OperationalLocationID", "Value")
        if said := said or "/".join(scope(found)):
            return said
    return ""


def scope(element: Element) -> list[str]:
    """The equipment of a hierarchy scope from its site down."""
    parts: list[str] = []
    current: Element | None = element
    while current is not None:
        level = first(current, "EquipmentLevel", "EquipmentElementLevel").lower()
        own = first(current, "EquipmentID")
        if own and level != "enterprise":
            parts.append(own)
        current = next((each for each in current if local(each) in _SCOPES), None)
    return parts


def scope_of(element: Element) -> list[str]:
    """The equipment that an element says it concerns, from its site down."""
    return next((scope(each) for each in element if local(each) in _SCOPES), [])


def equipment_path(element: Element, *, own: str, above: Sequence[str] = ()) -> str:
    """`site/area/line`: the scope that the element names, what stands above it, and its own id."""
    around = scope_of(element)
    parts = [*(around or above), *([own] if own else [])]
    kept = [part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1]]
    return "/".join(kept).lower()


def properties(element: Element, saying: Saying) -> dict[str, Json]:
    """The element's own properties, nested ones as `outer.inner`."""
    found: dict[str, Json] = {}
    waiting = [("", each) for each in element if local(each) == f"{local(element)}Property"]
    while waiting:
        before, each = waiting.pop(0)
        name = before + text(each, "ID")
        value = child(each, "Value")
        if name and value is not None:
            written, unit = text(value, "ValueString") or (value.text or "").strip(), text(value, "UnitOfMeasure")
            is_number = text(value, "DataType").lower() in _NUMERIC or bool(unit)
            if written:
                found[name] = quantity(written, unit, saying.notation) if is_number else written
        waiting += [(f"{name}.", inner) for inner in each if local(inner) == local(each)]
    return found
