"""One Slack message: its id and version, and the note in it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lineside.connector import Aside, SourceMessage, Translated, Unreadable
from lineside.errors import UnreadableMessage
from lineside.plant.exact_json import read_json
from lineside.plant.open_format import record_from_data
from lineside.plant.records import Deletion, Json, Provenance
from lineside_ingest.slack_channels.mrkdwn import blocks_text, mentioned, readable

Raw = Mapping[str, Json]
NOISE = (
    "channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "channel_archive",
    "channel_unarchive", "channel_convert_to_private", "channel_convert_to_public", "channel_posting_permissions",
    "group_join", "group_leave", "group_topic", "group_purpose", "group_name", "group_archive", "group_unarchive",
    "bot_add", "bot_remove", "pinned_item", "unpinned_item", "reminder_add", "huddle_thread", "bot_enable",
    "bot_disable", "ekm_access_denied", "app_conversation_join", "sh_room_created", "sh_room_shared",
)  # fmt: skip
_TS = re.compile(r"\d{10}\.\d{6}", re.ASCII)
_LONGEST = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A conversation as Slack has it. name: as people say it, without #."""

    id: str
    name: str
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What becomes a note. ignored: subtypes. bots: names or ids of those whose messages are kept; `*` for all.
    equipment: paths by the channel's name or id."""

    ignored: frozenset[str]
    bots: frozenset[str]
    equipment: Mapping[str, str]


def ts_of(raw: Raw) -> str:
    """When it was written, which is its id within the channel; such texts sort by time. Raises UnreadableMessage."""
    ts = raw.get("ts")
    if not isinstance(ts, str) or not _TS.fullmatch(ts):
        raise UnreadableMessage("it has no ts, Slack's id of a message", field="ts")
    return ts


def at(ts: str) -> datetime:
    """The moment of a ts."""
    return datetime.fromtimestamp(int(ts[:10]), UTC).replace(microsecond=int(ts[11:17]))


def ts_at(moment: datetime) -> str:
    """The ts of a moment."""
    return f"{int(moment.timestamp()):010d}.{moment.microsecond:06d}"


def version_of(raw: Raw) -> str:
    """What differs where somebody edited it; empty for what nobody did."""
    edited = raw.get("edited")
    ts = edited.get("ts") if isinstance(edited, dict) else None
    return ts if isinstance(ts, str) and _TS.fullmatch(ts) else ""


def parent_of(raw: Raw) -> str:
    """The ts of the message that it answers; empty where it answers none."""
    parent = raw.get("thread_ts")
    return parent if isinstance(parent, str) and _TS.fullmatch(parent) and parent != raw.get("ts") else ""


def removed(raw: Raw) -> bool:
    """Whether only its place is left, since others answered it."""
    return raw.get("subtype") == "tombstone"


def ids_in(raw: Raw) -> Iterator[str]:
    """The ids of its writer and of those whom it mentions."""
    if isinstance(raw.get("user"), str):
        yield str(raw["user"])
    yield from mentioned(told(raw))


def unreadable(raw: Json, reason: str, origin: str) -> Unreadable:
    """An item that is no message."""
    content = json.dumps(raw, ensure_ascii=False, sort_keys=True).encode()
    return Unreadable(content=content, reason=reason, origin=origin, content_type="application/json")


def message_of(
    raw: Raw, *, source: str, channel: Channel, names: Mapping[str, str], origin: str, received_at: datetime
) -> SourceMessage:
    """The message in its present version. Raises UnreadableMessage."""
    ts, version = ts_of(raw), version_of(raw)
    said: Json = {"channel": {"id": channel.id, "name": channel.name}, "names": dict(names), "message": dict(raw)}
    return SourceMessage(
        source=source,
        source_id=_id(channel, ts, version),
        content=json.dumps(said, ensure_ascii=False, sort_keys=True).encode(),
        received_at=received_at,
        stream=channel.id,
        key=ts,
        origin=origin,
        occurred_at=min(at(ts), received_at),
        reported_at=min(at(version or ts), received_at),
    )


def replaced(
    ts: str, version: str, *, by: str, source: str, channel: Channel, origin: str, received_at: datetime
) -> SourceMessage:
    """The word that a version stands no longer since `by`; it waits where that version was never seen."""
    old = _id(channel, ts, version)
    when = min(at(by), received_at)
    return SourceMessage(
        source=source,
        source_id=f"{old}~replaced",
        content=json.dumps({"replaced": old}).encode(),
        received_at=received_at,
        stream=channel.id,
        origin=origin,
        occurred_at=when,
        reported_at=when,
    )


