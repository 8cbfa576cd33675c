"""Trackers on disk for the tests of spreadsheets: written by openpyxl, or as the XML that other programs write."""

import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl

from lineside_ingest.spreadsheet import Spreadsheet

from .reading import NOW

BERLIN = ZoneInfo("Europe/Berlin")
LOTS = {"entity": "lot:{Lot}", "properties": {"quantity": {"field": "Qty", "type": "number"}, "location": "{Place}"}}
HEADER = ["Lot", "Qty", "Place"]
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def lots(path: Path | str, *, clock: Callable[[], datetime] = lambda: NOW, **options: Any) -> Spreadsheet:
    """A tracker of lots: Lot, Qty, Place."""
    settings = {"path": str(path), "key": "Lot", "mapping": LOTS, "settle_s": 0, **options}
    return Spreadsheet("lots", settings, time_zone=BERLIN, clock=clock)


def book(path: Path, sheets: Mapping[str, list[list[Any]]], *, merge: tuple[str, ...] = ()) -> openpyxl.Workbook:
    """A workbook with these sheets, saved; merged cells are of the first."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        page = made.create_sheet(name)
        for row in rows:
            page.append(row)
    for area in merge:
        made.worksheets[0].merge_cells(area)
    made.save(path)
    return made


def now_is(path: Path, *, later: timedelta = timedelta(minutes=1)) -> Callable[[], datetime]:
    """A clock that shows how late it is a while after the file was saved."""
    return lambda: datetime.fromtimestamp(path.stat().st_mtime, UTC) + later


def raw(path: Path, rows: str, *, more: Mapping[str, str] | None = None, target: str = "worksheets/sheet1.xml",
        shared: str = "", styles: str = "", properties: str = "", prefix: str = "") -> Path:  # fmt: skip
    """A workbook of one sheet called S, as XML. rows: what stands in sheetData. prefix: of the sheet's elements."""
    name = f"{prefix}:" if prefix else ""
    space = f'xmlns:{prefix}="{_MAIN}"' if prefix else f'xmlns="{_MAIN}"'
    parts = {
        "_rels/.rels": _rels(("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_TYPES}"><workbookPr {properties}/>'
        '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _rels(
            ("rId1", "worksheet", target), ("rId2", "styles", "/xl/styles.xml"),
            ("rId3", "sharedStrings", "sharedStrings.xml"),
        ),
        "xl/worksheets/sheet1.xml": f"<{name}worksheet {space}><{name}sheetData>{rows}"
        f"</{name}sheetData></{name}worksheet>",
    }  # fmt: skip
    if shared:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{shared}</sst>'
    if styles:
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{_MAIN}">{styles}</styleSheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for place, content in {**parts, **(more or {})}.items():
            made.writestr(place, '<?xml version="1.0" encoding="UTF-8"?>' + content)
    return path


def _rels(*relations: tuple[str, str, str]) -> str:
    told = (f'<Relationship Id="{name}" Type="{_TYPES}/{kind}" Target="{to}"/>' for name, kind, to in relations)
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{"".join(told)}</Relationships>'


def text_row(number: int | None, *cells: str, prefix: str = "") -> str:
    """A row of inline texts; without a number neither it nor its cells say where they stand."""
    name = f"{prefix}:" if prefix else ""
    told = "".join(
        f'<{name}c{place} t="inlineStr"><{name}is><{name}t>{cell}</{name}t></{name}is></{name}c>'
        for cell, place in zip(cells, _places(number, len(cells)), strict=True)
    )  # fmt: skip
    return f"<{name}row{f' r={chr(34)}{number}{chr(34)}' if number else ''}>{told}</{name}row>"


def _places(number: int | None, count: int) -> list[str]:
    return [f' r="{chr(65 + column)}{number}"' if number else "" for column in range(count)]
