"""Webhooks against the suite: a sender with an outbox posts signed deliveries to a real HTTP server."""

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, timedelta
from typing import Any

import httpx
import pytest

from lineside.connector import Batch, Check, Checkpoint, Connector, SourceMessage, Translated
from lineside.errors import NotPermitted, SourceRefused, SourceUnavailable
from lineside_ingest.webhook import Webhook

from .conformance import Bench, Conformance
from .reading import NOW
from .web_peer import serving

SECRET = "its secret"
NEVER = {
    "gap": "a webhook that was never delivered leaves no trace",
    "refused": "it is the sender that is refused",
    "throttled": "nothing is asked of the sender",
    "slow": "the sender waits for us",
    "hushed": "silence is all that there is between two deliveries",
    "deleted": "only an event of the sender's own could say so",
}


def webhook() -> Webhook:
    mapping = {
        "entity": "lot:L-{n}",
        "occurred_at": "at",
        "properties": {"n": {"field": "n", "type": "number"}},
    }
    options = {
        "scheme": "github",
        "secret": SECRET,
        "streams": [{"name": "said", "mapping": mapping}],
    }
    return Webhook("bench", options, time_zone=UTC, clock=lambda: NOW)


def signed(body: bytes, number: int) -> dict[str, str]:
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Hub-Signature-256": f"sha256={digest}",
        "X-GitHub-Delivery": f"d-{number}",
    }


class Door:
    """What stands behind the address: each request is received, or refused."""

    def __init__(self) -> None:
        self.received: list[Batch] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            part = await receive()
            if part["type"] == "http.disconnect":
                return
            body += part.get("body", b"")
            more = part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status = 200
        try:
            self.received.append(webhook().receive(body, headers))
        except NotPermitted:
            status = 401
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Sender:
    """A connector that lets the outbox be delivered, as far as the checkpoint says that it was not yet."""

    source = "bench"

    def __init__(self, bench: "WebhookBench", url: str) -> None:
        self.bench = bench
        self.url = url
        self.own = webhook()

    async def check(self) -> Sequence[Check]:
        try:
            await asyncio.to_thread(httpx.get, self.url)
        except httpx.TransportError as error:
            return [Check(name="push", ok=False, detail=str(error), fix="open the door")]
        return await self.own.check()

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        said = checkpoint or {}
        start = said.get("sent", 0) if said.get("life") == self.bench.life else 0
        assert isinstance(start, int)
        if not all(check.ok for check in await self.check()):
            raise SourceUnavailable("the door does not open")
        for number, (name, body) in enumerate(self.bench.outbox[start:], start):
            got = self._delivered(name, body)
            mark: Checkpoint = {"sent": number + 1, "life": self.bench.life}
            yield Batch(messages=got.messages, unreadable=got.unreadable, checkpoint=mark)
        yield Batch(checkpoint={"sent": len(self.bench.outbox), "life": self.bench.life})

    async def confirm(self, checkpoint: Checkpoint) -> None:
        await self.own.confirm(checkpoint)

    def translate(self, message: SourceMessage) -> Translated:
        return self.own.translate(message)

    def _delivered(self, name: int, body: bytes) -> Batch:
        if self.bench.breaks:
            self.bench.breaks = False
            self._break_off(name, body)
        try:
            answer = httpx.post(self.url, content=body, headers=signed(body, name))
        except httpx.TransportError as error:
            raise SourceUnavailable(str(error)) from error
        if answer.status_code != 200:
            raise SourceRefused(f"{answer.status_code}")
        return self.bench.door.received.pop()

    def _break_off(self, name: int, body: bytes) -> None:
        where = httpx.URL(self.url)
        with socket.create_connection((where.host, where.port or 80)) as line:
            head = "".join(f"{key}: {value}\r\n" for key, value in signed(body, name).items())
            line.sendall(f"POST /odata HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode())
            line.sendall(body[: len(body) // 2])
        raise SourceUnavailable("the line broke in the middle of a delivery")


class WebhookBench(Bench):
    name = "webhook"
    lacks = NEVER

    def __init__(self, door: Door, url: str) -> None:
        self.door = door
        self.url = url
        self.outbox: list[tuple[int, bytes]] = []
        self.life = 1
        self.breaks = False

    def connector(self) -> Connector:
        return Sender(self, self.url)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self._add(number, {"n": number, "at": NOW.isoformat()})

    async def say_poison(self) -> None:
        self.outbox.append((666, b"{ not json"))

    def unavailable(self) -> Connector:
        return Sender(self, "http://127.0.0.1:1/")

    async def say_shuffled(self, *numbers: int) -> None:
        for number in numbers:
            self._add(number, {"n": number, "at": (NOW + timedelta(seconds=number)).isoformat()})

    async def say_late(self, number: int) -> None:
        self._add(number, {"n": number, "at": (NOW - timedelta(days=1)).isoformat()})

    async def begin_anew(self) -> None:
        self.life += 1  # it delivers all of its outbox again

    async def rename_field(self, number: int) -> None:
        self._add(number, {"number": number, "at": NOW.isoformat()})

    async def cut(self) -> None:
        self.breaks = True

    async def say_ahead(self, number: int) -> None:
        self._add(number, {"n": number, "at": (NOW + timedelta(days=365)).isoformat()})

    def _add(self, number: int, said: dict[str, Any]) -> None:
        self.outbox.append((number, json.dumps(said).encode()))


class TestWebhook(Conformance):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        door = Door()
        with serving(door) as url:
            yield WebhookBench(door, url)
