"""What a source no longer has: everything that still stands of it is taken back by one message of ours."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, func, select

from lineside.connector import Gone, SourceMessage
from lineside.memory import tables
from lineside.memory.accounts import RECORDED
from lineside.memory.moments import moment
from lineside.plant.records import Deletion, Provenance

CONTENT_TYPE = "application/vnd.lineside.gone+json"

_messages, _records = tables.messages, tables.records


def taken_back(connection: Connection, gone: Gone, *, source: str, now: int) -> SourceMessage:
    """The message that takes back what stands of the thing; it names nothing where nothing does."""
    of_it = (_messages.c.source == source) & (_messages.c.stream == gone.stream) & (_messages.c.key == gone.key)
    standing = (
        select(_messages.c.source_id)
        .join(_records, (_records.c.source == _messages.c.source) & (_records.c.source_id == _messages.c.source_id))
        .where(of_it, _messages.c.standing == RECORDED, _messages.c.content_type != CONTENT_TYPE)
        .where(_records.c.retracted_at.is_(None))
        .distinct()
    )
    before = connection.scalar(select(func.count()).where(of_it, _messages.c.content_type == CONTENT_TYPE)) or 0
    received_at = _at(now)
    said = {"gone": sorted(connection.scalars(standing)), "reason": gone.reason}
    return SourceMessage(
        source=source,
        source_id=f"{gone.stream}/{gone.key}@gone~{before + 1}",
        content=json.dumps(said, ensure_ascii=False).encode(),
        content_type=CONTENT_TYPE,
        received_at=received_at,
        stream=gone.stream,
        key=gone.key,
        occurred_at=gone.at or received_at,
        reported_at=gone.at or received_at,
    )


def deletions(message: SourceMessage) -> list[Deletion]:
    """A deletion for each id that the message takes back. Pure."""
    said = json.loads(message.content)
    at = message.reported_at or message.received_at
    return [
        Deletion(
            provenance=Provenance(
                source=message.source,
                source_id=message.source_id,
                occurred_at=message.occurred_at or at,
                reported_at=at,
                recorded_at=message.received_at,
                part=part,
            ),
            of=source_id,
            reason=said["reason"],
        )
        for part, source_id in enumerate(said["gone"])
    ]


def _at(now: int) -> datetime:
    found = moment(now)
    if found is None:
        raise AssertionError("now is a moment")
    return found
