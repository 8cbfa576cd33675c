"""Reads all sources of a plant for ever. One that fails, hangs or is refused never stops the others.

Each is read by one process at a time and on a thread of its own. What goes wrong decides the move: a source that does
not answer is tried again with growing pauses; one that asked for quiet is given it; one that refused us is left alone
until a person resumes it; a connector that broke too; while our own store is down nothing is read.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic

import structlog

from lineside.connector import Batch, Connector, Lists
from lineside.errors import SourceRefused, SourceTaken, SourceUnavailable, StoreError
from lineside.memory import feeds, leases
from lineside.memory.alerts import UNRECONCILED
from lineside.memory.apart import Apart
from lineside.memory.drift import DriftWatch
from lineside.memory.feed_state import FeedState
from lineside.memory.intake import generator, keep, stamps
from lineside.memory.reconciling import reconcile
from lineside.memory.remember import Outcome
from lineside.memory.store import Memory
from lineside.plant.mapping_file import SourceMapping

log = structlog.get_logger()

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0
LONGEST_ASKED_S = 86_400.0  # no source's Retry-After is believed beyond that
LOOK_AGAIN_S = 2.0  # how often it is looked whether somebody paused or resumed a source
LISTED_AGAIN_S = 3600.0  # where the listing failed
NOW = timedelta(minutes=5)  # what a source stamps so lately it says of now


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A source and how it is read. poll_s: the pause between two reads. reconcile_s: that between two comparisons with
    what it lists; 0 for never. life_s: how often it gives a sign of life at least; None where that is not known.
    mapping: that by which it is read."""

    connector: Connector
    poll_s: float = 60.0
    reconcile_s: float = 0.0
    life_s: float | None = None
    mapping: SourceMapping | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """What this process knows of one feed since its start. failures: in a row, without a batch between."""

    source: str
    state: FeedState = FeedState.STARTING
    reason: str = ""
    last_contact: datetime | None = None
    failures: int = 0
    total: Outcome = field(default_factory=Outcome)


