"""Transactions as they come from the slot, turned into batches; and the place to go on from. Pure but for `fetch`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lineside.connector import Batch, Checkpoint, Gone, SourceMessage, Trouble, TroubleKind, Unreadable
from lineside.connector.rows import RowStream
from lineside.errors import SourceRefused, UnreadableMessage
from lineside.plant.records import Json
from lineside.plant.row_values import text
from lineside_ingest.postgres_changes.wire import (
    UNCHANGED,
    Begin,
    Change,
    Commit,
    Delete,
    Insert,
    Message,
    Relation,
    Truncate,
    Update,
    Value,
    lsn_of,
    lsn_text,
    read,
    visible,
)

MOST = 1000  # items per batch
MOST_TOLD = 100_000  # ids of one transaction that are remembered; beyond that each has its number in it

Row = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is followed. name: with its schema. version: the column that changes with every change; empty where
    the transaction tells the versions apart. whole: what is deleted in it is gone in the plant too."""

    name: str
    stream: RowStream
    version: str
    whole: bool

    def message(
        self, row: Row, *, xid: str, received_at: datetime, reported_at: datetime, origin: str, number: int = 0
    ) -> SourceMessage | Unreadable:
        """One state of a row. xid: of the transaction that wrote it. number: of the change in it, where needed."""
        version = (text(row.get(self.version)) if self.version else "") or xid
        return self.stream.message(
            row,
            version=f"{version}.{number}" if number else version,
            received_at=received_at,
            reported_at=reported_at,
            origin=origin,
        )


@dataclass(slots=True, kw_only=True)
class Followed:
    """A table that was read whole, and is followed since. snapshot: what that reading saw, needed up to `until`."""

    oid: int
    columns: dict[str, int]
    snapshot: str
    until: int

    def saw(self, transaction: Begin) -> bool:
        return transaction.commit < self.until and visible(transaction.xid, self.snapshot)


@dataclass(slots=True, kw_only=True)
class Place:
    """Up to where everything was told. lsn: the end of the last transaction that was told whole; within: (commit, how
    many changes were told) of the one after it. at: when the log ended there, by our clock."""

    identity: str
    publication: int
    lsn: int
    at: str
    within: tuple[int, int] | None = None
    tables: dict[str, Followed] = field(default_factory=dict)

    def checkpoint(self) -> Checkpoint:
        return {
            "identity": self.identity,
            "publication": self.publication,
            "lsn": lsn_text(self.lsn),
            "at": self.at,
            "within": None if self.within is None else [lsn_text(self.within[0]), self.within[1]],
            "tables": {
                name: {
                    "oid": each.oid,
                    "columns": dict(each.columns),
                    "snapshot": each.snapshot if self.lsn < each.until else "",
                    "until": lsn_text(each.until),
                }
                for name, each in self.tables.items()
            },
        }

    @classmethod
    def of(cls, kept: Checkpoint) -> Place:
        within, tables = kept.get("within"), kept.get("tables")
        return cls(
            identity=str(kept.get("identity")),
            publication=int(str(kept.get("publication"))),
            lsn=lsn_of(str(kept.get("lsn"))),
            at=str(kept.get("at")),
            within=(lsn_of(str(within[0])), int(str(within[1]))) if isinstance(within, list) else None,
            tables={name: _followed(each) for name, each in tables.items()} if isinstance(tables, dict) else {},
        )


