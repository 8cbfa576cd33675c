"""Drift is watched while a source is read: it opens once enough shows it, and stays until somebody deals with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import func, select

from lineside.connector import Aside, Batch, Check, Checkpoint, SourceMessage, Trouble, TroubleKind
from lineside.memory import Memory, drift, tables
from lineside.memory.drift import DriftWatch, accept, open_drift
from lineside.memory.intake import catch_up
from lineside.plant.mapping_file import SourceMapping, StreamMapping, source_mapping

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


@pytest.fixture
def memory(open_memory: Any, store_url: str) -> Memory:
    found: Memory = open_memory(store_url)
    return found


def mapped(column: str = "Qty", **codes: str) -> SourceMapping:
    properties = {"quantity": {"field": column}, "quality_status": {"field": "Q", "codes": {"F": "blocked", **codes}}}
    view = {"table": "stock", "mapping": {"entity": "lot:{Lot}", "properties": properties}}
    return source_mapping("wms", {"views": [view]}, streams="views")


def message(row: object, stream: str = "stock", content_type: str = "application/json") -> SourceMessage:
    content = row if isinstance(row, bytes) else json.dumps(row).encode()
    return SourceMessage(
        source="wms", source_id="x", content=content, received_at=NOW, stream=stream, content_type=content_type
    )


def rows(count: int, **more: Any) -> list[SourceMessage]:
    return [message({"Lot": f"L-{n}", "Qty": 5 + n % 3, "Q": "F", **more}) for n in range(count)]


def renamed(count: int) -> list[SourceMessage]:
    return [message({"Lot": f"L-{n}", "Amount": 5 + n % 3, "Q": "F"}) for n in range(count)]


def reasons(memory: Memory, mapping: SourceMapping) -> list[str]:
    return [f"{stream}: {each.kind}: {each.field}" for stream, each in open_drift(memory, mapping)]


def test_a_renamed_field_becomes_a_trouble_that_names_what_it_touches(memory: Memory) -> None:
    watch = DriftWatch(memory, mapped())

    assert watch.see(rows(100)) == []
    found = watch.see(renamed(50))

    assert found is not None
    assert [(each.kind, each.stream) for each in found] == [(TroubleKind.DRIFT, "stock")]
    assert "Qty seems to be called Amount now; it is read as lot.quantity" in found[0].reason


def test_single_messages_are_looked_at_together(memory: Memory) -> None:
    watch = DriftWatch(memory, mapped())

    assert [watch.see([each]) for each in rows(19)] == [None] * 19
    with memory.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.shapes)) == 0
    assert watch.flush() == []
    with memory.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.shapes)) == 4


def test_drift_outlives_the_process_and_is_closed_by_being_accepted(memory: Memory) -> None:
    DriftWatch(memory, mapped()).see(rows(100))
    DriftWatch(memory, mapped()).see(renamed(50))

    assert reasons(memory, mapped()) == ["stock: renamed: Qty"]
    assert [each.was for _, each in accept(memory, mapped())] == ["Qty"]
    assert reasons(memory, mapped()) == []
    assert DriftWatch(memory, mapped()).see(renamed(50)) == []
    assert DriftWatch(memory, mapped()).see(rows(50)) != [], "back again is news again"


def test_a_mended_mapping_closes_what_it_mended(memory: Memory) -> None:
    DriftWatch(memory, mapped()).see(rows(100))
    DriftWatch(memory, mapped()).see(renamed(50))

    assert reasons(memory, mapped("Amount")) == []
    assert DriftWatch(memory, mapped("Amount")).see(renamed(50)) == []
    assert reasons(memory, mapped("Amount")) == []


def test_a_code_is_told_at_once_and_gone_when_it_is_mapped(memory: Memory) -> None:
    watch = DriftWatch(memory, mapped())
    watch.see(rows(30))
    watch.see([message({"Lot": "L-1", "Qty": 5, "Q": "Z"})])

    assert ["holds a code" in each.reason for each in watch.flush()] == [True]
    watch.see(rows(30))
    assert reasons(memory, mapped()) == ["stock: new code: Q"]
    assert DriftWatch(memory, mapped(Z="inspection")).see(rows(30, Q="Z")) == []


def test_drift_goes_away_when_the_source_is_as_it_was(memory: Memory) -> None:
    watch = DriftWatch(memory, mapped())
    watch.see(rows(100))
    assert watch.see(renamed(20))

    assert watch.see(rows(100)) == []


def test_a_field_that_is_no_longer_sent_is_accepted_once_and_for_all(memory: Memory) -> None:
    watch = DriftWatch(memory, mapped())
    watch.see(rows(1000, Note="n"))
    watch.see(rows(30))
    accept(memory, mapped())

    for _ in range(5):
        assert watch.see(rows(30)) == []


def test_what_is_no_row_is_passed_over(memory: Memory) -> None:
    watch = DriftWatch(memory, mapped())
    odd = [message(b"\xff"), message([1]), message(b"{", "other"), message(b"a;b", "csv", "text/csv")]

    assert watch.see([*odd, *rows(30, **{"a\0b": "c\0d", "\ud800": "\udfff"})]) == []
    assert reasons(memory, mapped()) == []


def test_many_streams_do_not_fill_the_memory(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "MOST_STREAMS", 3)
    watch = DriftWatch(memory, SourceMapping(source="wms", streams=(StreamMapping(name="*"),)))
    watch.see([message({"a": 1}, f"node-{number}") for number in range(50)])

    with memory.read() as connection:
        assert connection.scalar(select(func.count(tables.shapes.c.stream.distinct()))) == 3


class Sends:
    """A source that sends these messages, then says what troubles it."""

    source = "wms"

    def __init__(self, messages: Sequence[SourceMessage], *, troubles: Sequence[Trouble] = ()) -> None:
        numbered = [replace(each, source_id=sha256(each.content).hexdigest()) for each in messages]
        self.batches = [Batch(messages=numbered), Batch(troubles=tuple(troubles))]

    async def check(self) -> Sequence[Check]:
        return []

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        del checkpoint
        for batch in self.batches:
            yield batch

    async def confirm(self, checkpoint: Checkpoint) -> None:
        raise AssertionError(checkpoint)

    def translate(self, message: SourceMessage) -> Aside:
        return Aside(reason=f"no record: {message.source_id}")


def open_alerts(memory: Memory) -> list[tuple[str, str]]:
    return [(each.stream, each.kind) for each in memory.alerts("wms")]


async def test_reading_a_source_opens_and_closes_the_alert_whatever_its_connector_tells(memory: Memory) -> None:
    own = Trouble(kind=TroubleKind.DRIFT, reason="no column Qty", stream="stock")

    await catch_up(memory, Sends(rows(100)), mapping=mapped())
    assert open_alerts(memory) == []
    await catch_up(memory, Sends(renamed(50), troubles=[own]), mapping=mapped())
    assert sorted(open_alerts(memory)) == [("stock", "drift"), ("stock", "drifted")]
    await catch_up(memory, Sends(renamed(50)), mapping=mapped())  # all known: nothing new was seen
    assert open_alerts(memory) == [("stock", "drifted")]
    await catch_up(memory, Sends(rows(60, Lot="other")), mapping=mapped())
    assert open_alerts(memory) == []


async def test_streams_that_nobody_maps_do_not_drift(memory: Memory) -> None:
    await catch_up(memory, Sends([message({"a": n}, stream="talk") for n in range(60)]), mapping=mapped())
    await catch_up(memory, Sends([message({"b": n}, stream="talk") for n in range(60)]), mapping=mapped())
    assert open_alerts(memory) == []
