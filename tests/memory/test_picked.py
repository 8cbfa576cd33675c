"""Events in columns say the same as events read whole."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from lineside.memory.happenings import newest_events, newest_told
from lineside.memory.moments import stored
from lineside.memory.picked import acted, alike, first_named, noted, picked, places_of, sources_of
from lineside.memory.view import View
from lineside.plant.entities import Entity
from lineside.plant.windows import Window

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINE = "mill/wet/line-1"
PLACES = (LINE, f"{LINE}/pump", f"{LINE}0", None)
WORDS = ("", "jam", 'a "quoted" jam', "Störung\n2", 7, 2.5, True, None, ["x"], {"value": 3, "unit": "kg"})
ASKED = ("text", "attributes.reason", "lot")


def happened(number: int, kind: str, place: str | None, reason: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"kind": kind, "attributes": {} if reason is None else {"reason": reason, "code": number}}
    said |= {"equipment": place} if place else {}
    said |= {"lot": f"L-{number % 5}"} if number % 3 else {"text": f"it jammed {number % 2}"}
    when = (NOON + timedelta(minutes=20 - number)).isoformat()
    return {"id": f"e-{number}", "source": "mes", "type": "lineside.event", "time": when, "data": said}


@pytest.fixture
def view(store_url, open_memory, feed) -> View:
    memory = open_memory(store_url)
    kinds = ("stop", "start", "scrap")
    told = [happened(n, *each) for n, each in enumerate(product(kinds, PLACES, WORDS))]
    deleted = {"of": "e-30", "reason": "never was"}
    told.append({"id": "d", "source": "mes", "type": "lineside.deletion", "time": NOON.isoformat(), "data": deleted})
    assert feed(memory, told).dead == ()
    return memory.view(as_of=NOON + timedelta(minutes=5))


@pytest.mark.parametrize("equipment", [None, LINE, "mill"])
@pytest.mark.parametrize("within", [None, Window(start=NOON - timedelta(hours=1), end=NOON + timedelta(minutes=10))])
def test_what_events_say_is_the_same_in_columns(view, equipment, within):
    kinds = ("stop", "scrap")
    whole = [
        (e.provenance.record_id, e.kind, "mes", e.equipment, stored(e.provenance.occurred_at), "good",
         [e.text or None, e.attributes.get("reason"), e.lot])
        for e in view.events(kinds=kinds, equipment=equipment, within=within)
    ]  # fmt: skip

    found = picked(view, kinds, ASKED, equipment=equipment, within=within, ordered=True)
    alone = picked(view, kinds, ASKED[:1], equipment=equipment, within=within)

    assert len(whole) > 5
    assert [row[0] for row in whole] == [row[0] for row in found]
    assert sorted(whole, key=str) == sorted(((*row[:6], json.loads(row[6])) for row in found), key=str)
    assert {row[0]: row[6][0] for row in whole} == {row[0]: json.loads(row[6])[0] for row in alone}


def test_events_that_say_the_same_are_counted(view):
    def said(event) -> str:
        more = () if event.equipment else (event.lot,)
        return json.dumps([event.text or None, event.attributes.get("reason"), *more])

    whole = Counter((e.kind, e.equipment, "good", said(e)) for e in view.events(kinds=("stop", "scrap")))
    rows = alike(view, ("stop", "scrap"), ASKED[:2], without_equipment=ASKED[2:])

    assert {(*row[:3], json.dumps(json.loads(row[3]))): row[4] for row in rows} == whole
    assert sum(row[4] for row in rows) == sum(whole.values())


def test_what_was_done_at_a_place_holds_its_line_and_what_names_a_field(view):
    hours = Window(start=NOON - timedelta(hours=3), end=NOON + timedelta(minutes=4))
    whole = view.events(kinds=("stop", "scrap"), within=hours)
    near = [e for e in whole if e.equipment in (LINE, f"{LINE}/pump")]
    telling = {e.provenance.record_id for e in near if e.kind == "scrap" or "reason" in e.attributes}

    found = acted(view, ("stop", "scrap"), (f"{LINE}/pump", LINE), hours, bare=("stop",), fields=("REASON".lower(),))

    assert {row.id for row in found} == telling
    assert noted(view, hours) == []


def test_whose_records_they_are_is_told_without_reading_them(view):
    ids = [event.provenance.record_id for event in view.events(kinds=("stop",))]

    assert sources_of(view, [*ids, "r-unheard"]) == {"mes"}
    assert sources_of(view, ["r-unheard"]) == set()


def test_what_is_named_at_a_place_is_told_with_when_it_was_first(view):
    hours = Window(start=NOON - timedelta(hours=1), end=NOON + timedelta(minutes=10))
    first: dict[str, datetime] = {}
    for event in view.events(equipment=LINE, within=hours):
        if event.lot:
            first.setdefault(event.lot, event.provenance.occurred_at)

    assert first
    assert first_named(view, "lot", LINE, hours) == first
    assert places_of(view, ("stop",)) == sorted(place for place in PLACES if place)


def test_the_newest_of_a_thing_say_the_same_in_columns(view):
    things = [Entity("lot", f"L-{number}") for number in range(6)]
    whole = newest_events(view, ("stop", "scrap"), things, each=4)
    told = newest_told(view, ("stop", "scrap"), things, ("equipment", "attributes.reason"), each=4)

    assert any(len(events) == 4 for events in whole.values())
    assert told == {
        thing: [(e.provenance.occurred_at, [e.equipment, e.attributes.get("reason")]) for e in events]
        for thing, events in whole.items()
    }
