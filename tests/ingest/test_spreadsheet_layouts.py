"""Where the rows of a tracker stand: another place each week, several tables, merged cells, totals, hidden rows."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Font

from lineside.connector import Aside
from lineside.errors import BadSettings, SourceRefused
from lineside.plant.records import Report

from .reading import Read, drain, keys
from .trackers import HEADER, LOTS, book, lots


async def told(reading: Any) -> dict[str, dict[str, Any]]:
    """Each lot with its properties."""
    records = (await drain(reading)).records(reading)
    return {record.entity.id: dict(record.properties) for record in records if isinstance(record, Report)}


async def test_the_same_rows_are_known_when_the_header_moved_and_the_columns_changed_places(tmp_path: Path) -> None:
    path = tmp_path / "lots.xlsx"
    book(path, {"S": [HEADER, ["L-1", 5, "A"], ["L-2", 6, "B"]]})
    first = await drain(lots(path))
    moved: list[list[Any]] = [["Week 19"], *([] for _ in range(30)), [None, None, "PLACE:", "new", " qty", "Lot"]]
    book(path, {"S": [*moved, [None, None, "A", "x", 5, "L-1"], [], [None, None, "B", None, 7, "L-2"]]})
    again = await drain(lots(path), first.checkpoint)
    assert keys(again.messages) == ["L-2"]
    assert again.messages[0].origin == "lots.xlsx!S:35"


async def test_tables_one_below_the_other_and_side_by_side_are_all_read(tmp_path: Path) -> None:
    below = book(
        tmp_path / "below.xlsx",
        {"S": [["Line 1"], HEADER, ["L-1", 1, "A"], [], ["Line 2"], ["Place", "Lot", "Qty"], ["B", "L-2", 2]]},
    )
    beside = book(tmp_path / "beside.xlsx", {"S": [[*HEADER, None, *HEADER], ["L-1", 1, "A", None, "L-2", 2, "B"]]})
    assert (len(below.worksheets), len(beside.worksheets)) == (1, 1)
    wanted = {"L-1": {"quantity": 1, "location": "A"}, "L-2": {"quantity": 2, "location": "B"}}
    assert await told(lots(tmp_path / "beside.xlsx")) == wanted
    reading = lots(tmp_path / "below.xlsx")
    read = await drain(reading)
    assert keys(read.messages) == ["L-1", "L-2"]
    assert [each.reason for each in read.unreadable] == []


async def test_a_cell_merged_downwards_stands_for_all_its_rows_and_an_empty_one_if_told(
    tmp_path: Path,
) -> None:
    rows = [["Place", "Lot", "Qty"], ["A", "L-1", 1], [None, "L-2", 2], [None, None, None], [None, "L-3", 3]]
    book(tmp_path / "merged.xlsx", {"S": rows}, merge=("A2:A4",))
    places = {lot: said.get("location") for lot, said in (await told(lots(tmp_path / "merged.xlsx"))).items()}
    assert places == {"L-1": "A", "L-2": "A", "L-3": None}
    book(tmp_path / "plain.xlsx", {"S": rows})
    filled = await told(lots(tmp_path / "plain.xlsx", fill_down=["Place"]))
    assert {lot: said["location"] for lot, said in filled.items()} == {"L-1": "A", "L-2": "A", "L-3": "A"}


async def test_a_header_in_two_rows_of_a_csv_is_found_without_merged_cells(tmp_path: Path) -> None:
    (tmp_path / "lots.csv").write_text("Lot;Amount;;Place\n;Plan;Real;\nL-1;7;5;A\n;;;\nL-2;8;;\n", "utf-8")
    mapping = {"entity": "lot:{Lot}", "properties": {"q": {"field": "Amount Real", "type": "number"}, "p": "{Place}"}}
    reading = lots(tmp_path / "lots.csv", mapping=mapping)
    read = await drain(reading)
    assert keys(read.messages) == ["L-1", "L-2"]
    [record, _] = [reading.translate(read.messages[0]), read.messages[1]]
    assert not isinstance(record, Aside)
    assert isinstance(record[0], Report)
    assert record[0].properties == {"q": 5, "p": "A"}


async def test_a_column_that_stands_twice_is_named_not_chosen(tmp_path: Path) -> None:
    book(tmp_path / "lots.xlsx", {"S": [["Lot", "Qty", "Qty", "Place"], ["L-1", 1, 2, "A"]]})
    read = await drain(lots(tmp_path / "lots.xlsx"))
    assert [item.reason for item in read.unreadable] == ["the column 'Qty' stands twice in row 1"]
    assert read.messages == []


async def test_sheets_are_chosen_by_pattern_and_each_is_a_stream_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "lots.xlsx"
    rows = [HEADER, ["L-1", 1, "A"]]
    book(path, {"Legend": [["read me"]], "KW 18": rows, "KW 19": rows, "Sheet3": []})
    read = await drain(lots(path, sheet="kw*"))
    assert [each.stream for each in read.messages] == ["lots.xlsx!KW 18", "lots.xlsx!KW 19"]
    everything = await drain(lots(path, sheet="all"))
    assert len(everything.messages) == 2
    assert [(each.stream, each.kind) for each in everything.troubles] == [("lots.xlsx!Legend", "drift")]
    assert len(await drain_messages(lots(path, sheet=["KW 18", "nothing"]))) == 1
    with pytest.raises(SourceRefused, match="there are: Legend, KW 18, KW 19, Sheet3"):
        await drain(lots(path, sheet="Week*"))


async def drain_messages(reading: Any) -> list[Any]:
    return (await drain(reading)).messages


async def test_totals_are_ignored_by_rule_and_a_customer_whose_name_begins_so_is_not(tmp_path: Path) -> None:
    path = tmp_path / "lots.xlsx"
    rows = [HEADER, ["L-1", 1, "A"], ["Total Steel 7", 1, "B"], ["Summe:", 2, None], [], ["Gesamt", 2]]
    book(path, {"S": rows})
    reading = lots(path)
    read = await drain(reading)
    asides = [made.reason for made in map(reading.translate, read.messages) if isinstance(made, Aside)]
    assert asides == ["a row of totals: Summe:", "a row of totals: Gesamt"]
    assert len(read.messages) == 4
    assert [made.reason for made in (lots(path, totals=["total *"]).translate(each) for each in
            (await drain(lots(path, totals=["total *"]))).messages) if isinstance(made, Aside)] == [
        "a row of totals: Total Steel 7"
    ]  # fmt: skip


async def test_hidden_and_struck_rows_are_read_and_told_or_left_out_where_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "lots.xlsx"
    made = book(path, {"S": [HEADER, ["L-1", 1, "A"], ["L-2", 2, "B"], ["L-3", 3, "C"]]})
    page = made.worksheets[0]
    page.row_dimensions[3].hidden = True
    for cell in page[4]:
        cell.font = Font(strike=True)
    made.save(path)
    called_off = {"field": "(struck)", "codes": {"true": "cancelled"}}
    mapping = {**LOTS, "properties": {**LOTS["properties"], "status": called_off, "seen": {"field": "(hidden)"}}}  # type: ignore[dict-item]
    found = await told(lots(path, mapping=mapping))
    assert {lot: (said.get("status"), said.get("seen")) for lot, said in found.items()} == {
        "L-1": (None, None), "L-2": (None, True), "L-3": ("cancelled", None),
    }  # fmt: skip
    [check] = await lots(path).check()
    assert check.detail == "header in row 1, 3 rows; 1 of them hidden, and read"
    left = lots(path, leave_out=["hidden", "struck"])
    read = await drain(left)
    asides = [made.reason for made in map(left.translate, read.messages) if isinstance(made, Aside)]
    assert asides == ["the row is hidden", "the row is struck through"]
    [listed] = [each async for each in left.listing()]
    assert {"L-1"} == {key for key in listed.keys if not key.startswith("aside~")}
    with pytest.raises(BadSettings, match="leave_out"):
        lots(path, leave_out=["red"])


async def test_what_is_noted_at_a_cell_and_the_name_of_its_sheet_can_be_mapped(tmp_path: Path) -> None:
    path = tmp_path / "lots.xlsx"
    made = book(path, {"KW 19": [HEADER, ["L-1", 1, "A"]]})
    made.worksheets[0]["C2"].comment = Comment("moved\nto aisle 4", "somebody")
    made.save(path)
    mapping = {
        "entity": "lot:{Lot}",
        "properties": {"remark": "{Place (comment)}", "week": "{(sheet)}"},
    }
    found = await told(lots(path, mapping=mapping))
    assert found == {"L-1": {"remark": "moved\nto aisle 4", "week": "KW 19"}}


async def test_many_files_of_a_pattern_are_streams_of_their_own_or_one_of_them_is_read(
    tmp_path: Path,
) -> None:
    for week, lot in ((9, "L-9"), (10, "L-10")):
        folder = tmp_path / f"week {week}"
        folder.mkdir()
        book(folder / f"KW{week}.xlsx", {"S": [HEADER, [lot, week, "A"]]})
        (folder / f"~$KW{week}.xlsx").write_bytes(b"lock")
        (folder / f"KW{week}.xlsx.tmp").write_bytes(b"half")
    everything = await drain(lots(tmp_path / "week *" / "KW*"))
    assert [each.stream for each in everything.messages] == ["week 9/KW9.xlsx!S", "week 10/KW10.xlsx!S"]
    last = await drain(lots(tmp_path / "**" / "KW*.xlsx", take="last"))
    assert [(each.stream, each.key) for each in last.messages] == [("**/KW*.xlsx!S", "L-10")]
    book(tmp_path / "week 9" / "KW9.xlsx", {"S": [HEADER, ["L-10", 10, "A"], ["L-9", 9, "B"]]})
    newest = await drain(lots(tmp_path / "**" / "KW*.xlsx", take="newest"), last.checkpoint)
    assert [(each.stream, each.key) for each in newest.messages] == [("**/KW*.xlsx!S", "L-9")]


async def test_a_row_that_no_mapping_concerns_is_ignored_by_rule_also_without_its_key(tmp_path: Path) -> None:
    book(tmp_path / "lots.xlsx", {"S": [[*HEADER, "Kind"], ["L-1", 1, "A", "lot"], [None, 2, "B", "box"]]})
    reading = lots(tmp_path / "lots.xlsx", mapping={**LOTS, "when": {"Kind": "lot"}})
    read = await drain(reading)
    made = [reading.translate(each) for each in read.messages]
    assert [isinstance(each, Aside) for each in made] == [False, True]
    assert read.unreadable == []


async def test_a_year_of_rows_comes_in_small_batches_and_a_stop_between_files_goes_on_there(tmp_path: Path) -> None:
    made = openpyxl.Workbook(write_only=True)
    page = made.create_sheet("S")
    page.append(HEADER)
    for number in range(1200):
        page.append([f"L-{number}", number, "A"])
    made.save(tmp_path / "a.xlsx")
    book(tmp_path / "b.xlsx", {"S": [HEADER, ["L-1", 1, "A"]]})
    batches = [batch async for batch in lots(tmp_path).capture(None)]
    assert [len(batch.messages) for batch in batches] == [500, 500, 200, 1, 0]
    assert [batch.checkpoint is None for batch in batches] == [True, True, False, False, False]
    resumed = await drain(lots(tmp_path), batches[2].checkpoint, into=Read())
    assert [each.stream for each in resumed.messages] == ["b.xlsx!S"]


async def test_a_date_in_a_hidden_calendar_of_1904_is_the_same_day(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    made.active.append(["Lot", "When", "Place"])
    made.active.append(["L-1", datetime(2026, 5, 4, 10, 30), "A"])  # noqa: DTZ001
    made.active.append(["L-2", date(2026, 5, 4), "A"])
    made.active.append(["L-3", 44684.4375, "A"])
    made.save(tmp_path / "lots.xlsx")
    mapping = {"entity": "lot:{Lot}", "occurred_at": "When", "properties": {"p": "{Place}"}}
    reading = lots(tmp_path / "lots.xlsx", mapping=mapping)
    times = [record.provenance.occurred_at for record in (await drain(reading)).records(reading)]
    assert times == [datetime(2026, 5, 4, 8, 30, tzinfo=UTC), datetime(2026, 5, 3, 22, 0, tzinfo=UTC), times[0]]
