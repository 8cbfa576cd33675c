"""The rows of a sheet's tables, with their wanted columns, one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from itertools import chain, islice

from lineside.plant.records import Json
from lineside.plant.row_values import text
from lineside_ingest.spreadsheet.layout import Filling, Headers, Layout, bare
from lineside_ingest.spreadsheet.sheets import Line, Sheet

COMMENT = " (comment)"  # behind a column's name: what somebody noted at its cell
SHEET, FILE, HIDDEN, STRUCK = "(sheet)", "(file)", "(hidden)", "(struck)"
ROW_FACTS = (SHEET, FILE, HIDDEN, STRUCK)
TOTALS = (
    "total", "totals", "subtotal", "subtotals", "grand total", "sum", "summe", "gesamt", "gesamtsumme", "zwischensumme",
    "total général", "sous-total", "somme", "totale", "subtotale", "totaal", "suma", "razem", "celkem", "összesen",
)  # fmt: skip
_MOST_BREAKS = 50  # more line breaks in a cell are a quote that nobody closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """values: the wanted columns that the header has. flawed: of those, the columns that hold an error or a formula
    without a value, with what. wrong: why it can't be read. aside: by which rule it is none."""

    place: int
    values: dict[str, Json]
    flawed: Mapping[str, str] = field(default_factory=dict)
    wrong: str = ""
    aside: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What is read of a sheet. wanted: the columns and facts that the mapping names. totals: patterns of what a row of
    totals begins with. leave_out: hidden, struck, or both."""

    wanted: Sequence[str]
    key: Sequence[str]
    within: int = 20
    fill_down: Sequence[str] = ()
    totals: Sequence[str] = TOTALS
    leave_out: Sequence[str] = ()

    def find(self, sheet: Sheet, file: str) -> tuple[Layout, Iterator[Row]]:
        """(the first table's layout, the rows of all). Raises ValueError where no header is found, and what reading the
        sheet raises."""
        columns = [name.removesuffix(COMMENT) for name in self.wanted if name not in ROW_FACTS]
        headers = Headers(sheet, list(dict.fromkeys(columns)), self.key)
        lines = sheet.lines()
        head = list(islice((line for line in lines if line.cells), self.within))
        layout = headers.find(head)
        below = (line for line in chain(head, lines) if line.place > layout.header)
        return layout, self._rows(sheet, file, headers, layout, below)

    def _rows(self, sheet: Sheet, file: str, headers: Headers, layout: Layout, lines: Iterator[Line]) -> Iterator[Row]:
        filling = Filling(sheet, self.fill_down)
        waiting: Line | None = None
        for line in chain(lines, (None,)):
            again = headers.again(line, waiting) if line else None
            if waiting and not (again and again.begins_with(waiting)):
                for columns in layout.tables:
                    if any(text(waiting.cells.get(column)) for column in columns.values()):
                        values = dict(filling.filled(waiting, columns))
                        yield self._row((sheet, file), waiting, values, columns, layout.width)
            if again:
                layout = again
                filling.begin()
            waiting = None if again else line

    def _row(
        self, at: tuple[Sheet, str], line: Line, values: dict[str, Json], columns: Mapping[str, int], width: int
    ) -> Row:
        sheet, file = at
        flawed = {name: _flaw(value) for name, value in values.items() if isinstance(value, dict)}
        facts: dict[str, Json] = {
            SHEET: sheet.name, FILE: file, HIDDEN: line.hidden or None, STRUCK: line.struck or None,
        }  # fmt: skip
        for name in self.wanted:
            if name in facts:
                values[name] = facts[name]
            elif name.endswith(COMMENT) and (column := columns.get(name.removesuffix(COMMENT))) is not None:
                values[name] = sheet.comments.get((line.place, column))
        return Row(
            place=line.place,
            values=values,
            flawed=flawed,
            wrong=_wrong(line, width),
            aside=self._aside(line),
            hidden=line.hidden,
        )

    def _aside(self, line: Line) -> str:
        first = line.cells[min(line.cells)]
        if isinstance(first, str) and _pattern(tuple(self.totals)).fullmatch(bare(first)):
            return f"a row of totals: {first[:60]}"
        if line.struck and "struck" in self.leave_out:
            return "the row is struck through"
        if line.hidden and "hidden" in self.leave_out:
            return "the row is hidden"
        return ""


@lru_cache(maxsize=8)
def _pattern(totals: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(bare(each)) for each in totals) or r"(?!)")


def _flaw(value: Mapping[str, Json]) -> str:
    if "formula" in value:
        return f"a formula without a stored value ({value['formula']})"
    return f"the error {value.get('error')}"


def _wrong(line: Line, width: int) -> str:
    """Why a row of a csv file can't be what was written."""
    texts = [value for value in line.cells.values() if isinstance(value, str)]
    if any("\0" in each for each in texts):
        return "the row holds zero bytes, as after a crash while it was saved"
    if any(each.count("\n") > _MOST_BREAKS for each in texts):
        return f"a cell reaches over more than {_MOST_BREAKS} lines: a quote is not closed"
    if width and line.width > width and any(column >= width for column in line.cells):
        return f"the row has {line.width} cells, the header {width}: a delimiter within a cell, or a decimal comma"
    if line.cut and line.width < width:
        return f"the file ends within the row: it has {line.width} cells, the header {width}"
    return ""
