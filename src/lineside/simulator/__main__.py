"""`python -m lineside.simulator --dir DIR`: the demo plant, until it is told to stop.

One JSON line on standard output says when it is ready and where everything answers. DIR then holds `plant.toml` and
`lineside.toml` too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from lineside.simulator.facts import text_of
from lineside.simulator.live import running
from lineside.simulator.simulation import Simulation
from lineside.simulator.tour import tour


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m lineside.simulator", description="The demo plant northfield.")
    options.add_argument("--dir", type=Path, required=True, help="where its files live")
    options.add_argument("--seed", type=int, default=1, help="which plant")
    options.add_argument("--days", type=int, default=30, help="days of history, at least 14")
    options.add_argument("--port-base", type=int, default=0, help="first of two ports; 0 takes free ones")
    options.add_argument("--truth", type=Path, help="write the truth there, for tests and evals only")
    options.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    chosen = options.parse_args()
    if chosen.days < 14:
        options.error("--days must be at least 14")
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # that the demo plant's OPC UA is open is meant
    asyncio.run(_run(chosen))
    return 0


async def _run(chosen: argparse.Namespace) -> None:
    simulation = Simulation(chosen.seed, chosen.days)
    folder: Path = chosen.dir
    stop = asyncio.Event()
    if chosen.with_parent:
        threading.Thread(target=_outlive_nobody, args=(asyncio.get_running_loop(), stop), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if chosen.truth:
        text = json.dumps(simulation.truth(), indent=1, ensure_ascii=False)
        await asyncio.to_thread(chosen.truth.write_text, text, encoding="utf-8")
    async with running(simulation, folder, port=chosen.port_base) as plant:
        for name, text in (("plant.toml", plant.plant_toml), ("lineside.toml", plant.lineside_toml)):
            await asyncio.to_thread((folder / name).write_text, text, encoding="utf-8")
        ready = {
            "ready": True,
            "now": text_of(plant.stage.clock()),
            **asdict(plant.addresses),
            **asdict(tour(simulation)),
        }
        sys.stdout.write(json.dumps(ready, default=str) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _outlive_nobody(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """A parent that is killed can tell nobody, but its end of the pipe closes."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    loop.call_soon_threadsafe(stop.set)


if __name__ == "__main__":
    raise SystemExit(main())
