"""When each source was reached: not only the last time, but the stretches in which it was, kept one row each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from lineside.memory import tables
from lineside.memory.freshness import RECENT
from lineside.memory.moments import moment, stored
from lineside.memory.view import View

WITHIN_S = 900.0
"""Contacts this close to one another are one stretch, where no cadence is declared."""

_contacts, _stretches, _records = tables.contacts, tables.contact_stretches, tables.records


@dataclass(frozen=True, slots=True)
class Reached:
    """A stretch in which a source answered again and again. until: when it last did, which may be after `as_of`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Quiet:
    """A stretch in which a source said nothing. until: when it spoke again; None where it has not by `as_of`.

    kept_for: how long what it said before was the last that was kept of it; none of what came all at once.
    """

    since: datetime
    until: datetime | None
    kept_for: timedelta


def keep_contact(connection: Connection, source: str, now: int, *, within_s: float = WITHIN_S) -> None:
    """The source was reached now. within_s: a contact so long after the last one belongs to the same stretch."""
    last = connection.scalar(select(func.max(_stretches.c.until)).where(_stretches.c.source == source))
    if last is None or now - last > within_s * 1_000_000:
        connection.execute(insert(_stretches).values(source=source, since=now, until=now))
    elif now > last:
        own = update(_stretches).where(_stretches.c.source == source, _stretches.c.until == last)
        connection.execute(own.values(until=now))
    connection.execute(delete(_contacts).where(_contacts.c.source == source))
    connection.execute(insert(_contacts).values(source=source, contact_at=now))


def reached(view: View) -> dict[str, list[Reached]]:
    """By source, each stretch in which it was reached, oldest first; none of a source that nobody may ask about.

    A last contact that no stretch holds, from before stretches were kept, is one of its own.
    """
    found = defaultdict[str, list[Reached]](list)
    with view.read() as connection:
        kept = select(_stretches.c.source, _stretches.c.since, _stretches.c.until)
        rows = [(row.source, row.since, row.until) for row in connection.execute(kept)]
        ends = {(source, until) for source, _, until in rows}
        last = connection.execute(select(_contacts.c.source, _contacts.c.contact_at))
        rows += [(source, at, at) for source, at in last if (source, at) not in ends]
    for source, since, until in sorted(rows):
        if view.reader.may_read_source(source, view.plant):
            found[source].append(Reached(moment(since), moment(until)))
    return dict(found)


def quiet(view: View, source: str, since: datetime, *, longer_than_s: float) -> list[Quiet]:
    """The stretches since then in which the source reported nothing for so long, by `as_of`, oldest first; the one that
    was on at that time is among them."""
    start, now = stored(since), stored(view.as_of)
    at = _records.c.reported_at

    def kept(connection: Connection, reported_at: int) -> datetime:
        first = select(func.min(_records.c.recorded_at)).where(_own(source), at == reported_at)
        at_first: int = connection.scalars(first).one()
        return moment(at_first)

    with view.read() as connection:
        first = connection.scalar(select(func.max(at)).where(_own(source), at <= start))
        each = select(at.label("at"), func.lag(at).over(order_by=at).label("before"))
        each_one = each.where(_own(source), at >= (start if first is None else first), at <= now).subquery()
        longer = each_one.c.at - each_one.c.before > longer_than_s * 1_000_000
        rows = connection.execute(select(each_one.c.before, each_one.c.at).where(longer).order_by(each_one.c.at))
        found = [
            Quiet(moment(row.before), moment(row.at), kept(connection, row.at) - kept(connection, row.before))
            for row in rows
        ]
        last = connection.scalar(select(func.max(at)).where(_own(source), at <= now))
        if last is not None and now - last > longer_than_s * 1_000_000:
            found.append(Quiet(moment(last), None, max(view.as_of - kept(connection, last), timedelta())))
    return found


def heard_before(view: View, source: str, by: datetime) -> Sequence[datetime]:
    """The last moments at which it spoke by then, newest first: its habit then."""
    at = _records.c.reported_at
    query = select(at).where(_own(source), at <= stored(by)).distinct().order_by(at.desc()).limit(RECENT)
    with view.read() as connection:
        return [moment(each) for each in connection.scalars(query)]


def last_words(view: View, source: str, by: datetime) -> tuple[str, ...]:
    """The record that the source reported last by then, the first of several of one moment; none where none stands."""
    order = (_records.c.reported_at.desc(), func.length(_records.c.source_id), _records.c.source_id, _records.c.part)
    query = select(_records.c.id).where(_own(source), _records.c.reported_at <= stored(by), view.sees())
    with view.read() as connection:
        return tuple(connection.scalars(query.order_by(*order).limit(1)))


def _own(source: str) -> ColumnElement[bool]:
    """What the source said itself; what we recorded anew of it, it did not say."""
    return and_(_records.c.source == source, _records.c.source_id.not_like("%@map~%"))
