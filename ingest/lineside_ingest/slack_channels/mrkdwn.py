"""Slack's markup and blocks as text that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lineside.plant.records import Json

_TOKEN = re.compile(r"<([^\s<>][^<>\n]{0,4000})>")
_MENTION = re.compile(r"<([@#])([A-Z][A-Z0-9]+)(?:\|[^<>\n]*)?>")
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_ASIDE = re.compile(r"\0(\d+)\0")
# Only around whole words, as Slack reads it: LOT_77_A and 5*3*2 are no emphasis. A strike stays: what is struck through
# is not meant any more.
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=\S)([^*_\n]*?\S|[^*_\n])\1(?![\w*])")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))  # Slack writes no others; & comes last
_DEEPEST = 8
_TEXTS = ("text", "name", "fallback", "alt_text", "title")


def readable(written: str, names: Mapping[str, str]) -> str:
    """The text without markup: mentions and links in words, entities as characters, code as it is, emoji as `:name:`.

    names: of users, channels and groups by id; one without a name stays its id.
    """
    aside: list[str] = []

    def put_aside(text: str) -> str:
        aside.append(text)
        return f"\0{len(aside) - 1}\0"

    def code(found: re.Match[str]) -> str:
        bare = found[0][3:-3].strip("\n") if found[0].startswith("```") else found[0][1:-1]
        return put_aside(_TOKEN.sub(lambda inner: _said(inner[1], names), bare))

    text = _CODE.sub(code, written.replace("\0", ""))
    text = _TOKEN.sub(lambda found: put_aside(_said(found[1], names)), text)
    text = _EMPHASIS.sub(r"\2", text)
    text = _ASIDE.sub(lambda found: aside[int(found[1])], _ASIDE.sub(lambda found: aside[int(found[1])], text))
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text.strip()


def mentioned(written: str) -> Iterator[str]:
    """The ids of the users and channels that the text mentions."""
    return (found[2] for found in _MENTION.finditer(written))


def blocks_text(blocks: Json, *, tables_only: bool = False) -> str:
    """What blocks say, in markup; of a message whose text says the rest, only their tables."""
    lines: list[str] = []
    for block in _objects(blocks):
        if block.get("type") in {"table", "data_table"}:
            lines += _rows(block.get("rows"))
        elif not tables_only:
            lines.append(_block(block, 0))
    return "\n".join(line for line in lines if line)


def _said(token: str, names: Mapping[str, str]) -> str:
    """What stands between < and >."""
    target, _, label = token.partition("|")
    if target.startswith(("@", "#")):
        name = names.get(target[1:]) or label.lstrip("@#") or target[1:]
        return target[0] + name
    if target.startswith("!"):
        word = target[1:].partition("^")[0]
        return label or (f"@{word}" if word in {"here", "channel", "everyone"} else target[1:])
    address = target.removeprefix("mailto:").removeprefix("tel:")
    return address if not label or label in (address, address.partition("://")[2]) else f"{label} ({address})"


def _objects(value: Json) -> Iterable[Mapping[str, Json]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _rows(rows: Json) -> Iterator[str]:
    for row in rows if isinstance(rows, list) else ():
        cells = row.get("cells") if isinstance(row, dict) else row
        yield " | ".join(_block(cell, 0).strip() for cell in _objects(cells))


def _block(block: Mapping[str, Json], depth: int) -> str:
    """A block or an element of one."""
    if depth > _DEEPEST:
        return ""
    kind = str(block.get("type") or "")
    match kind:
        case "user":
            return f"<@{block.get('user_id')}>"
        case "channel":
            return f"<#{block.get('channel_id')}>"
        case "usergroup":
            return f"<!subteam^{block.get('usergroup_id')}>"
        case "broadcast":
            return f"<!{block.get('range')}>"
        case "emoji":
            return f":{block.get('name')}:"
        case "link":
            label = block.get("text")
            return f"<{block.get('url')}|{_escaped(label)}>" if isinstance(label, str) else f"<{block.get('url')}>"
        case "text":  # in rich text it is literal, so it is escaped as Slack would have done
            return _escaped(str(block.get("text") or ""))
        case "actions" | "input" | "divider" | "button":
            return ""
    return _nested(block, kind, depth)


def _nested(block: Mapping[str, Json], kind: str, depth: int) -> str:
    own = []
    for name in _TEXTS:
        value = block.get(name)
        if isinstance(value, dict):
            own.append(_block({**value, "type": ""}, depth + 1))
        elif isinstance(value, str) and not own:
            own.append(value)
    elements = [_block(each, depth + 1) for each in _objects(block.get("elements"))]
    fields = [_block({**each, "type": ""}, depth + 1) for each in _objects(block.get("fields"))]
    between = "" if kind in {"rich_text_section", "rich_text_preformatted", "rich_text_quote"} else "\n"
    if kind == "context":
        between = " "
    if kind == "rich_text_list":
        elements = [f"• {each}" for each in elements]
    if kind == "rich_text_preformatted":
        elements = ["```", *elements, "```"]
    return "\n".join(each for each in (*own, between.join(each for each in elements if each), *fields) if each)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
