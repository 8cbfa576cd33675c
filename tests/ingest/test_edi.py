"""EDIFACT and X12: what partners write, what they get wrong, and what becomes of it."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lineside.connector import Aside, SourceMessage
from lineside.errors import UnreadableMessage
from lineside.plant.records import Event, Provenance, Record, Report
from lineside.plant.row_values import Notation
from lineside_ingest.drop_folder import edi

from .reading import NOW

BERLIN = Notation(time_zone=ZoneInfo("Europe/Berlin"))

# One pallet (SSCC) of two cartons; after the examples in GS1's EANCOM guidelines, with a lot and an order line.
DESADV = (
    "UNA:+.? 'UNB+UNOC:3+4012345000009:14+4098765000001:14+260504:0830+ICR7++++++'"
    "UNH+M1+DESADV:D:96A:UN:EAN005'BGM+351+DA-4711+9'DTM+137:202605040825:203'DTM+11:20260504:102'"
    "DTM+132:202605051000:203'RFF+ON:PO-88'NAD+SU+4012345000009::9++Müller ?+ Söhne'NAD+BY+4098765000001::9'"
    "TDT+20++30+31+:::Spedition Nord'CPS+1'PAC+1++201'PCI+33E'GIN+BJ+340123450000000018'"
    "LIN+1++4000001000012:EN'PIA+1+RES-200:IN'PIA+1+L-77:NB'IMD+F++:::Harz 200'QTY+12:48:PCE'RFF+ON:PO-88:10'"
    "DTM+36:20270101:102'LIN+2++RES-300:SA'QTY+12:2,5:KGM'UNT+23+M1'UNZ+1+ICR7'"
)
IFTSTA = (
    "UNB+UNOC:3+CARRIER+PLANT+260505:0900+77'UNH+1+IFTSTA:D:01B:UN'BGM+23+S-1+9'DTM+137:202605050858:203'"
    "CNI+1+C-1'RFF+DQ:DA-4711'STS+1+24'DTM+334:202605042210:203'LOC+5+DEHAM::6:Hamburg'"
    "STS+1+21'DTM+334:202605050845:203'UNT+11+1'UNZ+1+77'"
)
ISA = "ISA*00*          *00*          *ZZ*SUPPLIER       *ZZ*PLANT          *260504*0830*U*00401*000000124*0*P*>~"
ASN = (
    ISA + "GS*SH*SUPPLIER*PLANT*20260504*0830*12*X*004010~ST*856*0001~BSN*00*SH-9*20260504*0825*0001~HL*1**S~"
    "TD5**2*SCAC**North Freight~DTM*011*20260504~DTM*017*20260506~N1*SF*Acme Resin*92*V7~"
    "HL*2*1*O~PRF*PO-88~HL*3*2*P~MAN*GM*00340123450000000018~HL*4*3*I~LIN*1*BP*RES-200*LT*L-77*PL*10~"
    "SN1**48*EA~REF*LT*L-77~CTT*4~SE*17*0001~GE*1*12~IEA*1*000000124~"
)
STATUS = (
    ISA.replace("000000124", "000000777") + "GS*QM*SUPPLIER*PLANT*20260504*1430*7*X*004010~ST*214*0007~"
    "B10*PRO1*SH-9*UPSN~L11*PO-88*PO~LX*1~AT7*AF*NS***20260504*0840*CT~MS1*MEMPHIS*TN*US~"
    "AT7*AG*NS***20260506*1015*CT~SE*8*0007~GE*1*7~IEA*1*000000777~"
)


def records(text: str, charset: str = "iso8859-1") -> list[Record]:
    found: list[Record] = []
    for part in edi.cut(text.encode(charset)):
        assert part.problem == ""
        read = translated(part.content)
        assert not isinstance(read, Aside)
        found += read
    return found


def translated(content: bytes) -> Any:
    whole = Provenance(source="edi", source_id="x", occurred_at=NOW, reported_at=NOW, recorded_at=NOW)
    message = SourceMessage(source="edi", source_id="x", content=content, received_at=NOW)
    return edi.records(message, whole, BERLIN, ())


def said(found: list[Record], scope: str | None = None) -> dict[str, dict[str, Any]]:
    return {
        str(each.entity): dict(each.properties) for each in found if isinstance(each, Report) and each.scope == scope
    }


def test_a_despatch_advice_tells_the_shipment_its_package_its_lot_and_the_order_line() -> None:
    found = records(DESADV)
    whole = said(found)

    assert whole["shipment:DA-4711"] == {
        "lines": [
            {
                "purchase_order_line": "PO-88/10",
                "material": "RES-200",
                "description": "Harz 200",
                "quantity": {"value": 48, "unit": "ea"},
                "lot": "L-77",
            },
            {"purchase_order_line": "PO-88", "material": "RES-300", "quantity": {"value": 2.5, "unit": "kg"}},
        ],
        "carrier": "Spedition Nord",
        "supplier": "Müller + Söhne",
        "planned_departure": "2026-05-03T22:00:00+00:00",
        "eta": "2026-05-05T08:00:00+00:00",
        "status": "departed",
    }
    assert whole["lot:L-77"]["expires_at"] == "2026-12-31T23:00:00+00:00"
    assert whole["handling_unit:340123450000000018"]["shipment"] == "DA-4711"
    assert len(whole["handling_unit:340123450000000018"]["lines"]) == 2
    assert whole["document:delivery_note/DA-4711"]["status"] == "issued"
    assert whole["purchase_order_line:PO-88/10"]["eta"] == "2026-05-05T08:00:00+00:00"
    assert said(found, "in_transit")["purchase_order_line:PO-88/10"] == {"quantity": {"value": 48, "unit": "ea"}}
    assert {each.provenance.reported_at for each in found} == {datetime(2026, 5, 4, 6, 25, tzinfo=UTC)}


def test_a_quantity_with_a_decimal_comma_is_read_in_edifact_whatever_the_source_writes_elsewhere() -> None:
    assert said(records(DESADV))["shipment:DA-4711"]["lines"][1]["quantity"] == {"value": 2.5, "unit": "kg"}


def test_a_status_message_tells_each_step_at_its_own_time() -> None:
    found = records(IFTSTA)
    departed = next(each for each in found if isinstance(each, Event))
    states = [(each.properties["status"], each.provenance.occurred_at) for each in found if isinstance(each, Report)]

    assert (departed.kind, departed.shipment) == ("departed", "DA-4711")
    assert departed.attributes["place"] == "Hamburg"
    assert states == [
        ("departed", datetime(2026, 5, 4, 20, 10, tzinfo=UTC)),
        ("delivered", datetime(2026, 5, 5, 6, 45, tzinfo=UTC)),
    ]


def test_a_ship_notice_finds_order_and_package_over_its_levels() -> None:
    whole = said(records(ASN))

    assert whole["shipment:SH-9"]["lines"] == [
        {
            "purchase_order_line": "PO-88/10",
            "material": "RES-200",
            "quantity": {"value": 48, "unit": "ea"},
            "lot": "L-77",
        }
    ]
    assert whole["shipment:SH-9"]["carrier"] == "North Freight"
    assert whole["handling_unit:00340123450000000018"] == {
        "shipment": "SH-9",
        "lot": "L-77",
        "material": "RES-200",
        "quantity": {"value": 48, "unit": "ea"},
    }


def test_a_carriers_status_is_read_in_the_zone_that_it_names_and_an_estimate_is_no_occurrence() -> None:
    departed, shipped, changed, eta = records(STATUS)

    assert isinstance(departed, Event)
    assert isinstance(changed, Event)
    assert isinstance(eta, Report)
    assert departed.provenance.occurred_at == datetime(2026, 5, 4, 13, 40, tzinfo=UTC)
    assert departed.attributes["place"] == "MEMPHIS, TN, US"
    assert isinstance(shipped, Report)
    assert shipped.properties["status"] == "departed"
    assert (changed.kind, changed.attributes["to"]) == ("eta_changed", "2026-05-06T15:15:00+00:00")
    assert changed.provenance.occurred_at < datetime(2026, 5, 5, tzinfo=UTC)
    assert eta.properties["eta"] == "2026-05-06T15:15:00+00:00"


def test_a_code_that_is_not_known_stays_as_it_came() -> None:
    [report] = records(
        IFTSTA.replace("STS+1+24'", "")
        .replace("DTM+334:202605042210:203'LOC+5+DEHAM::6:Hamburg'", "")
        .replace("STS+1+21", "STS+1+ZZ9")
        .replace("UNT+11", "UNT+8")
    )
    assert isinstance(report, Report)
    assert report.properties["status"] == "ZZ9"


@pytest.mark.parametrize(
    "text", [DESADV.replace("UNT+23", "UNT+24"), ASN.replace("SE*17", "SE*16"), ASN.replace("SE*17*0001", "SE*17*0002")]
)
def test_a_message_whose_count_is_wrong_is_not_believed(text: str) -> None:
    [part] = edi.cut(text.encode())
    with pytest.raises(UnreadableMessage, match="counts"):
        translated(part.content)


def test_one_broken_message_keeps_no_other_of_its_interchange_back() -> None:
    broken = "UNH+M2+DESADV:D:96A:UN'BGM+351+DA-2+9'UNT+9+M2'"
    last = "UNH+M3+DESADV:D:96A:UN'BGM+351+DA-3+9'UNT+3+M3'"
    parts = list(edi.cut(DESADV.replace("UNZ+1", broken + last + "UNZ+3").encode()))
    outcomes = []
    for part in parts:
        try:
            outcomes.append(len(translated(part.content)) > 0)
        except UnreadableMessage:
            outcomes.append(False)

    assert outcomes == [True, False, True]
    assert [part.source_id[-2:] for part in parts] == ["M1", "M2", "M3"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (DESADV.replace("UNZ+1+ICR7'", ""), "no UNZ"),
        (DESADV.replace("UNZ+1", "UNZ+2"), "UNZ counts 2"),
        (DESADV[: DESADV.index("UNT")], "no UNZ"),
        (ASN.replace("IEA*1", "IEA*3"), "IEA counts 3"),
        (ASN[: ASN.index("GE*")], "no IEA"),
        ("ISA*00*", "not whole"),
        ("UNA:+.? 'UNH+1+DESADV:D:96A:UN'", "without UNB"),
    ],
)
def test_an_interchange_that_is_not_whole_is_told_besides_what_it_holds(text: str, problem: str) -> None:
    problems = [part.problem for part in edi.cut(text.encode()) if part.problem]
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    "text",
    [
        DESADV.replace("ICR7++++++'", "ICR7++++++1'"),
        ASN.replace("*0*P*>", "*0*T*>"),
        DESADV.replace("DESADV", "ORDERS"),
    ],
)
def test_tests_and_other_messages_are_ignored_by_rule(text: str) -> None:
    [part] = edi.cut(text.encode())
    assert isinstance(translated(part.content), Aside)


def test_separators_of_its_own_and_released_characters_are_read() -> None:
    own = DESADV[9:].translate(str.maketrans({"+": "|", ":": "^", "'": "~", "?": "\\"}))
    found = said(records("UNA^|.\\ ~" + own))
    assert found["shipment:DA-4711"]["supplier"] == "Müller | Söhne"


def test_the_charset_that_the_syntax_names_counts() -> None:
    cyrillic = DESADV.replace("UNOC", "UNOE").replace("Müller", "Мюллер").replace("ö", "o")
    assert said(records(cyrillic, "iso8859-5"))["shipment:DA-4711"]["supplier"] == "Мюллер + Sohne"


def test_several_interchanges_in_one_file_are_all_read_and_know_their_senders() -> None:
    parts = list(edi.cut(f"{DESADV}\r\n{IFTSTA}\n".encode()))
    assert [part.sequence for part in parts] == [("4012345000009", "ICR7"), ("CARRIER", "77")]
    assert len({part.source_id for part in parts}) == 2


def test_the_number_of_a_message_is_its_id_and_a_reset_counter_is_no_duplicate() -> None:
    [first], [again], [next_year] = (
        list(edi.cut(text.encode())) for text in (DESADV, DESADV, DESADV.replace("260504:0830", "270504:0830"))
    )
    assert first.source_id == again.source_id
    assert first.source_id != next_year.source_id


def test_a_cancelled_advice_is_no_shipment() -> None:
    [event] = records(DESADV.replace("DA-4711+9'", "DA-4711+1'"))
    assert isinstance(event, Event)
    assert (event.kind, event.shipment) == ("cancelled", "DA-4711")


@pytest.mark.parametrize(
    "hostile",
    [
        b"UNB+" + b"?" * 400_001,
        b"UNB+UNOC:3'" + b"+" * 400_000,
        b"UNA:+.? '" + b"\n" * 400_000,
        ISA.encode() + b"*" * 400_000,
        b"UNB+UNOC:3+\x00'",
    ],
)
def test_hostile_files_end_in_a_reason_and_in_time(hostile: bytes) -> None:
    parts = list(edi.cut(hostile))
    assert parts
    assert all(part.problem for part in parts)
