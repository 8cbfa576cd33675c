"""What pgoutput's messages say, byte by byte."""

import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineside_ingest.postgres_changes.wire import (
    UNCHANGED,
    Begin,
    Commit,
    Delete,
    Insert,
    Relation,
    Truncate,
    Update,
    Value,
    lsn_of,
    lsn_text,
    read,
    visible,
)

OIDS = st.integers(0, 2**32 - 1)
LSNS = st.integers(0, 2**64 - 1)
NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=12)
VALUES = st.one_of(st.none(), st.just(UNCHANGED), st.binary(max_size=40))
ROWS = st.lists(VALUES, max_size=6).map(tuple)
# Sent by PostgreSQL 18.
RELATION = (
    b"R\x00\x00@\x00public\x00t\x00d\x00\x04\x01k\x00\x00\x00\x00\x19\xff\xff\xff\xff\x00n\x00\x00\x00\x06\xa4\xff\xff"
    b"\xff\xff\x00big\x00\x00\x00\x00\x19\xff\xff\xff\xff\x00d\x00\x00\x00\x04\xa0\xff\xff\xff\xff"
)
BEGIN = b"B\x00\x00\x00\x00\x01q\x8c\xa8\x00\x03\x03\xca\x01\x1a\xceC\x00\x00\x02\xf2"
COMMIT = b"C\x00\x00\x00\x00\x00\x01q\x8c\xa8\x00\x00\x00\x00\x01q\x8c\xd8\x00\x03\x03\xca\x01\x1a\xceC"
DELETE = b"D\x00\x00@\x00K\x00\x04t\x00\x00\x00\x01annn"


def written(row: tuple[Value, ...]) -> bytes:
    def one(value: Value) -> bytes:
        if value is None:
            return b"n"
        return b"u" if value is UNCHANGED else b"t" + struct.pack(">i", len(value)) + value

    return struct.pack(">H", len(row)) + b"".join(one(value) for value in row)


def test_what_a_server_sent_is_read_as_it_was_meant() -> None:
    at = datetime(2026, 11, 21, 15, 44, 26, 943043, tzinfo=UTC)
    assert read(BEGIN) == Begin(commit=lsn_of("0/1718CA8"), at=at, xid=754)
    assert read(COMMIT) == Commit(commit=lsn_of("0/1718CA8"), end=lsn_of("0/1718CD8"))
    columns = (("k", 25), ("n", 1700), ("big", 25), ("d", 1184))
    assert read(RELATION) == Relation(oid=16384, table="public.t", columns=columns)
    assert read(DELETE) == Delete(relation=16384, old=(b"a", None, None, None), whole=False)
    assert read(b"T\x00\x00\x00\x01\x03\x00\x00@\x00") == Truncate(relations=(16384,))


@given(OIDS, ROWS, ROWS, st.sampled_from(["K", "O"]))
def test_rows_come_back_as_they_were_written(
    relation: int, old: tuple[Value, ...], new: tuple[Value, ...], mark: str
) -> None:
    oid, before, whole = struct.pack(">I", relation), mark.encode() + written(old), mark == "O"
    assert read(b"I" + oid + b"N" + written(new)) == Insert(relation=relation, new=new)
    assert read(b"U" + oid + b"N" + written(new)) == Update(relation=relation, old=None, whole=False, new=new)
    told = Update(relation=relation, old=old, whole=whole, new=new)
    assert read(b"U" + oid + before + b"N" + written(new)) == told
    assert read(b"D" + oid + before) == Delete(relation=relation, old=old, whole=whole)


@given(OIDS, NAMES, NAMES, st.lists(st.tuples(NAMES, OIDS), max_size=5))
def test_a_table_comes_back_as_it_was_described(
    oid: int, schema: str, name: str, columns: list[tuple[str, int]]
) -> None:
    described = b"".join(b"\1" + each.encode() + b"\0" + struct.pack(">Ii", type_oid, -1) for each, type_oid in columns)
    head = struct.pack(">I", oid) + schema.encode() + b"\0" + name.encode() + b"\0"
    found = read(b"R" + head + b"d" + struct.pack(">H", len(columns)) + described)
    assert found == Relation(oid=oid, table=f"{schema}.{name}", columns=tuple(columns))


@given(st.binary(max_size=80))
@example(RELATION[:-1])
@example(BEGIN + b"x")
@example(b"T\xff\xff\xff\xff\x00")
@example(b"I\x00\x00@\x00N\x00\x01t\xff\xff\xff\xff")
def test_garbage_is_refused_and_never_anything_else(data: bytes) -> None:
    with suppress(ValueError):
        read(data)


@pytest.mark.parametrize("whole", [RELATION, BEGIN, COMMIT, DELETE])
def test_a_message_that_breaks_off_anywhere_is_refused(whole: bytes) -> None:
    for end in range(len(whole)):
        with pytest.raises(ValueError):
            read(whole[:end])


@pytest.mark.parametrize("data", [b"O" + b"\0" * 8 + b"x\0", b"Y\0\0\0\1public\0mood\0"])
def test_messages_that_say_nothing_of_rows_are_passed_over(data: bytes) -> None:
    assert read(data) is None


@given(LSNS)
def test_a_place_in_the_log_is_the_same_place_after_writing_it(lsn: int) -> None:
    assert lsn_of(lsn_text(lsn)) == lsn


@given(st.integers(3, 2**40), st.sets(st.integers(1, 500)), st.integers(-600, 600))
def test_a_snapshot_shows_what_had_ended_before_it_also_where_the_numbers_wrap(
    top: int, back: set[int], offset: int
) -> None:
    top += 1000
    running = sorted(top - each for each in back)
    snapshot = f"{min([*running, top])}:{top}:{','.join(map(str, running))}"
    xid = top + offset
    assert visible(xid % 2**32, snapshot) == (xid < top and xid not in running)


def test_a_commit_before_the_epoch_has_its_time() -> None:
    found = read(b"B" + struct.pack(">QqI", 1, -1_000_000, 5))
    assert isinstance(found, Begin)
    assert found.at == datetime(2000, 1, 1, tzinfo=UTC) - timedelta(seconds=1)
