"""The tickets of one project, or of all, read once: what changed since the mark, by id."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.connector import Batch, Gone, SourceMessage, Unreadable
from lineside.connector.by_id import ById, stamped
from lineside.connector.rows import digest
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.redmine.asking import Asking, Page, number
from lineside_ingest.redmine.tickets import CHANGES, NOTES, STREAMS, Names, Row, history, moved, stamp, standing

AHEAD = timedelta(minutes=5)
MOST_AT_ONCE = 1000


class WentBack(Exception):
    """A ticket is older than it was: a backup was put back, and what was read after that never happened."""


@dataclass(slots=True, kw_only=True)
class State:
    """What a checkpoint holds. epoch: how often the source began anew. oldest: id and birth of the oldest ticket; a
    ticket's number that was born at another time is of another database. moved: the last change of tickets that moved
    between projects or became public or private; from it on they are told anew.

    told: whether anything was read to its end before, which may have to be taken back.
    """

    epoch: int = 0
    oldest: Row = field(default_factory=dict)
    places: dict[str, Json] = field(default_factory=dict)
    moved: dict[str, Json] = field(default_factory=dict)
    page_size: int = 0
    told: bool = False

    def anew(self, places: Sequence[str]) -> None:
        """All is read from the start, and what is known of each ticket is taken back before."""
        self.epoch += 1
        self.places = {place: {"anew": True} for place in places}
        self.moved = {}

    def kept(self) -> dict[str, Json]:
        return {
            "epoch": self.epoch, "oldest": dict(self.oldest), "places": dict(self.places), "moved": dict(self.moved),
            "page_size": self.page_size,
        }  # fmt: skip


def read_state(checkpoint: Mapping[str, Json]) -> State:
    """The state in a checkpoint."""
    epoch, size = checkpoint.get("epoch"), checkpoint.get("page_size")
    oldest, places, moves = (_table(checkpoint.get(name)) for name in ("oldest", "places", "moved"))
    return State(
        epoch=epoch if isinstance(epoch, int) else 0,
        oldest=oldest,
        places=places,
        moved=moves,
        page_size=size if isinstance(size, int) else 0,
        told=any("scan" not in _table(each) for each in places.values()),
    )


@dataclass(slots=True, kw_only=True)
class Reading:
    """What a round is done with. now: our clock. ahead: whether anything was stamped ahead of it."""

    asking: Asking
    source: str
    url: str
    places: Sequence[str]
    use: Sequence[str]
    now: Callable[[], datetime]
    private_issues: bool
    private_notes: bool
    overlap_s: float
    page_size: int
    ahead: bool = False
    _names: Names | None = None

    def ours(self, row: Mapping[str, Json]) -> bool:
        """Whether the ticket may be read; a private one only where the plant said so."""
        return self.private_issues or not row.get("is_private")

    async def told(self, ticket: Row, epoch: int) -> list[SourceMessage]:
        """Everything that the ticket says."""
        if self._names is None:
            self._names = await self.asking.names()
        found = [standing(ticket), *history(ticket, self._names, private_notes=self.private_notes)]
        key, last_move = str(number(ticket)), moved(ticket)
        life = re.sub(r"\W", "", str(ticket.get("created_on") or ""))
        life += (f"+{last_move}" if last_move else "") + (f"*{epoch}" if epoch else "")
        return [
            SourceMessage(
                source=self.source,
                source_id=f"{each.stream}/{key}@{life}.{each.version}~{digest(each.row)}",
                content=json.dumps(each.row, ensure_ascii=False, sort_keys=True).encode(),
                received_at=self.now(),
                stream=each.stream,
                key=key,
                origin=self.origin(key),
                reported_at=moment(each.at),
            )
            for each in found
            if each.stream in self.use
        ]

    def origin(self, which: int | str) -> str:
        """Where a person finds the ticket."""
        return f"{self.url.rstrip('/')}/issues/{which}"

    def gone(self, which: int, reason: str, *, streams: Sequence[str] = STREAMS) -> list[Gone]:
        """The ticket is taken back."""
        return [Gone(stream=each, key=str(which), reason=reason) for each in streams if each in self.use]


async def recognised(reading: Reading, state: State) -> str:
    """Why all must be read anew, as the state then says; empty where it is the Redmine that it was."""
    known, reason = state.oldest.get("id"), ""
    if isinstance(known, int):
        found = await reading.asking.there("", [known])
        if found and found[0].get("created_on") == state.oldest.get("created_on"):
            return ""
        if found:
            state.anew(reading.places)
            reason = f"ticket {known} was made at another time: it is another database, and everything is read anew"
    first = await reading.asking.page("", size=1)
    state.oldest = {name: first.rows[0].get(name) for name in ("id", "created_on")} if first.rows else {}
    return reason


async def scan(reading: Reading, place: str, state: State) -> AsyncIterator[Batch]:
    """Batches, the state's checkpoint with each page. Raises WentBack, SourceUnavailable and SourceRefused."""
    by_id = ById(state.places.get(place), overlap_s=reading.overlap_s)
    if not by_id.running:
        newest = await reading.asking.newest(place, reading.now()) if by_id.unmarked else {}
        by_id.begin(_stamped(newest), now=reading.now())
    while by_id.running:
        page = await _page(reading, place, state, by_id)
        found = [await _read(reading, row, by_id, state) for row in page.rows]
        gone = [each for one in found for each in one.gone if state.told or by_id.anew]
        if page.last:
            gone += await _finished(reading, by_id)
        if gone:  # before the messages, which may say the same again
            yield Batch(gone=gone)
        state.places[place] = by_id.kept()
        messages = [each for one in found for each in one.messages]
        unreadable = [each for one in found for each in one.unreadable]
        while len(messages) > MOST_AT_ONCE:  # the page counts with its last batch
            yield Batch(messages=messages[:MOST_AT_ONCE])
            messages = messages[MOST_AT_ONCE:]
        yield Batch(messages=messages, unreadable=unreadable, checkpoint=state.kept())


