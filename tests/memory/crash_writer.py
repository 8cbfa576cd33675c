"""A process that remembers batch after batch and tells of each once acknowledged; the tests kill it or race it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from lineside.connector import Batch, SourceMessage
from lineside.memory import Memory
from lineside.plant.plant import Plant
from lineside.plant.records import Note, Provenance, Record

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLANT = Plant(site="northfield", time_zone=ZoneInfo("UTC"))


def translate(message: SourceMessage) -> list[Record]:
    own = Provenance(
        source=message.source, source_id=message.source_id, occurred_at=NOW, reported_at=NOW, recorded_at=NOW
    )
    return [Note(provenance=own, text=json.loads(message.content)["text"])]


def batch(name: str, number: int, size: int) -> Batch:
    messages = [
        SourceMessage(
            source=name,
            source_id=f"{number}-{each}",
            content=json.dumps({"text": f"note {number}-{each}"}).encode(),
            received_at=NOW,
        )
        for each in range(size)
    ]
    return Batch(messages=messages, checkpoint={"batch": number})


def open_home(url: str, index_dir: Path | None = None) -> Memory:
    return Memory.open(url, index_dir=index_dir, plant=PLANT, clock=lambda: NOW)


def main(url: str, name: str, batches: int, size: int) -> None:
    memory = open_home(url)
    for number in range(batches):
        memory.remember(batch(name, number, size), source=name, translate=translate)
        print(number, flush=True)  # noqa: T201
    memory.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
