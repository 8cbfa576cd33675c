"""One collection while it is read: its mark, what stands in the overlap and is known already, and what has drifted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from lineside.connector import Batch, Gone, SourceMessage, Unreadable
from lineside.connector.rows import Versions, digest
from lineside.errors import UnreadableMessage
from lineside.plant import row_values
from lineside.plant.records import Json
from lineside_ingest.odata.query import Collection

Row = dict[str, Json]


class Reading:
    """Begins where the state `before` ended. streams: whose things a collection of deletions may name."""

    def __init__(
        self, collection: Collection, before: Json, clock: Callable[[], datetime], streams: frozenset[str]
    ) -> None:
        state = before if isinstance(before, dict) else {}
        mark, known, delta, most = (state.get(name) for name in ("mark", "seen", "delta", "most"))
        self.mark = mark if isinstance(mark, str) else None
        self.delta = delta if isinstance(delta, str) else None
        self.most = most if isinstance(most, int) else collection.page_size
        self.drift: dict[str, None] = dict.fromkeys(f"it has no {name} any more" for name in collection.absent)
        self._began = self.mark
        self._collection = collection
        self._seen = {key: str(at) for key, at in known.items()} if isinstance(known, dict) else {}
        self._versions = Versions(state.get("versions"))
        self._clock = clock
        self._streams = streams
        self._mapped = _digest_of(collection)
        self._types = self._compared(state)

    @property
    def since(self) -> str | None:
        """Where to ask from: the mark less the overlap."""
        return None if self.mark is None else self._collection.behind(self.mark)

    def news(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that were not sent already."""
        return [row for row in rows if self._sign(row) not in self._seen]

    def take(self, rows: Sequence[Row], whole: Sequence[tuple[Row, Row]], removed: Sequence[str] = ()) -> Batch:
        """What is new. rows: the page's; whole: its news, each with the row that says everything of it."""
        messages: list[SourceMessage] = []
        unreadable: list[Unreadable] = []
        gone = [Gone(stream=self._collection.name, key=key) for key in removed]
        for key in removed:
            self._versions.forget(key)
        for listed, row in whole:
            changed = self._collection.changed(listed)
            if self._collection.gone_key:
                gone += self._gone(listed, changed)
            else:
                items = [self._item(each, changed) for each in self._collection.rows_of(row)]
                messages += [each for each in items if isinstance(each, SourceMessage)]
                unreadable += [each for each in items if isinstance(each, Unreadable)]
            if changed is not None:
                self._seen[self._sign(listed)] = changed
        for row in rows:
            if (changed := self._collection.changed(row)) is not None:
                self.mark = self._collection.later(self.mark, self._collection.not_after(changed, self._clock()))
        return Batch(messages=messages, unreadable=unreadable, gone=gone)

    def state(self) -> Json:
        """What the next reading begins with."""
        low = self.since
        near: dict[str, Json] = {
            each: at for each, at in self._seen.items() if low is None or self._collection.reaches(at, low)
        }
        return {
            "mark": self.mark, "seen": near, "versions": self._versions.kept(), "delta": self.delta,
            "types": dict(self._types), "mapped": self._mapped,
            **({"most": self.most} if self.most < self._collection.page_size else {}),
        }  # fmt: skip

    def _item(self, row: Row, changed: str | None) -> SourceMessage | Unreadable | None:
        stream = self._collection.stream
        if stream.fixed:
            self.drift |= dict.fromkeys(f"its rows have no {name} any more" for name in stream.lacking(row))
        version = changed
        if version is None:
            try:
                version = self._versions.next(stream.key_of(row), row)
            except UnreadableMessage:
                version = ""
            if version is None:
                return None
        return stream.message(
            row,
            version=version,
            received_at=self._clock(),
            reported_at=self._collection.moment(changed),
            origin=self._collection.path,
        )

    def _gone(self, row: Row, changed: str | None) -> list[Gone]:
        """What a row of a list of deletions takes back; before the first read there is nothing to take back."""
        stream, key = (
            row_values.text(row.get(name)) for name in (self._collection.gone_stream, self._collection.gone_key)
        )
        if self._began is None or stream not in self._streams or not key:
            return []
        return [Gone(stream=stream, key=key, at=self._collection.moment(changed))]

    def _compared(self, state: Mapping[str, Json]) -> dict[str, Json]:
        """The types of the columns in use as they were when the mapping was last changed; other ones now are drift."""
        entity = self._collection.entity
        if entity is None:
            kept = state.get("types")
            return dict(kept) if isinstance(kept, dict) else {}
        now: dict[str, Json] = {
            name: entity.properties[name].type for name in self._collection.columns if name in entity.properties
        }
        before = state.get("types") if state.get("mapped") == self._mapped else None
        if not isinstance(before, dict):
            return now
        for name, was in before.items():
            if name in now and now[name] != was:
                self.drift[f"{name} was {was} and is {now[name]}"] = None
        return {**now, **before}

    def _sign(self, row: Row) -> str:
        return f"{'/'.join(row_values.text(row.get(name)) for name in self._collection.stream.key)}~{digest(row)}"


def _digest_of(collection: Collection) -> str:
    return sha256(repr(collection.stream.mappings).encode()).hexdigest()[:8]
