"""Kill -9 on both sides of every commit and call: nothing doubled, lost or unapproved, and the chain whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.actions.conftest import MakeDesk, Qms

from lineside.actions import State
from lineside.actions.tables import approvals
from lineside.plant.entities import Entity


@pytest.mark.slow
def test_a_kill_at_any_point_doubles_nothing_and_loses_nothing(
    desk: MakeDesk, store_url: str, qms: Qms, tmp_path: Path
) -> None:
    built = desk()
    qms.reset(lots=[f"K-{number}" for number in range(60)])

    told = walked(store_url, qms, tmp_path)

    built.clock.now = datetime.fromisoformat(told["end"])
    points, placed = told["points"], qms.placed
    assert len(points) > 20
    assert told["killed"] == [True] * len(points)
    proposals = {proposal.id: proposal for proposal in built.ledger.list()}
    for number in range(len(points) + 2):
        lot = Entity("lot", f"K-{number}")
        mine = [p for p in proposals.values() if p.entity == lot]
        where = points[number - 2] if number > 1 else "not killed"
        assert [p.state for p in mine if p.state is not State.FAILED] == [State.VERIFIED], where
        assert [each["body"]["lot"] for each in placed].count(lot.id) == 1, where
        assert len(built.memory.view().decisions(about=lot)) == 1, where
    assert max(Counter(each["key"] for each in placed).values()) == 1
    with built.memory.read() as connection:
        kept = connection.execute(select(approvals)).all()
    for each in placed:
        given, body = [row for row in kept if row.proposal_id == each["key"]], dict(each["body"])
        assert (body.pop("approved_by"), body) == ("decides, head-1", proposals[each["key"]].bound["payload"])
        assert {row.digest for row in given} == {proposals[each["key"]].digest}
        assert all(row.used_at is not None for row in given)
    for proposal in proposals.values():
        assert len(built.ledger.story(proposal.id)) == proposal.version
    assert built.ledger.audit_verify(built.ledger.export_head()).ok


def walked(store_url: str, qms: Qms, tmp_path: Path) -> dict[str, object]:
    script = Path(__file__).with_name("killed.py")
    environment = {**os.environ, "POINTS_FILE": str(tmp_path / "points.json")}
    done = subprocess.run(
        [sys.executable, str(script), store_url, qms.url], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
