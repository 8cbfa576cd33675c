"""Slack's markup: what people wrote in it as plain words, and plain words so that Slack takes nothing in them for a
command, a mention or a link."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

LONGEST_SECTION = 3000
MOST_BLOCKS = 50
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))  # Slack writes no others; & comes last
_TOKEN = re.compile(r"<([^\s<>][^<>\n]{0,4000})>")
_SPLIT_ENTITY = re.compile(r"&[a-z]{0,3}$")


def escape(text: str) -> str:
    """The text, of which Slack makes nothing: no mention, no link, no command."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(written: str, named: Callable[[str], str | None]) -> str:
    """What a person wrote as they see it: mentions by name, links as their words and address.

    named: the name of a user of that id, if one is known.
    """
    text = _TOKEN.sub(lambda found: _said(found[1], named), written)
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text.strip()


def sections(text: str) -> Iterator[dict[str, object]]:
    """Escaped markup as section blocks, split between lines where that is possible. Slack makes no links and mentions
    of its own in them."""
    for part in _parts(text):
        yield {"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}}


def clipped(text: str, longest: int) -> str:
    """At most that long, with a mark where something is left out."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _parts(text: str) -> Iterator[str]:
    part = ""
    for line in text.split("\n"):
        for piece in _pieces(line):
            if part and len(part) + 1 + len(piece) > LONGEST_SECTION:
                if part.strip():
                    yield part
                part = piece
            else:
                part = f"{part}\n{piece}" if part else piece
    if part.strip():
        yield part


def _pieces(line: str) -> Iterator[str]:
    """A line that is too long, cut, but never within an entity."""
    while len(line) > LONGEST_SECTION:
        cut = LONGEST_SECTION
        if broken := _SPLIT_ENTITY.search(line, cut - 4, cut):
            cut = broken.start()
        yield line[:cut]
        line = line[cut:]
    yield line


def _said(token: str, named: Callable[[str], str | None]) -> str:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return f"@{named(target[1:]) or label.lstrip('@') or target[1:]}"
    if target.startswith("#"):
        return f"#{label.lstrip('#') or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    address = target.removeprefix("mailto:").removeprefix("tel:")
    return address if not label or label in (address, address.partition("://")[2]) else f"{label} ({address})"
