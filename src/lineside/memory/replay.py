"""The kept messages of a source, read again: with the mapping in force, or on trial with another.

Nothing is overwritten. What could not be read and now can is recorded as if it had been read at once. What reads
differently now is taken back by a deletion of ours, reported now, and recorded anew under `<source id>@map~<n>`: a view
of an earlier time still shows what was known then. What its source took back or corrected itself stays so.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, func, select, update

from lineside.connector import Aside, SourceMessage
from lineside.errors import UnreadableMessage
from lineside.memory import gone, letters, tables
from lineside.memory.accounts import HELD, IGNORED, RECORDED
from lineside.memory.bodies import body_of, dumps, type_of
from lineside.memory.database import insert_rows
from lineside.memory.moments import moment, stored
from lineside.memory.remember import Remembering, Translate
from lineside.memory.rows import Rows
from lineside.memory.store import Memory
from lineside.plant.plant import Plant
from lineside.plant.records import Correction, Deletion, Json, Provenance, Record, RecordType

MARK = "@map~"
CONTENT_TYPE = "application/vnd.lineside.map+json"
AT_ONCE = 200
UNREADABLE = "dead_lettered"
_TAKING_BACK = (RecordType.CORRECTION.value, RecordType.DELETION.value)
_messages, _records, _letters = tables.messages, tables.records, tables.dead_letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of `replayed` messages: they are the sum of all the others.

    recorded: that were not. restated: recorded anew, differently. taken_back: ignored by rule now. unchanged: as they
    were. held, ignored, dead: still, or now. left: recorded, but unreadable now; the records stand.
    """

    recorded: int = 0
    restated: int = 0
    taken_back: int = 0
    unchanged: int = 0
    held: int = 0
    ignored: int = 0
    dead: int = 0
    left: int = 0

    @property
    def replayed(self) -> int:
        return sum(getattr(self, each.name) for each in fields(self))

    def __add__(self, other: Replayed) -> Replayed:
        return Replayed(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """A message on trial. outcome: recorded, held, ignored or dead_lettered. was, records: the records that stand of it
    now and those that it would make, as they are kept; reason: why it would make none. changed: whether a replay would
    change what is recorded of it."""

    message: SourceMessage
    outcome: str
    reason: str = ""
    was: tuple[Json, ...] = ()
    records: tuple[Json, ...] = ()
    changed: bool = False


def replay(
    memory: Memory,
    source: str,
    translate: Translate,
    *,
    mapping: str = "",
    since: datetime | None = None,
    progress: Callable[[Replayed], None] = lambda _: None,
) -> Replayed:
    """Every message of the source that was received since `since` stands as `translate` reads it.

    A few hundred at a time, each in a transaction: ended at any moment, it comes to the same end when it is begun
    again; repeating it changes nothing. Raises StoreUnavailable.
    """
    total = Replayed()
    for table, part in ((_messages, _Replaying.messages), (_letters, _Replaying.letters)):
        place, last = 0, _newest(memory, table)
        while True:
            with memory.write() as connection:
                query = _wanted(table, source, since).where(table.c.id > place, table.c.id <= last)
                rows = connection.execute(query.order_by(table.c.id).limit(AT_ONCE)).mappings().all()
                if not rows:
                    break
                now = stored(memory.clock())
                work = _Replaying(connection, plant=memory.plant, now=now, translate=translate, mapping=mapping)
                total += part(work, source, rows)
                place = rows[-1]["id"]
            progress(total)
    return total


def newest_messages(memory: Memory, source: str, limit: int) -> list[SourceMessage]:
    """The last that the source sent, newest first, whatever became of them."""
    with memory.read() as connection:
        found = [
            row
            for table in (_messages, _letters)
            for row in connection.execute(_wanted(table, source, None).order_by(table.c.id.desc()).limit(limit))
            .mappings()
            .all()
        ]
    return [_message(row) for row in sorted(found, key=lambda row: row["received_at"], reverse=True)[:limit]]


def preview(memory: Memory, source: str, translate: Translate, messages: Sequence[SourceMessage]) -> list[Previewed]:
    """What a replay by `translate` would make of the messages. Nothing is kept."""
    with memory.read() as connection:
        work = _Replaying(connection, plant=memory.plant, now=stored(memory.clock()), translate=translate)
        standing = _standing(connection, source, messages)
        return [_previewed(work, message, standing[message.source_id]) for message in messages]


@dataclass(slots=True)
class _Standing:
    """What is recorded of one message. current: the id under which; generation: how often it was recorded anew.

    ours: it was taken back by a replay; theirs: by its source, or corrected.
    """

    current: str
    digest: str = ""
    generation: int = 0
    rows: list[Any] = field(default_factory=list)
    ours: bool = False
    theirs: bool = False

    def says(self) -> list[_Said]:
        """What stands of it now."""
        if self.ours or self.theirs:
            return []
        return sorted(
            (row.part, row.type, row.body, row.occurred_at, row.quality, 0 if self.generation else row.reported_at)
            for row in self.rows
        )


_Said = tuple[int, str, str, int, str, int]


class _Replaying(Remembering):
    """Some kept messages, read again inside the caller's transaction."""

    @property
    def plant(self) -> Plant:
        return self._plant

    def judged(self, message: SourceMessage) -> list[Record] | Aside | str:
        """Its records, why it makes none, or what makes it unreadable."""
        try:
            return self._readable(message)
        except UnreadableMessage as error:
            return letters.storable(error.message)

    def messages(self, source: str, rows: Sequence[Any]) -> Replayed:
        read = [(row, _message(row)) for row in rows]
        recorded = [(row, message) for row, message in read if row["standing"] == RECORDED]
        standing = _standing(self._connection, source, [message for _, message in recorded])
        total = Replayed()
        taken: list[str] = []
        for _, message in recorded:
            total += self._restate(message, standing[message.source_id], taken)
        aside = [(row, message) for row, message in read if row["standing"] in (HELD, IGNORED)]
        seen = self._digests([message for _, message in aside])
        back = _gone_at(self._connection, source) if aside else {}
        for row, message in aside:
            total += self._read_at_last(row, message, seen.setdefault((source, message.source_id), {}), back)
        if taken:
            self._delete(source, sorted(taken))
        self._finish()
        ids = [row["id"] for row in rows]
        by_others = _messages.c.mapping != self._mapping
        self._connection.execute(
            update(_messages).where(_messages.c.id.in_(ids), by_others).values(mapping=self._mapping)
        )
        return total

    def letters(self, source: str, rows: Sequence[Any]) -> Replayed:
        total, back = Replayed(), _gone_at(self._connection, source)
        for row in rows:
            message = _message(row)
            known = self._digests([message]).get((source, message.source_id), {})
            found = self.judged(message)
            kept = select(_messages.c.id).where(
                _messages.c.source == source,
                _messages.c.source_id == message.source_id,
                _messages.c.digest == message.digest,
            )
            if isinstance(found, list) and _is_gone(message, back):
                found = Aside(reason=_GONE)
            if any(known.values()) or self._connection.scalar(kept) is not None:
                found = str(row["reason"])
            elif isinstance(found, list):
                found = self._taken(message, found)
            if isinstance(found, str):
                self._connection.execute(update(_letters).where(_letters.c.id == row["id"]).values(reason=found))
                total += Replayed(dead=1)
                continue
            if isinstance(found, Aside):
                standing = HELD if found.held else IGNORED
                insert_rows(self._connection, _messages, [self._kept_columns(message, standing, found.reason)])
                total += Replayed(held=1) if found.held else Replayed(ignored=1)
            else:
                self._finish()
                total += Replayed(recorded=1)
            closed = {"status": letters.RECOVERED, "last_at": self._now}
            self._connection.execute(update(_letters).where(_letters.c.id == row["id"]).values(closed))
        return total

    def _restate(self, message: SourceMessage, now: _Standing, taken: list[str]) -> Replayed:
        found = self.judged(message)
        if isinstance(found, str) or (isinstance(found, Aside) and found.held):
            return Replayed(left=1)
        records = [] if isinstance(found, Aside) else found
        if now.theirs or not _restatable(message, now, records):
            return Replayed(unchanged=1)
        before = now.says()
        if before == _said(records, generation=now.generation) or not (before or records):
            return Replayed(unchanged=1)
        if records:
            at = _at(self._now)
            anew = replace(message, source_id=f"{message.source_id}{MARK}{now.generation + 1}", received_at=at)
            try:
                self._accept(anew, [_anew(record, anew.source_id, at) for record in records])
            except UnreadableMessage:
                return Replayed(left=1)
        if before:
            taken.append(now.current)
        return Replayed(restated=1) if records else Replayed(taken_back=1)

    def _read_at_last(self, row: Any, message: SourceMessage, seen: dict[str, bool], back: dict[str, int]) -> Replayed:
        """A message that was held or ignored; its records are its own, at their own times."""
        found = self.judged(message)
        if isinstance(found, list) and _is_gone(message, back):
            found = Aside(reason=_GONE)
        if isinstance(found, list) and any(seen.values()):
            found = "another content was recorded under its id"
        if isinstance(found, list) and not isinstance(found := self._taken(message, found), str):
            self._messages.pop()  # it is kept already
            seen[message.digest] = True
            standing, reason = RECORDED, None
        elif isinstance(found, Aside):
            standing, reason = HELD if found.held else IGNORED, letters.storable(found.reason)
        else:
            standing, reason = row["standing"], found
        if (standing, reason) != (row["standing"], row["reason"]):
            changed = update(_messages).where(_messages.c.id == row["id"])
            self._connection.execute(changed.values(standing=standing, reason=reason))
        return Replayed(**{standing: 1})

    def _taken(self, message: SourceMessage, records: list[Record]) -> list[Record] | str:
        """The message's records wait to be written; or why they can't be."""
        try:
            self._accept(message, records)
        except UnreadableMessage as error:
            return letters.storable(error.message)
        return records

    def _delete(self, source: str, ids: list[str]) -> None:
        """One message of ours takes all of them back, now."""
        at = _at(self._now)
        own = f"{MARK}{sha256(dumps(ids).encode()).hexdigest()[:16]}"  # an id is taken back once, so it is a new one
        told = dumps({"taken_back": ids, "mapping": self._mapping}).encode()
        message = SourceMessage(source=source, source_id=own, content=told, content_type=CONTENT_TYPE, received_at=at)
        deletions: list[Record] = [
            Deletion(
                provenance=Provenance(
                    source=source, source_id=own, occurred_at=at, reported_at=at, recorded_at=at, part=part
                ),
                of=each,
                reason="its source's mapping was mended, and it reads differently now",
            )
            for part, each in enumerate(ids)
        ]
        self._accept(message, deletions)
        self._to_settle[source] |= set(ids)


_GONE = "it is no longer at its source"


def _wanted(table: Any, source: str, since: datetime | None) -> Any:
    """The messages of the source that are its own, not ours."""
    query = select(table).where(table.c.source == source, table.c.source_id.is_not(None))
    query = query.where(
        table.c.source_id.not_like(f"%{MARK}%"), table.c.content_type.not_in((CONTENT_TYPE, gone.CONTENT_TYPE))
    )
    if table is _letters:
        query = query.where(table.c.status == letters.OPEN)
    return query if since is None else query.where(table.c.received_at >= stored(since))


def _newest(memory: Memory, table: Any) -> int:
    with memory.read() as connection:
        return connection.scalar(select(func.max(table.c.id))) or 0


def _message(row: Any) -> SourceMessage:
    names = ("source", "source_id", "stream", "key", "origin", "content_type", "content")
    times = {name: moment(row[name]) for name in ("received_at", "occurred_at", "reported_at")}
    return SourceMessage(**{name: row[name] for name in names}, **times)


def _standing(connection: Connection, source: str, messages: Iterable[SourceMessage]) -> dict[str, _Standing]:
    """What is recorded of each message, by its id."""
    found = {each.source_id: _Standing(current=each.source_id, digest=each.digest) for each in messages}
    pending, number = list(found), 0
    while pending:
        number += 1
        names = {f"{each}{MARK}{number}": each for each in pending}
        query = select(_messages.c.source_id, _messages.c.digest).where(
            _messages.c.source == source, _messages.c.source_id.in_(list(names))
        )
        pending = []
        for name, digest in connection.execute(query):
            own = found[names[name]]
            pending.append(names[name])
            own.generation = number
            if digest == own.digest:
                own.current = name
    by_current = {each.current: each for each in found.values()}
    ids = list(by_current)
    query = select(_records).where(_records.c.source == source, _records.c.source_id.in_(ids), _records.c.part >= 0)
    for row in connection.execute(query):
        by_current[row.source_id].rows.append(row)
    takers = select(_records.c.target, _records.c.source_id).where(
        _records.c.source == source, _records.c.target.in_(ids), _records.c.type.in_(_TAKING_BACK)
    )
    for target, taker in connection.execute(takers):
        if taker.startswith(MARK):
            by_current[target].ours = True
        else:
            by_current[target].theirs = True
    return found


def _restatable(message: SourceMessage, now: _Standing, records: Sequence[Record]) -> bool:
    """Whether its records can be told anew: they are its own, and none of them takes back another."""
    own = (message.source, message.source_id)
    return not any(row.type in _TAKING_BACK for row in now.rows) and all(
        (each.provenance.source, each.provenance.source_id) == own and not isinstance(each, Correction | Deletion)
        for each in records
    )


def _said(records: Iterable[Record], *, generation: int) -> list[_Said]:
    """What the records say, as `_Standing.says` does: what was recorded anew was reported when that was done."""
    return sorted(
        (
            each.provenance.part,
            type_of(each).value,
            body_of(each),
            stored(each.provenance.occurred_at),
            each.provenance.quality.value,
            0 if generation else stored(each.provenance.reported_at),
        )
        for each in records
    )


def _anew(record: Record, source_id: str, at: datetime) -> Record:
    """The record as we report it now; when it happened stays as it is."""
    return replace(record, provenance=replace(record.provenance, source_id=source_id, reported_at=at, recorded_at=at))


def _gone_at(connection: Connection, source: str) -> dict[str, int]:
    """When each thing was last told to be gone, by stream and key, whether or not anything stood of it then."""
    log = tables.message_log
    query = select(log.c.source_id, func.max(log.c.received_at)).where(
        log.c.source == source, log.c.source_id.like("%@gone~%")
    )
    found: dict[str, int] = defaultdict(int)
    for source_id, at in connection.execute(query.group_by(log.c.source_id)):
        thing = source_id.rpartition("@gone~")[0]
        found[thing] = max(found[thing], at)
    return found


def _is_gone(message: SourceMessage, back: dict[str, int]) -> bool:
    return bool(message.key) and back.get(f"{message.stream}/{message.key}", -1) >= stored(message.received_at)


def _previewed(work: _Replaying, message: SourceMessage, now: _Standing) -> Previewed:
    before = now.says()
    was = tuple(_shown(each) for each in before)
    found = work.judged(message)
    if isinstance(found, list):
        try:
            for record in found:
                Rows().add(record, plant=work.plant)
        except UnreadableMessage as error:
            found = error.message
    if isinstance(found, str):
        return Previewed(message=message, outcome=UNREADABLE, reason=found, was=was)
    if isinstance(found, Aside):
        changed = bool(before) and not found.held
        outcome = HELD if found.held else IGNORED
        return Previewed(message=message, outcome=outcome, reason=found.reason, was=was, changed=changed)
    changed = not now.theirs and before != _said(found, generation=now.generation)
    records = tuple(_shown(each) for each in _said(found, generation=0))
    return Previewed(message=message, outcome=RECORDED, was=was, records=records, changed=changed)


def _shown(said: _Said) -> dict[str, Json]:
    """A record as people look at it: its type, when it happened, and what it says."""
    _, record_type, body, occurred_at, _, _ = said
    return {"type": record_type, "occurred_at": _at(occurred_at).isoformat(), **json.loads(body)}


def _at(now: int) -> datetime:
    found = moment(now)
    if found is None:
        raise AssertionError("now is a moment")
    return found
