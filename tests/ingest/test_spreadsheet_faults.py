"""Trackers that are damaged, hostile, half saved, or written by other programs than ours."""

import os
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.connector import Aside, TroubleKind
from lineside.errors import SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.memory.reconciling import reconcile
from lineside.plant.records import Report

from .reading import drain, keys
from .trackers import HEADER, LOTS, book, lots, now_is, raw, text_row

GOOD = [HEADER, ["L-1", 5, "A"], ["L-2", 6, "B"]]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


async def values(reading: Any) -> list[dict[str, Any]]:
    records = (await drain(reading)).records(reading)
    return [dict(record.properties) for record in records if isinstance(record, Report)]


async def test_errors_are_never_values_and_where_they_decide_the_row_is_a_dead_letter(tmp_path: Path) -> None:
    def lot(row: int) -> str:
        return f'<c r="A{row}" t="inlineStr"><is><t>L-{row}</t></is></c>'

    rows = text_row(1, *HEADER)
    rows += f'<row r="2">{lot(2)}<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="C2" t="str"><v>A</v></c></row>'
    rows += '<row r="3"><c r="A3" t="e"><v>#REF!</v></c><c r="B3"><v>1</v></c></row>'
    rows += f'<row r="4">{lot(4)}<c r="B4"><v>4</v></c><c r="C4" t="e"><v>#N/A</v></c></row>'
    reading = lots(raw(tmp_path / "lots.xlsx", rows))
    read = await drain(reading)
    first, last = read.messages
    [record] = reading.translate(first)
    assert isinstance(record, Report)
    assert record.properties == {"location": "A"}
    with pytest.raises(UnreadableMessage, match="Place holds the error #N/A"):
        reading.translate(last)  # a template that lost its column
    assert [item.reason for item in read.unreadable] == ["the key column Lot holds the error #REF!"]
    assert [trouble.reason.partition(":")[0] for trouble in read.troubles] == [
        "1 cells of the column Qty hold no value",
        "1 cells of the column Lot hold no value",
        "1 cells of the column Place hold no value",
    ]


@pytest.mark.parametrize("error", ["#N/A", "#NV", "#BEZUG!", "Err:502", "#DIV/0!"])
async def test_errors_in_a_csv_are_none_either(tmp_path: Path, error: str) -> None:
    (tmp_path / "lots.csv").write_text(f"Lot;Qty;Place\nL-1;{error};A\n", "utf-8")
    assert await values(lots(tmp_path / "lots.csv")) == [{"location": "A"}]


async def test_a_default_does_not_stand_in_for_a_formula_that_was_never_calculated(tmp_path: Path) -> None:
    book(tmp_path / "lots.xlsx", {"S": [HEADER, ["L-1", "=A1", "A"]]})
    mapping = {"entity": "lot:{Lot}", "properties": {"q": {"field": "Qty", "type": "number", "default": 0}}}
    reading = lots(tmp_path / "lots.xlsx", mapping=mapping)
    with pytest.raises(UnreadableMessage, match="save it"):
        (await drain(reading)).records(reading)


async def test_what_other_programs_write_is_read_as_what_excel_writes(tmp_path: Path) -> None:
    rows = [HEADER, ["L-1", "0007", "Ä & <b>"]]
    escaped = [[*HEADER], ["L-1", "0007", "Ä &amp; &lt;b&gt;"]]
    placed = "".join(text_row(number, *row) for number, row in enumerate(escaped, 1))
    bare = "".join(text_row(None, *row) for row in escaped)
    prefixed = "".join(text_row(number, *row, prefix="x") for number, row in enumerate(escaped, 1))
    texts = [cell for row in escaped for cell in row]
    shared = "".join(f"<si><r><t>{text[:1]}</t></r><r><t>{text[1:]}</t></r><rPh><t>xx</t></rPh></si>" for text in texts)
    numbered = "".join(
        f'<row r="{row}">' + "".join(f'<c r="{column}{row}" t="s"><v>{row * 3 - 3 + place}</v></c>'
        for place, column in enumerate("ABC")) + "</row>" for row in (1, 2)
    )  # fmt: skip
    made = [
        raw(tmp_path / "placed.xlsx", placed),
        raw(tmp_path / "absolute.xlsx", bare, target="/xl/worksheets/sheet1.xml"),
        raw(tmp_path / "prefixed.xlsx", prefixed, prefix="x"),
        raw(tmp_path / "shared.xlsx", numbered, shared=shared),
    ]
    mapping = {"entity": "lot:{Lot}", "properties": {"q": "{Qty}", "p": "{Place}"}}
    for path in made:
        assert await values(lots(path, mapping=mapping)) == [{"q": rows[1][1], "p": rows[1][2]}], path


