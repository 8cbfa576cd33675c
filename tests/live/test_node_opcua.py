"""node-opcua, the other stack: companion models, an alarm that stood before we came, history, a user, encryption."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.connector import Batch, Gap, Trouble, TroubleKind
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside_ingest.opcua import OpcUa
from lineside_ingest.opcua.certificate import make

from .installing import free_port, npm_folder, program, started

SERVER = Path(__file__).parent / "node_opcua/server.js"
LINE = "northfield/packing/line-3"
OWN = "urn:plant:line"
ANSWER_S = 20.0


class Plant:
    """The running server; its commands are those of server.js."""

    def __init__(self, process: subprocess.Popen, log: Path) -> None:
        self._process = process
        self._log = log

    def do(self, name: str, *given: Any) -> None:
        done = self._log.read_text().count(f"done {name}\n")
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, *given]).encode() + b"\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + ANSWER_S
        while self._log.read_text().count(f"done {name}\n") == done:
            assert f"failed {name}" not in self._log.read_text(), self._log.read_text()
            assert self._process.poll() is None
            assert time.monotonic() < deadline, f"{name} was not done in time"
            time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture(scope="module")
def plant_server() -> Mapping[str, str]:
    folder = npm_folder("node-opcua", {"node-opcua": "2.182.2"})
    return {"node": program("node", "nodejs"), "NODE_PATH": str(folder / "node_modules")}


@contextmanager
def running(made: Mapping[str, str], port: int, folder: Path, *, others: int = 0) -> Iterator[Plant]:
    log = folder / "server.log"
    environment = {"NODE_PATH": made["NODE_PATH"], "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    command = [made["node"], str(SERVER), str(port), str(folder), str(others)]
    ready: Callable[[], bool] = lambda: "\nready\n" in f"\n{log.read_text()}"  # noqa: E731
    with started(command, log=log, ready=ready, stdin=subprocess.PIPE, env=environment) as process, process.stdin:
        yield Plant(process, log)


class Read:
    """What readings brought, each kept in a memory."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.gaps: list[Gap] = []
        self.troubles: list[Trouble] = []

    def keep(self, connector: OpcUa, batch: Batch) -> None:
        outcome = self.memory.remember(batch, source=connector.source, translate=connector.translate)
        assert outcome.dead == ()
        self.gaps += batch.gaps
        self.troubles += batch.troubles or ()

    async def catch_up(self, connector: OpcUa) -> None:
        self.gaps, self.troubles = [], []
        async with aclosing(connector.capture(self.memory.checkpoint(connector.source))) as batches:  # type: ignore[type-var]
            async for batch in batches:
                self.keep(connector, batch)
                if batch.empty:
                    return

    def said(self, entity: str, name: str) -> list[str]:
        return [s.text for s in self.memory.view().statements(properties=(name,)) if str(s.entity) == entity]

    def events(self, *kinds: str) -> list[tuple[str, str | None]]:
        return [(event.kind, event.equipment) for event in self.memory.view().events(kinds=kinds)]


def reader(port: int, folder: Path, **changes: Any) -> OpcUa:
    press = f"{LINE}/press-7"
    options = {
        "url": f"opc.tcp://127.0.0.1:{port}",
        "root_equipment": LINE,
        "models": True,
        "nodes": [
            {"node": f"nsu={OWN};s=Temperature", "equipment": press, "property": "temperature", "unit": "Cel"},
            {"node": f"nsu={OWN};s=Spare", "equipment": press, "property": "spare"},
        ],
        "user": "operator",
        "password": "right",
        "certificate": str(folder / "own/certificate.der"),
        "private_key": str(folder / "own/private_key.pem"),
        "sampling_ms": 100,
        "keep_alive_s": 1,
        "resume_s": 0,
        **changes,
    }
    return OpcUa("line-3", options, time_zone=UTC, clock=lambda: datetime.now(UTC))


