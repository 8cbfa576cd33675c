"""A mended mapping over the past: what it records, restates and leaves, and that what was known then is still shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from lineside.connector import Batch, Gone, SourceMessage, Translated
from lineside.connector.rows import RowStream
from lineside.memory import Memory, replay, tables
from lineside.memory.database import Database
from lineside.memory.remember import Translate
from lineside.memory.replay import Replayed, newest_messages, preview
from lineside.memory.schema import migrate_to_head
from lineside.plant.entities import Entity
from lineside.plant.mapping import read_mapping
from lineside.plant.plant_file import parse_plant
from lineside.plant.records import Deletion, Provenance
from lineside.plant.row_values import Notation

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
OLD: dict[str, Any] = {"entity": "lot:{Lot}", "properties": {"quantity": {"field": "Qty", "type": "number"}}}
NEW: dict[str, Any] = {
    "entity": "lot:{Lot}",
    "properties": {"quantity": {"field": "Qty", "type": "number", "unit": {"field": "U", "codes": {"St": "ea"}}}},
}
ONLY_A: dict[str, Any] = {**NEW, "when": {"Kind": "A"}}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def memory(open_memory: Any, store_url: str) -> Memory:
    return aged(open_memory(store_url))


def aged(memory: Memory) -> Memory:
    memory.clock = Clock()
    return memory


def stream(mapping: Mapping[str, Any]) -> RowStream:
    return RowStream(
        source="wms",
        name="stock",
        key=("No",),
        mappings=read_mapping(mapping),
        notation=Notation(time_zone=UTC),
        fixed=True,
    )


def by(mapping: Mapping[str, Any]) -> Translate:
    return stream(mapping).records


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"No": number, "Lot": f"L-{number}", "Qty": 10 + number, "U": "St", "Kind": "A", **more}


def sent(memory: Memory, rows: Sequence[Mapping[str, Any]], mapping: Mapping[str, Any] = OLD) -> list[SourceMessage]:
    messages = [
        stream(mapping).message(each, version="1", received_at=memory.clock(), reported_at=NOW - timedelta(hours=2))
        for each in rows
    ]
    memory.remember(Batch(messages=messages), source="wms", translate=by(mapping), mapping="1~a")  # type: ignore[arg-type]
    return messages  # type: ignore[return-value]


def replayed(memory: Memory, mapping: Mapping[str, Any] | Translate = NEW, **more: Any) -> Replayed:
    translate = by(mapping) if isinstance(mapping, Mapping) else mapping
    return replay.replay(memory, "wms", translate, mapping="2~b", **more)


def said(memory: Memory, number: int, as_of: datetime | None = None) -> list[str]:
    view = memory.view(as_of=as_of or LATER + timedelta(days=1))
    return [each.text for each in view.said(entity=Entity("lot", f"L-{number}"), properties=["quantity"])]


def everything(memory: Memory) -> list[Any]:
    """All that is kept, without the counters of the tables."""
    kept = tables.messages
    columns = [kept.c.source_id, kept.c.digest, kept.c.standing, kept.c.reason, kept.c.mapping]
    with memory.read() as connection:
        records = [tuple(each) for each in connection.execute(select(tables.records)).all()]
        letters = [tuple(each) for each in connection.execute(select(tables.dead_letters)).all()]
        return [sorted(records), sorted(map(str, connection.execute(select(*columns)))), letters]


def balanced(memory: Memory) -> tuple[int, int, int, int, int]:
    (account,) = memory.sources_seen()
    parts = (account.recorded, account.known, account.dead_lettered, account.held, account.ignored)
    assert account.received == sum(parts)
    return parts


def test_what_reads_differently_is_recorded_anew_and_an_earlier_view_shows_what_was_known(memory: Memory) -> None:
    sent(memory, [row(1), row(2)])
    memory.clock.now = LATER  # type: ignore[attr-defined]

    assert replayed(memory) == Replayed(restated=2)
    assert said(memory, 1) == ["11 ea"]
    assert said(memory, 1, as_of=NOW) == ["11"]
    assert balanced(memory) == (2, 0, 0, 0, 0)


def test_a_second_replay_changes_nothing(memory: Memory) -> None:
    sent(memory, [row(1), row(2, Qty="many"), row(3, Kind="B")])
    replayed(memory, ONLY_A)
    before = everything(memory)
    memory.clock.now = LATER  # type: ignore[attr-defined]

    assert replayed(memory, ONLY_A) == Replayed(unchanged=2, dead=1)
    assert everything(memory) == before


def test_held_ignored_and_dead_messages_are_recorded_at_their_own_time(memory: Memory) -> None:
    renamed = {"No": 1, "Lot": "L-1", "Amount": 11, "U": "St", "Kind": "A"}
    sent(memory, [renamed])
    sent(memory, [row(2)], {**OLD, "when": {"Kind": "B"}})
    sent(memory, [row(3, Qty="3 1/2")])
    assert balanced(memory) == (0, 0, 1, 1, 1)
    memory.clock.now = LATER  # type: ignore[attr-defined]
    either: dict[str, Any] = {"entity": "lot:{Lot}", "properties": {"quantity": {"field": "No", "type": "number"}}}

    assert replayed(memory, either) == Replayed(recorded=3)
    assert balanced(memory) == (3, 0, 0, 0, 0)
    assert [said(memory, number, as_of=NOW) for number in (1, 2, 3)] == [["1"], ["2"], ["3"]]
    assert memory.dead_letters() == []


def test_what_is_ignored_by_rule_now_is_taken_back_and_comes_again_with_the_rule_gone(memory: Memory) -> None:
    sent(memory, [row(1), row(2, Kind="B")], NEW)

    assert replayed(memory, ONLY_A) == Replayed(unchanged=1, taken_back=1)
    assert said(memory, 2) == []
    assert replayed(memory, NEW) == Replayed(unchanged=1, restated=1)
    assert said(memory, 2) == ["12 ea"]


def test_a_mapping_may_be_changed_back_and_forth(memory: Memory) -> None:
    sent(memory, [row(1)])
    for hours, mapping, text in ((1, NEW, "11 ea"), (2, OLD, "11"), (3, NEW, "11 ea")):
        memory.clock.now = NOW + timedelta(hours=hours)  # type: ignore[attr-defined]

        assert replayed(memory, mapping) == Replayed(restated=1)
        assert said(memory, 1) == [text]
    assert [said(memory, 1, NOW + timedelta(hours=each, minutes=5))[0] for each in range(4)] == [
        "11", "11 ea", "11", "11 ea",
    ]  # fmt: skip


def test_what_its_source_took_back_is_not_brought_back(memory: Memory) -> None:
    sent(memory, [row(1)])
    replayed(memory, NEW)
    memory.clock.now = LATER  # type: ignore[attr-defined]
    memory.remember(Batch(gone=[Gone(stream="stock", key="1")]), source="wms", translate=by(NEW))

    assert said(memory, 1) == [], "the record that a replay made is taken back too"
    assert replayed(memory, OLD) == Replayed(unchanged=1)
    assert said(memory, 1) == []


def test_what_was_held_when_its_source_took_it_back_is_not_recorded_later(memory: Memory) -> None:
    sent(memory, [{"No": 1, "Lot": "L-1", "Amount": 11}])
    memory.remember(Batch(gone=[Gone(stream="stock", key="1")]), source="wms", translate=by(NEW))

    assert replayed(memory, {"entity": "lot:{Lot}", "properties": {"quantity": "{Amount}"}}) == Replayed(ignored=1)
    assert said(memory, 1) == []


def test_what_is_unreadable_now_stands_as_it_was(memory: Memory) -> None:
    sent(memory, [row(1)])

    assert replayed(memory, {"entity": "lot:{Lot}", "properties": {"quantity": "{Menge}"}}) == Replayed(left=1)
    assert said(memory, 1) == ["11"]


def test_a_source_that_corrects_itself_is_left_alone(memory: Memory) -> None:
    messages = sent(memory, [row(1)])

    def translate(message: SourceMessage) -> Translated:
        if message.source_id != "undo":
            return by(NEW)(message)
        at = message.received_at
        own = Provenance(source="wms", source_id="undo", occurred_at=at, reported_at=at, recorded_at=at)
        return [Deletion(provenance=own, of=messages[0].source_id, reason="a mistake")]

    undo = SourceMessage(source="wms", source_id="undo", content=b"{}", received_at=NOW)
    memory.remember(Batch(messages=[undo]), source="wms", translate=translate)

    assert replayed(memory, translate) == Replayed(unchanged=2)
    assert said(memory, 1) == []


def test_only_messages_since_a_time_are_read_again(memory: Memory) -> None:
    sent(memory, [row(1)])
    memory.clock.now = LATER  # type: ignore[attr-defined]
    sent(memory, [row(2)])

    assert replayed(memory, NEW, since=LATER) == Replayed(restated=1)
    assert (said(memory, 1), said(memory, 2)) == (["11"], ["12 ea"])


def test_a_replay_does_not_make_a_silent_source_look_alive(memory: Memory) -> None:
    sent(memory, [row(1)])
    (before,) = memory.view(as_of=LATER).freshness(["wms"])
    memory.clock.now = LATER  # type: ignore[attr-defined]
    replayed(memory)

    assert memory.view(as_of=LATER).freshness(["wms"]) == [before]


def test_each_message_says_which_mapping_read_it_last(memory: Memory) -> None:
    sent(memory, [row(1), row(2, Kind="B")], ONLY_A)
    replayed(memory, ONLY_A)

    with memory.read() as connection:
        assert set(connection.scalars(select(tables.messages.c.mapping))) == {"2~b"}


def test_killed_in_the_middle_it_comes_to_the_same_end(
    open_memory: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(_: Replayed) -> None:
        raise Killed

    monkeypatch.setattr(replay, "AT_ONCE", 2)
    rows = [row(number, Kind="AB"[number % 2], **({"Qty": "?"} if number == 3 else {})) for number in range(9)]
    ends = []
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        memory = aged(open_memory(f"sqlite:///{tmp_path / name / 'lineside.db'}"))
        sent(memory, rows)
        memory.clock.now = LATER  # type: ignore[attr-defined]
        if name == "killed":
            for _ in range(3):
                with pytest.raises(Killed):
                    replayed(memory, ONLY_A, progress=kill)
                with pytest.raises(Killed):
                    replayed(memory, ONLY_A, progress=lambda done: kill(done) if done.replayed >= 6 else None)
        replayed(memory, ONLY_A)
        balanced(memory)
        with memory.read() as connection:
            records = tables.records
            columns = (records.c.id, records.c.body, records.c.retracted_at)
            standing = select(*columns).where(records.c.type == "report").order_by(records.c.id)
            ends.append([tuple(each) for each in connection.execute(standing)])
    assert ends[0] == ends[1]


def test_a_preview_shows_what_changes_and_keeps_nothing(memory: Memory) -> None:
    sent(memory, [row(1), row(2, Kind="B"), row(3, Qty="?")])
    before = everything(memory)

    found = {json.loads(each.message.content)["No"]: each for each in
             preview(memory, "wms", by(ONLY_A), newest_messages(memory, "wms", 10))}  # fmt: skip

    assert [(found[n].outcome, found[n].changed) for n in (1, 2, 3)] == [
        ("recorded", True), ("ignored", True), ("dead_lettered", False),
    ]  # fmt: skip
    assert found[1].was[0]["properties"] == {"quantity": 11}  # type: ignore[index, call-overload]
    assert found[1].records[0]["properties"] == {"quantity": {"value": 11, "unit": "ea"}}  # type: ignore[index, call-overload]
    assert everything(memory) == before


_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "No": st.integers(0, 5),
            "Lot": st.sampled_from(["L-1", "L-2", "", "L\0"]),
            "Qty": st.sampled_from([1, 2.5, "3", "?", "", None]),
            "U": st.sampled_from(["St", "kg", ""]),
            "Kind": st.sampled_from("AB"),
        }
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store's file, to copy."""
    path = tmp_path_factory.mktemp("fresh") / "lineside.db"
    database = Database(f"sqlite:///{path}")
    migrate_to_head(database)
    database.close()
    return path


