"""The zip package of an .xlsx or .xlsm: its parts, opened with bounds, and what its sheets share."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from xml.parsers import expat

from lineside.errors import SourceRefused, SourceUnavailable

_CHUNK = 1 << 16
_MOST_SHEET = 2 << 30
_MOST_PART = 256 << 20  # of a part that is held whole, as the shared texts
_MOST_RATIO = 300  # deflate reaches 1000; sheets of equal rows reach some 100
_SMALL = 8 << 20  # below which the ratio says nothing
_ZEROS = re.compile(r"(0{2,})(;.*)?")


@dataclass(frozen=True, slots=True)
class Style:
    """How a number is shown. kind: number, time, duration. zeros: filled up with zeros to so many digits."""

    kind: str = "number"
    zeros: int = 0
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Related:
    """A relation of a part: the last word of its type, and the part it leads to."""

    kind: str
    target: str


class Elements:
    """The elements of an XML part, without their namespaces; a document type, which no such part has, is refused."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise SourceRefused("a part of the workbook declares a document type, which no spreadsheet program writes")


class Package:
    """An open package. Raises SourceUnavailable for one that may still be on its way, SourceRefused for what is hostile
    or no workbook."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.name = name
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise SourceUnavailable(f"{name} can't be opened, perhaps it is being saved: {error}") from error
        self._sizes = {each.filename: each for each in self._zip.infolist()}

    def __contains__(self, part: str) -> bool:
        return part in self._sizes

    def chunks(self, part: str, *, most: int = _MOST_PART) -> Iterator[bytes]:
        """The part's bytes, unpacked a little at a time; never more than it was said to have."""
        told = self._sizes.get(part)
        if told is None:
            raise SourceRefused(f"{self.name} lacks its part {part}")
        if told.file_size > most or told.file_size > max(_SMALL, told.compress_size * _MOST_RATIO):
            raise SourceRefused(f"{self.name} would unpack {part} from {told.compress_size} to {told.file_size} bytes")
        try:
            with self._zip.open(told) as opened:
                while chunk := opened.read(_CHUNK):
                    yield chunk
        except RuntimeError as error:  # how zipfile says that a password is asked for
            raise SourceRefused(f"{self.name} is locked with a password") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise SourceUnavailable(f"{self.name} is damaged in {part}: {error}") from error

    def sheet_chunks(self, part: str) -> Iterator[bytes]:
        return self.chunks(part, most=_MOST_SHEET)

    @contextmanager
    def reading(self, part: str) -> Generator[None, None, None]:
        """What is no XML is said of the part."""
        try:
            yield
        except expat.ExpatError as error:
            raise SourceUnavailable(f"{self.name} is damaged in {part}: {error}") from error

    def parse(self, part: str, elements: Elements) -> None:
        """The whole part is handed to the elements' parser."""
        with self.reading(part):
            for chunk in self.chunks(part):
                elements.parser.Parse(chunk, False)
            elements.parser.Parse(b"", True)

    def related(self, part: str) -> dict[str, Related]:
        """The relations of a part by their ids, with targets that are absolute, relative or lead up a folder."""
        folder, _, last = part.rpartition("/")
        place = f"{folder}/_rels/{last}.rels".lstrip("/")
        found: dict[str, Related] = {}

        def start(name: str, attributes: Mapping[str, str]) -> None:
            if local(name) == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = Related(kind, posixpath.normpath(path))

        if place in self:
            elements = Elements()
            elements.parser.StartElementHandler = start
            self.parse(place, elements)
        return found


def local(name: str) -> str:
    """An element's name without its namespace's prefix."""
    return name.rpartition(":")[2]


class SharedTexts(Elements):
    """The texts that cells name by number; what only tells how they are pronounced is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._said = 0
        self._wanted = False
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _start(self, name: str, _: object) -> None:
        match local(name):
            case "si":
                self._parts = []
            case "rPh":
                self._said += 1
            case "t":
                self._wanted = not self._said

    def _end(self, name: str) -> None:
        match local(name):
            case "si":
                self.texts.append(unescaped("".join(self._parts)))
            case "rPh":
                self._said -= 1
            case "t":
                self._wanted = False

    def _text(self, data: str) -> None:
        if self._wanted:
            self._parts.append(data)


class Styles(Elements):
    """What a cell's style number says of it."""

    def __init__(self) -> None:
        super().__init__()
        self._formats: dict[int, str] = {}
        self._struck: list[bool] = []
        self._cells: list[tuple[int, int]] = []
        self._inside: list[str] = []
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def of_cells(self) -> list[Style]:
        """By style number."""
        from openpyxl.styles.numbers import builtin_format_code, is_date_format, is_timedelta_format

        found = []
        for number, font in self._cells:
            code = self._formats.get(number) or builtin_format_code(number) or "General"
            kind = "duration" if is_timedelta_format(code) else "time" if is_date_format(code) else "number"
            zeros = _ZEROS.fullmatch(code)
            struck = font < len(self._struck) and self._struck[font]
            found.append(Style(kind, len(zeros[1]) if zeros else 0, struck))
        return found

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        called, inside = local(name), self._inside[-1] if self._inside else ""
        if called == "numFmt" and inside == "numFmts":
            self._formats[whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif called == "font" and inside == "fonts":
            self._struck.append(False)
        elif called == "strike" and inside == "font" and self._inside[-2:-1] == ["fonts"]:
            self._struck[-1] = attributes.get("val", "1") not in ("0", "false")
        elif called == "xf" and inside == "cellXfs":
            self._cells.append((whole(attributes.get("numFmtId")), whole(attributes.get("fontId"))))
        self._inside.append(called)

    def _end(self, _: str) -> None:
        self._inside.pop()


class Workbook(Elements):
    """The workbook's sheets, in order: name, relation and whether it is hidden; and the day that dates count from."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, bool]] = []
        self.since_1904 = False
        self.parser.StartElementHandler = self._start

    @property
    def epoch(self) -> datetime:
        from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

        epoch: datetime = MAC_EPOCH if self.since_1904 else WINDOWS_EPOCH
        return epoch

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        match local(name):
            case "sheet":
                relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
                hidden = attributes.get("state", "visible") != "visible"
                self.sheets.append((attributes.get("name", ""), relation, hidden))
            case "workbookPr":
                self.since_1904 = attributes.get("date1904", "0") in ("1", "true")


def whole(written: str | None) -> int:
    """A whole number in an attribute; 0 where it is none."""
    return int(written) if written and written.isascii() and written.isdigit() else 0


def unescaped(text: str) -> str:
    """The text with its characters that XML can't hold, as in _x000D_."""
    if "_x" not in text:
        return text
    from openpyxl.utils.escape import unescape

    plain: str = unescape(text)
    return plain.replace("\r\n", "\n")
