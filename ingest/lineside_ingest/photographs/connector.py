"""The connector of photographs."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from typing import Any

from lineside.connector import (
    Batch,
    Check,
    Checkpoint,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
    Unreadable,
)
from lineside.connector.folders import FOLDER_OPTIONS, Arrived, Seen, matches, read_pattern, read_watched
from lineside.connector.rows import read_notation
from lineside.errors import MissingExtra, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant import row_values
from lineside.plant.exact_json import read_json
from lineside.plant.open_format import record_from_data
from lineside.plant.records import Json, Provenance, Quality, Record
from lineside_ingest.photographs.pictures import Picture, look_at
from lineside_ingest.photographs.recognition import check_installed, recognise

_OPTIONS = {"streams", "recognise", "time_zone", *FOLDER_OPTIONS}
_STREAM_OPTIONS = {"name", "pattern", "equipment", "channel", "author"}
_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".heic", ".heif", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".pdf")
_LONGEST_CAPTION = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    name: str
    pattern: str
    equipment: str
    channel: str
    author: str


class Photographs:
    """Each picture becomes a note; what a model read in it is a note of its own, marked as such. See README.md."""

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
        self._recognise = read.flag("recognise")
        self._streams = [_stream(each) for each in read.tables("streams", known=_STREAM_OPTIONS)]
        if not self._streams:
            self._streams = [_stream(Options(source, {}, known=_STREAM_OPTIONS))]

    async def check(self) -> Sequence[Check]:
        try:
            if self._recognise:
                await asyncio.to_thread(check_installed)
            async with self._watched.opened() as folder:
                look = await folder.look(max(stream.pattern.count("/") for stream in self._streams))
        except (SourceUnavailable, SourceRefused, MissingExtra) as error:
            return [Check(name="look", ok=False, detail=error.message, fix="mend the path, its rights or the sign-in")]
        pictures = sum(self._stream_of(name) is not None for name in look.files)
        return [Check(name="look", ok=True, detail=f"{pictures} pictures at {self._watched.address}")]

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """Each picture that is new or has another content since `checkpoint`, oldest first, one to a batch."""
        if self._recognise:
            await asyncio.to_thread(_check_model)
        seen = Seen.of((checkpoint or {}).get("files"))
        patterns = [stream.pattern for stream in self._streams]
        waiting: Batch | None = None
        async with aclosing(self._watched.arrivals(patterns, seen, beside=".txt")) as arrivals:
            async for arrived in arrivals:
                if waiting is not None:  # `seen` holds its file by now
                    yield replace(waiting, checkpoint={"files": seen.kept()})
                    waiting = None
                if (stream := self._stream_of(arrived.name)) is not None:
                    waiting = await asyncio.to_thread(self._batch, arrived, stream)
        if waiting is not None:
            yield replace(waiting, checkpoint={"files": seen.kept()})
        troubles = [
            Trouble(kind=TroubleKind.REFUSED, reason=f"{name}: {why}", stream=stream.name)
            for name, why in seen.denied.items()
            if (stream := self._stream_of(name)) is not None
        ]
        yield Batch(troubles=troubles, checkpoint={"files": seen.kept()})

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: files are left as they are."""

    def translate(self, message: SourceMessage) -> Translated:
        """A note of what a person wrote, or that there is a picture; and one of what a model read in it."""
        told, content = _opened(message.content)
        picture = look_at(content)
        lines = told.get("recognised")
        recognised = [each for each in lines if isinstance(each, list)] if isinstance(lines, list) else []
        caption = str(told.get("caption") or "") or picture.description
        whole = self._provenance(message, picture)
        attributes: dict[str, Json] = {
            "picture": {"format": picture.format, "width": picture.width, "height": picture.height},
            "text_from": "a person" if caption else "none",
        }
        author = picture.author or str(told.get("author") or "")
        place: dict[str, Json] = {"equipment": told.get("equipment"), "channel": told.get("channel")}
        notes: list[Record] = []
        if caption or not recognised:
            text = caption or _UNSAID[lines is not None]
            data: dict[str, Json] = {"text": text, "author": author, **place, "attributes": attributes}
            notes.append(record_from_data("note", data, whole))
        if recognised:
            read: dict[str, Json] = {
                "text": f"Recognised in a photograph by a program, not written here by a person: {_joined(recognised)}",
                **place,
                "attributes": {**attributes, "text_from": "recognition", "recognised": list[Json](recognised)},
            }
            unsure = replace(whole, part=len(notes), quality=Quality.UNCERTAIN)
            notes.append(record_from_data("note", read, unsure))
        return notes

    def _provenance(self, message: SourceMessage, picture: Picture) -> Provenance:
        reported_at = message.reported_at or message.received_at
        taken, quality = reported_at, Quality.GOOD
        if picture.taken:
            try:
                moment = row_values.moment(picture.taken, self._notation)
            except (ValueError, OverflowError):
                quality = Quality.UNCERTAIN  # a camera whose clock was never set says 0000:00:00
            else:
                taken = moment.at
                if not moment.certain or taken > message.received_at:
                    quality = Quality.UNCERTAIN
        return Provenance(
            source=message.source,
            source_id=message.source_id,
            occurred_at=taken,
            reported_at=reported_at,
            recorded_at=message.received_at,
            quality=quality,
        )

    def _stream_of(self, name: str) -> _Stream | None:
        """The stream of a picture; what is none by its name is left alone."""
        if not name.lower().endswith(_SUFFIXES):
            return None
        return next((each for each in self._streams if matches(name, each.pattern)), None)

    def _batch(self, arrived: Arrived, stream: _Stream) -> Batch:
        if arrived.too_large:
            reason = f"the file has more than {self._watched.most} bytes (largest_mb); its beginning is kept"
            return Batch(unreadable=[Unreadable(content=arrived.content, reason=reason, origin=arrived.name)])
        told: dict[str, Json] = {
            "caption": _caption(arrived.beside),
            "equipment": stream.equipment,
            "channel": stream.channel or arrived.name.rpartition("/")[0],
            "author": stream.author,
        }
        if self._recognise:
            told["recognised"] = [[text, sure] for text, sure in recognise(arrived.content)]
        said = {name: value for name, value in told.items() if value not in ("", None)}
        beside = sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]
        message = SourceMessage(
            source=self.source,
            # What is told beside the picture is a part of the content, so of the id too.
            source_id=f"{sha256(arrived.content).hexdigest()[:32]}~{beside}",
            content=json.dumps({**said, "picture": base64.b64encode(arrived.content).decode()}).encode(),
            received_at=self._clock(),
            stream=stream.name,
            origin=arrived.name,
            reported_at=min(arrived.changed_at, self._clock()),
        )
        return Batch(messages=[message])