@dataclass(slots=True, kw_only=True)
class Following:
    """Reads one stream of messages. tables: by `schema.name`. value: a value's JSON by its type. fetch: the named
    values of a row as they are now. passing: what happened meanwhile."""

    place: Place
    tables: Mapping[str, Table]
    value: Callable[[int, bytes | None], Json]
    fetch: Callable[[Table, Mapping[str, int], Row, list[str]], Row | None]
    clock: Callable[[], datetime]
    passing: list[Trouble] = field(default_factory=list)
    _relations: dict[int, Relation] = field(default_factory=dict)
    _begin: Begin | None = None
    _known: bool = False  # whether the transaction was told before
    _number: int = 0  # of the change in it
    _resumed: int = 0  # how many of its changes an earlier reading told
    _told: set[int] = field(default_factory=set)
    _messages: list[SourceMessage] = field(default_factory=list)
    _unreadable: list[Unreadable] = field(default_factory=list)
    _gone: dict[tuple[str, str], Gone] = field(default_factory=dict)

    def batches(self, messages: Iterable[bytes]) -> Generator[Batch, None, None]:
        """What they say, each batch with the place after it. Raises SourceRefused where they are no such messages."""
        for data in messages:
            match _said(data):
                case Begin() as begin:
                    self._begin, self._number, self._resumed = begin, 0, self._before(begin)
                    self._known = begin.commit < self.place.lsn
                    self._told.clear()
                case Commit() as commit:
                    if not self._known:
                        self.place.lsn, self.place.within = commit.end, None
                    self._begin = None
                case Relation() as relation:
                    self._relations[relation.oid] = relation
                case Insert() | Update() | Delete() | Truncate() as change:
                    yield from self._change(change, data)
                case None:
                    pass
        if self._waiting:
            yield self._batch()

    @property
    def _waiting(self) -> int:
        return len(self._messages) + len(self._unreadable) + len(self._gone)

    def _batch(self) -> Batch:
        batch = Batch(
            messages=self._messages,
            unreadable=self._unreadable,
            gone=list(self._gone.values()),
            checkpoint=self.place.checkpoint(),
        )
        self._messages, self._unreadable, self._gone = [], [], {}
        return batch

    def _change(self, change: Change, data: bytes) -> Generator[Batch, None, None]:
        begin = self._begin
        if begin is None:
            raise SourceRefused("the slot gave a change outside a transaction")
        self._number += 1
        if self._known or self._number <= self._resumed:
            return
        for relation_oid in change.relations if isinstance(change, Truncate) else (change.relation,):
            relation = self._relations.get(relation_oid)
            if relation is None:
                raise SourceRefused(f"the slot gave a change of the relation {relation_oid} and said nothing of that")
            table = self.tables.get(relation.table)
            followed = None if table is None else self.place.tables.get(table.stream.name)
            if table is None or followed is None or followed.saw(begin):
                continue
            self._notice(relation, table, followed)
            if isinstance(change, Truncate):
                self._emptied(table, begin)
                continue
            for item in self._items(change, table, relation, begin, data):
                about = None if isinstance(item, Unreadable) else (table.stream.name, item.key)
                if isinstance(item, SourceMessage) and about in self._gone:
                    yield self._batch()  # of one batch, what is gone counts after what is said
                match item:
                    case SourceMessage():
                        self._messages.append(item)
                    case Unreadable():
                        self._unreadable.append(item)
                    case Gone():
                        self._gone[item.stream, item.key] = item
        self.place.within = (begin.commit, self._number)
        if self._waiting >= MOST:
            yield self._batch()

    def _before(self, begin: Begin) -> int:
        within = self.place.within
        return within[1] if within is not None and within[0] == begin.commit else 0

    def _items(
        self, change: Insert | Update | Delete, table: Table, relation: Relation, begin: Begin, data: bytes
    ) -> Generator[SourceMessage | Unreadable | Gone, None, None]:
        origin = f"{relation.table} at {lsn_text(begin.commit)}"
        try:
            old = None if isinstance(change, Insert) or change.old is None else self._row(relation, change.old)
            if isinstance(change, Delete):
                if table.whole:
                    yield self._deleted(table, old or {}, begin)
                return
            row = self._filled(change, table, relation, old)
            item = self._message(table, row, begin, origin)
            if table.whole and old is not None and isinstance(item, SourceMessage):
                yield from self._rekeyed(table, old, item.key, begin)
        except UnreadableMessage as error:
            yield Unreadable(content=data, reason=error.message, origin=origin)
            return
        yield item

    def _message(self, table: Table, row: Row, begin: Begin, origin: str) -> SourceMessage | Unreadable:
        """A state of a row; one that its transaction told before has the change's number in its id."""

        def numbered(number: int) -> SourceMessage | Unreadable:
            return table.message(
                row,
                xid=str(begin.xid),
                received_at=self.clock(),
                reported_at=begin.at,
                origin=origin,
                number=number,
            )

        if self._resumed or len(self._told) >= MOST_TOLD:
            return numbered(self._number)
        item = numbered(0)
        if isinstance(item, SourceMessage):
            if (told := hash(item.source_id)) in self._told:
                return numbered(self._number)
            self._told.add(told)
        return item

    def _row(self, relation: Relation, values: tuple[Value, ...]) -> Row:
        """A row as it was sent; without the values that were not."""
        if len(values) != len(relation.columns):
            raise UnreadableMessage(f"{len(values)} values came for {len(relation.columns)} columns")
        return {
            name: self.value(oid, value)
            for (name, oid), value in zip(relation.columns, values, strict=True)
            if value is not UNCHANGED
        }

    def _filled(self, change: Insert | Update, table: Table, relation: Relation, old: Row | None) -> Row:
        """The new row, with the large values that it left as they were: from the old row where that was sent whole,
        else as they are by now. Raises UnreadableMessage where the row is gone by now and the mapping reads them."""
        row = self._row(relation, change.new)
        unsent = [name for name, _ in relation.columns if name not in row]
        if unsent and isinstance(change, Update) and change.whole and old is not None:
            row |= {name: old[name] for name in unsent if name in old}
        elif unsent:
            row |= self.fetch(table, dict(relation.columns), row, unsent) or {}
        if missing := sorted(set(unsent) & set(table.stream.lacking(row))):
            names = ", ".join(missing)
            raise UnreadableMessage(
                f"an update left {names} as it was, so it was not sent, and the row is gone by now;"
                f" REPLICA IDENTITY FULL would send it"
            )
        return {name: row[name] for name, _ in relation.columns if name in row}

    def _deleted(self, table: Table, old: Row, begin: Begin) -> Gone:
        try:
            key = table.stream.key_of(old)
        except UnreadableMessage as error:
            raise UnreadableMessage(
                f"a row of {table.name} was deleted, and its replica identity does not name it: {error.message}"
            ) from error
        return Gone(stream=table.stream.name, key=key, at=begin.at, reason="it was deleted at the source")

    def _rekeyed(self, table: Table, old: Row, key: str, begin: Begin) -> Generator[Gone, None, None]:
        """What the row was called before, where it is called otherwise now and that was sent."""
        try:
            before = table.stream.key_of(old)
        except UnreadableMessage:
            return
        if before != key:
            yield Gone(stream=table.stream.name, key=before, at=begin.at, reason=f"it is {key} at the source now")

    def _emptied(self, table: Table, begin: Begin) -> None:
        if table.whole:
            reason = f"it was emptied (TRUNCATE) at {begin.at.isoformat()}; reconciling takes back what was kept of it"
            self._tell(TroubleKind.EPOCH, reason, table)

    def _notice(self, relation: Relation, table: Table, followed: Followed) -> None:
        """A table that looks otherwise than before is told."""
        columns, before = dict(relation.columns), followed.columns
        changes = [f"{name} is new" for name in columns if name not in before]
        changes += [f"{name} is gone" for name in before if name not in columns]
        changes += [
            f"{name} is of another type" for name in columns if before.get(name, columns[name]) != columns[name]
        ]
        if changes:
            self._tell(TroubleKind.DRIFT, f"its columns changed: {', '.join(changes)}", table)
            followed.columns = columns

    def _tell(self, kind: TroubleKind, reason: str, table: Table) -> None:
        self.passing.append(Trouble(kind=kind, reason=reason, stream=table.stream.name, passing=True))


def _said(data: bytes) -> Message | None:
    try:
        return read(data)
    except ValueError as error:
        raise SourceRefused(f"the slot gave what is not pgoutput's protocol: {error}") from error


def _followed(kept: Json) -> Followed:
    told = kept if isinstance(kept, dict) else {}
    columns = told.get("columns")
    return Followed(
        oid=int(str(told.get("oid"))),
        columns={name: int(str(oid)) for name, oid in columns.items()} if isinstance(columns, dict) else {},
        snapshot=str(told.get("snapshot") or ""),
        until=lsn_of(str(told.get("until"))),
    )
