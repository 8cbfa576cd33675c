"""The forms that open in Slack: a text, and what was read out of it with the words that each value comes from."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lineside.agent.captured import SEVERAL, CaptureKind, Field, Inferred, Proposed
from lineside.errors import BadRequest
from lineside.plant.records import Json
from lineside.serve.pieces import pieces
from lineside.serve.slack.mrkdwn import clipped, escape
from lineside.serve.slack.surface import KEEP_VIEW, KIND_ACTION, WRITTEN_VIEW
from lineside.serve.slack.wording import Language, field_name, kind_name, say

LONGEST_PRIVATE = 3000
LONGEST_INPUT = 3000
_LONGEST_CONTEXT = 2000
_LONGEST_OPTION, _LONGEST_VALUE, _LONGEST_HINT = 75, 150, 150
_MOST_TEXT = 1_000_000  # a text that was packed tightly on purpose is not unpacked for ever
WORDS_ONLY = "text"
_LEAVE_OUT = "-"
_VALUE = "value"
_ALWAYS = (Field.WHAT, Field.EQUIPMENT, Field.THING, Field.BEGAN, Field.CAUSE, Field.ACTION)
_DECIDING = (Field.CHOICE, Field.DECIDED_BY, Field.RATIONALE, Field.HOLDS_UNTIL)
_OUTCOMING = (Field.OUTCOME,)
_LONG = frozenset((Field.WHAT, Field.CAUSE, Field.ACTION, Field.CHOICE, Field.RATIONALE, Field.OUTCOME))

View = dict[str, Any]  # Slack's JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a form is about; it travels in the form. capture: under which id it is kept. at: when it was written.

    message, link, by: the message that is saved; empty where a new text is written. record: what the text is already.
    read_by: the source that brings the message by itself. channel, respond: where the answer goes, seen by nobody else.
    """

    text: str
    at: datetime
    capture: str
    message: str = ""
    link: str = ""
    by: str = ""
    record: str = ""
    read_by: str = ""
    channel: str = ""
    respond: str = ""

    def packed(self) -> str:
        """As it travels. Raises BadRequest where it is too long for Slack."""
        said = json.dumps(asdict(self) | {"at": self.at.isoformat()}, ensure_ascii=False)
        packed = base64.b64encode(zlib.compress(said.encode(), 9)).decode()
        if len(packed) > LONGEST_PRIVATE:
            raise BadRequest(f"the text has {len(self.text)} characters, too many for a form in Slack")
        return packed

    @classmethod
    def unpacked(cls, packed: str) -> Draft:
        """Raises BadRequest on what we did not pack."""
        try:
            whole = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), _MOST_TEXT)
            said = json.loads(whole)
            return cls(**(said | {"at": datetime.fromisoformat(said["at"])}))
        except (binascii.Error, zlib.error, ValueError, TypeError, KeyError) as error:
            raise BadRequest("this form is not one of ours") from error


def told(language: Language, text: str, *, title: str = "app") -> View:
    """A form that only says something, in markup that is escaped."""
    return {
        "type": "modal",
        "title": _plain(say(language, title)),
        "close": _plain(say(language, "close")),
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": clipped(text, LONGEST_INPUT)}}],
    }


def writing(language: Language, text: str = "") -> View:
    """The form for a new text."""
    field: dict[str, Json] = {"type": "plain_text_input", "action_id": _VALUE, "multiline": True}
    field |= {"max_length": LONGEST_INPUT, "focus_on_load": True}
    if text:
        field["initial_value"] = text[:LONGEST_INPUT]
    return {
        "type": "modal",
        "callback_id": WRITTEN_VIEW,
        "title": _plain(say(language, "write_title")),
        "submit": _plain(say(language, "next")),
        "close": _plain(say(language, "cancel")),
        "blocks": [
            {
                "type": "input",
                "block_id": "text",
                "label": _plain(say(language, "write_label")),
                "hint": _plain(say(language, "write_hint")),
                "element": field,
            }
        ],
    }


def written(view: Mapping[str, Any]) -> str:
    """The text in the form for a new one."""
    return str(_state(view).get("text", {}).get(_VALUE, {}).get("value") or "")


def proposing(
    language: Language, found: Proposed, draft: Draft, *, by: str, at: str, site: str, kind: str = ""
) -> View:
    """What was read out of the text, each value with its words, each to be corrected or left out.

    by, at: by whom and when it was written, for people. kind: what it is shown as; as proposed without it."""
    kinds = kinds_of(draft)
    chosen = next((each for each in (kind, str(found.kind)) if each in kinds), kinds[0])
    blocks: list[dict[str, Any]] = [_marked(found)]
    said = [say(language, "said_by", by=escape(by), at=at, site=escape(site))]
    if draft.record:
        said.append(say(language, "of_record"))
    elif draft.read_by:
        said.append(say(language, "of_channel", source=escape(draft.read_by)))
    blocks += [_context(each) for each in said]
    blocks.append(_kind(language, kinds, chosen))
    if chosen != WORDS_ONLY:
        blocks.append(_context(say(language, "inferred")))
        blocks += _inputs(language, found, CaptureKind(chosen))
        if unknown := list(_unknown(language, found)):
            blocks.append(_context(say(language, "unknown", words=escape(", ".join(unknown)))))
    return {
        "type": "modal",
        "callback_id": KEEP_VIEW,
        "private_metadata": draft.packed(),
        "title": _plain(say(language, "keep_title")),
        "submit": _plain(say(language, "keep")),
        "close": _plain(say(language, "cancel")),
        "blocks": blocks,
    }