_UNSAID = {False: "A photograph; its text was not recognised", True: "A photograph; no text was recognised in it"}


def _stream(options: Options) -> _Stream:
    pattern = read_pattern(options, "pattern", "*")
    return _Stream(
        name=options.text("name", pattern),
        pattern=pattern,
        equipment=options.text("equipment", ""),
        channel=options.text("channel", ""),
        author=options.text("author", ""),
    )


def _check_model() -> None:
    try:
        check_installed()
    except MissingExtra as error:
        raise SourceRefused(error.message) from error


def _caption(beside: bytes) -> str:
    for charset in ("utf-8-sig", "cp1252"):
        try:
            return beside.decode(charset).replace("\x00", "").strip()[:_LONGEST_CAPTION]
        except UnicodeDecodeError:
            continue
    return beside.decode("utf-8", "replace").strip()[:_LONGEST_CAPTION]


def _opened(content: bytes) -> tuple[dict[str, Json], bytes]:
    told = read_json(content.decode())
    if not isinstance(told, dict) or not isinstance(told.get("picture"), str):
        raise UnreadableMessage("the message holds no picture")
    try:
        return told, base64.b64decode(str(told["picture"]), validate=True)
    except binascii.Error as error:
        raise UnreadableMessage("the message holds no picture") from error


def _joined(recognised: Sequence[Sequence[Json]]) -> str:
    return " / ".join(str(each[0]) for each in recognised if each)
