"""S/4HANA's services as SAP's own mock server serves them from a metadata document, read by the preset."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.reading import drain
from tests.ingest.web_peer import edmx

from lineside.connector import TroubleKind
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.memory.reconciling import reconcile
from lineside_ingest.odata import OData

from .installing import free_port, listens, npm_folder, program, started
from .s4.services import SERVICES, edmx2

SERVE = Path(__file__).parent / "s4/serve.cjs"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
USED = ["production orders", "stock", "batch stock", "outbound deliveries", "purchase orders", "inspection lots"]
ORDER = {
    "LastChangeDateTime": "20260504080000", "Material": "RES-200", "ProductionUnit": "ST", "TotalQuantity": "840.000",
    "MfgOrderConfirmedYieldQty": "120.500", "SalesOrder": "1042", "SalesOrderItem": "10",
    "MfgOrderPlannedStartDate": "/Date(1777852800000)/", "MfgOrderPlannedStartTime": "PT06H00M00S",
    "MfgOrderPlannedEndDate": "/Date(1777852800000)/", "MfgOrderPlannedEndTime": "PT14H30M00S", "OrderIsClosed": "",
    "OrderIsTechnicallyCompleted": "", "OrderIsLocked": "", "OrderIsConfirmed": "", "OrderIsDelivered": "",
    "OrderIsPartiallyConfirmed": "X", "OrderIsReleased": "X", "OrderSequenceNumber": "00000000000000",
    "ProductionPlant": "1010",
}  # fmt: skip
STOCK = {
    "Batch": "", "Supplier": "", "Customer": "", "WBSElementInternalID": "", "SDDocument": "", "SDDocumentItem": "",
    "InventorySpecialStockType": "", "Plant": "1010", "MaterialBaseUnit": "KG",
}  # fmt: skip
# The mock server reads datetimeoffset'...' in a filter but can't compare it: everything would silently be filtered out.
COMPARES_OFFSETS = """module.exports = {
  checkFilterValue(type, value, literal, operator, request) {
    const plain = typeof literal === "string" ? literal.replace(/^datetimeoffset'/, "datetime'") : literal;
    return this.base.checkFilterValue(type, value, plain, operator, request);
  },
};"""
DATA: Mapping[str, list[dict[str, Any]]] = {
    "A_ProductionOrder_2": [
        {**ORDER, "ManufacturingOrder": "1000001"},
        {**ORDER, "ManufacturingOrder": "1000002", "OrderIsPartiallyConfirmed": "", "OrderIsReleased": ""},
    ],
    "A_ProductionOrderComponent_2": [
        {"Reservation": "77", "ReservationItem": "0001", "ManufacturingOrder": "1000001", "Material": "RAW-1",
         "BaseUnit": "KG", "RequiredQuantity": "12.000", "WithdrawnQuantity": "3.000"},
    ],
    "A_MatlStkInAcctMod": [
        {**STOCK, "Material": "RAW-1", "StorageLocation": "101A", "InventoryStockType": "01",
         "MatlWrhsStkQtyInMatlBaseUnit": "250.00000000000000"},
        {**STOCK, "Material": "RAW/1", "StorageLocation": "101A", "InventoryStockType": "02", "Batch": "L/77",
         "MatlWrhsStkQtyInMatlBaseUnit": "5.00000000000000"},
        {**STOCK, "Material": "RAW-1", "StorageLocation": "", "InventoryStockType": "06",
         "MatlWrhsStkQtyInMatlBaseUnit": "9.00000000000000"},
    ],
    "A_OutbDeliveryHeader": [
        {"DeliveryDocument": "80000001", "ShipToParty": "C-200", "LoadingPoint": "4",
         "OverallProofOfDeliveryStatus": "", "OverallGoodsMovementStatus": "B",
         "LastChangeDate": None, "CreationDate": "/Date(1777852800000)/",
         "PlannedGoodsIssueDate": "/Date(1777852800000)/", "GoodsIssueTime": "PT15H00M00S",
         "DeliveryDate": "/Date(1777939200000)/", "DeliveryTime": "PT00H00M00S"},
    ],
    "A_OutbDeliveryItem": [
        {"DeliveryDocument": "80000001", "DeliveryDocumentItem": "10", "Material": "RES-200", "Batch": "L-77",
         "ReferenceSDDocument": "1042", "ReferenceSDDocumentItem": "10", "DeliveryQuantityUnit": "ST",
         "ActualDeliveryQuantity": "40.000"},
    ],
    "A_PurchaseOrder": [
        {"PurchaseOrder": "4500000001", "Supplier": "S-9", "LastChangeDateTime": "/Date(1777881600000+0000)/"},
    ],
    "A_PurchaseOrderItem": [
        {"PurchaseOrder": "4500000001", "PurchaseOrderItem": str(line), "Material": f"RAW-{line}",
         "PurchaseOrderItemText": "Resin", "PurchaseOrderQuantityUnit": "KG", "PurchasingDocumentDeletionCode": "",
         "OrderQuantity": "100.000", "IsCompletelyDelivered": line == 20}
        for line in (10, 20)
    ],
    "A_PurchaseOrderScheduleLine": [
        {"PurchasingDocument": "4500000001", "PurchasingDocumentItem": "10", "ScheduleLine": "1",
         "ScheduleLineDeliveryDate": "/Date(1777939200000)/", "ScheduleLineOrderQuantity": "100.000"},
    ],
    "A_InspectionLot": [
        {"InspectionLot": "10000000001", "Batch": "L-77", "Material": "RES-200", "ManufacturingOrder": "1000001",
         "InspectionLotText": "Incoming", "InspectionLotQuantityUnit": "ST", "InspectionLotQuantity": "40.000",
         "ChangedDateTime": "/Date(1777881600000+0000)/", "InspectionLotEndDate": "/Date(1777939200000)/",
         "InspectionLotEndTime": "PT12H00M00S", "InspectionLotHasUsageDecision": False},
    ],
    "A_InspLotUsageDecision": [],
    "Lots": [{"LotNo": f"L-{n}", "Qty": n, "ChangedAt": f"2026-05-04T08:00:{n:02d}Z"} for n in range(7)],
}  # fmt: skip


@contextmanager
def served(folder: Path, *, without: str = "", retyped: str = "", data: Mapping[str, Any] = DATA) -> Iterator[str]:
    """The address of the services. without, retyped: how their metadata differs."""
    modules = npm_folder("fe-mockserver", {"@sap-ux/fe-mockserver-core": "1.7.16"})
    rows = folder / "data"
    rows.mkdir(parents=True, exist_ok=True)
    for name, each in data.items():
        (rows / f"{name}.json").write_text(json.dumps(each))
        (rows / f"{name}.js").write_text(COMPARES_OFFSETS)
    services = []
    lots = edmx(
        4, {"Lots": {"LotNo": "Edm.String", "Qty": "Edm.Int32", "ChangedAt": "Edm.DateTimeOffset"}}, key="LotNo"
    )
    documents = {name: edmx2(name, without=without, retyped=retyped) for name in SERVICES} | {"lots": lots.decode()}
    for place, (name, document) in enumerate(documents.items()):
        (folder / f"{place}.xml").write_text(document)
        own = {"urlPath": f"/sap/opu/odata/sap/{name}", "metadataPath": str(folder / f"{place}.xml")}
        services.append({**own, "mockdataPath": str(rows), "noETag": True})
    (folder / "config.json").write_text(json.dumps(services))
    port = free_port()
    command = [program("node", "nodejs"), str(SERVE), str(modules), str(folder / "config.json"), str(port)]
    with started(command, log=folder / "server.log", ready=lambda: listens(port)):
        yield f"http://127.0.0.1:{port}/sap/opu/odata/sap"


def reader(url: str, **more: Any) -> OData:
    return OData(
        "s4", {"preset": "s4hana", "url": url, "use": USED, "params": {"sap-client": "100"}, **more},
        time_zone=UTC, clock=lambda: NOW,
    )  # fmt: skip


def said(memory: Memory) -> dict[tuple[str, str], str]:
    return {(str(each.entity), each.property): each.text for each in memory.view().statements()}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path / "s4") as address:
        yield address


async def test_the_preset_reads_orders_stock_deliveries_purchases_and_inspections(
    url: str, remembered: Callable[..., Memory]
) -> None:
    memory, connector = remembered(now="2027-01-01T00:00:00Z"), reader(url)
    checks = await connector.check()
    assert [(each.name, each.detail) for each in checks if not each.ok] == []
    outcome = await catch_up(memory, connector)
    assert (outcome.dead_lettered, outcome.held) == (0, 0)
    told = said(memory)
    assert told["job_order:1000001", "status"] == "in_progress"
    assert told["job_order:1000002", "status"] == "planned"
    assert told["job_order:1000001", "quantity_good"] == "120.5 ea"
    assert told["job_order:1000001", "planned_start"] == "2026-05-04T06:00:00+00:00"
    assert told["inventory:RAW-1@1010/101A", "quantity"] == "250 kg"
    assert told["lot:L/77", "quality_status"] == "inspection"
    assert told["shipment:80000001", "status"] == "loading"
    assert told["purchase_order_line:4500000001/20", "status"] == "delivered"
    assert told["purchase_order_line:4500000001/10", "supplier"] == "S-9"
    assert told["inspection:10000000001", "result"] == "pending"
    components = next(each for each in memory.view().statements(properties=("components",)) if each.value)
    assert components.value == [
        {"material": "RAW-1", "quantity": {"value": 12, "unit": "kg"}, "staged": {"value": 3, "unit": "kg"}}
    ]
    again = await catch_up(memory, reader(url))
    assert (again.recorded, again.dead_lettered) == (0, 0)


async def test_keys_with_empty_parts_and_slashes_are_listed_and_fetched_once_more(
    url: str, remembered: Callable[..., Memory]
) -> None:
    memory, connector = remembered(now="2027-01-01T00:00:00Z"), reader(url)
    await catch_up(memory, connector)
    compared = {each.stream: each for each in await reconcile(memory, connector)}
    assert {name: (each.listed, each.held, each.fetched, each.gone) for name, each in compared.items()} == {
        "production orders": (2, 2, 0, 0),
        "stock": (1, 1, 0, 0),
        "batch stock": (1, 1, 0, 0),
        "outbound deliveries": (1, 1, 0, 0),
        "inspection lots": (1, 1, 0, 0),
    }
    [batch] = [each async for each in connector.listing() if each.stream == "batch stock"]
    fetched = await connector.resolve("batch stock", [*batch.keys, "RAW-9/1010/101A////////01"])
    assert [each.key for each in fetched.messages] == [*batch.keys]
    assert [each.key for each in fetched.gone] == ["RAW-9/1010/101A////////01"]


async def test_a_property_that_is_gone_is_told_and_its_rows_are_held_while_the_others_go_on(
    url: str, tmp_path: Path, remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2027-01-01T00:00:00Z")
    await catch_up(memory, reader(url))
    later = {**DATA, "A_InspectionLot": [{**DATA["A_InspectionLot"][0], "InspectionLot": "10000000002"}]}
    for row in later["A_InspectionLot"]:
        row.pop("Batch")
    with served(tmp_path / "upgraded", without="Batch", data=later) as upgraded:
        read = await drain(reader(upgraded), memory.checkpoint("s4"))
        outcome = await catch_up(memory, reader(upgraded))
    drift = {each.stream: each.reason for each in read.troubles if each.kind is TroubleKind.DRIFT}
    assert "it has no Batch any more" in drift["inspection lots"]
    assert "production orders" not in drift
    assert outcome.held == 1
    assert ("inspection:10000000002", "result") not in said(memory)


async def test_a_property_of_another_type_is_told(url: str, tmp_path: Path) -> None:
    first = await drain(reader(url))
    assert first.troubles == []
    with served(tmp_path / "upgraded", retyped="MfgOrderConfirmedYieldQty") as upgraded:
        read = await drain(reader(upgraded), first.checkpoint)
        again = await drain(reader(upgraded), read.checkpoint)
    for each in (read, again):
        assert [(one.kind, one.stream) for one in each.troubles] == [(TroubleKind.DRIFT, "production orders")]
        assert "MfgOrderConfirmedYieldQty was Edm.Decimal and is Edm.Int32" in each.troubles[0].reason


async def test_odata_4_is_read_page_by_page(url: str) -> None:
    one = {
        "path": "lots/Lots", "key": "LotNo", "changed_field": "ChangedAt", "page_size": 3, "select": True,
        "mapping": {"entity": "lot:{LotNo}", "properties": {"quantity": {"field": "Qty", "unit": "ea"}}},
    }  # fmt: skip
    connector = OData("v4", {"url": url, "collections": [one]}, time_zone=UTC, clock=lambda: NOW)
    read = await drain(connector)
    assert sorted(each.key for each in read.messages) == [f"L-{n}" for n in range(7)]
    assert (await drain(connector, read.checkpoint)).messages == []
    assert [each.keys async for each in connector.listing()] == [frozenset(f"L-{n}" for n in range(7))]


def test_the_mock_server_is_the_version_that_was_proven() -> None:
    modules = npm_folder("fe-mockserver", {"@sap-ux/fe-mockserver-core": "1.7.16"})
    package = modules / "node_modules/@sap-ux/fe-mockserver-core/package.json"
    assert json.loads(package.read_text())["version"] == "1.7.16"
