"""Sparkplug B as a host must take it: order, aliases, births, deaths, wills, and what no edge should send."""

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.connector import Aside, SourceMessage
from lineside.errors import BadSettings
from lineside.plant.records import Event, Quality, Report
from lineside_ingest.mqtt import Mqtt
from lineside_ingest.mqtt.session import Arrival
from lineside_ingest.mqtt.sparkplug_edges import MOST_HELD, Edges, Told, read_topic
from lineside_ingest.mqtt.sparkplug_wire import _classes, decode

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
INT8, INT32, INT64, UINT64, FLOAT, DOUBLE, BOOLEAN, STRING, DATETIME = 1, 3, 4, 8, 9, 10, 11, 12, 13


def encoded(metrics: Iterable[dict[str, Any]], *, seq: int | None = None, at: datetime | None = START) -> bytes:
    payload = _classes()["Payload"]()
    if at is not None:
        payload.timestamp = int(at.timestamp() * 1000)
    if seq is not None:
        payload.seq = seq
    for each in metrics:
        unit, quality = each.pop("unit", None), each.pop("quality", None)
        metric = payload.metrics.add(**each)
        if unit is not None:
            metric.properties.keys.append("engUnit")
            metric.properties.values.add(type=STRING, string_value=unit)
        if quality is not None:
            metric.properties.keys.append("Quality")
            metric.properties.values.add(type=INT32, int_value=quality)
    content: bytes = payload.SerializeToString()
    return content


def temperature(value: float, **more: Any) -> dict[str, Any]:
    return {"datatype": FLOAT, "float_value": value, **more}


class Talk:
    """An edge `plant/e1`, and the host that listens to it. now: our clock."""

    def __init__(self, state: Any = None) -> None:
        self.now = START
        self.seq = 0
        self.edges = Edges(state, reorder_s=5, rebirth_every_s=60)
        self.told: list[Told] = []

    def hears(self, topic: str, payload: bytes) -> list[Told]:
        self.now += timedelta(seconds=1)
        new = list(self.edges.heard(Arrival(topic=topic, payload=payload, at=self.now)))
        self.told += new
        return new

    def birth(self, bd_seq: int = 0, *, aliases: dict[int, str] | None = None) -> list[Told]:
        self.seq = 0
        names = {1: "Line1/Temp", 2: "Line1/State"} if aliases is None else aliases
        session = {"name": "bdSeq", "datatype": INT64, "long_value": bd_seq}
        metrics = [temperature(20.0, name=name, alias=alias, unit="Cel") for alias, name in names.items()]
        return self.hears("spBv1.0/plant/NBIRTH/e1", encoded([session, *metrics], seq=0))

    def data(self, *metrics: dict[str, Any], skip: int = 0, at: datetime | None = None) -> list[Told]:
        topic, payload = self.sends(*metrics, skip=skip, at=at)
        return self.hears(topic, payload)

    def sends(self, *metrics: dict[str, Any], skip: int = 0, at: datetime | None = None) -> tuple[str, bytes]:
        self.seq = (self.seq + 1 + skip) % 256
        return "spBv1.0/plant/NDATA/e1", encoded(metrics, seq=self.seq, at=at or self.now)

    def death(self, bd_seq: int) -> list[Told]:
        session = {"name": "bdSeq", "datatype": INT64, "long_value": bd_seq}
        return self.hears("spBv1.0/plant/NDEATH/e1", encoded([session]))

    def waits(self, seconds: float) -> list[Told]:
        self.now += timedelta(seconds=seconds)
        new = list(self.edges.waited(self.now))
        self.told += new
        return new

    def asked(self) -> list[tuple[str, str]]:
        return self.edges.rebirths(self.now, most=20)

    def restarted(self) -> "Talk":
        again = Talk(json.loads(json.dumps(self.edges.to_json())))
        again.now, again.seq = self.now, self.seq
        return again


