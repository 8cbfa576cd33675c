"""Files in the open format against the suite: real files that grow and are replaced."""

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.connector import Connector
from lineside_ingest.open_records import OpenRecords

from .conformance import Bench, Conformance
from .reading import NOW

NEVER = {
    "gap": "a line taken out of a file before it was read left no trace that could be told",
    "throttled": "a file asks for no pause",
    "slow": "a file answers or does not",
    "dropped": "a file has no connection that could break",
    "hushed": "every read looks at the files anew",
}


class OpenRecordsBench(Bench):
    name = "open_records"
    lacks = NEVER

    def __init__(self, folder: Path) -> None:
        self.path = folder / "said.jsonl"
        self.path.touch()

    def connector(self) -> Connector:
        return self.at(self.path)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self.add(number)

    async def say_poison(self) -> None:
        self.add(666, data={"entity": "no kind"})

    async def say_shuffled(self, *numbers: int) -> None:
        for number in numbers:
            self.add(number, at=NOW + timedelta(seconds=number))

    async def say_late(self, number: int) -> None:
        self.add(number, at=NOW - timedelta(days=1))

    async def say_ahead(self, number: int) -> None:
        self.add(number, at=NOW + timedelta(days=365))

    async def begin_anew(self) -> None:
        self.path.rename(self.path.with_name("old.bak"))
        await self.say(3, 2, 1)

    async def rename_field(self, number: int) -> None:
        self.add(number, data={"entity": f"lot:L-{number}", "values": {"n": number}})

    def refused(self) -> Connector:
        """A file that nobody may read, not even root: the kernel's own, open for writing only."""
        path = Path("/proc/sys/vm/compact_memory")
        if os.geteuid():
            path = self.path
            path.chmod(stat.S_IWUSR)
        return self.at(path)

    def unavailable(self) -> Connector:
        return self.at(self.path.with_name("nowhere"))

    async def delete(self, number: int) -> None:
        self.add(1000 + number, type="lineside.deletion", data={"of": str(number), "reason": "a slip"})

    def at(self, path: Path) -> Connector:
        return OpenRecords("bench", {"path": str(path)}, time_zone=UTC, clock=lambda: NOW)

    def add(self, number: int, *, at: datetime = NOW, data: dict[str, Any] | None = None, **more: Any) -> None:
        said = data or {"entity": f"lot:L-{number}", "properties": {"n": number}}
        event = {"specversion": "1.0", "id": str(number), "type": "lineside.report", "time": at.isoformat()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**event, "source": "bench", "data": said, **more}) + "\n")


class TestOpenRecords(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return OpenRecordsBench(tmp_path)
