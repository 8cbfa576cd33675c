"""The connector of spreadsheets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from lineside.connector import (
    Aside,
    Batch,
    Check,
    Checkpoint,
    Listed,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
)  # fmt: skip
from lineside.connector.rows import NOTATION_OPTIONS, RowStream, read_notation, read_stream
from lineside.connector.threads import from_thread
from lineside.errors import SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.exact_json import read_json
from lineside_ingest.spreadsheet.files import TAKES, Place, Shot, choose, find_files, shot, stamp
from lineside_ingest.spreadsheet.keyed import Tally, keyed
from lineside_ingest.spreadsheet.meaning import ORDERS, read_meaning
from lineside_ingest.spreadsheet.opening import read_sheets
from lineside_ingest.spreadsheet.reading import ASIDE, Reading, State, damaged, stream_name
from lineside_ingest.spreadsheet.sheets import Sheet
from lineside_ingest.spreadsheet.tables import TOTALS, Tables

_OPTIONS = {
    "path", "take", "sheet", "key", "header_within", "fill_down", "totals", "leave_out", "date_order", "delimiter",
    "encoding", "largest_mb", "settle_s", "mapping", *NOTATION_OPTIONS,
}  # fmt: skip


class Spreadsheet:
    """Reads a spreadsheet, or many of them, whenever they were saved. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.source = source
        read = Options(source, options, known=_OPTIONS)
        self._path = Path(read.text("path")).expanduser()
        self._take = read.text("take", "all", choices=TAKES)
        self._sheets = read.texts("sheet")
        self._delimiter, self._encoding = read.text("delimiter", ""), read.text("encoding", "")
        if len(self._delimiter) > 1:
            raise read.bad("delimiter", "must be one character")
        self._most = int(read.number("largest_mb", 64, at_least=0.001) * (1 << 20))
        self._settle_s = read.number("settle_s", 1.0)
        stream = read_stream(
            read, source=source, name=self._path.name, mapping=read.raw("mapping"),
            notation=read_notation(read, time_zone), key_needed=False,
        )  # fmt: skip
        self._stream = replace(stream, fixed=True)
        order = read.text("date_order", "", choices=("", *ORDERS))
        meaning = read_meaning(stream.mappings, stream.key, order=order, serials=stream.notation.time_format is None)
        self._reading = Reading(stream=self._stream, tables=_read_tables(read, stream), meaning=meaning, clock=clock)

    async def check(self) -> Sequence[Check]:
        return await asyncio.to_thread(self._checks)

    def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """The rows that are new or changed since `checkpoint`. A broken file keeps no other from being read."""
        return from_thread(self._read(checkpoint))

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: files want no acknowledgement."""

    def translate(self, message: SourceMessage) -> Translated:
        if message.content_type == ASIDE:
            return Aside(reason=message.content.decode().partition("\n")[0])
        row = read_json(message.content.decode())
        if not isinstance(row, dict):
            raise UnreadableMessage("the message is no row")
        if not self._stream.lacking(row):
            plain = self._reading.meaning.plain(row, self._stream.notation)
            if plain != row:
                message = replace(message, content=json.dumps(plain, ensure_ascii=False).encode())
        return self._stream.records(message)

    async def listing(self) -> AsyncIterator[Listed]:
        """The keys of every sheet that can be read and has its columns; nothing where rows have no key."""
        if self._stream.key:
            for place in await asyncio.to_thread(find_files, self._path, self._take):
                for listed in await asyncio.to_thread(self._listed, place):
                    yield listed

    def _listed(self, place: Place) -> list[Listed]:
        found = []
        try:
            with self._shot(place) as taken:
                for sheet in self._chosen(place, taken):
                    try:
                        layout, rows = self._reading.tables.find(sheet, place.name)
                    except ValueError:  # reading the sheet says so
                        continue
                    all_rows = keyed(rows, sheet, self._stream, self._reading.meaning, Tally())
                    keys = frozenset(row.key for row in all_rows if not row.wrong)
                    if not layout.missing and (keys or not self._reading.doubtful(taken)):
                        found.append(Listed(stream=stream_name(place, sheet), keys=keys))
        except (SourceUnavailable, SourceRefused):  # so does reading the file
            return []
        return found

    def _checks(self) -> list[Check]:
        try:
            checks = [check for place in find_files(self._path, self._take) for check in self._checked(place)]
        except (SourceUnavailable, SourceRefused) as error:
            return [Check(name="read", ok=False, detail=error.message, fix="mend the path or its rights")]
        return checks or [Check(name="read", ok=True, detail=f"no file at {self._path} yet")]

    def _checked(self, place: Place) -> Iterator[Check]:
        try:
            with self._shot(place) as taken:
                for sheet in self._chosen(place, taken):
                    yield self._checked_sheet(place, sheet)
        except (SourceUnavailable, SourceRefused) as error:
            yield Check(name=f"read {place.name}", ok=False, detail=error.message, fix="mend the file or its rights")

    def _checked_sheet(self, place: Place, sheet: Sheet) -> Check:
        name, fix = f"read {stream_name(place, sheet)}", "mend the mapping or the sheet"
        try:
            layout, rows = self._reading.tables.find(sheet, place.name)
        except ValueError as error:
            return Check(name=name, ok=False, detail=str(error), fix=fix)
        tally = Tally()
        for _ in keyed(rows, sheet, self._stream, self._reading.meaning, tally):
            pass
        if layout.missing:
            return Check(name=name, ok=False, detail=f"the header lacks {', '.join(layout.missing)}", fix=fix)
        told = [f"header in row {layout.header + 1}, {tally.rows} rows"]
        told += [f"{tally.hidden} of them hidden, and read"] * bool(tally.hidden)
        told += [f"{tally.unreadable} of them can't be read"] * bool(tally.unreadable)
        return Check(name=name, ok=True, detail="; ".join([*told, *(each.reason for each in tally.troubles(""))]))

    def _read(self, checkpoint: Checkpoint | None) -> Generator[Batch, None, None]:
        files = (checkpoint or {}).get("files")
        after = dict(files) if isinstance(files, dict) else {}
        failed: dict[str, SourceUnavailable | SourceRefused] = {}
        troubles: list[Trouble] = []
        places = find_files(self._path, self._take)
        for place in places:
            state = State.of(after.get(place.name))
            last: Batch | None = None  # an empty batch, even with a checkpoint, would say that all was read
            try:
                for batch in self._file(place, state):
                    if last:
                        yield last
                    last = batch
                if state.advanced:
                    after[place.name] = state.kept()
                if last:
                    yield replace(last, checkpoint={"files": dict(after)}) if state.advanced else last
            except (SourceUnavailable, SourceRefused) as error:
                failed[place.name] = error
                kind = TroubleKind.REFUSED if isinstance(error, SourceRefused) else TroubleKind.UNAVAILABLE
                troubles.append(Trouble(kind=kind, reason=error.message, stream=place.name))
            else:
                troubles += state.troubles
        if failed and len(failed) == len(places):
            raise min(failed.values(), key=lambda error: isinstance(error, SourceRefused))  # what may pass comes first
        for name in sorted(after.keys() - {place.name for place in places}):
            state = State.of(after[name])
            if not state.missing:
                state.missing = True
                after[name] = state.kept()
                reason = f"{name} is no longer there: what stood in it still stands"
                troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=reason, stream=name, passing=True))
        yield Batch(checkpoint={"files": dict(after)}, troubles=troubles, alive=False)

    def _file(self, place: Place, state: State) -> Generator[Batch, None, None]:
        """What is new in the file; `state` says whether it was read to the end. Raises SourceUnavailable and
        SourceRefused."""
        if state.stands(*stamp(place.path)) and not state.missing:
            return
        with self._shot(place) as taken:
            if taken.digest == state.digest:
                state.read(taken, time.time_ns())
                return
            older = taken.changed_ns < state.changed_ns
            try:
                if not (yield from self._reading.read(place, taken, self._chosen(place, taken), state)):
                    return
            except SourceUnavailable as error:
                if self._reading.doubtful(taken):
                    raise
                yield damaged(place, taken, error, state)
            state.read(taken, time.time_ns())
            if older:
                reason = f"an older copy of {place.name} was put in its place: its rows are read as they stand there"
                state.troubles.append(Trouble(kind=TroubleKind.EPOCH, reason=reason, stream=place.name, passing=True))

    def _shot(self, place: Place) -> AbstractContextManager[Shot]:
        return shot(place.path, most=self._most, settle_s=self._settle_s)

    def _chosen(self, place: Place, taken: Shot) -> list[Sheet]:
        sheets = read_sheets(taken.file, place.name, delimiter=self._delimiter, encoding=self._encoding)
        names = [sheet.name for sheet in sheets]
        if names == [""]:
            return sheets  # a csv file has one
        chosen = choose(names, self._sheets)
        if not chosen:
            wanted = " or ".join(map(repr, self._sheets))
            raise SourceRefused(f"{place.name} has no sheet {wanted}; there are: {', '.join(names)}")
        return [sheets[number] for number in chosen]


def _read_tables(read: Options, stream: RowStream) -> Tables:
    columns = (name for mapping in stream.mappings for name in mapping.columns())
    leave_out = read.texts("leave_out")
    if not set(leave_out) <= {"hidden", "struck"}:
        raise read.bad("leave_out", "knows hidden and struck")
    return Tables(
        wanted=tuple(dict.fromkeys((*stream.key, *columns))),
        key=stream.key,
        within=int(read.number("header_within", 20, at_least=1)),
        fill_down=read.texts("fill_down"),
        totals=read.texts("totals") if "totals" in read else TOTALS,
        leave_out=leave_out,
    )
