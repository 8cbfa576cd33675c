"""The product as it runs: sources read, passages indexed, approved actions carried out, pages served."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Collection, Coroutine, Iterator
from typing import TypeVar

import structlog
import typer

from lineside.app import Lineside
from lineside.errors import LinesideError, SetupError
from lineside.serve import executing

log = structlog.get_logger()

INDEX_PAUSE_S = 1.0
DECISIONS_PAUSE_S = 60.0
ACTIONS_PAUSE_S = 1.0
INDEXED_AT_ONCE = 256  # about a second: so long may a stop wait

T = TypeVar("T")


async def run(
    lineside: Lineside,
    *,
    parts: Collection[str],
    port: int,
    ready: Callable[[str], None] | None = None,
    indexed: Callable[[int], None] | None = None,
) -> None:
    """Runs until it is told to stop by a signal; then everything begun is finished or left to be begun again.

    ready: called with the web address once pages are served. indexed: called, on a thread, each time that every passage
    has its vector, with how many are new. Raises SetupError where the port can't be taken.
    """
    lineside.memory  # noqa: B018 - fail on an old schema before anything starts
    environment = executing.parted(lineside.home)
    slack = _slack(lineside, alone=parts == {"slack"}) if "slack" in parts else None
    door = _listen(lineside.settings.host, port) if "web" in parts else None
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows loops take no handlers; Ctrl-C still ends the run
            loop.add_signal_handler(name, stop.set)
    async with asyncio.TaskGroup() as tasks:
        running = []
        if "ingest" in parts:
            running.append(tasks.create_task(_read_sources(lineside)))
            running.append(tasks.create_task(_repeat(_indexing(lineside, indexed), INDEX_PAUSE_S)))
            running.append(tasks.create_task(_repeat(lambda: _warn(lineside), DECISIONS_PAUSE_S)))
            running.append(tasks.create_task(_keep_cases(lineside)))
        if "actions" in parts:
            if executing.ours(lineside):
                running.append(tasks.create_task(executing.keep(lineside.home, environment)))
            elif not lineside.settings.targets:
                running.append(tasks.create_task(_repeat(lambda: _act(lineside), ACTIONS_PAUSE_S)))
            running.append(tasks.create_task(_repeat(_exporting(lineside), ACTIONS_PAUSE_S)))
        if slack is not None:
            running.append(tasks.create_task(slack()))
        if door is not None:
            tasks.create_task(_serve_web(lineside, door, stop, ready))
        else:
            typer.echo(f"Lineside runs: {', '.join(sorted(parts))} (Ctrl-C ends it)")
            sys.stdout.flush()
        await stop.wait()
        for task in running:
            task.cancel()


async def _read_sources(lineside: Lineside) -> None:
    """Every source is read, and watched from a thread of its own that no connector can hold up."""
    from lineside.memory.supervising import Intake
    from lineside.memory.watchdog import Watchdog

    readings = lineside.readings()
    watchdog = Watchdog(lineside.memory, {source: each.life_s for source, each in readings.items()})
    watchdog.start()
    try:
        await Intake(lineside.memory, readings).run()
    finally:
        await asyncio.to_thread(watchdog.stop)


async def _keep_cases(lineside: Lineside) -> None:
    from lineside.serve.case_watch import PAUSE_S, CaseWatch

    watch = await asyncio.to_thread(CaseWatch, lineside)
    try:
        await _repeat(watch.step, PAUSE_S)
    finally:
        await finish(watch.leave)


def _slack(lineside: Lineside, *, alone: bool) -> Callable[[], Coroutine[None, None, None]] | None:
    """What keeps Slack connected; None where it is off, or calls the web server. Raises SetupError where it is set in
    part, or where nothing else was to run."""
    settings = lineside.settings.slack
    if settings.bot_token.get_secret_value() and settings.mode == "socket":

        async def listen() -> None:
            from lineside.serve.slack import face

            if slack := face.build(lineside):
                await slack.listen()

        from lineside.serve.slack.speaking import configured

        configured(settings)  # fail before anything starts
        return listen
    if alone:
        on = "Slack calls the web server (slack.mode is http): run --only web"
        raise SetupError(on if settings.bot_token.get_secret_value() else "Slack is off: set slack.bot_token")
    return None


def _warn(lineside: Lineside) -> bool:
    from lineside.serve.telling import warn_of_decisions

    warn_of_decisions(lineside)
    return False


def _act(lineside: Lineside) -> bool:
    """What waited too long expires, where nothing can be written to and no executor runs."""
    lineside.ledger.execute_due()
    lineside.ledger.verify_due()
    return False


def _exporting(lineside: Lineside) -> Callable[[], bool]:
    """Work that carries the audit ledger's newest head off the machine when it is due, where a place is set."""
    export = lineside.audit_export

    def carry() -> bool:
        if export is not None:
            export.step(lineside.ledger)
        return False

    return carry


def _indexing(lineside: Lineside, indexed: Callable[[int], None] | None) -> Callable[[], bool]:
    """Work that gives some more passages their vectors, and whether others wait."""
    new = 0

    def index_some() -> bool:
        nonlocal new
        done = lineside.memory.index_pending(most=INDEXED_AT_ONCE)
        new += done
        if done >= INDEXED_AT_ONCE:
            return True
        if new and indexed:
            indexed(new)
        new = 0
        return False

    return index_some


async def finish(work: Callable[[], T]) -> T:
    """What `work` gives, off the loop. Who is cancelled meanwhile leaves when it is done, so that nothing is closed
    under it."""
    thread = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise


async def _repeat(work: Callable[[], bool], pause_s: float) -> None:
    """`work` off the loop, at once again while it says that more waits; a failure is logged and tried again, never
    swallowed for good."""
    failing = False
    while True:
        try:
            more = await finish(work)
            failing = False
        except LinesideError as error:
            if not failing:
                log.warning("background_work_failed", code=error.code, reason=error.message)
            failing, more = True, False
        if not more:
            await asyncio.sleep(pause_s * (10 if failing else 1))


def _listen(host: str, port: int) -> socket.socket:
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
        door.listen()  # two may bind one port that way; only one may listen
    except OSError as error:
        door.close()
        raise SetupError(
            f"port {port} of {host} can't be taken: {error.strerror}; choose another with --port"
        ) from error
    return door


async def _serve_web(
    lineside: Lineside, door: socket.socket, stop: asyncio.Event, ready: Callable[[str], None] | None
) -> None:
    import uvicorn

    from lineside.serve.web import build

    class Server(uvicorn.Server):
        """One that leaves the signals to `run`, which stops every part, not only the pages."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    host, port = door.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
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
        await server.serve(sockets=[door])
    finally:
        for task in beside:
            task.cancel()
        stop.set()


def _print_address(address: str) -> None:
    typer.echo(f"Lineside answers at {address}")
    sys.stdout.flush()  # into a pipe or a log too
