"""The plant running: all its systems answering, its clock going on from the anchor, or put forward by who runs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Protocol

import uvicorn

from lineside.simulator.configuration import Addresses, lineside_toml
from lineside.simulator.databases import Database, said_between
from lineside.simulator.facts import Fact
from lineside.simulator.files import NotesFolder, TrackerFile
from lineside.simulator.scada import Scada
from lineside.simulator.simulation import Simulation
from lineside.simulator.stage import Stage
from lineside.simulator.web import web_app

TICK_S = 1.0
SCADA_EVERY = timedelta(seconds=5)  # counters move with every piece; a controller's gateway samples them


class RunningPlant:
    """What is known from outside: where everything answers, and the text of the two configuration files."""

    def __init__(self, simulation: Simulation, addresses: Addresses, stage: Stage, systems: _Systems) -> None:
        self.simulation, self.addresses, self.stage = simulation, addresses, stage
        self._systems = systems

    async def catch_up(self) -> int:
        """Every system tells what it knows by the plant's clock; how many values the controllers changed on the way.

        For who put the clock forward: a controller has shown each state that its gateway would have sampled since.
        """
        return await self._systems.pass_over(self.stage.clock())

    @property
    def plant_toml(self) -> str:
        return self.simulation.plant_toml()

    @property
    def lineside_toml(self) -> str:
        return lineside_toml(self.simulation.world, self.addresses)


@contextlib.asynccontextmanager
async def running(
    simulation: Simulation, folder: Path, *, port: int = 0, clock: Callable[[], datetime] | None = None
) -> AsyncIterator[RunningPlant]:
    """Every system answers on loopback while this is open. port: the first of two, 0 takes free ones.

    The plant's clock is kept in the folder, so that a restart goes on where time has got to. With a `clock` of its own,
    the plant stands still until it is told to catch up.
    """
    folder = _prepared(folder)
    offset = timedelta() if clock else _offset(simulation, folder / "clock.json")
    moved = clock is not None
    clock = clock or (lambda: datetime.now(UTC) + offset)
    stage = Stage(simulation, clock=clock, folder=folder)
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
    tracker = TrackerFile(addresses.tracker, simulation.world)
    takers: list[_Taker] = [*databases, NotesFolder(addresses.notes), tracker]
    now = clock()
    first = said_between(simulation.stories.facts, None, now)
    for taker in takers:
        taker.take(first)
    thread.start()
    await scada.start(now)
    while not server.started and thread.is_alive():  # noqa: ASYNC110 - uvicorn offers a flag, no event
        await asyncio.sleep(0.02)
    systems = _Systems(simulation, scada, takers, now)
    ticking = None if moved else asyncio.create_task(_tick(stage, systems))
    try:
        yield RunningPlant(simulation, addresses, stage, systems)
    finally:
        if ticking is not None:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
        server.should_exit = True
        await asyncio.to_thread(thread.join)
        await scada.stop()
        for database in databases:
            database.close()


class _Taker(Protocol):
    """A system that keeps what it is told."""

    def take(self, facts: Sequence[Fact]) -> None: ...


class _Systems:
    """Those that are told what happens: databases and files what was said since `told`, controllers what is so."""

    def __init__(self, simulation: Simulation, scada: Scada, takers: Sequence[_Taker], told: datetime) -> None:
        self._simulation, self._scada, self._takers = simulation, scada, takers
        self._told = self._shown = told

    async def go_on(self, now: datetime) -> None:
        self._take(now)
        if now - self._shown >= SCADA_EVERY:
            await self._scada.show(now)
            self._shown = now

    async def pass_over(self, now: datetime) -> int:
        changes = sorted(
            each
            for run in self._simulation.stories.production.runs
            for span in run.spans
            for each in (span.start, span.end)
            if self._shown < each <= now
        )
        shown = self._shown
        changed = 0
        for each in changes:
            if each > shown:
                shown = min(each + SCADA_EVERY / 2, now)  # so much later a gateway finds it, on average
                changed += await self._scada.show(shown)
        self._take(now)
        self._shown = now
        return changed + (await self._scada.show(now) if now > shown else 0)

    def _take(self, now: datetime) -> None:
        new = said_between(self._simulation.stories.facts, self._told, now)
        for taker in self._takers if new else ():
            taker.take(new)
        self._told = now


async def _tick(stage: Stage, systems: _Systems) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        await systems.go_on(stage.clock())


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
