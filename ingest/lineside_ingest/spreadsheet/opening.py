"""A file as sheets, told by its content what it is: names mislead, as a system's .xls that is text."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import IO, TYPE_CHECKING

from lineside.errors import SourceRefused, SourceUnavailable
from lineside_ingest.spreadsheet.sheets import Line, Merged, Sheet, as_json
from lineside_ingest.spreadsheet.text_files import read_csv
from lineside_ingest.spreadsheet.workbooks import read_workbook

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".tsv", ".txt")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MOST_UNPACKED = 512 << 20  # of what is read whole


def read_sheets(file: IO[bytes], name: str, *, delimiter: str, encoding: str) -> list[Sheet]:
    """Every sheet of the file, in order. Raises SourceUnavailable where it may still be on its way, else
    SourceRefused."""
    file.seek(0)
    head = file.read(512)
    if not head:
        raise SourceUnavailable(f"{name} is empty, perhaps it is being saved")
    if head.startswith(_ZIP):
        return _zipped(file, name)
    if head.startswith(_OLE):
        file.seek(0)
        if _ENCRYPTED in file.read():
            raise SourceRefused(f"{name} is locked with a password: save it without, or export what is to be read")
        return _whole(file, name)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] == b"<" and PurePath(name).suffix.lower() not in (".csv", ".tsv", ".txt"):
        raise SourceRefused(f"{name} is a web page or XML by its content: open it and save it as .xlsx")
    if not head.strip(b"\0"):
        raise SourceUnavailable(f"{name} holds nothing but zero bytes, as after a crash while it was saved")
    return [read_csv(file, name, delimiter=delimiter, encoding=encoding)]


def _zipped(file: IO[bytes], name: str) -> list[Sheet]:
    try:
        with zipfile.ZipFile(file) as opened:
            parts = {each.filename: each for each in opened.infolist()}
            if "content.xml" in parts or "xl/workbook.bin" in parts:
                _check_size(parts.values(), name)
                if "META-INF/manifest.xml" in parts and b"encryption-data" in opened.read("META-INF/manifest.xml"):
                    raise SourceRefused(f"{name} is locked with a password")
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise SourceUnavailable(f"{name} can't be opened, perhaps it is being saved: {error}") from error
    if "content.xml" in parts or "xl/workbook.bin" in parts:
        return _whole(file, name)
    return read_workbook(file, name)


def _check_size(parts: Iterable[zipfile.ZipInfo], name: str) -> None:
    total = sum(each.file_size for each in parts)
    if total > _MOST_UNPACKED:
        raise SourceRefused(f"{name} would unpack to {total} bytes, more than {_MOST_UNPACKED}")


def _whole(file: IO[bytes], name: str) -> list[Sheet]:
    """An .xls, .xlsb or .ods: read whole, values only."""
    import python_calamine

    file.seek(0)
    try:
        book = python_calamine.load_workbook(file)
        return [_sheet(book, each) for each in book.sheet_names]
    except python_calamine.PasswordError as error:
        raise SourceRefused(f"{name} is locked with a password") from error
    except python_calamine.CalamineError as error:
        raise SourceUnavailable(f"{name} can't be opened, perhaps it is being saved: {error}") from error


def _sheet(book: CalamineWorkbook, name: str) -> Sheet:
    found = book.get_sheet_by_name(name)
    merged: list[Merged] = [(*first, *last) for first, last in found.merged_cell_ranges or ()]

    def lines() -> Iterator[Line]:
        start = found.start or (0, 0)
        for place, row in enumerate(found.to_python(skip_empty_area=True)):
            cells = {start[1] + column: as_json(cell) for column, cell in enumerate(row) if cell not in (None, "")}
            if cells:
                yield Line(place=start[0] + place, cells=cells)

    return Sheet(name=name, lines=lines, merged=merged)
