"""One channel's history: what is new since the last read, and what was edited, deleted or answered meanwhile.

Slack tells the newest first. A read that broke off goes on below what it reached; where the history was read up to is
said only when it came to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lineside.connector import Batch, Gap, Gone, SourceMessage, Unreadable
from lineside.connector.http import Session
from lineside.errors import SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Json
from lineside_ingest.slack_channels.message import (
    Channel,
    Raw,
    at,
    ids_in,
    message_of,
    parent_of,
    removed,
    replaced,
    ts_at,
    ts_of,
    unreadable,
    version_of,
)
from lineside_ingest.slack_channels.people import Workspace
from lineside_ingest.slack_channels.web import Web

FREE_PLAN_DAYS = 90.0
_AT_ONCE = 500
_BELIEVED_FEW, _BELIEVED_SHARE = 10, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How far back it is read. since: the first time. look_back: edits and deletions. threads: late replies.
    retention: how far Slack shows; None where it shows all."""

    since: timedelta
    overlap: timedelta
    look_back: timedelta
    threads: timedelta
    retention: timedelta | None


@dataclass(slots=True, kw_only=True)
class Position:
    """Where the reading of a channel stands. mark: all before this ts was read. scan: a read that is under way.
    seen: version and parent of each message in the look-back, by ts. threads: count and time of the replies that were
    read, by the parent's ts. looked, read_at: when the look-back, and the reading of
    what is new, was last at its end."""

    mark: str = ""
    scan: dict[str, str] = field(default_factory=dict)
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)
    threads: dict[str, str] = field(default_factory=dict)
    looked: str = ""
    read_at: str = ""

    @classmethod
    def of(cls, said: Json) -> Position:
        """What `kept` said; the beginning for anything else."""
        state = said if isinstance(said, dict) else {}
        seen = state.get("seen")
        pairs = {
            ts: (str(pair[0]), str(pair[1]))
            for ts, pair in (seen.items() if isinstance(seen, dict) else ())
            if isinstance(pair, list) and len(pair) == 2
        }
        return cls(
            mark=str(state.get("mark") or ""),
            scan=_texts(state.get("scan")),
            seen=pairs,
            threads=_texts(state.get("threads")),
            looked=str(state.get("looked") or ""),
            read_at=str(state.get("read_at") or ""),
        )

    def kept(self) -> Json:
        """The position as a checkpoint holds it."""
        return {
            "mark": self.mark,
            "scan": dict(self.scan),
            "seen": {ts: [version, parent] for ts, (version, parent) in self.seen.items()},
            "threads": dict(self.threads),
            "looked": self.looked,
            "read_at": self.read_at,
        }


