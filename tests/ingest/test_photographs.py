"""Photographs: what a person wrote, what a program read, and pictures that want to do harm."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image, ImageDraw, ImageFont

from lineside.errors import UnreadableMessage
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.plant.records import Note, Quality
from lineside_ingest.photographs import Photographs

from .reading import NOW, drain

BERLIN = ZoneInfo("Europe/Berlin")


def picture(
    text: str = "", *, form: str = "JPEG", exif: dict[int, Any] | None = None, inner: dict[int, Any] | None = None
) -> bytes:
    image = Image.new("RGB", (700, 200), "white")
    ImageDraw.Draw(image).text((30, 60), text, fill="black", font=ImageFont.load_default(44))
    tags = image.getexif()
    tags.update(exif or {})
    tags.get_ifd(0x8769).update(inner or {})
    out = io.BytesIO()
    image.save(out, form, exif=tags)
    return out.getvalue()


def put(path: Path, content: bytes, *, at: float = 1_777_500_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))


def connector(folder: Path, **more: Any) -> Photographs:
    options = {"path": str(folder), "settle_s": 0.01, **more}
    return Photographs("boards", options, time_zone=BERLIN, clock=lambda: NOW)


async def notes(folder: Path, **more: Any) -> list[Note]:
    own = connector(folder, **more)
    found = [record for message in (await drain(own)).messages for record in own.translate(message)]
    assert all(isinstance(each, Note) for each in found)
    return found


async def test_a_caption_beside_the_picture_is_the_note(tmp_path: Path) -> None:
    put(tmp_path / "line-3/board.jpg", picture(exif={0x013B: "Ana"}))
    put(tmp_path / "line-3/board.txt", "Förderband läuft wieder".encode())
    streams = [{"pattern": "line-3/*", "equipment": "northfield/packing/line-3"}]
    [note] = await notes(tmp_path, streams=streams)

    assert (note.text, note.author, note.channel) == ("Förderband läuft wieder", "Ana", "line-3")
    assert note.equipment == "northfield/packing/line-3"
    assert note.provenance.quality is Quality.GOOD
    assert note.provenance.occurred_at == datetime.fromtimestamp(1_777_500_000, UTC)
    assert note.attributes["picture"] == {"format": "JPEG", "width": 700, "height": 200}


@pytest.mark.parametrize(
    ("inner", "expected", "quality"),
    [
        ({0x9003: "2026:05:03 14:20:00", 0x9011: "-05:00"}, datetime(2026, 5, 3, 19, 20, tzinfo=UTC), Quality.GOOD),
        ({0x9003: "2026:05:03 14:20:00"}, datetime(2026, 5, 3, 12, 20, tzinfo=UTC), Quality.GOOD),
        ({0x9003: "2025:10:26 02:30:00"}, datetime(2025, 10, 26, 0, 30, tzinfo=UTC), Quality.UNCERTAIN),
        ({0x9003: "0000:00:00 00:00:00"}, datetime.fromtimestamp(1_777_500_000, UTC), Quality.UNCERTAIN),
        ({0x9003: "2031:01:01 00:00:00", 0x9011: "+00:00"}, datetime(2031, 1, 1, tzinfo=UTC), Quality.UNCERTAIN),
    ],
)
async def test_it_occurred_when_the_camera_says(
    tmp_path: Path, inner: dict[int, Any], expected: datetime, quality: Quality
) -> None:
    put(tmp_path / "a.jpg", picture(inner=inner))
    [note] = await notes(tmp_path)
    assert (note.provenance.occurred_at, note.provenance.quality) == (expected, quality)


@pytest.mark.parametrize(
    ("exif", "inner"),
    [
        ({0x010E: "Lot L-77 on hold"}, {}),
        ({}, {0x9286: b"ASCII\x00\x00\x00Lot L-77 on hold"}),
        ({}, {0x9286: b"UNICODE\x00" + "Lot L-77 on hold".encode("utf-16-le")}),
    ],
)
async def test_what_was_written_into_the_picture_is_the_note(
    tmp_path: Path, exif: dict[int, Any], inner: dict[int, Any]
) -> None:
    put(tmp_path / "a.jpg", picture(exif=exif, inner=inner))
    [note] = await notes(tmp_path)
    assert note.text == "Lot L-77 on hold"


async def test_without_recognition_the_note_says_so(tmp_path: Path) -> None:
    put(tmp_path / "a.png", picture("Press 4", form="PNG"))
    [note] = await notes(tmp_path)
    assert note.text == "A photograph; its text was not recognised"
    assert note.attributes["text_from"] == "none"


async def test_recognised_text_is_a_note_of_its_own_that_nobody_takes_for_a_persons(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr", reason="lineside[ocr] is not installed")
    put(tmp_path / "a.jpg", picture("Press 4 stopped 14:20", exif={0x013B: "Ana"}))
    put(tmp_path / "a.txt", b"Seal leaks")
    said, read = await notes(tmp_path, recognise=True)

    assert (said.text, said.author, said.provenance.quality) == ("Seal leaks", "Ana", Quality.GOOD)
    assert "Press 4 stopped 14:20" in read.text
    assert read.text.startswith("Recognised in a photograph by a program")
    assert (read.author, read.provenance.quality) == (None, Quality.UNCERTAIN)
    [[text, sure]] = read.attributes["recognised"]  # type: ignore[misc]
    assert text == "Press 4 stopped 14:20"
    assert 0.8 < sure <= 1


async def test_a_picture_without_text_says_that_none_was_recognised(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr", reason="lineside[ocr] is not installed")
    put(tmp_path / "a.jpg", picture())
    put(tmp_path / "b.jpg", b"no picture")
    own = connector(tmp_path, recognise=True)
    first, second = (await drain(own)).messages
    assert [each.text for each in own.translate(first)] == ["A photograph; no text was recognised in it"]  # type: ignore[union-attr]
    with pytest.raises(UnreadableMessage):
        own.translate(second)


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it is 60,000 points wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bomb(), "points"),
        (picture("a")[:-2000], "broken"),
        (picture("a", form="PNG")[:400], "broken"),
        (b"MZ\x90\x00 a program", "neither JPEG nor PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither JPEG nor PNG"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "neither JPEG nor PNG"),
    ],
    ids=["bomb", "cut off", "cut off PNG", "program", "SVG", "HEIC"],
)
async def test_what_is_no_whole_picture_is_a_dead_letter(tmp_path: Path, content: bytes, reason: str) -> None:
    put(tmp_path / "a.jpg", content)
    own = connector(tmp_path)
    [message] = (await drain(own)).messages
    with pytest.raises(UnreadableMessage, match=reason):
        own.translate(message)


async def test_the_picture_is_kept_as_it_was(tmp_path: Path) -> None:
    import base64
    import json

    content = picture("kept")
    put(tmp_path / "a.jpg", content)
    [message] = (await drain(connector(tmp_path))).messages
    assert base64.b64decode(json.loads(message.content)["picture"]) == content


async def test_the_same_picture_under_another_name_is_known(tmp_path: Path, remembered: Callable[..., Memory]) -> None:
    memory = remembered(now="2027-01-01T00:00:00Z")
    put(tmp_path / "a.jpg", picture("a"))
    await catch_up(memory, connector(tmp_path))
    put(tmp_path / "b.jpg", picture("a"), at=1_777_600_000)
    outcome = await catch_up(memory, connector(tmp_path))
    assert (outcome.recorded, outcome.known) == (0, 1)
