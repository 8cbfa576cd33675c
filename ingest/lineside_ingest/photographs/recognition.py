"""Printed text found in a picture, with how sure the model is. RapidOCR brings its models; nothing is fetched."""

from __future__ import annotations

from functools import cache
from typing import Any

from lineside.errors import MissingExtra, UnreadableMessage
from lineside_ingest.photographs.pictures import opened

_LARGEST_SIDE = 2000
_UNSURE = 0.5


def recognise(content: bytes) -> list[tuple[str, float]]:
    """Each line of text, from top to bottom, with a confidence of 0 to 1; none of a picture that can't be read."""
    try:
        image = opened(content)
    except UnreadableMessage:
        return []  # translate says what is wrong with it
    image = image.convert("RGB")
    image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    found = _model()(image)
    lines = zip(found.txts or (), found.scores or (), strict=True)
    return [(text, round(float(score), 3)) for text, score in lines if score >= _UNSURE]


def check_installed() -> None:
    """Nothing where the model can be loaded. Raises MissingExtra."""
    _model()


@cache
def _model() -> Any:  # the driver's own type, imported late
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise MissingExtra("recognise needs lineside[ocr]: pip install 'lineside[ocr]'", extra="ocr") from error
    return RapidOCR(params={"Global.log_level": "critical"})
