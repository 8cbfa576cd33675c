"""What each stream has looked like, kept beside its messages, and the drift that is open: what changed since.

A stream's look is learnt from what it sends. What departs from it stays apart, as news, until somebody accepts it, the
mapping has another version, or the source is again as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from sqlalchemy import Connection, delete, select

from lineside.connector import SourceMessage, Trouble, TroubleKind
from lineside.memory import tables
from lineside.memory.bodies import dumps
from lineside.memory.database import insert_rows
from lineside.memory.letters import storable
from lineside.memory.moments import stored
from lineside.memory.store import Memory
from lineside.plant.drift import ENOUGH, Drift, DriftKind, compare, settled
from lineside.plant.mapping_file import SourceMapping
from lineside.plant.records import Json
from lineside.plant.shape import Shape, look_from_json, look_to_json, profile

MOST_STREAMS = 200
_SOON_S, _LATEST_S = 5.0, 60.0
_AT_ONCE = 500
_WHOLE = ""  # the field under which a stream itself is kept
_shapes = tables.shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How a stream was known to look, and what departs from it. mapping: the version by which that was told."""

    known: Shape = field(default_factory=Shape)
    new: Shape = field(default_factory=Shape)
    mapping: str = ""


class DriftWatch:
    """Watches the streams of one source that are mapped, while it is read. Not for several threads at once."""

    def __init__(self, memory: Memory, mapping: SourceMapping) -> None:
        self._memory = memory
        self.mapping = mapping
        self._waiting: dict[str, list[Mapping[str, Json]]] = {}
        self._since = self._looked_at = monotonic()

    def see(self, messages: Sequence[SourceMessage]) -> list[Trouble] | None:
        """All drift of the source that is open now; None while nothing new was learnt of it.

        Messages are looked at a few at a time: a batch of some at once, single ones with others, within a minute. Call
        it after a batch is kept, with none for a sign of life.
        """
        if not self._waiting:
            self._since = monotonic()
        for message in messages:
            name = storable(message.stream)
            if self.mapping.stream(name) is None or (row := row_of(message)) is None:
                continue
            if name in self._waiting or len(self._waiting) < MOST_STREAMS:
                self._waiting.setdefault(name, []).append(row)
        count, age = sum(map(len, self._waiting.values())), monotonic() - self._since
        due = count and (len(messages) >= ENOUGH or count >= _AT_ONCE or age >= _LATEST_S)
        if due or (count >= ENOUGH and age >= _SOON_S) or monotonic() - self._looked_at >= _LATEST_S:
            return self.flush()
        return None

    def flush(self) -> list[Trouble]:
        """All that waits is looked at; the drift that is open. Raises StoreUnavailable."""
        self._looked_at = monotonic()
        if self._waiting:
            with self._memory.write() as connection:
                now = stored(self._memory.clock())
                for stream, rows in self._waiting.items():
                    _learn(connection, self.mapping, stream, rows, now)
            self._waiting.clear()
        return [
            Trouble(kind=TroubleKind.DRIFT, reason=drift.reason, stream=stream)
            for stream, drift in open_drift(self._memory, self.mapping)
        ]


def open_drift(memory: Memory, mapping: SourceMapping) -> list[tuple[str, Drift]]:
    """(stream, what changed there) for all that nobody accepted, by stream and field."""
    with memory.read() as connection:
        names = _streams(connection, mapping.source)
        looks = {name: looked(connection, mapping.source, name) for name in names}
    return [(name, drift) for name, look in looks.items() for drift in _open(look, mapping, name)]


def accept(memory: Memory, mapping: SourceMapping, stream: str | None = None) -> list[tuple[str, Drift]]:
    """Streams look as they do now from now on; the drift that was open there. stream: only this one."""
    accepted = []
    with memory.write() as connection:
        for name in _streams(connection, mapping.source):
            if stream not in (None, name):
                continue
            look = looked(connection, mapping.source, name)
            drifts = _open(look, mapping, name)
            if drifts:
                accepted += [(name, drift) for drift in drifts]
                known = _as_it_is_now(look, drifts)
                after = Looked(known=known, mapping=mapping.version)
                _keep(connection, mapping.source, name, after, stored(memory.clock()))
    return accepted


def known_shapes(memory: Memory, source: str) -> dict[str, Shape]:
    """How each stream of the source looks, its news included."""
    with memory.read() as connection:
        found = {name: looked(connection, source, name) for name in _streams(connection, source)}
    return {name: look.known + look.new for name, look in found.items()}


