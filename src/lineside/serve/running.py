"""The product as it runs: sources read, passages indexed, approved actions carried out, pages served."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Collection, Iterator

import structlog
import typer

from lineside.app import Lineside
from lineside.errors import LinesideError, SetupError
from lineside.serve.overview import STATUS_FILE

log = structlog.get_logger()

INDEX_PAUSE_S = 1.0
ACTIONS_PAUSE_S = 1.0


async def run(
    lineside: Lineside, *, parts: Collection[str], port: int, ready: Callable[[str], None] | None = None
) -> None:
    """Runs until it is told to stop by a signal; then everything begun is finished or left to be begun again.

    ready: called with the web address once pages are served.
    """
    lineside.memory  # noqa: B018 - fail on an old schema before anything starts
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows loops take no handlers; Ctrl-C still ends the run
            loop.add_signal_handler(name, stop.set)
    async with asyncio.TaskGroup() as tasks:
        running = []
        if "ingest" in parts:
            from lineside.memory.intake import run as read_sources

            status = lineside.home / STATUS_FILE
            feeds = read_sources(lineside.memory, lineside.connectors(), clock=lineside.clock, status_file=status)
            running.append(tasks.create_task(feeds))
            running.append(tasks.create_task(_repeat(lineside.memory.index_pending, INDEX_PAUSE_S)))
        if "actions" in parts:
            running.append(tasks.create_task(_repeat(lambda: _act(lineside), ACTIONS_PAUSE_S)))
        if "web" in parts:
            tasks.create_task(_serve_web(lineside, port, stop, ready))
        await stop.wait()
        for task in running:
            task.cancel()


def _act(lineside: Lineside) -> None:
    lineside.ledger.execute_due()
    lineside.ledger.verify_due()


async def _repeat(work: Callable[[], object], pause_s: float) -> None:
    """`work` off the loop, again and again; a failure is logged and tried again, never swallowed for good."""
    failing = False
    while True:
        try:
            await asyncio.to_thread(work)
            failing = False
        except LinesideError as error:
            if not failing:
                log.warning("background_work_failed", code=error.code, reason=error.message)
            failing = True
        await asyncio.sleep(pause_s * (10 if failing else 1))


async def _serve_web(lineside: Lineside, port: int, stop: asyncio.Event, ready: Callable[[str], None] | None) -> None:
    import uvicorn

    from lineside.serve.web import build

    class Server(uvicorn.Server):
        """One that leaves the signals to `run`, which stops every part, not only the pages."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    host = lineside.settings.host
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        raise SetupError(
            f"port {port} of {host} can't be taken: {error.strerror}; choose another with --port"
        ) from error
    address = f"http://{host}:{bound.getsockname()[1]}"
    server = Server(uvicorn.Config(build(lineside), log_config=None, timeout_graceful_shutdown=3))

    async def announce() -> None:
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event for it
            await asyncio.sleep(0.02)
        (ready or _print_address)(address)

    async def end() -> None:
        await stop.wait()
        server.should_exit = True

    beside = [asyncio.create_task(announce()), asyncio.create_task(end())]
    try:
        await server.serve(sockets=[bound])
    finally:
        for task in beside:
            task.cancel()
        stop.set()


def _print_address(address: str) -> None:
    typer.echo(f"Lineside answers at {address}")
