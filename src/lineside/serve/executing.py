"""The executor as a process beside this one, which holds no credential of a target itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from lineside.app import Lineside
from lineside.settings import credential_variables

log = structlog.get_logger()

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
ENDS_WITHIN_S = 30.0  # an exchange with a target may be under way


def ours(lineside: Lineside) -> bool:
    """Whether the executor is started by us: there is something to write to, and nobody else sees to it."""
    return bool(lineside.settings.targets) and lineside.settings.executor == "child"


def one_pass(lineside: Lineside) -> None:
    """What is approved was carried out by a process of its own, unless another executor lives and does so."""
    if ours(lineside):
        subprocess.run(  # noqa: S603 - this program itself
            [*_command(lineside.home), "--once"], stdin=subprocess.DEVNULL, check=False
        )


def parted(home: Path) -> dict[str, str]:
    """The environment as the executor gets it; from this process's own the credentials of targets are gone."""
    whole = dict(os.environ)
    for name in credential_variables(home):
        os.environ.pop(name, None)
    return whole


async def keep(home: Path, environment: Mapping[str, str]) -> None:
    """The executor runs, again after each end, until this is cancelled; then it ends with what it had begun done."""
    pause_s = FIRST_PAUSE_S
    while True:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *_command(home),
            stdin=asyncio.subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,  # Ctrl-C is for us to pass on
        )
        try:
            ended = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        if time.monotonic() - began > LONGEST_PAUSE_S:
            pause_s = FIRST_PAUSE_S
        log.warning("executor_ended", status=ended, again_in_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


@asynccontextmanager
async def beside(lineside: Lineside) -> AsyncIterator[None]:
    """The executor runs meanwhile, where it is ours to start."""
    if not ours(lineside):
        yield
        return
    kept = asyncio.create_task(keep(lineside.home, parted(lineside.home)))
    try:
        yield
    finally:
        kept.cancel()
        await asyncio.wait([kept])


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), ENDS_WITHIN_S)
    except TimeoutError:
        process.kill()  # whoever comes next settles by reading what it leaves
        await process.wait()


def _command(home: Path) -> list[str]:
    return [sys.executable, "-m", "lineside.executor", str(home)]