async def test_numbers_mean_what_their_format_shows(tmp_path: Path) -> None:
    formats = ["00000", "0.0%", "[h]:mm", 'dd"."mm"."yyyy;@', "[$-407]d. mmm yy"]
    codes = "".join(f"<numFmt numFmtId='{200 + n}' formatCode='{code}'/>" for n, code in enumerate(formats))
    cells = "".join(f'<xf numFmtId="{200 + n}" fontId="0"/>' for n in range(len(formats)))
    styles = f"<numFmts count='5'>{codes}</numFmts><fonts><font/></fonts><cellXfs>{cells}</cellXfs>"
    shown = [("123", 0), ("0.855", 1), ("1.5", 2), ("46146", 3), ("46146.5", 4)]
    titles = text_row(1, "Lot", "Share", "Took", "Due", "Made")
    told = "".join(f'<c r="{"ABCDE"[n]}2" s="{style}"><v>{value}</v></c>' for n, (value, style) in enumerate(shown))
    path = raw(tmp_path / "lots.xlsx", f'{titles}<row r="2">{told}</row>', styles=styles)
    mapping = {
        "entity": "lot:{Lot}",
        "properties": {
            "share": {"field": "Share", "type": "number"}, "took": {"field": "Took", "unit": "h"},
            "due": {"field": "Due", "type": "time"}, "made": {"field": "Made", "type": "time"},
        },
    }  # fmt: skip
    reading = lots(path, mapping=mapping)
    [record] = (await drain(reading)).records(reading)
    assert isinstance(record, Report)
    assert record.entity.id == "00123"
    assert record.properties == {
        "share": 0.855, "took": {"value": 36, "unit": "h"},
        "due": "2026-05-03T22:00:00+00:00", "made": "2026-05-04T10:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("order", "written", "day"),
    [
        ("dmy", "4.5.26", "2026-05-04"),
        ("dmy", "Mo, 04/05/2026 14:30", "2026-05-04T14:30:00"),
        ("mdy", "5/4/2026 2:30 PM", "2026-05-04T14:30:00"),
        ("mdy", "5-4-26 12:05 am", "2026-05-04T00:05:00"),
        ("ymd", "2026-5-4", "2026-05-04"),
        ("dmy", "2026-05-04 14:30", "2026-05-04T14:30:00"),
        ("dmy", "46146", "2026-05-04"),
    ],
)
async def test_dates_as_people_write_them(tmp_path: Path, order: str, written: str, day: str) -> None:
    (tmp_path / "lots.csv").write_text(f'Lot,Due\nL-1,"{written}"\n', "utf-8")
    mapping = {"entity": "lot:{Lot}", "properties": {"due": "{Due}"}, "occurred_at": "Due"}
    reading = lots(tmp_path / "lots.csv", mapping=mapping, date_order=order)
    [record] = (await drain(reading)).records(reading)
    assert isinstance(record, Report)
    assert record.properties == {"due": day}


@pytest.mark.parametrize("written", ["31.02.2026", "13/13/2026", "4.5.", "soon", "4.5.2026 25:00"])
async def test_a_date_that_is_none_is_a_dead_letter_not_a_guess(tmp_path: Path, written: str) -> None:
    (tmp_path / "lots.csv").write_text(f"Lot;Due\nL-1;{written}\n", "utf-8")
    mapping = {"entity": "lot:{Lot}", "properties": {"due": "{Due}"}, "occurred_at": "Due"}
    reading = lots(tmp_path / "lots.csv", mapping=mapping, date_order="dmy")
    with pytest.raises(UnreadableMessage, match="Due"):
        (await drain(reading)).records(reading)


