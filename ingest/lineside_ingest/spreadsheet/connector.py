"""The connector of spreadsheets."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Any

from lineside.connector import Batch, Check, Checkpoint, Listed, Options, SourceMessage, Translated, Unreadable
from lineside.connector.rows import NOTATION_OPTIONS, RowStream, Versions, digest, read_notation, read_stream
from lineside.connector.threads import from_thread
from lineside.errors import SourceError, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.exact_json import read_json
from lineside.plant.records import Json
from lineside_ingest.spreadsheet.grids import BOOK_SUFFIXES, CSV_SUFFIXES, Grid, formulas, read_book, read_csv
from lineside_ingest.spreadsheet.layout import Layout, find_layout

_OPTIONS = {"path", "sheet", "key", "header_within", "delimiter", "encoding", "mapping", *NOTATION_OPTIONS}
_UNSTORED = "!"  # in a message: the mapped columns whose cells hold a formula without a value
_BATCH = 500
_LARGEST = 64 << 20


class Spreadsheet:
    """Reads a spreadsheet, or a folder of them, whenever it was saved. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.source = source
        self._clock = clock
        read = Options(source, options, known=_OPTIONS)
        self._path = Path(read.text("path")).expanduser()
        self._sheet = read.text("sheet", "")
        self._within = int(read.number("header_within", 20, at_least=1))
        self._delimiter, self._encoding = read.text("delimiter", ""), read.text("encoding", "")
        if len(self._delimiter) > 1:
            raise read.bad("delimiter", "must be one character")
        self._stream = read_stream(
            read,
            source=source,
            name=self._path.name,
            mapping=read.raw("mapping"),
            notation=read_notation(read, time_zone),
            key_needed=False,
        )
        columns = (name for mapping in self._stream.mappings for name in mapping.columns())
        self._wanted = tuple(dict.fromkeys((*self._stream.key, *columns)))

    async def check(self) -> Sequence[Check]:
        return await asyncio.to_thread(self._checks)

    def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """The rows that are new or changed since `checkpoint`. A broken file keeps no other from being read."""
        return from_thread(self._read(checkpoint))

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: files want no acknowledgement."""

    def translate(self, message: SourceMessage) -> Translated:
        row = read_json(message.content.decode())
        if isinstance(row, dict) and (unstored := row.get(_UNSTORED)):
            raise UnreadableMessage(
                f"a formula without a stored value in {unstored}; open the file in a spreadsheet program and save it"
            )
        return self._stream.records(message)

    async def listing(self) -> AsyncIterator[Listed]:
        """The keys of every sheet that has its columns; nothing where rows have no key."""
        if self._stream.key:
            for path in await asyncio.to_thread(self._files):
                for listed in await asyncio.to_thread(self._listed, path):
                    yield listed

    def _listed(self, path: Path) -> list[Listed]:
        found = []
        for grid in self._grids(path, _content(path)):
            try:
                layout = find_layout(grid, self._wanted, within=self._within)
            except ValueError:  # reading the sheet says so
                continue
            keys = set()
            for _, row in layout.rows(grid):
                try:
                    keys.add(self._stream.key_of(row))
                except UnreadableMessage:  # so does reading the row
                    continue
            found.append(Listed(stream=_name(path, grid), keys=frozenset(keys)))
        return found

    def _checks(self) -> list[Check]:
        checks = []
        try:
            for path in self._files():
                for grid in self._grids(path, path.read_bytes()):
                    name = f"read {_name(path, grid)}"
                    try:
                        layout = find_layout(grid, self._wanted, within=self._within)
                    except ValueError as error:
                        checks.append(
                            Check(name=name, ok=False, detail=str(error), fix="mend the mapping or the sheet")
                        )
                    else:
                        checks.append(Check(name=name, ok=True, detail=f"header in row {layout.header + 1}"))
        except (SourceError, OSError) as error:
            checks.append(Check(name="read", ok=False, detail=str(error), fix="mend the path, its rights or the file"))
        return checks or [Check(name="read", ok=True, detail=f"no file at {self._path} yet")]

    def _read(self, checkpoint: Checkpoint | None) -> Generator[Batch, None, None]:
        files = (checkpoint or {}).get("files")
        after: dict[str, Json] = dict(files) if isinstance(files, dict) else {}
        broken: list[SourceUnavailable | SourceRefused] = []
        for path in self._files():
            before = after.get(path.name)
            state = before if isinstance(before, dict) else {}
            try:
                content = _content(path)
                changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if (seen := sha256(content).hexdigest()) == state.get("digest"):
                    continue
                sheets = state.get("sheets")
                kept: dict[str, Json] = dict(sheets) if isinstance(sheets, dict) else {}
                for grid in self._grids(path, content):
                    name = _name(path, grid)
                    versions = Versions(kept.get(name))
                    stood: dict[str, int] = {}
                    # without a checkpoint: stopped here, the file is read again, and its rows come under the same ids
                    yield from self._batches(
                        replace(self._stream, name=name), grid, content, versions, changed_at, first=stood
                    )
                    kept[name] = _forgotten(versions.kept(), stood)
                after[path.name] = {"digest": seen, "sheets": dict(kept)}
            except OSError as error:
                refused = isinstance(error, PermissionError)
                kind = SourceRefused if refused else SourceUnavailable
                broken.append(kind(f"{path} can't be read: {error.strerror}"))
            except (SourceUnavailable, SourceRefused) as error:
                broken.append(error)
        if broken:
            raise broken[0]
        yield Batch(checkpoint={"files": dict(after)})

    def _batches(
        self,
        stream: RowStream,
        grid: Grid,
        content: bytes,
        versions: Versions,
        changed_at: datetime,
        *,
        first: dict[str, int],
    ) -> Generator[Batch, None, None]:
        try:
            layout = find_layout(grid, self._wanted, within=self._within)
        except ValueError as error:
            head = json.dumps(grid.rows[: self._within], ensure_ascii=False).encode()
            yield Batch(unreadable=[Unreadable(content=head, reason=str(error), origin=stream.name)])
            return
        messages: list[SourceMessage] = []
        unreadable: list[Unreadable] = []
        alike: Counter[str] = Counter()
        unstored = self._unstored(grid, layout, content, stream.name)
        for place, cells in layout.rows(grid):
            row = {**cells, **({_UNSTORED: unstored[place]} if place in unstored else {})}
            if not stream.concerns(row):
                continue
            origin = f"{stream.name}:{place + 1}"
            try:
                key = stream.key_of(row) if stream.key else self._content_key(row, alike)
                if first.setdefault(key, place) != place:
                    raise UnreadableMessage(f"the key {key} stands already in row {first[key] + 1}")
            except UnreadableMessage as error:
                told = json.dumps(row, ensure_ascii=False, sort_keys=True).encode()
                unreadable.append(Unreadable(content=told, reason=error.message, origin=origin))
                continue
            version = versions.next(key, row)
            if version is None:
                continue
            item = stream.message(
                row, version=version, key=key, received_at=self._clock(), reported_at=changed_at, origin=origin
            )
            if isinstance(item, SourceMessage):
                messages.append(item)
            if len(messages) >= _BATCH:
                yield Batch(messages=messages, unreadable=unreadable)
                messages, unreadable = [], []
        if messages or unreadable:
            yield Batch(messages=messages, unreadable=unreadable)

    def _content_key(self, row: Mapping[str, Json], alike: Counter[str]) -> str:
        """What tells rows without a key apart: their content, and which of its equals it is. A row's number would not
        do, since a row put in above would make all below it new."""
        content = digest(row)
        alike[content] += 1
        return f"{content}.{alike[content]}"

    def _unstored(self, grid: Grid, layout: Layout, content: bytes, name: str) -> dict[int, str]:
        """For each row, its mapped cells that look empty but hold a formula or an error."""
        if not name.lower().partition("!")[0].endswith((".xlsx", ".xlsm")):
            return {}
        empty = {
            (place, layout.columns[column])
            for place, row in layout.rows(grid)
            for column, value in row.items()
            if value is None
        }
        found: dict[int, str] = {}
        if empty:
            titles = {column: title for title, column in layout.columns.items()}
            for (place, column), formula in formulas(content, grid.name, empty).items():
                told = f"{titles[column]} ({formula[:40]})"
                found[place] = f"{found[place]}, {told}" if place in found else told
        return found

    def _grids(self, path: Path, content: bytes) -> list[Grid]:
        if len(content) > _LARGEST:
            raise SourceRefused(f"{path} has {len(content)} bytes, more than {_LARGEST}")
        if path.suffix.lower() in CSV_SUFFIXES:
            return [read_csv(content, path.name, delimiter=self._delimiter, encoding=self._encoding)]
        return read_book(content, path.name, self._sheet)

    def _files(self) -> list[Path]:
        if self._path.is_dir():
            wanted = (*BOOK_SUFFIXES, *CSV_SUFFIXES)
            found = (each for each in self._path.iterdir() if each.suffix.lower() in wanted and each.is_file())
            return sorted(each for each in found if not each.name.startswith(("~$", ".")))  # locks of who has it open
        if not self._path.exists():
            raise SourceUnavailable(f"{self._path} is not there", path=str(self._path))
        return [self._path]


def _content(path: Path) -> bytes:
    """The file's bytes. Raises SourceUnavailable where it was changed meanwhile, and OSError."""
    before = path.stat()
    content = path.read_bytes()
    after = path.stat()
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or len(content) != after.st_size:
        raise SourceUnavailable(f"{path} is being saved")
    return content


def _forgotten(known: dict[str, Json], stood: Mapping[str, int]) -> dict[str, Json]:
    """The versions with those of rows that are gone made void: a row that is put back is news."""
    return {key: each if key in stood or not isinstance(each, list) else [each[0], ""] for key, each in known.items()}


def _name(path: Path, grid: Grid) -> str:
    return f"{path.name}!{grid.name}" if grid.name else path.name
