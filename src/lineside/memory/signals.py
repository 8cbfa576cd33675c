"""What can be told of a source's feed from the store: the signals that its state is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from sqlalchemy import Connection, func, select

from lineside.memory import tables
from lineside.memory.accounts import DEAD_LETTERED, KNOWN, RECORDED
from lineside.memory.alerts import TROUBLES, open_alerts
from lineside.memory.feed_state import STILL_S, Signals
from lineside.memory.feeds import Feed
from lineside.memory.freshness import RECENT, SILENT_AFTER, knows_habit, patience_s
from lineside.memory.letters import OPEN
from lineside.memory.moments import moment, stored
from lineside.plant.calendar import ShiftCalendar

JUDGED, NEWEST, COMPARED = 200, 20, 300
LIFE_FLOOR_S = 900.0
_HOUR = timedelta(hours=1)
_WEEKS, _WEEKS_ENOUGH, _USUALLY = 4, 3, 0.75
_LONGEST = timedelta(days=60)
_LOOKED_BACK_H = 24 * 7

_log, _records, _letters = tables.message_log, tables.records, tables.dead_letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """In which hours of the last weeks a source brought records: whole hours since 1970, UTC."""

    hours: frozenset[int] = frozenset()

    def usual(self, hour: int, calendar: ShiftCalendar) -> float | None:
        """In what share of the earlier weeks it spoke in this hour of the week, by the plant's wall clock; None where
        too few of them are known or were worked."""
        zone = calendar.plant.time_zone
        local = _start(hour).astimezone(zone).replace(tzinfo=None)
        earlier = [_hour((local - timedelta(weeks=back)).replace(tzinfo=zone)) for back in range(1, _WEEKS + 1)]
        first = min(self.hours, default=hour)
        known = [each for each in earlier if each >= first and calendar.works_at(_start(each) + _HOUR / 2)]
        if len(known) < _WEEKS_ENOUGH:
            return None
        return sum(each in self.hours for each in known) / len(known)

    def missed(self, last: datetime, now: datetime, calendar: ShiftCalendar) -> bool:
        """Whether a whole hour since `last` went by in which it usually speaks."""
        ended = _hour(now)
        for hour in range(max(_hour(last) + 1, ended - _LOOKED_BACK_H), ended):
            if calendar.works_at(_start(hour) + _HOUR / 2) and (self.usual(hour, calendar) or 0.0) >= _USUALLY:
                return True
        return False


def habit_of(connection: Connection, source: str, now: datetime) -> Habit:
    """Reads weeks of the message log: for once an hour, not for every look."""
    hour = _log.c.kept_at // 3_600_000_000
    since = stored(now - timedelta(weeks=_WEEKS + 1))
    query = select(hour).where(_log.c.source == source, _log.c.outcome == RECORDED, _log.c.kept_at >= since)
    return Habit(hours=frozenset(connection.scalars(query.distinct())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A source as it is seen now. rate: messages in the last hour."""

    signals: Signals
    last_heard: datetime | None
    rate: int
    checkpoint_at: datetime | None


