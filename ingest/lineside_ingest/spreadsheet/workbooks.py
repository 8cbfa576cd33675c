"""The sheets of an .xlsx or .xlsm, a line at a time. Macros are not looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import IO

from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.spreadsheet.packages import (
    Elements,
    Package,
    Related,
    SharedTexts,
    Style,
    Styles,
    Workbook,
    local,
    unescaped,
    whole,
)  # fmt: skip
from lineside_ingest.spreadsheet.sheets import Line, Merged, Sheet, as_json

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=[\"']([A-Z]+[0-9]+:[A-Z]+[0-9]+)[\"']")
_CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_MOST_MERGED = 200_000
_ROWS, _COLUMNS = 1 << 20, 1 << 14  # of a sheet


def read_workbook(file: IO[bytes], name: str) -> list[Sheet]:
    """Every sheet with cells, in order; charts are none. Raises SourceUnavailable or SourceRefused."""
    package = Package(file, name)
    start = next((each.target for each in package.related("").values() if each.kind == "officeDocument"), "")
    start = start if start in package else "xl/workbook.xml"
    if start not in package:
        raise SourceRefused(f"{name} is a zip file, but no workbook")
    workbook, styles, shared = Workbook(), Styles(), SharedTexts()
    package.parse(start, workbook)
    related = package.related(start)
    for each in related.values():
        if each.kind == "styles" and each.target in package:
            package.parse(each.target, styles)
        elif each.kind == "sharedStrings" and each.target in package:
            package.parse(each.target, shared)
    cells = styles.of_cells()
    found = []
    for called, relation, _ in workbook.sheets:
        leads = related.get(relation, Related("", ""))
        if leads.kind == "worksheet":
            reader = _Lines(package, leads.target, shared.texts, cells, workbook.epoch)
            comments = _comments(package, leads.target)
            merged = _merged(package, leads.target)
            later = 1462 if workbook.since_1904 else 0
            found.append(Sheet(name=called, lines=reader.lines, merged=merged, comments=comments, later_days=later))
    return found


class _Lines:
    """What it takes to read one sheet's lines, again and again."""

    def __init__(
        self, package: Package, part: str, shared: Sequence[str], styles: Sequence[Style], epoch: datetime
    ) -> None:
        self._package, self._part = package, part
        self._shared, self._styles, self._epoch = shared, styles, epoch

    def lines(self) -> Iterator[Line]:
        rows = _Rows(self._shared, self._styles, self._epoch)
        with self._package.reading(self._part):
            for chunk in self._package.sheet_chunks(self._part):
                rows.parser.Parse(chunk, False)
                yield from rows.taken()
            rows.parser.Parse(b"", True)
            yield from rows.taken()


