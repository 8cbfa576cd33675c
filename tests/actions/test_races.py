"""Twenty at once: one approval, one effect, an unbroken chain."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.actions.conftest import KEY, OTHER, PLANNER, PLANT, QUALITY, Desk, MakeDesk, Qms

from lineside.actions import Ledger, Proposal, Refusal, State
from lineside.errors import AlreadyDecided

RACERS = 20


def ledgers(built: Desk, store_url: str, open_memory: Callable[..., Any], qms: Qms) -> list[Ledger]:
    """Twenty workers over four connections pools, as if in four processes."""
    memories = [open_memory(store_url, plant=PLANT) for _ in range(4)]
    return [
        Ledger(memories[n % 4], built.ledger.policy, built.clock, KEY, targets=[qms.target()]) for n in range(RACERS)
    ]


def at_once(work: Callable[[int], Any]) -> list[Any]:
    ready = Barrier(RACERS)

    def run(number: int) -> Any:
        ready.wait()
        return work(number)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(run, range(RACERS)))


def test_of_twenty_approvers_one_is_first_and_the_others_are_told(
    desk: MakeDesk, store_url: str, open_memory: Callable[..., Any], qms: Qms
) -> None:
    built = desk()
    proposal = built.proposed()
    racing = ledgers(built, store_url, open_memory, qms)

    def decide(number: int) -> str:
        try:
            if number % 2:
                return racing[number].reject(proposal.id, OTHER, "no").state
            return racing[number].approve(proposal.id, QUALITY, proposal.digest, "cli").state
        except AlreadyDecided as late:
            return f"late after {late.fields['decided_by']}"

    outcomes = at_once(decide)

    # An approved one may still be revoked by a rejecter who came second.
    won = [outcome for outcome in outcomes if not outcome.startswith("late")]
    assert {outcome for outcome in outcomes if outcome not in won} <= {"late after quality-9", "late after quality-8"}
    assert won in ([State.REJECTED], [State.APPROVED], [State.APPROVED, State.REVOKED], [State.REVOKED, State.APPROVED])
    assert len(built.states(proposal.id)) == 1 + len(won)
    assert built.ledger.audit_verify().ok


def test_of_twenty_executors_one_places_the_hold(
    desk: MakeDesk, store_url: str, open_memory: Callable[..., Any], qms: Qms
) -> None:
    built = desk(targets=[qms.target()])
    proposal = built.approved()
    racing = ledgers(built, store_url, open_memory, qms)

    steps = [step for found in at_once(lambda n: racing[n].execute_due()) for step in found]

    assert [step.state for step in steps if step.state is State.EXECUTED] == [State.EXECUTED]
    assert [each["key"] for each in qms.placed] == [proposal.id]
    assert qms.state["calls"].count("write") == 1
    assert built.ledger.audit_verify().ok


def test_of_twenty_requesters_of_one_lot_one_has_the_open_proposal(
    desk: MakeDesk, store_url: str, open_memory: Callable[..., Any], qms: Qms
) -> None:
    built = desk()
    racing = ledgers(built, store_url, open_memory, qms)

    answers = at_once(
        lambda n: racing[n].propose(
            action="hold_lot", parameters={"lot": "A-1", "reason": f"reason {n}"}, requester=PLANNER
        )
    )

    assert sorted(type(answer) is Proposal for answer in answers) == [False] * 19 + [True]
    assert {answer.code for answer in answers if isinstance(answer, Refusal)} == {"already_proposed"}
    assert len(built.ledger.list()) == 1
