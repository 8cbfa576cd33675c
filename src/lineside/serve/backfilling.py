"""The past of one source, read up to now with its progress shown; ended at any moment, the next reading goes on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from datetime import datetime
from time import monotonic

import typer

from lineside.app import Lineside
from lineside.connector import Batch, Check, Checkpoint, Connector, SourceMessage, Translated
from lineside.errors import BadRequest
from lineside.memory import Outcome
from lineside.memory.intake import Progress, catch_up, generator

STREAMED_S = 10.0  # a stream has no end to reach
LINE_EVERY_S = 10.0  # where there is no terminal to draw on


def backfill(lineside: Lineside, source: str, *, since: datetime | None, told: Callable[[Progress], None]) -> Outcome:
    """Everything that the source still has is kept, from where reading stopped; what became of it.

    since: instead, it is read anew from its start, and what it stamped earlier is left where it is; what was kept
    before stays known. Raises BadRequest for a source that is not configured, or that has no past to read.
    """
    if source not in {each.name for each in lineside.settings.sources}:
        there = ", ".join(each.name for each in lineside.settings.sources) or "none"
        raise BadRequest(f"{source!r} is not a source of lineside.toml; there are: {there}")
    streams = lineside.streams(source)
    if since is not None and streams:
        raise BadRequest(f"{source} tells what happens now; it can't be read again from a time: leave --since away")
    connector, mapping = lineside.connector(source)
    outcome = asyncio.run(
        catch_up(
            lineside.memory,
            connector if since is None else _Since(connector, since),
            longest_s=STREAMED_S if streams else None,
            mapping=mapping,
            progress=told,
        )
    )
    lineside.memory.index_pending()
    return outcome


class _Since:
    """A connector that begins anew and brings nothing that its source stamped before a time."""

    def __init__(self, connector: Connector, since: datetime) -> None:
        self.source = connector.source
        self._connector = connector
        self._since = since

    async def check(self) -> Sequence[Check]:
        return await self._connector.check()

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        del checkpoint
        async with aclosing(generator(self._connector.capture(None))) as batches:
            async for batch in batches:
                left = [message for message in batch.messages if not self._before(message)]
                fewer = replace(batch, messages=left)
                if batch.empty or not fewer.empty:  # an emptied one would say that the source has no more
                    yield fewer

    async def confirm(self, checkpoint: Checkpoint) -> None:
        await self._connector.confirm(checkpoint)

    def translate(self, message: SourceMessage) -> Translated:
        return self._connector.translate(message)

    def _before(self, message: SourceMessage) -> bool:
        stamp = message.reported_at or message.occurred_at
        return stamp is not None and stamp < self._since


@contextmanager
def shown(source: str, *, since: datetime | None, now: datetime) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, or a line now and then where there is none, on standard error.

    now: in the plant's time zone. How much is left can be told where the source stamps what it says: the time from its
    first stamp to now.
    """
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    began = last = monotonic()
    first = since
    drawn = sys.stderr.isatty()
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(24), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=not drawn) as bar:
        task = bar.add_task(f"{source}: asking", total=None)

        def told(progress: Progress) -> None:
            nonlocal first, last
            first = first or progress.reached
            said = _said(source, progress, monotonic() - began, now)
            if first is not None and progress.reached is not None and first < now:
                whole, done = (now - first).total_seconds(), (progress.reached - first).total_seconds()
                bar.update(task, description=said, total=whole, completed=min(max(done, 0.0), whole))
            else:
                bar.update(task, description=said)
            if not drawn and monotonic() - last >= LINE_EVERY_S:
                last = monotonic()
                typer.echo(said, err=True)

        yield told


def _said(source: str, progress: Progress, passed_s: float, now: datetime) -> str:
    from lineside.serve.moments import age

    done = progress.outcome
    said = f"{source}: {done.received:,} messages, {done.received / max(passed_s, 0.001):,.0f} a second"
    if progress.reached is None:
        return said
    left = age(max((now - progress.reached).total_seconds(), 0.0))
    return f"{said}, at {progress.reached.astimezone(now.tzinfo):%Y-%m-%d %H:%M}, {left} left to now"
