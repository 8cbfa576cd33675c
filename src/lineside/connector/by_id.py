"""Reading rows that have a growing id and a stamp of their last change: by id, from behind the mark.

Sources stamp a row when it is written and show it when that commits, and rows that change while we read move to the
end of any order by time. By id nothing moves, a long history goes on where it stopped, and an overlap behind the mark
finds what was shown late; what is seen there is skipped.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lineside.plant.records import Json

# What was quiet for longer than any clock is wrong has nothing late any more, and its last rows, a whole import
# perhaps, need not be read with every scan.
_QUIET = timedelta(days=1)


class ById:
    """Where the reading of one table stands. before: what `kept` said. Stamps are texts as `stamped` writes them.

    A scan begins, is told of each row, and finishes. low: its lowest stamp, empty for all; after: its last id so far.
    anew: what is known of each row is no longer true.
    """

    def __init__(self, before: Json, *, overlap_s: float) -> None:
        known = before if isinstance(before, dict) else {}
        self._overlap = timedelta(seconds=overlap_s)
        self._mark = _text(known.get("mark"))
        self.low = _text(known.get("low"))
        self._seen = _pairs(known.get("seen"))
        self.anew = bool(known.get("anew"))
        running = known.get("scan")
        scan = running if isinstance(running, dict) else {}
        self.running = bool(scan)
        self.after = after if isinstance(after := scan.get("after"), int) else 0
        self._high = _text(scan.get("high"))
        self._until = _text(scan.get("until"))
        still_open = scan.get("open")
        self._open = {each for each in still_open if isinstance(each, int)} if isinstance(still_open, list) else set()

    @property
    def unmarked(self) -> bool:
        """Whether nothing was read to its end yet: the next scan must be told where it ends."""
        return not self._mark

    @property
    def open(self) -> list[int]:
        """The ids of rows that should come again in this scan and did not yet."""
        return sorted(self._open)

    def begin(self, newest: str, *, now: datetime) -> None:
        """A scan starts. newest: the newest stamp not after now that the source has, where there is no mark yet.

        now: our clock. What changes from here on, also behind the scan's back, is read by the next one.
        """
        self.running, self.after = True, 0
        self._until = stamped(now)
        self._high = self._mark or newest
        self._open = set(self._seen)

    def news(self, number: int, at: str, token: str) -> bool:
        """Whether the row is other than it was when we last read it; it is known from now on. at: its stamp, empty
        where it has none. token: what differs where it differs."""
        self.after = max(self.after, number)
        self._open.discard(number)
        if self._mark and at <= self._until:
            self._high = max(self._high, at)
        if at and self._seen.get(number) == (at, token):
            return False
        if at >= self._behind(self._high):
            self._seen[number] = (at, token)
        return True

    def there(self, number: int, at: str) -> bool:
        """Whether an open row that is there after all is no older than it was; it is no longer open."""
        self._open.discard(number)
        return at >= self._seen[number][0]

    def finish(self) -> list[int]:
        """The scan is at its end; the ids of rows that are still open, which are gone."""
        gone = self.open
        for number in gone:
            del self._seen[number]
        self._mark, self._open = self._high, set()
        self.low = self._behind(self._mark)
        newest = max(self._seen, key=lambda number: self._seen[number][0], default=None)
        if self._mark and _moment(self._until) - _moment(self._mark) > self._overlap + _QUIET:
            self.low = stamped(_moment(self._mark) + timedelta(seconds=1))
        # One row stays known in any case: if it is older one day, the source was set back.
        self._seen = {number: each for number, each in self._seen.items() if each[0] >= self.low or number == newest}
        self.running, self.anew = False, False
        return gone

    def kept(self) -> Json:
        """The position as a checkpoint holds it."""
        state: dict[str, Json] = {"mark": self._mark, "low": self.low}
        if self.running:
            self._forget()
            still_open: list[Json] = list(self.open)
            state["scan"] = {"after": self.after, "high": self._high, "until": self._until, "open": still_open}
        if self.anew:
            state["anew"] = True
        return state | {"seen": {str(number): [at, token] for number, (at, token) in self._seen.items()}}

    def _forget(self) -> None:
        """Rows that the scan has passed and the next one will not see need not be known."""
        low = self._behind(self._high)
        self._seen = {
            number: each
            for number, each in self._seen.items()
            if each[0] >= low or number > self.after or number in self._open
        }

    def _behind(self, mark: str) -> str:
        return stamped(_moment(mark) - self._overlap) if mark else ""


def stamped(at: datetime) -> str:
    """The time as a stamp, in UTC; stamps sort as texts."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _pairs(value: Json) -> dict[int, tuple[str, str]]:
    found = {}
    for key, each in value.items() if isinstance(value, dict) else ():
        match each:
            case [str(at), str(token)]:
                found[int(key)] = (at, token)
    return found
