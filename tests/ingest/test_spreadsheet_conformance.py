"""Workbooks and csv files against the suite: real files, saved anew as people do."""

import csv
import os
from datetime import UTC
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lineside.connector import Connector
from lineside_ingest.spreadsheet import Spreadsheet

from .conformance import Bench, Conformance
from .reading import NOW

MAPPING = {"entity": "lot:L-{n}", "properties": {"n": {"field": "n", "type": "number"}}}
NEVER = {
    "gap": "what was overwritten between two saves left no trace that could be told",
    "throttled": "a file asks for no pause",
    "slow": "a file answers or does not",
    "dropped": "a file has no connection that could break",
    "hushed": "every read looks at the files anew",
}


class SpreadsheetBench(Bench):
    name = "spreadsheet"
    lacks = NEVER

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        self.rows: list[list[Any]] = [["k", "n"]]
        self.save()

    def connector(self) -> Connector:
        return self.at(self.path)

    async def say(self, *numbers: int) -> None:
        self.rows += [[f"k{number}", number] for number in numbers]
        self.save()

    async def say_poison(self) -> None:
        self.rows.append(["x", "not a number"])
        self.save()

    async def say_shuffled(self, *numbers: int) -> None:
        await self.say(*numbers)

    async def say_late(self, number: int) -> None:
        self.rows.insert(1, [f"k{number}", number])
        self.save()

    async def say_ahead(self, number: int) -> None:
        await self.say(number)
        ahead = NOW.timestamp() + 365 * 86400
        os.utime(self.path, (ahead, ahead))

    async def begin_anew(self) -> None:
        self.path.unlink()
        self.rows = [["List of lots", None], ["k", "n"], *([f"k{n}", n] for n in (3, 2, 1))]
        self.save()

    async def rename_field(self, number: int) -> None:
        self.rows[0] = ["k", "number of it"]
        await self.say(number)

    def refused(self) -> Connector:
        return self.at(self.path, **({"sheet": "no such"} if self.path.suffix == ".xlsx" else {"encoding": "no-such"}))

    def unavailable(self) -> Connector:
        return self.at(self.path.with_name("nowhere.xlsx"))

    async def delete(self, number: int) -> None:
        self.rows = [row for row in self.rows if row[1] != number]
        self.save()

    def at(self, path: Path, **more: str) -> Connector:
        options = {"path": str(path), "key": "k", "mapping": MAPPING, "settle_s": 0, **more}
        return Spreadsheet("bench", options, time_zone=UTC, clock=lambda: NOW)

    def save(self) -> None:
        if self.path.suffix == ".csv":
            with self.path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, delimiter=";").writerows(self.rows)
            return
        book = openpyxl.Workbook()
        for row in self.rows:
            book.active.append(row)
        book.save(self.path)


class TestXlsx(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return SpreadsheetBench(tmp_path, "tracker.xlsx")


class TestCsv(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return SpreadsheetBench(tmp_path, "tracker.csv")
