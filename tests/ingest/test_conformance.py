"""Every connector of the house against the suite, each with a real source on the bench."""

import asyncio
import csv
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lineside.connector import Connector
from lineside_ingest.odata import OData
from lineside_ingest.opcua import OpcUa
from lineside_ingest.open_records import OpenRecords
from lineside_ingest.spreadsheet import Spreadsheet
from lineside_ingest.sql_view import SqlView

from .conformance import Bench, Conformance
from .reading import NOW
from .test_opcua import AT, OnlyOperator, Press, node
from .web_peer import Peer, serving

MAPPING = {"entity": "lot:L-{n}", "properties": {"n": {"field": "n", "type": "number"}}}


class OpenRecordsBench:
    name = "open_records"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "said.jsonl"
        self.path.touch()

    def connector(self) -> Connector:
        return self._at(self.path)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self._add(number, {"entity": f"lot:L-{number}", "properties": {"n": number}})

    async def say_poison(self) -> None:
        self._add(666, {"entity": "no kind"})

    def refused(self) -> Connector | None:
        return None

    def unavailable(self) -> Connector:
        return self._at(self.path.with_name("nowhere"))

    def _at(self, path: Path) -> Connector:
        return OpenRecords("bench", {"path": str(path)}, time_zone=UTC, clock=lambda: NOW)

    def _add(self, number: int, data: dict[str, Any]) -> None:
        event = {"specversion": "1.0", "id": str(number), "type": "lineside.report", "time": NOW.isoformat()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**event, "source": "bench", "data": data}) + "\n")


class SqlViewBench:
    name = "sql_view"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "foreign.db"
        self._run("CREATE TABLE said (k TEXT, n TEXT, changed TEXT)")

    def connector(self) -> Connector:
        return self._at(self.path)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self._run("INSERT INTO said VALUES (?, ?, '2026-05-04 10:00:00')", str(number), str(number))

    async def say_poison(self) -> None:
        self._run("INSERT INTO said VALUES ('x', 'not a number', '2026-05-04 10:00:00')")

    def refused(self) -> Connector | None:
        return self._at(self.path, table="no_such_table")

    def unavailable(self) -> Connector:
        return self._at(self.path.with_name("nowhere.db"))

    def _at(self, path: Path, table: str = "said") -> Connector:
        view = {"table": table, "key": "k", "cursor": "changed", "mapping": MAPPING}
        options = {"url": f"sqlite:///{path}", "views": [view]}
        return SqlView("bench", options, time_zone=UTC, clock=lambda: NOW)

    def _run(self, statement: str, *values: str) -> None:
        connection = sqlite3.connect(self.path)
        with connection:
            connection.execute(statement, values)
        connection.close()


class SpreadsheetBench:
    name = "spreadsheet"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tracker.xlsx"
        self.rows: list[list[Any]] = [["k", "n"]]
        self._save()

    def connector(self) -> Connector:
        return self._at(self.path)

    async def say(self, *numbers: int) -> None:
        self.rows += [[f"k{number}", number] for number in numbers]
        self._save()

    async def say_poison(self) -> None:
        self.rows.append(["x", "not a number"])
        self._save()

    def refused(self) -> Connector | None:
        return self._at(self.path, sheet="no such sheet")

    def unavailable(self) -> Connector:
        return self._at(self.path.with_name("nowhere.xlsx"))

    def _at(self, path: Path, **more: str) -> Connector:
        options = {"path": str(path), "key": "k", "mapping": MAPPING, **more}
        return Spreadsheet("bench", options, time_zone=UTC, clock=lambda: NOW)

    def _save(self) -> None:
        book = openpyxl.Workbook()
        for row in self.rows:
            book.active.append(row)
        book.save(self.path)


class CsvBench(SpreadsheetBench):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.path = folder / "tracker.csv"
        self._save()

    def refused(self) -> Connector | None:
        return self._at(self.path, encoding="no-such-encoding")

    def _save(self) -> None:
        with self.path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows(self.rows)


class ODataBench:
    name = "odata"

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def connector(self) -> Connector:
        return self._at(self.peer.url)

    async def say(self, *numbers: int) -> None:
        self.peer.rows += [{"k": str(n), "n": n, "changed": "2026-05-04T08:00:00Z"} for n in numbers]

    async def say_poison(self) -> None:
        self.peer.rows.append({"k": "x", "n": "not a number", "changed": "2026-05-04T08:00:00Z"})

    def refused(self) -> Connector | None:
        self.peer.faults = [(401, {}, {})] * 2
        return self.connector()

    def unavailable(self) -> Connector:
        return self._at("http://127.0.0.1:1")

    def _at(self, url: str) -> Connector:
        one = {"path": "Said", "key": "k", "changed_field": "changed", "mapping": MAPPING}
        return OData("bench", {"url": url, "collections": [one]}, time_zone=UTC, clock=lambda: NOW)


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


class TestOpenRecords(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return OpenRecordsBench(tmp_path)


class TestSqlView(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return SqlViewBench(tmp_path)


class TestSpreadsheet(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return SpreadsheetBench(tmp_path)


class TestCsv(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return CsvBench(tmp_path)


class TestOData(Conformance):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        peer = Peer()
        with serving(peer) as url:
            peer.url = url
            yield ODataBench(peer)


class TestOpcUa(Conformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        press = Press(user_manager=OnlyOperator())
        await press.start()
        await press.server.historize_node_data_change(press.nodes["Good"], period=None, count=100)
        yield OpcUaBench(press)
        await press.stop()
