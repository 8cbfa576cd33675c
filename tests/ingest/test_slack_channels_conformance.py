"""Slack's channels against the suite: the number is the text of each message."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineside.connector import Connector
from lineside.memory import Memory
from lineside.plant.records import Note, Record
from lineside_ingest.slack_channels import SlackChannels
from lineside_ingest.slack_channels.message import ts_at

from .conformance import Bench, Conformance
from .reading import NOW
from .slack_peer import SlackServer
from .web_peer import serving


class SlackBench(Bench):
    """The suite counts the notes' numbers."""

    name = "slack_channels"
    lacks: Mapping[str, str] = {
        "schema": "a message has no fields that a mapping reads",
        "hushed": "every read is a question of its own; no session stands between two of them",
    }

    def __init__(self, server: SlackServer) -> None:
        self.server = server
        self.now = NOW

    def connector(self) -> Connector:
        return self._at(self.server.url)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self._say(number, self.now - timedelta(minutes=1))

    async def say_poison(self) -> None:
        self.server.messages["C1LINE30"].append({"type": "message", "text": "666", "user": "U1ANNA00"})

    async def say_shuffled(self, *numbers: int) -> None:
        for place, number in enumerate(numbers):
            self._say(number, self.now - timedelta(minutes=place + 1))

    async def say_late(self, number: int) -> None:
        self._say(number, self.now - timedelta(hours=2))

    async def say_ahead(self, number: int) -> None:
        self._say(number, self.now + timedelta(days=365))

    async def lose(self, number: int) -> None:
        await self.say(number)
        self.now += timedelta(days=100)
        self.server.hidden_before = ts_at(self.now - timedelta(days=90))

    async def begin_anew(self) -> None:
        self.server.team = "T2PLANT"
        del self.server.messages["C1LINE30"][0]

    async def delete(self, number: int) -> None:
        told = self.server.messages["C1LINE30"]
        told[:] = [each for each in told if each["text"] != str(number)]

    async def cut(self) -> None:
        self.server.cut = 5  # sign-in, two pages of people, the channel, the first page of its messages

    def refused(self) -> Connector:
        return self._at(self.server.url, token="xoxb-wrong")

    def throttled(self) -> Connector:
        self.server.closed = (429, {"retry-after": "9"}, {"ok": False, "error": "ratelimited"})
        return self.connector()

    def slow(self) -> Connector:
        self.server.dripping = True
        return self._at(self.server.url, timeout_s=0.5)

    def unavailable(self) -> Connector:
        return self._at("http://127.0.0.1:1")

    def numbers(self, records: list[Record]) -> list[int]:
        return sorted(int(record.text) for record in records if isinstance(record, Note))

    def recorded(self, memory: Memory) -> list[int]:
        return self.numbers(list(memory.view().notes()))

    def _at(self, url: str, **more: Any) -> Connector:
        options = {
            "url": url, "token": "xoxb-right", "channels": ["line-3"], "page_size": 2, "look_back_minutes": 0, **more,
        }  # fmt: skip
        return SlackChannels("bench", options, time_zone=UTC, clock=lambda: self.now)

    def _say(self, number: int, at: datetime) -> None:
        self.server.say(ts_at(at + timedelta(microseconds=number)), str(number))


@pytest.fixture
def server() -> Iterator[SlackServer]:
    served = SlackServer()
    with serving(served) as url:
        served.url = url
        yield served


class TestSlackChannels(Conformance):
    @pytest.fixture
    def bench(self, server: SlackServer) -> Bench:
        return SlackBench(server)