def translate(message: SourceMessage, rules: Rules) -> Translated:
    """The note, why it is none, or the deletion of an older version. Raises UnreadableMessage."""
    try:
        content = read_json(message.content.decode())
    except ValueError as error:
        raise UnreadableMessage(str(error)) from error
    reported_at = message.reported_at or message.received_at
    provenance = Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=message.occurred_at or reported_at,
        reported_at=reported_at,
        recorded_at=message.received_at,
    )
    match content:
        case {"replaced": str(old)}:
            return [Deletion(provenance=provenance, of=old, reason="it was edited")]
        case {"message": dict(raw), "channel": {"id": str(channel), "name": str(name)}, "names": dict(names)}:
            known = {key: str(value) for key, value in names.items()}
            return _note(raw, Channel(id=channel, name=name), known, rules, provenance)
    raise UnreadableMessage("the message is none of Slack's")


def told(raw: Raw) -> str:
    """All that it says, in Slack's markup: text, tables, what apps attached, the titles of its files."""
    text, blocks = raw.get("text"), raw.get("blocks")
    written = text if isinstance(text, str) else ""
    if _by_bot(raw) or not written.strip():  # an app's text is only the short form of its blocks
        written = blocks_text(blocks) or written
        parts = [written]
    else:
        parts = [written, blocks_text(blocks, tables_only=True)]
    parts += [_attached(each) for each in _objects(raw.get("attachments"))]
    parts += [f"[file: {title}]" for title in _files(raw)]
    return "\n".join(part for part in parts if part)


def _note(raw: Raw, channel: Channel, names: Mapping[str, str], rules: Rules, provenance: Provenance) -> Translated:
    subtype = raw.get("subtype")
    if raw.get("type", "message") != "message":
        return Aside(reason=f"it is no message but {raw.get('type')}")
    if subtype in rules.ignored:
        return Aside(reason=f"{subtype} is ignored by rule")
    if _by_bot(raw) and "*" not in rules.bots and rules.bots.isdisjoint(_bot_names(raw)):
        return Aside(reason="its bot is not among those that are kept")
    text = readable(told(raw), names)
    if not text:
        return Aside(reason="it says nothing in words")
    parent, files = parent_of(raw), _files(raw)
    attributes: dict[str, Json] = {
        "author_id": raw.get("user") or raw.get("bot_id"),
        "thread": f"{channel.id}/{parent}" if parent else None,
        "files": list(files) or None,
        "edited": bool(version_of(raw)) or None,
        "bot": _by_bot(raw) or None,
    }
    data: dict[str, Json] = {
        "text": text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [cut off]",
        "author": _author(raw, names),
        "channel": f"#{channel.name}",
        "equipment": rules.equipment.get(channel.name) or rules.equipment.get(channel.id),
        "attributes": {name: value for name, value in attributes.items() if value is not None},
    }
    return [record_from_data("note", data, provenance)]


def _id(channel: Channel, ts: str, version: str) -> str:
    return f"{channel.id}/{ts}@{version}" if version else f"{channel.id}/{ts}"


def _author(raw: Raw, names: Mapping[str, str]) -> str:
    user = raw.get("user")
    if isinstance(user, str) and not _by_bot(raw):
        return names.get(user) or user
    profile = raw.get("bot_profile")
    own = profile.get("name") if isinstance(profile, dict) else None
    return str(raw.get("username") or own or names.get(str(user)) or raw.get("bot_id") or user or "")


def _by_bot(raw: Raw) -> bool:
    return raw.get("subtype") == "bot_message" or bool(raw.get("bot_id"))


def _bot_names(raw: Raw) -> set[str]:
    profile = raw.get("bot_profile")
    own = profile.get("name") if isinstance(profile, dict) else None
    return {str(each).lower() for each in (raw.get("bot_id"), raw.get("app_id"), raw.get("username"), own) if each}


def _files(raw: Raw) -> list[str]:
    return [str(each.get("title") or each.get("name") or "untitled") for each in _objects(raw.get("files"))]


def _attached(attachment: Raw) -> str:
    """What an app attached, or the message that was shared. The preview of a link is nobody's word."""
    shared = attachment.get("is_share")
    if not shared and (attachment.get("from_url") or attachment.get("original_url")):
        return ""
    fields = [
        ": ".join(str(each[name]) for name in ("title", "value") if each.get(name))
        for each in _objects(attachment.get("fields"))
    ]
    parts = [str(attachment.get(name) or "") for name in ("pretext", "title", "text")]
    parts += [blocks_text(attachment.get("blocks")), *fields]
    said = "\n".join(part for part in parts if part) or str(attachment.get("fallback") or "")
    if shared and said:
        return f"[shared, by {attachment.get('author_name') or 'somebody'}: {said}]"
    return said


def _objects(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
