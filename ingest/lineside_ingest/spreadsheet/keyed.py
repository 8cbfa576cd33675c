"""The rows of a sheet with what tells them apart, and what was seen on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lineside.connector import Trouble, TroubleKind
from lineside.connector.rows import RowStream, digest
from lineside.errors import UnreadableMessage
from lineside.plant.records import Json
from lineside_ingest.spreadsheet.meaning import Meaning
from lineside_ingest.spreadsheet.sheets import Sheet
from lineside_ingest.spreadsheet.tables import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """A row as it is sent. key: what its versions are counted by. wrong: why it can't be read; aside: by which rule it
    is none. number: its row, counted from 1."""

    key: str
    number: int
    values: dict[str, Json]
    wrong: str = ""
    aside: str = ""

    @property
    def content(self) -> bytes:
        return json.dumps(self.values, ensure_ascii=False, sort_keys=True).encode()


@dataclass(slots=True)
class Tally:
    """What a sheet's rows showed. flaws: for each column, how many cells have no value, and the first."""

    rows: int = 0
    unreadable: int = 0
    hidden: int = 0
    flaws: dict[str, tuple[int, str]] = field(default_factory=dict)

    def see(self, row: Row) -> None:
        self.rows += 1
        self.hidden += row.hidden and not row.aside
        for column, what in row.flawed.items():
            count, first = self.flaws.get(column, (0, f"{what} in row {row.place + 1}"))
            self.flaws[column] = (count + 1, first)

    def troubles(self, stream: str) -> list[Trouble]:
        """One for each column with cells that have no value."""
        return [
            Trouble(
                kind=TroubleKind.DRIFT,
                reason=f"{count} cells of the column {column} hold no value: first {first}",
                stream=stream,
            )
            for column, (count, first) in self.flaws.items()
        ]


def keyed(rows: Iterable[Row], sheet: Sheet, stream: RowStream, meaning: Meaning, tally: Tally) -> Iterator[Keyed]:
    """Each row with its key: its key columns; without them its content, and which of its equals it is. A row's number
    would not do, since a row put in above would make all below it new."""
    alike: Counter[str] = Counter()
    first: dict[str, int] = {}

    def by_content(values: Mapping[str, Json], sign: str = "") -> str:
        content = digest(values)
        alike[content] += 1
        return f"{sign}{content}.{alike[content]}"

    for row in rows:
        tally.see(row)
        values = {name: meaning.cell(name, value, later_days=sheet.later_days) for name, value in row.values.items()}
        number = row.place + 1
        if row.aside:
            yield Keyed(key=by_content(values, "aside~"), number=number, values=values, aside=row.aside)
            continue
        key, wrong = "", row.wrong
        if not wrong:
            try:
                key = _key(values, row, stream) if stream.key else by_content(values)
            except UnreadableMessage as error:
                if row.flawed or stream.concerns(values):
                    wrong = error.message
                else:
                    key = by_content(values, "other~")
        if key and stream.key and first.setdefault(key, number) != number:
            wrong = f"the key {key} stands already in row {first[key]}"
        tally.unreadable += bool(wrong)
        key = by_content(values, "unreadable~") if wrong else key
        yield Keyed(key=key, number=number, values=values, wrong=wrong)


def _key(values: Mapping[str, Json], row: Row, stream: RowStream) -> str:
    for column in stream.key:
        if column in row.flawed:
            raise UnreadableMessage(f"the key column {column} holds {row.flawed[column]}", field=column)
    return stream.key_of(values)
