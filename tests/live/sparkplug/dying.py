"""A process of ours that keeps one batch and is killed before it can acknowledge it: URL of the store, broker, user."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from lineside.memory import Memory
from lineside.plant.plant_file import parse_plant
from lineside_ingest.mqtt import Mqtt


async def main(store: str, url: str, user: str, password: str) -> None:
    stream = {
        "topic": "counts",
        "payload": "number",
        "mapping": {"entity": "lot:L-1", "properties": {"n": {"field": "value", "type": "number"}}},
    }
    options = {"url": url, "user": user, "password": password, "client_id": "counts", "streams": [stream]}
    connector = Mqtt("counts", options, time_zone=UTC)
    memory = Memory.open(
        store,
        index_dir=Path(store.rpartition("/")[0].removeprefix("sqlite:///")) / "index",
        plant=parse_plant('site = "northfield"\ntime_zone = "UTC"\n'),
        clock=lambda: datetime.now(UTC),
        migrate=True,
    )
    async for batch in connector.capture(memory.checkpoint("counts")):
        memory.remember(batch, source="counts", translate=connector.translate)
        if batch.messages:
            os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(main(*sys.argv[1:]))
