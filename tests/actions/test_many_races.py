"""Round after round, many at once on one proposal: approved as often as the quorum wants, carried out once.

RACES sets the rounds (20 here, 200 for a release); fifty race in each.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import pytest
from tests.actions.conftest import HEADS, KEY, OTHER, PLANNER, PLANT, QUALITY, Desk

from lineside.actions import Ledger, State
from lineside.actions.executors import Answer, Done, There
from lineside.errors import LinesideError
from lineside.plant.entities import Entity

RACERS, ROUNDS = 50, int(os.environ.get("RACES", "20"))


class Target:
    """A quality system in this process that counts what it is asked."""

    source, interface, offers = "lab", "in this process", ("hold_lot",)

    def __init__(self) -> None:
        self._lock, self.sent = Lock(), Counter[str]()
        self.held: dict[str, str] = {}

    def read(self, action: str, subject: Entity, *, proposal: str) -> There | None:
        del action, proposal
        hold = self.held.get(subject.id)
        values = {"quality_status": "blocked" if hold else "unrestricted", "active_holds": hold or "none"}
        return There(values=values, condition=hold or "free")

    def carry_out(self, action: str, subject: Entity, body: bytes, *, key: str, condition: str | None) -> Answer:
        del action, condition
        with self._lock:
            self.sent[key] += 1
            self.held[subject.id] = f"H-{json.loads(body)['lot']}"
            return Done(effect=self.held[subject.id])


@pytest.mark.slow
def test_of_fifty_approvers_and_executors_there_is_one_effect_each_round(
    desk_over: Callable[..., Desk], open_memory: Callable[..., Any], tmp_path: Path
) -> None:
    url, target = f"sqlite:///{tmp_path / 'l.db'}", Target()
    built = desk_over(url, targets=[target])
    memories = [built.memory, *(open_memory(url, plant=PLANT) for _ in range(4))]
    ledgers = [
        Ledger(memories[n % len(memories)], built.ledger.policy, built.clock, KEY, targets=[target])
        for n in range(RACERS)
    ]
    people = (QUALITY, OTHER, *HEADS)
    with ThreadPoolExecutor(RACERS) as pool:
        for number in range(ROUNDS):
            lot = f"R-{number}"
            built.tell(
                {
                    "id": lot,
                    "source": "lab",
                    "time": "2026-11-20T08:00:00+01:00",
                    "type": "lineside.report",
                    "data": {"entity": f"lot:{lot}", "properties": {"quality_status": "unrestricted"}},
                }
            )
            proposal = built.proposed(lot, PLANNER, origins={})  # two must approve
            ready = Barrier(RACERS)

            def race(n: int, proposal: Any = proposal, ready: Barrier = ready) -> str:
                ready.wait()
                try:
                    if n % 2:
                        return str([step.state for step in ledgers[n].execute_due()])
                    return (
                        ledgers[n]
                        .approve(proposal.id, people[n % 4], proposal.digest, "web", signed_in_at=built.clock())
                        .state
                    )
                except LinesideError as late:
                    return late.code

            outcomes = Counter(pool.map(race, range(RACERS)))
            built.ledger.execute_due()

            assert outcomes[State.APPROVED] <= 1, outcomes
            assert target.sent[proposal.id] == 1, (number, outcomes)
            assert built.ledger.show(proposal.id).state is State.EXECUTED
            assert len(built.ledger.approvers(proposal.id)) == 2
            built.tell_of_hold(f"H-{lot}", subject=f"lot:{lot}")
            built.clock.advance(seconds=1)
            assert [step.state for step in built.ledger.verify_due()] == [State.VERIFIED]
    assert built.ledger.audit_verify(built.ledger.export_head()).ok
