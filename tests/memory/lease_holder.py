"""A process that reads a source under a lease until it is killed; it tells of each batch that is committed."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from lineside.connector import Batch, Check, Checkpoint, SourceMessage
from lineside.memory.intake import catch_up
from lineside.plant.records import Record

_spec = importlib.util.spec_from_file_location("crash_writer", Path(__file__).parent / "crash_writer.py")
assert _spec is not None
assert _spec.loader is not None
crash_writer = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(crash_writer)


class Endless:
    """A source that goes on for ever. confirms: whether a confirmation ever comes back from it."""

    source = "plc"

    def __init__(self, *, confirms: bool, last: int | None = None) -> None:
        self.confirms = confirms
        self.last = last
        self.confirmed: list[Checkpoint] = []

    async def check(self) -> Sequence[Check]:
        return []

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        number = int(str(checkpoint["batch"])) + 1 if checkpoint else 0
        while self.last is None or number <= self.last:
            yield crash_writer.batch(self.source, number, 5)
            number += 1
            await asyncio.sleep(0.01)

    async def confirm(self, checkpoint: Checkpoint) -> None:
        print(checkpoint["batch"], flush=True)  # noqa: T201
        self.confirmed.append(checkpoint)
        if not self.confirms:
            await asyncio.Event().wait()

    def translate(self, message: SourceMessage) -> Sequence[Record]:
        records: Sequence[Record] = crash_writer.translate(message)
        return records


def main(url: str, lease_s: float, *, confirms: bool) -> None:
    memory = crash_writer.open_home(url)
    asyncio.run(catch_up(memory, Endless(confirms=confirms), lease_s=lease_s))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), confirms=sys.argv[3] == "confirms")
