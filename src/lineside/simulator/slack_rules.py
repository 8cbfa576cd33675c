"""What Slack refuses in blocks and forms, by where they are shown: its documented limits, also those that no library
checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Block = Mapping[str, Any]  # Slack's JSON

MOST_BLOCKS = {"message": 50, "modal": 100}
_COMMON = frozenset({"type", "block_id"})
_BLOCKS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # required keys, allowed keys
    "section": (frozenset(), frozenset({"text", "fields", "accessory", "expand"})),
    "context": (frozenset({"elements"}), frozenset({"elements"})),
    "header": (frozenset({"text"}), frozenset({"text"})),
    "divider": (frozenset(), frozenset()),
    "actions": (frozenset({"elements"}), frozenset({"elements"})),
    "input": (frozenset({"label", "element"}), frozenset({"label", "element", "hint", "optional", "dispatch_action"})),
    "rich_text": (frozenset({"elements"}), frozenset({"elements"})),
}
_ELEMENTS: Mapping[str, frozenset[str]] = {
    "button": frozenset({"text", "value", "style", "url", "confirm", "accessibility_label"}),
    "static_select": frozenset({"options", "initial_option", "placeholder", "focus_on_load", "confirm"}),
    "plain_text_input": frozenset(
        {"initial_value", "multiline", "min_length", "max_length", "placeholder", "focus_on_load"}
    ),
}
_RICH = frozenset({"rich_text_section", "rich_text_quote", "rich_text_preformatted", "rich_text_list"})
_VIEW = frozenset({
    "type", "title", "submit", "close", "blocks", "private_metadata", "callback_id", "clear_on_close",
    "notify_on_close", "external_id",
})  # fmt: skip


def view_faults(view: Block) -> list[str]:
    """What is wrong with a form; nothing where Slack opens it."""
    found = [f"unknown key {key}" for key in sorted(set(view) - _VIEW)]
    if view.get("type") != "modal":
        return [*found, f"type {view.get('type')!r} is no form"]
    for key in ("title", "submit", "close"):
        if key == "title" or key in view:
            found += _text(view.get(key), key, longest=24, kinds=("plain_text",))
    if len(str(view.get("private_metadata") or "")) > 3000:
        found.append("private_metadata is longer than 3000")
    if len(str(view.get("callback_id") or "")) > 255:
        found.append("callback_id is longer than 255")
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not blocks:
        return [*found, "a form needs blocks"]
    if any(each.get("type") == "input" for each in blocks) and "submit" not in view:
        found.append("a form with inputs needs submit")
    return [*found, *block_faults(blocks, surface="modal")]


def block_faults(blocks: Iterable[Block], *, surface: str) -> list[str]:
    """What is wrong with blocks in a `message` or a `modal`."""
    listed = list(blocks)
    found = [] if len(listed) <= MOST_BLOCKS[surface] else [f"{len(listed)} blocks in a {surface}"]
    ids = [each["block_id"] for each in listed if each.get("block_id")]
    found += [f"block_id {each!r} twice" for each in sorted({one for one in ids if ids.count(one) > 1})]
    for place, each in enumerate(listed):
        found += [f"blocks[{place}]: {fault}" for fault in _block(each)]
    return found


def _block(block: Block) -> Iterator[str]:
    kind = str(block.get("type"))
    if kind not in _BLOCKS:
        yield f"there is no block {kind!r}"
        return
    required, allowed = _BLOCKS[kind]
    yield from (f"{kind} lacks {key}" for key in sorted(required - set(block)))
    yield from (f"{kind} has no {key}" for key in sorted(set(block) - allowed - _COMMON))
    if len(str(block.get("block_id") or "")) > 255:
        yield "block_id is longer than 255"
    match kind:
        case "section":
            yield from _section(block)
        case "context":
            yield from _context(block.get("elements"))
        case "header":
            yield from _text(block.get("text"), "header", longest=150, kinds=("plain_text",))
        case "actions":
            yield from _actions(block.get("elements"))
        case "input":
            yield from _text(block.get("label"), "label", longest=2000, kinds=("plain_text",))
            if "hint" in block:
                yield from _text(block["hint"], "hint", longest=2000, kinds=("plain_text",))
            yield from _element(block.get("element"), allowed=("plain_text_input", "static_select"))
        case "rich_text":
            yield from _rich(block.get("elements"))


def _section(block: Block) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "a section needs text or fields"
    if "text" in block:
        yield from _text(block["text"], "text", longest=3000)
    fields = block.get("fields", [])
    if len(fields) > 10:
        yield f"{len(fields)} fields"
    for each in fields:
        yield from _text(each, "field", longest=2000)
    if "accessory" in block:
        yield from _element(block["accessory"], allowed=("button", "static_select"))


def _context(elements: Any) -> Iterator[str]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        yield "context takes 1 to 10 elements"
        return
    for each in elements:
        if each.get("type") == "image":
            continue
        yield from _text(each, "context", longest=3000)


def _actions(elements: Any) -> Iterator[str]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
        yield "actions takes 1 to 25 elements"
        return
    ids = [each.get("action_id") for each in elements if each.get("action_id")]
    if len(ids) != len(set(ids)):
        yield "an action_id twice"
    for each in elements:
        yield from _element(each, allowed=("button", "static_select"))


def _element(element: Any, *, allowed: tuple[str, ...]) -> Iterator[str]:
    kind = element.get("type") if isinstance(element, Mapping) else None
    if kind not in allowed:
        yield f"{kind!r} can't stand here"
        return
    yield from (f"{kind} has no {key}" for key in sorted(set(element) - _ELEMENTS[kind] - {"type", "action_id"}))
    if len(str(element.get("action_id") or "")) > 255:
        yield "action_id is longer than 255"
    if "placeholder" in element:
        yield from _text(element["placeholder"], "placeholder", longest=150, kinds=("plain_text",))
    match kind:
        case "button":
            yield from _text(element.get("text"), "button", longest=75, kinds=("plain_text",))
            if len(str(element.get("value") or "")) > 2000:
                yield "a button's value is longer than 2000"
            if element.get("style") not in (None, "primary", "danger"):
                yield f"style {element.get('style')!r}"
        case "static_select":
            yield from _select(element)
        case "plain_text_input":
            longest = element.get("max_length", 3000)
            if not 1 <= longest <= 3000:
                yield f"max_length {longest}"
            if len(str(element.get("initial_value") or "")) > longest:
                yield "initial_value is longer than max_length"


def _select(element: Block) -> Iterator[str]:
    options = element.get("options")
    if not isinstance(options, list) or not 1 <= len(options) <= 100:
        yield "a select takes 1 to 100 options"
        return
    for each in options:
        yield from _text(each.get("text"), "option", longest=75, kinds=("plain_text",))
        if not 1 <= len(str(each.get("value") or "")) <= 150:
            yield "an option's value takes 1 to 150 characters"
    values = [each.get("value") for each in options]
    if len(values) != len(set(values)):
        yield "two options of one value"
    if "initial_option" in element and element["initial_option"] not in options:
        yield "initial_option is none of the options"


def _rich(elements: Any) -> Iterator[str]:
    if not isinstance(elements, list) or not elements:
        yield "rich_text needs elements"
        return
    for each in elements:
        if each.get("type") not in _RICH:
            yield f"{each.get('type')!r} can't stand in rich_text"
        for piece in each.get("elements", []):
            if piece.get("type") == "text" and not piece.get("text"):
                yield "an empty text in rich_text"


def _text(
    value: Any, where: str, *, longest: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")
) -> Iterator[str]:  # fmt: skip
    if not isinstance(value, Mapping) or value.get("type") not in kinds:
        yield f"{where} takes {' or '.join(kinds)}"
        return
    text = value.get("text")
    if not isinstance(text, str) or not 1 <= len(text) <= longest:
        yield f"{where} takes 1 to {longest} characters"
    yield from (
        f"{where} has no {key}" for key in sorted(set(value) - {"type", "text", "emoji", "verbatim"})
    )  # fmt: skip
