"""A source whose driver blocks, read without stopping the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator

from lineside.connector import Batch


async def from_thread(batches: Generator[Batch, None, None]) -> AsyncGenerator[Batch, None]:
    """The batches of a generator that blocks, each step in a thread. It is closed in the end, also when cancelled."""
    step: asyncio.Task[Batch | None] | None = None
    try:
        while True:
            step = asyncio.create_task(asyncio.to_thread(next, batches, None))
            batch = await asyncio.shield(step)
            if batch is None:
                return
            yield batch
    finally:
        if step is not None and not step.done():  # a running generator can't be closed: its step ends first
            await asyncio.wait([step])
            if not step.cancelled():
                step.exception()
        batches.close()
