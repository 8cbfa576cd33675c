"""Runs the connectors: reads, remembers, and confirms only after the commit. One that fails never stops the others."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, cast

import structlog

from lineside.connector import Batch, Checkpoint, Connector
from lineside.errors import SourceRefused, SourceUnavailable, StoreError
from lineside.memory.remember import Outcome, Translate

log = structlog.get_logger()

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
LOOK_AGAIN_S = 2.0  # how often a paused feed looks whether somebody asked for it


class Remembers(Protocol):
    """The part of the memory that intake needs."""

    def remember(self, batch: Batch, *, source: str, stream: str = "", translate: Translate) -> Outcome: ...

    def checkpoint(self, source: str, stream: str = "") -> Checkpoint | None: ...


class State(StrEnum):
    """How a source's feed is doing."""

    STARTING = "starting"
    LIVE = "live"
    RETRYING = "retrying"  # the source does not answer; tried again with growing pauses
    PAUSED = "paused"  # the source refused us, or its connector is broken: nothing is tried until somebody acts
    STORE_DOWN = "store_down"  # our own database; nothing is lost, reading goes on from the checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """What is known of one feed since the start. failures: in a row, without a batch between."""

    source: str
    state: State = State.STARTING
    last_contact: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    failures: int = 0
    received: int = 0
    dead_lettered: int = 0


class Intake:
    """All feeds of a plant: each source's connector and its pause between reads in seconds.

    Times come from `clock`, waiting from `sleep`, spread from `spread` (0 to 1).
    """

    def __init__(
        self,
        memory: Remembers,
        connectors: Mapping[str, tuple[Connector, float]],
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        spread: Callable[[], float] = random.random,
        status_file: Path | None = None,
    ) -> None:
        self._memory = memory
        self._connectors = connectors
        self._clock = clock
        self._sleep = sleep
        self._spread = spread
        self._status_file = status_file
        self._status = {source: FeedStatus(source=source) for source in self._connectors}
        self._resumed = {source: asyncio.Event() for source in self._connectors}

    async def run(self) -> None:
        """Feeds the memory until cancelled."""
        self._write_status()
        async with asyncio.TaskGroup() as tasks:
            for source, (connector, poll_s) in self._connectors.items():
                tasks.create_task(self._supervise(source, connector, poll_s), name=f"feed {source}")

    def status(self) -> list[FeedStatus]:
        return list(self._status.values())

    def resume(self, source: str) -> None:
        """A paused source is tried again: somebody has looked at it."""
        self._resumed[source].set()

    async def _supervise(self, source: str, connector: Connector, poll_s: float) -> None:
        """The source is read for ever; a fault of its connector's own pauses it and stops no other."""
        while True:
            reading = asyncio.create_task(self._run(source, connector, poll_s))
            try:
                await asyncio.wait([reading])
            finally:
                reading.cancel()
                await asyncio.wait([reading])
            if (broke := reading.exception()) is not None:
                log.error("connector_broke", source=source, exc_info=broke)
                await self._pause(source, f"the connector broke: {type(broke).__name__}: {broke}")

    async def _run(self, source: str, connector: Connector, poll_s: float) -> None:
        while True:
            try:
                await self._read(source, connector)
            except SourceUnavailable as error:
                await self._wait(source, State.RETRYING, error.message, at_least=error.retry_after_s)
            except StoreError as error:
                await self._wait(source, State.STORE_DOWN, error.message)
            except SourceRefused as error:
                await self._pause(source, error.message)
            else:
                await self._sleep(poll_s)

    async def _read(self, source: str, connector: Connector) -> None:
        checkpoint = await asyncio.to_thread(self._memory.checkpoint, source)
        async with aclosing(_generator(connector.capture(checkpoint))) as batches:
            async for batch in batches:
                outcome = await _kept(self._memory, connector, batch)
                self._contact(source, outcome)

    def _contact(self, source: str, outcome: Outcome) -> None:
        before = self._status[source]
        if before.state is not State.LIVE:
            log.info("source_live", source=source, was=before.state)
        if outcome.received:
            log.info(
                "batch_remembered",
                source=source,
                received=outcome.received,
                recorded=outcome.recorded,
                known=outcome.known,
                dead_lettered=outcome.dead_lettered,
            )
        self._set(
            replace(
                before,
                state=State.LIVE,
                last_contact=self._clock(),
                failures=0,
                received=before.received + outcome.received,
                dead_lettered=before.dead_lettered + outcome.dead_lettered,
            )
        )

    async def _wait(self, source: str, state: State, reason: str, *, at_least: float | None = None) -> None:
        """Half to the whole of a pause that doubles with every failure; never shorter than the source asked for."""
        failures = self._fail(source, state, reason).failures
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 30))
        await self._sleep(max(at_least or 0.0, pause * (0.5 + self._spread() / 2)))

    async def _pause(self, source: str, reason: str) -> None:
        self._resumed[source].clear()
        self._fail(source, State.PAUSED, reason)
        asked = self._asked(source)
        while not self._resumed[source].is_set() and self._asked(source) == asked:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._resumed[source].wait(), LOOK_AGAIN_S)
        self._set(replace(self._status[source], state=State.STARTING))

    def _asked(self, source: str) -> str | None:
        return None if self._status_file is None else resume_requested(self._status_file).get(source)

    def _fail(self, source: str, state: State, reason: str) -> FeedStatus:
        before = self._status[source]
        if before.state is not state:  # once when lost, not at every try
            log.warning("source_lost", source=source, state=state, reason=reason)
        now = self._clock()
        failed = replace(before, state=state, last_error=reason, last_error_at=now, failures=before.failures + 1)
        self._set(failed)
        return failed

    def _set(self, status: FeedStatus) -> None:
        self._status[status.source] = status
        self._write_status()

    def _write_status(self) -> None:
        if self._status_file is None:
            return
        try:
            _replace(self._status_file, [_as_json(each) for each in self._status.values()])
        except OSError as error:  # a full disk must not stop the reading; the store says so itself
            log.warning("status_not_written", path=str(self._status_file), reason=str(error))


