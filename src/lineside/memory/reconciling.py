"""Comparing what a source has with what was kept of it: what was missed is fetched, what is gone is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, case, func, select

from lineside.connector import Batch, Connector, Gone, Listed, Lists, Resolves, SourceMessage
from lineside.memory import tables
from lineside.memory.accounts import HELD, IGNORED, RECORDED
from lineside.memory.alerts import DOUBTED, UNFETCHED, UNRECONCILED
from lineside.memory.gone import CONTENT_TYPE
from lineside.memory.remember import Outcome
from lineside.memory.store import Memory

AT_ONCE = 500
# A listing that lost most of its things is more likely to be broken than true.
BELIEVED_SHARE, BELIEVED_FEW = 0.2, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """One stream: how many things the source lists and we hold, and what was done about the difference.

    unfetched: missed, and the connector can't fetch single things. doubted: no longer listed, but so many that nothing
    was taken back.
    """

    stream: str
    listed: int
    held: int
    fetched: int = 0
    unfetched: int = 0
    gone: int = 0
    doubted: int = 0
    outcome: Outcome = field(default_factory=Outcome)


async def reconcile(
    memory: Memory, connector: Connector, *, believe: bool = False, holder: str | None = None, mapping: str = ""
) -> list[Reconciled]:
    """Every stream that can be listed holds the same things here as at its source, and alerts tell what doesn't. Empty
    where none can be listed.

    believe: take back however much is gone. holder: who reads the source. mapping: the version that reads it. Raises
    SourceUnavailable, SourceRefused, SourceTaken or StoreError; what was done by then stays done.
    """
    if not isinstance(connector, Lists):
        return []

    def keep(batch: Batch) -> Outcome:
        return memory.remember(
            batch, source=connector.source, translate=connector.translate, mapping=mapping, holder=holder
        )

    newest = await asyncio.to_thread(_newest, memory)
    found = [
        await _reconciled(memory, connector, listed, keep, newest=newest, believe=believe)
        async for listed in connector.listing()
    ]
    wrong = {(each.stream, UNFETCHED): _missed(each) for each in found if each.unfetched}
    wrong |= {(each.stream, DOUBTED): _doubted(each) for each in found if each.doubted}
    kinds = (UNFETCHED, DOUBTED, UNRECONCILED)
    await asyncio.to_thread(memory.settle_alerts, connector.source, kinds, wrong)
    return found


def _missed(found: Reconciled) -> str:
    return f"{found.unfetched} of {found.listed} things were missed, and its connector can't fetch single ones"


def _doubted(found: Reconciled) -> str:
    return f"{found.doubted} of {found.held} things are no longer listed: too many to take them back unseen"


def _newest(memory: Memory) -> int:
    with memory.read() as connection:
        return connection.scalar(select(func.max(tables.messages.c.id))) or 0


async def _reconciled(
    memory: Memory,
    connector: Connector,
    listed: Listed,
    keep: Callable[[Batch], Outcome],
    *,
    newest: int,
    believe: bool,
) -> Reconciled:
    held, old = await asyncio.to_thread(_held, memory, connector.source, listed.stream, newest)
    missed, gone = sorted(listed.keys - held), sorted(old - listed.keys)
    total = Outcome()
    fetched = 0
    if isinstance(connector, Resolves):
        for part in _parts(missed):
            batch = await connector.resolve(listed.stream, part)
            fetched += len(batch.messages)
            messages = await asyncio.to_thread(_said_again, memory, batch.messages)
            total += await asyncio.to_thread(keep, Batch(messages=messages, unreadable=batch.unreadable))
    doubtful = not believe and len(gone) > max(BELIEVED_FEW, BELIEVED_SHARE * len(old))
    if not doubtful:
        for part in _parts(gone):
            batch = Batch(gone=[Gone(stream=listed.stream, key=key) for key in part])
            total += await asyncio.to_thread(keep, batch)
    return Reconciled(
        stream=listed.stream,
        listed=len(listed.keys),
        held=len(held),
        fetched=fetched,
        unfetched=0 if isinstance(connector, Resolves) else len(missed),
        gone=0 if doubtful else len(gone),
        doubted=len(gone) if doubtful else 0,
        outcome=total,
    )


def _said_again(memory: Memory, messages: Sequence[SourceMessage]) -> list[SourceMessage]:
    """The same messages; one that was taken back, and is as it was before, has an id of its own for being back."""
    kept = tables.messages
    found = []
    with memory.read() as connection:
        for each in messages:
            of_it = (kept.c.source == each.source) & (kept.c.stream == each.stream) & (kept.c.key == each.key)
            same = select(func.count()).where(of_it, kept.c.source_id == each.source_id)
            times = connection.scalar(select(func.count()).where(of_it, kept.c.content_type == CONTENT_TYPE)) or 0
            back = times and connection.scalar(same)
            found.append(replace(each, source_id=f"{each.source_id}@back~{times}") if back else each)
    return found


def _held(memory: Memory, source: str, stream: str, newest: int) -> tuple[set[str], set[str]]:
    """(every key that is here and not gone, those of them that were here up to the message `newest`)."""
    with memory.read() as connection:
        held = _keys(connection, source, stream)
        letters = tables.dead_letters
        dead = select(letters.c.key).where(letters.c.source == source, letters.c.stream == stream, letters.c.key != "")
        known = set(held) | set(connection.scalars(dead))
    return known, {key for key, first in held.items() if first <= newest}


def _keys(connection: Connection, source: str, stream: str) -> dict[str, int]:
    """Each key that stands, with its newest message: a later word than the one that took it back."""
    kept = tables.messages
    told = func.max(case((kept.c.content_type != CONTENT_TYPE, kept.c.id)))
    gone = func.max(case((kept.c.content_type == CONTENT_TYPE, kept.c.id)))
    query = (
        select(kept.c.key, told, gone)
        .where(kept.c.source == source, kept.c.stream == stream, kept.c.key != "")
        .where(kept.c.standing.in_((RECORDED, HELD, IGNORED)))
        .group_by(kept.c.key)
    )
    return {key: said for key, said, back in connection.execute(query) if said and (back is None or said > back)}


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))
