"""The entities of the preset, each with its key, fields and ways to others; and the documents made of them."""

from collections.abc import Mapping

STRING, DATE, STAMP, CLOCK, DECIMAL, FLAG = "String", "DateTime", "DateTimeOffset", "Time", "Decimal", "Boolean"

_STOCK_KEY = (
    "Material Plant StorageLocation Batch Supplier Customer WBSElementInternalID SDDocument SDDocumentItem "
    "InventorySpecialStockType InventoryStockType"
)

# service: entity set: (key, {type: fields}, {way: (to, the joined fields, each `own=theirs` where they differ)})
SERVICES: Mapping[str, Mapping[str, tuple[str, Mapping[str, str], Mapping[str, tuple[str, str]]]]] = {
    "API_PRODUCTION_ORDER_2_SRV": {
        "A_ProductionOrder_2": (
            "ManufacturingOrder",
            {
                STRING: "ManufacturingOrder LastChangeDateTime Material ProductionUnit OrderSequenceNumber "
                "SalesOrder SalesOrderItem OrderIsClosed OrderIsTechnicallyCompleted OrderIsLocked OrderIsConfirmed "
                "OrderIsDelivered OrderIsPartiallyConfirmed OrderIsReleased ProductionPlant",
                DECIMAL: "TotalQuantity MfgOrderConfirmedYieldQty",
                DATE: "MfgOrderPlannedStartDate MfgOrderPlannedEndDate",
                CLOCK: "MfgOrderPlannedStartTime MfgOrderPlannedEndTime",
            },
            {"to_ProductionOrderComponent": ("A_ProductionOrderComponent_2", "ManufacturingOrder")},
        ),
        "A_ProductionOrderComponent_2": (
            "Reservation ReservationItem",
            {
                STRING: "Reservation ReservationItem ManufacturingOrder Material BaseUnit",
                DECIMAL: "RequiredQuantity WithdrawnQuantity",
            },
            {},
        ),
    },
    "API_MATERIAL_STOCK_SRV": {
        "A_MatlStkInAcctMod": (
            _STOCK_KEY,
            {
                STRING: f"{_STOCK_KEY} MaterialBaseUnit",
                DECIMAL: "MatlWrhsStkQtyInMatlBaseUnit",
            },
            {},
        )
    },
    "API_OUTBOUND_DELIVERY_SRV;v=0002": {
        "A_OutbDeliveryHeader": (
            "DeliveryDocument",
            {
                STRING: "DeliveryDocument ShipToParty LoadingPoint OverallProofOfDeliveryStatus "
                "OverallGoodsMovementStatus",
                DATE: "LastChangeDate CreationDate PlannedGoodsIssueDate DeliveryDate",
                CLOCK: "GoodsIssueTime DeliveryTime",
            },
            {"to_DeliveryDocumentItem": ("A_OutbDeliveryItem", "DeliveryDocument")},
        ),
        "A_OutbDeliveryItem": (
            "DeliveryDocument DeliveryDocumentItem",
            {
                STRING: "DeliveryDocument DeliveryDocumentItem Material Batch ReferenceSDDocument "
                "ReferenceSDDocumentItem DeliveryQuantityUnit",
                DECIMAL: "ActualDeliveryQuantity",
            },
            {},
        ),
    },
    "API_PURCHASEORDER_PROCESS_SRV": {
        "A_PurchaseOrder": (
            "PurchaseOrder",
            {STRING: "PurchaseOrder Supplier", STAMP: "LastChangeDateTime"},
            {"to_PurchaseOrderItem": ("A_PurchaseOrderItem", "PurchaseOrder")},
        ),
        "A_PurchaseOrderItem": (
            "PurchaseOrder PurchaseOrderItem",
            {
                STRING: "PurchaseOrder PurchaseOrderItem Material PurchaseOrderItemText PurchaseOrderQuantityUnit "
                "PurchasingDocumentDeletionCode",
                DECIMAL: "OrderQuantity",
                FLAG: "IsCompletelyDelivered",
            },
            {
                "to_ScheduleLine": (
                    "A_PurchaseOrderScheduleLine",
                    "PurchaseOrder=PurchasingDocument PurchaseOrderItem=PurchasingDocumentItem",
                )
            },
        ),
        "A_PurchaseOrderScheduleLine": (
            "PurchasingDocument PurchasingDocumentItem ScheduleLine",
            {
                STRING: "PurchasingDocument PurchasingDocumentItem ScheduleLine",
                DATE: "ScheduleLineDeliveryDate",
                DECIMAL: "ScheduleLineOrderQuantity",
            },
            {},
        ),
    },
    "API_INSPECTIONLOT_SRV": {
        "A_InspectionLot": (
            "InspectionLot",
            {
                STRING: "InspectionLot Batch Material ManufacturingOrder InspectionLotText InspectionLotQuantityUnit",
                STAMP: "ChangedDateTime",
                DECIMAL: "InspectionLotQuantity",
                DATE: "InspectionLotEndDate",
                CLOCK: "InspectionLotEndTime",
                FLAG: "InspectionLotHasUsageDecision",
            },
            {},
        ),
        "A_InspLotUsageDecision": (
            "InspectionLot",
            {
                STRING: "InspectionLot InspLotUsageDecisionValuation InspectionLotUsageDecisionCode",
                STAMP: "ChangedDateTime",
            },
            {},
        ),
    },
}