@pytest.mark.parametrize(
    ("written", "spec", "found"),
    [
        ("85,5 %", {"type": "number"}, 0.855),
        ("1.234,5", {"type": "number"}, 1234.5),
        ("-1 234", {"type": "number"}, -1234),
        ("1:30", {"unit": "h"}, {"value": 1.5, "unit": "h"}),
        ("36:30:30", {"unit": "min"}, {"value": 2190.5, "unit": "min"}),
    ],
)
async def test_amounts_as_people_write_them(tmp_path: Path, written: str, spec: dict[str, str], found: object) -> None:
    (tmp_path / "lots.csv").write_text(f"Lot;Qty\nL-1;{written}\n", "utf-8")
    mapping = {"entity": "lot:{Lot}", "properties": {"q": {"field": "Qty", **spec}}}
    assert await values(lots(tmp_path / "lots.csv", mapping=mapping, decimal_comma=True)) == [{"q": found}]


async def test_a_duration_without_a_unit_of_time_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lots.csv").write_text("Lot;Qty;Place\nL-1;1:30;A\n", "utf-8")
    reading = lots(tmp_path / "lots.csv")
    with pytest.raises(UnreadableMessage, match="its unit must be"):
        (await drain(reading)).records(reading)


async def test_rows_of_a_csv_that_cant_be_what_was_written_are_named_and_the_others_come(tmp_path: Path) -> None:
    lines = [
        "sep=;", "Lot;Qty;Place", 'L-1;5;"aisle\r\n4"', "L-2;6;A;x", "L-3;7", "L-\0\0;8;B", "L-5;9;C;", "L-6;1",
    ]  # fmt: skip
    (tmp_path / "lots.csv").write_bytes("\r\n".join(lines).encode())
    read = await drain(lots(tmp_path / "lots.csv"))
    assert keys(read.messages) == ["L-1", "L-3", "L-5"]
    assert b"aisle\\r\\n4" in read.messages[0].content
    assert {item.origin: item.reason.partition(":")[0] for item in read.unreadable} == {
        "lots.csv:4": "the row has 4 cells, the header 3",
        "lots.csv:6": "the row holds zero bytes, as after a crash while it was saved",
        "lots.csv:8": "the file ends within the row",
    }


async def test_a_csv_in_utf_16_without_a_mark_and_one_with_a_stray_byte_are_read(tmp_path: Path) -> None:
    text = "Lot\tQty\tPlace\r\nL-1\t5\tA\r\n"
    (tmp_path / "a.txt").write_bytes(text.encode("utf-16-le"))
    (tmp_path / "b.xls").write_bytes(text.encode())
    (tmp_path / "c.csv").write_bytes(text.encode() + b"L-2\t6\t\x81\xe4\r\n")
    read = await drain(lots(tmp_path))
    assert [(each.stream, each.key) for each in read.messages] == [
        ("a.txt", "L-1"), ("b.xls", "L-1"), ("c.csv", "L-1"), ("c.csv", "L-2"),
    ]  # fmt: skip


def _bomb(path: Path) -> None:
    raw(path, text_row(1, *HEADER), shared=f"<si><t>{'a' * (64 << 20)}</t></si>")


def _entities(path: Path) -> None:
    raw(path, text_row(1, *HEADER))
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name).decode() for name in old.namelist()}
    head, _, rest = parts["xl/worksheets/sheet1.xml"].partition("?>")
    parts["xl/worksheets/sheet1.xml"] = f'{head}?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>{rest}'
    with zipfile.ZipFile(path, "w") as new:
        for name, part in parts.items():
            new.writestr(name, part)


def _far(path: Path) -> None:
    raw(path, '<row r="99999999"><c r="A99999999"><v>1</v></c></row>')