async def run(
    memory: Remembers,
    connectors: Mapping[str, tuple[Connector, float]],
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    status_file: Path | None = None,
) -> None:
    """Feeds the memory until cancelled. connectors: each with its pause between reads in seconds."""
    await Intake(memory, connectors, clock=clock, status_file=status_file).run()


async def catch_up(memory: Remembers, connector: Connector, *, longest_s: float | None = None) -> Outcome:
    """The source is kept and confirmed up to now, from where reading stopped; the sum of what became of it.

    Of a source that streams, what it says until it is quiet; a plant at work never is, so reading ends with the first
    batch after `longest_s`. Raises SourceUnavailable, SourceRefused or StoreError;
    what came before is kept.
    """
    total = Outcome()
    began = monotonic()
    checkpoint = await asyncio.to_thread(memory.checkpoint, connector.source)
    async with aclosing(_generator(connector.capture(checkpoint))) as batches:
        async for batch in batches:
            outcome = await _kept(memory, connector, batch)
            total += outcome
            if batch.empty:
                break
            if longest_s is not None and monotonic() - began > longest_s:
                break
    return total


def read_status(path: Path) -> list[FeedStatus]:
    """What the serving process last wrote about its feeds; empty where none has."""
    if not path.is_file():
        return []
    return [_from_json(each) for each in json.loads(path.read_text(encoding="utf-8"))]


def request_resume(status_file: Path, source: str, at: datetime) -> None:
    """The process that serves tries the source again, if it had paused it; `at` tells this request from earlier ones.

    status_file: the one that the serving process writes. Raises OSError where nothing can be written beside it.
    """
    _replace(_requests(status_file), {**resume_requested(status_file), source: at.isoformat()})


def resume_requested(status_file: Path) -> dict[str, str]:
    """When somebody last asked to try each source again; empty where nobody did."""
    try:
        asked: dict[str, str] = json.loads(_requests(status_file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return asked


def _requests(status_file: Path) -> Path:
    return status_file.with_suffix(".resume")


def _replace(path: Path, content: object) -> None:
    """The file holds the content as JSON; who reads it meanwhile sees all of the old or all of the new."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(content, indent=1), encoding="utf-8")
    fresh.replace(path)


async def _kept(memory: Remembers, connector: Connector, batch: Batch) -> Outcome:
    """The batch is committed, then confirmed. A cancelled caller leaves it committed or not, never confirmed alone."""
    outcome = await asyncio.to_thread(memory.remember, batch, source=connector.source, translate=connector.translate)
    if batch.checkpoint is not None:
        await connector.confirm(batch.checkpoint)
    return outcome


def _generator(batches: AsyncIterator[Batch]) -> Any:  # aclosing wants aclose(), which the port leaves open
    return cast("Any", batches) if hasattr(batches, "aclose") else _wrapped(batches)


async def _wrapped(batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    async for batch in batches:
        yield batch


def _as_json(status: FeedStatus) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(status).items()}


def _from_json(data: dict[str, Any]) -> FeedStatus:
    times = {
        name: datetime.fromisoformat(data[name]) if data[name] else None for name in ("last_contact", "last_error_at")
    }
    return FeedStatus(**{**data, **times, "state": State(data["state"])})
