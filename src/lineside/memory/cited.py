"""What people were told, and which records it rests on: found by the person, and by the record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from lineside.memory import tables
from lineside.memory.moments import moment, stored
from lineside.memory.store import Memory
from lineside.plant.records import Json

_citations, _turns, _conversations = tables.citations, tables.conversation_turns, tables.conversations
_CHUNK = 500
_MOST = 300  # of a person's answers, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """One answer that a person was given, and what it was asked. person: None for the plant's own operator."""

    conversation: str
    position: int
    person: str | None
    question: str
    said_at: datetime
    content: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Citing:
    """That an answer cites a record. as_of: what the answer was given on."""

    record: str
    conversation: str
    position: int
    person: str | None
    as_of: datetime


def index_answer(connection: Connection, conversation: str, position: int, content: Json) -> None:
    """The records that the answer in the turn's content cites lead to it afterwards; without an answer nothing does."""
    match content:
        case {"answer": {"as_of": str(as_of), "citations": list(citations)}}:
            at = stored(datetime.fromisoformat(as_of))
            rows = [
                {"conversation_id": conversation, "position": position, "record_id": each, "as_of": at}
                for each in dict.fromkeys(_recorded(citations))
            ]
            if rows:
                connection.execute(insert(_citations), rows)


def answers_to(memory: Memory, person: str | None, *, since: datetime, limit: int = _MOST) -> list[KeptAnswer]:
    """The person's answers that cite records and were given after `since`, the newest first."""
    cited = select(_citations.c.conversation_id, _citations.c.position).distinct().subquery()
    query = (
        select(_turns, _conversations.c.person)
        .join(_conversations, _conversations.c.id == _turns.c.conversation_id)
        .join(cited, (cited.c.conversation_id == _turns.c.conversation_id) & (cited.c.position == _turns.c.position))
        .where(_mine(person), _turns.c.said_at >= stored(since))
        .order_by(_turns.c.said_at.desc(), _turns.c.conversation_id, _turns.c.position.desc())
        .limit(limit)
    )
    with memory.read() as connection:
        return [_kept(connection, row) for row in connection.execute(query).all()]


def citing(memory: Memory, records: Iterable[str]) -> list[Citing]:
    """Every answer, whoever was given it, that cites one of these records; the oldest first."""
    wanted, found = list(dict.fromkeys(records)), []
    with memory.read() as connection:
        for start in range(0, len(wanted), _CHUNK):
            query = (
                select(_citations, _conversations.c.person)
                .join(_conversations, _conversations.c.id == _citations.c.conversation_id)
                .where(_citations.c.record_id.in_(wanted[start : start + _CHUNK]))
            )
            found += [
                Citing(
                    record=row.record_id,
                    conversation=row.conversation_id,
                    position=row.position,
                    person=row.person,
                    as_of=moment(row.as_of),
                )
                for row in connection.execute(query)
            ]
    return sorted(found, key=lambda c: (c.as_of, c.conversation, c.position, c.record))


def _kept(connection: Connection, row: Any) -> KeptAnswer:
    content = json.loads(row.content)
    run = content.get("run") if isinstance(content, dict) else None
    return KeptAnswer(
        conversation=row.conversation_id,
        position=row.position,
        person=row.person,
        question=_asked(connection, row.conversation_id, row.position, run),
        said_at=moment(row.said_at),
        content=content,
    )


def _asked(connection: Connection, conversation: str, position: int, run: Json) -> str:
    """The question of the same run: the nearest before the answer where several were being answered."""
    query = select(_turns.c.content).where(_turns.c.conversation_id == conversation, _turns.c.position < position)
    for content in connection.scalars(query.order_by(_turns.c.position.desc()).limit(8)):
        match json.loads(content):
            case {"run": own, "question": str(question)} if own == run:
                return question
    return ""


def _mine(person: str | None) -> Any:
    return _conversations.c.person.is_(None) if person is None else _conversations.c.person == person


def _recorded(citations: Iterable[Json]) -> Iterator[str]:
    for each in citations:
        match each:
            case {"record_id": str(record), "source": str(source)} if source != "plant":
                yield record
