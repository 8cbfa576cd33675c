"""The one sheet of a csv file, every cell a text, a line at a time."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Iterator
from typing import IO

from lineside.errors import SourceRefused
from lineside_ingest.spreadsheet.sheets import Line, Sheet, as_json

_DELIMITERS = (";", ",", "\t", "|")
_CHUNK, _HEAD = 1 << 20, 1 << 16
_SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n')  # how a file tells its delimiter to Excel


def read_csv(file: IO[bytes], name: str, *, delimiter: str, encoding: str) -> Sheet:
    """The file as a sheet. delimiter, encoding: guessed where empty. Raises SourceRefused where it can't be read so."""
    chosen, ended = _encoding(file, name, encoding)
    file.seek(0)
    head = codecs.getincrementaldecoder(chosen)().decode(file.read(_HEAD))
    told = _SEPARATOR.match(head)
    cut_at = delimiter or (told[1] if told else _guessed_delimiter(head))

    def lines() -> Iterator[Line]:
        file.seek(0)
        text = io.TextIOWrapper(file, encoding=chosen, newline="")
        try:
            before: list[str] | None = None
            place = -1
            for row in csv.reader(text, delimiter=cut_at):
                if before is not None:
                    yield _line(place, before)
                place, before = place + 1, row
            if before is not None:
                yield _line(place, before, cut=not ended)
        except csv.Error as error:
            reason = f"{name} is no csv with the delimiter {cut_at!r} behind row {place + 1}: {error}"
            raise SourceRefused(reason) from error
        finally:
            text.detach()

    return Sheet(name="", lines=lines)


def _line(place: int, row: list[str], *, cut: bool = False) -> Line:
    cells = {column: as_json(cell) for column, cell in enumerate(row) if cell}
    return Line(place=place, cells=cells, width=len(row), cut=cut)


def _encoding(file: IO[bytes], name: str, wanted: str) -> tuple[str, bool]:
    """(the encoding that the whole file is in, whether a line break ends it)."""
    file.seek(0)
    head = file.read(1024)
    if wanted:
        names = [wanted]
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        names = ["utf-16"]
    elif (wide := _wide(head)) is not None:
        names = [wide]
    else:
        names = ["utf-8-sig", "cp1252", "latin-1"]
    for each in names:
        try:
            return each, _decoded_to_the_end(file, each)
        except (UnicodeDecodeError, LookupError):
            continue
    raise SourceRefused(f"{name} is not {' or '.join(names)}; set encoding")


def _wide(head: bytes) -> str | None:
    """The UTF-16 of a file that does not say so: every other byte of its first ones is empty."""
    for order, high in (("utf-16-le", head[1:64:2]), ("utf-16-be", head[0:64:2])):
        if len(high) > 3 and high.count(0) > 0.8 * len(high) and head[:64].count(0) < 0.6 * len(head[:64]):
            return order
    return None


def _decoded_to_the_end(file: IO[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    last = ""
    while chunk := file.read(_CHUNK):
        last = decoder.decode(chunk)[-1:] or last
    last = decoder.decode(b"", True)[-1:] or last
    return last in ("\n", "\r") or file.seek(0, os.SEEK_END) == 0


def _guessed_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the most columns, the same number in most of them."""
    lines = [line for line in text.splitlines(keepends=True)[:60] if line.strip()]

    def fitness(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        except csv.Error:
            return (0, 0)
        wide = [width for width in widths if width > 1]
        common = max(set(wide), key=lambda width: (wide.count(width), width), default=1)
        return (wide.count(common), common)

    return max(_DELIMITERS, key=fitness)
