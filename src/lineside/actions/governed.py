"""The proposals as the figures on exceptions need them: as of any moment, and only those that the reader may see."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime

from sqlalchemy import select

from lineside.actions.proposal import State
from lineside.actions.tables import approvals, proposals
from lineside.cases.kpis.governed import Governed
from lineside.memory import EVERYTHING, Memory, Reader
from lineside.memory.moments import moment, stored
from lineside.plant.entities import Entity

_NEVER_APPROVED = (State.PENDING, State.REJECTED)


def governed(memory: Memory, *, reader: Reader = EVERYTHING, as_of: datetime | None = None) -> list[Governed]:
    """Every proposal that was made by then, oldest first, and how it was decided by then.

    Deny wins: one for another site than the reader's, or on a record that they may not read, is left out.
    """
    query = select(
        *(proposals.c[name] for name in ("id", "bound", "state", "created_at", "expires_at", "decided_at"))
    ).order_by(proposals.c.created_at, proposals.c.id)
    if as_of is not None:
        query = query.where(proposals.c.created_at <= stored(as_of))
    now = as_of or memory.clock()
    given = defaultdict[str, list[int]](list)
    with memory.read() as connection:
        rows = connection.execute(query).all()
        for each in connection.execute(select(approvals.c.proposal_id, approvals.c.approved_at)):
            given[each.proposal_id].append(each.approved_at)
    found, sites = [], {}
    for row in rows:
        bound = json.loads(row.bound)
        enough = row.state not in _NEVER_APPROVED and len(given[row.id]) >= int(bound.get("quorum", 1))
        last = max(given[row.id]) if enough else None  # the one that made up the quorum
        approved, decided, expires = (moment(each) for each in (last, row.decided_at, row.expires_at))
        approved, decided = (each if each and each <= now else None for each in (approved, decided))
        entity = Entity.parse(bound["entity"])
        records = tuple(str(each["record"]) for each in bound["evidence"])
        site = str(bound["site"])
        sites[row.id] = site
        found.append(
            Governed(
                id=row.id,
                asked_at=moment(row.created_at),
                approved_at=approved,
                over_at=min((each for each in (approved, decided, expires) if each), default=None),
                entity=entity,
                place=entity.id if entity.kind == "equipment" else site,
                records=records,
            )
        )
    if reader.person is None:
        return found
    mine = {site.casefold() for site in reader.person.sites}
    wanted = {record for each in found for record in each.records}
    there = memory.view(as_of=now).records(wanted)
    seen = memory.view(as_of=now, reader=reader).records(wanted)
    hidden = there.keys() - seen.keys()
    return [each for each in found if sites[each.id].casefold() in mine and hidden.isdisjoint(each.records)]
