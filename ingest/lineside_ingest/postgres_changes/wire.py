"""The messages of PostgreSQL's `pgoutput` plugin, protocol version 1, as bytes and as what they say. Pure."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Unchanged(Enum):
    """A large value that an update left as it was: PostgreSQL does not send it."""

    UNCHANGED = "u"


UNCHANGED: Final = Unchanged.UNCHANGED
Value: TypeAlias = bytes | Unchanged | None  # as its type writes it in text


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction begins. commit: where its commit stands, which tells it from all others; at: when it committed."""

    commit: int
    at: datetime
    xid: int


@dataclass(frozen=True, slots=True)
class Commit:
    """It ends. end: where the write-ahead log goes on after it."""

    commit: int
    end: int


@dataclass(frozen=True, slots=True)
class Relation:
    """What the rows that follow look like. columns: (name, type's oid) of each."""

    oid: int
    table: str
    columns: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Insert:
    relation: int
    new: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """old: the row before, where it was sent: all of it (`whole`), or its replica identity alone, the others null."""

    relation: int
    old: tuple[Value, ...] | None
    whole: bool
    new: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Delete:
    relation: int
    old: tuple[Value, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Truncate:
    relations: tuple[int, ...]


Change: TypeAlias = Insert | Update | Delete | Truncate
Message: TypeAlias = Begin | Commit | Relation | Change


def read(data: bytes) -> Message | None:
    """What a message says; None for one that says nothing of rows (origin, type, a program's own message).

    Raises ValueError where it is none.
    """
    reader = _Reader(data)
    try:
        kind = reader.letter()
        found = _READ[kind](reader) if kind in _READ else None
    except (struct.error, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"the message {data[:1]!r} breaks off or is garbled: {error}") from error
    if kind not in _READ and kind not in "OYM":
        raise ValueError(f"there is no message {kind!r} in protocol version 1")
    if found is not None and not reader.ended:
        raise ValueError(f"the message {kind!r} goes on after its end")
    return found


def lsn_of(text: str) -> int:
    """A place in the write-ahead log as a number, from `16/B374D848`. Raises ValueError."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(lsn: int) -> str:
    """The same place as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def visible(xid: int, snapshot: str) -> bool:
    """Whether a snapshot shows what that transaction wrote, given that it has committed by now.

    xid: its 32 bits. snapshot: as `pg_current_snapshot` writes it, `xmin:xmax:running,running`.
    """
    _, top, running = snapshot.split(":")
    if (xid - int(top)) % (1 << 32) < 1 << 31:
        return False
    return xid not in {int(each) % (1 << 32) for each in running.split(",") if each}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at == len(self._data)

    def numbers(self, form: str) -> Sequence[int]:
        found = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return found

    def letter(self) -> str:
        (found,) = self.taken(1)
        return chr(found)

    def taken(self, size: int) -> bytes:
        found = self._data[self._at : self._at + size]
        if size < 0 or len(found) < size:
            raise IndexError("too short")
        self._at += size
        return found

    def text(self) -> str:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise IndexError("a text without its end")
        found = self.taken(end - self._at).decode()
        self._at += 1
        return found

    def row(self) -> tuple[Value, ...]:
        (count,) = self.numbers(">H")
        return tuple(self._value() for _ in range(count))

    def _value(self) -> Value:
        match self.letter():
            case "n":
                return None
            case "u":
                return UNCHANGED
            case "t":
                (size,) = self.numbers(">i")
                return self.taken(size)
            case other:
                raise IndexError(f"there is no value {other!r}")


def _begin(reader: _Reader) -> Begin:
    commit, at, xid = reader.numbers(">QqI")
    return Begin(commit=commit, at=_EPOCH + timedelta(microseconds=at), xid=xid)


def _commit(reader: _Reader) -> Commit:
    _, commit, end, _ = reader.numbers(">BQQq")
    return Commit(commit=commit, end=end)


def _relation(reader: _Reader) -> Relation:
    (oid,) = reader.numbers(">I")
    schema, name = reader.text() or "pg_catalog", reader.text()
    _, count = reader.numbers(">BH")
    columns = []
    for _ in range(count):
        reader.numbers(">B")
        column = reader.text()
        type_oid, _ = reader.numbers(">Ii")
        columns.append((column, type_oid))
    return Relation(oid=oid, table=f"{schema}.{name}", columns=tuple(columns))


def _insert(reader: _Reader) -> Insert:
    (relation,) = reader.numbers(">I")
    _expect(reader.letter(), "N")
    return Insert(relation=relation, new=reader.row())


def _update(reader: _Reader) -> Update:
    (relation,) = reader.numbers(">I")
    mark, old = reader.letter(), None
    whole = mark == "O"
    if mark in "KO":
        old, mark = reader.row(), reader.letter()
    _expect(mark, "N")
    return Update(relation=relation, old=old, whole=whole, new=reader.row())


def _delete(reader: _Reader) -> Delete:
    (relation,) = reader.numbers(">I")
    mark = reader.letter()
    _expect(mark, "KO")
    return Delete(relation=relation, old=reader.row(), whole=mark == "O")


def _truncate(reader: _Reader) -> Truncate:
    count, _ = reader.numbers(">IB")
    return Truncate(relations=tuple(reader.numbers(f">{count}I")))


def _expect(mark: str, known: str) -> None:
    if mark not in known:
        raise IndexError(f"there is no row {mark!r}")


_READ: dict[str, Callable[[_Reader], Message]] = {
    "B": _begin,
    "C": _commit,
    "R": _relation,
    "I": _insert,
    "U": _update,
    "D": _delete,
    "T": _truncate,
}
