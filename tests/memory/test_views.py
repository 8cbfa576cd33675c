"""What was known when, and by whom: late words, corrections in any order, rights; the same on both databases."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.memory import Reader, SourceState
from lineside.plant.entities import Entity
from lineside.plant.plant import Person
from lineside.plant.windows import Window

LOT = Entity("lot", "CH-24-9")
DAY = datetime(2026, 11, 20, tzinfo=UTC)


def at(clock: str) -> datetime:
    hour, _, minute = clock.partition(":")
    return DAY + timedelta(hours=int(hour), minutes=int(minute))


def event(event_id: str, clock: str, kind: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"id": event_id, "source": "wms", "type": f"lineside.{kind}", "time": at(clock).isoformat(), "data": data}
    if "reported" in more:
        given["reportedat"] = at(more.pop("reported")).isoformat()
    return given | more


def pieces(count: int) -> dict[str, Any]:
    return {"entity": str(LOT), "properties": {"quantity": {"value": count, "unit": "ea"}}}


def corrected(event_id: str, clock: str, of: str, count: int | None) -> dict[str, Any]:
    replacement = {} if count is None else {"replacement": pieces(count)}
    return event(event_id, clock, "correction", {"corrects": of, "reason": "miscounted", **replacement})


def said(memory: Any, clock: str) -> list[str]:
    return [each.text for each in memory.view(as_of=at(clock)).said(entity=LOT)]


def test_a_correction_acts_from_its_own_time_and_the_past_stays_as_it_was_known(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(memory, [event("1", "08:00", "report", pieces(120)), corrected("2", "10:00", "1", 96)])

    assert (said(memory, "09:59"), said(memory, "10:00")) == (["120 ea"], ["96 ea"])
    (statement,) = memory.view(as_of=at("12:00")).statements(entity=LOT)
    assert (statement.source_id, statement.occurred_at, statement.reported_at) == ("2", at("08:00"), at("10:00"))
    (correction,) = memory.view(as_of=at("12:00")).corrections()
    before = memory.view(as_of=at("12:00")).taken_back(correction)
    assert [each.properties["quantity"]["value"] for each in before] == [120]
    assert memory.view(as_of=at("09:00")).corrections() == []


def test_the_latest_word_of_a_chain_stands_whatever_it_names_and_however_it_arrives(store_url, open_memory, feed):
    chain = [
        event("1", "08:00", "report", pieces(1)),
        corrected("2", "09:00", "1", 2),
        corrected("3", "10:00", "2", 3),
        corrected("4", "11:00", "1", 4),
        event("5", "12:00", "deletion", {"of": "3", "reason": "wrong lot"}),
        corrected("6", "13:00", "1", 6),
    ]
    expected = [["1 ea"], ["2 ea"], ["3 ea"], ["4 ea"], [], ["6 ea"]]
    orders = list(permutations(chain))
    plain = open_memory(store_url)
    for index, order in enumerate(random.Random(7).sample(orders, 12)):
        renamed = [
            {
                **each,
                "source": f"wms-{index}",
            }
            for each in order
        ]
        for each in renamed:
            feed(plain, [each])
        found = []
        for hour in range(8, 14):
            view = plain.view(as_of=at(f"{hour}:30"))
            found.append([each.text for each in view.said(entity=LOT) if each.source == f"wms-{index}"])
        assert found == expected, [each["id"] for each in order]


def test_corrections_that_name_each_other_hang_nothing(store_url, open_memory, feed):
    memory = open_memory(store_url)

    outcome = feed(memory, [corrected("1", "08:00", "2", 5), corrected("2", "09:00", "1", 6)])

    assert outcome.recorded == 2
    assert said(memory, "12:00") == []


def test_a_replacement_of_another_type_takes_back_and_waits_as_a_dead_letter(store_url, open_memory, feed):
    memory = open_memory(store_url)
    wrong = event("2", "10:00", "correction", {"corrects": "1", "reason": "", "replacement": {"text": "only text"}})
    for order in ((wrong, event("1", "08:00", "report", pieces(5))),):
        for each in order:
            feed(memory, [each])

    assert said(memory, "11:00") == []
    (letter,) = memory.dead_letters()
    assert (letter.source_id, "entity" in letter.reason) == ("2", True)


def test_what_was_reported_late_is_unknown_before_and_in_its_place_after(store_url, open_memory, feed):
    memory = open_memory(store_url)
    stop = {"kind": "stop", "equipment": "northfield/packing/line-3"}
    late = event("1", "06:00", "event", stop, reported="09:00")
    feed(memory, [event("2", "07:00", "event", {**stop, "kind": "start"}), late])

    assert [each.kind for each in memory.view(as_of=at("08:00")).events()] == ["start"]
    assert [each.kind for each in memory.view(as_of=at("09:00")).events()] == ["stop", "start"]


def test_a_late_older_figure_does_not_displace_a_newer_one(store_url, open_memory, feed):
    memory = open_memory(store_url)
    old = event("1", "06:00", "report", pieces(1), reported="09:00")
    feed(memory, [event("2", "07:00", "report", pieces(2)), old])

    assert said(memory, "10:00") == ["2 ea"]
    assert [each.text for each in memory.view(as_of=at("10:00")).statements(entity=LOT)] == ["1 ea", "2 ea"]


def test_sources_and_scopes_stay_apart(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(
        memory,
        [
            event("1", "07:00", "report", {**pieces(10), "scope": "book"}, source="erp"),
            event("1", "07:30", "report", {**pieces(9), "scope": "on_hand"}),
            event("2", "08:00", "report", {**pieces(8), "scope": "on_hand"}),
        ],
    )

    found = memory.view(as_of=at("09:00")).said(entity=LOT)

    assert [(each.source, each.scope, each.text) for each in found] == [
        ("erp", "book", "10 ea"),
        ("wms", "on_hand", "8 ea"),
    ]


def test_events_are_found_by_place_kind_subject_and_window(store_url, open_memory, feed):
    memory = open_memory(store_url)
    line = "northfield/packing/line_3"
    feed(
        memory,
        [
            event("1", "06:00", "event", {"kind": "stop", "equipment": f"{line}/filler", "lot": "CH-24-9"}),
            event("2", "07:00", "event", {"kind": "start", "equipment": line}),
            event("3", "07:30", "event", {"kind": "stop", "equipment": "northfield/packing/line-3"}),
            event("4", "07:45", "event", {"kind": "stop", "equipment": f"{line}0"}),
            event("5", "08:00", "event", {"kind": "stop", "attributes": {"subject": "lot:CH-24-9"}}),
        ],
    )
    view = memory.view(as_of=at("12:00"))

    def ids(**given: Any) -> list[str]:
        return [each.provenance.source_id for each in view.events(**given)]

    assert ids(equipment=line) == ["1", "2"]
    assert ids(about=LOT) == ["1", "5"]
    assert ids(kinds=["stop"], newest_first=True, limit=2) == ["5", "4"]
    assert ids(within=Window(start=at("07:00"), end=at("07:30"))) == ["2"]


def test_an_id_is_found_as_a_whole_token_only(store_url, open_memory, feed):
    memory = open_memory(store_url)
    texts = [
        "SO-1042 waits.",
        "so-1042/10 is packed",
        "SO-1024 and SO-10420 left",
        "(see sales_order:SO-1042)",
        "XSO-1042",
    ]
    feed(memory, [event(str(index), "08:00", "note", {"text": text}) for index, text in enumerate(texts)])
    view = memory.view(as_of=at("12:00"))

    found = {each.provenance.source_id for each in view.mentions(Entity("sales_order", "SO-1042"))}

    assert found == {"0", "1", "3"}
    assert {each.provenance.source_id for each in view.notes(about=Entity("sales_order", "SO-1042"))} == found


def test_ids_of_plain_words_are_found_in_what_people_wrote(store_url, open_memory, feed):
    memory = open_memory(store_url)
    texts = ["ACME complained again", "acmeology is no word", "the feed wms-stock is late", "wms-stocks"]
    feed(memory, [event(str(index), "08:00", "note", {"text": text}) for index, text in enumerate(texts)])
    view = memory.view(as_of=at("12:00"))

    assert [each.provenance.source_id for each in view.mentions(Entity("customer", "ACME"))] == ["0"]
    assert [each.provenance.source_id for each in view.mentions(Entity("interface", "wms-stock"))] == ["2"]


def test_entities_are_found_by_their_exact_id_in_any_case(store_url, open_memory, feed):
    memory = open_memory(store_url)
    feed(
        memory,
        [event("1", "08:00", "report", pieces(1)), event("2", "08:00", "event", {"kind": "packed", "lot": "CH-24-90"})],
    )
    view = memory.view(as_of=at("12:00"))

    assert view.find("ch-24-9") == view.find("lot:CH-24-9") == [LOT]
    assert view.find("CH-24") == []
    assert (view.knows(LOT), view.knows(Entity("lot", "ch-24-9"))) == (True, False)


PEOPLE = (
    Person(id="near", roles=("planner",), sites=("northfield",)),
    Person(id="far", roles=("planner",), sites=("southfield",)),
    Person(id="both", roles=("planner",), sites=("northfield", "southfield")),
    Person(id="finance", roles=("controller",), sites=("northfield",)),
    Person(id="nowhere", roles=("controller",)),
)
PLANT = """
site = "northfield"
time_zone = "UTC"
[[sources]]
name = "payroll"
readers = ["controller"]
"""


def test_a_person_sees_counts_and_mentions_only_what_sites_and_sources_allow(store_url, open_memory, feed):
    memory = open_memory(store_url, plant=PLANT)
    feed(
        memory,
        [
            event("1", "08:00", "note", {"text": "CH-24-9 here"}),
            event("2", "08:00", "note", {"text": "CH-24-9 there", "equipment": "southfield/packing/line-1"}),
            event(
                "3", "08:00", "event", {"kind": "transfer", "lot": "CH-24-9", "attributes": {"dock": "southfield/d/1"}}
            ),
            event("4", "08:00", "report", {"entity": str(LOT), "properties": {"cost": 7}}, source="payroll"),
            event("5", "08:00", "report", {"entity": "equipment:southfield/a/b", "properties": {"state": "idle"}}),
            event(
                "6", "09:00", "correction", {"corrects": "2", "reason": "r", "replacement": {"text": "CH-24-9 gone"}}
            ),
        ],
    )

    def sees(person: Person | None) -> tuple[list[str], int, list[str], set[str], int]:
        view = memory.view(as_of=at("12:00"), reader=Reader(person))
        mentions = sorted(each.provenance.source_id for each in view.mentions(LOT))
        sources = {each.source for each in view.freshness()}
        return (
            mentions,
            len(view.statements()),
            [each.kind for each in view.entities()],
            sources,
            len(view.corrections()),
        )

    near, far, both, finance, nowhere = PEOPLE
    assert sees(None) == (["1", "3", "4", "6"], 2, ["equipment", "lot"], {"payroll", "wms"}, 1)
    assert sees(near) == (["1"], 0, [], {"wms"}, 0)
    assert sees(far) == (["3", "6"], 1, ["equipment", "lot"], {"wms"}, 1)
    assert sees(both) == (["1", "3", "6"], 1, ["equipment", "lot"], {"wms"}, 1)
    assert sees(finance) == (["1", "4"], 1, ["lot"], {"payroll", "wms"}, 0)
    assert sees(nowhere) == ([], 0, [], set(), 0)


def test_the_reader_says_of_single_records_what_the_view_says(store_url, open_memory, feed):
    memory = open_memory(store_url, plant=PLANT)
    feed(
        memory,
        [
            event("1", "08:00", "note", {"text": "a"}),
            event("2", "08:00", "note", {"text": "b", "equipment": "southfield/x"}),
            event("3", "08:00", "report", pieces(1), source="payroll"),
        ],
    )
    everything = [*memory.view().notes(), *memory.view().mentions(LOT)]
    for person in PEOPLE:
        view = memory.view(reader=Reader(person))
        seen = view.records([each.provenance.record_id for each in everything])
        allowed = {each.provenance.record_id for each in everything if Reader(person).may_read(each, memory.plant)}
        assert set(seen) == allowed


@pytest.mark.parametrize(
    ("hours_later", "state"), [(1, SourceState.LIVE), (3, SourceState.LATE), (5, SourceState.SILENT)]
)
def test_a_declared_cadence_says_when_a_source_is_late_and_silent(remembered, hours_later, state):
    plant = 'site = "n"\ntime_zone = "UTC"\n[[sources]]\nname = "wms"\ncadence_s = 3600\n'
    memory = remembered([event("1", "08:00", "report", pieces(1))], plant=plant)

    (found,) = memory.view(as_of=at("08:00") + timedelta(hours=hours_later)).freshness()

    assert (found.state, found.last_heard, found.declared) == (state, at("08:00"), True)


def test_a_source_that_posts_rarely_is_live_and_one_that_broke_its_habit_is_not(remembered):
    steady = [event(str(minute), f"08:{minute:02}", "report", pieces(minute), source="plc") for minute in range(40)]
    rare = [event("1", "01:00", "note", {"text": "all well"}, source="notes")]
    memory = remembered([*steady, *rare])

    states = {each.source: each.state for each in memory.view(as_of=at("20:00")).freshness()}

    assert states == {"plc": SourceState.SILENT, "notes": SourceState.LIVE}


def test_a_source_of_the_plant_file_that_never_spoke_is_silent(remembered):
    plant = 'site = "n"\ntime_zone = "UTC"\n[[sources]]\nname = "tms"\n'

    (found,) = remembered([], plant=plant).view().freshness()

    assert (found.source, found.last_heard, found.state) == ("tms", None, SourceState.SILENT)


def _snapshot(memory: Any, moment: datetime) -> Any:
    view = memory.view(as_of=moment)
    return (
        [(each.record_id, each.text) for each in view.said()],
        [(each.record_id, each.text) for each in view.statements()],
        [each.provenance.record_id for each in (*view.events(), *view.notes(), *view.corrections())],
        view.entities(),
        [(each.source, each.last_heard, each.state) for each in view.freshness()],
    )


@settings(max_examples=25)
@given(data=st.data())
def test_the_order_and_the_batches_of_arrival_change_no_view(data, remembered, feed):
    clocks = st.sampled_from([f"{hour:02}:00" for hour in range(6, 12)])
    events: list[dict[str, Any]] = []
    for number in range(data.draw(st.integers(3, 9))):
        known = st.sampled_from([str(each) for each in range(number + 2)])
        clock = data.draw(clocks)
        match data.draw(st.sampled_from(["report", "note", "correction", "deletion"])):
            case "report":
                events.append(event(str(number), clock, "report", pieces(number), reported=data.draw(clocks)))
            case "note":
                events.append(event(str(number), clock, "note", {"text": f"CH-24-9 note {number}"}))
            case kind:
                of = data.draw(known.filter(lambda each, own=str(number): each != own))
                field = {"corrects": of} if kind == "correction" else {"of": of}
                replacement = {"replacement": pieces(100 + number) | {"text": "x"}} if kind == "correction" else {}
                events.append(event(str(number), clock, kind, {**field, "reason": "r", **replacement}))
    shuffled = data.draw(st.permutations(events))
    together, apart = remembered(), remembered()
    feed(together, events)
    for each in shuffled:
        feed(apart, [each])

    for hour in range(6, 13):
        assert _snapshot(together, at(f"{hour}:30")) == _snapshot(apart, at(f"{hour}:30"))


def test_many_entities_at_once_are_told_as_each_of_them_alone(store_url, open_memory, feed):
    memory = open_memory(store_url)
    lots = [Entity("lot", f"L-{number}") for number in range(40)]
    line = Entity("equipment", "northfield/packing/line-3")
    events = []
    for number, each in enumerate([*lots, line]):
        for hour, source in ((8, "wms"), (9, "erp"), (10, "wms")):
            told = {"entity": str(each), "properties": {"quantity": {"value": number, "unit": "ea"}, "status": "open"}}
            events.append(event(f"{number}-{hour}-{source}", f"{hour}:00", "report", told, source=source))
    feed(memory, [*events, event("x", "10:30", "deletion", {"of": "3-10-wms", "reason": "wrong"})])
    view = memory.view(as_of=at("11:00"))
    wanted = [line, *reversed(lots[:30]), lots[0], Entity("lot", "nobody-knows")]

    alone = [each for entity in sorted(set(wanted)) for each in view.said(entity=entity)]
    assert view.said(entities=wanted) == alone
    assert view.said(entities=wanted, kind="lot", properties=("status",)) == [
        each for each in alone if (each.entity.kind, each.property) == ("lot", "status")
    ]
    assert view.statements(entities=wanted) == [each for each in view.statements() if each.entity in set(wanted)]
    assert (view.said(entities=()), view.statements(entities=[])) == ([], [])
    assert view.said(entity=lots[1], entities=lots[:1]) == []


def test_a_dock_that_a_system_only_numbers_hides_nothing(store_url, open_memory, feed):
    memory = open_memory(store_url, plant=PLANT)
    said = {"status": "planned", "dock": "4"}
    feed(memory, [event("1", "08:00", "report", {"entity": "shipment:SH-4", "properties": said})])
    near, far, *_ = PEOPLE

    def docks(person: Person) -> list[str]:
        view = memory.view(as_of=at("12:00"), reader=Reader(person))
        return [each.text for each in view.statements(entity=Entity("shipment", "SH-4"), properties=("dock",))]

    assert (docks(near), docks(far)) == (["4"], [])