def looked(connection: Connection, source: str, stream: str) -> Looked:
    """What is kept of a stream's look."""
    query = select(_shapes).where(_shapes.c.source == source, _shapes.c.stream == stream)
    rows = connection.execute(query.order_by(_shapes.c.field)).all()
    parts: dict[str, dict[str, Any]] = {"known": {}, "new": {}}
    counts: dict[str, Any] = {}
    for row in rows:
        if row.field == _WHOLE:
            counts = json.loads(row.values)
            continue
        types, values = json.loads(row.types), json.loads(row.values)
        for part in types:
            parts[part][row.field] = look_from_json({"types": types[part], **values[part]})
    return Looked(
        known=Shape(messages=counts.get("known", 0), fields=parts["known"]),
        new=Shape(messages=counts.get("new", 0), fields=parts["new"]),
        mapping=counts.get("mapping", ""),
    )


def row_of(message: SourceMessage) -> Mapping[str, Json] | None:
    """The JSON object in a message; None for anything else."""
    if "json" not in message.content_type:
        return None
    try:
        row = json.loads(message.content)
    except (ValueError, RecursionError):  # what can't be read is a dead letter; here it tells nothing
        return None
    return row if isinstance(row, dict) else None


def _learn(
    connection: Connection, mapping: SourceMapping, stream: str, rows: Sequence[Mapping[str, Json]], now: int
) -> None:
    before = looked(connection, mapping.source, stream)
    ours = mapping.stream(stream)
    known, new = before.known, before.new
    if before.mapping != mapping.version:  # who mended the mapping has looked at what changed
        known, new = _as_it_is_now(before, compare(known, new, ours)), Shape()
    latest = profile(rows, ours)
    if latest.messages >= ENOUGH and _structure_only(compare(known, new, ours)) and not compare(known, latest, ours):
        new = Shape()  # its source is as it was
    new = new + latest
    drifts = compare(known, new, ours)
    if known.messages < ENOUGH or new.messages >= ENOUGH or drifts:
        known, new = settled(known, new, drifts)
    _keep(connection, mapping.source, stream, Looked(known=known, new=new, mapping=mapping.version), now)


def _structure_only(drifts: Iterable[Drift]) -> bool:
    """Whether all of it goes away with the fields as they were; a code or a unit that was once sent does not."""
    return all(each.kind not in (DriftKind.NEW_CODE, DriftKind.CHANGED_UNIT) for each in drifts)


def _open(look: Looked, mapping: SourceMapping, stream: str) -> list[Drift]:
    return compare(look.known, look.new, mapping.stream(stream)) if look.mapping == mapping.version else []


def _as_it_is_now(look: Looked, drifts: Iterable[Drift]) -> Shape:
    """The look as it is accepted: fields that drifted as they are now, of the others also what they ever held."""
    both = look.known + look.new
    if look.new.messages < ENOUGH:
        return both
    drifted = {drift.field for drift in drifts}
    now = {
        name: each if name in drifted else replace(both.fields[name], seen=each.seen, types=each.types)
        for name, each in look.new.fields.items()
    }
    rare = {
        name: replace(each, seen=0, types={})
        for name, each in look.known.fields.items()
        if name not in now and name not in drifted
    }
    return Shape(messages=look.new.messages, fields={**now, **rare})


def _keep(connection: Connection, source: str, stream: str, look: Looked, now: int) -> None:
    of_it = (_shapes.c.source == source) & (_shapes.c.stream == stream)
    when = connection.execute(select(_shapes.c.field, _shapes.c.first_at).where(of_it))
    first = {row.field: row.first_at for row in when}
    connection.execute(delete(_shapes).where(of_it))
    counts = {"known": look.known.messages, "new": look.new.messages, "mapping": look.mapping}
    rows = [_row(_WHOLE, {}, counts, look.known.messages)]
    for name in sorted({*look.known.fields, *look.new.fields}):
        parts = {
            part: look_to_json(shape.fields[name])
            for part, shape in (("known", look.known), ("new", look.new))
            if name in shape.fields
        }
        types = {part: told.pop("types") for part, told in parts.items()}
        rows.append(_row(storable(name), types, parts, parts.get("known", {}).get("seen", 0)))
    same = {"source": source, "stream": stream, "last_at": now}
    insert_rows(connection, _shapes, [{**row, **same, "first_at": first.get(row["field"], now)} for row in rows])


def _row(name: str, types: Mapping[str, Any], values: Mapping[str, Any], seen: int) -> dict[str, Any]:
    return {"field": name, "types": storable(dumps(types)), "values": storable(dumps(values)), "seen": seen}


def _streams(connection: Connection, source: str) -> Iterator[str]:
    query = select(_shapes.c.stream).where(_shapes.c.source == source, _shapes.c.field == _WHOLE)
    return iter(sorted(connection.scalars(query)))