async def test_node_opcua_is_read_with_its_models_alarms_and_history(
    plant_server: Mapping[str, str], tmp_path: Path, remembered: Callable[..., Memory]
) -> None:
    port, press, filler = free_port(), f"equipment:{LINE}/press-7", f"equipment:{LINE}/filler"
    make(tmp_path / "own")
    read = Read(remembered(now=datetime.now(UTC) + timedelta(hours=1)))
    with running(plant_server, port, tmp_path) as plant:
        await read.catch_up(reader(port, tmp_path))
        assert read.said(filler, "state") == ["running"]
        assert read.said(filler, "rate") == ["2400"]
        assert read.said(filler, "good_count") == ["115"]
        assert read.said(filler, "reject_count") == ["5"]
        assert read.said(press, "state") == ["idle"]
        assert read.said(press, "serial_number") == ["SN-4711"]
        assert read.said(press, "temperature") == ["120.0 Cel"]
        assert read.said("job_order:WO-1", "status") == ["in_progress"]
        assert read.said("job_order:WO-1", "material") == ["CAP-20"]
        assert read.said("job_order:WO-1", "quantity") == ["500"]
        assert read.said("job_order:WO-2", "status") == ["ready"]
        assert read.said(press, "job_order") == ["WO-1"]
        assert read.events("alarm", "alarm_cleared") == [("alarm", f"{LINE}/press-7")]
        assert (read.gaps, read.troubles) == ([], [])

        for value in (130, 140, 90):  # while nobody listens
            plant.do("warm", value)
        plant.do("packState", ["Cleared", "Running", "Holding"])
        plant.do("jobs", [["WO-1", "Ended", 5], ["WO-2", "Running", 3]])
        await read.catch_up(reader(port, tmp_path))
        assert read.said(press, "temperature") == ["120.0 Cel", "130.0 Cel", "140.0 Cel", "90.0 Cel"]
        assert read.said("job_order:WO-1", "status") == ["in_progress", "complete"]
        assert read.events("stop", "start") == [("stop", f"{LINE}/filler")]
        assert any("keeps no history" in gap.reason for gap in read.gaps)
        assert all("Temperature" not in gap.reason for gap in read.gaps)

        await _while_reading(read, reader(port, tmp_path), plant)
        plant.kill()
        with pytest.raises(SourceUnavailable):
            await read.catch_up(reader(port, tmp_path))

    alarms = read.events("alarm")
    assert alarms == 2 * [("alarm", f"{LINE}/press-7")]  # the branches that wait to be acknowledged are no more alarms
    with running(plant_server, port, tmp_path, others=2):
        with pytest.raises(SourceRefused, match="user"):
            await read.catch_up(reader(port, tmp_path, password="wrong"))
        await read.catch_up(reader(port, tmp_path))
        assert [trouble.kind for trouble in read.troubles] == [TroubleKind.EPOCH]
        assert read.events("alarm") == [*alarms, ("alarm", f"{LINE}/press-7")]
        assert read.said(press, "temperature")[-1] == "120.0 Cel"  # by its namespace, which has another index now
        await read.catch_up(reader(port, tmp_path))
        assert read.troubles == []
        assert read.events("alarm") == [*alarms, ("alarm", f"{LINE}/press-7")]
        for policy in ("Basic256Sha256", "Aes256Sha256RsaPss"):
            for mode in ("Sign", "SignAndEncrypt"):
                checks = await reader(port, tmp_path, security_policy=policy, security_mode=mode).check()
                assert all(check.ok for check in checks), checks


async def _while_reading(read: Read, connector: OpcUa, plant: Plant) -> None:
    """A value turns bad, a node is deleted, an alarm comes and goes; everything else goes on."""
    steps = iter([("bad",), ("remove",), ("warm", 250.0), ("warm", 50.0), ("item", "Executing")])
    wanted: Callable[[], bool] = lambda: bool(read.troubles) and read.events("alarm_cleared")[1:] != []  # noqa: E731
    read.troubles = []
    async with asyncio.timeout(40), aclosing(connector.capture(read.memory.checkpoint("line-3"))) as batches:  # type: ignore[type-var]
        async for batch in batches:
            read.keep(connector, batch)
            if batch.empty and (step := next(steps, None)):
                plant.do(*step)
            elif batch.empty and wanted():
                break
    assert [(trouble.kind, trouble.stream) for trouble in read.troubles][-1:] == [
        (TroubleKind.UNAVAILABLE, f"nsu={OWN};s=Spare")
    ]
    assert read.said(f"equipment:{LINE}/press-7", "spare")[0] == "1"
    assert "7" not in read.said(f"equipment:{LINE}/press-7", "spare")
    assert read.said(f"equipment:{LINE}/press-7", "state")[-1] == "running"
