"""Dead letters in bulk: counted, read once more from their own bytes or fetched anew from their source, or discarded.
None overtakes a newer word.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from sqlalchemy import select

from lineside.connector import Batch, Connector, Resolves
from lineside.errors import BadRequest
from lineside.memory import letters, tables
from lineside.memory.letters import OPEN, RECOVERED, REPLACED, DeadLetter, Wanted
from lineside.memory.moments import stored
from lineside.memory.remember import Outcome, Translate
from lineside.memory.store import Memory

AT_ONCE = 200
ALL = Wanted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What became of a source's open dead letters. nameless: they have no id of their own, so only their source can
    send them again."""

    recovered: int = 0
    replaced: int = 0
    still_open: int = 0
    nameless: int = 0


def open_letters(memory: Memory, wanted: Wanted = ALL, *, limit: int) -> list[DeadLetter]:
    """At most so many of the wanted ones, newest first."""
    with memory.read() as connection:
        return letters.newest(connection, wanted, limit=limit)


def count_letters(memory: Memory, wanted: Wanted = ALL) -> dict[str, int]:
    """How many of the wanted ones each source has; sources with none are left out."""
    with memory.read() as connection:
        return letters.counted(connection, wanted)


def discard_letters(memory: Memory, wanted: Wanted, *, reason: str, by: str) -> int:
    """All wanted ones are closed for good, and how many those were; their bytes stay, with who and why."""
    with memory.write() as connection:
        return letters.discard(connection, wanted, reason=reason, by=by, now=stored(memory.clock()))


def retry_letters(memory: Memory, source: str, translate: Translate, wanted: Wanted = ALL) -> Mended:
    """Every wanted dead letter of the source is tried once, the oldest first, each in a transaction of its own."""
    found: list[str] = []
    nameless = 0
    last = 0
    while part := _open_after(memory, source, last, wanted):
        for letter_id, named in part:
            if named:
                found.append(memory.retry_dead_letter(letter_id, translate).status)
            nameless += not named
        last = part[-1][0]
    return _mended(found, nameless)


async def refetch_letter(memory: Memory, connector: Connector, letter_id: int) -> DeadLetter:
    """The thing that the dead letter is about is here as its source has it now, and the letter is closed; or it is open
    still. Raises BadRequest where it can't be fetched, SourceUnavailable or SourceRefused."""
    letter = await asyncio.to_thread(memory.dead_letter, letter_id)
    if not isinstance(connector, Resolves) or not letter.key:
        raise BadRequest(f"dead letter {letter_id} can't be fetched from {letter.source} once more: retry it as it is")
    fetched = await connector.resolve(letter.stream, [letter.key])
    again = Batch(messages=fetched.messages, unreadable=fetched.unreadable, gone=fetched.gone)
    outcome = await asyncio.to_thread(memory.remember, again, source=letter.source, translate=connector.translate)
    if any(message.digest == letter.digest for message in fetched.messages):
        return await asyncio.to_thread(memory.retry_dead_letter, letter_id, connector.translate)
    return await asyncio.to_thread(_settled, memory, letter_id, outcome)


async def refetch_letters(memory: Memory, connector: Connector, wanted: Wanted = ALL) -> Mended:
    """Every wanted dead letter of the source is fetched once more where that can be, and read as it is where not."""
    found: list[str] = []
    nameless = last = 0
    while part := await asyncio.to_thread(_open_after, memory, connector.source, last, wanted):
        for letter_id, named in part:
            letter = await asyncio.to_thread(memory.dead_letter, letter_id)
            if letter.status != OPEN:
                continue  # fetching another one closed it
            if letter.key and isinstance(connector, Resolves):
                found.append((await refetch_letter(memory, connector, letter_id)).status)
            elif named:
                found.append((await asyncio.to_thread(memory.retry_dead_letter, letter_id, connector.translate)).status)
            else:
                nameless += 1
        last = part[-1][0]
    return _mended(found, nameless)


def _settled(memory: Memory, letter_id: int, outcome: Outcome) -> DeadLetter:
    """The letter is closed if its source had something in its place; unreadable anew, that is a letter of its own."""
    now = stored(memory.clock())
    with memory.write() as connection:
        letter = letters.found(connection, letter_id)
        if letter.status != OPEN:
            return letter  # what came in its place has closed it
        tried = {"attempts": letter.attempts + 1, "last_at": now}
        if not outcome.received:
            return letters.change(connection, letter_id, **tried)
        newer = [dead.id for dead in outcome.dead if dead.key == letter.key]
        because = f"unreadable still, as dead letter {newer[0]}" if newer else "fetched from its source once more"
        return letters.change(connection, letter_id, **tried, status=REPLACED, closed_because=because)


def _open_after(memory: Memory, source: str, last: int, wanted: Wanted) -> list[tuple[int, bool]]:
    """The next wanted dead letters of the source after `last`: each with whether it has an id of its own."""
    dead = tables.dead_letters
    query = select(dead.c.id, dead.c.source_id.is_not(None)).where(
        *replace(wanted, sources=(source,)).clauses(), dead.c.id > last
    )
    with memory.read() as connection:
        return [(row[0], bool(row[1])) for row in connection.execute(query.order_by(dead.c.id).limit(AT_ONCE))]


def _mended(found: list[str], nameless: int) -> Mended:
    return Mended(
        recovered=found.count(RECOVERED),
        replaced=found.count(REPLACED),
        still_open=found.count(OPEN),
        nameless=nameless,
    )