async def _read(reading: Reading, row: Row, by_id: ById, state: State) -> Batch:
    """What is taken back of the ticket, and then said of it: nothing where it is as it was. Raises WentBack."""
    which = number(row)
    _check_age(by_id, row)
    ticket = await reading.asking.ticket(which) if reading.ours(row) else None
    if ticket is None or not reading.ours(ticket):
        fresh = by_id.news(which, _stamped(row), "hidden")
        return Batch(gone=reading.gone(which, "it is no longer for us to see") if fresh else ())
    at = _stamped(ticket)
    fresh = by_id.news(which, at, digest(ticket))
    if not at:
        content = json.dumps(ticket, ensure_ascii=False, sort_keys=True).encode()
        reason = f"updated_on is no time: {stamp(ticket)!r}"
        return Batch(unreadable=[Unreadable(content=content, reason=reason, origin=reading.origin(which))])
    reading.ahead |= at > stamped(reading.now() + AHEAD)
    if not fresh:
        return Batch()
    gone = reading.gone(which, "read anew") if by_id.anew else []
    if (last_move := moved(ticket)) != (state.moved.get(str(which)) or 0):
        state.moved[str(which)] = last_move
        gone = gone or reading.gone(which, "it moved, and is told anew", streams=(NOTES, CHANGES))
    return Batch(gone=gone, messages=await reading.told(ticket, state.epoch))


async def _finished(reading: Reading, by_id: ById) -> list[Gone]:
    """The scan is at its end; tickets that should have come again are gone, unless they are in another project that we
    read. Raises WentBack where one is there and older than it was."""
    sure = True
    for place in reading.places if by_id.open else ():
        try:
            found = await reading.asking.there(place, by_id.open)
        except SourceRefused as error:
            if error.fields.get("status") == 401:
                raise
            sure = False
        else:
            for row in found:
                _check_age(by_id, row)
    await reading.asking.signed_in()  # a key that was taken back meanwhile would have shown us only what is public
    missing = by_id.finish()
    return [each for which in missing if sure for each in reading.gone(which, "it is not there any more")]


def _check_age(by_id: ById, row: Row) -> None:
    """The ticket is no older than it was when we read it last. Raises WentBack."""
    if number(row) in by_id.open and (at := _stamped(row)) and not by_id.there(number(row), at):
        raise WentBack(f"ticket {number(row)} is older than it was: a backup was put back")


async def _page(reading: Reading, place: str, state: State, by_id: ById) -> Page:
    """The next page, and smaller ones from now on where it is too much at once."""
    while True:
        size = state.page_size or reading.page_size
        try:
            return await reading.asking.page(place, after=by_id.after, since=by_id.low, size=size)
        except SourceUnavailable as error:
            if not error.fields.get("too_much") or size == 1:
                raise
            state.page_size = size // 2


def moment(written: str) -> datetime | None:
    """The time that Redmine writes; None where it is none."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _stamped(row: Mapping[str, Json]) -> str:
    """The ticket's stamp; empty where it has none that can be read."""
    at = moment(stamp(row))
    return stamped(at) if at else ""


def _table(value: Json) -> Row:
    return dict(value) if isinstance(value, dict) else {}
