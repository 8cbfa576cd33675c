"""The HTTP interface to the sources: how they do, what they could not bring in, and what people do about it.

Reading takes the right to read the source; looking into dead letters and the message log, and every change, takes the
operator of the machine or the role admin.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lineside.app import Lineside
from lineside.errors import BadRequest, NotFound
from lineside.memory import DeadLetter
from lineside.memory.letters import Wanted
from lineside.memory.mending import refetch_letter
from lineside.serve import tending
from lineside.serve.api import FAULTS, Here, Operating, Reading
from lineside.serve.identity import Caller
from lineside.serve.moments import parse_moment
from lineside.serve.overview import (
    LETTERS_SHOWN,
    alert_row,
    dead_letter_row,
    dead_letter_rows,
    log_rows,
    readable,
    source_detail,
    source_rows,
    translator_for,
)
from lineside.serve.tending import Tender

_LONGEST = 2000

router = APIRouter(prefix="/api/v1", responses=FAULTS)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReasonBody(_Body):
    """Why it is done, for whoever reads the audit."""

    reason: str = Field(min_length=1, max_length=_LONGEST)


class DriftBody(_Body):
    """stream: the only one that is accepted; all without it."""

    stream: str | None = Field(None, max_length=_LONGEST)


class LettersBody(_Body):
    """Which open dead letters are meant. Without any filter `all` must say that all are. fetch: ask their source."""

    source: str | None = None
    stream: str | None = None
    containing: str = Field("", max_length=_LONGEST)
    since: str | None = None
    all: bool = False

    def wanted(self, lineside: Lineside, caller: Caller) -> Wanted:
        """Those of them that the caller may read. Raises BadRequest where it is not clear which are meant."""
        if not (self.all or self.source or self.stream is not None or self.containing or self.since):
            raise BadRequest("say which dead letters: source, stream, containing, since, or all")
        found = wanted_letters(
            lineside, source=self.source, stream=self.stream, containing=self.containing, since=self.since
        )
        return readable(lineside, found, lineside.reader(caller.person))


class RetryBody(LettersBody):
    fetch: bool = False


class DiscardBody(LettersBody):
    reason: str = Field(min_length=1, max_length=_LONGEST)


@router.get("/sources")
def sources(lineside: Here, caller: Reading) -> list[dict[str, Any]]:
    """Every source that the caller may read, and how it is doing."""
    return source_rows(lineside, lineside.reader(caller.person))


@router.get("/sources/{source:path}")
def source(source: str, lineside: Here, caller: Reading) -> dict[str, Any]:
    """One source whole: its row, accounts, streams, latencies, gaps, drift, alerts, checkpoints and mapping."""
    return source_detail(lineside, source, lineside.reader(caller.person))


@router.post("/sources/{source:path}/pause")
def pause(source: str, body: ReasonBody, lineside: Here, caller: Operating) -> dict[str, Any]:
    """Nobody reads it, after a restart neither, until somebody resumes it."""
    seen(lineside, source, caller)
    tending.pause(lineside, source, reason=body.reason, tender=tender_of(caller))
    return source_detail(lineside, source, lineside.reader(caller.person))


@router.post("/sources/{source:path}/resume")
def resume(source: str, lineside: Here, caller: Operating) -> dict[str, Any]:
    """It is read again, whether it was paused, refused us or failed."""
    seen(lineside, source, caller)
    tending.resume(lineside, source, tender=tender_of(caller))
    return source_detail(lineside, source, lineside.reader(caller.person))


@router.post("/sources/{source:path}/drift/accept")
def accept_drift(source: str, lineside: Here, caller: Operating, body: DriftBody | None = None) -> list[Any]:
    """Its streams look as they do now from now on; what had drifted."""
    seen(lineside, source, caller)
    stream = body.stream if body else None
    return tending.accept_drift(lineside, source, tender=tender_of(caller), stream=stream)


@router.get("/alerts")
def alerts(
    lineside: Here,
    caller: Reading,
    source: str | None = None,
    closed: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """What is wrong now, oldest first; with `closed` also what was, newest first."""
    reader = lineside.reader(caller.person)
    found = lineside.memory.alerts(source, only_open=not closed, limit=limit)
    return [alert_row(lineside, each) for each in found if reader.may_read_source(each.source, lineside.plant)]


@router.get("/messages")
def messages(
    lineside: Here,
    caller: Operating,
    source: str,
    outcome: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """The newest lines of a source's message log, without content."""
    seen(lineside, source, caller)
    return log_rows(lineside, source, outcome=outcome, limit=limit)


