"""Conversations: what was asked and answered, kept apart from the plant's memory. Each belongs to one person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, func, insert, select

from lineside.errors import NotFound
from lineside.memory import tables
from lineside.memory.bodies import dumps
from lineside.memory.cited import index_answer
from lineside.memory.moments import moment, stored
from lineside.memory.store import Memory
from lineside.plant.records import Json

_conversations, _turns = tables.conversations, tables.conversation_turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing that was said. role: `person` or `lineside`."""

    role: str
    content: Json
    said_at: datetime


def start(memory: Memory, *, person: str | None = None, conversation_id: str | None = None) -> str:
    """A conversation of this person exists; its id. Idempotent. Raises NotFound where the id is another's."""
    own = conversation_id or uuid4().hex
    with memory.write() as connection:
        if not _is_there(connection, own, person):
            values = {"id": own, "person": person, "started_at": stored(memory.clock())}
            connection.execute(insert(_conversations).values(values))
    return own


def append(memory: Memory, conversation_id: str, *, role: str, content: Json, person: str | None = None) -> None:
    """The turn is the conversation's last, and what its answer cites leads to it. Raises NotFound where the person has
    no such conversation."""
    with memory.write() as connection:
        _require(connection, conversation_id, person)
        last = select(func.max(_turns.c.position)).where(_turns.c.conversation_id == conversation_id)
        before = connection.scalar(last)
        position = 0 if before is None else before + 1
        values = {
            "conversation_id": conversation_id,
            "position": position,
            "role": role,
            "content": dumps(content),
            "said_at": stored(memory.clock()),
        }
        connection.execute(insert(_turns).values(values))
        index_answer(connection, conversation_id, position, content)


def history(memory: Memory, conversation_id: str, *, person: str | None = None, limit: int = 20) -> list[Turn]:
    """The last turns, oldest first. Raises NotFound where the person has no such conversation."""
    query = select(_turns).where(_turns.c.conversation_id == conversation_id)
    with memory.read() as connection:
        _require(connection, conversation_id, person)
        rows = connection.execute(query.order_by(_turns.c.position.desc()).limit(limit)).all()
    return [_turn(row) for row in reversed(rows)]


def recent(memory: Memory, *, person: str | None = None, limit: int = 30) -> list[tuple[str, Turn]]:
    """The person's latest conversations, newest first: the id of each and its first turn."""
    mine = _conversations.c.person.is_(None) if person is None else _conversations.c.person == person
    query = select(_turns).join(_conversations, _conversations.c.id == _turns.c.conversation_id)
    query = query.where(mine, _turns.c.position == 0).order_by(_conversations.c.started_at.desc()).limit(limit)
    with memory.read() as connection:
        return [(row.conversation_id, _turn(row)) for row in connection.execute(query)]


def _turn(row: Any) -> Turn:
    return Turn(role=row.role, content=json.loads(row.content), said_at=moment(row.said_at))


def _is_there(connection: Connection, conversation_id: str, person: str | None) -> bool:
    row = connection.execute(select(_conversations).where(_conversations.c.id == conversation_id)).one_or_none()
    if row is not None and row.person != person:
        raise NotFound(f"there is no conversation {conversation_id!r}", conversation=conversation_id)
    return row is not None


def _require(connection: Connection, conversation_id: str, person: str | None) -> None:
    if not _is_there(connection, conversation_id, person):
        raise NotFound(f"there is no conversation {conversation_id!r}", conversation=conversation_id)