class History:
    """Reads one channel. limited: whether Slack said that the plan hides older messages. doubt: why what seems to be
    gone was not believed to be."""

    def __init__(
        self,
        web: Web,
        session: Session,
        workspace: Workspace,
        *,
        channel: Channel,
        position: Position,
        span: Span,
        page_size: int,
        address: str,
        clock: Callable[[], datetime],
    ) -> None:
        self.channel = channel
        self.position = position
        self.doubt = ""
        self._web = web
        self._session = session
        self._workspace = workspace
        self._span = span
        self._page_size = str(page_size)
        self._address = address
        self._clock = clock
        self._now = clock()
        self._limited = False
        self._names: Mapping[str, str] = {}
        self._items: list[SourceMessage | Unreadable] = []
        self._gone: list[Gone] = []

    async def news(self) -> AsyncIterator[Batch]:
        """What was written since the last read, with its replies; the position moves with each batch."""
        here = self.position
        began = bool(here.scan)
        if not began:
            low = at(here.mark) - self._span.overlap if here.mark else self._now - self._span.since
            here.scan = {"low": ts_at(low), "top": here.mark}
        scan = here.scan
        first = not here.mark
        async for page in self._pages(scan["low"], scan.get("latest", "")):
            if not began and here.mark and (gap := self._unshown()):
                yield Batch(gaps=[gap])
            began = True
            for raw in page:
                self._take(raw)
                async for batch in self._thread(raw, everything=first):
                    yield batch
                scan |= self._reached(raw)
            yield self._batch()
        here.mark, here.scan, here.read_at = max(scan["top"], scan["low"]), {}, self._now.isoformat()
        here.looked = here.looked or self._now.isoformat()
        self._prune()
        yield self._batch()

    async def look_back(self) -> AsyncIterator[Batch]:
        """What was edited, deleted or answered in the stretch that is looked back at."""
        here = self.position
        there: set[str] = set()
        listed: set[str] = set()  # with those of which only the place is left, since there are replies
        async for page in self._pages(min(self._edits_since, self._threads_since), ""):
            there |= _shown(page)
            listed |= {_ts(raw) for raw in page}
            for raw in page:
                if _ts(raw) >= self._edits_since or not _ts(raw):
                    self._take(raw)
                async for batch in self._thread(raw):
                    yield batch
            yield self._batch()
        since = self._shown_since()
        gone = {ts for ts, (_, parent) in here.seen.items() if not parent and ts > since and ts not in there}
        gone |= {ts for ts, (_, parent) in here.seen.items() if parent in gone - listed}
        self._take_back(gone - there)
        here.looked = self._now.isoformat()
        self._prune()
        yield self._batch()

    def due(self, every: timedelta) -> bool:
        """Whether it is time to look back."""
        looked = self.position.looked
        return bool(looked) and self._now - datetime.fromisoformat(looked) >= every

    @property
    def _edits_since(self) -> str:
        return ts_at(self._now - self._span.look_back)

    @property
    def _threads_since(self) -> str:
        return ts_at(self._now - self._span.threads)

    async def _pages(self, oldest: str, latest: str) -> AsyncIterator[list[Json]]:
        asked = {"oldest": oldest, "latest": latest}
        async for page in self._asked("conversations.history", **asked):
            yield page

    async def _asked(self, method: str, **asked: str) -> AsyncIterator[list[Json]]:
        """The messages of each page, whose names are known by now."""
        asked |= {"channel": self.channel.id, "limit": self._page_size}
        async for page in self._web.pages(self._session, method, **asked):
            self._limited = self._limited or page.get("is_limited") is True
            messages = page.get("messages")
            if not isinstance(messages, list):
                raise SourceUnavailable(f"{self._web.http.source}: {method} answers without messages", status=200)
            wanted = {each for raw in messages if isinstance(raw, dict) for each in ids_in(raw)}
            self._names = await self._workspace.names(self._session, wanted)
            yield messages

    def _reached(self, raw: Json) -> dict[str, str]:
        """How far the read under way has come. A ts ahead of our clock moves nothing."""
        scan, ts = self.position.scan, _ts(raw)
        if not ts:
            return {}
        latest = min(ts, scan.get("latest") or ts)
        return {"latest": latest, "top": max(ts, scan["top"]) if ts <= ts_at(self._now) else scan["top"]}

    async def _thread(self, parent: Json, *, everything: bool = False) -> AsyncIterator[Batch]:
        """The replies to the message, where it has other ones than were read, or such as may have been edited."""
        here, ts = self.position, _ts(parent)
        if not isinstance(parent, dict) or not ts or not parent.get("reply_count") or parent_of(parent):
            return
        told = f"{parent.get('reply_count')}/{parent.get('latest_reply')}"
        if ts < self._threads_since and not everything:
            return
        before = here.threads.get(ts, "")
        if before == told and str(parent.get("latest_reply")) < self._edits_since:
            return
        known = before.partition("/")[2]
        oldest = min(known, self._edits_since) if known else ""
        there: set[str] = set()
        names = self._names
        try:
            async for page in self._asked("conversations.replies", ts=ts, oldest=oldest):
                there |= _shown(page)
                for raw in page:
                    if _ts(raw) != ts:
                        self._take(raw)
                if len(self._items) >= _AT_ONCE:
                    yield self._batch()
        except SourceRefused as error:
            if error.fields.get("error") != "thread_not_found":
                raise
        self._names = names  # of the page that the parent stands on
        since = max(oldest, self._shown_since())
        self._take_back({
            reply for reply, (_, of) in here.seen.items() if of == ts and reply > since and reply not in there
        })  # fmt: skip
        here.threads[ts] = told

    def _take(self, raw: Json) -> None:
        """The message waits for the next batch, where it is other than it was seen to be."""
        origin = f"#{self.channel.name}"
        try:
            if not isinstance(raw, dict):
                raise UnreadableMessage("it is no object")
            ts, version, parent = ts_of(raw), version_of(raw), parent_of(raw)
            origin = self._link(ts, parent)
            before = self.position.seen.get(ts)
            if removed(raw) or (before is not None and before[0] == version):
                return
            places: dict[str, Any] = {"source": self._web.http.source, "channel": self.channel, "origin": origin}
            places["received_at"] = self._clock()
            message = message_of(raw, names=self._names_of(raw), **places)
            for old in sorted({"", before[0] if before else ""}) if version else ():
                self._items.append(replaced(ts, old, by=version, **places))
            self._items.append(message)
            if ts >= self._edits_since:
                self.position.seen[ts] = (version, parent)
        except UnreadableMessage as error:
            self._items.append(unreadable(raw, error.message, origin))

    def _take_back(self, gone: set[str]) -> None:
        """What is gone is told with the next batch; a stretch that lost most of what it had is not believed."""
        seen = self.position.seen
        if len(gone) > max(_BELIEVED_FEW, _BELIEVED_SHARE * len(seen)):
            self.doubt = (
                f"{len(gone)} of {len(seen)} messages are no longer shown: too many to take them back unseen; "
                "set retention_days where Slack is told to delete old messages"
            )
            return
        for ts in sorted(gone):
            del seen[ts]
            self._gone.append(Gone(stream=self.channel.id, key=ts, reason="it was deleted in Slack"))

    def _shown_since(self) -> str:
        """The ts from which on a message that is not shown was deleted by somebody, and not hidden by the plan."""
        hidden = self._hidden_before()
        return max(self._edits_since, ts_at(hidden)) if hidden else self._edits_since

    def _hidden_before(self) -> datetime | None:
        retention = self._span.retention
        if retention is None and self._limited:
            retention = timedelta(days=FREE_PLAN_DAYS)
        return None if retention is None else self._now - retention

    def _unshown(self) -> Gap | None:
        """What Slack can't show any more of the time since the last read."""
        hidden, read_at = self._hidden_before(), self.position.read_at
        mark = max(at(self.position.mark), datetime.fromisoformat(read_at)) if read_at else at(self.position.mark)
        if hidden is None or mark >= hidden:
            return None
        reason = f"Slack no longer shows what was written in #{self.channel.name} then"
        return Gap(since=mark, until=hidden, reason=reason)

    def _prune(self) -> None:
        here, edits, threads = self.position, self._edits_since, self._threads_since
        here.seen = {ts: each for ts, each in here.seen.items() if ts >= edits}
        here.threads = {ts: each for ts, each in here.threads.items() if ts >= threads}

    def _batch(self) -> Batch:
        items, gone = self._items, self._gone
        self._items, self._gone = [], []
        return Batch(
            messages=[each for each in items if isinstance(each, SourceMessage)],
            unreadable=[each for each in items if isinstance(each, Unreadable)],
            gone=gone,
        )

    def _names_of(self, raw: Raw) -> dict[str, str]:
        return {each: self._names[each] for each in ids_in(raw) if each in self._names}

    def _link(self, ts: str, parent: str) -> str:
        link = f"{self._address}archives/{self.channel.id}/p{ts.replace('.', '')}"
        return f"{link}?thread_ts={parent}&cid={self.channel.id}" if parent else link


def _ts(raw: Json) -> str:
    """Its ts; empty where it has none that can be read."""
    try:
        return ts_of(raw) if isinstance(raw, dict) else ""
    except UnreadableMessage:
        return ""


def _shown(page: list[Json]) -> set[str]:
    """What a page still shows."""
    return {_ts(raw) for raw in page if isinstance(raw, dict) and not removed(raw)}


def _texts(said: Json) -> dict[str, str]:
    return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}