@router.get("/dead-letters")
def dead_letters(
    lineside: Here,
    caller: Operating,
    source: str | None = None,
    stream: str | None = None,
    containing: str = "",
    since: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = LETTERS_SHOWN,
) -> list[dict[str, Any]]:
    """Open dead letters, newest first."""
    wanted = wanted_letters(lineside, source=source, stream=stream, containing=containing, since=since)
    return dead_letter_rows(lineside, wanted, reader=lineside.reader(caller.person), limit=limit)


@router.post("/dead-letters/retry")
def retry_many(body: RetryBody, lineside: Here, caller: Operating) -> list[dict[str, Any]]:
    """Those that are meant are tried once more; what became of those of each source."""
    return tending.retry(lineside, body.wanted(lineside, caller), tender=tender_of(caller), fetch=body.fetch)


@router.post("/dead-letters/discard")
def discard_many(body: DiscardBody, lineside: Here, caller: Operating) -> dict[str, Any]:
    """Those that are meant are closed with a reason; their bytes stay kept."""
    wanted = body.wanted(lineside, caller)
    return {"discarded": tending.discard(lineside, wanted, reason=body.reason, tender=tender_of(caller))}


@router.post("/dead-letters/{letter}/retry")
def retry(letter: int, lineside: Here, caller: Operating, fetch: bool = False) -> dict[str, Any]:
    """Read once more; still open with the new reason where it stays unreadable. fetch: as its source has it now."""
    waiting = _letter(lineside, letter, caller)
    if fetch:
        connector = lineside.connector(waiting.source)[0]
        return dead_letter_row(asyncio.run(refetch_letter(lineside.memory, connector, letter)))
    return dead_letter_row(lineside.memory.retry_dead_letter(letter, translator_for(lineside, waiting.source)))


@router.post("/dead-letters/{letter}/discard")
def discard(letter: int, body: ReasonBody, lineside: Here, caller: Operating) -> dict[str, Any]:
    """Closed with a reason; its bytes stay kept."""
    _letter(lineside, letter, caller)
    by = tender_of(caller).by
    return dead_letter_row(lineside.memory.discard_dead_letter(letter, reason=body.reason, by=by))


def wanted_letters(
    lineside: Lineside, *, source: str | None, stream: str | None, containing: str, since: str | None
) -> Wanted:
    """The open dead letters of these filters. Raises BadRequest for a time that is none."""
    at: datetime | None = parse_moment(since, lineside.plant) if since else None
    return Wanted(sources=None if source is None else (source,), stream=stream, containing=containing, since=at)


def seen(lineside: Lineside, source: str, caller: Caller) -> None:
    """Raises NotFound where the caller may not know of the source."""
    if not lineside.reader(caller.person).may_read_source(source, lineside.plant):
        raise NotFound(f"there is no source {source!r} that you may read", source=source)


def tender_of(caller: Caller) -> Tender:
    """Who does it, as the audit names them."""
    return Tender(by=caller.person.id if caller.person else "operator", via=caller.via)


def _letter(lineside: Lineside, letter: int, caller: Caller) -> DeadLetter:
    """The dead letter, if the caller may read its source. Raises NotFound."""
    found = lineside.memory.dead_letter(letter)
    if not lineside.reader(caller.person).may_read_source(found.source, lineside.plant):
        raise NotFound(f"there is no dead letter {letter}", id=letter)
    return found
