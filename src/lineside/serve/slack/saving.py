"""A message of a channel, or a new text, as a note of the plant's memory: looked at, and kept once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lineside.agent.capture import LONGEST
from lineside.agent.capture_keeping import Kept, Saved, Spoken, saved
from lineside.agent.captured import CaptureKind, Field, Proposed
from lineside.app import Lineside
from lineside.errors import AlreadyDecided, BadRequest, NotPermitted
from lineside.plant.plant import Person
from lineside.plant.records import record_id
from lineside.serve.capturing import keep_confirmed, keep_text, new_id, proposal, proposal_of
from lineside.serve.slack.forms import WORDS_ONLY, Draft, kinds_of
from lineside.serve.slack.people import Workspace

CHANNEL = "slack"
_CONNECTOR = "slack_channels"
_TS = re.compile(r"([0-9]{1,12})\.([0-9]{1,6})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it was chosen in Slack. user: who wrote it, or the bot. edited: the ts of its last edit."""

    channel: str
    channel_name: str
    ts: str
    user: str
    markup: str
    thread: str = ""
    edited: str = ""

    @classmethod
    def chosen(cls, body: Mapping[str, Any]) -> Message:
        """Raises BadRequest where the payload names no message."""
        said = body.get("message")
        place = body.get("channel") or {}
        channel = place.get("id")
        ts = str(body.get("message_ts") or (said or {}).get("ts") or "")
        if not isinstance(said, dict) or not isinstance(channel, str) or not _TS.fullmatch(ts):
            raise BadRequest("this is no message of a channel")
        return cls(
            channel=channel,
            channel_name=str(place.get("name") or ""),
            ts=ts,
            user=str(said.get("user") or said.get("bot_id") or ""),
            markup=str(said.get("text") or ""),
            thread=str(said.get("thread_ts") or ""),
            edited=str((said.get("edited") or {}).get("ts") or ""),
        )

    def link(self, workspace: Workspace) -> str:
        """Opens it, in its thread."""
        place = f"{workspace.url}archives/{self.channel}/p{self.ts.replace('.', '')}"
        return f"{place}?thread_ts={self.thread}&cid={self.channel}" if self.thread not in ("", self.ts) else place

    def at(self, offset_s: float) -> datetime:
        """When it was written, by the plant's clock."""
        seconds, _, part = self.ts.partition(".")
        written = datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(part.ljust(6, "0")))
        return written + timedelta(seconds=offset_s)


def record_of(lineside: Lineside, message: Message, person: Person) -> str | None:
    """The record that a connector made of the message already. Raises NotPermitted where the person may not read it."""
    everything = lineside.memory.view()
    theirs = lineside.memory.view(reader=lineside.reader(person))
    place = f"{message.channel}/{message.ts}"
    ids = [*([f"{place}@{message.edited}"] if message.edited else []), place]
    for source in lineside.settings.sources:
        if source.connector != _CONNECTOR:
            continue
        for each in ids:
            found = record_id(source.name, each)
            if everything.record(found) is None:
                continue
            if theirs.record(found) is None:
                raise NotPermitted(f"what stands in {source.name} is not open to you", person=person.id)
            return found
    return None


def reader_of(lineside: Lineside, message: Message) -> str:
    """The source that reads the message's channel, and brings the message by itself soon; empty where none does."""
    for source in lineside.settings.sources:
        if source.connector == _CONNECTOR:
            named = [str(each).removeprefix("#") for each in source.options.get("channels", [])]
            if message.channel in named or message.channel_name in named:
                return source.name
    return ""


def look_at(
    lineside: Lineside, message: Message, text: str, *, person: Person, by: str, workspace: Workspace, respond: str = ""
) -> Saved | tuple[Proposed, Draft]:
    """What was kept of the message before, or what it says, read with the rights of the person who saves it.

    text: its words. by: who wrote it. Raises BadRequest on a message with no words or too many, NotPermitted."""
    record = record_of(lineside, message, person)
    name = f"{workspace.team}/{message.channel}/{message.ts}"
    if before := saved(lineside.memory.view(), name, record):
        return before
    draft = Draft(
        text=text,
        at=message.at(lineside.settings.clock_offset_s).astimezone(lineside.plant.time_zone),
        capture=new_id(),
        message=name,
        link=message.link(workspace),
        by=by,
        record=record or "",
        read_by=reader_of(lineside, message),
        channel=message.channel,
        respond=respond,
    )
    if len(text) > LONGEST:
        raise BadRequest(f"the text has {len(text)} characters; at most {LONGEST} are read")
    return read_again(lineside, draft, person=person), draft


def new_text(lineside: Lineside, text: str, *, person: Person, channel: str = "", respond: str = "") -> Draft:
    """A text that the person writes now."""
    at = lineside.clock().astimezone(lineside.plant.time_zone)
    return Draft(text=text.strip(), at=at, capture=new_id(), by=person.id, channel=channel, respond=respond)


def read_again(lineside: Lineside, draft: Draft, *, person: Person) -> Proposed:
    """What the draft's text says."""
    if draft.record:
        return proposal_of(lineside, draft.record, person=person)
    return proposal(lineside, draft.text, person=person, at=draft.at, by=draft.by)


def keep(
    lineside: Lineside, draft: Draft, *, person: Person, kind: str, fields: Sequence[tuple[Field, str]]
) -> Kept | Saved:
    """It is kept in the name of who wrote it, confirmed by the person; or what was kept of the message before.

    Raises BadRequest on values that are none, NotPermitted."""
    spoken = Spoken(id=draft.message, link=draft.link, by=draft.by) if draft.message else None
    if kind not in kinds_of(draft):
        raise BadRequest(f"it can be kept as {' or '.join(kinds_of(draft))}", field="kind")
    try:
        if kind == WORDS_ONLY:
            kept = keep_text(
                lineside,
                draft.text,
                author=person,
                capture_id=draft.capture,
                at=draft.at,
                channel=CHANNEL,
                spoken=spoken,
            )
        else:
            kept = keep_confirmed(
                lineside,
                draft.text,
                author=person,
                capture_id=draft.capture,
                at=draft.at,
                kind=CaptureKind(kind),
                fields=fields,
                channel=CHANNEL,
                record=draft.record or None,
                spoken=spoken,
            )
    except AlreadyDecided:
        before = _before(lineside, draft)
        if before is None:
            raise
        return before
    return (_before(lineside, draft) or kept) if kept.again else kept


def _before(lineside: Lineside, draft: Draft) -> Saved | None:
    return saved(lineside.memory.view(), draft.message, draft.record or None) if draft.message else None
