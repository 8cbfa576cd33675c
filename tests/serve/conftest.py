"""A served installation: a real uvicorn over a real store, an answerer that we script, and a real browser."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn

from lineside.actions import Proposal
from lineside.agent.answer import (
    Answer,
    AnswerEvent,
    Citation,
    Claim,
    ClaimFound,
    Done,
    Heard,
    Question,
    Step,
    ToolUse,
)
from lineside.app import Lineside, open_lineside
from lineside.connector import Batch, SourceMessage
from lineside.interpretation.reading import Kind
from lineside.memory.words import quote
from lineside.plant.windows import Window
from lineside.serve.identity import issue_token
from lineside.serve.overview import translator_for
from lineside.serve.web import build

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

DEADLINE_S = 20.0

PLANT = """
site = "brunnthal"
name = "Molkerei Brunnthal"
time_zone = "Europe/Berlin"

[[equipment]]
id = "brunnthal/abfuellung/linie-7"
name = "Linie 7"

[[shifts]]
name = "früh"
start = "06:00"
end = "14:00"

[[shifts]]
name = "spät"
start = "14:00"
end = "22:00"

[[shifts]]
name = "nacht"
start = "22:00"
end = "06:00"

[[people]]
id = "planer-3"
name = "Ada Planer"
roles = ["planner"]
sites = ["brunnthal"]

[[people]]
id = "qs-1"
name = "Queenie Qualität"
roles = ["quality"]
sites = ["brunnthal"]

[[people]]
id = "qs-2"
name = "Otto Obermann"
roles = ["quality"]
sites = ["brunnthal"]

[[people]]
id = "it-9"
name = "Ines Admin"
roles = ["admin"]
sites = ["brunnthal"]

[[people]]
id = "fern-1"
name = "Fern Abwesend"
roles = ["quality"]
sites = ["anderswo"]

[[sources]]
name = "labor"
kind = "qms"
cadence_s = 3600
owner = "qs-1"

[[sources]]
name = "schichtbuch"
kind = "notes"

[[sources]]
name = "personalakte"
readers = ["hr"]
"""

EVENTS: tuple[dict[str, Any], ...] = (
    {
        "id": "charge-41-1", "source": "labor", "type": "lineside.report", "time": "{-50}",
        "data": {"entity": "lot:CH-41",
                 "properties": {"quality_status": "unrestricted", "quantity": {"value": 960, "unit": "ea"}}},
    },
    {
        "id": "halt-1", "source": "bde", "type": "lineside.event", "time": "{-40}",
        "data": {"kind": "stop", "equipment": "brunnthal/abfuellung/linie-7", "text": "Folienriss <b>am</b> Schneider",
                 "attributes": {"reason": "Folienriss"}},
    },
    {
        "id": "notiz-1", "source": "schichtbuch", "type": "lineside.note", "time": "{-30}",
        "data": {"text": "Linie 7 stand wegen Folienriss, 25 Minuten. <img src=x onerror=alert(1)> Charge CH-41 riecht "
                         "säuerlich.", "author": "schichtleiter-2", "equipment": "brunnthal/abfuellung/linie-7"},
    },
    {
        "id": "akte-1", "source": "personalakte", "type": "lineside.note", "time": "{-30}",
        "data": {"text": "Abmahnung wegen Verspätung"},
    },
)  # fmt: skip


def until(told: Callable[[], Any], what: str) -> Any:
    """What `told` gives as soon as it is true; fails at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := told()):
        assert time.monotonic() < deadline, f"waited {DEADLINE_S} s for: {what}"
        time.sleep(0.02)
    return found


class Scripted:
    """An answerer whose claims are the newest records; it waits before a claim while its gate is shut.

    wanted: the proposal ids that the next answers bring. fails: what the next stream raises.
    """

    name = "scripted"

    def __init__(self, lineside: Lineside) -> None:
        self.lineside = lineside
        self.gates: dict[int, threading.Event] = {}
        self.wanted: list[str] = []
        self.fails: Exception | None = None
        self.asked: list[Question] = []

    def shut(self, before_claim: int) -> threading.Event:
        """The gate before that claim (from 1); setting it lets the stream go on."""
        return self.gates.setdefault(before_claim, threading.Event())

    async def answer(self, question: Question) -> Answer:
        async for event in self.stream(question):
            if isinstance(event, Done):
                return event.answer
        raise AssertionError

    async def stream(self, question: Question) -> AsyncIterator[AnswerEvent]:
        self.asked.append(question)
        if self.fails:
            raise self.fails
        yield Step("looking at Linie 7", ToolUse("events", {"equipment": "linie-7"}))
        view = self.lineside.memory.view(as_of=question.at, reader=self.lineside.reader(question.person))
        records = [*view.notes(newest_first=True, limit=3), *view.events(newest_first=True, limit=3)]
        citations = [
            Citation(
                n=n,
                record_id=record.provenance.record_id,
                source=record.provenance.source,
                source_id=record.provenance.source_id,
                occurred_at=record.provenance.occurred_at,
                quote=quote(record, ("Folienriss",)),
            )
            for n, record in enumerate(records, start=1)
        ]
        plant = Citation(
            n=len(citations) + 1, record_id="plant:shifts.früh", source="plant", source_id="shifts.früh",
            occurred_at=None, quote="früh starts at 06:00 and ends at 14:00",
        )  # fmt: skip
        claims = [Claim(f"{c.source} says: {c.quote}", Kind.FACT, (c.n,)) for c in citations]
        claims += [Claim("The early shift starts at 06:00.", Kind.DERIVED, (plant.n,))]
        claims += [Claim("The foil may be of another lot.", Kind.GUESSED, (1,))]
        citations.append(plant)
        for place, claim in enumerate(claims, start=1):
            if place in self.gates:
                await asyncio.to_thread(self.gates[place].wait, DEADLINE_S)
            yield ClaimFound(claim, tuple(c for c in citations if c.n in claim.citations))
        yield Done(
            Answer(
                verdict="Linie 7 lost 25 minutes to torn foil.",
                as_of=question.at,
                time_zone=self.lineside.plant.time_zone,
                answerer=self.name,
                claims=tuple(claims),
                citations=tuple(citations),
                against=(Claim("labor says nothing of it.", Kind.DERIVED, (1,)),),
                missing=("The foil's lot number.",),
                next_steps=("Ask the store for the foil's lot.",),
                window=Window(start=question.at - timedelta(hours=8), end=question.at),
                freshness=(Heard("labor", question.at - timedelta(hours=9), "silent"),),
                tools=(ToolUse("events", {"equipment": "linie-7"}),),
                proposals=tuple({"id": wanted} for wanted in self.wanted),
            )
        )


