"""The demo plant's quality system speaks what the executor speaks."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from lineside.actions.executors import Done, NoEffect
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.interface import load_interface
from lineside.simulator.simulation import Simulation
from lineside.simulator.stage import Stage, table_named
from lineside.simulator.web import READER, WRITER, web_app


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    simulation = Simulation(days=14)
    return Stage(simulation, clock=lambda: simulation.now, kept=tmp_path_factory.mktemp("qms") / "writes.jsonl")


@pytest.fixture(scope="module")
def url(stage: Stage) -> Iterator[str]:
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web_app(stage), log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}/qms"
    server.should_exit = True
    thread.join()
    door.close()


def free_lot(stage: Stage, target: QmsHolds) -> str:
    known = {str(row["LotId"]) for row in stage.rows(table_named("lots"))}
    return next(lot for lot in sorted(known) if (found := target.read(lot)) and not found.holds)


def body(lot: str, proposal: str) -> bytes:
    return json.dumps(
        {"lot": lot, "reason": "smells", "requested_by": "one", "approved_by": "other", "proposal": proposal}
    ).encode()


def test_a_hold_is_placed_once_and_shows_on_the_lot(stage: Stage, url: str) -> None:
    target = QmsHolds(url, WRITER, source="qms")
    lot = free_lot(stage, target)
    before = target.read(lot)
    assert before is not None
    assert before.condition

    placed = target.place(body(lot, "P-1-contract"), key="P-1-contract", condition=before.condition)
    again = target.place(body(lot, "P-1-contract"), key="P-1-contract", condition=before.condition)

    assert isinstance(placed, Done)
    assert again == placed
    after = target.read(lot)
    assert after is not None
    assert after.quality_status == "blocked"
    assert [(h.hold, h.status, h.proposal) for h in after.holds] == [(placed.effect, "active", "P-1-contract")]


def test_what_the_quality_system_refuses_has_no_effect(stage: Stage, url: str, tmp_path: Path) -> None:
    target = QmsHolds(url, WRITER, source="qms")
    lot = free_lot(stage, target)

    changed = target.place(body(lot, "P-2-contract"), key="P-2-contract", condition='"99999"')
    reader = QmsHolds(url, READER, source="qms").place(body(lot, "P-3-contract"), key="P-3-contract", condition=None)

    assert isinstance(changed, NoEffect)
    assert changed.changed
    assert isinstance(reader, NoEffect)
    assert (found := target.read(lot)) is not None
    assert found.holds == ()


def test_an_unknown_lot_is_none(url: str) -> None:
    assert QmsHolds(url, WRITER, source="qms").read("no/such lot?") is None
