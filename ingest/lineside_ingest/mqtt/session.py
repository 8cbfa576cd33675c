"""One connection to a broker under a lasting session: what arrives, in order, unacknowledged until it is kept.

paho is imported late; its thread reads the socket. Between it and the event loop stands a bounded buffer: when it is
full the thread waits, so that the socket fills and the broker keeps the rest.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from lineside.errors import MissingExtra, SourceRefused, SourceUnavailable

PROBE = "lineside/is-anybody-there"
UNACKNOWLEDGED = "0"  # a subscription that is granted with quality of service 0
_REFUSALS = {
    132: '; try version = "3.1.1"',
    133: "; choose another client_id",
    134: "; mend user and password",
    135: "; mend the credentials, or what the client may do",
    138: "; the broker's owner banned it",
    140: "; the broker wants another kind of sign-in",
}
_TAKEN_OVER = 142
_CERTIFICATE_FAULTS = (
    "CERTIFICATE_VERIFY_FAILED",
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "UNKNOWN_CA",
    "KEY_VALUES",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach a broker. in_flight: how many messages may stand here unacknowledged."""

    url: str
    client_id: str
    version: str
    user: str
    password: str
    ca: str
    certificate: str
    private_key: str
    session_expiry_s: int
    keep_alive_s: float
    timeout_s: float
    in_flight: int

    @property
    def lasting(self) -> bool:
        return self.session_expiry_s > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message as the broker handed it over. packet: its number in the session; 0 with quality of service 0.

    at: when, by our clock. properties: the publisher's own (MQTT 5).
    """

    topic: str
    payload: bytes
    at: datetime
    packet: int = 0
    again: bool = False
    retained: bool = False
    properties: Sequence[tuple[str, str]] = field(default=())


@asynccontextmanager
async def connected(
    settings: Settings, *, source: str, clock: Callable[[], datetime], will: tuple[str, bytes] | None = None
) -> AsyncIterator[Session]:
    """A session that is closed in the end, without ending it at the broker. Raises SourceUnavailable, SourceRefused."""
    session = Session(settings, source=source, clock=clock, will=will)
    try:
        await session.open()
        yield session
    finally:
        await session.close()


class Session:
    """Everything that comes is in `take`; `ack` gives it back to the broker as kept."""

    def __init__(
        self, settings: Settings, *, source: str, clock: Callable[[], datetime], will: tuple[str, bytes] | None
    ) -> None:
        self._settings = settings
        self._source = source
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._arrived: deque[Arrival] = deque()
        self._room = threading.Condition()
        self._stirred = asyncio.Event()
        self._answers: dict[tuple[str, int], asyncio.Future[Any]] = {}
        self._lost: SourceUnavailable | SourceRefused | None = None
        self._closed = False
        self._client = self._built(will)
        self.resumed = False

    async def open(self) -> None:
        """Connected and accepted; `resumed` says whether the broker knew the session."""
        where = urlsplit(self._settings.url)
        port = where.port or (8883 if where.scheme == "mqtts" else 1883)
        accepted = self._expect("connack", 0)
        start: dict[str, Any] = {"keepalive": max(1, round(self._settings.keep_alive_s))}
        if self._settings.version == "5":
            start |= {"clean_start": not self._settings.lasting, "properties": self._properties()}
        try:
            await asyncio.to_thread(self._client.connect, where.hostname or "", port, **start)
        except (OSError, TimeoutError, ValueError) as error:  # ssl.SSLError is an OSError
            raise self._unreachable(error) from error
        self._client.loop_start()
        flags, code = await self._answer(accepted, "the connection")
        if code.is_failure:
            hint = _REFUSALS.get(code.value)
            if hint is None:
                raise SourceUnavailable(f"{self._source}: the broker said: {code}")
            raise SourceRefused(f"{self._source}: the broker refused us: {code}{hint}")
        self.resumed = flags.session_present

    @property
    def lost(self) -> bool:
        """Whether the connection has ended without our doing."""
        return self._lost is not None

    async def close(self) -> None:
        """Gone from the broker, which keeps the session."""
        with self._room:
            self._closed = True
            self._room.notify_all()
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
        for future in self._answers.values():
            future.cancel()

    async def subscribe(self, filters: Sequence[str]) -> dict[str, str]:
        """The filters that the broker would not grant, each with its words; UNACKNOWLEDGED where that is all
        it grants."""
        refused = {}
        for each in filters:
            _, number = self._client.subscribe(each, qos=1)
            [code] = await self._answer(self._expect("suback", number), f"the subscription to {each}")
            if code.is_failure:
                refused[each] = str(code)
            elif code.value == 0:
                refused[each] = UNACKNOWLEDGED
        return refused

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        """The session no longer gets what these filters matched."""
        for each in filters:
            await self._asked(each)

    async def alive(self) -> None:
        """The broker answered after everything that it had for us. Raises SourceUnavailable.

        MQTT's ping can't be asked through paho; leaving a topic that was never entered is as cheap, and answered.
        """
        await self._asked(PROBE)

    async def take(self, most: int, *, wait_s: float) -> list[Arrival]:
        """What arrived, oldest first; empty after `wait_s` without anything. Raises what ended the connection."""
        if not self._arrived and self._lost is None:
            self._stirred.clear()
            if not self._arrived:
                try:
                    await asyncio.wait_for(self._stirred.wait(), wait_s)
                except TimeoutError:
                    return []
        with self._room:
            taken = [self._arrived.popleft() for _ in range(min(most, len(self._arrived)))]
            self._room.notify_all()
        if not taken and self._lost is not None:
            raise self._lost
        return taken

    def ack(self, packets: Sequence[int]) -> None:
        """The broker may forget these."""
        for packet in packets:
            self._client.ack(packet, 1)

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=qos, retain=retain)

    def _built(self, will: tuple[str, bytes] | None) -> Any:  # paho's client
        try:
            from paho.mqtt import client as paho
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise MissingExtra("MQTT needs its driver: pip install 'lineside[mqtt]'", extra="mqtt") from error
        own = self._settings
        newest = own.version == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=own.client_id,
            clean_session=None if newest else not own.lasting,
            protocol=paho.MQTTv5 if newest else paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = own.timeout_s
        if own.user:
            client.username_pw_set(own.user, own.password or None)
        if urlsplit(own.url).scheme == "mqtts":
            try:
                client.tls_set(own.ca or None, own.certificate or None, own.private_key or None)
            except OSError as error:
                raise SourceRefused(f"{self._source}: the certificates can't be read: {error}") from error
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        client.on_connect = lambda _client, _data, flags, code, _more: self._said("connack", 0, (flags, code))
        client.on_subscribe = lambda _client, _data, number, codes, _more: self._said("suback", number, codes)
        client.on_unsubscribe = lambda _client, _data, number, codes, _more: self._said("unsuback", number, codes)
        client.on_disconnect = lambda _client, _data, _flags, code, _more: self._parted(code)
        client.on_message = lambda _client, _data, message: self._came(message)
        return client

    def _properties(self) -> Any:  # paho's properties of a CONNECT
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties = Properties(PacketTypes.CONNECT)
        properties.ReceiveMaximum = self._settings.in_flight
        if self._settings.lasting:
            properties.SessionExpiryInterval = self._settings.session_expiry_s
        return properties

    def _came(self, message: Any) -> None:
        """In paho's thread: the message stands in the buffer, as soon as there is room. While an answer is waited for
        there always is, or it could not come: it stands behind the messages, and brokers were seen to send one more
        than they may."""
        more = getattr(message, "properties", None)
        arrival = Arrival(
            topic=message.topic,
            payload=bytes(message.payload),
            at=self._clock(),
            packet=message.mid if message.qos else 0,
            again=message.dup,
            retained=message.retain,
            properties=tuple(getattr(more, "UserProperty", ())),
        )
        with self._room:
            while len(self._arrived) >= self._settings.in_flight and not self._answers and not self._closed:
                self._room.wait()
            if self._closed:
                return
            self._arrived.append(arrival)
        self._loop.call_soon_threadsafe(self._stirred.set)

    def _said(self, kind: str, number: int, answer: object) -> None:
        self._loop.call_soon_threadsafe(self._settle, kind, number, answer)

    def _settle(self, kind: str, number: int, answer: object) -> None:
        """In the event loop, so after whoever asked began to wait; who gave up is not told."""
        future = self._answers.get((kind, number))
        if future is not None and not future.done():
            future.set_result(answer)

    def _parted(self, code: Any) -> None:
        if self._closed:
            return
        if code.value == _TAKEN_OVER:
            who = self._settings.client_id
            lost: SourceUnavailable | SourceRefused = SourceRefused(
                f"{self._source}: another client took over the session of {who}; each needs a client_id of its own"
            )
        else:
            lost = SourceUnavailable(
                f"{self._source}: the connection to the broker was lost: {code}. Where this happens again and again, "
                f"another client may have our client_id {self._settings.client_id}: not every broker says so"
            )
        self._loop.call_soon_threadsafe(self._lose, lost)

    def _lose(self, lost: SourceUnavailable | SourceRefused) -> None:
        """Once: after the broker's own words paho tells of the closed socket too."""
        if self._lost is not None:
            return
        self._lost = lost
        self._stirred.set()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(lost)

    def _expect(self, kind: str, number: int) -> asyncio.Future[Any]:
        with self._room:
            self._room.notify_all()
            return self._answers.setdefault((kind, number), self._loop.create_future())

    async def _asked(self, topic: str) -> None:
        if self._lost is not None:
            raise self._lost
        _, number = self._client.unsubscribe(topic)
        await self._answer(self._expect("unsuback", number), "a sign of life")

    async def _answer(self, future: asyncio.Future[Any], what: str) -> Any:
        try:
            return await asyncio.wait_for(future, self._settings.timeout_s)
        except TimeoutError as error:
            seconds = self._settings.timeout_s
            raise SourceUnavailable(f"{self._source}: the broker did not answer {what} in {seconds:g} s") from error
        finally:
            for key in [key for key, each in self._answers.items() if each is future]:
                del self._answers[key]

    def _unreachable(self, error: OSError | ValueError) -> SourceUnavailable | SourceRefused:
        said = str(error)
        if any(fault in said for fault in _CERTIFICATE_FAULTS):
            return SourceRefused(f"{self._source}: the broker's or our own certificate is not trusted: {said}")
        return SourceUnavailable(f"{self._source} does not answer: {type(error).__name__} {said}".rstrip())
