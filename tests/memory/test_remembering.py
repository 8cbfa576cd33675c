"""What becomes of messages: recorded once, known, or dead with a reason; the same on both databases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from lineside.connector import Batch, Gap, SourceMessage, Unreadable
from lineside.errors import StoreUnavailable, UnreadableMessage
from lineside.memory import tables
from lineside.plant.entities import Entity

LOT = Entity("lot", "CH-24-9")


def event(event_id: str, time: str, kind: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": more.pop("source", "wms"),
        "type": f"lineside.{kind}",
        "time": f"2026-11-20T{time}:00Z",
        "data": data,
        **more,
    }


def counted(event_id: str, time: str, pieces: int, **more: Any) -> dict[str, Any]:
    data = {"entity": str(LOT), "properties": {"quantity": {"value": pieces, "unit": "ea"}}}
    return event(event_id, time, "report", data, **more)


def said(memory, at: str = "23:00") -> list[str]:
    view = memory.view(as_of=datetime.fromisoformat(f"2026-11-20T{at}:00Z"))
    return [each.text for each in view.said(entity=LOT, properties=["quantity"])]


def test_the_same_message_is_recorded_once_and_then_known(store_url, open_memory, feed):
    memory = open_memory(store_url)
    batch = [counted("1", "08:00", 120), counted("2", "09:00", 96), counted("1", "08:00", 120)]

    first, again = feed(memory, batch), feed(memory, batch)

    assert (first.received, first.recorded, first.known, first.dead_lettered) == (3, 2, 1, 0)
    assert (again.received, again.recorded, again.known, again.dead_lettered) == (3, 0, 3, 0)
    assert len(memory.view().statements(entity=LOT)) == 2


def test_other_content_under_a_used_id_is_a_dead_letter_and_the_first_record_stands(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(memory, [counted("1", "08:00", 120)])

    outcome = feed(memory, [counted("1", "08:00", 96)])

    assert outcome.dead_lettered == 1
    assert "lineside.correction" in outcome.dead[0].reason
    assert said(memory) == ["120 ea"]


def test_the_same_record_in_another_spelling_is_known(store_url, open_memory, feed):
    memory = open_memory(store_url)
    original = counted("1", "08:00", 120)
    feed(memory, [original])

    outcome = feed(memory, [dict(reversed(original.items()))])

    assert (outcome.known, outcome.dead_lettered) == (1, 0)


def test_an_unreadable_message_dies_with_its_reason_and_the_rest_goes_on(store_url, open_memory, feed):
    memory = open_memory(store_url)
    nameless = event("2", "08:30", "event", {"text": "it stopped"})

    outcome = feed(memory, [counted("1", "08:00", 120), nameless, counted("3", "09:00", 96)])
    again = feed(memory, [nameless])

    assert (outcome.recorded, outcome.dead_lettered) == (2, 1)
    assert outcome.dead[0].reason == "kind: is missing or empty"
    assert (again.known, again.dead_lettered) == (1, 0)
    assert len(memory.dead_letters()) == 1


def test_a_mended_message_under_the_id_of_a_dead_one_is_recorded_and_closes_it(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(memory, [event("1", "08:00", "event", {"text": "it stopped"})])

    outcome = feed(memory, [event("1", "08:00", "event", {"kind": "stop", "text": "it stopped"})])

    assert outcome.recorded == 1
    assert memory.dead_letters() == []
    assert [each.status for each in memory.dead_letters(status=None)] == ["replaced"]


@pytest.mark.parametrize("text", ["half a pair: \ud800", "a NUL: \0"])
def test_text_that_no_database_can_hold_is_a_dead_letter(store_url, open_memory, text):
    memory = open_memory(store_url)
    message = SourceMessage(source="chat", source_id="1", content=b"{}", received_at=memory.clock())

    def translate(given: SourceMessage) -> Sequence[Any]:
        from lineside.plant.records import Note, Provenance

        moment = given.received_at
        own = Provenance(source="chat", source_id="1", occurred_at=moment, reported_at=moment, recorded_at=moment)
        return [Note(provenance=own, text=text)]

    outcome = memory.remember(Batch(messages=[message]), source="chat", translate=translate)

    assert outcome.dead_lettered == 1


def test_bytes_without_an_id_are_kept_as_a_dead_letter_once(store_url, open_memory):
    memory = open_memory(store_url)
    batch = Batch(unreadable=[Unreadable(content=b"\xff{", reason="no JSON", origin="shift.jsonl:3")])

    first = memory.remember(batch, source="files", translate=_never)
    again = memory.remember(batch, source="files", translate=_never)

    assert (first.received, first.dead_lettered, again.received, again.known) == (1, 1, 1, 1)
    letter = memory.dead_letters()[0]
    assert (letter.origin, letter.reason) == ("shift.jsonl:3", "no JSON")
    assert memory.dead_letter(letter.id).content == b"\xff{"


def test_a_dead_letter_can_be_retried_once_its_translation_is_mended(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(memory, [event("1", "08:00", "report", {"menge": 96})])
    letter = memory.dead_letters()[0]

    def mended(message: SourceMessage) -> Sequence[Any]:
        from lineside.plant.open_format import record_from_data
        from lineside.plant.records import Provenance

        given = json.loads(message.content)
        moment = datetime.fromisoformat(given["time"])
        own = Provenance(
            source=message.source,
            source_id=message.source_id,
            occurred_at=moment,
            reported_at=moment,
            recorded_at=message.received_at,
        )
        data = {"entity": str(LOT), "properties": {"quantity": given["data"]["menge"]}}
        return [record_from_data("report", data, own)]

    refused = memory.retry_dead_letter(letter.id, _unreadable)
    taken = memory.retry_dead_letter(letter.id, mended)

    assert (refused.status, refused.attempts) == ("open", 2)
    assert (taken.status, taken.attempts) == ("recovered", 3)
    assert said(memory) == ["96"]
    seen = memory.sources_seen()[0]
    assert (seen.received, seen.recorded, seen.known, seen.dead_lettered) == (1, 1, 0, 0)


def test_a_discarded_dead_letter_keeps_who_and_why(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(memory, [event("1", "08:00", "event", {})])
    letter = memory.dead_letters()[0]

    memory.discard_dead_letter(letter.id, reason="a test print", by="planner-1")

    kept = memory.dead_letter(letter.id)
    assert (kept.status, kept.closed_by, kept.closed_because) == ("discarded", "planner-1", "a test print")
    assert memory.dead_letters() == []


def test_checkpoint_gaps_and_contact_are_kept_with_the_batch(store_url, open_memory):
    memory = open_memory(store_url)
    gap = Gap(since=datetime(2026, 11, 20, 1, tzinfo=UTC), until=datetime(2026, 11, 20, 2, tzinfo=UTC), reason="lost")
    position = {"row": 7, "seen": ["a"]}

    memory.remember(Batch(gaps=[gap], checkpoint=position), source="erp", stream="lots", translate=_never)
    memory.remember(Batch(gaps=[gap]), source="erp", stream="lots", translate=_never)

    assert memory.checkpoint("erp", "lots") == position
    assert memory.checkpoint("erp") is None
    assert [(each.since, each.until) for each in memory.view().gaps("erp")] == [(gap.since, gap.until)]


def test_the_offset_of_a_sources_clock_is_taken_off_its_times(store_url, open_memory, feed):
    plant = 'site = "northfield"\ntime_zone = "UTC"\n[[sources]]\nname = "wms"\nclock_offset_s = 3600\n'
    memory = open_memory(store_url, plant=plant)

    feed(memory, [counted("1", "08:00", 120)])

    (statement,) = memory.view().statements(entity=LOT)
    assert statement.occurred_at == statement.reported_at == datetime(2026, 11, 20, 7, tzinfo=UTC)


def test_an_error_in_the_middle_of_a_batch_leaves_nothing_behind(store_url, open_memory, feed):
    memory = open_memory(store_url)
    message = SourceMessage(source="wms", source_id="1", content=b"{}", received_at=memory.clock())

    def broken(_message: SourceMessage) -> Sequence[Any]:
        raise StoreUnavailable("the disk is full")

    with pytest.raises(StoreUnavailable):
        memory.remember(Batch(messages=[message], checkpoint={"row": 1}), source="wms", translate=broken)

    assert memory.checkpoint("wms") is None
    with memory.read() as connection:
        assert connection.scalar(select(tables.message_log.c.id)) is None


def _never(_message: SourceMessage) -> Sequence[Any]:
    raise AssertionError("nothing to translate")


def _unreadable(_message: SourceMessage) -> Sequence[Any]:
    raise UnreadableMessage("still no sense in it")
