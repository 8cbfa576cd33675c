"""The connector of the open record format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from lineside.connector import Batch, Check, Checkpoint, Options, SourceMessage, Unreadable
from lineside.connector.threads import from_thread
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json, Record
from lineside_ingest.open_records import envelope
from lineside_ingest.open_records.files import follow, positions, read_lines
from lineside_ingest.open_records.push import messages_from_push

SUFFIXES = (".jsonl", ".ndjson")


class OpenRecords:
    """Reads CloudEvents from a file or a folder of files, and takes those that are pushed. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        del time_zone  # every time of the format carries its offset
        self.source = source
        self._clock = clock
        read = Options(source, options, known={"path", "finished"})
        self._path = Path(read.text("path")).expanduser() if "path" in read else None
        self._finished = read.flag("finished")
        if self._finished and self._path is None:
            raise read.bad("finished", "needs path, the file that is finished")

    async def check(self) -> Sequence[Check]:
        if self._path is None:
            return [Check(name="push", ok=True, detail="waits for POST /ingest/" + self.source)]
        try:
            files = await asyncio.to_thread(self._readable)
        except (SourceUnavailable, SourceRefused) as error:
            return [
                Check(name="read", ok=False, detail=error.message, fix="create the path or grant the right to read")
            ]
        return [Check(name="read", ok=True, detail=f"{len(files)} files at {self._path}")]

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """The lines that the files gained since `checkpoint`; with `finished`, everything, once.

        One file that can't be read does not keep the others from being read.
        """
        if self._path is None:
            return
        reading = self._read_finished(self._path) if self._finished else self._follow(checkpoint)
        async with aclosing(from_thread(reading)) as batches:
            async for batch in batches:
                yield batch

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: files want no acknowledgement."""

    def translate(self, message: SourceMessage) -> Sequence[Record]:
        return (envelope.record(message),)

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Batch:
        """The events of one request to this source's door. Raises BadRequest where it holds none."""
        content_type = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
        return messages_from_push(self.source, body, content_type, received_at=self._clock(), headers=headers)

    def _read_finished(self, path: Path) -> Generator[Batch, None, None]:
        try:
            yield from read_lines(path, received_at=self._clock())
        except OSError as error:
            raise _failed(error, path) from error

    def _follow(self, checkpoint: Checkpoint | None) -> Generator[Batch, None, None]:
        before = positions(checkpoint)
        files = self._files()
        after: dict[str, Json] = {name: dict(before[name]) for name in files if name in before}
        broken: list[SourceUnavailable | SourceRefused] = []
        for name, path in files.items():
            try:
                for batch, position in follow(path, name, before.get(name, {}), self._message):
                    after[name] = position
                    yield replace(batch, checkpoint={"files": dict(after)})
            except OSError as error:
                broken.append(_failed(error, path))
        if broken:
            raise broken[0]
        yield Batch(checkpoint={"files": dict(after)})

    def _message(self, content: bytes, origin: str) -> SourceMessage | Unreadable:
        return envelope.message(content, origin=origin, received_at=self._clock(), default_source=self.source)

    def _readable(self) -> dict[str, Path]:
        """The files to follow, each of which can be opened."""
        files = self._files()
        for path in files.values():
            try:
                path.open("rb").close()
            except OSError as error:
                raise _failed(error, path) from error
        return files

    def _files(self) -> dict[str, Path]:
        """The files to follow by their name, oldest name first."""
        path = self._path
        if path is None:
            return {}
        try:
            if path.is_dir():
                found = (each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file())
                return {each.name: each for each in sorted(found)}
            path.stat()
        except OSError as error:
            raise _failed(error, path) from error
        return {path.name: path}


def _failed(error: OSError, path: Path) -> SourceUnavailable | SourceRefused:
    if isinstance(error, PermissionError):
        return SourceRefused(f"{path} may not be read: {error.strerror}", path=str(path))
    return SourceUnavailable(f"{path} can't be read: {error.strerror}", path=str(path))
