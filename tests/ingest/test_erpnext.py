"""The ERPNext preset against a server that follows Frappe's documented REST interface: no ERPNext is to be had here."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from lineside.connector import TroubleKind
from lineside.errors import SourceRefused
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.memory.reconciling import reconcile
from lineside_ingest.odata import OData

from .reading import NOW, drain
from .web_peer import serving


class Frappe:
    """Documents by doctype. denied: doctypes that the key has no right to. asked: (doctype, name or empty)."""

    def __init__(self) -> None:
        self.documents: dict[str, list[dict[str, Any]]] = {}
        self.denied: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        signed = {name.decode(): value.decode() for name, value in scope["headers"]}.get("authorization", "")
        path = unquote(scope["raw_path"].decode()).removeprefix("/odata/api/resource/")
        doctype, _, name = path.partition("/")
        status, body = self.answer(doctype, name, query) if signed == "token k:s" else (401, {"exc_type": "Auth"})
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def answer(self, doctype: str, name: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append((doctype, name))
        if doctype in self.denied:
            return 403, {"exc_type": "PermissionError"}
        there = self.documents.get(doctype, [])
        if name:
            found = [each for each in there if each["name"] == name]
            return (200, {"data": found[0]}) if found else (404, {"exc_type": "DoesNotExistError"})
        for field, comparison, value in json.loads(query.get("filters", "[]")):
            assert comparison == ">="
            there = [each for each in there if each[field] >= value]
        order = [each.split()[0] for each in query["order_by"].split(",")]
        there = sorted(there, key=lambda each: [each[field] for field in order])
        fields, start = json.loads(query["fields"]), int(query["limit_start"])
        page = there[start : start + int(query["limit_page_length"])]
        if any(field not in each or isinstance(each[field], list) for each in page for field in fields):
            return 500, {"exc_type": "OperationalError"}  # a child table is no column of the list
        return 200, {"data": [{field: each[field] for field in fields} for each in page]}


@pytest.fixture
def frappe() -> Iterator[Frappe]:
    served = Frappe()
    with serving(served) as url:
        served.url = url  # type: ignore[attr-defined]
        yield served


def reader(frappe: Frappe, *use: str, key: str = "token k:s", **more: Any) -> OData:
    options = {"preset": "erpnext", "url": frappe.url, "api_key": key, "use": list(use), **more}  # type: ignore[attr-defined]
    return OData("erpnext", options, time_zone=UTC, clock=lambda: NOW)


def work_order(name: str, modified: str = "2026-05-04 11:58:00.000001", **values: Any) -> dict[str, Any]:
    return {
        "name": name, "modified": modified, "production_item": "RES-200", "qty": 840.0, "produced_qty": 120.5,
        "process_loss_qty": 0.0, "stock_uom": "Nos", "status": "In Process", "sales_order": None,
        "planned_start_date": "2026-05-04 06:00:00", "planned_end_date": None, "actual_start_date": None,
        "actual_end_date": None, "required_items": [
            {"name": f"{name}-1", "item_code": "RAW-1", "required_qty": 12.0, "transferred_qty": 3.0, "stock_uom": "Kg"}
        ], **values,
    }  # fmt: skip


def stock_entry(name: str) -> dict[str, Any]:
    head = {"modified": "2026-05-04 11:58:00", "docstatus": 1, "purpose": "Manufacture", "work_order": "WO-1"}
    item = {"parent": name, "docstatus": 1, "stock_uom": "Nos", "batch_no": "L-77", "s_warehouse": None}
    return {
        **head, "name": name, "posting_date": "2026-05-04", "posting_time": "9:05:00.5",
        "items": [
            {**item, "name": "r1", "idx": 1, "item_code": "RAW-1", "transfer_qty": 2.0, "is_finished_item": 0,
             "s_warehouse": "Stores", "t_warehouse": None},
            {**item, "name": "r2", "idx": 2, "item_code": "RES-200", "transfer_qty": 40.0, "is_finished_item": 1,
             "t_warehouse": "Finished"},
        ],
    }  # fmt: skip


def told(memory: Memory) -> dict[tuple[str, str], str]:
    return {(str(each.entity), each.property): each.text for each in memory.view().statements()}


async def test_a_document_is_fetched_whole_with_its_child_rows_and_only_when_it_changed(
    frappe: Frappe, remembered: Callable[..., Memory]
) -> None:
    memory, connector = remembered(now="2027-01-01T00:00:00Z"), reader(frappe, "Work Order")
    frappe.documents["Work Order"] = [work_order("WO-1"), work_order("WO-2", status="Completed")]
    await catch_up(memory, connector)
    frappe.documents["Work Order"][0] |= {"produced_qty": 200.0, "modified": "2026-05-04 11:59:00"}
    frappe.asked.clear()
    await catch_up(memory, connector)
    assert [name for _, name in frappe.asked if name] == ["WO-1"]
    said = told(memory)
    assert (said["job_order:WO-1", "quantity_good"], said["job_order:WO-2", "status"]) == ("200 ea", "complete")
    [components, *_] = [each.value for each in memory.view().statements(properties=("components",))]
    assert components == [
        {"material": "RAW-1", "quantity": {"value": 12, "unit": "kg"}, "staged": {"value": 3, "unit": "kg"}}
    ]


async def test_each_row_of_a_stock_entry_is_an_event_of_its_own(frappe: Frappe) -> None:
    frappe.documents["Stock Entry"] = [stock_entry("STE-1")]
    connector = reader(frappe, "Stock Entry")
    read = await drain(connector)
    consumed, produced = read.records(connector)
    assert (consumed.kind, consumed.material, produced.kind, produced.lot) == (  # type: ignore[union-attr]
        "consumption", "RAW-1", "production", "L-77",
    )  # fmt: skip
    assert produced.provenance.occurred_at == datetime(2026, 5, 4, 9, 5, 0, 500_000, tzinfo=UTC)
    assert [each.key for each in read.messages] == ["STE-1/1", "STE-1/2"]


async def test_what_the_list_of_deletions_names_is_taken_back_before_it_comes_again(
    frappe: Frappe, remembered: Callable[..., Memory]
) -> None:
    memory, use = remembered(now="2027-01-01T00:00:00Z"), ("Deleted Document", "Work Order")
    frappe.documents["Work Order"] = [work_order("WO-1"), work_order("WO-2")]
    deleted = {"name": "d0", "deleted_doctype": "Work Order", "deleted_name": "WO-0", "creation": "2026-05-04 11:50:00"}
    frappe.documents["Deleted Document"] = [deleted]
    await catch_up(memory, reader(frappe, *use))
    frappe.documents["Work Order"] = [work_order("WO-1", "2026-05-04 11:59:30", qty=7.0)]
    frappe.documents["Deleted Document"] += [
        {**deleted, "name": f"d{n}", "deleted_name": f"WO-{n}", "creation": "2026-05-04 11:59:00"} for n in (1, 2)
    ]
    await catch_up(memory, reader(frappe, *use))
    await catch_up(memory, reader(frappe, *use))
    said = told(memory)
    assert said["job_order:WO-1", "quantity"] == "7 ea"
    assert ("job_order:WO-2", "quantity") not in said


async def test_a_deletion_that_nobody_told_is_found_by_listing(
    frappe: Frappe, remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2027-01-01T00:00:00Z")
    frappe.documents["Work Order"] = [work_order(f"WO-{n}", f"2026-05-04 11:5{n}:00") for n in range(5)]
    small = {"collections": [{"name": "Work Order", "page_size": 2}]}
    await catch_up(memory, reader(frappe, "Work Order", **small))
    del frappe.documents["Work Order"][1]
    [compared] = await reconcile(memory, reader(frappe, "Work Order", **small))
    assert (compared.listed, compared.gone) == (4, 1)
    assert ("job_order:WO-1", "quantity") not in told(memory)


async def test_a_doctype_without_rights_is_told_and_the_others_are_read(frappe: Frappe) -> None:
    frappe.documents["Work Order"] = [work_order("WO-1")]
    frappe.denied = {"Deleted Document"}
    read = await drain(reader(frappe, "Deleted Document", "Work Order"))
    assert [each.key for each in read.messages] == ["WO-1"]
    assert [(each.kind, each.stream) for each in read.troubles] == [(TroubleKind.REFUSED, "Deleted Document")]


async def test_a_wrong_key_is_tried_once(frappe: Frappe) -> None:
    with pytest.raises(SourceRefused):
        await drain(reader(frappe, "Work Order", "Bin", key="token wrong:key"))
    assert frappe.asked == []
