"""The OPC UA connector against the suite that every connector inherits, with asyncua's server behind a line that can
be cut, slowed and hushed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from asyncua import ua
from asyncua.common.utils import ServiceError

from lineside.connector import Connector
from lineside_ingest.opcua import OpcUa

from .conformance import Bench, Conformance
from .test_opcua import AT, OnlyOperator, Press, node

BREAKS_AFTER = 9  # answers: signed in, and the subscription made


class Line:
    """A TCP line to the server. mode: `open`, `cut` (whoever uses it loses it), `hushed` (nothing comes back), `slow`
    (no answer comes in time), `cutting` (it breaks in the middle of a reading, and is cut)."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mode = "open"
        self._pairs: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self._door = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"opc.tcp://127.0.0.1:{self._door.sockets[0].getsockname()[1]}/"

    async def stop(self) -> None:
        self._door.close()
        self.drop()

    def drop(self) -> None:
        for writer in self._pairs:
            writer.close()
        self._pairs.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "cut":
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        self._pairs += [writer, back]
        await asyncio.gather(self._pump(reader, back, answers=False), self._pump(there, writer, answers=True))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        seen = 0
        with suppress(OSError):
            while data := await reader.read(65536):
                seen += answers
                if self.mode == "cutting" and seen > BREAKS_AFTER:
                    self.mode = "cut"
                    self.drop()
                if not (answers and self.mode in ("hushed", "slow")):
                    writer.write(data)
                    await writer.drain()
        writer.close()


class OpcUaBench(Bench):
    name = "opcua"
    lacks: ClassVar = {
        "deleted": "a node that is deleted takes back nothing: what it said was so, and it says nothing more",
    }

    def __init__(self, press: Press, line: Line) -> None:
        self.press = press
        self.line = line

    def connector(self) -> Connector:
        if self.line.mode == "cut":
            self.line.mode = "open"
        return self._at(self.line.url, "right")

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            await self._write(number, AT + timedelta(seconds=number))

    async def say_shuffled(self, *numbers: int) -> None:
        for number in numbers:
            await self._write(number, AT + timedelta(seconds=number))

    async def say_late(self, number: int) -> None:
        await self._write(number, AT + timedelta(seconds=number))

    async def say_ahead(self, number: int) -> None:
        await self._write(number, datetime.now(UTC) + timedelta(days=365))

    async def say_poison(self) -> None:
        """A structure that the server itself can't describe."""
        strange = ua.ExtensionObject(TypeId=ua.NodeId(4711, 2), Body=b"\x01\x02")
        await self.press.hall.add_variable(
            ua.NodeId("Press7.Odd", self.press.index),
            "Odd",
            strange,
            ua.VariantType.ExtensionObject,
            ua.NodeId(ua.ObjectIds.Structure),
        )

    async def rename_field(self, number: int) -> None:
        """The controller has another program: the value is a text now."""
        self.press.kept = None
        await self.press.stop()
        await self.press.start()
        await self.press.server.delete_nodes([self.press.nodes["Good"]])
        self.press.nodes["Good"] = await self.press.hall.add_variable(
            ua.NodeId("Press7.Good", self.press.index), "Good", str(number)
        )

    async def lose(self, number: int) -> None:
        self.press.kept = None
        await self.press.server.dehistorize_node_data_change(self.press.nodes["Good"])
        await self._write(number, AT + timedelta(seconds=number))

    async def begin_anew(self) -> None:
        await self.press.stop()
        self.press.other_namespaces = 3
        await self.press.start()
        await keep(self.press)

    async def cut(self) -> None:
        self.line.mode = "cutting"

    async def hush(self, connector: Connector) -> None:
        self.line.mode = "hushed"

    def refused(self) -> Connector:
        return self._at(self.line.url, "wrong")

    def throttled(self) -> Connector:
        def full(*_: object, **__: object) -> None:
            raise ServiceError(ua.StatusCodes.BadTooManySessions)

        self.press.server.iserver.create_session = full  # type: ignore[method-assign]
        return self._at(self.line.url, "right")

    def slow(self) -> Connector:
        self.line.mode = "slow"
        return self._at(self.line.url, "right")

    def unavailable(self) -> Connector:
        return self._at("opc.tcp://127.0.0.1:1/", "right")

    async def _write(self, value: Any, at: datetime) -> None:
        await self.press.write("Good", value, at=at)
        if self.press.kept is not None:
            async with asyncio.timeout(10):
                while [each.Value.Value for each in self.press.kept[-1:]] != [value]:  # noqa: ASYNC110 - the history has no event to wait for
                    await asyncio.sleep(0.01)

    def _at(self, url: str, password: str) -> Connector:
        options = {
            "url": url,
            "nodes": [node("Good", property="n"), node("Odd", property="odd")],
            "since": (AT + timedelta(milliseconds=500)).isoformat(),
            "sampling_ms": 20,
            "keep_alive_s": 0.4,
            "resume_s": 0,
            "timeout_s": 3,
            "user": "operator",
            "password": password,
        }
        return OpcUa("bench", options, time_zone=UTC, clock=lambda: datetime.now(UTC))


async def keep(press: Press) -> None:
    """The server keeps the history of the values that the bench says."""
    await press.server.historize_node_data_change(press.nodes["Good"], period=None, count=100)
    press.kept = press.server.iserver.history_manager.storage._datachanges[press.nodes["Good"].nodeid]


class TestOpcUa(Conformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        press = Press(user_manager=OnlyOperator())
        await press.start()
        await keep(press)
        line = Line(int(press.url.rstrip("/").rpartition(":")[2]))
        await line.start()
        yield OpcUaBench(press, line)
        await line.stop()
        await press.stop()
