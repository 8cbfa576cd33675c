"""What a picture says of itself: its size, when and by whom it was taken, what was written into it. Pure.

Pillow is imported where it is used.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineside.errors import UnreadableMessage

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 100_000_000
_FORMATS = ("JPEG", "PNG")  # a JPEG with a second view, as phones write it, is opened as MPO
_IMAGE_DESCRIPTION, _ARTIST, _EXIF = 0x010E, 0x013B, 0x8769
_TAKEN, _OFFSET, _USER_COMMENT = 0x9003, 0x9011, 0x9286


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """taken: as Exif writes it, with its offset where it has one; empty where it says nothing."""

    format: str
    width: int
    height: int
    taken: str = ""
    author: str = ""
    description: str = ""


def look_at(content: bytes) -> Picture:
    """The picture, decoded to its end. Raises UnreadableMessage for what is no whole JPEG or PNG."""
    image = opened(content)
    exif = image.getexif()
    inner = exif.get_ifd(_EXIF)
    taken, offset = _text(inner.get(_TAKEN)), _text(inner.get(_OFFSET))
    return Picture(
        format="JPEG" if image.format == "MPO" else str(image.format),
        width=image.width,
        height=image.height,
        taken=_iso(taken) + offset if taken else "",
        author=_text(exif.get(_ARTIST)),
        description=_text(exif.get(_IMAGE_DESCRIPTION)) or _comment(inner.get(_USER_COMMENT)),
    )


def opened(content: bytes) -> Image.Image:
    """The picture as Pillow holds it, decoded. Raises UnreadableMessage."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise UnreadableMessage(f"the picture has {image.width} x {image.height} points, more than {MOST_PIXELS}")
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableMessage(f"the picture has too many points: {error}") from error
    except UnidentifiedImageError as error:
        raise UnreadableMessage("it is neither JPEG nor PNG; set the camera to JPEG") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's readers raise for broken files
        raise UnreadableMessage(f"the picture is broken: {error}") from error
    return image


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return "" if value is None else str(value).replace("\x00", "").strip()


def _comment(value: object) -> str:
    """Exif's user comment: eight bytes name its charset."""
    if not isinstance(value, bytes):
        return _text(value)
    if value.startswith(b"UNICODE\x00"):
        body = value[8:]
        return _text(body.decode("utf-16-le" if body[1:2] == b"\x00" else "utf-16-be", "replace"))
    return _text(value[8:] if value[:8] in {b"ASCII\x00\x00\x00", bytes(8)} else value)


def _iso(taken: str) -> str:
    """Exif writes 2026:05:04 14:20:00."""
    date, _, time = taken.partition(" ")
    return f"{date.replace(':', '-')}T{time}"
