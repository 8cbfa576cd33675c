"""What every journey needs: the command line as a person uses it, plants beside the demo's, and real processes."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lineside.serve.cli import main

ALPSEE = Path(__file__).parents[2] / "evals" / "plants" / "alpsee"
ALPSEE_NOW = "2026-03-30T10:30:00+02:00"

SAWMILL = """
site = "harrow-creek"
name = "Harrow Creek Sawmill"
time_zone = "America/Vancouver"

[[equipment]]
id = "harrow-creek/drying/kiln-2"
name = "Kiln 2"

[[equipment]]
id = "harrow-creek/mill/headrig"
name = "Headrig"

[[shifts]]
name = "day"
start = "06:00"
end = "18:00"

[[shifts]]
name = "night"
start = "18:00"
end = "06:00"

[[people]]
id = "grader-1"
name = "Wyn Grader"
roles = ["planner"]
sites = ["harrow-creek"]

[[people]]
id = "lab-1"
name = "Lou Lab"
roles = ["quality"]
sites = ["harrow-creek"]

[[people]]
id = "visitor-1"
roles = ["planner"]
sites = ["other-creek"]

[[sources]]
name = "lims"
kind = "qms"
owns = ["lot.quality_status"]

[[sources]]
name = "kilnlog"
kind = "notes"

[[sources]]
name = "personnel"
readers = ["hr"]
"""
SAWMILL_NOW = "2026-05-06T09:00:00-07:00"


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def lineside(*words: object) -> Ran:
    """The command line, run in this process as `lineside WORDS` would be."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["lineside", *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
        code: Any = 0
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.argv = before
    return Ran(int(code), out.getvalue(), err.getvalue())


def started(*words: object, **options: Any) -> subprocess.Popen[str]:
    """The command line as a process of its own, its output to be read as text."""
    command = [sys.executable, "-c", "from lineside.serve.cli import main; main()", *map(str, words)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def event(own_id: str, kind: str, time: str, data: Mapping[str, Any], source: str, **more: str) -> dict[str, Any]:
    """A CloudEvent of the open record format."""
    return {"specversion": "1.0", "id": own_id, "source": source, "type": f"lineside.{kind}", "time": time,
            "data": data, **more}  # fmt: skip


def write(path: Path, events: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in events), encoding="utf-8")
    return path


def ask(home: Path, question: str, at: str, *more: str) -> dict[str, Any]:
    """The answer's contract, as `ask --json` prints it."""
    ran = lineside("--home", home, "ask", question, "--at", at, "--json", *more)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = ran.json
    return found


def cited(answer: Mapping[str, Any]) -> set[str]:
    """The sources' own ids that the answer cites."""
    return {cite["source_id"] for cite in answer["citations"]}


def until(told: Callable[[], Any], what: str, *, within_s: float = 30.0, every_s: float = 0.05) -> Any:
    """What `told` gives as soon as it is true; fails at the deadline."""
    deadline = time.monotonic() + within_s
    while not (found := told()):
        assert time.monotonic() < deadline, f"waited {within_s} s for: {what}"
        time.sleep(every_s)
    return found


def sawmill_records() -> Sequence[Mapping[str, Any]]:
    """A morning at the sawmill."""
    lot = {"entity": "lot:PK-310", "properties": {"quality_status": "unrestricted", "material": "SPF-2x6",
                                                  "quantity": {"value": 420, "unit": "ea"}}}  # fmt: skip
    kiln = "harrow-creek/drying/kiln-2"
    return (
        event("li-1", "report", "2026-05-05T15:00:00-07:00", lot, "lims"),
        event("kl-1", "note", "2026-05-05T22:10:00-07:00",
              {"text": "Kiln 2 fan bearing squeals, schedule stretched by two hours.", "equipment": kiln,
               "author": "grader-1"}, "kilnlog"),
        event("st-1", "event", "2026-05-06T03:00:00-07:00",
              {"kind": "stop", "equipment": kiln, "attributes": {"reason": "fan bearing"}}, "plc"),
        event("st-2", "event", "2026-05-06T03:40:00-07:00", {"kind": "start", "equipment": kiln}, "plc"),
        event("hr-1", "note", "2026-05-06T07:00:00-07:00", {"text": "Written warning about Kiln 2 tardiness"},
              "personnel"),
    )  # fmt: skip


@contextmanager
def quality_system() -> Iterator[str]:
    """The base URL of a quality system in a process of its own, to which holds can be written."""
    script = Path(__file__).parents[1] / "actions" / "qms_server.py"
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


@pytest.fixture
def sawmill(tmp_path: Path) -> Path:
    """The home of a plant that isn't the demo, with a morning's records."""
    home = tmp_path / "sawmill"
    home.mkdir()
    (home / "plant.toml").write_text(SAWMILL, encoding="utf-8")
    ran = lineside("--home", home, "import", write(tmp_path / "morning.jsonl", sawmill_records()))
    assert ran.code == 0, ran.err
    return home


@pytest.fixture(scope="session")
def alpsee(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a cheese dairy that speaks German; read only."""
    home = tmp_path_factory.mktemp("alpsee")
    shutil.copy(ALPSEE / "plant.toml", home)
    ran = lineside("--home", home, "import", ALPSEE / "records.jsonl")
    assert ran.code == 0, ran.err
    return home
