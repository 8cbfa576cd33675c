"""Tryton against the suite: a server that speaks its recorded protocol, once with a key and once with a password."""

from collections.abc import Iterator, Mapping
from datetime import UTC

import pytest

from lineside.connector import Connector
from lineside_ingest.tryton import Tryton

from .conformance import Bench, Conformance
from .reading import NOW
from .tryton_peer import Peer, Row
from .web_peer import serving

MAPPING = {"entity": "lot:L-{n}", "properties": {"n": {"field": "n", "type": "number"}}}
LOG_TYPES = {
    "event": ("selection", ""),
    "target": ("char", ""),
    "user": ("many2one", "res.user"),
    "resource": ("reference", ""),
}


def peer() -> Peer:
    """A database with one model of things that are said, and the log."""
    types = {"said": {"n": ("char", "")}, "ir.model.log": LOG_TYPES, "res.user": {"rec_name": ("char", "")}}
    return Peer(types=types, tables={"said": {}, "ir.model.log": {}})


class TrytonBench(Bench):
    name = "tryton"
    lacks: Mapping[str, str] = {
        "gap": "rows are told as they are; what came and went between two reads left only a line in the log",
        "hushed": "every read is a request of its own, with a time limit",
    }

    def __init__(self, peer: Peer, sign_in: dict[str, str], wrong: dict[str, str]) -> None:
        self.peer = peer
        self.sign_in = sign_in
        self.wrong = wrong

    def connector(self) -> Connector:
        self.peer.before_cut = float("inf")
        return self.at(self.peer.url)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self.add(str(number), "2026-05-04T10:00:00.000000")

    async def say_poison(self) -> None:
        self.add("no number", "2026-05-04T10:00:00.000000")

    async def say_shuffled(self, *numbers: int) -> None:
        for place, number in enumerate(numbers):
            self.add(str(number), f"2026-05-04T10:00:{50 - place:02d}.000000")

    async def say_late(self, number: int) -> None:
        self.add(str(number), "2026-05-04T09:45:00.000000")

    async def say_ahead(self, number: int) -> None:
        self.add(str(number), "2027-05-04T10:00:00.000000")

    async def begin_anew(self) -> None:
        self.peer.made = "2026-05-04T11:00:00.000000"
        self.peer.tables["said"].clear()
        for number in (3, 1, 2):
            self.add(str(number), "2026-05-04T11:00:00.000000")

    async def rename_field(self, number: int) -> None:
        self.peer.types["said"] = {"m": ("char", "")}
        for row in self.peer.tables["said"].values():
            row["m"] = row.pop("n")
        self.add(str(number), "2026-05-04T10:00:00.000000", name="m")

    async def delete(self, number: int) -> None:
        said, log = self.peer.tables["said"], self.peer.tables["ir.model.log"]
        [key] = [key for key, row in said.items() if row["n"] == str(number)]
        del said[key]
        log[len(log) + 1] = {
            "id": len(log) + 1,
            "event": "delete",
            "target": None,
            "user": {"id": 7, "rec_name": "Ada"},
            "resource": f"said,{key}",
            "create_date": "2026-05-04T12:00:00.000000",
            "write_date": None,
        }

    async def cut(self) -> None:
        self.peer.before_cut = 6

    def refused(self) -> Connector:
        return self.at(self.peer.url, **self.wrong)

    def throttled(self) -> Connector:
        self.peer.faults = [(429, {"Retry-After": "7"}, {})]
        return self.connector()

    def slow(self) -> Connector:
        self.peer.hanging = True
        return self.at(self.peer.url, timeout_s=0.3)

    def unavailable(self) -> Connector:
        return self.at("http://127.0.0.1:1")

    def at(self, url: str, **more: object) -> Connector:
        models = [{"model": "said", "mapping": MAPPING, "page_size": 2}, {"model": "ir.model.log"}]
        options = {"url": url, "database": "plant", "models": models, **self.sign_in, **more}
        return Tryton("bench", options, time_zone=UTC, clock=lambda: NOW)

    def add(self, value: str, written: str, *, name: str = "n") -> None:
        said = self.peer.tables["said"]
        key = max(said, default=0) + 1
        row: Row = {"id": key, name: value, "create_date": written, "write_date": None}
        said[key] = row


class TestTrytonWithKey(Conformance):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        server = peer()
        with serving(server) as url:
            server.url = url.removesuffix("/odata")
            yield TrytonBench(server, {"key": "right"}, {"key": "wrong"})


class TestTrytonWithPassword(Conformance):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        server = peer()
        with serving(server) as url:
            server.url = url.removesuffix("/odata")
            yield TrytonBench(server, {"user": "reader", "password": "right"}, {"password": "wrong"})
