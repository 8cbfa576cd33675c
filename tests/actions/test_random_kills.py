"""Kill -9 at random moments of approval and execution: nothing doubled, lost or unapproved, and the chain whole.

KILLS sets how many (30 here on each database, 200 for a release), SEED which moments.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests.actions.conftest import HEADS_DECIDE, people
from tests.actions.killed_at_random import REJECTED, UNWANTED

from lineside.actions import State
from lineside.actions.tables import approvals
from lineside.app import open_lineside

KILLS, SEED = int(os.environ.get("KILLS", "30")), int(os.environ.get("SEED", "20261122"))
PEOPLE = people("westhafen", asks="planner", first="head", second="head")
PLANT = f'site = "westhafen"\ntime_zone = "Europe/Berlin"\n{PEOPLE}[[sources]]\nname = "all"\nkind = "erp"\n'


@pytest.fixture(scope="module")
def layer() -> Iterator[str]:
    script = Path(__file__).with_name("any_server.py")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


@pytest.fixture
def home(tmp_path: Path, store_url: str, layer: str) -> Path:
    for path, text in (("/test/reset", "{}"), ("/test/fault/slow", "")):
        httpx.post(f"{layer}{path}", content=text, trust_env=False).raise_for_status()
    found = tmp_path / "home"
    found.mkdir()
    (found / "plant.toml").write_text(PLANT, encoding="utf-8")
    (found / "policy.toml").write_text(HEADS_DECIDE, encoding="utf-8")
    (found / "all.key").write_text("t", encoding="utf-8")
    (found / "lineside.toml").write_text(
        f'database = "{store_url}"\nclock_offset_s = 0\n[targets.all]\ninterface = "plain"\nurl = "{layer}"\n'
        'token = { file = "all.key" }\n',
        encoding="utf-8",
    )
    lineside = open_lineside(found)
    try:
        for head in ("first", "second"):
            lineside.ledger.arm("all", lineside.person(head), "ready")
    finally:
        lineside.close()
    return found


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes are forks")
def test_kills_at_random_moments_double_nothing_and_lose_nothing(home: Path, layer: str) -> None:
    script = Path(__file__).with_name("killed_at_random.py")
    command = [sys.executable, str(script), str(home), layer, str(KILLS), str(SEED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert sum(told["killed"].values()) == KILLS

    there: dict[str, Any] = httpx.get(f"{layer}/test/state", trust_env=False).json()
    effects = Counter(each["key"] for each in there["done"])
    bodies = {each["key"]: dict(each["body"]) for each in there["done"]}
    lineside = open_lineside(home)
    ledger = lineside.ledger
    with lineside.memory.read() as connection:
        given = connection.execute(select(approvals)).all()
    found = ledger.list()
    states = Counter(proposal.state for proposal in found)
    lost = 0
    for proposal in found:
        mine = [each for each in given if each.proposal_id == proposal.id]
        chapters = ledger.story(proposal.id)
        kinds = [chapter.kind for chapter in chapters]
        lost += "unknown" in kinds
        assert len(chapters) == proposal.version, kinds
        assert {each.digest for each in mine} <= {proposal.digest}
        match proposal.parameters["reason"]:
            case str(reason) if reason == UNWANTED:
                assert (proposal.state, effects[proposal.id]) == (State.PENDING, 0), kinds
                assert {each.approver for each in mine} == {"first"}
            case str(reason) if reason == REJECTED:
                assert (proposal.state, effects[proposal.id]) == (State.REJECTED, 0), kinds
            case _:
                assert {each.approver for each in mine} == {"first", "second"}, kinds
                assert all(each.used_at is not None for each in mine)
                assert kinds.count("executing") == 1
                if proposal.state is State.FAILED:  # killed before the call, and proved by reading
                    assert (effects[proposal.id], "unknown" in kinds) == (0, True), kinds
                    continue
                assert (proposal.state, effects[proposal.id]) == (State.VERIFIED, 1), kinds
                body = bodies[proposal.id]
                assert set(body.pop("approved_by").split(", ")) == {"first", "second"}
                assert body == proposal.bound["payload"]
                assert len(lineside.memory.view().decisions(about=proposal.entity)) == 1
    assert set(effects) <= {proposal.id for proposal in found}
    again = [p for p in found if "-again" in p.entity.id]
    assert (len(again), {p.state for p in again} <= {State.VERIFIED}) == (states[State.FAILED], True)
    report = ledger.audit_verify(ledger.export_head())
    assert report.ok, report.problems
    database = lineside.memory.engine.dialect.name
    lineside.close()
    sys.stdout.write(
        f"\n{KILLS} kills {told['killed']} in {told['took_s']:.1f} s on {database}, seed {SEED}: "
        f"{len(found)} proposals ended {dict(states)}, {lost} of them had lost their executor; "
        f"{len(there['done'])} effects, {report.entries} audit entries whole\n"
    )