def kinds_of(draft: Draft) -> list[str]:
    """What it can be kept as. What is a record, or becomes one by itself, is not kept as a note once more."""
    if draft.record:
        return [str(CaptureKind.DECISION)]
    if draft.read_by:
        return [str(CaptureKind.DECISION), str(CaptureKind.OUTCOME)]
    return [*(str(each) for each in CaptureKind), WORDS_ONLY]


def confirmed(view: Mapping[str, Any]) -> tuple[str, list[tuple[Field, str]]]:
    """What the person made of a proposal: its kind, and the values as they stand now."""
    state = _state(view)
    kind = str((state.get("kind", {}).get(KIND_ACTION, {}).get("selected_option") or {}).get("value") or "")
    fields = []
    for block, actions in state.items():
        if not block.startswith("field."):
            continue
        given = actions.get(_VALUE, {})
        value = given.get("value") or (given.get("selected_option") or {}).get("value") or ""
        name = block.split(".")[1]
        if name in set(Field) and value.strip() and value != _LEAVE_OUT:
            fields.append((Field(name), str(value).strip()))
    return kind, fields


def block_of(view: Mapping[str, Any], field: str) -> str:
    """The block that an error about the field belongs to: its first input, else the kind."""
    return next((each for each in _state(view) if each.startswith(f"field.{field}.")), "kind")


def _state(view: Mapping[str, Any]) -> Mapping[str, Any]:
    values: Mapping[str, Any] = view.get("state", {}).get("values", {})
    return values


def _marked(found: Proposed) -> dict[str, Any]:
    """The text, the words that were read as something in bold. Rich text is literal: nothing in it is markup."""
    elements = [
        {"type": "text", "text": piece, **({"style": {"bold": True}} if meant else {})}
        for piece, meant in pieces(found)
        if piece
    ]
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": elements}]}


def _kind(language: Language, kinds: Sequence[str], chosen: str) -> dict[str, Any]:
    options = [
        _option(say(language, WORDS_ONLY) if each == WORDS_ONLY else kind_name(language, CaptureKind(each)), each)
        for each in kinds
    ]
    initial = next(each for each in options if each["value"] == chosen)
    element = {"type": "static_select", "action_id": KIND_ACTION, "options": options, "initial_option": initial}
    label = _plain(say(language, "kind"))
    return {"type": "input", "block_id": "kind", "dispatch_action": True, "label": label, "element": element}


def _inputs(language: Language, found: Proposed, kind: CaptureKind) -> Iterator[dict[str, Any]]:
    """One for each value read out of the text, and an empty one for what it might have told and does not."""
    wanted = [*_ALWAYS]
    if kind is CaptureKind.DECISION:
        wanted = [*_DECIDING, *wanted]
    if kind is CaptureKind.OUTCOME:
        wanted = [*_OUTCOMING, *wanted]
        yield from _decisions(language, found)
    for field in Field:
        values = [each for each in found.fields if each.field is field]
        for place, each in enumerate(values):
            yield _inferred(language, found, each, place)
        if not values and field in wanted:
            yield _input(language, field, 0, _text(field))


def _inferred(language: Language, found: Proposed, each: Inferred, place: int) -> dict[str, Any]:
    words = clipped(found.text[each.start : each.end], _LONGEST_HINT)
    second = place > 0 and each.field not in SEVERAL
    if each.value is not None and not second:
        element = _text(each.field, each.value)
        return _input(language, each.field, place, element, hint=say(language, "from_words", words=words))
    readings = [(one.shown, one.value) for one in each.readings if len(one.value) <= _LONGEST_VALUE]
    hint = say(language, "second" if second else "several", words=words)
    return _input(language, each.field, place, _choice(language, readings), hint=hint)


def _decisions(language: Language, found: Proposed) -> Iterator[dict[str, Any]]:
    if found.of:
        alone = found.of[0].value if len(found.of) == 1 else None
        element = _choice(language, [(one.shown, one.value) for one in found.of], chosen=alone)
        yield _input(language, Field.OF, 0, element)


def _input(language: Language, field: Field, place: int, element: dict[str, Any], *, hint: str = "") -> dict[str, Any]:
    block = {
        "type": "input",
        "block_id": f"field.{field}.{place}",
        "optional": True,
        "label": _plain(field_name(language, field)),
        "element": element,
    }
    return block | ({"hint": _plain(hint)} if hint else {})


def _text(field: Field, value: str = "") -> dict[str, Any]:
    element: dict[str, Any] = {"type": "plain_text_input", "action_id": _VALUE, "max_length": LONGEST_INPUT}
    if value:
        element["initial_value"] = value[:LONGEST_INPUT]
    if field in _LONG and len(value) > _LONGEST_OPTION:
        element["multiline"] = True
    return element


def _choice(language: Language, readings: Sequence[tuple[str, str]], *, chosen: str | None = None) -> dict[str, Any]:
    """Nothing is chosen for the person where the words leave a choice."""
    options = [_option(say(language, "leave_out"), _LEAVE_OUT), *(_option(shown, value) for shown, value in readings)]
    initial = next((each for each in options if each["value"] == chosen), options[0])
    return {"type": "static_select", "action_id": _VALUE, "options": options, "initial_option": initial}


def _option(text: str, value: str) -> dict[str, Any]:
    return {"text": _plain(clipped(text, _LONGEST_OPTION)), "value": value}


def _unknown(language: Language, found: Proposed) -> Iterator[str]:
    for each in found.unknown:
        nearest = ", ".join(each.nearest)
        yield say(language, "near", words=each.words, nearest=nearest) if nearest else each.words


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": clipped(text, _LONGEST_CONTEXT)}]}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
