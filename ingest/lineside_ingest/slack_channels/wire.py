"""What Slack sends, read as JSON: half an emoji where a text was cut off, or a NUL, spoils one letter and no page."""

from __future__ import annotations

import re

from lineside.plant.exact_json import read_json
from lineside.plant.records import Json

# Every escape is taken whole, so that a backslash of the text itself is not taken for the beginning of one.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<bad>\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def read(content: bytes) -> Json:
    """The JSON value in the content. Raises ValueError with a reason for people."""
    text = content.decode("utf-8-sig")
    try:
        return read_json(text)
    except ValueError:
        mended = _ESCAPE.sub(lambda found: r"\ufffd" if found["bad"] else found[0], text)
        if mended == text:
            raise
        return read_json(mended)