def host(*rules: dict[str, Any]) -> Mqtt:
    stream = {"topic": "spBv1.0/#", "name": "edges", "payload": "sparkplug", "metrics": list(rules)}
    return Mqtt("scada", {"url": "mqtt://broker", "streams": [stream]}, time_zone=UTC, clock=lambda: START)


def message(told: Told) -> SourceMessage:
    return host()._of_edge("edges", told)


def records(told: Iterable[Told], *rules: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for each in told:
        translated = host(*rules).translate(message(each))
        assert not isinstance(translated, Aside), translated.reason
        found += translated
    return found


def values(told: Iterable[Told]) -> list[tuple[str, Any]]:
    return [(each["name"], each["value"]) for one in told for each in one.content["metrics"]]  # type: ignore[union-attr]


def aside(told: Iterable[Told]) -> Aside:
    [one] = told
    found = host().translate(message(one))
    assert isinstance(found, Aside)
    return found


def test_data_by_alias_carry_the_names_and_units_of_the_birth_and_their_own_times() -> None:
    talk = Talk()
    talk.birth()
    at = START + timedelta(seconds=30)
    told = talk.data(temperature(21.5, alias=1, timestamp=int(at.timestamp() * 1000)))
    [report] = records(told)
    assert str(report.entity) == "equipment:plant/e1"
    assert report.properties == {"Line1/Temp": {"value": 21.5, "unit": "Cel"}}
    assert (report.provenance.occurred_at, report.provenance.quality) == (at, Quality.GOOD)
    assert report.provenance.source_id == message(told[0]).source_id


def test_what_is_out_of_order_waits_for_what_is_missing_and_no_gap_is_told() -> None:
    talk = Talk()
    talk.birth()
    first, second, third = (talk.sends(temperature(float(n), alias=1)) for n in (1, 2, 3))
    assert values(talk.hears(*first)) == [("Line1/Temp", 1.0)]
    assert talk.hears(*third) == []
    assert values(talk.hears(*second)) == [("Line1/Temp", 2.0), ("Line1/Temp", 3.0)]
    assert (talk.edges.gaps, talk.asked(), talk.edges.waiting) == ([], [], False)


def test_what_stays_missing_is_a_gap_and_the_edge_is_asked_for_its_births() -> None:
    talk = Talk()
    talk.birth()
    heard = talk.now
    assert talk.data(temperature(3.0, alias=1), skip=2) == []
    assert talk.waits(1) == []
    assert values(talk.waits(5)) == [("Line1/Temp", 3.0)]
    [gap] = talk.edges.gaps
    assert (gap.since, gap.until) == (heard, talk.now)
    assert gap.reason == "plant/e1: messages from number 1 on never came"
    assert talk.asked() == [("plant", "e1")]
    assert values(talk.data(temperature(4.0, alias=1))) == [("Line1/Temp", 4.0)]


def test_the_count_goes_on_at_0_after_255() -> None:
    talk = Talk()
    talk.birth()
    told = [each for n in range(600) for each in talk.data(temperature(float(n), alias=1))]
    assert len(told) == 600
    assert (talk.edges.gaps, talk.asked()) == ([], [])


def test_a_message_that_comes_twice_changes_nothing_and_has_one_id() -> None:
    talk = Talk()
    talk.birth()
    first = talk.sends(temperature(1.0, alias=1))
    second = talk.sends(temperature(2.0, alias=1))
    once, _, again = talk.hears(*first), talk.hears(*second), talk.hears(*first)
    assert message(once[0]).source_id == message(again[0]).source_id
    assert message(once[0]).content == message(again[0]).content
    assert values(talk.data(temperature(3.0, alias=1))) == [("Line1/Temp", 3.0)]
    assert (talk.edges.gaps, talk.asked()) == ([], [])


def test_an_edge_that_nobody_knows_is_asked_for_its_births_once_a_minute_and_ever_more_seldom() -> None:
    talk = Talk()
    asked = []
    for second in range(600):
        talk.data(temperature(1.0, alias=1))
        asked += [second for _ in talk.asked()]
    assert asked[0] == 0
    pauses = [after - before for before, after in pairwise(asked)]
    assert pauses == [60, 120, 240]


def test_a_plant_full_of_unknown_edges_is_not_asked_at_once() -> None:
    talk = Talk()
    for number in range(50):
        talk.hears(f"spBv1.0/plant/NDATA/edge-{number}", encoded([temperature(1.0, alias=1)], seq=1))
    rounds = [len(talk.edges.rebirths(talk.now, most=20)) for _ in range(4)]
    assert rounds == [20, 20, 10, 0]


def test_what_no_birth_explains_is_held_and_not_guessed_at() -> None:
    talk = Talk()
    assert talk.data(temperature(1.0, alias=7)) == []
    held = aside(talk.waits(6))
    assert (held.held, held.reason) == (True, "no birth says what alias 7 stands for")


def test_a_birth_does_not_explain_what_came_before_it_on_the_first_start() -> None:
    talk = Talk()
    talk.data(temperature(1.0, alias=1))
    before, birth = talk.birth()
    assert aside([before]).held
    assert birth.content["began"] is True


def test_after_our_restart_the_birth_that_was_known_explains_what_came_before_it() -> None:
    talk = Talk()
    talk.birth(bd_seq=4)
    talk.data(temperature(1.0, alias=1))
    again = talk.restarted()
    assert again.data(temperature(2.0, alias=1)) == []
    assert again.asked() == [("plant", "e1")]
    before, birth = again.birth(bd_seq=4)
    assert values([before]) == [("Line1/Temp", 2.0)]
    assert birth.content["began"] is False
    assert (again.edges.gaps, again.edges.epochs) == ([], [])


def test_what_came_out_of_order_after_our_restart_waits_for_the_birth_that_is_asked_for() -> None:
    talk = Talk()
    talk.birth(bd_seq=4)
    again = talk.restarted()
    again.data(temperature(2.0, alias=1), skip=1)
    assert again.asked() == [("plant", "e1")]
    assert again.waits(6) == []
    before, _ = again.birth(bd_seq=4)
    assert values([before]) == [("Line1/Temp", 2.0)]
    assert [gap.reason for gap in again.edges.gaps] == ["plant/e1: messages from number 1 on never came"]


def test_a_birth_that_never_comes_is_not_waited_for_for_ever() -> None:
    talk = Talk()
    talk.birth(bd_seq=4)
    again = talk.restarted()
    again.data(temperature(2.0, alias=1), skip=1)
    assert (again.waits(6), again.edges.waiting) == ([], True)
    assert aside(again.waits(6)).held
    assert not again.edges.waiting


def test_after_our_restart_another_birth_explains_nothing_that_came_before_it() -> None:
    talk = Talk()
    talk.birth(bd_seq=4)
    again = talk.restarted()
    again.data(temperature(2.0, alias=1))
    before, _ = again.birth(bd_seq=4, aliases={1: "Line1/State", 2: "Line1/Temp"})
    assert aside([before]).held


def test_a_message_lost_while_we_were_away_is_a_gap() -> None:
    talk = Talk()
    talk.birth()
    again = talk.restarted()
    again.data(temperature(2.0, name="Line1/Temp"), skip=1)
    again.birth()
    assert [gap.reason for gap in again.edges.gaps] == ["plant/e1: messages before its birth never came"]


def test_a_will_of_an_earlier_session_is_ignored() -> None:
    talk = Talk()
    talk.birth(bd_seq=3)
    talk.birth(bd_seq=4)
    assert "will of a session that had ended" in aside(talk.death(3)).reason
    assert values(talk.data(temperature(5.0, alias=1))) == [("Line1/Temp", 5.0)]
    assert talk.edges.silent() == []


def test_the_will_of_session_255_is_an_earlier_one_to_session_0_and_a_later_ones_death_counts() -> None:
    talk = Talk()
    talk.birth(bd_seq=0)
    assert "will of a session that had ended" in aside(talk.death(255)).reason
    talk.death(1)
    assert talk.edges.silent() == ["plant/e1"]


def test_a_death_stops_the_feed_and_makes_every_value_bad() -> None:
    talk = Talk()
    talk.birth(bd_seq=3)
    [stopped, report] = records(talk.death(3))
    assert isinstance(stopped, Event)
    assert (stopped.kind, stopped.equipment) == ("feed_stopped", "plant/e1")
    assert isinstance(report, Report)
    assert (dict(report.properties), report.provenance.quality) == (
        {"Line1/Temp": None, "Line1/State": None},
        Quality.BAD,
    )
    assert talk.edges.silent() == ["plant/e1"]


def test_an_edge_that_comes_back_begins_anew_with_a_gap_and_starts_its_feed() -> None:
    talk = Talk()
    talk.birth(bd_seq=3)
    talk.death(3)
    died = talk.now
    talk.now += timedelta(minutes=10)
    started = records(talk.birth(bd_seq=4))[0]
    assert (started.kind, talk.edges.epochs) == ("feed_started", ["plant/e1 began a new session"])
    assert [(gap.since, gap.until) for gap in talk.edges.gaps] == [(died, talk.now)]


def test_a_birth_that_was_asked_for_starts_no_feed() -> None:
    talk = Talk()
    talk.birth(bd_seq=3)
    assert [type(each) for each in records(talk.birth(bd_seq=3))] == [Report]
    assert (talk.edges.epochs, talk.edges.gaps) == ([], [])


def test_devices_have_births_aliases_and_deaths_of_their_own() -> None:
    talk = Talk()
    talk.birth()
    talk.hears("spBv1.0/plant/DBIRTH/e1/press", encoded([temperature(1.0, name="Force", alias=1, unit="kN")], seq=1))
    told = talk.hears("spBv1.0/plant/DDATA/e1/press", encoded([temperature(2.0, alias=1)], seq=2))
    [report] = records(told)
    assert (str(report.entity), dict(report.properties)) == (
        "equipment:plant/e1/press",
        {"Force": {"value": 2.0, "unit": "kN"}},
    )
    stopped, bad = records(talk.hears("spBv1.0/plant/DDEATH/e1/press", encoded([], seq=3)))
    assert (stopped.equipment, dict(bad.properties)) == ("plant/e1/press", {"Force": None})
    assert talk.hears("spBv1.0/plant/DDATA/e1/press", encoded([temperature(3.0, alias=1)], seq=4)) == []
    assert talk.asked() == [("plant", "e1")]


def test_what_waits_is_bounded() -> None:
    talk = Talk()
    talk.birth()
    talk.data(temperature(0.0, alias=1), skip=1)
    most = 0
    for n in range(1000):
        topic = "spBv1.0/plant/DDATA/e1/unborn"
        talk.hears(topic, encoded([temperature(float(n), alias=1)], seq=(n * 3) % 256, at=START))
        edge = talk.edges._edges["plant", "e1"]
        most = max(most, len(edge.waiting) + len(edge.orphans))
    assert most <= MOST_HELD + 1


def test_nulls_qualities_backlog_and_missing_times_are_told_as_they_are() -> None:
    talk = Talk()
    talk.birth()
    past = START - timedelta(hours=2)
    metrics = [
        {"name": "Null", "datatype": INT32, "is_null": True},
        {"name": "Stale", "datatype": INT32, "int_value": 1, "quality": 500},
        {"name": "Good", "datatype": INT32, "int_value": 2, "quality": 192},
        {"name": "Unsure", "datatype": INT32, "int_value": 3, "quality": 64},
        {"name": "NaN", "datatype": DOUBLE, "double_value": math.nan},
        {
            "name": "Old",
            "datatype": INT32,
            "int_value": 4,
            "is_historical": True,
            "timestamp": int(past.timestamp() * 1000),
        },
        {"name": "Nowhen", "datatype": INT32, "int_value": 5, "timestamp": 2**63},
    ]
    found = {name: each for each in records(talk.data(*metrics)) for name in each.properties}
    quality = {name: each.provenance.quality for name, each in found.items()}
    assert quality["Null"] == quality["Stale"] == quality["NaN"] == Quality.BAD
    assert (quality["Good"], quality["Unsure"]) == (Quality.GOOD, Quality.UNCERTAIN)
    assert (quality["Old"], found["Old"].provenance.occurred_at) == (Quality.GOOD, past)
    assert found["Nowhen"].provenance.occurred_at == found["Good"].provenance.occurred_at
    topic, payload = "spBv1.0/plant/NDATA/e1", encoded([{"name": "X", "int_value": 1}], seq=2, at=None)
    assert records(talk.hears(topic, payload))[0].provenance.quality is Quality.UNCERTAIN


def test_every_kind_of_value_is_read_as_its_type_says() -> None:
    payload = _classes()["Payload"](timestamp=1)
    add = payload.metrics.add
    add(name="int8", datatype=INT8, int_value=2**32 - 3)
    add(name="int64", datatype=INT64, long_value=2**64 - 1)
    add(name="uint64", datatype=UINT64, long_value=2**64 - 1)
    add(name="float", datatype=FLOAT, float_value=12.3)
    add(name="boolean", datatype=BOOLEAN, boolean_value=True)
    add(name="time", datatype=DATETIME, long_value=int(START.timestamp() * 1000))
    add(name="int16s", datatype=23, bytes_value=b"\xff\xff\x02\x00\x09")
    add(name="booleans", datatype=32, bytes_value=b"\x0a\x00\x00\x00\x80\x40")
    add(name="strings", datatype=33, bytes_value=b"one\0two\0")
    add(name="bytes", datatype=17, bytes_value=b"\x00\x01")
    table = add(name="table", datatype=16).dataset_value
    table.columns.extend(["lot", "n"])
    table.types.extend([STRING, INT8])
    row = table.rows.add()
    row.elements.add(string_value="L-1")
    row.elements.add(int_value=255)
    motor = add(name="Motor", datatype=19, alias=9).template_value
    motor.metrics.add(name="Speed", datatype=INT32, int_value=7)
    motor.parameters.add(name="Pole", type=INT32, int_value=4)
    add(name="Definition", datatype=19).template_value.is_definition = True
    found = decode(payload.SerializeToString())
    assert {each.name: each.value for each in found.metrics} == {
        "int8": -3,
        "int64": -1,
        "uint64": 2**64 - 1,
        "float": 12.3,
        "boolean": True,
        "time": START.isoformat(),
        "int16s": [-1, 2],
        "booleans": [True, False, False, False, False, False, False, False, False, True],
        "strings": ["one", "two"],
        "bytes": "AAE=",
        "table": [{"lot": "L-1", "n": -1}],
        "Motor/Speed": 7,
        "Motor/Pole": 4,
    }


def test_a_template_by_alias_has_its_members_named() -> None:
    talk = Talk()
    talk.birth(aliases={9: "Motor"})
    payload = _classes()["Payload"](timestamp=1, seq=1)
    payload.metrics.add(alias=9, datatype=19).template_value.metrics.add(name="Speed", datatype=INT32, int_value=7)
    assert values(talk.hears("spBv1.0/plant/NDATA/e1", payload.SerializeToString())) == [("Motor/Speed", 7)]


def test_rules_say_what_a_metric_is_about() -> None:
    talk = Talk()
    rules = (
        {"metric": "*/Secret", "ignore": True},
        {
            "metric": "Line*/State",
            "equipment": "{group}/packing/{metric.1}",
            "property": "state",
            "values": {"2": "stopped"},
        },
        {"device": "scale*", "entity": "lot:L-{metric.2}", "property": "quantity", "unit": "kg", "scope": "{device}"},
    )
    talk.birth()
    metrics = [
        {"name": "Line1/State", "datatype": INT32, "int_value": 2},
        {"name": "Line1/Secret", "datatype": INT32, "int_value": 1},
        {"name": "Node Control/Rebirth", "datatype": BOOLEAN, "boolean_value": False},
    ]
    [state] = records(talk.data(*metrics), *rules)
    assert (str(state.entity), dict(state.properties)) == ("equipment:plant/packing/line1", {"state": "stopped"})
    talk.hears("spBv1.0/plant/DBIRTH/e1/scale-3", encoded([temperature(1.5, name="Lot/77")], seq=2))
    weighed = records(talk.told[-1:], *rules)[-1]
    assert (str(weighed.entity), weighed.scope) == ("lot:L-77", "scale-3")
    assert dict(weighed.properties) == {"quantity": {"value": 1.5, "unit": "kg"}}


@pytest.mark.parametrize(
    "rule",
    [
        {"equipment": "x", "entity": "lot:1"},
        {"equipment": "{line}"},
        {"property": "{metric.x}"},
        {"metrics": "x"},
    ],
)
def test_a_rule_that_can_mean_nothing_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(BadSettings):
        host(rule)


def test_commands_and_states_of_hosts_say_nothing_of_the_plant() -> None:
    talk = Talk()
    for topic in ("spBv1.0/plant/NCMD/e1", "spBv1.0/plant/DCMD/e1/press", "spBv1.0/STATE/ignition"):
        assert aside(talk.hears(topic, b"anything")).held is False


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0",
        "spBv1.0/plant",
        "spAv1.0/p/NDATA/e",
        "spBv1.0/p/NDATA",
        "spBv1.0/p/NDATA/e/d",
        "spBv1.0/p/DDATA/e",
        "spBv1.0/p/XDATA/e",
        "spBv1.0//NDATA/e",
        "spBv1.0/p/DDATA/e/d/x",
        "",
    ],
)
def test_a_topic_that_is_none_is_told(topic: str) -> None:
    with pytest.raises(ValueError, match="no topic of Sparkplug B"):
        read_topic(topic)


