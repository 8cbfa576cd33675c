"""MQTT against the suite, with a real mosquitto on the bench."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.connector import Connector
from lineside.memory.intake import catch_up
from lineside_ingest.mqtt import Mqtt

from .conformance import Bench, Conformance
from .mqtt_peer import PASSWORD, USER, Broker, Wire, publish, running, wired
from .reading import drain

MAPPING = {
    "entity": "lot:L-{topic.2}",
    "occurred_at": "at",
    "properties": {"n": {"field": "n", "type": "number"}},
}


NEVER = {
    "throttled": "MQTT has no word for 'wait so long'",
    "deleted": "nothing is deleted over MQTT",
}


class MqttBench(Bench):
    name = "mqtt"
    lacks = NEVER

    def __init__(self, broker: Broker, wire: Wire, version: str) -> None:
        self.broker = broker
        self.wire = wire
        self.version = version
        self.counted = 0

    def connector(self) -> Connector:
        return self._at(self.wire.port)

    async def say(self, *numbers: int) -> None:
        self._publish(*(self._said(number) for number in numbers))

    async def say_poison(self) -> None:
        self._publish(b"\xff{ not json")

    def unavailable(self) -> Connector:
        return self._at(1)

    async def say_shuffled(self, *numbers: int) -> None:
        await self.say(*numbers)

    async def say_late(self, number: int) -> None:
        self._publish(self._said(number, at=datetime.now(UTC) - timedelta(days=3)))

    async def lose(self, number: int) -> None:
        self._publish(self._said(number), qos=0)  # the broker queues nothing of that kind for who is away

    async def begin_anew(self) -> None:
        self.broker.stop()
        self.broker.forget()
        self.broker.start()
        await drain(self.connector())  # somebody must subscribe before anything is kept

    async def rename_field(self, number: int) -> None:
        self._publish(self._said(number).replace(b'"n"', b'"number"'))

    def refused(self) -> Connector:
        return self._at(self.broker.port, password="wrong")

    def slow(self) -> Connector:
        self.wire.dead = True
        return self._at(self.wire.port)

    async def cut(self) -> None:
        self.wire.cut_after = 150

    async def hush(self, connector: Connector) -> None:
        self.wire.dead = True

    async def say_ahead(self, number: int) -> None:
        self._publish(self._said(number, at=datetime.now(UTC) + timedelta(days=365)))

    def _said(self, number: int, *, at: datetime | None = None) -> bytes:
        self.counted += 1
        said = {"n": number, "at": (at or datetime.now(UTC)).isoformat(), "seq": self.counted}
        return json.dumps(said).encode()

    def _publish(self, *payloads: bytes, qos: int = 1) -> None:
        publish(self.broker.port, *(("said/here", payload) for payload in payloads), qos=qos)

    def _at(self, port: int, password: str = PASSWORD) -> Connector:
        stream = {"topic": "said/#", "sequence_field": "seq", "mapping": MAPPING}
        options: dict[str, Any] = {
            "url": f"mqtt://127.0.0.1:{port}",
            "user": USER,
            "password": password,
            "version": self.version,
            "timeout_s": 2.0,
            "keep_alive_s": 1.0,
            "streams": [stream],
        }
        return Mqtt("bench", options, time_zone=UTC, clock=lambda: datetime.now(UTC))


@pytest.fixture(params=["5", "3.1.1"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    with running(tmp_path / "broker") as broker:
        async with wired(broker.port) as wire:
            made = MqttBench(broker, wire, request.param)
            await drain(made.connector())  # the session begins with the first subscription
            yield made


class TestMqtt(Conformance):
    """On a session that the broker has kept since before the first message."""


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_backlog_of_many_times_what_may_be_in_flight_is_read_to_its_end(
    tmp_path: Path, version: str, remembered: Any
) -> None:
    memory = remembered()
    with running(tmp_path / "broker") as broker:
        stream = {"topic": "said/#", "mapping": MAPPING}
        options: dict[str, Any] = {
            "url": broker.url, "user": USER, "password": PASSWORD, "version": version, "timeout_s": 5.0,
            "in_flight": 10, "streams": [stream],
        }  # fmt: skip

        def connector() -> Mqtt:
            return Mqtt("bench", options, time_zone=UTC, clock=lambda: datetime.now(UTC))

        await catch_up(memory, connector())  # the session begins with the first subscription
        said = [json.dumps({"n": number, "at": "2026-05-04T10:00:00Z"}).encode() for number in range(200)]
        publish(broker.port, *(("said/here", each) for each in said))
        outcome = await catch_up(memory, connector())
    assert outcome.recorded == len(said)
