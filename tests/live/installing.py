"""Real systems for the live proofs: found on this machine or installed below `.live`, or the test says what is lacking.

Packages of PyPI and npm are installed where CI or LINESIDE_LIVE is set; Debian's are installed by `.ci/run`.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

LIVE = Path(__file__).parents[2] / ".live"
STARTING_S = 120


def lacking(what: str) -> None:
    """The test is skipped with what to do; in CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def program(name: str, package: str) -> str:
    """The program's path. package: the Debian package that brings it."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        lacking(f"{name} is not installed: apt-get install {package}")
    return str(found)


def npm_folder(name: str, packages: Mapping[str, str]) -> Path:
    """A folder in which these npm packages, each with its version, are installed."""
    program("npm", "npm")
    return _installed(
        name,
        [f"{package}@{version}" for package, version in packages.items()],
        lambda folder, wanted: ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *wanted],
    )


def python_of(name: str, packages: Sequence[str]) -> Path:
    """The python of an environment of its own in which these packages are installed."""

    def command(folder: Path, wanted: Sequence[str]) -> list[str]:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        return [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted]

    return _installed(name, packages, command) / "bin/python"


@contextmanager
def started(
    command: Sequence[str], *, log: Path, ready: Callable[[], bool], **more: object
) -> Iterator[subprocess.Popen]:
    """The process runs and is ready; in the end it is gone."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, **more)
    try:
        deadline = time.monotonic() + STARTING_S
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait(10)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _installed(name: str, packages: Sequence[str], command: Callable[[Path, Sequence[str]], list[str]]) -> Path:
    folder, wanted = LIVE / name, "\n".join(packages)
    done = folder / ".lineside-installed"
    if not (done.is_file() and done.read_text() == wanted):
        if not (os.environ.get("CI") or os.environ.get("LINESIDE_LIVE")):
            lacking(f"{name} is not installed; LINESIDE_LIVE=1 lets the tests install it: {', '.join(packages)}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run(command(folder, packages), check=True, stdout=subprocess.DEVNULL)
        done.write_text(wanted)
    return folder
