"""The connector of OData and REST against the suite: OData 4, OData 2 and a plain REST list, each over real HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from lineside.connector import Connector
from lineside_ingest.odata import OData

from .conformance import Bench, Conformance
from .reading import NOW
from .web_peer import Answer, Peer, edmx, serving

MAPPING = {"entity": "lot:L-{n}", "properties": {"n": {"field": "n", "type": "number"}}}
SAID = NOW - timedelta(minutes=1)
QUICK_S = 0.5


class ODataBench(Bench):
    """A service with a $metadata document and an identity of its database."""

    name = "odata"
    lacks: ClassVar = {
        "gap": "a table of things keeps each of them: what was changed while nobody asked is read the next time",
        "hushed": "every read is a question of its own; no session stands between two of them",
    }
    protocol = "odata4"
    version = 4
    changed = "Edm.DateTimeOffset"

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.database = "one"
        self.column = "n"
        self._describe()
        peer.answer = self._answer  # type: ignore[method-assign]

    def connector(self) -> Connector:
        return self._at(self.peer.url)

    async def say(self, *numbers: int) -> None:
        self._add(*numbers, at=SAID)

    async def say_poison(self) -> None:
        self.peer.rows.append({"k": "x", self.column: "not a number", "changed": self._stamp(SAID)})

    async def say_shuffled(self, *numbers: int) -> None:
        await self.say(*numbers)

    async def say_late(self, number: int) -> None:
        self._add(number, at=SAID - timedelta(minutes=3))

    async def say_ahead(self, number: int) -> None:
        self._add(number, at=NOW + timedelta(days=365))

    async def begin_anew(self) -> None:
        self.database = "two"
        self.peer.rows = self.peer.rows[1:]

    async def rename_field(self, number: int) -> None:
        self.column = "amount"
        self._describe()
        self.peer.rows = [{"k": row["k"], "amount": row["n"], "changed": row["changed"]} for row in self.peer.rows]
        await self.say(number)

    async def delete(self, number: int) -> None:
        self.peer.rows = [row for row in self.peer.rows if row["k"] != str(number)]

    async def cut(self) -> None:
        self.peer.faults = [(200, {"content-length": "4000"}, b'{"value": [')]

    def refused(self) -> Connector:
        self.peer.closed = (401, {}, {})
        return self.connector()

    def throttled(self) -> Connector:
        self.peer.closed = (503, {"retry-after": "9"}, {})
        return self.connector()

    def slow(self) -> Connector:
        self.peer.dripping = True
        return self._at(self.peer.url, timeout_s=QUICK_S)

    def unavailable(self) -> Connector:
        return self._at("http://127.0.0.1:1")

    def _at(self, url: str, **more: Any) -> Connector:
        one = {
            "path": "Said",
            "key": "k",
            "changed_field": "changed",
            "mapping": MAPPING,
            "page_size": 2,
            **self._own(),
        }
        options = {
            "url": url, "protocol": self.protocol, "collections": [one], "epoch_path": "System", "epoch_field": "id",
            **more,
        }  # fmt: skip
        return OData("bench", options, time_zone=UTC, clock=lambda: NOW)

    def _own(self) -> dict[str, Any]:
        return {"select": True}

    def _add(self, *numbers: int, at: datetime) -> None:
        self.peer.rows += [{"k": str(n), self.column: n, "changed": self._stamp(at)} for n in numbers]

    def _stamp(self, at: datetime) -> str:
        return at.isoformat().replace("+00:00", "Z")

    def _describe(self) -> None:
        properties = {"k": "Edm.String", self.column: "Edm.Int32", "changed": self.changed}
        self.peer.metadata = edmx(self.version, {"Said": properties}, key="k")

    def _answer(self, query: dict[str, str]) -> Answer:
        if self.peer.asked[-1][0].endswith("/System"):
            return 200, {}, {"id": self.database}
        return Peer.answer(self.peer, query)


class OData2Bench(ODataBench):
    protocol = "odata2"
    version = 2
    changed = "Edm.DateTime"

    def _stamp(self, at: datetime) -> str:
        return f"/Date({int(at.timestamp() * 1000)})/"


class RestBench(ODataBench):
    """A list that takes `since`, an offset and a limit, and orders by change; one thing is fetched by its path."""

    protocol = "rest"

    def _own(self) -> dict[str, Any]:
        return {
            "since_param": "since", "offset_param": "skip", "limit_param": "limit", "rows": "payload.lots",
            "listed": True, "one": "Said/{k}", "one_at": "payload",
        }  # fmt: skip

    def _answer(self, query: dict[str, str]) -> Answer:
        path = self.peer.asked[-1][0]
        if not path.endswith("/Said"):
            found = [row for row in self.peer.rows if path.endswith(f"/Said/{row['k']}")]
            if not path.endswith("/System"):
                return (200, {}, {"payload": found[0]}) if found else (404, {}, {})
            return 200, {}, {"id": self.database}
        rows = [row for row in self.peer.rows if row["changed"] >= query.get("since", "")]
        rows = sorted(rows, key=lambda row: (row["changed"], row["k"]))
        skip = int(query["skip"])
        return 200, {}, {"payload": {"lots": rows[skip : skip + int(query["limit"])]}}


@pytest.fixture
def peer() -> Iterator[Peer]:
    served = Peer()
    with serving(served) as url:
        served.url = url
        yield served


class TestOData4(Conformance):
    @pytest.fixture
    def bench(self, peer: Peer) -> Bench:
        return ODataBench(peer)


class TestOData2(Conformance):
    @pytest.fixture
    def bench(self, peer: Peer) -> Bench:
        peer.version = 2
        return OData2Bench(peer)


class TestRest(Conformance):
    @pytest.fixture
    def bench(self, peer: Peer) -> Bench:
        return RestBench(peer)
