"""Looks at every source from outside of its connector, on a thread of its own, and alerts once to what is wrong.

Its own sign of life is the contact of the source `lineside`: where it dies, that goes silent like any other source.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import structlog
from sqlalchemy import select

from lineside.errors import StoreError
from lineside.memory import alerts, leases, tables
from lineside.memory.alerts import Turn
from lineside.memory.contacts import keep_contact
from lineside.memory.feed_state import Concern, FeedState, concerns_of
from lineside.memory.feeds import feeds_of
from lineside.memory.freshness import OURS
from lineside.memory.moments import moment, stored
from lineside.memory.signals import Habit, habit_of, sight_of
from lineside.memory.store import Memory
from lineside.plant.calendar import ShiftCalendar

log = structlog.get_logger()

EVERY_S = 15.0
HABIT_EVERY_S = 3600.0
STOPPED_WITHIN_S = 10.0
CONCERNS = frozenset(str(each) for each in Concern)
_TRIED = (FeedState.STARTING, FeedState.RETRYING)


class Watchdog:
    """Watches the sources that a connector reads, and those whose cadence the plant file declares.

    life: each read source with how often it gives a sign of life at least, in seconds; None where that is not known.
    """

    def __init__(self, memory: Memory, life: Mapping[str, float | None], *, every_s: float = EVERY_S) -> None:
        self._memory = memory
        self._life = life
        self._every_s = every_s
        self._calendar = ShiftCalendar(memory.plant)
        self._habits: dict[str, tuple[datetime, Habit]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is looked at any more."""
        self._over.set()
        self._thread.join(STOPPED_WITHIN_S)

    def look(self) -> list[Turn]:
        """What is wrong now is open, what is well again is closed, and the heartbeat is kept; what changed by that."""
        memory, now = self._memory, self._memory.clock()
        at = stored(now)
        declared = {card.name for card in memory.plant.sources if card.cadence_s}
        watched = sorted({*self._life, *declared} - {OURS})
        feeds = feeds_of(memory)
        with memory.read() as connection:
            wrong = {
                source: concerns_of(
                    sight_of(
                        connection,
                        source,
                        feed=feeds.get(source),
                        life_s=self._life.get(source),
                        habit=self._habit(source, now),
                        calendar=self._calendar,
                        now=now,
                    ).signals
                )
                for source in watched
            }
        turns: list[Turn] = []
        with memory.write() as connection:
            keep_contact(connection, OURS, at)
            told: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
            for each in alerts.open_alerts(connection):
                if each.kind in CONCERNS:
                    told[each.source][each.stream, each.kind] = each.reason
            forgotten = {source for source in set(told) - set(watched) if leases.holding(connection, source) is None}
            for source in sorted({*watched, *forgotten}):
                named = {("", str(concern)): reason for concern, reason in wrong.get(source, {}).items()}
                if source in feeds and feeds[source].state in _TRIED and source in watched:
                    named = told[source] | named  # it has recovered once it is live, not once it is tried again
                turns += alerts.settle(connection, source, CONCERNS, named, now=at)
            alerts.publish(connection, turns, memory.plant, now=at)
        alerts.log_turns(turns)
        return turns

    def _habit(self, source: str, now: datetime) -> Habit:
        learnt = self._habits.get(source)
        if learnt is None or not 0 <= (now - learnt[0]).total_seconds() < HABIT_EVERY_S:
            with self._memory.read() as connection:
                learnt = self._habits[source] = (now, habit_of(connection, source, now))
        return learnt[1]

    def _watch(self) -> None:
        failing = False
        while not self._over.wait(self._every_s):  # first of all the feeds say that they start
            try:
                self.look()
                failing = False
            except StoreError as error:
                if not failing:
                    log.warning("watchdog_can_not_look", code=error.code, reason=error.message)
                failing = True


def heartbeat(memory: Memory) -> datetime | None:
    """When the watchdog last looked, whichever process it runs in; None where it never did."""
    contacts = tables.contacts
    with memory.read() as connection:
        return moment(connection.scalar(select(contacts.c.contact_at).where(contacts.c.source == OURS)))
