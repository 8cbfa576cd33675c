"""Trackers as people keep them: titles above the header, merged cells, zeros in front, formulas, odd encodings."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from lineside.connector import Aside, TroubleKind
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.entities import Entity
from lineside.plant.records import Event, Note, Report
from lineside_ingest.spreadsheet import Spreadsheet

from .reading import NOW, drain, keys

BERLIN = ZoneInfo("Europe/Berlin")
HOLD = {
    "entity": "hold:{Sperr-Nr}",
    "occurred_at": ["Datum"],
    "properties": {
        "subject": "lot:{Charge}",
        "status": {"field": "Status", "codes": {"offen": "active"}},
        "quantity": {"field": "Menge Ist", "unit": "kg"},
    },
}
PIPE = {"delimiter": "|"}
HEADER = ["Sperr-Nr", "Charge", "STATUS ", "Menge  Ist", "Datum"]


def book(path: Path, rows: list[list[Any]], *, merge: tuple[str, ...] = (), sheet: str = "Liste") -> Path:
    made = openpyxl.Workbook()
    page = made.active
    page.title = sheet
    for row in rows:
        page.append(row)
    for area in merge:
        page.merge_cells(area)
    made.save(path)
    return path


def now_is(path: Path, *, later: timedelta = timedelta(minutes=1)) -> Callable[[], datetime]:
    """A clock that shows how late it is a while after the file was saved."""
    return lambda: datetime.fromtimestamp(path.stat().st_mtime, UTC) + later


def tracker(path: Path, *, clock: Callable[[], datetime] = lambda: NOW, **options: Any) -> Spreadsheet:
    settings = {"path": str(path), "key": ["Sperr-Nr"], "mapping": HOLD, "settle_s": 0, **options}
    return Spreadsheet("sperrliste", settings, time_zone=BERLIN, clock=clock)


async def test_a_row_below_titles_becomes_a_report_with_its_zeros_and_its_date(tmp_path: Path) -> None:
    rows = [["Sperrliste Werk Süd"], [], HEADER, ["0007", "00123", "offen", 12.5, datetime(2026, 5, 4, 10, 0)]]  # noqa: DTZ001
    reading = tracker(book(tmp_path / "liste.xlsx", rows))
    read = await drain(reading)
    [report] = read.records(reading)
    assert isinstance(report, Report)
    assert report.entity == Entity("hold", "0007")
    assert report.properties == {
        "subject": "lot:00123",
        "status": "active",
        "quantity": {"value": 12.5, "unit": "kg"},
    }
    assert report.provenance.occurred_at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
    assert read.messages[0].origin == "liste.xlsx!Liste:4"
    assert list(reading.translate(read.messages[0])) == [report]


async def test_a_header_in_two_rows_with_merged_cells_is_found(tmp_path: Path) -> None:
    rows = [
        ["Sperr-Nr", "Charge", "Status", "Menge", None, "Datum"],
        [None, None, None, "Soll", "Ist", None],
        ["H-1", "L-1", "frei", 10, 9, date(2026, 5, 4)],
    ]
    merge = ("A1:A2", "B1:B2", "C1:C2", "D1:E1", "F1:F2")
    reading = tracker(book(tmp_path / "liste.xlsx", rows, merge=merge))
    [report] = (await drain(reading)).records(reading)
    assert isinstance(report, Report)
    assert report.properties["quantity"] == {"value": 9, "unit": "kg"}


async def test_only_new_and_changed_rows_come_and_a_value_that_returns_is_news(tmp_path: Path) -> None:
    path, checkpoint, seen = tmp_path / "liste.xlsx", None, []
    day = date(2026, 5, 4)
    for states in (["offen", "offen"], ["offen", "offen"], ["frei", "offen"], ["offen", "offen", "offen"]):
        rows = [[f"H-{number}", "L-1", state, 1, day] for number, state in enumerate(states)]
        book(path, [HEADER, *rows])
        read = await drain(tracker(path), checkpoint)
        checkpoint = read.checkpoint
        seen.append(read)
    assert [keys(read.messages) for read in seen] == [["H-0", "H-1"], [], ["H-0"], ["H-0", "H-2"]]
    ids = [each for read in seen for each in read.ids]
    assert len(set(ids)) == len(ids)


async def test_rows_without_a_key_are_told_apart_by_what_they_say_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "notizen.xlsx"
    options = {"key": [], "mapping": {"text": "{Notiz}", "author": "{Wer}"}}
    book(path, [["Wer", "Notiz"], ["AB", "Ventil klemmt"], ["AB", "Ventil klemmt"]])
    reading = tracker(path, **options)
    first = await drain(reading)
    assert len(first.messages) == 2
    book(path, [["Wer", "Notiz"], ["CD", "neu"], ["AB", "Ventil klemmt"], ["AB", "Ventil klemmt"]])
    [note] = (await drain(reading, first.checkpoint)).records(reading)
    assert isinstance(note, Note)
    assert (note.text, note.author) == ("neu", "CD")


async def test_a_formula_without_a_value_is_told_of_its_column_and_the_row_comes_without_it(tmp_path: Path) -> None:
    day = date(2026, 5, 4)
    rows = [HEADER, ["H-1", "L-1", "offen", "=1+1", day], ["H-2", "L-2", "offen", 2, day]]
    reading = tracker(book(tmp_path / "liste.xlsx", rows))
    read = await drain(reading)
    bare, whole = read.records(reading)
    assert isinstance(bare, Report)
    assert isinstance(whole, Report)
    assert bare.properties == {"subject": "lot:L-1", "status": "active"}
    assert whole.properties["quantity"] == {"value": 2, "unit": "kg"}
    assert [(each.kind, each.stream, each.reason) for each in read.troubles] == [
        (
            TroubleKind.DRIFT,
            "liste.xlsx!Liste",
            "1 cells of the column Menge Ist hold no value: first a formula without a stored value (=1+1) in row 2",
        )
    ]
    again = await drain(reading, read.checkpoint)
    assert (again.messages, again.troubles) == ([], read.troubles)


async def test_a_row_without_its_key_and_a_key_that_stands_twice_are_named(tmp_path: Path) -> None:
    day = date(2026, 5, 4)
    rows = [HEADER, ["H-1", "L-1", "offen", 1, day], ["H-1", "L-2", "offen", 1, day], [None, "L-3", "offen", 1, day]]
    read = await drain(tracker(book(tmp_path / "liste.xlsx", rows)))
    assert keys(read.messages) == ["H-1"]
    assert {item.origin: item.reason for item in read.unreadable} == {
        "liste.xlsx!Liste:3": "the key H-1 stands already in row 2",
        "liste.xlsx!Liste:4": "the key column Sperr-Nr is empty",
    }


async def test_a_sheet_whose_column_was_renamed_is_held_until_it_is_mended(tmp_path: Path) -> None:
    row = ["H-1", "L-1", "offen", 1, date(2026, 5, 4)]
    path = book(tmp_path / "liste.xlsx", [["Sperr-Nr", "Los", "Status", "Menge Ist", "Datum"], row])
    reading = tracker(path)
    read = await drain(reading)
    [held] = [reading.translate(message) for message in read.messages]
    assert isinstance(held, Aside)
    assert held.held
    assert "Charge" in held.reason
    assert [(trouble.kind, trouble.reason) for trouble in read.troubles] == [
        (TroubleKind.DRIFT, "the header in row 1 lacks Charge; it has: Sperr-Nr, Los, Status, Menge Ist, Datum")
    ]
    assert [check.ok for check in await reading.check()] == [False]
    assert [each async for each in reading.listing()] == []
    again = await drain(tracker(path), read.checkpoint)
    assert (again.messages, again.troubles) == ([], read.troubles)
    book(path, [HEADER, row])
    mended = await drain(tracker(path), again.checkpoint)
    assert keys(mended.messages) == ["H-1"]
    assert len(mended.records(reading)) == 1
    assert mended.troubles == []


async def test_a_sheet_without_the_columns_is_a_dead_letter_once_however_often_it_is_saved(tmp_path: Path) -> None:
    path = book(tmp_path / "liste.xlsx", [["Urlaub", "Mai"], ["AB", 3]])
    read = await drain(tracker(path))
    assert [item.reason for item in read.unreadable] == [
        "no row among the first 2 has the columns: Sperr-Nr, Charge, Status, Menge Ist, Datum"
    ]
    made = openpyxl.load_workbook(path)
    made.properties.creator = "somebody else"
    made.save(path)
    again = await drain(tracker(path), read.checkpoint)
    assert again.unreadable == []
    assert [trouble.kind for trouble in again.troubles] == [TroubleKind.DRIFT]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("Sperr-Nr;Charge;Status;Menge Ist;Datum\n1;Ä-1;offen;1.234,5;04.05.2026 10:00\n".encode(), {}),
        ("Sperr-Nr;Charge;Status;Menge Ist;Datum\n1;Ä-1;offen;1.234,5;04.05.2026 10:00\n".encode("cp1252"), {}),
        ("Sperr-Nr\tCharge\tStatus\tMenge Ist\tDatum\r\n1\tÄ-1\toffen\t1234,5\t04.05.2026 10:00".encode("utf-16"), {}),
        ('\ufeffSperr-Nr,Charge,Status,Menge Ist,Datum\n1,"Ä-1",offen,"1.234,5",04.05.2026 10:00\n'.encode(), {}),
        ("Titel\n\nSperr-Nr|Charge|Status|Menge Ist|Datum\n1|Ä-1|offen|1234,5|04.05.2026 10:00\n".encode(), PIPE),
    ],
)  # fmt: skip
async def test_a_csv_is_read_whatever_its_dialect(tmp_path: Path, content: bytes, options: dict[str, Any]) -> None:
    path = tmp_path / "liste.csv"
    path.write_bytes(content)
    reading = tracker(path, decimal_comma=True, time_format="%d.%m.%Y %H:%M", **options)
    [report] = (await drain(reading)).records(reading)
    assert isinstance(report, Report)
    assert report.properties["subject"] == "lot:Ä-1"
    assert report.properties["quantity"] == {"value": 1234.5, "unit": "kg"}
    assert report.provenance.occurred_at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


async def test_a_date_and_a_time_in_two_columns_are_one_moment(tmp_path: Path) -> None:
    rows = [["Tag", "Uhr", "Linie", "Was"], [date(2026, 5, 4), time(14, 30), "Presse 7", "stop"]]
    mapping = {
        "kind": "{Was}",
        "occurred_at": "{Tag} {Uhr}",
        "equipment": {"field": "Linie", "codes": {"Presse 7": "werk/halle/presse-7"}},
    }
    reading = tracker(book(tmp_path / "stops.xlsx", rows), key=[], mapping=mapping)
    [event] = (await drain(reading)).records(reading)
    assert isinstance(event, Event)
    assert (event.equipment, event.provenance.occurred_at) == (
        "werk/halle/presse-7",
        datetime(2026, 5, 4, 12, 30, tzinfo=UTC),
    )


async def test_a_decimal_comma_that_was_not_announced_is_refused_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_text("Sperr-Nr;Charge;Status;Menge Ist;Datum\n1;L-1;offen;12,5;2026-05-04\n", "utf-8")
    reading = tracker(path)
    read = await drain(reading)
    with pytest.raises(UnreadableMessage, match="decimal_comma"):
        read.records(reading)


async def test_a_file_that_is_being_saved_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04half")
    book(tmp_path / "b.xlsx", [HEADER, ["H-1", "L-1", "offen", 1, date(2026, 5, 4)]])
    (tmp_path / "~$b.xlsx").write_bytes(b"lock")
    later = now_is(tmp_path / "a.xlsx")
    read = await drain(tracker(tmp_path, clock=later))
    assert keys(read.messages) == ["H-1"]
    assert [(each.kind, each.stream) for each in read.troubles] == [(TroubleKind.UNAVAILABLE, "a.xlsx")]
    assert read.unreadable == []
    with pytest.raises(SourceUnavailable, match=r"a\.xlsx"):
        await drain(tracker(tmp_path / "a.xlsx", clock=later))


async def test_a_missing_file_and_a_missing_sheet_say_so(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="is not there"):
        await drain(tracker(tmp_path / "no.xlsx"))
    path = book(tmp_path / "liste.xlsx", [HEADER])
    with pytest.raises(SourceRefused, match="there are: Liste"):
        await drain(tracker(path, sheet="Andere"))


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"delimiter": ";;"}, "option delimiter must be one character"),
        ({"mapping": {"text": {"feld": "x"}}}, "text.feld is unknown"),
        ({"mapping": {"text": {"codes": {}}}}, "text needs either field or each"),
        ({"mapping": {"entity": "lot:{x}", "properties": {}}}, "properties must be a table"),
        ({"mapping": {"scope": "x"}}, "needs exactly one of entity"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(BadSettings, match=wrong):
        tracker(tmp_path / "x.xlsx", **options)
