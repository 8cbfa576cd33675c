"""Dead letters: what could not be translated, with its bytes, the reason, the attempts and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from lineside.connector import SourceMessage
from lineside.errors import BadRequest, NotFound
from lineside.memory import tables
from lineside.memory.moments import moment, stored

OPEN, RECOVERED, REPLACED, DISCARDED = "open", "recovered", "replaced", "discarded"

_letters = tables.dead_letters


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that became no record. source_id: None where it could not even be told.

    status: open, recovered (by a retry), replaced (a readable message came under its id) or discarded.
    """

    id: int
    source: str
    source_id: str | None
    stream: str
    key: str
    origin: str
    digest: str
    content_type: str
    content: bytes = field(repr=False)
    received_at: datetime
    occurred_at: datetime | None
    reported_at: datetime | None
    reason: str
    attempts: int
    first_at: datetime
    last_at: datetime
    status: str
    closed_by: str | None = None
    closed_because: str | None = None

    @property
    def message(self) -> SourceMessage:
        """The message as it came. Raises BadRequest where its id could not be told."""
        if self.source_id is None:
            raise BadRequest(f"dead letter {self.id} has no id of its own: mend it at its source and send it again")
        return SourceMessage(
            source=self.source,
            source_id=self.source_id,
            content=self.content,
            received_at=self.received_at,
            content_type=self.content_type,
            stream=self.stream,
            key=self.key,
            origin=self.origin,
            occurred_at=self.occurred_at,
            reported_at=self.reported_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which open dead letters are meant; what is None or empty leaves none out. sources: only these. containing: what
    the reason has in it, in any case. since: by when they came."""

    sources: Collection[str] | None = None
    stream: str | None = None
    containing: str = ""
    since: datetime | None = None

    def clauses(self) -> Iterator[ColumnElement[bool]]:
        yield _letters.c.status == OPEN
        if self.sources is not None:
            yield _letters.c.source.in_(sorted(self.sources))
        if self.stream is not None:
            yield _letters.c.stream == self.stream
        if self.containing:
            yield _letters.c.reason.icontains(self.containing, autoescape=True)
        if self.since is not None:
            yield _letters.c.first_at >= stored(self.since)


def bury(connection: Connection, letter: Mapping[str, Any], *, reason: str, now: int) -> DeadLetter:
    """The columns of a message are a new, open dead letter."""
    values = {
        **letter,
        "reason": storable(reason),
        "attempts": 1,
        "first_at": now,
        "last_at": now,
        "status": OPEN,
    }
    made = connection.execute(insert(_letters).values(values).returning(_letters))
    return _from_row(made.mappings().one())


def listed(connection: Connection, *, source: str | None, status: str | None) -> list[DeadLetter]:
    query = select(_letters).order_by(_letters.c.id)
    if source is not None:
        query = query.where(_letters.c.source == source)
    if status is not None:
        query = query.where(_letters.c.status == status)
    return [_from_row(row) for row in connection.execute(query).mappings()]


def newest(connection: Connection, wanted: Wanted, *, limit: int) -> list[DeadLetter]:
    """At most so many of the wanted ones, newest first."""
    query = select(_letters).where(*wanted.clauses()).order_by(_letters.c.id.desc()).limit(limit)
    return [_from_row(row) for row in connection.execute(query).mappings()]


def counted(connection: Connection, wanted: Wanted) -> dict[str, int]:
    """How many of the wanted ones each source has; sources with none are left out."""
    query = select(_letters.c.source, func.count()).where(*wanted.clauses()).group_by(_letters.c.source)
    return {row[0]: row[1] for row in connection.execute(query.order_by(_letters.c.source))}


def discard(connection: Connection, wanted: Wanted, *, reason: str, by: str, now: int) -> int:
    """All wanted ones are closed for good; how many those were."""
    closed = {"status": DISCARDED, "closed_by": storable(by), "closed_because": storable(reason), "last_at": now}
    return connection.execute(update(_letters).where(*wanted.clauses()).values(closed)).rowcount


def found(connection: Connection, letter_id: int) -> DeadLetter:
    """Raises NotFound."""
    row = connection.execute(select(_letters).where(_letters.c.id == letter_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no dead letter {letter_id}", id=letter_id)
    return _from_row(row)


def open_one(connection: Connection, letter_id: int) -> DeadLetter:
    """Raises NotFound, and BadRequest where it is no longer open."""
    letter = found(connection, letter_id)
    if letter.status != OPEN:
        raise BadRequest(f"dead letter {letter_id} is already {letter.status}", id=letter_id)
    return letter


def change(connection: Connection, letter_id: int, **values: Any) -> DeadLetter:
    connection.execute(update(_letters).where(_letters.c.id == letter_id).values(values))
    return found(connection, letter_id)


def storable(text: str) -> str:
    """The text, or where no database could hold it, a spelling that every database can."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def _from_row(row: Mapping[Any, Any]) -> DeadLetter:
    values = dict(row)
    for name in ("received_at", "occurred_at", "reported_at", "first_at", "last_at"):
        values[name] = moment(values[name])
    return DeadLetter(**values)
