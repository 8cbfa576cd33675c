"""The connector of folders that others drop files in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from itertools import islice
from typing import Any, TypeAlias

from lineside.connector import (
    Batch,
    Check,
    Checkpoint,
    Gone,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
    Unreadable,
)
from lineside.connector.folders import FOLDER_OPTIONS, Arrived, Seen, matches, read_pattern, read_watched
from lineside.connector.rows import read_notation
from lineside.errors import SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Provenance
from lineside_ingest.drop_folder import b2mml, edi
from lineside_ingest.drop_folder.counting import Counter

_OPTIONS = {"streams", "time_zone", "decimal_comma", *FOLDER_OPTIONS}
_STREAM_OPTIONS = {"name", "pattern", "format", "sequence", "shipment_reference"}
_FORMATS = ("auto", "b2mml", "edi")
_XML, _EDI, _UNKNOWN = "application/xml", "application/edi", "application/octet-stream"
_BATCH = 200

_Item: TypeAlias = SourceMessage | Unreadable | Gone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    name: str
    pattern: str
    format: str
    sequence: re.Pattern[str] | None
    by_control: bool
    references: tuple[str, ...]


@dataclass(slots=True)
class _Filling:
    """A batch as it is gathered."""

    messages: list[SourceMessage] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.messages) + len(self.unreadable) + len(self.gone)

    def put(self, items: Sequence[_Item]) -> None:
        for item in items:
            match item:
                case SourceMessage():
                    self.messages.append(item)
                case Unreadable():
                    self.unreadable.append(item)
                case Gone():
                    self.gone.append(item)

    def batch(self, checkpoint: Checkpoint | None) -> Batch:
        return Batch(messages=self.messages, unreadable=self.unreadable, gone=self.gone, checkpoint=checkpoint)


class DropFolder:
    """Reads each file that is complete, once, and leaves it where it is. See README.md."""

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
        self._watched = read_watched(read)
        self._notation = read_notation(read, time_zone)
        self._streams = [_stream(each) for each in read.tables("streams", known=_STREAM_OPTIONS)]
        if not self._streams:
            self._streams = [_stream(Options(source, {}, known=_STREAM_OPTIONS))]
        names = [stream.name for stream in self._streams]
        if len(set(names)) < len(names):
            raise read.bad("streams", "have a name that stands twice")

    async def check(self) -> Sequence[Check]:
        depth = max(stream.pattern.count("/") for stream in self._streams)
        try:
            async with self._watched.opened() as folder:
                look = await folder.look(depth)
        except (SourceUnavailable, SourceRefused) as error:
            return [Check(name="look", ok=False, detail=error.message, fix="mend the path, its rights or the sign-in")]
        checks = [Check(name="look", ok=True, detail=f"{len(look.files)} files at {self._watched.address}")]
        for stream in self._streams:
            count = sum(matches(name, stream.pattern) for name in look.files)
            checks.append(Check(name=f"pattern {stream.pattern}", ok=True, detail=f"{count} files"))
        return checks

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """What the files hold that are new, or have another content, since `checkpoint`; oldest first."""
        kept = checkpoint or {}
        seen, counter = Seen.of(kept.get("files")), Counter.of(kept.get("counts"))
        known = set(seen.files)
        filling = _Filling()
        patterns = [stream.pattern for stream in self._streams]
        async with aclosing(self._watched.arrivals(patterns, seen)) as arrivals:
            async for arrived in arrivals:
                if len(filling) >= _BATCH:  # `seen` holds the files before this one
                    yield filling.batch({"files": seen.kept(), "counts": counter.kept()})
                    filling = _Filling()
                stream = self._stream_of(arrived.name)
                items = self._items(arrived, stream, counter, fresh=arrived.name not in known)
                while part := await asyncio.to_thread(_some, items):
                    filling.put(part)
                    if len(filling) >= 2 * _BATCH:
                        yield filling.batch(None)
                        filling = _Filling()
        gaps, began_anew = counter.finish(self._clock())
        troubles = [
            Trouble(kind=TroubleKind.REFUSED, reason=f"{name}: {why}", stream=self._stream_of(name).name)
            for name, why in seen.denied.items()
        ]
        troubles += [Trouble(kind=TroubleKind.EPOCH, reason=why, passing=True) for why in began_anew]
        after: Checkpoint = {"files": seen.kept(), "counts": counter.kept()}
        if len(filling) or gaps:
            yield replace(filling.batch(after), gaps=gaps)
        yield Batch(troubles=troubles, checkpoint=after)

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: files are left as they are."""

    def translate(self, message: SourceMessage) -> Translated:
        reported_at = message.reported_at or message.received_at
        whole = Provenance(
            source=message.source,
            source_id=message.source_id,
            occurred_at=reported_at,
            reported_at=reported_at,
            recorded_at=message.received_at,
        )
        if message.content_type == _XML:
            return b2mml.records(message, whole, self._notation)
        if message.content_type == _EDI:
            references = next((each.references for each in self._streams if each.name == message.stream), ())
            return edi.records(message, whole, self._notation, references)
        raise UnreadableMessage("it is neither B2MML nor EDIFACT nor X12")

    def _stream_of(self, name: str) -> _Stream:
        return next((each for each in self._streams if matches(name, each.pattern)), self._streams[0])

    def _items(self, arrived: Arrived, stream: _Stream, counter: Counter, *, fresh: bool) -> Iterator[_Item]:
        if arrived.too_large:
            reason = f"the file has more than {self._watched.most} bytes (largest_mb); its beginning is kept"
            yield Unreadable(content=arrived.content, reason=reason, origin=arrived.name)
            return
        if stream.sequence and fresh and (found := stream.sequence.search(arrived.name)):
            counter.count(stream.name, found[1], arrived.changed_at)
        kind = stream.format if stream.format != "auto" else _sniffed(arrived.content)
        if kind == "edi":
            yield from self._of_edi(arrived, stream, counter)
        elif kind == "b2mml":
            yield from self._of_b2mml(arrived, stream)
        else:
            yield self._message(arrived, stream, content=arrived.content, source_id="", content_type=_UNKNOWN)

    def _of_edi(self, arrived: Arrived, stream: _Stream, counter: Counter) -> Iterator[SourceMessage | Unreadable]:
        counted = set[tuple[str, str]]()
        for part in edi.cut(arrived.content):
            if part.problem:
                yield Unreadable(content=part.content, reason=part.problem, origin=arrived.name, content_type=_EDI)
                continue
            if stream.by_control and part.sequence not in counted:
                counted.add(part.sequence)
                counter.count(f"{stream.name}: {part.sequence[0]}", part.sequence[1], arrived.changed_at)
            yield self._message(arrived, stream, content=part.content, source_id=part.source_id, content_type=_EDI)

    def _of_b2mml(self, arrived: Arrived, stream: _Stream) -> Iterator[_Item]:
        found = False
        try:
            for part in b2mml.cut(arrived.content):
                found = True
                if part.gone:
                    yield Gone(stream=stream.name, key=part.key, reason=f"{arrived.name} deletes it")
                    continue
                yield self._message(
                    arrived, stream, content=part.content, source_id=part.source_id, content_type=_XML, key=part.key
                )
        except UnreadableMessage as error:
            reason = f"{error.message}; what stands before that was read" if found else error.message
            yield Unreadable(content=arrived.content, reason=reason, origin=arrived.name, content_type=_XML)
            return
        if not found:
            yield self._message(arrived, stream, content=arrived.content, source_id="", content_type=_XML)

    def _message(
        self, arrived: Arrived, stream: _Stream, *, content: bytes, source_id: str, content_type: str, key: str = ""
    ) -> SourceMessage:
        return SourceMessage(
            source=self.source,
            source_id=source_id or f"file/{sha256(content).hexdigest()[:32]}",
            content=content,
            content_type=content_type,
            received_at=self._clock(),
            stream=stream.name,
            key=key,
            origin=arrived.name,
            # A stamp ahead of us would hide what comes after it.
            reported_at=min(arrived.changed_at, self._clock()),
        )


def _some(items: Iterator[_Item]) -> list[_Item]:
    return list(islice(items, _BATCH))


def _sniffed(content: bytes) -> str:
    head = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<")):
        return "b2mml"
    return "edi" if edi.is_edi(content) else ""


def _stream(options: Options) -> _Stream:
    pattern = read_pattern(options, "pattern", "*")
    sequence = options.text("sequence", "")
    try:
        counted = re.compile(sequence) if sequence not in {"", "control"} else None
    except re.error as error:
        raise options.bad("sequence", f"is no regular expression: {error}") from error
    if counted is not None and counted.groups != 1:
        raise options.bad("sequence", "needs one group, the number, as in DESADV_([0-9]+)")
    return _Stream(
        name=options.text("name", pattern),
        pattern=pattern,
        format=options.text("format", "auto", choices=_FORMATS),
        sequence=counted,
        by_control=sequence == "control",
        references=options.texts("shipment_reference"),
    )
