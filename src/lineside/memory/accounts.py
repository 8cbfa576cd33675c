"""What each source sent and what became of it: received = recorded + known + dead-lettered + held + ignored."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from lineside.connector import Checkpoint
from lineside.memory import tables
from lineside.memory.letters import OPEN, RECOVERED
from lineside.memory.moments import moment

RECORDED, KNOWN, DEAD_LETTERED = "recorded", "known", "dead_lettered"
HELD, IGNORED = "held", "ignored"
SUPERSEDED = "superseded"  # a held message in whose place a readable one came
OUTCOMES = (RECORDED, KNOWN, DEAD_LETTERED, HELD, IGNORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAccount:
    """dead_lettered, held and ignored count what was not recorded since; open_letters those dead letters that nobody
    has dealt with yet.

    last_contact: when we last heard anything from it, an empty read included. checkpoints: by stream.
    """

    source: str
    received: int = 0
    recorded: int = 0
    known: int = 0
    dead_lettered: int = 0
    held: int = 0
    ignored: int = 0
    open_letters: int = 0
    last_contact: datetime | None = None
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    gaps: int = 0


def source_accounts(connection: Connection) -> list[SourceAccount]:
    """One account for every source that ever sent, was read, or has a gap, by name."""
    log, letters, marks, gaps = tables.message_log, tables.dead_letters, tables.checkpoints, tables.gaps
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    heard: dict[str, int] = {}
    # Both are answered by an index alone: a year's log is counted while a page waits for it.
    for source, outcome, count in connection.execute(
        select(log.c.source, log.c.outcome, func.count()).group_by(log.c.source, log.c.outcome)
    ):
        outcomes[source][outcome] = count
    for source in outcomes:
        newest = select(log.c.received_at).where(log.c.source == source).order_by(log.c.kept_at.desc()).limit(1)
        heard[source] = connection.execute(newest).scalar_one()
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    counted = select(letters.c.source, letters.c.status, func.count()).group_by(letters.c.source, letters.c.status)
    for source, status, count in connection.execute(counted):
        statuses[source][status] = count
    kept = tables.messages
    aside: dict[str, Counter[str]] = defaultdict(Counter)
    waiting = (
        select(kept.c.source, kept.c.standing, func.count())
        .where(kept.c.standing.in_((HELD, IGNORED)))
        .group_by(kept.c.source, kept.c.standing)
    )
    for source, standing, count in connection.execute(waiting):
        aside[source][standing] = count
    for source, contact_at in connection.execute(select(tables.contacts)):
        heard[source] = max(heard.get(source, contact_at), contact_at)
    positions: dict[str, dict[str, Checkpoint]] = defaultdict(dict)
    for row in connection.execute(select(marks)):
        positions[row.source][row.stream] = json.loads(row.position)
    known_gaps = Counter(connection.scalars(select(gaps.c.source)))
    found = []
    for source in sorted({*outcomes, *statuses, *heard, *positions, *known_gaps}):
        counts = outcomes[source]
        recovered = min(statuses[source][RECOVERED], counts[DEAD_LETTERED])
        replayed = sum(counts[each] - aside[source][each] for each in (HELD, IGNORED))
        found.append(
            SourceAccount(
                source=source,
                received=sum(counts.values()),
                recorded=counts[RECORDED] + recovered + replayed,
                known=counts[KNOWN],
                dead_lettered=counts[DEAD_LETTERED] - recovered,
                held=aside[source][HELD],
                ignored=aside[source][IGNORED],
                open_letters=statuses[source][OPEN],
                last_contact=moment(heard.get(source)),
                checkpoints=positions[source],
                gaps=known_gaps[source],
            )
        )
    return found
