"""Where in a sheet the columns are that the mapping names: below the header, wherever that stands this week. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from lineside.plant.records import Json
from lineside.plant.row_values import text
from lineside_ingest.spreadsheet.sheets import Line, Merged, Sheet

_TALLEST = 4  # rows that a merged cell of a header reaches over


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """header: the row that the columns were found in, counted from 0. tables: each wanted column's place, once for
    every table that stands side by side. missing: wanted columns that are not there. titles: what the header says.
    width: of a csv file, the cells of its header. tall: some column's name begins in the row above.
    """

    header: int
    tables: tuple[Mapping[str, int], ...]
    missing: tuple[str, ...]
    titles: tuple[str, ...]
    width: int = 0
    tall: bool = False

    def begins_with(self, above: Line) -> bool:
        """Whether the row above the header is the upper part of it, or a title over it."""
        return len(above.cells) == 1 or (self.tall and above.place == self.header - 1)


class Headers:
    """Finds the columns in rows of a sheet, in any case and spacing.

    A name may stand in the cell, in the merged cell that covers it, or in two rows: `Menge Ist` is `Ist` below a
    `Menge` that is merged, or merely written, over it.
    """

    def __init__(self, sheet: Sheet, wanted: Sequence[str], key: Sequence[str]) -> None:
        self._wanted = {name: bare(name) for name in wanted}
        self._key = set(key)
        parts = (name.split() for name in self._wanted.values())
        self._endings = {" ".join(words[start:]) for words in parts for start in range(len(words))}
        self._letters = {each[:1] for each in self._endings}
        self._merged: dict[int, list[Merged]] = {}
        for each in sheet.merged:
            self._merged.setdefault(each[0], []).append(each)

    def find(self, lines: Sequence[Line]) -> Layout:
        """The layout of the first row that has every column; else of the one with most, where it has the key and half
        of the others. Raises ValueError that names what is missing or stands twice."""
        best: Layout | None = None
        for place, line in enumerate(lines):
            found = self._at(line, lines[place - 1] if place else None)
            if found and not found.missing:
                return found
            if found and (best is None or len(found.missing) < len(best.missing)):
                best = found
        if best is not None and self._plausible(best):
            return best
        missing = ", ".join(best.missing if best else self._wanted)
        raise ValueError(f"no row among the first {len(lines)} has the columns: {missing}")

    def again(self, line: Line, above: Line | None) -> Layout | None:
        """The layout of another table that begins with this row; None where it is a row of the last one."""
        for value in line.cells.values():
            if (
                isinstance(value, str)
                and value.lstrip()[:1].casefold() in self._letters
                and bare(value) in self._endings
            ):
                break
        else:
            return None
        try:
            found = self._at(line, above)
        except ValueError:
            return None
        if found is None or found.missing:
            return None
        placed = (line.cells.get(column) for table in found.tables for column in table.values())
        filled = [value for value in placed if value is not None]
        return found if filled and all(bare(text(value)) in self._endings for value in filled) else None

    def _plausible(self, layout: Layout) -> bool:
        there = len(self._wanted) - len(layout.missing)
        needed = 1 if self._key else 2
        return there >= needed and 2 * there >= len(self._wanted) and self._key.isdisjoint(layout.missing)

    def _at(self, line: Line, above: Line | None) -> Layout | None:
        if above is not None and above.place != line.place - 1:
            above = None
        columns = set(line.cells) | set(above.cells if above else ())
        columns |= {each for row in (line.place - 1, line.place) for merged in self._merged.get(row, ())
                    for each in range(merged[1], min(merged[3], merged[1] + 100) + 1)}  # fmt: skip
        upper = self._upper(line, above, sorted(columns))
        names = {column: self._names(line, above, column, upper.get(column, "")) for column in sorted(columns)}
        places = {
            name: [column for column, called in names.items() if wanted in called]
            for name, wanted in self._wanted.items()
        }
        there = {name: columns for name, columns in places.items() if columns}
        if not there:
            return None
        return Layout(
            header=line.place,
            tables=_side_by_side(there, line.place),
            missing=tuple(name for name in self._wanted if name not in there),
            titles=tuple(text(value) for _, value in sorted(line.cells.items())),
            width=line.width,
            tall=any(bare(text(line.cells.get(columns[0]))) != self._wanted[name] for name, columns in there.items()),
        )

    def _upper(self, line: Line, above: Line | None, columns: Sequence[int]) -> dict[int, str]:
        """For each column, what the row above says over it: in its cell, merged over it, or last to its left."""
        found, last = {}, ""
        for column in columns:
            last = self._covering(line.place - 1, column, above)[0] or last
            found[column] = last
        return found

    def _names(self, line: Line, above: Line | None, column: int, upper: str) -> set[str]:
        own, first = self._covering(line.place, column, line, above)
        if own:
            return ({bare(own)} if first else set()) | {bare(f"{upper} {own}")}
        over, first = self._covering(line.place - 1, column, above)
        return {bare(over)} if over and first else set()

    def _covering(self, row: int, column: int, *lines: Line | None) -> tuple[str, bool]:
        """(the text of the cell or of the merged range that covers it, whether it begins in this column)."""
        for top in range(row, row - _TALLEST, -1):
            for first, left, last, right in self._merged.get(top, ()):
                if first <= row <= last and left <= column <= right:
                    return _text_at(top, left, lines), column == left
        return _text_at(row, column, lines), True


def _text_at(row: int, column: int, lines: Iterable[Line | None]) -> str:
    return next((text(line.cells.get(column)) for line in lines if line is not None and line.place == row), "")


def _side_by_side(places: Mapping[str, Sequence[int]], row: int) -> tuple[Mapping[str, int], ...]:
    """One table, or as many as each column stands there, from left to right. Raises ValueError where some columns stand
    more often than others."""
    count = min(map(len, places.values()))
    tables = [{name: columns[number] for name, columns in places.items()} for number in range(count)]
    apart = all(max(one.values()) < min(other.values()) for one, other in pairwise(tables))
    for name, columns in places.items():
        if len(columns) != count or not apart:
            raise ValueError(f"the column {name!r} stands twice in row {row + 1}")
    return tuple(tables)


class Filling:
    """Fills the cells that a vertical merge covers, and those of columns where an empty cell means `as above`.

    A row that has no cell of its own stays empty.
    """

    def __init__(self, sheet: Sheet, down: Iterable[str]) -> None:
        self._until = {(top, left): bottom for top, left, bottom, _ in sheet.merged if bottom > top}
        self._down = frozenset(down)
        self._last: dict[int, Json] = {}
        self._active: dict[int, tuple[int, Json]] = {}

    def begin(self) -> None:
        """Another table begins: nothing stands above."""
        self._last.clear()

    def filled(self, line: Line, columns: Mapping[str, int]) -> Iterator[tuple[str, Json]]:
        """Each wanted column with its value."""
        for name, column in columns.items():
            value = line.cells.get(column)
            if (bottom := self._until.get((line.place, column))) is not None:
                self._active[column] = (bottom, value)
            elif value is None and column in self._active and line.place <= self._active[column][0]:
                value = self._active[column][1]
            if name in self._down:
                value = self._last.get(column) if value is None else value
                self._last[column] = value
            yield name, value


@lru_cache(maxsize=4096)
def bare(name: str) -> str:
    """A title without case, line breaks, doubled spaces, and a colon at its end."""
    return " ".join(name.casefold().split()).rstrip(" :")
