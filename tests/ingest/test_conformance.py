"""Every connector of the house against the suite, each with a real source on the bench."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineside.connector import Connector
from lineside_ingest.opcua import OpcUa

from .conformance import Bench, Conformance
from .test_opcua import AT, OnlyOperator, Press, node

MAPPING = {"entity": "lot:L-{n}", "properties": {"n": {"field": "n", "type": "number"}}}


class OpcUaBench:
    name = "opcua"

    def __init__(self, press: Press) -> None:
        self.press = press
        self.extra: list[dict[str, Any]] = []

    def connector(self) -> Connector:
        return self._at(self.press.url, "right")

    async def say(self, *numbers: int) -> None:
        history = self.press.server.iserver.history_manager.storage._datachanges[self.press.nodes["Good"].nodeid]
        for number in numbers:
            await self.press.write("Good", number, at=AT + timedelta(seconds=number))
            async with asyncio.timeout(10):
                while [value.Value.Value for value in history[-1:]] != [number]:  # noqa: ASYNC110 - the history has no event to wait for
                    await asyncio.sleep(0.01)

    async def say_poison(self) -> None:
        self.extra = [node("Missing", property="n")]

    def refused(self) -> Connector | None:
        return self._at(self.press.url, "wrong")

    def unavailable(self) -> Connector:
        return self._at("opc.tcp://127.0.0.1:1/", "right")

    def _at(self, url: str, password: str) -> Connector:
        options = {
            "url": url,
            "nodes": [node("Good", property="n"), *self.extra],
            "sampling_ms": 20,
            "keep_alive_s": 0.3,
            "user": "operator",
            "password": password,
        }
        return OpcUa("bench", options, time_zone=UTC, clock=lambda: datetime.now(UTC))


class TestOpcUa(Conformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        press = Press(user_manager=OnlyOperator())
        await press.start()
        await press.server.historize_node_data_change(press.nodes["Good"], period=None, count=100)
        yield OpcUaBench(press)
        await press.stop()
