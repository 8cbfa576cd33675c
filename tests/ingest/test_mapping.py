"""Rows as business systems write them: every value that can be read is read exactly, every other one is named."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.errors import UnreadableMessage
from lineside.plant.exact_json import read_array, read_json
from lineside.plant.mapping import read_mapping, records_from_row
from lineside.plant.quantities import number as decimal
from lineside.plant.records import Decision, Event, Provenance, Quality, Record, Report
from lineside.plant.row_values import Notation, moment, number, text

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BERLIN = Notation(time_zone=ZoneInfo("Europe/Berlin"))
COMMA = Notation(time_zone=ZoneInfo("Europe/Berlin"), decimal_comma=True)


def mapped(configured: Any, row: dict[str, Any], notation: Notation = BERLIN) -> list[Record]:
    provenance = Provenance(source="erp", source_id="x", occurred_at=NOW, reported_at=NOW, recorded_at=NOW)
    return records_from_row(read_mapping(configured), row, provenance=provenance, notation=notation)


@pytest.mark.parametrize(
    ("written", "notation", "value"),
    [
        ("1,234.5", BERLIN, 1234.5),
        ("1.234,5", COMMA, 1234.5),
        ("1234.500", BERLIN, 1234.5),
        ("5.000-", BERLIN, -5),
        ("12 345", BERLIN, 12345),
        ("1'234", BERLIN, 1234),
        ("-0,5", COMMA, -0.5),
        ("1.234", COMMA, 1234),
        ("0.10000000000000000555", BERLIN, "0.10000000000000000555"),
        (3, BERLIN, 3),
        (2.50, BERLIN, 2.5),
        ("1e3", BERLIN, 1000),
    ],
)
def test_numbers_are_read_as_their_people_write_them(written: Any, notation: Notation, value: object) -> None:
    assert number(written, notation) == value


@pytest.mark.parametrize("written", ["12,5", "1,23,4", "abc", "", "-", ".", "NaN", "1e999", True, None, "1.2.3", "٣"])
def test_what_is_no_number_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="is not a"):
        number(written, BERLIN)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_every_decimal_keeps_its_value(value: Any) -> None:
    assert decimal(number(format(value, "f"), BERLIN)) == value
    assert decimal(number(format(value, "f").replace(".", ","), COMMA)) == value


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-05-04T10:00:00+02:00", datetime(2026, 5, 4, 8, 0, tzinfo=UTC)),
        ("2026-05-04 10:00", datetime(2026, 5, 4, 8, 0, tzinfo=UTC)),
        ("20260504100000", datetime(2026, 5, 4, 8, 0, tzinfo=UTC)),
        ("20260504", datetime(2026, 5, 3, 22, 0, tzinfo=UTC)),
        (20260504, datetime(2026, 5, 3, 22, 0, tzinfo=UTC)),
        ("/Date(1777888800000)/", datetime(2026, 5, 4, 8, 0, tzinfo=UTC)),
        ("/Date(1777888800000+0120)/", datetime(2026, 5, 4, 10, 0, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_the_sources_zone_unless_they_say_theirs(written: Any, at: datetime) -> None:
    assert moment(written, BERLIN).at == at


def test_a_time_that_exists_twice_or_never_is_uncertain() -> None:
    assert not moment("2026-10-25 02:30", BERLIN).certain
    assert not moment("2026-03-29 02:30", BERLIN).certain
    assert moment("2026-10-25 03:30", BERLIN).certain
    mapping = {"kind": "stop", "occurred_at": "Zeit"}
    [event] = mapped(mapping, {"Zeit": "2026-10-25 02:30"})
    assert event.provenance.quality is Quality.UNCERTAIN


@pytest.mark.parametrize("written", ["gestern", "04.05.2026", "2026-13-01", "/Date(99999999999999999)/", "25:00"])
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        moment(written, BERLIN)


def test_a_row_can_say_several_things_and_only_those_that_concern_it() -> None:
    mapping = [
        {"entity": "lot:{Charge}", "scope": "bestand", "properties": {"location": "{Platz}", "expires_at": "{MHD}"}},
        {
            "kind": {"field": "BWA", "codes": {"601": "goods_issue"}},
            "lot": "{Charge}",
            "when": {"BWA": ["601", 602]},
            "attributes": {"quantity": {"field": "Menge", "type": "number"}, "document": "{Beleg}"},
        },
        {"question": "Was tun mit {Charge}?", "choice": "{Entscheid}", "when": {"Entscheid": "nacharbeiten"}},
    ]
    row = {"Charge": "0042", "Platz": "A-1", "MHD": "", "BWA": 601, "Menge": "7,0", "Beleg": 4900.0, "Entscheid": None}
    report, event = mapped(mapping, row, COMMA)
    assert isinstance(report, Report)
    assert isinstance(event, Event)
    assert report.properties == {"location": "A-1"}
    assert (event.kind, event.lot) == ("goods_issue", "0042")
    assert event.attributes == {"quantity": 7, "document": "4900"}
    assert (report.provenance.part, event.provenance.part) == (0, 1)
    assert [type(each) for each in mapped(mapping, {**row, "BWA": "9", "Entscheid": "nacharbeiten"})] == [
        Report,
        Decision,
    ]


def test_lists_inside_a_row_become_lists_of_objects() -> None:
    item = {"material": "{Mat}", "quantity": {"field": "Q.Wert", "unit": "{Q.Einheit}"}, "staged": {"field": "Da"}}
    mapping = {"entity": "job_order:{Nr}", "properties": {"components": {"each": "Teile", "item": item}}}
    row = {"Nr": "1", "Teile": [{"Mat": "R-2", "Q": {"Wert": "2.5", "Einheit": "KG"}, "Da": False}, "stray"]}
    [report] = mapped(mapping, row)
    assert isinstance(report, Report)
    assert report.properties["components"] == [
        {"material": "R-2", "quantity": {"value": 2.5, "unit": "KG"}, "staged": False}
    ]


def test_a_code_that_is_not_listed_stays_as_it_came_and_an_empty_one_can_mean_something() -> None:
    status = {"field": "S", "codes": {"": "planned", "X": True}, "default": "unused"}
    mapping = {"entity": "job_order:1", "properties": {"status": status, "other": "{O}"}}
    row = {"O": "x"}
    found = [mapped(mapping, {**row, "S": code})[0].properties["status"] for code in (None, "X", "Q7")]  # type: ignore[union-attr]
    assert found == ["planned", True, "Q7"]


@pytest.mark.parametrize(
    ("mapping", "row", "reason"),
    [
        (
            {"entity": "lot:{L}", "properties": {"q": {"field": "Q", "unit": "kg"}}},
            {"L": "1", "Q": "viel"},
            "Q: 'viel'",
        ),
        ({"entity": "lot:{L}", "properties": {"q": "{Q}"}}, {"L": "", "Q": "1"}, "entity: is missing"),
        ({"entity": "lot:{L}", "properties": {"q": "{Q}"}}, {"L": "1", "Q": " "}, "no value in any"),
        ({"kind": "stop", "occurred_at": ["A", "B"]}, {"A": None, "B": ""}, "occurred_at: A and B hold no time"),
        ({"kind": "stop", "occurred_at": "A"}, {"A": "bald"}, "A: 'bald' is not a time"),
    ],
)
def test_a_row_that_cant_be_read_names_its_column(mapping: Any, row: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnreadableMessage) as refused:
        mapped(mapping, row)
    assert reason in refused.value.message


@pytest.mark.parametrize(("value", "written"), [(123.0, "123"), (0.1, "0.1"), (True, "true"), (None, ""), (" x ", "x")])
def test_values_are_written_as_a_person_would(value: Any, written: str) -> None:
    assert text(value) == written


@given(st.text())
def test_no_text_breaks_the_json_reader(written: str) -> None:
    for read in (read_json, lambda each: list(read_array(each))):
        with suppress(ValueError):
            read(written)
