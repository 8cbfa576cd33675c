"""Photographs against the suite: real pictures in a folder, the number in the caption of each."""

import asyncio
import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from lineside.connector import Connector
from lineside.memory import Memory
from lineside.plant.records import Note, Record

from .conformance import Bench, Conformance
from .reading import NOW
from .test_photographs import connector, picture, put


class PhotographBench(Bench):
    """The number stands in the caption; the suite counts the notes' numbers."""

    name = "photographs"
    lacks: ClassVar = {
        "gap": "a picture that vanished unseen leaves no trace",
        "schema": "a picture has no fields",
        "throttled": "a folder asks nobody to wait",
        "slow": "a local folder answers at once; over SFTP it is drop_folder's",
        "dropped": "a local folder has no connection; over SFTP it is drop_folder's",
        "hushed": "a poll holds no session",
        "deleted": "a picture that is moved away is no deletion",
    }

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "boards"
        self.folder.mkdir()

    def connector(self) -> Connector:
        return connector(self.folder)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self._put(number, 1_777_500_000 + number)

    async def say_poison(self) -> None:
        put(self.folder / "poison.jpg", picture("x")[:-2000])

    def unavailable(self) -> Connector:
        return connector(self.folder / "nowhere")

    async def say_shuffled(self, *numbers: int) -> None:
        for place, number in enumerate(numbers):
            self._put(number, 1_777_500_000 - place)

    async def say_late(self, number: int) -> None:
        self._put(number, 1_600_000_000)

    async def begin_anew(self) -> None:
        kept = self.folder.with_name("moved")
        await asyncio.to_thread(shutil.move, self.folder, kept)
        await asyncio.to_thread(shutil.copytree, kept, self.folder, copy_function=shutil.copyfile)

    def refused(self) -> Connector:
        put(self.folder.with_name("file"), b"")
        return connector(self.folder.with_name("file"))

    async def say_ahead(self, number: int) -> None:
        self._put(number, NOW.timestamp() + 365 * 86400)

    def _put(self, number: int, at: float) -> None:
        put(self.folder / f"{number}.txt", str(number).encode())
        put(self.folder / f"{number}.jpg", picture(str(number)), at=at)

    def numbers(self, records: list[Record]) -> list[int]:
        return sorted(int(record.text) for record in records if isinstance(record, Note))

    def recorded(self, memory: Memory) -> list[int]:
        return self.numbers(list(memory.view().notes()))


class TestPhotographs(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return PhotographBench(tmp_path)
