"""Message in: its bytes, its log line, its records or its dead letter, and the checkpoint, in one transaction."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeAlias

from sqlalchemy import Connection, delete, func, insert, select, update

from lineside.connector import Aside, Batch, Gap, SourceMessage, Translated, Unreadable
from lineside.errors import UnreadableMessage
from lineside.memory import tables
from lineside.memory.accounts import DEAD_LETTERED, HELD, IGNORED, KNOWN, OUTCOMES, RECORDED, SUPERSEDED
from lineside.memory.bodies import body_of, dumps
from lineside.memory.contacts import WITHIN_S, keep_contact
from lineside.memory.database import insert_rows
from lineside.memory.gone import deletions, taken_back
from lineside.memory.letters import OPEN, REPLACED, DeadLetter, bury, storable
from lineside.memory.moments import stored
from lineside.memory.restate import check_replacement
from lineside.memory.retract import Refusal, settle, targeted
from lineside.memory.rows import Rows
from lineside.plant.plant import Plant
from lineside.plant.records import Correction, Deletion, Record

Translate: TypeAlias = Callable[[SourceMessage], Translated]

_CHUNK = 500
_DEAD_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a batch: received = recorded + known + dead_lettered + held + ignored.

    dead: the dead letters of a batch; of a sum the first few, since a year may have any number of them.
    """

    received: int = 0
    recorded: int = 0
    known: int = 0
    dead_lettered: int = 0
    held: int = 0
    ignored: int = 0
    dead: tuple[DeadLetter, ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        both = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        return Outcome(**both | {"dead": both["dead"][:_DEAD_SHOWN]})


class Remembering:
    """One batch on its way into the store, inside the caller's transaction."""

    def __init__(
        self, connection: Connection, *, plant: Plant, now: int, translate: Translate, mapping: str = ""
    ) -> None:
        self._connection = connection
        self._mapping = mapping
        self._plant = plant
        self._now = now
        self._translate = translate
        self._rows = Rows()
        self._messages: list[dict[str, Any]] = []
        self._log: list[dict[str, Any]] = []
        self._waiting_ids: set[str] = set()
        self._to_settle: dict[str, set[str]] = defaultdict(set)
        self._dead: list[DeadLetter] = []
        self.new_gaps: list[Gap] = []

    def keep(self, batch: Batch, *, source: str, stream: str) -> Outcome:
        """Everything of the batch is in the transaction, and every item of it is accounted for."""
        first = self._connection.scalar(select(func.max(tables.message_log.c.id))) or 0
        for chunk in _chunks(batch.messages):
            self._keep_messages(chunk)
            self._flush()
        for item in batch.unreadable:
            self._keep_unreadable(item, source=source, stream=stream)
        if batch.gone:
            self._flush()
            self._take_back(batch, source=source)
        self._finish()
        self._keep_position(batch, source=source, stream=stream)
        return self._account(first, len(batch.messages) + len(batch.unreadable) + len(batch.gone))

    def retry(self, message: SourceMessage) -> Aside | None:
        """The records of a dead letter's message are in the transaction; or why a rule ignores it by now. Raises
        UnreadableMessage."""
        records = self._readable(message)
        if isinstance(records, Aside) and records.held:
            raise UnreadableMessage(records.reason)
        if any(self._digests([message]).get((message.source, message.source_id), {}).values()):
            raise UnreadableMessage(_REUSED)
        if isinstance(records, Aside):
            self._messages.append(self._kept_columns(message, IGNORED, records.reason))
            self._finish()
            return records
        self._accept(message, records)
        self._finish()
        return None

    def _finish(self) -> None:
        self._flush()
        for source, ids in self._to_settle.items():
            for refusal in settle(self._connection, source, ids, self._plant):
                self._refuse(refusal)

    def _keep_messages(self, chunk: Sequence[SourceMessage]) -> None:
        before = self._digests(chunk)
        for message in chunk:
            started = time.perf_counter_ns()
            seen = before.setdefault((message.source, message.source_id), {})
            if message.digest in seen:
                self._log_line(message, KNOWN, started)
                continue
            try:
                records = self._readable(message)
                if isinstance(records, Aside):
                    seen[message.digest] = False
                    self._set_aside(message, records, started)
                    continue
                if any(seen.values()):
                    if self._says_the_same(message, records):
                        self._log_line(message, KNOWN, started)
                        continue
                    raise UnreadableMessage(_REUSED)
                self._accept(message, records)
            except UnreadableMessage as error:
                seen[message.digest] = False
                self._bury(message, error.message)
                self._log_line(message, DEAD_LETTERED, started, error.message)
                continue
            if seen:
                self._resolve(message)
            seen[message.digest] = True
            self._log_line(message, RECORDED, started)

    def _digests(self, chunk: Sequence[SourceMessage]) -> dict[tuple[str, str], dict[str, bool]]:
        """What is known under each id: digest to whether it was recorded (else it is a dead letter, or aside)."""
        found: dict[tuple[str, str], dict[str, bool]] = {}
        letters, kept = tables.dead_letters, tables.messages
        for source, ids in _by_source(chunk).items():
            names = [storable(each) for each in ids]
            dead = select(letters.c.source_id, letters.c.digest).where(
                letters.c.source == source, letters.c.source_id.in_(names)
            )
            for source_id, digest in self._connection.execute(dead):
                found.setdefault((source, source_id), {})[digest] = False
            known = select(kept.c.source_id, kept.c.digest, kept.c.standing).where(
                kept.c.source == source, kept.c.source_id.in_(names)
            )
            for source_id, digest, standing in self._connection.execute(known):
                found.setdefault((source, source_id), {})[digest] = standing == RECORDED
        return found

    def _readable(self, message: SourceMessage) -> list[Record] | Aside:
        """The message's records, by the plant's clock, or why it makes none. Raises UnreadableMessage."""
        for name in ("source", "source_id", "stream", "key", "origin"):
            text: str = getattr(message, name)
            if storable(text) != text:
                raise UnreadableMessage(f"{name}: holds what no text can hold", field=name)
        translated = self._translate(message)
        if isinstance(translated, Aside):
            return translated
        records = [self._on_our_clock(record) for record in translated]
        if not records:
            raise UnreadableMessage("it says nothing that is a record")
        ids = [record.provenance.record_id for record in records]
        if len(set(ids)) < len(ids):
            raise UnreadableMessage("two of its records are the same part of it")
        if any(record.provenance.part < 0 for record in records):
            raise UnreadableMessage("parts count up from 0")
        for record in records:
            if isinstance(record, Correction):
                check_replacement(record)
        return records

    def _on_our_clock(self, record: Record) -> Record:
        offset = self._plant.source(record.provenance.source).clock_offset_s
        if not offset:
            return record
        ahead, own = timedelta(seconds=offset), record.provenance
        told = replace(own, occurred_at=own.occurred_at - ahead, reported_at=own.reported_at - ahead)
        return replace(record, provenance=told)

    def _accept(self, message: SourceMessage, records: Sequence[Record]) -> None:
        """The message and its records wait to be written. Raises UnreadableMessage before anything does."""
        ids = [record.provenance.record_id for record in records]
        own = (message.source, message.source_id)
        if any((each.provenance.source, each.provenance.source_id) != own for each in records):
            taken = select(tables.records.c.id).where(tables.records.c.id.in_(ids)).limit(1)
            if self._waiting_ids.intersection(ids) or self._connection.scalar(taken):
                raise UnreadableMessage(_REUSED)
        rows = Rows()
        for record in records:
            rows.add(record, plant=self._plant)
        self._rows.extend(rows)
        self._waiting_ids.update(ids)
        self._messages.append(self._kept_columns(message, RECORDED))
        for record in records:
            if isinstance(record, Correction | Deletion):
                self._to_settle[record.provenance.source].add(record.provenance.source_id)

    def _set_aside(self, message: SourceMessage, aside: Aside, started: int) -> None:
        """The message is kept without records; a mended mapping can be replayed over it."""
        outcome = HELD if aside.held else IGNORED
        self._messages.append(self._kept_columns(message, outcome, aside.reason))
        self._log_line(message, outcome, started, aside.reason)

    def _kept_columns(self, message: SourceMessage, standing: str, reason: str | None = None) -> dict[str, Any]:
        said = storable(reason) if reason else None
        return _columns(message) | {"standing": standing, "reason": said, "mapping": self._mapping}

    def _take_back(self, batch: Batch, *, source: str) -> None:
        """Everything that still stands of what is gone is deleted, once."""
        for item in batch.gone:
            started = time.perf_counter_ns()
            message = taken_back(self._connection, item, source=source, now=self._now)
            records = deletions(message)
            if not records:
                self._log_line(message, KNOWN, started, "nothing of it stands")
                continue
            self._accept(message, [self._on_our_clock(record) for record in records])
            self._to_settle[source] |= {record.of for record in records}
            self._log_line(message, RECORDED, started)
            self._flush()

    def _says_the_same(self, message: SourceMessage, records: Sequence[Record]) -> bool:
        """Whether the id's kept records equal these: the same content in another spelling."""
        self._flush()
        kept = select(tables.records).where(
            tables.records.c.source == message.source,
            tables.records.c.source_id == message.source_id,
            tables.records.c.part >= 0,
        )
        before = {
            (row.id, row.type, row.body, row.occurred_at, row.reported_at) for row in self._connection.execute(kept)
        }
        return before == {_essence(record) for record in records}

    def _keep_unreadable(self, item: Unreadable, *, source: str, stream: str) -> None:
        started = time.perf_counter_ns()
        digest = sha256(item.content).hexdigest()
        letters = tables.dead_letters
        known = select(letters.c.id).where(
            letters.c.source == source, letters.c.digest == digest, letters.c.source_id.is_(None)
        )
        outcome = KNOWN if self._connection.scalar(known.limit(1)) is not None else DEAD_LETTERED
        line = {
            "source": source,
            "source_id": None,
            "digest": digest,
            "stream": storable(stream),
            "origin": storable(item.origin),
            "received_at": self._now,
        }
        if outcome == DEAD_LETTERED:
            content = {"key": "", "content": item.content, "content_type": item.content_type}
            self._dead.append(bury(self._connection, line | content, reason=item.reason, now=self._now))
        self._add_line(line, size=len(item.content), outcome=outcome, started=started, reason=item.reason)

    def _bury(self, message: SourceMessage, reason: str) -> None:
        letter = {
            name: storable(value) if isinstance(value, str) else value for name, value in _columns(message).items()
        }
        self._dead.append(bury(self._connection, letter, reason=reason, now=self._now))

    def _refuse(self, refusal: Refusal) -> None:
        """The correction took its target back; what it would have put there waits as a dead letter, once."""
        own = refusal.correction.provenance
        letters, kept = tables.dead_letters, tables.messages
        known = select(letters.c.id).where(letters.c.source == own.source, letters.c.source_id == own.source_id)
        if self._connection.scalar(known.limit(1)) is not None:
            return
        query = select(kept).where(kept.c.source == own.source, kept.c.source_id == own.source_id)
        row = self._connection.execute(query.limit(1)).mappings().one()
        letter = {name: value for name, value in row.items() if name not in {"id", "standing", "reason", "mapping"}}
        self._dead.append(bury(self._connection, letter, reason=refusal.reason, now=self._now))

    def _resolve(self, message: SourceMessage) -> None:
        """Earlier dead letters of this id are closed, and held ones: a readable message came in their place."""
        letters, kept = tables.dead_letters, tables.messages
        of_its_id = (kept.c.source == message.source) & (kept.c.source_id == message.source_id)
        self._connection.execute(update(kept).where(of_its_id, kept.c.standing == HELD).values(standing=SUPERSEDED))
        of_this_id = (letters.c.source == message.source) & (letters.c.source_id == message.source_id)
        self._connection.execute(
            update(letters)
            .where(of_this_id, letters.c.status == OPEN)
            .values(status=REPLACED, closed_because="a readable message came under its id", last_at=self._now)
        )

    def _log_line(self, message: SourceMessage, outcome: str, started: int, reason: str | None = None) -> None:
        line = {
            "source": storable(message.source),
            "source_id": storable(message.source_id),
            "digest": message.digest,
            "stream": storable(message.stream),
            "origin": storable(message.origin),
            "received_at": stored(message.received_at),
        }
        self._add_line(line, size=len(message.content), outcome=outcome, started=started, reason=reason)

    def _add_line(self, line: dict[str, Any], *, size: int, outcome: str, started: int, reason: str | None) -> None:
        latency_us = (time.perf_counter_ns() - started) // 1000
        said = storable(reason) if reason else None
        rest = {"size": size, "outcome": outcome, "reason": said, "kept_at": self._now, "latency_us": latency_us}
        self._log.append(line | rest | {"mapping": self._mapping})

    def _flush(self) -> None:
        """All that waits is written, and the chains that it touches are known."""
        for source, ids in _ids_of(self._rows.records).items():
            self._to_settle[source] |= targeted(self._connection, source, ids)
        self._rows.write(self._connection)
        self._waiting_ids.clear()
        for table, waiting in ((tables.messages, self._messages), (tables.message_log, self._log)):
            insert_rows(self._connection, table, waiting)
            waiting.clear()

    def _keep_position(self, batch: Batch, *, source: str, stream: str) -> None:
        if batch.checkpoint is not None:
            marks = tables.checkpoints
            self._connection.execute(delete(marks).where(marks.c.source == source, marks.c.stream == stream))
            position = dumps(dict(batch.checkpoint))
            row = {"source": source, "stream": stream, "position": position, "kept_at": self._now}
            self._connection.execute(insert(marks).values(row))
        for gap in batch.gaps:
            row = {"source": source, "since": stored(gap.since), "until": stored(gap.until), "reason": gap.reason}
            known = select(tables.gaps.c.id).where(*(tables.gaps.c[name] == value for name, value in row.items()))
            if self._connection.scalar(known) is None:
                self._connection.execute(insert(tables.gaps).values({**row, "kept_at": self._now}))
                self.new_gaps.append(gap)
        if batch.empty and (batch.alive or not self._plant.source(source).cadence_s):
            keep_contact(self._connection, source, self._now, within_s=self._plant.source(source).cadence_s or WITHIN_S)

    def _account(self, first: int, received: int) -> Outcome:
        log = tables.message_log
        query = select(log.c.outcome, func.count()).where(log.c.id > first).group_by(log.c.outcome)
        counts = {row[0]: row[1] for row in self._connection.execute(query)}
        if received != sum(counts.get(each, 0) for each in OUTCOMES):
            raise AssertionError(f"{received} received, but accounted for: {counts}")
        return Outcome(received=received, dead=tuple(self._dead), **{each: counts.get(each, 0) for each in OUTCOMES})


_REUSED = (
    "its id already names another record; an id names one record for good: "
    "send a lineside.correction with an id of its own"
)


def _columns(message: SourceMessage) -> dict[str, Any]:
    """The message as the columns that a kept message and a dead letter share."""
    return {
        "source": message.source,
        "source_id": message.source_id,
        "digest": message.digest,
        "stream": message.stream,
        "key": message.key,
        "origin": message.origin,
        "content_type": message.content_type,
        "content": message.content,
        "received_at": stored(message.received_at),
        "occurred_at": stored(message.occurred_at),
        "reported_at": stored(message.reported_at),
    }


def _essence(record: Record) -> tuple[str, str, str, int, int]:
    own = record.provenance
    kind = type(record).__name__.lower()
    return own.record_id, kind, body_of(record), stored(own.occurred_at), stored(own.reported_at)


def _chunks(messages: Sequence[SourceMessage]) -> Iterator[Sequence[SourceMessage]]:
    return (messages[start : start + _CHUNK] for start in range(0, len(messages), _CHUNK))


def _by_source(chunk: Iterable[SourceMessage]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for message in chunk:
        found[message.source].add(message.source_id)
    return found


def _ids_of(rows: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row["source"]].add(row["source_id"])
    return found
