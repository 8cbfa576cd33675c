"""Two invented plants, remembered once each, and a way to ask them."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from lineside.agent import Answer, Question, Turn
from lineside.agent.embedded import EmbeddedAnswerer
from lineside.connector import Batch
from lineside.memory import Memory
from lineside.plant.plant_file import parse_plant

Ask = Callable[..., Answer]


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _tests() -> ModuleType:
    path = Path(__file__).parent.parent / "conftest.py"
    spec = importlib.util.spec_from_file_location("tests_conftest", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _plant_memory(name: str, home: Path) -> Memory:
    plants, tests = _beside("plants"), _tests()
    now = datetime.fromisoformat(getattr(plants, f"{name}_NOW"))
    memory = Memory.open(
        f"sqlite:///{home / 'lineside.db'}",
        index_dir=home / "index",
        plant=parse_plant(getattr(plants, name)),
        clock=lambda: now,
        migrate=True,
    )
    messages = [tests.message_of(event, received_at=now) for event in getattr(plants, f"{name}_SAID")]
    outcome = memory.remember(Batch(messages=messages), source="import", translate=tests.translate)
    assert outcome.dead == ()
    memory.index_pending()
    return memory


@pytest.fixture(scope="module")
def dairy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    """The German dairy."""
    memory = _plant_memory("DAIRY", tmp_path_factory.mktemp("dairy"))
    yield memory
    memory.close()


@pytest.fixture(scope="module")
def foundry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    """The English foundry."""
    memory = _plant_memory("FOUNDRY", tmp_path_factory.mktemp("foundry"))
    yield memory
    memory.close()


@pytest.fixture(scope="module")
def ask() -> Ask:
    """Asks a memory's embedded answerer; `before` are earlier questions of the conversation."""

    def answered(
        memory: Memory,
        text: str,
        *,
        at: str = "",
        person: str = "",
        before: tuple[str, ...] = (),
        ledger: object = None,
    ) -> Answer:
        now = datetime.fromisoformat(at) if at else memory.clock()
        question = Question(
            text=text,
            at=now,
            person=memory.plant.person(person) if person else None,
            history=tuple(Turn(earlier, now) for earlier in before),
        )
        return asyncio.run(EmbeddedAnswerer(memory=memory, ledger=ledger).answer(question))  # type: ignore[arg-type]

    return answered
