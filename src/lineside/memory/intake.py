"""One source into the memory, a batch at a time: read, committed, and only then confirmed upstream.

The next batch is asked for when the last is committed, so that nothing piles up here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, cast

from lineside.connector import Batch, Connector, Trouble
from lineside.errors import SourceTaken, StoreError
from lineside.memory import leases
from lineside.memory.alerts import DRIFTED
from lineside.memory.drift import DriftWatch
from lineside.memory.remember import Outcome
from lineside.memory.store import Memory
from lineside.plant.mapping_file import SourceMapping

LOOK_AGAIN_S = 1.0  # how often a holder's lease is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far reading a source got. reached: the newest stamp of the source's own that was read; None where it stamps
    nothing."""

    outcome: Outcome
    reached: datetime | None


async def catch_up(
    memory: Memory,
    connector: Connector,
    *,
    longest_s: float | None = None,
    mapping: SourceMapping | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    lease_s: float = leases.LEASE_S,
) -> Outcome:
    """The source is kept and confirmed up to now, from where reading stopped; the sum of what became of it.

    Ended at any moment it goes on there the next time. Of a source that streams, what it says until it is quiet; a
    plant at work never is, so reading ends with the first batch after `longest_s`. mapping: that by which it is read.
    progress: told of every batch. Raises SourceUnavailable, SourceRefused, StoreError, or
    SourceTaken where another process reads the source; what came before is kept.
    """
    total, reached = Outcome(), None
    watch = DriftWatch(memory, mapping or SourceMapping(source=connector.source))
    began = monotonic()
    async with _held(memory, connector.source, lease_s) as holder:
        checkpoint = await asyncio.to_thread(memory.checkpoint, connector.source)
        async with aclosing(generator(connector.capture(checkpoint))) as batches:
            async for batch in batches:
                total += await keep(memory, connector, batch, holder=holder, watch=watch)
                reached = max([*stamps(batch), *([reached] if reached else [])], default=None)
                progress(Progress(outcome=total, reached=reached))
                if batch.empty:
                    break
                if longest_s is not None and monotonic() - began > longest_s:
                    break
        await asyncio.to_thread(lambda: _settle_drift(memory, connector.source, watch.flush()))
    return total


async def keep(memory: Memory, connector: Connector, batch: Batch, *, holder: str, watch: DriftWatch) -> Outcome:
    """The batch is committed, then confirmed, then looked at for drift. A cancelled caller leaves it committed or not,
    never confirmed alone."""
    outcome = await asyncio.to_thread(
        memory.remember,
        batch,
        source=connector.source,
        translate=connector.translate,
        mapping=watch.mapping.version,
        holder=holder,
    )
    if batch.checkpoint is not None:
        await connector.confirm(batch.checkpoint)
    new = batch.messages if outcome.known < outcome.received else ()
    if (drifts := await asyncio.to_thread(watch.see, new)) is not None:
        await asyncio.to_thread(_settle_drift, memory, connector.source, drifts)
    return outcome


def _settle_drift(memory: Memory, source: str, drifts: Sequence[Trouble]) -> None:
    """One alert a stream, with all that changed there."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for each in drifts:
        reasons.setdefault((each.stream, DRIFTED), []).append(each.reason)
    memory.settle_alerts(source, [DRIFTED], {key: "; ".join(found) for key, found in reasons.items()})


def generator(batches: AsyncIterator[Batch]) -> Any:  # aclosing wants aclose(), which the port leaves open
    """The same batches, with an end that can be asked for."""
    return cast("Any", batches) if hasattr(batches, "aclose") else _wrapped(batches)


async def _wrapped(batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    async for batch in batches:
        yield batch


def stamps(batch: Batch) -> list[datetime]:
    """The source's own, one for each message that bears any."""
    said = (message.reported_at or message.occurred_at for message in batch.messages)
    return [each for each in said if each is not None]


@asynccontextmanager
async def _held(memory: Memory, source: str, lease_s: float) -> AsyncIterator[str]:
    """The source is this holder's meanwhile. Raises SourceTaken where somebody else reads it; where they were killed,
    it waits until their lease runs out."""
    holder = leases.new_holder()
    await _taken(memory, source, holder, lease_s)
    renewing = asyncio.create_task(_renew(memory, holder, lease_s))
    try:
        yield holder
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        await asyncio.to_thread(_release, memory, holder)


async def _taken(memory: Memory, source: str, holder: str, lease_s: float) -> None:
    before: tuple[str, int] | None = None
    while not await asyncio.to_thread(_take, memory, source, holder, lease_s):
        found = await asyncio.to_thread(_holding, memory, source)
        if before is not None and found is not None and found != before:
            raise SourceTaken(f"{source} is read by {found[0]}; no two read one source at the same time", source=source)
        before = found or before
        await asyncio.sleep(LOOK_AGAIN_S)


async def _renew(memory: Memory, holder: str, lease_s: float) -> None:
    """A lease that was lost meanwhile shows with the next commit."""
    while True:
        await asyncio.sleep(lease_s / 3)
        with suppress(StoreError):  # the next commit says so itself
            await asyncio.to_thread(_renewed, memory, holder, lease_s)


def _take(memory: Memory, source: str, holder: str, lease_s: float) -> bool:
    with memory.write() as connection:
        return leases.take(connection, source, holder, lease_s)


def _holding(memory: Memory, source: str) -> tuple[str, int] | None:
    with memory.read() as connection:
        return leases.holding(connection, source)


def _renewed(memory: Memory, holder: str, lease_s: float) -> None:
    with memory.write() as connection:
        leases.renew(connection, [holder], lease_s)


def _release(memory: Memory, holder: str) -> None:
    with memory.write() as connection:
        leases.release(connection, [holder])
