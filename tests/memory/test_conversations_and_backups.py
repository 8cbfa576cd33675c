"""Conversations stay with their person; a backup is whole or not there."""

from __future__ import annotations

import pytest

from lineside.errors import BadRequest, NotFound, SetupError
from lineside.memory import conversations
from lineside.memory.backup import backup, restore

NOTE = {
    "id": "1",
    "source": "notes",
    "type": "lineside.note",
    "time": "2026-11-20T06:00:00+00:00",
    "data": {"text": "Pump P-14 is noisy."},
}


def test_a_conversation_keeps_its_turns_in_order_and_to_its_person(store_url, open_memory):
    memory = open_memory(store_url)
    talk = conversations.start(memory, person="anna")
    for number in range(5):
        conversations.append(memory, talk, role="person", content={"question": number}, person="anna")

    turns = conversations.history(memory, talk, person="anna", limit=3)

    assert [each.content for each in turns] == [{"question": 2}, {"question": 3}, {"question": 4}]
    assert conversations.start(memory, person="anna", conversation_id=talk) == talk
    for call in (
        lambda: conversations.history(memory, talk, person="joe"),
        lambda: conversations.append(memory, talk, role="person", content="hi", person="joe"),
        lambda: conversations.start(memory, person="joe", conversation_id=talk),
        lambda: conversations.history(memory, "unknown", person="anna"),
    ):
        with pytest.raises(NotFound):
            call()


def test_a_backup_brings_the_memory_back_and_the_index_is_made_again(remembered, feed, tmp_path):
    memory = remembered([NOTE])
    memory.index_pending()
    backup(memory, tmp_path / "night.db")
    feed(memory, [{**NOTE, "id": "2", "data": {"text": "Valve V-3 sticks."}}])

    restore(memory, tmp_path / "night.db")

    assert [each.text for each in memory.view().notes()] == ["Pump P-14 is noisy."]
    assert memory.index_pending() == 1
    feed(memory, [{**NOTE, "id": "3", "data": {"text": "Valve V-4 sticks."}}])
    assert len(memory.view().notes()) == 2


def test_a_backup_never_overwrites_and_only_whole_ones_are_restored(remembered, tmp_path):
    memory = remembered([NOTE])
    path = tmp_path / "night.db"
    backup(memory, path)
    with pytest.raises(BadRequest, match="exists already"):
        backup(memory, path)
    path.write_bytes(path.read_bytes()[:5000])
    for broken in (path, tmp_path / "nowhere.db"):
        with pytest.raises(BadRequest):
            restore(memory, broken)

    assert len(memory.view().notes()) == 1


@pytest.mark.postgres
def test_postgresql_is_left_to_its_own_tools(postgres_server, open_memory, tmp_path):
    memory = open_memory(postgres_server())

    with pytest.raises(SetupError, match="pg_dump"):
        backup(memory, tmp_path / "night.db")
