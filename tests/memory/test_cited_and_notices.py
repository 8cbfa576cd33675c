"""Answers are found by the records they cite, and what somebody was told is told once."""

from __future__ import annotations

import importlib
from datetime import timedelta
from threading import Thread

from sqlalchemy import delete

from lineside.memory import conversations, tables
from lineside.memory.cited import answers_to, citing
from lineside.memory.notices import News, tell_once


def answered(*records):
    cited = [{"n": n, "record_id": r, "source": "qms"} for n, r in enumerate(records, start=1)]
    plant = {"n": 9, "record_id": "plant:shifts", "source": "plant"}
    claims = [{"text": "so", "kind": "fact", "citations": [1]}]
    return {
        "run": "r1",
        "answer": {"as_of": "2026-11-21T10:00:00-06:00", "claims": claims, "citations": [*cited, plant]},
    }


def talk(memory, person, *records):
    own = conversations.start(memory, person=person)
    conversations.append(memory, own, role="person", content={"run": "r1", "question": "Is it so?"}, person=person)
    conversations.append(memory, own, role="lineside", content=answered(*records), person=person)
    return own


def test_an_answer_is_found_by_its_person_and_by_every_record_it_cites(store_url, open_memory):
    memory = open_memory(store_url)
    first = talk(memory, "anna", "r-1", "r-2")
    second = talk(memory, None, "r-2")
    talk(memory, "joe")

    anna, operator, joe = (
        answers_to(memory, who, since=memory.clock() - timedelta(days=1)) for who in ("anna", None, "joe")
    )

    assert [(a.conversation, a.position, a.question) for a in anna] == [(first, 1, "Is it so?")]
    assert [a.conversation for a in operator] == [second]
    assert joe == []
    found = {(c.record, c.conversation, c.person) for c in citing(memory, ["r-1", "r-2"])}
    assert found == {("r-1", first, "anna"), ("r-2", first, "anna"), ("r-2", second, None)}
    assert citing(memory, ["plant:shifts"]) == []
    assert answers_to(memory, "anna", since=memory.clock() + timedelta(days=1)) == []


def test_answers_from_before_the_migration_count_too(store_url, open_memory):
    memory = open_memory(store_url)
    own = talk(memory, "anna", "r-1")
    step = importlib.import_module("lineside.memory.migrations.versions.m0004_what_people_were_told")
    with memory.write() as connection:
        connection.execute(delete(tables.citations))
        step.index_answers(connection, tables.citations)

    assert [c.conversation for c in citing(memory, ["r-1"])] == [own]


def test_everything_is_told_once_and_again_after_it_was_over(store_url, open_memory):
    memory = open_memory(store_url)

    assert tell_once(memory, "anna", "recalled", ["a", "b"]) == News(new=("a", "b"))
    assert tell_once(memory, "anna", "recalled", ["a", "b"]) == News()
    assert tell_once(memory, "anna", "recalled", ["b"]) == News(over=("a",))
    assert tell_once(memory, "anna", "recalled", ["b"]) == News()
    assert tell_once(memory, "anna", "recalled", ["a", "b"]) == News(new=("a",))
    assert tell_once(memory, None, "recalled", ["a"]) == News(new=("a",))
    assert tell_once(memory, "anna", "assumption", ["a"]) == News(new=("a",))


def test_of_many_who_look_at_once_one_tells_it(store_url, open_memory):
    memory = open_memory(store_url)
    found = []

    def look():
        found.append(tell_once(memory, "anna", "recalled", ["a"]).new)

    threads = [Thread(target=look) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(found) == [(), (), (), (), (), ("a",)]