class Intake:
    """All feeds of a plant. Waiting is done by `sleep`, spread comes from `spread` (0 to 1).

    lease_s: how long a killed process keeps its sources from others.
    """

    def __init__(
        self,
        memory: Memory,
        readings: Mapping[str, Reading],
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        spread: Callable[[], float] = random.random,
        lease_s: float = leases.LEASE_S,
    ) -> None:
        self._memory = memory
        self._readings = readings
        self._sleep = sleep
        self._spread = spread
        self._lease_s = lease_s
        self._look_s = min(LOOK_AGAIN_S, lease_s / 3)
        self._holders: dict[str, str] = {}
        self._renewed = 0.0
        self._status = {source: FeedStatus(source=source) for source in readings}
        self._let_go = {source: asyncio.Event() for source in readings}
        self._list_after: dict[str, float] = {}
        self._watches = {
            source: DriftWatch(memory, reading.mapping or SourceMapping(source=source))
            for source, reading in readings.items()
        }

    async def run(self) -> None:
        """Feeds the memory until cancelled; whoever comes next may then read the sources at once."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._look_around(), name="leases and pauses")
                for source in self._readings:
                    tasks.create_task(self._supervise(source), name=f"feed {source}")
        finally:
            with suppress(StoreError):  # they run out by themselves
                self._release(list(self._holders))

    def status(self) -> list[FeedStatus]:
        return list(self._status.values())

    async def _supervise(self, source: str) -> None:
        """The source is read whenever nobody paused it and its lease is ours."""
        apart = Apart(f"feed {source}")
        try:
            while True:
                await self._turn_comes(source)
                self._let_go[source].clear()
                reading = asyncio.create_task(self._run(source, apart))
                leaving = asyncio.create_task(self._let_go[source].wait())
                try:
                    await asyncio.wait([reading, leaving], return_when=asyncio.FIRST_COMPLETED)
                    ended = reading.done()
                finally:
                    reading.cancel()
                    leaving.cancel()
                    await asyncio.wait([reading, leaving])
                if apart.stuck:
                    apart = Apart(f"feed {source}")
                    with suppress(StoreError):  # should what hangs wake up, it can commit nothing
                        await asyncio.to_thread(self._release, [source])
                if ended:
                    await self._ended(source, reading)
        finally:
            await apart.close()

    async def _ended(self, source: str, reading: asyncio.Task[None]) -> None:
        """What ended the reading, if not we, decides what becomes of the source."""
        error = None if reading.cancelled() else reading.exception()
        if isinstance(error, SourceTaken):
            self._holders.pop(source, None)
            log.warning("lease_lost", source=source, reason=error.message)
        elif isinstance(error, SourceRefused):
            await self._leave_alone(source, error.message)
        else:
            log.error("connector_broke", source=source, exc_info=error)
            what = f"{type(error).__name__}: {error}" if error else "it ended its own reading"
            await self._told(source, FeedState.FAILED, f"the connector broke: {what}")

    async def _run(self, source: str, apart: Apart) -> None:
        """Reads again and again. Raises what no further try would mend."""
        while True:
            try:
                await apart.run(lambda: self._read(source))
            except SourceUnavailable as error:
                if error.retry_after_s is None:
                    await self._back_off(source, FeedState.RETRYING, error.message)
                else:  # it works, and asks for quiet
                    log.info("source_asked_for_quiet", source=source, retry_after_s=error.retry_after_s)
                    await self._sleep(min(max(error.retry_after_s, FIRST_PAUSE_S), LONGEST_ASKED_S))
            except StoreError as error:
                await self._back_off(source, FeedState.STORE_DOWN, error.message)
            else:
                await self._sleep(self._readings[source].poll_s)

    async def _read(self, source: str) -> None:
        reading, holder, watch = self._readings[source], self._holders[source], self._watches[source]
        checkpoint = await asyncio.to_thread(self._memory.checkpoint, source)
        async with aclosing(generator(reading.connector.capture(checkpoint))) as batches:
            async for batch in batches:
                kept = await keep(self._memory, reading.connector, batch, holder=holder, watch=watch)
                await self._heard(source, batch, kept)
                if batch.empty:
                    await self._compare(source, reading, holder)

    async def _compare(self, source: str, reading: Reading, holder: str) -> None:
        """What it lists is here too, if it is time for that. A listing that fails stops no reading."""
        if not reading.reconcile_s or not isinstance(reading.connector, Lists):
            return
        if monotonic() < self._list_after.get(source, 0.0):
            return
        known = (await asyncio.to_thread(feeds.feeds_of, self._memory)).get(source)
        last = known.reconciled_at if known else None
        passed = (self._memory.clock() - last).total_seconds() if last else reading.reconcile_s
        self._list_after[source] = monotonic() + max(reading.reconcile_s - passed, 0.0)
        if passed < reading.reconcile_s:
            return
        self._list_after[source] = monotonic() + min(LISTED_AGAIN_S, reading.reconcile_s)
        try:
            found = await reconcile(
                self._memory, reading.connector, holder=holder, mapping=self._watches[source].mapping.version
            )
        except SourceUnavailable as error:
            wrong = {("", UNRECONCILED): f"what it has could not be listed: {error.message}"}
            await asyncio.to_thread(self._memory.settle_alerts, source, [UNRECONCILED], wrong)
            return
        await asyncio.to_thread(feeds.reconciled, self._memory, source)
        for each in found:
            log.info("stream_reconciled", source=source, stream=each.stream, fetched=each.fetched, gone=each.gone)

    async def _heard(self, source: str, batch: Batch, outcome: Outcome) -> None:
        """It answers; it is live from when it has nothing more to tell of the past."""
        before = self._status[source]
        caught_up = before.state is FeedState.LIVE or self._up_to_date(batch)
        state = FeedState.LIVE if caught_up else FeedState.STARTING
        if before.state is not state:
            await asyncio.to_thread(feeds.say, self._memory, source, state)
            if caught_up:
                log.info("source_live", source=source, was=before.state)
        if outcome.received:
            counts = {name: getattr(outcome, name) for name in ("received", "recorded", "known", "dead_lettered")}
            log.info("batch_remembered", source=source, **counts, held=outcome.held, ignored=outcome.ignored)
        self._status[source] = FeedStatus(
            source=source, state=state, last_contact=self._memory.clock(), total=before.total + outcome
        )

    def _up_to_date(self, batch: Batch) -> bool:
        """Whether this is the end of what it had: of a stream that never pauses, whether it speaks only of now."""
        first = min(stamps(batch), default=None)
        return batch.empty or (first is not None and first > self._memory.clock() - NOW)

    async def _back_off(self, source: str, state: FeedState, reason: str) -> None:
        """Half to the whole of a pause that doubles with every failure."""
        failures = self._status[source].failures + 1
        await self._told(source, state, reason, failures=failures)
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 30))
        await self._sleep(pause * (0.5 + self._spread() / 2))

    async def _leave_alone(self, source: str, reason: str) -> None:
        """Nobody asks the source again before a person says so, after a restart neither."""
        self._lost(source, FeedState.PAUSED, reason)
        while True:
            with suppress(StoreError):
                await asyncio.to_thread(feeds.pause_source, self._memory, source, by=feeds.REFUSED_US, reason=reason)
                return
            await asyncio.sleep(self._look_s)

    async def _told(self, source: str, state: FeedState, reason: str, *, failures: int = 0) -> None:
        self._lost(source, state, reason, failures=failures)
        with suppress(StoreError):  # then the store is what is down, and nobody could read it there either
            await asyncio.to_thread(feeds.say, self._memory, source, state, reason, failures=failures)

    def _lost(self, source: str, state: FeedState, reason: str, *, failures: int = 0) -> None:
        before = self._status[source]
        if before.state is not state:  # once when lost, not at every try
            log.warning("source_lost", source=source, state=state, reason=reason)
        self._status[source] = replace(before, state=state, reason=reason, failures=failures)

    async def _turn_comes(self, source: str) -> None:
        while True:
            try:
                if await asyncio.to_thread(self._may_read, source):
                    return
            except StoreError as error:
                self._status[source] = replace(self._status[source], state=FeedState.STORE_DOWN, reason=error.message)
            await asyncio.sleep(self._look_s)

    def _may_read(self, source: str) -> bool:
        """Whether the source is ours to read now; then this says so."""
        status, feed = self._status[source], feeds.feeds_of(self._memory).get(source)
        if feed is not None and feed.paused_by is not None:
            self._status[source] = replace(status, state=FeedState.PAUSED, reason=feed.reason)
            return False
        if status.state is FeedState.FAILED and feed is not None and feed.state is FeedState.FAILED:
            return False  # one that another process left so is tried once by this one
        if source not in self._holders:
            holder = leases.new_holder()
            with self._memory.read() as connection:
                if (other := leases.holding(connection, source)) is not None:
                    self._status[source] = replace(status, state=FeedState.STARTING, reason=f"read by {other[0]}")
                    return False
            with self._memory.write() as connection:
                if not leases.take(connection, source, holder, self._lease_s):
                    return False
            self._holders[source] = holder
        self._status[source] = replace(status, state=FeedState.STARTING, reason="", failures=0)
        feeds.say(self._memory, source, FeedState.STARTING)
        return True

    async def _look_around(self) -> None:
        """Keeps the leases; has a source let go that somebody paused or resumed, or that is another's now."""
        while True:
            await asyncio.sleep(self._look_s)
            with suppress(StoreError):  # the feeds themselves say so
                for source in await asyncio.to_thread(self._not_ours):
                    self._let_go[source].set()

    def _not_ours(self) -> set[str]:
        known = feeds.feeds_of(self._memory).items()
        asked = {source for source, feed in known if feed.paused_by is not None or feed.reason == feeds.RESUMED}
        lost: set[str] = set()
        if monotonic() - self._renewed >= self._lease_s / 3:
            held = dict(self._holders)
            with self._memory.write() as connection:
                still = leases.renew(connection, list(held.values()), self._lease_s)
            self._renewed = monotonic()
            lost = {source for source, holder in held.items() if holder not in still}
            for source in lost:
                self._holders.pop(source, None)
        return (asked & set(self._readings)) | lost

    def _release(self, sources: list[str]) -> None:
        held = [self._holders.pop(source) for source in sources if source in self._holders]
        with self._memory.write() as connection:
            leases.release(connection, held)
