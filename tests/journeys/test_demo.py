"""The demonstration, run once as a newcomer would, and looked at from all sides."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from tests.journeys.conftest import Ran, lineside, started, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    home = tmp_path_factory.mktemp("demo") / "home"
    with started("--home", home, "demo", "--once", "--days", "14", "--seed", "11") as process:
        out, err = process.communicate(timeout=240)
    return Ran(process.returncode, out, err), home


def test_it_succeeds_and_complains_of_nothing(shown: tuple[Ran, Path]) -> None:
    ran, _ = shown

    assert (ran.code, ran.err) == (0, "")


def test_every_source_is_read_whole(shown: tuple[Ran, Path]) -> None:
    line = r"Read (\w+): (\d+) messages = (\d+) recorded \+ (\d+) known \+ (\d+) dead-lettered"
    sums = re.findall(line, shown[0].out)

    assert [name for name, *_ in sums] == ["erp", "cmms", "qms", "wms", "mes", "tracker", "scada", "notes"]
    for _, received, recorded, known, dead in sums:
        assert int(received) == int(recorded) + int(known) + int(dead) > 0


def test_eight_questions_are_answered_with_sources_and_the_unanswerable_is_not(shown: tuple[Ran, Path]) -> None:
    asked = re.split(r"^\? ", shown[0].out, flags=re.MULTILINE)[1:]

    assert len(asked) == 9
    *answered, unknown = asked[:8]
    assert all("  [1] " in answer for answer in answered)
    assert "compressor 9" in unknown
    assert "  [1] " not in unknown


def test_the_hold_goes_all_the_way(shown: tuple[Ran, Path]) -> None:
    ran, home = shown
    (proposal,) = lineside("--home", home, "proposals", "list", "--json").json

    assert proposal["state"] == "verified"
    chapters = [line.split("  ")[-1].split(" by ")[0] for line in ran.out.splitlines() if re.match(r"  \d{4}-", line)]
    assert chapters == ["proposed", "approved", "executing", "executed", "verified"]
    assert "The audit ledger is whole: 7 entries" in ran.out
    assert lineside("--home", home, "audit", "verify").code == 0
    assert len((home / "simulated" / "qms-writes.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_it_answers_while_it_indexes_and_its_plant_outlives_it_by_no_kill(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with started("--home", home, "demo", "--days", "14", "--port", "0", start_new_session=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Lineside answers at http://"):
                break
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=20)

    assert any("in the background" in line for line in lines)
    assert not any("Indexed" in line for line in lines)
    assert len(children) == 2
    for child in children:
        until(lambda child=child: not Path(f"/proc/{child}").exists(), "plant and executor to end after their parent")
