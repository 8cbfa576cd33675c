"""Where in a grid the columns are that the mapping names. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lineside.plant.records import Json
from lineside.plant.row_values import text
from lineside_ingest.spreadsheet.grids import Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The header's row, counted from 0, and each wanted column's place."""

    header: int
    columns: Mapping[str, int]

    def rows(self, grid: Grid) -> Iterator[tuple[int, dict[str, Json]]]:
        """(row, counted from 0, its wanted cells) below the header; empty rows and repeated headers are left out."""
        for place in range(self.header + 1, len(grid.rows)):
            cells = grid.rows[place]
            row = {name: cells[column] if column < len(cells) else None for name, column in self.columns.items()}
            filled = {name: value for name, value in row.items() if text(value)}
            if filled and not all(_bare(text(value)) == _bare(name) for name, value in filled.items()):
                yield place, row


def find_layout(grid: Grid, wanted: Sequence[str], *, within: int) -> Layout:
    """The layout whose header has every wanted column, in any case and spacing, among the first rows.

    A name may stand in the cell, in the merged cell that covers it, or in two rows: `Menge Ist` is `Ist` below a
    `Menge` merged over it. Raises ValueError that names what is missing or stands twice.
    """
    best: dict[str, list[int]] = {}
    for place in range(min(within, len(grid.rows))):
        found = _found(grid, place, wanted)
        if len(found) == len(wanted):
            for name, columns in found.items():
                if len(columns) > 1:
                    raise ValueError(f"the column {name!r} stands twice in row {place + 1}")
            return Layout(header=place, columns={name: columns[0] for name, columns in found.items()})
        if len(found) > len(best):
            best = found
    missing = ", ".join(name for name in wanted if name not in best)
    raise ValueError(f"no row among the first {within} has the columns: {missing}")


def _found(grid: Grid, place: int, wanted: Sequence[str]) -> dict[str, list[int]]:
    names = [_names(grid, place, column) for column in range(len(grid.rows[place]))]
    found = {name: [column for column, called in enumerate(names) if _bare(name) in called] for name in wanted}
    return {name: columns for name, columns in found.items() if columns}


def _names(grid: Grid, place: int, column: int) -> set[str]:
    own = _covering(grid, place, column)
    above = _covering(grid, place - 1, column) if place else ""
    return {_bare(own), _bare(f"{above} {own}")} - {""} if own else set()


def _covering(grid: Grid, row: int, column: int) -> str:
    """The text of the cell, or of the merged range that covers it."""
    for (top, left), (bottom, right) in grid.merged:
        if top <= row <= bottom and left <= column <= right:
            row, column = top, left
            break
    cells = grid.rows[row]
    return text(cells[column]) if column < len(cells) else ""


def _bare(name: str) -> str:
    return " ".join(name.casefold().split()).rstrip(" :")
