"""An event loop on a thread of its own: a connector that blocks there, or hangs, holds up nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

LET_GO_S = 5.0

T = TypeVar("T")


class Apart:
    """Runs one coroutine after the other for whoever awaits it on another loop. `stuck`: one of them would not end."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: what hangs in there must not keep the program from ending; what is not committed is read again.
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()
        self.stuck = False

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the work gives or raises. Who is cancelled meanwhile leaves once it has ended, or would not end."""
        here, over = asyncio.get_running_loop(), asyncio.Event()

        async def watched() -> T:
            try:
                return await work()
            finally:
                here.call_soon_threadsafe(over.set)

        begun = asyncio.run_coroutine_threadsafe(watched(), self._loop)
        try:
            return await asyncio.wrap_future(begun)
        except asyncio.CancelledError:
            try:
                await asyncio.wait_for(over.wait(), LET_GO_S)
            except TimeoutError:
                self.stuck = True
            raise

    async def close(self) -> None:
        """Its thread has ended, unless what it runs hangs."""
        if self.stuck:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self.run(self._end), LET_GO_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, LET_GO_S)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()