def _encrypted(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"))


def _page(path: Path) -> None:
    path.write_text("<html><table><tr><td>Lot</td></tr></table></html>", "utf-8")


def _other(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("readme.txt", "no workbook")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_bomb, "would unpack"), (_entities, "document type"), (_far, "outside of any sheet"), (_encrypted, "password"),
        (_page, "web page"), (_other, "no workbook"),
    ],
)  # fmt: skip
async def test_hostile_and_foreign_files_are_refused_with_the_reason_and_the_others_are_read(
    tmp_path: Path, make: Any, reason: str
) -> None:
    make(tmp_path / "bad.xlsx")
    book(tmp_path / "good.xlsx", {"S": GOOD})
    read = await drain(lots(tmp_path))
    assert keys(read.messages) == ["L-1", "L-2"]
    [trouble] = read.troubles
    assert (trouble.kind, trouble.stream) == (TroubleKind.REFUSED, "bad.xlsx")
    assert reason in trouble.reason
    with pytest.raises(SourceRefused, match=reason):
        await drain(lots(tmp_path / "bad.xlsx"))


async def test_a_file_cut_off_is_waited_for_and_a_dead_letter_once_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "lots.xlsx"
    book(path, {"S": GOOD})
    whole = path.read_bytes()
    first = await drain(lots(path))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceUnavailable):
        await drain(lots(path, clock=now_is(path)), first.checkpoint)
    later = now_is(path, later=timedelta(hours=2))
    stood = await drain(lots(path, clock=later), first.checkpoint)
    assert [item.content for item in stood.unreadable] == [path.read_bytes()]
    again = await drain(lots(path, clock=later), stood.checkpoint)
    assert (again.unreadable, [each.kind for each in again.troubles]) == ([], [TroubleKind.UNAVAILABLE])
    path.write_bytes(whole)
    mended = await drain(lots(path), again.checkpoint)
    assert (mended.messages, mended.troubles) == ([], [])


async def test_a_tracker_that_lost_all_its_rows_is_not_believed_at_once(tmp_path: Path, remembered: Any) -> None:
    path, memory = tmp_path / "lots.xlsx", remembered(now="2030-01-01T00:00:00Z")
    book(path, {"S": GOOD})
    await catch_up(memory, lots(path))
    book(path, {"S": [HEADER]})
    soon, later = lots(path, clock=now_is(path)), lots(path, clock=now_is(path, later=timedelta(hours=2)))
    await catch_up(memory, soon)
    await reconcile(memory, soon)
    assert _standing(memory) == ["L-1", "L-2"]
    doubted = await drain(soon, (await drain(lots(path))).checkpoint)
    assert doubted.messages == []
    await catch_up(memory, later)
    await reconcile(memory, later)
    assert _standing(memory) == []


def _standing(memory: Memory) -> list[str]:
    return sorted(statement.entity.id for statement in memory.view().statements(properties=("quantity",)))


async def test_a_truncated_save_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lots.csv"
    path.write_text("Lot;Qty;Place\nL-1;5;A\n", "utf-8")
    first = await drain(lots(path))
    path.write_text("Lot;Qty;Place\n", "utf-8")
    doubted = await drain(lots(path, clock=now_is(path)), first.checkpoint)
    assert [(each.kind, each.stream) for each in doubted.troubles] == [(TroubleKind.UNAVAILABLE, "lots.csv")]
    path.write_text("Lot;Qty;Place\nL-1;5;A\nL-2;6;B\n", "utf-8")
    back = await drain(lots(path), doubted.checkpoint)
    assert (keys(back.messages), back.troubles) == (["L-2"], [])


