"""A file's bytes as grids of cells. Drivers are imported here, late."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import PurePath

from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
BOOK_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_DELIMITERS = (";", ",", "\t", "|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A sheet. rows: from its first row on. merged: ((row, column), (row, column)) of each merged range."""

    name: str
    rows: list[list[Json]]
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()


def read_book(content: bytes, file: str, sheet: str) -> list[Grid]:
    """The sheet of that name; the first where the name is empty, all where it is `*`.

    Raises SourceUnavailable for a file that may still be on its way, SourceRefused for one that can't be opened.
    """
    import python_calamine

    try:
        book = python_calamine.load_workbook(io.BytesIO(content))
        names = book.sheet_names if sheet == "*" else [sheet or book.sheet_names[0]]
        if sheet and sheet != "*" and sheet not in book.sheet_names:
            raise SourceRefused(f"{file} has no sheet {sheet!r}; there are: {', '.join(book.sheet_names)}")
        grids = []
        for name in names:
            found = book.get_sheet_by_name(name)
            rows = [[as_json(cell) for cell in row] for row in found.to_python(skip_empty_area=False)]
            merged = tuple(found.merged_cell_ranges or ()) if PurePath(file).suffix.lower() in {".xlsx", ".xls"} else ()
            grids.append(Grid(name=name, rows=rows, merged=merged))
    except python_calamine.PasswordError as error:
        raise SourceRefused(f"{file} is locked with a password") from error
    except python_calamine.CalamineError as error:
        raise SourceUnavailable(f"{file} can't be opened, perhaps it is being saved: {error}") from error
    return grids


def read_csv(content: bytes, file: str, *, delimiter: str, encoding: str) -> Grid:
    """The file's one grid, every cell a text. Raises SourceRefused where it can't be read with these settings."""
    text = _decoded(content, file, encoding)
    chosen = delimiter or _guessed_delimiter(text)
    try:
        rows: list[list[Json]] = [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=chosen)]
    except csv.Error as error:
        raise SourceRefused(f"{file} is no csv with the delimiter {chosen!r}: {error}") from error
    return Grid(name="", rows=rows)


def formulas(content: bytes, sheet: str, cells: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """What stands in those cells of an .xlsx where it is a formula or an error: empty to who reads stored values."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    try:
        last = max(row for row, _ in cells)
        found = {}
        for row, values in enumerate(book[sheet].iter_rows(max_row=last + 1, values_only=True)):
            for column, value in enumerate(values):
                if (row, column) in cells and isinstance(value, str) and value.startswith(("=", "#")):
                    found[row, column] = value
        return found
    finally:
        book.close()


def as_json(cell: object) -> Json:
    """A cell's value: whole numbers without a fraction, times in ISO, an empty cell as none."""
    match cell:
        case None | "":
            return None
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return int(cell)
        case bool() | int() | float() | str():
            return cell
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            return cell.total_seconds()
    return str(cell)


def _decoded(content: bytes, file: str, encoding: str) -> str:
    if encoding:
        names = [encoding]
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        names = ["utf-16"]
    else:
        names = ["utf-8-sig", "cp1252"]
    for name in names:
        try:
            return content.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    raise SourceRefused(f"{file} is not {' or '.join(names)}; set encoding")


def _guessed_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the most columns, the same number in most of them."""
    lines = [line for line in text.splitlines()[:30] if line.strip()]

    def fitness(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        wide = [width for width in widths if width > 1]
        common = max(set(wide), key=lambda width: (wide.count(width), width), default=1)
        return (wide.count(common), common)

    return max(_DELIMITERS, key=fitness)