def edmx2(service: str, *, without: str = "", retyped: str = "") -> str:
    """The service's metadata document in OData 2. without: a property that it lacks; retyped: one that is an Int32."""
    types, ends, sets = [], [], []
    for name, (key, fields, ways) in SERVICES[service].items():
        refs = "".join(f'<PropertyRef Name="{each}"/>' for each in key.split())
        properties = "".join(
            _property(each, "Int32" if each == retyped else kind, needed=each in key.split())
            for kind, names in fields.items()
            for each in names.split()
            if each != without
        )
        own = "".join(
            f'<NavigationProperty Name="{way}" Relationship="S4.{name}_{way}" FromRole="from" ToRole="to"/>'
            for way in ways
        )
        types.append(f'<EntityType Name="{name}Type"><Key>{refs}</Key>{properties}{own}</EntityType>')
        sets.append(f'<EntitySet Name="{name}" EntityType="S4.{name}Type"/>')
        for way, (to, joined) in ways.items():
            pairs = [each.split("=") * (1 if "=" in each else 2) for each in joined.split()]
            mine = "".join(f'<PropertyRef Name="{pair[0]}"/>' for pair in pairs)
            theirs = "".join(f'<PropertyRef Name="{pair[1]}"/>' for pair in pairs)
            ends.append(
                f'<Association Name="{name}_{way}"><End Type="S4.{name}Type" Multiplicity="1" Role="from"/>'
                f'<End Type="S4.{to}Type" Multiplicity="*" Role="to"/><ReferentialConstraint>'
                f'<Principal Role="from">{mine}</Principal>'
                f'<Dependent Role="to">{theirs}</Dependent></ReferentialConstraint></Association>'
            )
            sets.append(
                f'<AssociationSet Name="{name}_{way}" Association="S4.{name}_{way}">'
                f'<End EntitySet="{name}" Role="from"/><End EntitySet="{to}" Role="to"/></AssociationSet>'
            )
    return (
        '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="1.0"'
        ' xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"'
        ' xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
        '<edmx:DataServices m:DataServiceVersion="2.0">'
        f'<Schema Namespace="S4" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">{"".join(types)}{"".join(ends)}'
        f'<EntityContainer Name="All" m:IsDefaultEntityContainer="true">{"".join(sets)}</EntityContainer></Schema>'
        "</edmx:DataServices></edmx:Edmx>"
    )


def _property(name: str, kind: str, *, needed: bool) -> str:
    return f'<Property Name="{name}" Type="Edm.{kind}" Nullable="{str(not needed).lower()}"/>'