TOPICS = st.one_of(
    st.sampled_from(["NBIRTH/e1", "NDATA/e1", "NDEATH/e1", "DBIRTH/e1/d", "DDATA/e1/d", "DDEATH/e1/d", "NCMD/e1"]).map(
        lambda rest: f"spBv1.0/plant/{rest}"
    ),
    st.text(max_size=30),
)
METRICS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.text(max_size=5),
            "alias": st.integers(0, 2**64 - 1),
            "timestamp": st.integers(0, 2**64 - 1),
            "datatype": st.integers(0, 2**32 - 1),
            "long_value": st.integers(0, 2**64 - 1),
            "is_null": st.booleans(),
            "unit": st.text(max_size=3),
            "quality": st.integers(0, 2**32 - 1),
        },
    ),
    max_size=4,
)
PAYLOADS = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda metrics, seq: encoded([dict(each) for each in metrics], seq=seq), METRICS, st.integers(0, 300)),
    st.builds(lambda metrics, cut: encoded([dict(each) for each in metrics], seq=1)[:cut], METRICS, st.integers(0, 60)),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(TOPICS, PAYLOADS), max_size=12))
def test_whatever_comes_is_told_held_or_refused_and_all_of_it_once(said: list[tuple[str, bytes]]) -> None:
    talk = Talk()
    talk.birth()
    taken = refused = 0
    for topic, payload in said:
        try:
            taken += len(talk.hears(topic, payload))
        except ValueError:
            refused += 1
    taken += len(talk.waits(60)) + len(talk.waits(60))
    assert taken + refused == len(said)
    assert not talk.edges.waiting
    for told in talk.told:
        host().translate(message(told))
    assert Edges(json.loads(json.dumps(talk.edges.to_json())), reorder_s=5, rebirth_every_s=60)
