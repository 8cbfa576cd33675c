"""The mail connector against the suite, on a real IMAP server."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from lineside.connector import Connector
from lineside_ingest.mail import Mail

from .conformance import Bench, Conformance
from .mail_server import PASSWORD, USER, Folder, Wire, letter, pymap

RULE = {
    "name": "counts",
    "subject": "^count",
    "pattern": r"n=(?P<n>.+)",
    "mapping": {"entity": "lot:L-{n}", "properties": {"n": {"field": "n", "type": "number"}}},
}


class MailBench(Bench):
    name = "mail"
    lacks: Mapping[str, str] = {
        "schema": "a letter has no fields that could be renamed",
        "throttled": "IMAP has no word for how long to wait",
        "hushed": "every read signs in anew: there is no standing session",
        "deleted": "what was written was said, whoever tidies the folder",
    }

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.wire = Wire(folder.port)

    def connector(self) -> Connector:
        return self._at(self.wire.port)

    async def say(self, *numbers: int) -> None:
        for number in numbers:
            self.folder.receive(letter(f"count {number}", f"n={number}"))

    async def say_poison(self) -> None:
        self.folder.receive(letter("count of nothing", "n=many"))

    async def say_shuffled(self, *numbers: int) -> None:
        for place, number in enumerate(numbers):
            sent_at = datetime.now(UTC) - timedelta(hours=place)
            self.folder.receive(letter(f"count {number}", f"n={number}", sent_at=sent_at))

    async def say_late(self, number: int) -> None:
        sent_at = datetime.now(UTC) - timedelta(days=2)
        self.folder.receive(letter(f"count {number}", f"n={number}", sent_at=sent_at), arrived_at=sent_at)

    async def say_ahead(self, number: int) -> None:
        sent_at = datetime.now(UTC) + timedelta(days=365)
        self.folder.receive(letter(f"count {number}", f"n={number}", sent_at=sent_at))

    async def lose(self, number: int) -> None:
        await self.say(number)
        self.folder.remove(f"count {number}")

    async def begin_anew(self) -> None:
        self.folder.make_anew()

    def refused(self) -> Connector:
        return self._at(self.wire.port, password="wrong")

    def unavailable(self) -> Connector:
        return self._at(1)

    def slow(self) -> Connector:
        self.wire.stalls = True
        return self._at(self.wire.port, timeout_s=0.5)

    async def cut(self) -> None:
        self.wire.cut_after = 900

    def _at(self, port: int, **more: Any) -> Connector:
        account = {"host": "127.0.0.1", "port": port, "tls": "none", "user": USER, "password": PASSWORD}
        options = {**account, "folders": [self.folder.name], "rules": [RULE], **more}
        return Mail("bench", options, time_zone=UTC, clock=lambda: datetime.now(UTC))


NUMBERS = count(1)


@pytest.fixture(scope="module")
def imap_port() -> Iterator[int]:
    with pymap() as port:
        yield port


class TestMail(Conformance):
    @pytest.fixture
    def bench(self, imap_port: int) -> Iterator[Bench]:
        made = MailBench(Folder(imap_port, f"Line {next(NUMBERS)}"))
        yield made
        made.wire.close()
