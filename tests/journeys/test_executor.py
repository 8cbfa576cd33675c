"""The process that holds the credentials of targets is another than all the rest, lives beside it, ends with it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from tests.journeys.conftest import lineside, quality_system, until

from lineside.actions.at_work import AtWork, at_work
from lineside.app import open_lineside
from lineside.serve.web import build

WITHIN_S = 120.0
WRITES = ("writing", "http", "opcua", "trusted")
# What the process has loaded and kept of its environment, written down as it ends.
SERVE = """
import atexit, json, os, sys
from pathlib import Path
from lineside.serve.cli import main

told = Path(sys.argv.pop(1))
atexit.register(lambda: told.write_text(json.dumps({"modules": sorted(sys.modules), "environment": dict(os.environ)})))
main()
"""


@pytest.fixture
def works(sawmill: Path) -> Iterator[Path]:
    """The sawmill, whose lot can be put on hold in a quality system; one credential is in a file, one in a variable."""
    with quality_system() as qms:
        httpx.post(f"{qms}/test/reset", json={"lots": {"PK-310": "unrestricted"}}, trust_env=False)
        (sawmill / "lims.key").write_text("write-token\n", encoding="utf-8")
        (sawmill / "lineside.toml").write_text(
            f'[targets.lims]\nurl = "{qms}"\ntoken = {{ file = "lims.key" }}\n'
            '[targets.yard]\ninterface = "plain"\nurl = "http://127.0.0.1:9"\ntoken = { env = "YARD_TOKEN" }\n',
            encoding="utf-8",
        )
        ran = lineside("--home", sawmill, "targets", "arm", "lims", "--as", "grader-1", "--reason", "ready")
        assert ran.code == 0, ran.err
        ran = lineside("--home", sawmill, "targets", "arm", "lims", "--as", "lab-1", "--reason", "ready")
        assert ran.code == 0, ran.err
        yield sawmill


@contextmanager
def serving(home: Path) -> Iterator[subprocess.Popen[str]]:
    told = home.with_name("told.json")
    command = [sys.executable, "-c", SERVE, str(told), "--home", str(home), "serve", "--port", "0"]
    environment = {**os.environ, "YARD_TOKEN": "only-in-the-yard"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Lineside answers at "), (line, process.communicate()[1])
        try:
            yield process
        finally:
            process.kill()


def executor(home: Path) -> int:
    """The process that holds the executor's place; 0 where none does."""
    opened = open_lineside(home)
    try:
        who = at_work(opened.memory)
    finally:
        opened.close()
    return int(who.split()[-1]) if who else 0


def proposed(home: Path) -> dict[str, Any]:
    ran = lineside("--home", home, "proposals", "new", "hold_lot", "--as", "grader-1", "--set", "lot=PK-310",
                   "--set", "reason=the moisture sample reads 24 %")  # fmt: skip
    assert ran.code == 0, ran.err
    (found,) = lineside("--home", home, "proposals", "list", "--json").json
    return dict(found)


def approved(home: Path, proposal: dict[str, Any]) -> str:
    words = ("proposals", "approve", proposal["id"], "--as", "lab-1", "--yes", "--digest", proposal["digest"])
    ran = lineside("--home", home, *words)
    assert ran.code == 0, ran.err
    return ran.out


def state(home: Path) -> str:
    (found,) = lineside("--home", home, "proposals", "list", "--json").json
    return str(found["state"])


def missing(home: Path) -> float:
    """What those who watch the product are told of the executor."""
    opened = open_lineside(home)
    try:
        with TestClient(build(opened)) as client:
            (line,) = re.findall(r"^lineside_executor_missing (.*)$", client.get("/metrics").text, re.MULTILINE)
    finally:
        opened.close()
    return float(line)


def holds(process: int, words: bytes) -> bool:
    """Whether the words stand anywhere in what the process may write in its memory."""
    with Path(f"/proc/{process}/mem").open("rb") as memory:
        for line in Path(f"/proc/{process}/maps").read_text(encoding="utf-8").splitlines():
            place, rights, *_ = line.split()
            if not rights.startswith("rw") or "[v" in line:
                continue
            begin, end = (int(each, 16) for each in place.split("-"))
            memory.seek(begin)
            try:
                if words in memory.read(end - begin):
                    return True
            except OSError:  # mapped, but nothing is there
                continue
    return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into processes as Linux shows them")
def test_serve_holds_no_credential_and_what_holds_them_lives_and_ends_with_it(works: Path) -> None:
    proposal = proposed(works)
    with serving(works) as served:
        first = until(lambda: executor(works), "an executor", within_s=WITHIN_S)
        assert first != served.pid
        credentials = (b"write-token", b"only-in-the-yard")
        assert [holds(first, each) for each in credentials] == [True, True]
        assert not holds(served.pid, b"write-token")

        os.kill(first, signal.SIGKILL)
        until(lambda: executor(works) not in (0, first), "another executor", within_s=WITHIN_S)
        approved(works, proposal)
        until(lambda: state(works) == "executed", "the hold", within_s=WITHIN_S)

        served.send_signal(signal.SIGTERM)
        assert served.wait(WITHIN_S) == 0
        assert executor(works) == 0
    told = json.loads(works.with_name("told.json").read_text(encoding="utf-8"))
    assert "lineside.serve.web" in told["modules"]
    assert not {f"lineside.actions.executors.{name}" for name in WRITES} & set(told["modules"])
    assert "YARD_TOKEN" not in told["environment"]


@pytest.mark.slow
def test_a_serve_that_is_killed_leaves_no_executor_behind(works: Path) -> None:
    with serving(works) as served:
        until(lambda: executor(works), "an executor", within_s=WITHIN_S)
        served.kill()
        until(lambda: not executor(works), "the executor's end", within_s=WITHIN_S)


def test_a_second_executor_leaves_the_work_to_the_first(works: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YARD_TOKEN", "only-in-the-yard")
    proposal = proposed(works)
    opened = open_lineside(works)
    other = AtWork(opened.memory)
    try:
        assert missing(works) == 1
        assert other.mine()
        assert missing(works) == 0
        assert "is approved" in approved(works, proposal)
        assert lineside("--home", works, "executor", "--once").code == 0
        assert state(works) == "approved"
        other.leave()
        assert lineside("--home", works, "executor", "--once").code == 0
        assert state(works) == "executed"
    finally:
        opened.close()


def test_only_the_executor_fails_on_a_credential_that_it_cannot_read(works: Path) -> None:
    (works / "lims.key").unlink()
    proposal = proposed(works)
    assert f"{proposal['id']} is approved" in approved(works, proposal)

    ran = lineside("--home", works, "executor", "--once")

    assert (ran.code, "lims.key" in ran.err) == (1, True)
    doctor = lineside("--home", works, "doctor")
    assert "none lives; 1 proposals wait for it" in doctor.out
    assert doctor.code == 1


def test_an_executor_apart_is_left_to_whoever_runs_it(works: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = works / "lineside.toml"
    settings.write_text(f'executor = "apart"\n{settings.read_text(encoding="utf-8")}', encoding="utf-8")
    proposal = proposed(works)

    assert "is approved" in approved(works, proposal)
    assert state(works) == "approved"

    monkeypatch.setenv("YARD_TOKEN", "only-in-the-yard")
    assert lineside("--home", works, "executor", "--once").code == 0
    assert state(works) == "executed"