class _Rows(Elements):
    """Rows as their elements end. Writers may leave out where a row or a cell stands: it follows the one before."""

    def __init__(self, shared: Sequence[str], styles: Sequence[Style], epoch: datetime) -> None:
        from openpyxl.utils.datetime import from_excel

        super().__init__()
        self._moment = from_excel
        self._shared, self._styles, self._epoch = shared, styles, epoch
        self._done: list[Line] = []
        self._row, self._column = -1, -1
        self._hidden = False
        self._cells: dict[int, Json] = {}
        self._struck = True
        self._type, self._style = "", Style()
        self._formula: str | None = None
        self._value = ""
        self._into = ""  # the element whose text is heard
        self._said = 0
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def taken(self) -> list[Line]:
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        match local(name):
            case "c":
                self._begin_cell(attributes)
            case "v":
                self._into = "v"
            case "t" if not self._said:
                self._into = "v"
            case "f":
                self._into, self._formula = "f", ""
            case "rPh":
                self._said += 1
            case "row":
                self._row = whole(attributes.get("r")) - 1 if "r" in attributes else self._row + 1
                if not 0 <= self._row < _ROWS:
                    raise SourceRefused(f"a row stands at {attributes.get('r')}, outside of any sheet")
                self._hidden = attributes.get("hidden", "0") in ("1", "true")
                self._column, self._cells, self._struck = -1, {}, True

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        if "r" in attributes:
            self._column = _column(attributes["r"].rstrip("0123456789"))
        else:
            self._column += 1
        if not 0 <= self._column < _COLUMNS:
            raise SourceRefused(f"a cell stands at {attributes.get('r')}, outside of any sheet")
        number = whole(attributes.get("s"))
        self._style = self._styles[number] if number < len(self._styles) else Style()
        self._type, self._formula, self._value = attributes.get("t", "n"), None, ""

    def _text(self, data: str) -> None:
        if self._into == "v":
            self._value += data
        elif self._into == "f":
            self._formula = (self._formula or "") + data

    def _end(self, name: str) -> None:
        match local(name):
            case "v" | "t" | "f":
                self._into = ""
            case "rPh":
                self._said -= 1
            case "c":
                value = self._read()
                if value is not None:
                    self._cells[self._column] = value
                    self._struck = self._struck and self._style.struck
            case "row" if self._cells:
                struck = self._struck and bool(self._cells)
                self._done.append(Line(place=self._row, cells=self._cells, hidden=self._hidden, struck=struck))

    def _read(self) -> Json:
        written = self._value
        match self._type:
            case "e":
                return {"error": written or "#N/A"}
            case "s" if written:
                place = whole(written.strip())
                if place >= len(self._shared):
                    raise SourceUnavailable("a cell names a text that the workbook does not have")
                return as_json(self._shared[place])
            case "b":
                return written.strip() in ("1", "true") if written else None
            case "str" | "inlineStr":
                return as_json(unescaped(written))
            case "d":
                return as_json(written.strip().removesuffix("T00:00:00"))
        if not written.strip():
            return {"formula": f"={self._formula[:80]}"} if self._formula is not None else None
        return self._number(written)

    def _number(self, written: str) -> Json:
        try:
            value = float(written)
        except ValueError:
            return {"error": written[:80]}
        style = self._style
        if style.kind != "number":
            try:
                return as_json(self._moment(value, self._epoch, timedelta=style.kind == "duration"))
            except (OverflowError, ValueError):
                return {"error": f"{written[:40]}, shown as a date, is none"}
        if style.zeros and value.is_integer() and 0 <= value < 10**style.zeros:
            return f"{int(value):0{style.zeros}d}"
        return as_json(value)


class _Comments(Elements):
    """The texts of a sheet's comments, or of the threads that newer programs keep beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[tuple[int, int], str] = {}
        self._at: tuple[int, int] = (-1, -1)
        self._depth = 0
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        match local(name):
            case "comment" | "threadedComment":
                self._at = _place(attributes.get("ref", ""))
                self.found[self._at] = f"{self.found[self._at]}\n" if self._at in self.found else ""
            case "t" | "text":
                self._depth += 1

    def _end(self, name: str) -> None:
        if local(name) in ("t", "text"):
            self._depth -= 1

    def _text(self, data: str) -> None:
        if self._depth and (data.strip() or self.found.get(self._at)):
            self.found[self._at] = self.found.get(self._at, "") + data


def _comments(package: Package, part: str) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    wanted = ("comments", "threadedComment")  # a thread's first text stands in both, shortened in the comments
    for each in sorted(package.related(part).values(), key=lambda related: related.kind):
        if each.kind in wanted and each.target in package:
            comments = _Comments()
            package.parse(each.target, comments)
            found |= {at: unescaped(text).strip() for at, text in comments.found.items()}
    return found


def _merged(package: Package, part: str) -> list[Merged]:
    """The merged ranges: they stand behind the cells, so they are looked for on their own."""
    found: list[Merged] = []
    rest = b""
    for chunk in package.sheet_chunks(part):
        seen = rest + chunk
        end = 0
        for each in _MERGED.finditer(seen):
            first, _, last = each[1].decode().partition(":")
            found.append((*_place(first), *_place(last)))
            end = each.end()
        rest = seen[max(end, len(seen) - 512) :]
        if len(found) > _MOST_MERGED:
            raise SourceRefused(f"{package.name} has more than {_MOST_MERGED} merged ranges in {part}")
    return found


def _place(cell: str) -> tuple[int, int]:
    """(row, column), counted from 0, of a name such as B3."""
    named = _CELL.fullmatch(cell)
    if not named:
        raise SourceRefused(f"{cell[:20]!r} names no cell")
    return int(named[2]) - 1, _column(named[1])


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    """The column, counted from 0, of letters such as AB; -1 where they are none."""
    column = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            return -1
        column = column * 26 + ord(letter) - 64
    return column - 1
