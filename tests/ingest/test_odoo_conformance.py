"""The connector of Odoo against the suite, by both of its interfaces."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any, ClassVar

import pytest

from lineside.connector import Connector
from lineside_ingest.odoo import Odoo

from .conformance import Bench, Conformance
from .odoo_peer import OdooServer
from .reading import NOW
from .web_peer import serving

MAPPING = {"entity": "lot:L-{n}", "properties": {"n": {"field": "n", "type": "number"}}}
SAID = NOW - timedelta(minutes=1)


class OdooBench(Bench):
    name = "odoo"
    lacks: ClassVar = {
        "gap": "a table of things keeps each of them: what was changed while nobody asked is read the next time",
        "hushed": "every read is a question of its own; no session stands between two of them",
    }
    interface = "jsonrpc"
    before_the_second_page = 6  # sign-in, the database's id, fields, newest stamps, first page

    def __init__(self, server: OdooServer) -> None:
        self.server = server
        self.column = "n"
        self._describe()
        self.server.records["x.said"] = []

    def connector(self) -> Connector:
        return self._at(self.server.url)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self._add(number, number)

    async def say_poison(self) -> None:
        self._add(666, "not a number")

    async def say_shuffled(self, *numbers: int) -> None:
        for place, number in enumerate(numbers):
            self._add(number, number, at=SAID - timedelta(seconds=place))

    async def say_late(self, number: int) -> None:
        self._add(number, number, at=SAID - timedelta(minutes=3))

    async def say_ahead(self, number: int) -> None:
        self._add(number, number, at=NOW + timedelta(days=365))

    async def begin_anew(self) -> None:
        self.server.uuid = "two"
        del self.server.records["x.said"][0]

    async def rename_field(self, number: int) -> None:
        self.column = "amount"
        self._describe()
        for record in self.server.records["x.said"]:
            record["amount"] = record.pop("n")
        await self.say(number)

    async def delete(self, number: int) -> None:
        there = self.server.records["x.said"]
        self.server.records["x.said"] = [each for each in there if each["id"] != number]

    async def cut(self) -> None:
        self.server.cut = self.before_the_second_page

    def refused(self) -> Connector:
        self.server.key = "another"
        return self.connector()

    def throttled(self) -> Connector:
        self.server.closed = (429, {"retry-after": "9"}, {})
        return self.connector()

    def slow(self) -> Connector:
        self.server.dripping = True
        return self._at(self.server.url, timeout_s=0.5)

    def unavailable(self) -> Connector:
        return self._at("http://127.0.0.1:1")

    def _at(self, url: str, **more: Any) -> Connector:
        options = {
            "url": url, "database": "plant", "user": "lineside", "api_key": "right", "interface": self.interface,
            "use": [], "models": [{"model": "x.said", "mapping": MAPPING, "page_size": 2}], **more,
        }  # fmt: skip
        return Odoo("bench", options, time_zone=UTC, clock=lambda: NOW)

    def _describe(self) -> None:
        stamps = {"write_date": "datetime", "create_date": "datetime"}
        self.server.types["x.said"] = {"id": "integer", self.column: "char", **stamps}

    def _add(self, number: int, said: int | str, *, at: Any = SAID) -> None:
        stamp = f"{at:%Y-%m-%d %H:%M:%S}"
        record = {"id": number, self.column: said, "write_date": stamp, "create_date": stamp}
        self.server.records["x.said"].append(record)


class Json2Bench(OdooBench):
    interface = "json2"
    before_the_second_page = 5


@pytest.fixture
def server() -> Iterator[OdooServer]:
    served = OdooServer()
    with serving(served) as url:
        served.url = url
        yield served


class TestJsonRpc(Conformance):
    @pytest.fixture
    def bench(self, server: OdooServer) -> Bench:
        return OdooBench(server)


class TestJson2(Conformance):
    @pytest.fixture
    def bench(self, server: OdooServer) -> Bench:
        return Json2Bench(server)
