"""The tickets of one project, or of all, read once: what changed since the mark, by id."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.connector import Batch, Gone, SourceMessage
from lineside.connector.by_id import ById, stamped
from lineside.connector.rows import digest
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.redmine.asking import Asking, Page, number
from lineside_ingest.redmine.tickets import CHANGES, NOTES, STREAMS, Names, Row, history, moved, stamp, standing

AHEAD = timedelta(minutes=5)


class WentBack(Exception):
    """A ticket is older than it was: a backup was put back, and what was read after that never happened."""


@dataclass(slots=True, kw_only=True)
class State:
    """What a checkpoint holds. epoch: how often the source began anew. oldest: id and birth of the oldest ticket; a
    ticket's number that was born at another time is of another database. moved: the last change of tickets that moved
    between projects or became public or private; from it on they are told anew."""

    epoch: int = 0
    oldest: Row = field(default_factory=dict)
    places: dict[str, Json] = field(default_factory=dict)
    moved: dict[str, Json] = field(default_factory=dict)
    page_size: int = 0

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
    tables = {name: value for name in ("oldest", "places", "moved") if isinstance(value := checkpoint.get(name), dict)}
    return State(epoch=epoch if isinstance(epoch, int) else 0, page_size=size if isinstance(size, int) else 0, **tables)


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
                origin=f"{self.url.rstrip('/')}/issues/{key}",
                reported_at=moment(each.at),
            )
            for each in found
            if each.stream in self.use
        ]

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
    told_before = not by_id.unmarked or by_id.anew
    if not by_id.running:
        newest = await reading.asking.newest(place, reading.now()) if by_id.unmarked else ""
        by_id.begin(stamped(moment(newest)) if newest else "", now=reading.now())
    while by_id.running:
        page = await _page(reading, place, state, by_id)
        gone, messages = [], []
        for row in page.rows:
            lost, said = await _read(reading, row, by_id, state)
            gone += lost if told_before else []
            messages += said
        if page.last:
            gone += await _finished(reading, by_id)
        if gone:  # before the messages, which may say the same again
            yield Batch(gone=gone)
        state.places[place] = by_id.kept()
        if messages or not by_id.running:
            yield Batch(messages=messages, checkpoint=state.kept())


async def _read(reading: Reading, row: Row, by_id: ById, state: State) -> tuple[list[Gone], list[SourceMessage]]:
    """What is taken back of the ticket, and then said of it: nothing where it is as it was."""
    which = number(row)
    ticket = await reading.asking.ticket(which) if reading.ours(row) else None
    if ticket is None or not reading.ours(ticket):
        fresh = by_id.news(which, _stamped(row), "hidden")
        return reading.gone(which, "it is no longer for us to see") if fresh else [], []
    reading.ahead |= moment(stamp(ticket)) > reading.now() + AHEAD
    if not by_id.news(which, _stamped(ticket), digest(ticket)):
        return [], []
    gone = reading.gone(which, "read anew") if by_id.anew else []
    if (last_move := moved(ticket)) != (state.moved.get(str(which)) or 0):
        state.moved[str(which)] = last_move
        gone = gone or reading.gone(which, "it moved, and is told anew", streams=(NOTES, CHANGES))
    return gone, await reading.told(ticket, state.epoch)


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
                if not by_id.there(number(row), _stamped(row)):
                    raise WentBack(f"ticket {number(row)} is older than it was: a backup was put back")
    await reading.asking.signed_in()  # a key that was taken back meanwhile would have shown us only what is public
    missing = by_id.finish()
    return [each for which in missing if sure for each in reading.gone(which, "it is not there any more")]


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


def moment(written: str) -> datetime:
    """The time that Redmine writes. Raises SourceUnavailable where it is none."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise SourceUnavailable(f"{written!r} is no time as Redmine writes it since version 1.1") from error
    if at.tzinfo is None:
        raise SourceUnavailable(f"{written!r} has no time zone")
    return at


def _stamped(row: Mapping[str, Json]) -> str:
    return stamped(moment(stamp(row)))
