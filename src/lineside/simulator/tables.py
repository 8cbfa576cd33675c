"""The tables in which the plant's systems keep their facts, in each system's own words.

Each table is append-only: a changed thing is a new row. From one description come the rows that a system serves and
the mapping with which a connector reads them back, so that the two can't drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lineside.plant.records import SUBJECTS, Json, RecordType

MATERIAL_KINDS: Final = ("goods_receipt", "goods_issue", "transfer", "production", "consumption", "scrap", "count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """columns: property (or event field) to the system's column. codes: column to {its code: our word}.

    entity: kind of a report's entity; empty for events. kinds: which events it holds, empty for all the rest.
    key: the row's number; about: the column of the entity's id; when, told: the columns of the two times.
    """

    source: str
    name: str
    entity: str = ""
    kinds: tuple[str, ...] = ()
    columns: Mapping[str, str]
    codes: Mapping[str, Mapping[str, Json]]
    key: str
    about: str
    when: str
    told: str


QUANTITIES: Final = ("quantity", "quantity_good", "quantity_scrap")
LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    "components": {"material": "Material", "quantity": "Qty", "staged": "Staged"},
    "lines": {"sales_order_line": "Item", "quantity": "Qty"},
}
"""Properties that are lists, and the fields of their items."""

_JOB_CODES = {"CRTD": "planned", "REL": "ready", "PCNF": "in_progress", "TECO": "complete", "CLSD": "closed"}
_YES = {"Y": True, "N": False}
_EVENT = ("equipment", "job_order", "lot", "material", "sales_order", "shipment", "hold", "text")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _table(source: str, name: str, entity: str, columns: str, *, codes: Mapping[str, Mapping[str, Json]] | None = None,
           kinds: tuple[str, ...] = (), snake: bool = False) -> Table:  # fmt: skip
    style = str if snake else _camel
    names = columns.split()
    if not entity:
        names = ["kind", *_EVENT, *names]
    return Table(
        source=source,
        name=name,
        entity=entity,
        kinds=kinds,
        columns={each: style(each) for each in names},
        codes={style(column): values for column, values in (codes or {}).items()},
        key=style("row_no"),
        about=style(f"{entity or 'event'}_id"),
        when=style("valid_at"),
        told=style("changed_at"),
    )


_MOVES = "quantity unit document counted from to reason purchase_order_line"
TABLES: Final = (
    _table("erp", "JobOrders", "job_order",
           "material quantity status equipment sequence planned_start planned_end components sales_order_line "
           "quantity_good quantity_scrap revision", codes={"status": _JOB_CODES}),
    _table("erp", "SalesOrders", "sales_order", "customer status promised_at priority credit partial_allowed",
           codes={"credit": {"A": "ok", "B": "blocked"}}),
    _table("erp", "SalesOrderItems", "sales_order_line", "customer material quantity status promised_at"),
    _table("erp", "Materials", "material", "description units revision"),
    _table("erp", "BookStock", "inventory", "quantity scope"),
    _table("erp", "Shipments", "shipment", "lines carrier dock planned_departure eta status"),
    _table("erp", "PurchaseOrderItems", "purchase_order_line", "material quantity supplier eta status"),
    _table("erp", "DeliveryNotes", "document", "subject status"),
    _table("erp", "EngineeringChanges", "engineering_change", "material revision effective_at status"),
    _table("erp", "Interfaces", "interface", "owner from to cadence_s depends_on"),
    _table("erp", "Postings", "", _MOVES, kinds=MATERIAL_KINDS),
    _table("erp", "ChangeDocuments", "", "by from to reason purchase_order_line document"),
    _table("cmms", "workOrders", "maintenance_order",
           "equipment description priority status due_at failure_code reason"),
    _table("cmms", "workLog", "", "code maintenance_order result by"),
    _table("qms", "lots", "lot", "material job_order quantity quality_status supplier",
           codes={"quality_status": {"UD": "unrestricted", "QI": "inspection", "BL": "blocked"}}),
    _table("qms", "inspections", "inspection", "lot characteristic result due_at"),
    _table("qms", "holds", "hold", "subject reason owner status disposition"),
    _table("qms", "documents", "document", "subject status"),
    _table("qms", "qualityLog", "",
           "characteristic inspection result value unit limit_low limit_high reason by document"),
    _table("wms", "v_stock", "inventory", "quantity quality_status scope", snake=True),
    _table("wms", "v_lots", "lot", "material quantity location", snake=True),
    _table("wms", "v_handling_units", "handling_unit",
           "lot quantity sales_order_line packed labelled location", snake=True,
           codes={"packed": _YES, "labelled": _YES}),
    _table("wms", "v_movements", "", _MOVES, snake=True),
    _table("mes", "v_job_orders", "job_order",
           "status actual_start actual_end quantity_good quantity_scrap revision", snake=True),
    _table("mes", "v_operations", "operation", "status quantity_good equipment", snake=True),
    _table("mes", "v_line_stock", "inventory", "quantity scope", snake=True),
    _table("mes", "v_events", "", f"{_MOVES} code severity parameter by", snake=True),
)  # fmt: skip


def table_of(source: str, record_type: RecordType, data: Mapping[str, Json]) -> str:
    """The name of the table that keeps a fact; for sources without tables, of its kind of record."""
    found = find(source, record_type, data)
    return found.name if found else {"scada": "values", "tracker": "rows"}.get(source, f"{record_type}s")


def find(source: str, record_type: RecordType, data: Mapping[str, Json]) -> Table | None:
    if record_type is RecordType.REPORT:
        kind = str(data["entity"]).partition(":")[0]
        return next((table for table in TABLES if table.source == source and table.entity == kind), None)
    if record_type is not RecordType.EVENT:
        return None
    candidates = [table for table in TABLES if table.source == source and not table.entity]
    kind = str(data["kind"])
    return next((table for table in candidates if not table.kinds or kind in table.kinds), None)


def row_of(table: Table, number: str, data: Mapping[str, Json], when: str, told: str) -> dict[str, Json]:
    """The fact as the system's row; every column is there, empty ones as None.

    Raises KeyError on a field without a column.
    """
    row: dict[str, Json] = {table.key: number, table.when: when, table.told: told}
    if table.entity:
        row[table.about] = str(data["entity"]).partition(":")[2]
    row |= dict.fromkeys(table.columns.values())
    for name in table.columns:
        if table.entity and name in QUANTITIES:
            row[_unit(table, name)] = None
    for name, value in fields(data).items():
        column = table.columns[name]
        if name in LISTS and isinstance(value, list):
            row[column] = [_item(name, item) for item in value if isinstance(item, dict)]
        elif table.entity and name in QUANTITIES and isinstance(value, dict):
            row[column], row[_unit(table, name)] = value["value"], value["unit"]
        elif column in table.codes:
            row[column] = next((code for code, word in table.codes[column].items() if word == value), value)
        else:
            row[column] = value
    return row


def fields(data: Mapping[str, Json]) -> dict[str, Json]:
    """A report's properties and scope, or an event's kind, subjects and attributes, on one level."""
    nested = data.get("properties", data.get("attributes", {}))
    outer = {name: value for name, value in data.items() if name not in ("entity", "properties", "attributes")}
    return {**outer, **(nested if isinstance(nested, dict) else {})}


def mapping(table: Table) -> dict[str, Any]:
    """How a connector reads the table's rows back into records, in the connectors' mapping language."""
    read = {name: _reading(table, name, column) for name, column in table.columns.items()}
    times = {"occurred_at": table.when, "reported_at": table.told}
    if table.entity:
        scope = {"scope": read.pop("scope")} if "scope" in read else {}
        return {"entity": f"{table.entity}:{{{table.about}}}", **scope, "properties": read, **times}
    own = {name: read.pop(name) for name in ("kind", *SUBJECTS, "text")}
    return {**own, "attributes": read, **times}


def _reading(table: Table, name: str, column: str) -> dict[str, Any]:
    if name in LISTS:
        parts = {
            part: {"field": inner, "unit": f"{{{inner}Unit}}"} if part == "quantity" else {"field": inner}
            for part, inner in LISTS[name].items()
        }
        return {"each": column, "item": parts}
    if table.entity and name in QUANTITIES:
        return {"field": column, "unit": f"{{{_unit(table, name)}}}"}
    if column in table.codes:
        return {"field": column, "codes": dict(table.codes[column])}
    return {"field": column}


def _unit(table: Table, name: str) -> str:
    column = table.columns[name]
    return f"{column}_unit" if column.islower() else f"{column}Unit"


def _item(name: str, item: Mapping[str, Json]) -> dict[str, Json]:
    row: dict[str, Json] = {}
    for part, column in LISTS[name].items():
        value = item.get(part)
        if isinstance(value, dict):
            row[column], row[f"{column}Unit"] = value["value"], value["unit"]
        else:
            row[column] = value
    return row
