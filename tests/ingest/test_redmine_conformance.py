"""The connector of Redmine against the suite."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from lineside.connector import Connector
from lineside_ingest.redmine import Redmine

from .conformance import Bench, Conformance
from .reading import NOW
from .redmine_peer import RedmineServer
from .web_peer import serving

MAPPING = {"entity": "lot:L-{id}", "properties": {"n": {"field": "fields.n", "type": "number"}}}
SAID = NOW - timedelta(minutes=1)


class RedmineBench(Bench):
    name = "redmine"
    lacks: ClassVar = {
        "gap": "Redmine keeps each ticket with its history: what was changed while nobody asked is read the next time",
        "hushed": "every read is a question of its own; no session stands between two of them",
    }

    def __init__(self, server: RedmineServer) -> None:
        self.server = server
        self.field = "n"

    def connector(self) -> Connector:
        return self._at(self.server.url)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self._add(number, number)

    async def say_poison(self) -> None:
        self._add(666, "not a number")

    async def say_shuffled(self, *numbers: int) -> None:
        for place, number in enumerate(numbers):
            self._add(number, number, at=SAID - timedelta(seconds=place))

    async def say_late(self, number: int) -> None:
        self._add(number, number, at=SAID - timedelta(minutes=3))

    async def say_ahead(self, number: int) -> None:
        self._add(number, number, at=NOW + timedelta(days=365))

    async def begin_anew(self) -> None:
        for ticket in self.server.tickets.values():
            ticket["created_on"] = "2020-01-01T00:00:00Z"

    async def rename_field(self, number: int) -> None:
        self.field = "amount"
        await self.say(number)

    async def delete(self, number: int) -> None:
        del self.server.tickets[number]

    async def cut(self) -> None:
        self.server.cut = 11  # within the second page's tickets

    def refused(self) -> Connector:
        self.server.key = "another"
        return self.connector()

    def throttled(self) -> Connector:
        self.server.closed = (429, {"retry-after": "9"})
        return self.connector()

    def slow(self) -> Connector:
        self.server.dripping = True
        return self._at(self.server.url, timeout_s=0.5)

    def unavailable(self) -> Connector:
        return self._at("http://127.0.0.1:1")

    def _at(self, url: str, **more: Any) -> Connector:
        streams = [{"name": "issues", "mapping": MAPPING}]
        options = {"url": url, "api_key": "right", "use": ["issues"], "streams": streams, "page_size": 2, **more}
        return Redmine("bench", options, time_zone=UTC, clock=lambda: NOW)

    def _add(self, number: int, said: int | str, *, at: datetime = SAID) -> None:
        self.server.add(number, at=at, custom_fields=[{"id": 3, "name": self.field, "value": str(said)}])


@pytest.fixture
def bench() -> Iterator[Bench]:
    server = RedmineServer()
    with serving(server) as url:
        server.url = url
        yield RedmineBench(server)


class TestRedmine(Conformance):
    pass