@settings(max_examples=25)
@given(rows=_ROWS, mappings=st.lists(st.sampled_from([OLD, NEW, ONLY_A]), min_size=1, max_size=3))
def test_whatever_was_sent_a_preview_tells_what_the_replay_does_and_a_second_one_does_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    fresh_database: Path,
    rows: list[dict[str, Any]],
    mappings: list[dict[str, Any]],
) -> None:
    path = tmp_path_factory.mktemp("replay") / "lineside.db"
    shutil.copy(fresh_database, path)
    plant = parse_plant('site = "northfield"\ntime_zone = "UTC"')
    memory = aged(Memory.open(f"sqlite:///{path}", index_dir=None, plant=plant, clock=Clock()))
    try:
        sent(memory, rows)
        for hours, mapping in enumerate(mappings, 1):
            memory.clock.now = NOW + timedelta(hours=hours)  # type: ignore[attr-defined]
            messages = newest_messages(memory, "wms", 100)
            tried = preview(memory, "wms", by(mapping), messages)
            replayed(memory, mapping)
            after = everything(memory)
            again = preview(memory, "wms", by(mapping), messages)

            assert [each.records for each in again] == [each.records for each in tried]
            assert [each.was for each in again if each.outcome == "recorded"] == [
                each.records for each in tried if each.outcome == "recorded"
            ]
            assert not any(each.changed for each in again)
            replayed(memory, mapping)
            assert everything(memory) == after
            if rows:
                balanced(memory)
    finally:
        memory.close()
