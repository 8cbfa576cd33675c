"""Versions of one thing at its source: what was dead for a while must not overtake what came after it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from lineside.memory import tables
from lineside.memory.accounts import SUPERSEDED
from lineside.memory.letters import DeadLetter
from lineside.memory.moments import stored


def overtaken(connection: Connection, letter: DeadLetter) -> bool:
    """Whether a later version of the letter's thing is kept, or the thing was taken back since."""
    if not letter.key:
        return False
    kept = tables.messages
    later = kept.c.received_at > stored(letter.received_at)
    if letter.reported_at is not None:  # the source's own order rules; ours where it stamps nothing
        later = (kept.c.reported_at > stored(letter.reported_at)) | (later & kept.c.reported_at.is_(None))
    query = select(kept.c.id).where(
        kept.c.source == letter.source,
        kept.c.stream == letter.stream,
        kept.c.key == letter.key,
        kept.c.standing != SUPERSEDED,
        later,
    )
    return connection.scalar(query.limit(1)) is not None
