"""What is over may be left out unread: whatever arrived and however, nothing that is open is ever left out with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from lineside.memory import Reader, latest, tables
from lineside.memory.view import View
from lineside.plant.entities import Entity
from lineside.plant.plant import Person

DAY = datetime(2026, 11, 20, tzinfo=UTC)
JOB = "auftrag"


def on(day: int) -> str:
    return (DAY + timedelta(days=day)).isoformat()


def event(event_id: str, day: int, kind: str, data: dict[str, Any], *, reported: int | None = None) -> dict[str, Any]:
    given_at = {"time": on(day), "reportedat": on(day if reported is None else reported)}
    return {"id": event_id, "source": f"mes-{event_id[0]}", "type": f"lineside.{kind}", "data": data, **given_at}


def status(job: str, word: Any, **more: Any) -> dict[str, Any]:
    return {"entity": f"job_order:{job}", "properties": {"status": word, **more}}


def over(word: str) -> bool:
    return word == "fertig"


def unsettled(view: View, since: int) -> set[str]:
    return {each.id for each in view.unsettled("job_order", "status", over, DAY + timedelta(days=since))}


def is_open(view: View, job: str, since: int) -> bool:
    """By reading everything: some word is another, or none is there, or something was said since."""
    entity = Entity("job_order", job)
    said = view.said(entity=entity, properties=("status",))
    fresh = DAY + timedelta(days=since)
    return not said or any(not over(s.text) for s in said) or any(s.reported_at >= fresh for s in said)


def test_what_every_source_calls_over_and_nobody_spoke_of_since_is_left_out(store_url, open_memory, feed):
    memory = open_memory(store_url)
    reports = [
        event("1a", 0, "report", status("a", "fertig")),
        event("1b", 0, "report", status("b", "läuft")),
        event("1c", 0, "report", status("c", "fertig")),
        event("2c", 0, "report", status("c", "läuft")),
        event("1d", 8, "report", status("d", "fertig")),
        event("1e", 0, "report", {"entity": "job_order:e", "properties": {"quantity": 5}}),
        event("1f", 0, "report", status("f", "fertig")),
        event("2f", 9, "note", {"text": "nobody names an entity here"}),
        event("3f", 9, "event", {"kind": "stop", "job_order": "f", "equipment": "northfield/l1"}),
    ]
    feed(memory, reports)
    view = memory.view(as_of=DAY + timedelta(days=10))

    assert unsettled(view, 5) == {"b", "c", "d", "e", "f"}
    assert unsettled(view, 20) == {"b", "c", "e"}


def test_only_what_the_reader_may_read_is_told(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(memory, [event("1", 0, "report", {**status("a", "läuft", equipment="elsewhere/l1")})])
    person = Person(id="p", name="P", roles=("operator",), sites=("northfield",))

    assert unsettled(memory.view(as_of=DAY + timedelta(days=1), reader=Reader(person)), 9) == set()


@settings(max_examples=40)
@given(data=st.data())
def test_nothing_open_is_left_out_however_it_arrived_and_at_whatever_time_one_asks(data, remembered, feed):
    days = st.integers(0, 9)
    jobs = ("a", "b", "c")
    events: list[dict[str, Any]] = []
    for number in range(data.draw(st.integers(3, 10))):
        source = data.draw(st.sampled_from("12"))
        event_id, day = f"{source}-{number}", data.draw(days)
        match data.draw(st.sampled_from(["report", "report", "correction", "deletion"])):
            case "report":
                word = data.draw(st.sampled_from(["fertig", "läuft", None, 3, True, {"value": 4, "unit": "ea"}]))
                told = status(data.draw(st.sampled_from(jobs)), word)
                events.append(event(event_id, day, "report", told, reported=data.draw(days)))
            case kind:
                of = f"{source}-{data.draw(st.integers(0, 9).filter(lambda each, own=number: each != own))}"
                replacement = status(data.draw(st.sampled_from(jobs)), data.draw(st.sampled_from(["fertig", "läuft"])))
                field = {"of": of} if kind == "deletion" else {"corrects": of, "replacement": replacement}
                events.append(event(event_id, day, kind, {**field, "reason": "r"}))
    shuffled = data.draw(st.permutations(events))
    memory = remembered()
    for each in shuffled:
        feed(memory, [each])

    for day in range(10):
        view = memory.view(as_of=DAY + timedelta(days=day, hours=1))
        assert view.said(kind="job_order") == view._searched(None, "job_order", ())
        for since in (day - 3, day + 1):
            found = unsettled(view, since)
            assert {
                each for each in jobs if view.knows(Entity("job_order", each)) and is_open(view, each, since)
            } <= found
    kept = _kept(memory)
    with memory.database.write() as connection:
        latest.fill(connection)
    assert kept == _kept(memory)


def _kept(memory: Any) -> list[Any]:
    with memory.database.read() as connection:
        rows = connection.execute(select(tables.last_words).order_by(*tables.last_words.primary_key.columns)).all()
    return [tuple(row) for row in rows]


def test_a_reader_is_told_the_last_word_that_may_be_read(store_url, open_memory, feed):
    memory = open_memory(store_url)
    here, there = {"equipment": "northfield/l1"}, {"equipment": "elsewhere/l1"}
    feed(
        memory,
        [
            event("1a", 0, "report", status("a", "läuft", **here)),
            event("1b", 1, "report", status("a", "fertig", **there)),
            event("1c", 1, "report", status("b", "fertig", **there)),
        ],
    )
    person = Person(id="p", name="P", roles=("operator",), sites=("northfield",))

    def told(reader: Reader) -> list[str]:
        view = memory.view(as_of=DAY + timedelta(days=2), reader=reader)
        return [each.text for each in view.said(kind="job_order", properties=("status",))]

    assert told(Reader(person)) == ["läuft"]
    assert told(Reader()) == ["fertig", "fertig"]


def test_what_is_over_is_found_by_what_it_points_at_in_texts_and_in_lists(store_url, open_memory, feed):
    memory = open_memory(store_url)
    carried = [{"sales_order_line": "A 7/1", "quantity": 5}]
    feed(
        memory,
        [
            event("1a", 0, "report", status("a", "fertig", sales_order_line="A 7/1")),
            event("1b", 0, "report", status("b", "fertig", sales_order_line="sales_order_line:A 7/1")),
            event("1c", 0, "report", {"entity": "shipment:s", "properties": {"lines": carried}}),
        ],
    )
    view = memory.view(as_of=DAY + timedelta(days=1))
    words = ["A 7/1", "sales_order_line:A 7/1"]
    a, b = Entity("job_order", "a"), Entity("job_order", "b")

    assert view.pointing("job_order", "sales_order_line", words, besides=()) == [a, b]
    assert view.pointing("job_order", "sales_order_line", words, besides=[a]) == [b]
    assert view.pointing("shipment", "lines", words, besides=()) == [Entity("shipment", "s")]
    assert view.pointing("shipment", "lines", ["A 7"], besides=()) == []