@dataclass
class Served:
    """A running server and what a test needs to speak with it."""

    lineside: Lineside
    answerer: Scripted
    url: str
    stop: Callable[[], None] = field(repr=False)

    def token(self, person: str) -> str:
        return issue_token(self.lineside, self.lineside.person(person), days=1)

    def client(self, person: str | None = None, **headers: str) -> httpx.Client:
        sent = {"Authorization": f"Bearer {self.token(person)}", **headers} if person else headers
        return httpx.Client(base_url=self.url, headers=sent, trust_env=False, timeout=DEADLINE_S)

    def tell(self, *events: Mapping[str, Any]) -> None:
        """The records of these CloudEvents are remembered; a time {-30} is half an hour ago."""
        remember(self.lineside, events)

    def proposed(self, requester: str = "planer-3", lot: str = "CH-41") -> Proposal:
        found = self.lineside.ledger.propose(
            action="hold_lot",
            parameters={"lot": lot, "reason": "it smells sour"},
            requester=self.lineside.person(requester),
            origins={"lot": "question", "reason": "question"},
        )
        assert isinstance(found, Proposal), found
        return found


def remember(lineside: Lineside, events: Sequence[Mapping[str, Any]]) -> None:
    import json

    now = lineside.clock()
    messages = []
    for event in events:
        said = str(event["time"])
        moment = (now + timedelta(minutes=float(said.strip("{}")))).isoformat() if said.startswith("{") else said
        content = json.dumps({"specversion": "1.0", **event, "time": moment}).encode()
        messages.append(
            SourceMessage(
                source=event["source"], source_id=event["id"], content=content, received_at=now,
                content_type="application/cloudevents+json",
            )
        )  # fmt: skip
    outcome = lineside.memory.remember(
        Batch(messages=messages), source="tests", translate=translator_for(lineside, "tests")
    )
    assert outcome.dead == ()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def serving(home: Path, *, port: int = 0, answerer: type[Any] | None = Scripted) -> Iterator[Served]:
    """The installation at `home`, served until the block ends."""
    lineside = open_lineside(home)
    lineside.migrate()
    fake = Scripted(lineside)
    if answerer is not None:
        lineside.answerer = fake  # what app.py would make is tested elsewhere
    bound = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(build(lineside), log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()

    def stop() -> None:
        for gate in fake.gates.values():
            gate.set()
        server.should_exit = True
        thread.join()
        for each in threading.enumerate():
            if each.name.startswith("run-"):
                each.join()
        lineside.close()

    until(lambda: server.started, "the server")
    try:
        yield Served(lineside, fake, f"http://127.0.0.1:{bound.getsockname()[1]}", stop)
    finally:
        stop()
        bound.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which people are chosen from a list and nothing is armed."""
    (tmp_path / "plant.toml").write_text(PLANT, encoding="utf-8")
    (tmp_path / "lineside.toml").write_text('sign_in = "chooser"\nclock_offset_s = -86400.0\n', encoding="utf-8")
    return tmp_path


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """A running server over a plant with a few records."""
    with serving(home) as found:
        found.tell(*EVENTS)
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real Chromium; without one the test is skipped, but not where CI promises one.

    For one module: while Playwright's own loop runs, nothing else in this process can run one.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        assert not os.environ.get("CI"), "CI must test in a browser: apt-get install chromium"
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page with what it said and where it went; a test fails on any of that which it did not expect."""

    page: Page
    served: Served
    console: list[str]
    foreign: list[str]

    def sign_in(self, person: str) -> None:
        self.page.goto(f"{self.served.url}/sign-in")
        self.page.locator(f"button[value='{person}']").click()
        self.page.wait_for_url(f"{self.served.url}/")

    def ask(self, question: str) -> None:
        self.page.locator("#question").fill(question)
        self.page.keyboard.press("Enter")


@pytest.fixture
def open_page(chromium: Browser, served: Served) -> Iterator[Callable[..., Watched]]:
    """Opens pages, each in a session of its own, and in the end holds what each of them said against it."""
    opened: list[tuple[Watched, BrowserContext]] = []

    def build_page(url: str = "", **options: Any) -> Watched:
        context = chromium.new_context(**{"color_scheme": "light", **options})
        context.set_default_timeout(DEADLINE_S * 1000)
        page = context.new_page()
        watched = Watched(page, served, [], [])
        page.on("console", lambda message: watched.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: watched.console.append(f"page error: {error}"))
        own = (served.url, url) if url else (served.url,)
        page.on(
            "request", lambda sent: None if sent.url.startswith((*own, "data:")) else watched.foreign.append(sent.url)
        )
        opened.append((watched, context))
        return watched

    yield build_page
    for watched, context in opened:
        context.close()
        assert watched.foreign == [], "a page asked somebody else"
        assert watched.console == [], "a page complained"
