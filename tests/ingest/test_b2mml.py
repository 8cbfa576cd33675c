"""B2MML in the versions that plants have, and XML that wants to do harm."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lineside.connector import Aside, SourceMessage
from lineside.errors import UnreadableMessage
from lineside.plant.records import Event, Provenance, Quality, Record, Report
from lineside.plant.row_values import Notation
from lineside_ingest.drop_folder import b2mml

from .reading import NOW

BERLIN = Notation(time_zone=ZoneInfo("Europe/Berlin"))
V0401, V0600, V0700 = (
    "http://www.wbf.org/xml/B2MML-V0401",
    "http://www.mesa.org/xml/B2MML-V0600",
    "http://www.mesa.org/xml/B2MML",
)

# As an ERP of V0401 writes it: a product's rule, a site without a zone in its times.
SCHEDULE = f"""<?xml version="1.0" encoding="utf-8"?>
<ProductionSchedule xmlns="{V0401}">
  <ID>SCHED-1</ID><PublishedDate>2026-05-04T06:00:00Z</PublishedDate>
  <Location><EquipmentID>Northfield</EquipmentID><EquipmentElementLevel>Site</EquipmentElementLevel></Location>
  <ProductionRequest><ID>WO-7781</ID><Description>Resin 200</Description>
    <ProductProductionRuleID>R-200</ProductProductionRuleID>
    <StartTime>2026-05-04T14:00:00</StartTime><EndTime>2026-05-04T19:00:00</EndTime><Priority>3</Priority>
    <SegmentRequirement><ID>1</ID><EquipmentRequirement><EquipmentID>Line-3</EquipmentID></EquipmentRequirement>
      <MaterialProducedRequirement><MaterialDefinitionID>RES-200</MaterialDefinitionID>
        <Quantity><QuantityString>840</QuantityString><DataType>decimal</DataType><UnitOfMeasure>KGM</UnitOfMeasure></Quantity>
      </MaterialProducedRequirement>
      <MaterialConsumedRequirement><MaterialDefinitionID>RAW-1</MaterialDefinitionID>
        <Quantity><QuantityString>900.5</QuantityString><UnitOfMeasure>KGM</UnitOfMeasure></Quantity>
      </MaterialConsumedRequirement>
    </SegmentRequirement>
  </ProductionRequest>
  <ProductionRequest><ID>WO-7782</ID><RequestState>Released</RequestState></ProductionRequest>
</ProductionSchedule>"""

PERFORMANCE = f"""<SyncOperationsPerformance xmlns="{V0700}" releaseID="1">
  <ApplicationArea><Sender/><CreationDateTime>2026-05-04T20:00:00Z</CreationDateTime><BODID>BOD-9</BODID></ApplicationArea>
  <DataArea><Sync/><OperationsPerformance><ID>PERF-1</ID>
    <OperationsResponse><ID>RESP-1</ID><OperationsRequestID>WO-7781</OperationsRequestID>
      <ResponseState>Completed</ResponseState>
      <SegmentResponse><ID>10</ID><ProcessSegmentID>MIX</ProcessSegmentID>
        <ActualStartTime>2026-05-04T14:05:00+02:00</ActualStartTime><ActualEndTime>2026-05-04T18:40:00+02:00</ActualEndTime>
        <SegmentState>Completed</SegmentState>
        <EquipmentActual><EquipmentID>Mixer-1</EquipmentID><HierarchyScope><EquipmentID>Northfield</EquipmentID>
          <EquipmentLevel>Site</EquipmentLevel></HierarchyScope></EquipmentActual>
        <MaterialActual><MaterialDefinitionID>RES-200</MaterialDefinitionID><MaterialLotID>L-77</MaterialLotID>
          <MaterialUse>Produced</MaterialUse><StorageLocation>WH1</StorageLocation>
          <Quantity><QuantityString>830</QuantityString><UnitOfMeasure>kg</UnitOfMeasure></Quantity></MaterialActual>
        <MaterialActual><MaterialDefinitionID>RAW-1</MaterialDefinitionID><MaterialLotID>R-5</MaterialLotID>
          <MaterialUse>Consumed</MaterialUse>
          <Quantity><QuantityString>901</QuantityString><UnitOfMeasure>kg</UnitOfMeasure></Quantity></MaterialActual>
        <MaterialActual><MaterialDefinitionID>TOOL</MaterialDefinitionID><MaterialUse>Carrier</MaterialUse></MaterialActual>
      </SegmentResponse>
    </OperationsResponse>
  </OperationsPerformance></DataArea>
