"""Files of events, one a line: read whole for an import, or followed while they grow. Memory stays bounded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from lineside.connector import Batch, Checkpoint, SourceMessage, Unreadable
from lineside.plant.exact_json import read_array
from lineside.plant.records import Json
from lineside_ingest.open_records.envelope import CONTENT_TYPE, message

LONGEST_LINE = 1 << 20
LARGEST_DOCUMENT = 64 << 20
BATCH_LINES = 500
_MARK = 1024

ReadLine = Callable[[bytes, str], SourceMessage | Unreadable]


def read_lines(path: Path, *, received_at: datetime, default_source: str | None = None) -> Iterator[Batch]:
    """Everything in a finished file: an event a line, or one JSON document that holds an event or a list of events.

    Every line that is no event comes as an Unreadable with its place and reason; blank lines count for nothing.
    Raises OSError where the file can't be read.
    """

    def read(content: bytes, origin: str) -> SourceMessage | Unreadable:
        return message(content, origin=origin, received_at=received_at, default_source=default_source)

    with path.open("rb") as file:
        if _is_document(path, file):
            yield _document(path, file, read)
            return
        file.seek(0)
        for found, _, _ in _batches(file, path.name, read, line=0, finished=True):
            yield found


def follow(path: Path, name: str, seen: Mapping[str, Json], read: ReadLine) -> Iterator[tuple[Batch, dict[str, Json]]]:
    """The lines added to a growing file since `seen`, each batch with the position to go on from.

    A file that was replaced or cut starts again: what is known already is known by its id. A last line without its
    end waits for the rest, unless it is a whole event already.
    """
    with path.open("rb") as file:
        start, line = _place(file, seen)
        file.seek(start)
        for found, offset, line_now in _batches(file, name, read, line=line, finished=False):
            back = file.tell()
            position: dict[str, Json] = {"offset": offset, "line": line_now, "mark": _fingerprint(file, offset)}
            file.seek(back)
            yield found, position


def positions(checkpoint: Checkpoint | None) -> dict[str, Mapping[str, Json]]:
    """The position in each file that a checkpoint holds."""
    files = (checkpoint or {}).get("files")
    return {k: v for k, v in files.items() if isinstance(v, dict)} if isinstance(files, dict) else {}


def _batches(
    file: BinaryIO, name: str, read: ReadLine, *, line: int, finished: bool
) -> Iterator[tuple[Batch, int, int]]:
    """Batches with the byte and the line after them. finished: nobody will complete the last line."""
    messages: list[SourceMessage] = []
    unreadable: list[Unreadable] = []
    offset = file.tell()
    for content, size, whole in _lines(file):
        item = _item(content, size, f"{name}:{line + 1}", read, first=line == 0)
        if isinstance(item, Unreadable) and not whole and size <= LONGEST_LINE:
            if not finished:
                break
            item = replace(item, reason=f"the file ends in the middle of this line; {item.reason}")
        offset, line = offset + size, line + 1
        if isinstance(item, SourceMessage):
            messages.append(item)
        elif item is not None:
            unreadable.append(item)
        if len(messages) + len(unreadable) >= BATCH_LINES:
            yield Batch(messages=messages, unreadable=unreadable), offset, line
            messages, unreadable = [], []
    if messages or unreadable:
        yield Batch(messages=messages, unreadable=unreadable), offset, line


def _item(content: bytes, size: int, origin: str, read: ReadLine, *, first: bool) -> SourceMessage | Unreadable | None:
    if first and content.startswith((b"\xff\xfe", b"\xfe\xff")):
        reason = "the file is UTF-16; save it as UTF-8"
        return Unreadable(content=content, reason=reason, origin=origin, content_type=CONTENT_TYPE)
    bare = content.removeprefix(b"\xef\xbb\xbf").strip() if first else content.strip()
    if size > LONGEST_LINE:
        reason = f"the line is {size} bytes long, more than {LONGEST_LINE}; its beginning is kept"
        return Unreadable(content=content, reason=reason, origin=origin, content_type=CONTENT_TYPE)
    return read(bare, origin) if bare else None


def _lines(file: BinaryIO) -> Iterator[tuple[bytes, int, bool]]:
    """(content, bytes taken, whether the line has its end) of each line; of an overlong one, its beginning."""
    while content := file.readline(LONGEST_LINE + 1):
        size, end = len(content), content[-1:] == b"\n"
        while not end and size > LONGEST_LINE and (more := file.readline(LONGEST_LINE)):
            size, end = size + len(more), more[-1:] == b"\n"
        yield content[: _MARK * 64] if size > LONGEST_LINE else content, size, end


def _place(file: BinaryIO, seen: Mapping[str, Json]) -> tuple[int, int]:
    offset, line = seen.get("offset"), seen.get("line")
    if isinstance(offset, int) and isinstance(line, int) and seen.get("mark") == _fingerprint(file, offset):
        return offset, line
    return 0, 0


def _fingerprint(file: BinaryIO, offset: int) -> str:
    """What tells the file's first `offset` bytes from another file's. An inode would not survive a copy or a sync."""
    file.seek(0)
    head = file.read(min(_MARK, offset))
    file.seek(max(0, offset - _MARK))
    tail = file.read(min(_MARK, offset))
    return hashlib.sha256(head + b"\0" + tail + str(offset).encode()).hexdigest()


def _is_document(path: Path, file: BinaryIO) -> bool:
    """Whether the file is one JSON document: a list, or one event over several lines."""
    head = file.read(_MARK).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] == b"[":
        return True
    return path.suffix.lower() == ".json" and head[:1] == b"{" and head[1:].lstrip(b" \t")[:1] in {b"\r", b"\n"}


def _document(path: Path, file: BinaryIO, read: ReadLine) -> Batch:
    file.seek(0)
    content = file.read(LARGEST_DOCUMENT + 1)
    if len(content) > LARGEST_DOCUMENT:
        reason = f"the document is larger than {LARGEST_DOCUMENT} bytes; write one event a line instead"
        lost = Unreadable(content=content[: _MARK * 64], reason=reason, origin=path.name, content_type=CONTENT_TYPE)
        return Batch(unreadable=[lost])
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        return array_of_events(content, path.name, read)
    item = read(content.removeprefix(b"\xef\xbb\xbf").strip(), path.name)
    return Batch(messages=[item]) if isinstance(item, SourceMessage) else Batch(unreadable=[item])


def array_of_events(content: bytes, name: str, read: ReadLine) -> Batch:
    """The events of a JSON array; where the array breaks off, the rest comes as one Unreadable."""
    messages: list[SourceMessage] = []
    unreadable: list[Unreadable] = []
    place = 0
    try:
        for text, _ in read_array(content.decode("utf-8-sig")):
            place += 1
            item = read(text.encode(), f"{name}:[{place}]")
            if isinstance(item, SourceMessage):
                messages.append(item)
            else:
                unreadable.append(item)
    except ValueError as error:  # UnicodeDecodeError is one
        reason = f"the list breaks off after {place} events: {error}"
        unreadable.append(Unreadable(content=content, reason=reason, origin=name, content_type=CONTENT_TYPE))
    return Batch(messages=messages, unreadable=unreadable)
