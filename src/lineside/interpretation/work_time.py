"""Working time ahead: when work that takes so long will be done, across shifts, holidays, DST nights and down time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from lineside.plant.calendar import ShiftCalendar, wall_hours

_DAY = timedelta(days=1)
_CHUNK = 30 * _DAY
_FURTHEST = 400 * _DAY  # a plant that works nowhere within a year is shut


class WorkTime:
    """The plant's working time from `start` on as one line of seconds; `closed` stretches are no working time.

    A place on that line is the seconds worked since `start`; instants are aware, in UTC.
    """

    def __init__(
        self, calendar: ShiftCalendar, start: datetime, closed: Sequence[tuple[datetime, datetime]] = ()
    ) -> None:
        self.calendar = calendar
        self.start = start.astimezone(UTC)
        self._closed = sorted((a, b) for a, b in closed if a < b)
        self._begins: list[float] = []
        self._ends: list[float] = []
        self._worked: list[float] = []  # before each stretch begins
        self._read_to = self.start

    def place(self, moment: datetime) -> float:
        """The seconds worked from the start until the moment; none before the start."""
        at = moment.timestamp()
        while self._read_to < moment and self._read_further():
            pass
        index = bisect_right(self._begins, at) - 1
        return 0.0 if index < 0 else self._worked[index] + min(at, self._ends[index]) - self._begins[index]

    def moment(self, place: float, *, opens: bool = False) -> datetime | None:
        """The instant at which so many seconds were worked; None where the calendar never gets there.

        opens: where work goes on from there, not where it ended: the start of the next shift instead of a shift's end.
        """
        found = self.stamp(place, opens=opens)
        return None if found is None else datetime.fromtimestamp(round(found), UTC)

    def stamp(self, place: float, *, opens: bool = False) -> float | None:
        """The same as seconds since 1970."""
        while not self._worked or self._total() < place or (opens and self._total() <= place):
            if not self._read_further():
                return None
        index = max((bisect_right if opens else bisect_left)(self._worked, place) - 1, 0)
        return self._begins[index] + place - self._worked[index]

    def stretches(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The working time between two instants, in pieces."""
        self.place(end)
        for begin, finish in zip(self._begins, self._ends, strict=True):
            a, b = max(begin, start.timestamp()), min(finish, end.timestamp())
            if a < b:
                yield datetime.fromtimestamp(a, UTC), datetime.fromtimestamp(b, UTC)

    def _total(self) -> float:
        return self._worked[-1] + self._ends[-1] - self._begins[-1] if self._worked else 0.0

    def _read_further(self) -> bool:
        if self._read_to >= self.start + _FURTHEST:
            return False
        until = self._read_to + _CHUNK
        for begin, end in self._open(self._read_to, until):
            if self._ends and begin <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._worked.append(self._total())
                self._begins.append(begin)
                self._ends.append(end)
        self._read_to = until
        return True

    def _open(self, start: datetime, end: datetime) -> Iterator[tuple[float, float]]:
        reached = start
        for begin, finish in sorted(self._shifts(start, end)):
            at, until = max(begin, reached), min(finish, end)
            for closed_from, closed_to in self._closed:
                if at < closed_from < until:
                    yield at.timestamp(), closed_from.timestamp()
                if closed_from <= at < closed_to or at < closed_from < until:
                    at = max(at, closed_to)
            if at < until:
                yield at.timestamp(), until.timestamp()
            reached = max(reached, until)

    def _shifts(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        plant = self.calendar.plant
        if plant.shifts:
            yield from ((slot.start, slot.end) for slot in self.calendar.between(start, end))
            return
        day = start.astimezone(plant.time_zone).date()
        while day <= end.astimezone(plant.time_zone).date():
            if day not in plant.holidays:
                yield wall_hours(plant, day, time(0), time(0))
            day += _DAY
