"""Columns tell what statements tell, whatever arrived, in whatever order, and at whatever time one asks."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.memory.moments import stored
from lineside.memory.telling import not_before, said_before, said_within, told_now, unspoken, words_now
from lineside.plant.entities import Entity
from lineside.plant.windows import Window

DAY = datetime(2026, 11, 20, tzinfo=UTC)
EVER = datetime(1970, 1, 1, tzinfo=UTC)
NAMES = ("equipment", "status")
WORDS = ["oven/one", "oven/two", "", None, 3, 2.50, True, "yes", "x" * 120, ["oven/one"], {"value": 4, "unit": "ea"}]


def event(event_id: tuple[str, int], times: tuple[int, int], kind: str, data: dict[str, Any]) -> dict[str, Any]:
    (source, number), (day, reported) = event_id, times
    at = {"time": (DAY + timedelta(days=day)).isoformat(), "reportedat": (DAY + timedelta(days=reported)).isoformat()}
    return {"id": f"{source}-{number}", "source": f"bakery-{source}", "type": f"lineside.{kind}", "data": data, **at}


@settings(max_examples=30)
@given(data=st.data())
def test_columns_tell_what_statements_tell_at_whatever_time_one_asks(data, remembered, feed):
    days = st.integers(0, 6)
    events: list[dict[str, Any]] = []
    for number in range(data.draw(st.integers(2, 9))):
        source, when, reported = data.draw(st.sampled_from("12")), data.draw(days), data.draw(days)
        said = {data.draw(st.sampled_from(NAMES)): data.draw(st.sampled_from(WORDS))}
        told = {"entity": f"job_order:{data.draw(st.sampled_from('ab'))}", "properties": said}
        kind = data.draw(st.sampled_from(["report", "report", "report", "deletion"]))
        if kind == "deletion":
            told = {"of": f"{source}-{data.draw(st.integers(0, number + 2).filter(lambda n, own=number: n != own))}"}
            told["reason"] = "wrong tray"
        events.append(event((source, number), (when, reported), kind, told))
    memory = remembered()
    for each in data.draw(st.permutations(events)):
        feed(memory, [each])

    for day in range(7):
        view = memory.view(as_of=DAY + timedelta(days=day, hours=1))
        statements = view.said(kind="job_order", properties=NAMES)
        assert [(w.entity, w.property, w.source, w.text, w.record_id) for w in words_now(view, "job_order", NAMES)] == [
            (s.entity.id, s.property, s.source, s.text, s.record_id) for s in statements
        ]
        bare = told_now(view, "job_order")
        assert [(w.entity, -w.occurred_at, -w.reported_at, w.record_id) for w in bare] == sorted(
            (s.entity.id, -stored(s.occurred_at), -stored(s.reported_at), s.record_id) for s in statements
        )
        assert {(w.property, w.record_id) for w in bare} == {(s.property, s.record_id) for s in statements}
        some = words_now(view, "job_order", NAMES, of=["b", "c"])
        assert some == [w for w in words_now(view, "job_order", NAMES) if w.entity == "b"]
        told = {w.entity for w in bare}
        assert sorted({*told, *unspoken(view, "job_order", told)}) == [e.id for e in view.entities("job_order")]
        stretch = Window(start=DAY + timedelta(days=1), end=DAY + timedelta(days=5))
        within = view.statements(kind="job_order", properties=("status",), within=stretch)
        assert [
            (each, json.loads(value), at) for each, value, at in said_within(view, "job_order", "status", stretch)
        ] == [(s.entity.id, s.value, s.occurred_at) for s in within]
        things, before = [Entity("job_order", each) for each in "ab"], DAY + timedelta(days=day)
        earlier = view.statements(entities=things, within=Window(start=EVER, end=before))
        last = {(s.source, s.entity, s.property): s for s in earlier}
        assert {(s.source, s.entity, s.property): s for s in said_before(view, things, before)} == last


ENDS = [
    "2026-11-21",
    "20261121",
    " 2026-11-21",
    "2026-W47-6",
    "2026-11-21T01:00+14:00",
    "2026-11-20T23:00-09:00",
    "soon",
]


@settings(max_examples=30)
@given(data=st.data())
def test_no_time_that_is_not_over_is_left_unread_however_it_is_written(data, remembered, feed):
    memory = remembered()
    for number in range(data.draw(st.integers(1, 6))):
        said = {"planned_end": data.draw(st.sampled_from([*ENDS, "2026-10-02", None]))}
        told = {"entity": f"job_order:{data.draw(st.sampled_from('ab'))}", "properties": said}
        feed(
            memory, [event(("1", number), (data.draw(st.integers(0, 6)), data.draw(st.integers(0, 6))), "report", told)]
        )

    for day in range(7):
        view = memory.view(as_of=DAY + timedelta(days=day, hours=1))
        found = not_before(view, "job_order", "planned_end", date(2026, 11, 21))
        ends = [s.entity.id for s in view.said(kind="job_order", properties=("planned_end",)) if s.value in ENDS[:-1]]
        assert set(ends) <= set(found)
