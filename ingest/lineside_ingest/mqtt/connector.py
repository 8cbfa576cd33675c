"""The connector of MQTT brokers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from lineside.connector import (
    Batch,
    Check,
    Checkpoint,
    Gap,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
    Unreadable,
)
from lineside.connector.rows import NOTATION_OPTIONS, read_notation
from lineside.errors import SourceError, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside_ingest.mqtt import sparkplug_records, streams
from lineside_ingest.mqtt.position import Position
from lineside_ingest.mqtt.session import UNACKNOWLEDGED, Arrival, Session, Settings, connected
from lineside_ingest.mqtt.sparkplug_edges import NAMESPACE, Edges, Told
from lineside_ingest.mqtt.sparkplug_wire import rebirth_request

_OPTIONS = {
    "url", "client_id", "version", "user", "password", "ca", "certificate", "private_key", "session_expiry_s",
    "keep_alive_s", "timeout_s", "in_flight", "streams", "rebirth", "rebirth_every_s", "reorder_s", "host_id",
    *NOTATION_OPTIONS,
}  # fmt: skip
_WEEK_S = 7 * 86_400
_QUIET_S = 0.2  # how soon after a batch the broker is asked whether it has more
_PAUSE_S = 0.02  # how long nothing comes before a batch is taken for whole
_REORDERING_S = 0.5  # how often what waits for its turn is looked at
_ASK_AGAIN = timedelta(hours=1)
_MOST_REBIRTHS = 20  # at once, so that a plant's edges do not all answer together
_MOST_TROUBLES = 20


@dataclass
class _Round:
    """What one batch gathers. packets: those to acknowledge when it is committed."""

    messages: list[SourceMessage] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.messages or self.unreadable or self.gaps)


class Mqtt:
    """Takes what is published on the topics of its streams. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.source = source
        self._clock = clock
        read = Options(source, options, known=_OPTIONS)
        self._streams = streams.read_streams(read, source=source, notation=read_notation(read, time_zone))
        self._by_name = {stream.name: stream for stream in self._streams}
        only_sparkplug = all(stream.payload == "sparkplug" for stream in self._streams)
        self._settings = Settings(
            url=_url(read),
            client_id=read.text("client_id", f"lineside-{source}"),
            version=read.text("version", "5", choices=("5", "3.1.1")),
            user=read.text("user", ""),
            password=read.text("password", ""),
            ca=read.text("ca", ""),
            certificate=read.text("certificate", ""),
            private_key=read.text("private_key", ""),
            session_expiry_s=int(read.number("session_expiry_s", 0 if only_sparkplug else _WEEK_S)),
            keep_alive_s=read.number("keep_alive_s", 30.0, at_least=0.1),
            timeout_s=read.number("timeout_s", 10.0, at_least=0.1),
            in_flight=int(read.number("in_flight", 500, at_least=1)),
        )
        for wrong, needed in (("certificate", "private_key"), ("private_key", "certificate"), ("password", "user")):
            if wrong in read and needed not in read:
                raise read.bad(wrong, f"needs {needed}")
        self._rebirth = read.flag("rebirth", default=True)
        self._host_id = read.text("host_id", "")
        self._waits = {
            "reorder_s": read.number("reorder_s", 5.0),
            "rebirth_every_s": read.number("rebirth_every_s", 60.0, at_least=1.0),
        }
        self._session: Session | None = None
        self._told: list[Arrival] = []  # given to the runtime, and perhaps not committed
        self._acknowledged: list[Arrival] = []  # committed, but perhaps the broker has not heard so

    async def check(self) -> Sequence[Check]:
        """Under a client id of its own, so that the reading that goes on is not thrown out."""
        fix = "mend the url, the credentials or what the client may do"
        own = replace(self._settings, client_id=f"{self._settings.client_id}-check", session_expiry_s=0)
        try:
            async with connected(own, source=self.source, clock=self._clock) as session:
                refused = await session.subscribe(self._filters())
                await session.alive()
        except SourceError as error:
            return [Check(name="connect", ok=False, detail=error.message, fix=fix)]
        checks = [Check(name="connect", ok=True, detail=self._settings.url)]
        for each in self._filters():
            why = refused.get(each)
            detail = f"{each}: {_refusal(why) if why else 'granted'}"
            checks.append(Check(name="subscribe", ok=why is None, detail=detail, fix=fix if why else ""))
        return checks

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """What the broker kept for us, then everything as it comes, until cancelled.

        Nothing is acknowledged before `confirm`. An empty batch comes when the broker has answered and has no more.
        """
        position = Position(checkpoint, **self._waits)
        came_up = self._clock()
        async with connected(
            self._settings, source=self.source, clock=self._clock, will=self._will(came_up)
        ) as session:
            self._session = session
            try:
                self._state(session, came_up, online=True)
                missed = self._missed(session, position, came_up)
                if not session.resumed:
                    position.forget_session()
                refused = await self._subscribe(session, position)
                asked = self._clock()
                if missed:
                    yield Batch(gaps=missed)
                position.heard = self._clock()
                wait_s = _QUIET_S
                while True:
                    if refused and self._clock() - asked >= _ASK_AGAIN:
                        granted = {each: why for each, why in refused.items() if why == UNACKNOWLEDGED}
                        refused, asked = granted | await self._subscribe(session, position), self._clock()
                    gathered = await self._gather(session, position, wait_s)
                    self._ask_for_births(session, position)
                    epochs = _epochs(position)
                    wait_s = self._settings.keep_alive_s if gathered.empty else _QUIET_S
                    self._told += gathered.arrivals
                    yield Batch(
                        messages=gathered.messages,
                        unreadable=gathered.unreadable,
                        gaps=gathered.gaps,
                        troubles=(*self._troubles(position, refused), *epochs) if gathered.empty or epochs else None,
                        checkpoint=position.to_json([*self._acknowledged, *self._told]),
                    )
            finally:
                await self._say_farewell(session, came_up)
                self._session = None
                self._told, self._acknowledged = [], []

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """All that was yielded is committed, for the runtime commits batch by batch: the broker may forget it."""
        del checkpoint
        if self._session is not None:
            self._session.ack([each.packet for each in self._told if each.packet])
            self._acknowledged += [each for each in self._told if each.packet]
            self._told = []

    def translate(self, message: SourceMessage) -> Translated:
        stream = self._by_name.get(message.stream)
        if stream is None:
            raise UnreadableMessage(f"there is no stream {message.stream!r} in the settings any more")
        if stream.rows is None:
            return sparkplug_records.records_of(message, stream.rules)
        return streams.records_of(stream.rows, message)

    def _filters(self) -> list[str]:
        return streams.widest([each for stream in self._streams for each in stream.filters])

    async def _subscribe(self, session: Session, position: Position) -> dict[str, str]:
        """What is not subscribed to yet is, what is no longer wanted is not. The filters refused, each with why.

        A filter is not entered twice: the broker would send again everything that it retains.
        """
        wanted = self._filters()
        await session.unsubscribe([each for each in position.filters if each not in wanted])
        refused = await session.subscribe([each for each in wanted if each not in position.filters])
        if wanted and all(refused.get(each, UNACKNOWLEDGED) != UNACKNOWLEDGED for each in wanted):
            raise SourceRefused(f"{self.source}: the broker refused every subscription: {_refusal(refused[wanted[0]])}")
        position.filters = [each for each in wanted if refused.get(each, UNACKNOWLEDGED) == UNACKNOWLEDGED]
        return refused

    def _missed(self, session: Session, position: Position, now: datetime) -> list[Gap]:
        """What nobody can tell any more of the time since the broker was last heard."""
        since = position.heard
        if since is None or since >= now:
            return []
        if not session.resumed:
            why = "the broker lost our session" if self._settings.lasting else "not connected, with no lasting session"
            return [Gap(since=since, until=now, reason=f"{why}: what was published meanwhile was not kept for us")]
        if position.lossy:
            names = ", ".join(sorted(position.lossy))
            reason = f"not connected; what was published meanwhile with quality of service 0 is lost: {names}"
            return [Gap(since=since, until=now, reason=reason)]
        return []

    async def _gather(self, session: Session, position: Position, wait_s: float) -> _Round:
        """What came, until it pauses or there is as much as may be unacknowledged. Empty: the broker has no more.

        wait_s: how long to wait for the first. Raises SourceUnavailable where the broker does not answer.
        """
        most = self._settings.in_flight
        gathered = _Round()
        if len(self._acknowledged) >= most:
            await self._prove(session)
        asked = False
        while len(gathered.arrivals) < most and len(gathered.messages) < most:
            patience = min(wait_s, _REORDERING_S) if position.waiting else wait_s
            arrivals = await session.take(most - len(gathered.arrivals), wait_s=patience)
            for arrival in arrivals:
                self._sort(arrival, position, gathered, session)
            for name, edges in position.every_edges():
                self._collect(name, edges, edges.waited(self._clock()), gathered)
            if arrivals:
                position.heard, wait_s, asked = self._clock(), _PAUSE_S, False
            elif not gathered.empty or asked:
                break
            else:  # what comes before the answer was there before the question
                await self._prove(session)
                position.heard, wait_s, asked = self._clock(), 0.0, True
        if gathered.empty and asked:
            position.forget_repetitions()
        return gathered

    async def _prove(self, session: Session) -> None:
        """The broker answered, so it has heard every acknowledgement before."""
        sent, self._acknowledged = self._acknowledged, []
        try:
            await session.alive()
        except SourceUnavailable:
            self._acknowledged = sent
            raise

    def _sort(self, arrival: Arrival, position: Position, gathered: _Round, session: Session) -> None:
        """What becomes of one message; of one that is kept already, its acknowledgement."""
        if position.kept_already(arrival):
            session.ack([arrival.packet])
            return
        stream = next((each for each in self._streams if each.matches(arrival.topic)), None)
        if stream is None:  # a subscription of an earlier configuration: the session had it queued
            reason = "no stream of the settings takes this topic any more"
            gathered.unreadable.append(Unreadable(content=arrival.payload, reason=reason, origin=arrival.topic))
            gathered.arrivals.append(arrival)
            return
        if not arrival.packet and not arrival.retained:
            position.lossy.add(stream.name)
        if stream.rows is None:
            edges = position.edges(stream.name)
            try:
                self._collect(stream.name, edges, edges.heard(arrival), gathered)
            except ValueError as error:
                content = arrival.payload[: streams.LARGEST_PAYLOAD]
                gathered.unreadable.append(Unreadable(content=content, reason=str(error), origin=arrival.topic))
                gathered.arrivals.append(arrival)
            return
        number = streams.sequence_of(stream, arrival)
        gap = None if number is None else position.missed(arrival.topic, number, arrival.at)
        gathered.gaps += [gap] if gap else []
        for item in streams.messages_of(stream, stream.rows, arrival, position.count):
            if isinstance(item, SourceMessage):
                gathered.messages.append(item)
            else:
                gathered.unreadable.append(item)
        gathered.arrivals.append(arrival)

    def _collect(self, stream: str, edges: Edges, told: Iterator[Told], gathered: _Round) -> None:
        for each in told:
            gathered.messages.append(self._of_edge(stream, each))
            gathered.arrivals.append(each.arrival)
        gathered.gaps += edges.gaps
        edges.gaps.clear()

    def _of_edge(self, stream: str, told: Told) -> SourceMessage:
        arrival = told.arrival
        digest = sha256(arrival.payload).hexdigest()[:12]
        sent, seq = told.content.get("at"), told.content.get("seq")
        stamp = sent if isinstance(sent, str) else arrival.at.isoformat()
        return SourceMessage(
            source=self.source,
            source_id=f"{arrival.topic}@{stamp}#{'' if seq is None else seq}~{digest}",
            content=json.dumps(told.content, ensure_ascii=False, sort_keys=True).encode(),
            received_at=arrival.at,
            stream=stream,
            origin=arrival.topic,
            reported_at=datetime.fromisoformat(sent) if isinstance(sent, str) else None,
        )

    def _ask_for_births(self, session: Session, position: Position) -> None:
        """The one thing that this connector says: an edge that can't be understood is asked to explain itself."""
        if not self._rebirth:
            return
        for _, edges in position.every_edges():
            for group, edge in edges.rebirths(self._clock(), most=_MOST_REBIRTHS):
                session.publish(f"{NAMESPACE}/{group}/NCMD/{edge}", rebirth_request(self._clock()))

    def _troubles(self, position: Position, refused: Mapping[str, str]) -> tuple[Trouble, ...]:
        found = [
            Trouble(kind=TroubleKind.REFUSED, reason=_refusal(why), stream=self._stream_of(wanted))
            for wanted, why in refused.items()
        ]
        for name, edges in position.every_edges():
            found += [
                Trouble(kind=TroubleKind.UNAVAILABLE, reason=f"the edge {each} is offline", stream=name)
                for each in edges.silent()
            ]
        return tuple(found[:_MOST_TROUBLES])

    def _stream_of(self, wanted: str) -> str:
        return next((each.name for each in self._streams if wanted in each.filters), "")

    def _state(self, session: Session, since: datetime, *, online: bool) -> None:
        if self._host_id:
            topic, payload = _host_state(self._host_id, since, online=online)
            session.publish(topic, payload, qos=1, retain=True)

    async def _say_farewell(self, session: Session, since: datetime) -> None:
        """The broker has our last word before the connection is closed: what it sends us unread would break it off."""
        if self._host_id and not session.lost:
            self._state(session, since, online=False)
            with suppress(SourceError):
                await session.alive()

    def _will(self, since: datetime) -> tuple[str, bytes] | None:
        return _host_state(self._host_id, since, online=False) if self._host_id else None


def _epochs(position: Position) -> list[Trouble]:
    found = []
    for name, edges in position.every_edges():
        found += [Trouble(kind=TroubleKind.EPOCH, reason=each, stream=name, passing=True) for each in edges.epochs]
        edges.epochs.clear()
    return found


def _host_state(host: str, since: datetime, *, online: bool) -> tuple[str, bytes]:
    said = {"online": online, "timestamp": int(since.timestamp() * 1000)}
    return f"{NAMESPACE}/STATE/{host}", json.dumps(said).encode()


def _refusal(why: str) -> str:
    if why == UNACKNOWLEDGED:
        return "the broker grants it without acknowledgement: what is lost on the way stays lost"
    return f"the broker refuses the subscription: {why}"


def _url(read: Options) -> str:
    url = read.text("url")
    try:
        where = urlsplit(url)
        if where.scheme in {"mqtt", "mqtts"} and where.hostname and (where.port is None or where.port > 0):
            return url
    except ValueError:
        pass
    raise read.bad("url", "must be like mqtt://broker:1883, or mqtts://broker:8883 for TLS")
