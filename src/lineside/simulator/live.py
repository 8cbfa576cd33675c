"""The plant running: all its systems answering, its clock going on from the anchor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

import uvicorn

from lineside.simulator.configuration import Addresses, lineside_toml
from lineside.simulator.databases import Database, said_between
from lineside.simulator.files import NotesFolder, write_tracker
from lineside.simulator.scada import Scada
from lineside.simulator.simulation import Simulation
from lineside.simulator.stage import Stage
from lineside.simulator.web import web_app

TICK_S = 1.0
SCADA_EVERY = timedelta(seconds=5)  # counters move with every piece; a controller's gateway samples them


class RunningPlant:
    """What is known from outside: where everything answers, and the text of the two configuration files."""

    def __init__(self, simulation: Simulation, addresses: Addresses, stage: Stage) -> None:
        self.simulation, self.addresses, self.stage = simulation, addresses, stage

    @property
    def plant_toml(self) -> str:
        return self.simulation.plant_toml()

    @property
    def lineside_toml(self) -> str:
        return lineside_toml(self.simulation.world, self.addresses)


@contextlib.asynccontextmanager
async def running(simulation: Simulation, folder: Path, *, port: int = 0) -> AsyncIterator[RunningPlant]:
    """Every system answers on loopback while this is open. port: the first of two, 0 takes free ones.

    The plant's clock is kept in the folder, so that a restart goes on where time has got to.
    """
    folder = _prepared(folder)
    offset = _offset(simulation, folder / "clock.json")

    def clock() -> datetime:
        return datetime.now(UTC) + offset

    stage = Stage(simulation, clock=clock, kept=folder / "qms-writes.jsonl")
    door = _listen(port)
    scada = Scada(simulation.world, simulation.stories.production, port + 1 if port else _free_port())
    addresses = Addresses(
        web=f"http://127.0.0.1:{door.getsockname()[1]}",
        opcua=scada.url,
        wms=folder / "wms.db",
        mes=folder / "mes.db",
        tracker=folder / "staging.xlsx",
        notes=folder / "notes",
        clock_offset_s=offset.total_seconds(),
    )
    server = uvicorn.Server(uvicorn.Config(web_app(stage), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    databases = [Database(addresses.wms, "wms"), Database(addresses.mes, "mes")]
    notes = NotesFolder(addresses.notes)
    now = clock()
    first = said_between(simulation.stories.facts, None, now)
    write_tracker(addresses.tracker, simulation.world, first)
    takers: list[Database | NotesFolder] = [*databases, notes]
    for taker in takers:
        taker.take(first)
    thread.start()
    await scada.start(now)
    while not server.started and thread.is_alive():  # noqa: ASYNC110 - uvicorn offers a flag, no event
        await asyncio.sleep(0.02)
    ticking = asyncio.create_task(_tick(stage, scada, takers, now))
    try:
        yield RunningPlant(simulation, addresses, stage)
    finally:
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking
        server.should_exit = True
        await asyncio.to_thread(thread.join)
        await scada.stop()
        for database in databases:
            database.close()


async def _tick(stage: Stage, scada: Scada, takers: Sequence[Database | NotesFolder], told: datetime) -> None:
    shown = told
    while True:
        await asyncio.sleep(TICK_S)
        now = stage.clock()
        new = said_between(stage.simulation.stories.facts, told, now)
        for taker in takers if new else ():
            taker.take(new)
        if now - shown >= SCADA_EVERY:
            await scada.show(now)
            shown = now
        told = now


def _prepared(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def _offset(simulation: Simulation, kept: Path) -> timedelta:
    if kept.exists():
        return timedelta(seconds=json.loads(kept.read_text(encoding="utf-8"))["offset_s"])
    offset = timedelta(seconds=ceil((simulation.now - datetime.now(UTC)).total_seconds()))
    kept.write_text(json.dumps({"offset_s": offset.total_seconds()}), encoding="utf-8")
    return offset


def _listen(port: int) -> socket.socket:
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    return door


def _free_port() -> int:
    # asyncua can't be handed a bound socket; between here and its bind another process could take the port.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