</SyncOperationsPerformance>"""

LOTS = f"""<ShowMaterialInformation xmlns="{V0600}"><ApplicationArea/><DataArea><Show/><MaterialInformation>
  <PublishedDate>2026-05-04T06:00:00Z</PublishedDate>
  <MaterialDefinition><ID>RES-200</ID><Description>Resin 200</Description></MaterialDefinition>
  <MaterialLot><ID>L-77</ID><MaterialDefinitionID>RES-200</MaterialDefinitionID><Status>Quarantine</Status>
    <MaterialLotProperty><ID>Viscosity</ID><Value><ValueString>58.5</ValueString><DataType>decimal</DataType>
      <UnitOfMeasure>mPa.s</UnitOfMeasure></Value>
      <TestResult><ID>T-1</ID><TestDateTime>2026-05-04T05:00:00Z</TestDateTime><Result><ValueString>Pass</ValueString></Result></TestResult>
    </MaterialLotProperty>
    <MaterialSubLot><ID>HU-1</ID><StorageLocation>A-03</StorageLocation><Quantity><QuantityString>12</QuantityString>
      <UnitOfMeasure>EA</UnitOfMeasure></Quantity></MaterialSubLot>
    <StorageLocation>WH1</StorageLocation>
    <Quantity><QuantityString>0.1</QuantityString><UnitOfMeasure>TNE</UnitOfMeasure></Quantity></MaterialLot>