def sight_of(
    connection: Connection,
    source: str,
    *,
    feed: Feed | None,
    life_s: float | None,
    habit: Habit,
    calendar: ShiftCalendar,
    now: datetime,
) -> Sight:
    """life_s: how often it gives a sign of life at least, where that is known."""
    contacts, marks = tables.contacts, tables.checkpoints
    contact = connection.scalar(select(contacts.c.contact_at).where(contacts.c.source == source))
    message = connection.scalar(select(func.max(_log.c.kept_at)).where(_log.c.source == source))
    last_life = moment(max(filter(None, (contact, message)), default=None))
    last_record, late = _lateness(connection, source)
    heard = _heard(connection, source, now)
    declared_s = calendar.plant.source(source).cadence_s
    dead, judged = _judged(connection, source)
    waiting = select(func.count()).where(_letters.c.source == source, _letters.c.status == OPEN)
    since_life = max(filter(None, (last_life, feed.since if feed else None)), default=None) if last_life else None
    recent = [(kept_at, lag) for kept_at, lag in late if now - kept_at <= _HOUR][:NEWEST]
    usual = [lag for kept_at, lag in late if now - kept_at > _HOUR]
    current = [lag for kept_at, lag in recent if feed is None or feed.current(kept_at)]
    hour = _hour(now)
    # One that has never been reached but by what it said gives no sign of life that could be waited for.
    breath_s = life_s if contact else None
    signals = Signals(
        reading=feed.state if feed else None,
        reason=feed.reason if feed else "",
        in_that_state_s=(now - feed.since).total_seconds() if feed else 0.0,
        since_life_s=_passed(last_life, now),
        worked_since_life_s=_worked(since_life, now, calendar),
        life_patience_s=max(LIFE_FLOOR_S, SILENT_AFTER * breath_s) if breath_s else patience_s(heard, declared_s),
        since_record_s=_passed(last_record, now),
        worked_since_record_s=_worked(last_record, now, calendar),
        record_patience_s=patience_s(heard, None) if knows_habit(heard) else None,
        missed_hour=last_record is not None and habit.missed(last_record, now, calendar),
        off=not calendar.works_at(now) or habit.usual(hour, calendar) == 0.0,
        lag_s=median(current) if current else None,
        usual_lag_s=max(median(usual), 0.0) if usual else 0.0,
        ahead_s=max(-median(lag for _, lag in recent), 0.0) if recent else 0.0,
        dead=dead,
        judged=judged,
        open_letters=connection.scalar(waiting) or 0,
        troubles=sum(each.kind in TROUBLES for each in open_alerts(connection, source)),
    )
    an_hour = select(func.count()).where(
        _log.c.source == source, _log.c.kept_at > stored(now - timedelta(seconds=STILL_S))
    )
    mark = select(func.max(marks.c.kept_at)).where(marks.c.source == source)
    return Sight(
        signals=signals,
        last_heard=last_life,
        rate=connection.scalar(an_hour) or 0,
        checkpoint_at=moment(connection.scalar(mark)),
    )


def _lateness(connection: Connection, source: str) -> tuple[datetime | None, list[tuple[datetime, float]]]:
    """(when its newest record came, of the newest messages when each came and how old it was then), newest first."""
    newest = (
        select(_log.c.source_id, _log.c.kept_at)
        .where(_log.c.source == source, _log.c.outcome == RECORDED)
        .order_by(_log.c.kept_at.desc(), _log.c.id.desc())
        .limit(COMPARED)
    )
    kept = {row.source_id: row.kept_at for row in connection.execute(newest)}
    said = (
        select(_records.c.source_id, func.max(_records.c.reported_at).label("reported_at"))
        .where(_records.c.source == source, _records.c.source_id.in_(list(kept)), _records.c.part >= 0)
        .group_by(_records.c.source_id)
    )
    reported = {row.source_id: row.reported_at for row in connection.execute(said)}
    late = [(moment(at), (at - reported[name]) / 1_000_000) for name, at in kept.items() if name in reported]
    return moment(max(kept.values(), default=None)), late


def _heard(connection: Connection, source: str, now: datetime) -> Sequence[datetime]:
    moments = select(_records.c.reported_at).where(_records.c.source == source, _records.c.reported_at <= stored(now))
    newest = moments.distinct().order_by(_records.c.reported_at.desc()).limit(RECENT)
    return [moment(each) for each in connection.scalars(newest)]


def _judged(connection: Connection, source: str) -> tuple[int, int]:
    """(dead letters that are still open, all) among its latest messages that were new."""
    latest = (
        select(_log.c.outcome, _log.c.digest)
        .where(_log.c.source == source, _log.c.outcome != KNOWN)
        .order_by(_log.c.kept_at.desc(), _log.c.id.desc())
        .limit(JUDGED)
    )
    lines = connection.execute(latest).all()
    dead = [line.digest for line in lines if line.outcome == DEAD_LETTERED]
    waiting = select(func.count()).where(
        _letters.c.source == source, _letters.c.status == OPEN, _letters.c.digest.in_(set(dead))
    )
    return min(connection.scalar(waiting) or 0, len(dead)), len(lines)


def _passed(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max((now - since).total_seconds(), 0.0)


def _worked(since: datetime | None, now: datetime, calendar: ShiftCalendar) -> float | None:
    return None if since is None else calendar.worked_s(max(since, now - _LONGEST), now)


def _hour(at: datetime) -> int:
    return stored(at) // 3_600_000_000


def _start(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, tz=UTC)