async def test_a_file_that_is_gone_is_told_once_and_what_stood_in_it_stands(tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx", {"S": GOOD})
    book(tmp_path / "b.xlsx", {"S": GOOD})
    first = await drain(lots(tmp_path))
    content = (tmp_path / "a.xlsx").read_bytes()
    (tmp_path / "a.xlsx").unlink()
    gone = await drain(lots(tmp_path), first.checkpoint)
    assert [(each.stream, each.passing) for each in gone.troubles] == [("a.xlsx", True)]
    assert [each.stream async for each in lots(tmp_path).listing()] == ["b.xlsx!S"]
    still = await drain(lots(tmp_path), gone.checkpoint)
    assert still.troubles == []
    (tmp_path / "a.xlsx").write_bytes(content)
    back = await drain(lots(tmp_path), still.checkpoint)
    assert (back.messages, back.troubles) == ([], [])


async def test_an_older_copy_is_read_and_told(tmp_path: Path) -> None:
    path = tmp_path / "lots.xlsx"
    book(path, {"S": GOOD})
    first = await drain(lots(path))
    book(path, {"S": [HEADER, ["L-1", 4, "A"], ["L-2", 6, "B"]]})
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    os.utime(path, (long_ago.timestamp(), long_ago.timestamp()))
    older = await drain(lots(path), first.checkpoint)
    assert [(each.key, each.reported_at) for each in older.messages] == [("L-1", long_ago)]
    assert [(each.kind, each.passing) for each in older.troubles] == [(TroubleKind.EPOCH, True)]


async def test_a_renamed_sheet_and_a_column_that_is_gone_are_told_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "lots.xlsx"
    book(path, {"S": GOOD})
    first = await drain(lots(path))
    book(path, {"Other": [["Lot", "Place"], ["L-1", "A"]]})
    reading = lots(path)
    read = await drain(reading, first.checkpoint)
    assert [(each.kind, each.stream) for each in read.troubles] == [
        (TroubleKind.DRIFT, "lots.xlsx!Other"),
        (TroubleKind.UNAVAILABLE, "lots.xlsx!S"),
    ]
    [held] = map(reading.translate, read.messages)
    assert isinstance(held, Aside)
    assert held.held


async def test_an_ods_is_read_and_a_locked_one_refused(tmp_path: Path) -> None:
    space = "urn:oasis:names:tc:opendocument:xmlns"
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(
        f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>"
        for row in [[], HEADER, ["L-1", "5", "A"]]
    )
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" xmlns:table="{space}:table:1.0" '
        f'xmlns:text="{space}:text:1.0"><office:body><office:spreadsheet><table:table table:name="S">{rows}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    for name, manifest in (("a.ods", "<manifest/>"), ("b.ods", "<manifest><encryption-data/></manifest>")):
        with zipfile.ZipFile(tmp_path / name, "w") as made:
            made.writestr("mimetype", mimetype)
            made.writestr("content.xml", content)
            made.writestr("META-INF/manifest.xml", manifest)
    read = await drain(lots(tmp_path))
    assert [(each.stream, each.key, each.origin) for each in read.messages] == [("a.ods!S", "L-1", "a.ods!S:3")]
    assert [(each.kind, each.stream) for each in read.troubles] == [(TroubleKind.REFUSED, "b.ods")]


async def test_a_workbook_with_macros_and_threads_of_comments_is_read(tmp_path: Path) -> None:
    threads = {
        "xl/worksheets/_rels/sheet1.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        'relationships"><Relationship Id="a" Type="http://x/comments" Target="../comments1.xml"/><Relationship Id="b" '
        'Type="http://x/threadedComment" Target="../threadedComments/t.xml"/></Relationships>',
        "xl/comments1.xml": f'<comments xmlns="{MAIN}"><commentList><comment ref="C2"><text><t>[Threaded]</t></text>'
        "</comment></commentList></comments>",
        "xl/threadedComments/t.xml": '<ThreadedComments><threadedComment ref="C2"><text>where?</text></threadedComment>'
        '<threadedComment ref="C2"><text>aisle 4</text></threadedComment></ThreadedComments>',
        "xl/vbaProject.bin": "macro",
    }  # fmt: skip
    rows = text_row(1, *HEADER) + text_row(2, "L-1", "5", "A")
    mapping = {**LOTS, "properties": {"remark": "{Place (comment)}"}}
    path = raw(tmp_path / "lots.xlsm", rows, more=threads)
    assert await values(lots(path, mapping=mapping)) == [{"remark": "where?\naisle 4"}]


async def test_a_file_that_is_too_large_says_so(tmp_path: Path) -> None:
    book(tmp_path / "lots.xlsx", {"S": GOOD})
    with pytest.raises(SourceRefused, match="largest_mb"):
        await drain(lots(tmp_path / "lots.xlsx", largest_mb=0.001))