</MaterialInformation></DataArea></ShowMaterialInformation>"""


def translated(content: bytes) -> Any:
    whole = Provenance(source="mes", source_id="x", occurred_at=NOW, reported_at=NOW, recorded_at=NOW)
    message = SourceMessage(source="mes", source_id="x", content=content, received_at=NOW)
    return b2mml.records(message, whole, BERLIN)


def records(text: str) -> list[Record]:
    return [record for part in b2mml.cut(text.encode()) for record in translated(part.content)]


def said(found: list[Record], scope: str | None = None) -> dict[str, dict[str, Any]]:
    return {
        str(each.entity): dict(each.properties) for each in found if isinstance(each, Report) and each.scope == scope
    }


def test_each_request_of_a_schedule_is_a_job_order() -> None:
    found = records(SCHEDULE)
    assert said(found) == {
        "job_order:WO-7781": {
            "description": "Resin 200",
            "material": "RES-200",
            "quantity": {"value": 840, "unit": "kg"},
            "equipment": "line-3",
            "planned_start": "2026-05-04T12:00:00+00:00",
            "planned_end": "2026-05-04T17:00:00+00:00",
            "priority": "3",
            "recipe": "R-200",
            "components": [{"material": "RAW-1", "quantity": {"value": 900.5, "unit": "kg"}}],
        },
        "job_order:WO-7782": {"status": "ready"},
    }
    assert {each.provenance.reported_at.isoformat() for each in found} == {"2026-05-04T06:00:00+00:00"}


def test_a_response_tells_what_was_made_and_used_and_how_the_job_order_stands() -> None:
    found = records(PERFORMANCE)
    moved = [each for each in found if isinstance(each, Event)]

    assert said(found)["job_order:WO-7781"] == {
        "status": "complete",
        "actual_start": "2026-05-04T12:05:00+00:00",
        "actual_end": "2026-05-04T16:40:00+00:00",
        "equipment": "northfield/mixer-1",
    }
    assert said(found, "response RESP-1") == {"job_order:WO-7781": {"quantity_good": {"value": 830, "unit": "kg"}}}
    assert said(found)["operation:WO-7781/MIX"]["status"] == "complete"
    assert [(each.kind, each.lot, each.attributes["quantity"]) for each in moved] == [
        ("production", "L-77", 830),
        ("consumption", "R-5", 901),
    ]
    assert moved[0].attributes["to"] == "WH1"
    assert moved[0].provenance.occurred_at.isoformat() == "2026-05-04T16:40:00+00:00"


def test_the_materials_of_older_versions_say_their_use_by_their_names() -> None:
    older = PERFORMANCE.replace("Operations", "Production").replace(V0700, V0600)
    older = older.replace("<MaterialUse>Produced</MaterialUse>", "").replace("MaterialActual", "MaterialProducedActual")
    assert [each.kind for each in records(older) if isinstance(each, Event)] == ["production"] * 3


def test_lots_definitions_sublots_and_their_tests_are_read() -> None:
    whole = said(records(LOTS))
    assert whole["material:RES-200"] == {"description": "Resin 200"}
    assert whole["lot:L-77"] == {
        "Viscosity": {"value": 58.5, "unit": "mPa.s"},
        "material": "RES-200",
        "quantity": {"value": 0.1, "unit": "t"},
        "location": "WH1",
        "quality_status": "inspection",
    }
    assert whole["handling_unit:HU-1"] == {"quantity": {"value": 12, "unit": "ea"}, "location": "A-03", "lot": "L-77"}
    assert whole["inspection:T-1"] == {"lot": "L-77", "characteristic": "Viscosity", "result": "passed"}


def test_equipment_has_the_path_of_what_stands_above_it() -> None:
    text = f"""<EquipmentInformation xmlns="{V0700}"><Equipment><ID>Northfield</ID><EquipmentLevel>Site</EquipmentLevel>
    <Equipment><ID>Packing</ID><EquipmentLevel>Area</EquipmentLevel><Description>Hall 2</Description></Equipment>
    </Equipment></EquipmentInformation>"""
    assert said(records(text)) == {
        "equipment:northfield": {"level": "Site"},
        "equipment:northfield/packing": {"level": "Area", "description": "Hall 2"},
    }


def test_job_lists_and_job_responses_of_part_4_are_read() -> None:
    orders = f"""<JobList xmlns="{V0700}"><JobOrder><ID>J-1</ID>
    <WorkType>Production</WorkType>
    <DispatchStatus>Running</DispatchStatus></JobOrder>
    <JobOrder><ID>J-2</ID>
    <WorkType>Maintenance</WorkType><Description>Grease</Description>
    <EndTime>2026-05-05T00:00:00Z</EndTime></JobOrder></JobList>"""
    answer = f"""<JobResponseList xmlns="{V0700}"><JobResponset>
    <ID>JR-1</ID><JobOrderID>J-1</JobOrderID>
    <JobState>Ended</JobState></JobResponset></JobResponseList>"""
    assert said(records(orders)) == {
        "job_order:J-1": {"status": "in_progress"},
        "maintenance_order:J-2": {"description": "Grease", "due_at": "2026-05-05T00:00:00+00:00"},
    }
    assert said(records(answer)) == {"job_order:J-1": {"status": "complete"}}


def test_a_cancelled_request_is_told_and_a_deleted_lot_is_gone() -> None:
    cancelled = SCHEDULE.replace("<ProductionSchedule ", "<CancelProductionSchedule ").replace(
        "</ProductionSchedule>", "</CancelProductionSchedule>"
    )
    deleted = LOTS.replace("ShowMaterialInformation", "SyncMaterialInformation").replace(
        "<Show/>", '<Sync><ActionCriteria><ActionExpression actionCode="Delete"/></ActionCriteria></Sync>'
    )
    assert [each.kind for each in records(cancelled) if isinstance(each, Event)] == ["cancelled", "cancelled"]
    assert [part.key for part in b2mml.cut(deleted.encode()) if part.gone] == [
        "MaterialDefinition/RES-200",
        "MaterialLot/L-77",
    ]


def test_what_only_asks_or_confirms_is_ignored_by_rule() -> None:
    asking = LOTS.replace("ShowMaterial", "GetMaterial").replace("<Show/>", "<Get/>")
    assert all(isinstance(translated(part.content), Aside) for part in b2mml.cut(asking.encode()))


def test_one_thing_that_cant_be_read_keeps_no_other_back() -> None:
    text = SCHEDULE.replace("<ID>WO-7781</ID>", "").replace("840", "many")
    first, second = b2mml.cut(text.encode())
    with pytest.raises(UnreadableMessage, match="V0401"):
        translated(first.content)
    assert said(translated(second.content)) == {"job_order:WO-7782": {"status": "ready"}}


def test_a_document_that_breaks_off_gives_what_stands_before() -> None:
    parts = b2mml.cut(SCHEDULE[: SCHEDULE.index("<RequestState>")].encode())
    assert next(parts).key == "ProductionRequest/WO-7781"
    with pytest.raises(UnreadableMessage, match="broken"):
        next(parts)


def test_an_unknown_version_is_read_where_it_fits_and_named_where_it_does_not() -> None:
    newer = SCHEDULE.replace(V0401, "http://www.mesa.org/xml/B2MML-V0900")
    assert "job_order:WO-7781" in said(records(newer))
    renamed = newer.replace("ProductionRequest", "MakeRequest")
    assert isinstance(translated(renamed.encode()), Aside)
    with pytest.raises(UnreadableMessage, match="V0900"):
        records(newer.replace("<ID>", "<Name>").replace("</ID>", "</Name>"))
    with pytest.raises(UnreadableMessage, match="not said"):
        translated(b"<invoice><ID>1</ID></invoice>")


def test_the_same_document_gives_the_same_ids_and_another_content_others() -> None:
    ids = [[part.source_id for part in b2mml.cut(text.encode())] for text in (LOTS, LOTS, LOTS.replace("58.5", "59"))]
    assert ids[0] == ids[1]
    assert ids[0][0] == ids[2][0]
    assert ids[0][1] != ids[2][1]


def test_a_time_that_a_clock_change_makes_twice_is_uncertain() -> None:
    text = PERFORMANCE.replace("2026-05-04T18:40:00+02:00", "2026-10-25T02:30:00")
    assert {each.provenance.quality for each in records(text) if isinstance(each, Event)} == {Quality.UNCERTAIN}


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_charset_that_the_document_declares_counts(charset: str) -> None:
    text = SCHEDULE.replace('encoding="utf-8"', f'encoding="{charset}"').replace("Resin 200", "Harz für 200 °C")
    [first, _] = b2mml.cut(text.encode(charset))
    assert said(translated(first.content))["job_order:WO-7781"]["description"] == "Harz für 200 °C"


BOMB = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
THEFT = '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "hostile",
    [
        f"{BOMB}<MaterialLot xmlns='{V0700}'><ID>&b;</ID></MaterialLot>",
        f"{THEFT}<MaterialLot xmlns='{V0700}'><ID>&x;</ID></MaterialLot>",
        f"<!DOCTYPE l SYSTEM 'http://127.0.0.1:1/x.dtd'><MaterialLot xmlns='{V0700}'><ID>1</ID></MaterialLot>",
        f"<MaterialLot xmlns='{V0700}'><ID>&undeclared;</ID></MaterialLot>",
        "<a>" * 5000,
        f"<MaterialInformation xmlns='{V0700}'>" + "<a/>" * 250_000,
        f"<MaterialInformation xmlns='{V0700}'><Description>{'x' * 200_000}</Description>"
        + "<MaterialLot><ID>1</ID></MaterialLot>" * 400
        + "</MaterialInformation>",
        "<?xml version='1.0' encoding='no-such'?><MaterialLot/>",
        "",
    ],
)
def test_xml_that_wants_to_do_harm_is_refused(hostile: str) -> None:
    with pytest.raises(UnreadableMessage):
        list(b2mml.cut(hostile.encode()))
