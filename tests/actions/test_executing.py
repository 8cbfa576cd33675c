"""Carrying out: armed, on an unchanged world, at most once, and honest about silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.actions.conftest import KEY, OTHER, PLANT, QUALITY, Desk, MakeDesk, Qms

from lineside.actions import Ledger, State
from lineside.plant.entities import Entity
from lineside.plant.plant_file import parse_plant


def test_an_approved_hold_is_placed_with_exactly_what_was_approved(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    proposal = built.approved()

    [step] = built.ledger.execute_due()

    assert (step.proposal, step.state) == (proposal.id, State.EXECUTED)
    assert qms.placed == [
        {
            "hold": "H-1",
            "key": proposal.id,
            "body": {
                "lot": "A-1",
                "reason": "it smells of solvent",
                "requested_by": "planner-9",
                "approved_by": "quality-9",
                "proposal": proposal.id,
            },
        }
    ]
    assert built.ledger.show(proposal.id).effect == "H-1"
    assert built.states(proposal.id) == ["proposed", "approved", "executing", "executed"]
    assert built.ledger.execute_due() == []


def test_what_nobody_approved_is_never_sent(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    built.proposed("A-1")
    rejected = built.proposed("A-2")
    built.ledger.reject(rejected.id, QUALITY, "no")

    assert built.ledger.execute_due() == []

    assert qms.state["calls"] == []


def test_as_installed_nothing_is_armed_and_nothing_is_sent(desk: MakeDesk, qms: Qms) -> None:
    built = desk()
    proposal = built.approved()

    [step] = built.ledger.execute_due()

    assert step.state is State.APPROVED
    assert "lab is not armed" in step.detail
    assert qms.state["calls"] == []
    built.clock.advance(hours=9)
    [step] = built.ledger.execute_due()
    assert step.state is State.EXPIRED
    assert built.states(proposal.id)[-1] == "expired"


def test_an_expired_approval_is_not_carried_out(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    built.approved()
    built.clock.advance(hours=8)

    [step] = built.ledger.execute_due()

    assert step.state is State.EXPIRED
    assert qms.placed == []


def test_a_right_that_was_lost_since_revokes_the_approval(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    built.approved()
    built.memory.plant = parse_plant(PLANT.replace('id = "quality-9"', 'id = "quality-gone"'))

    [step] = built.ledger.execute_due()

    assert step.state is State.REVOKED
    assert qms.state["calls"] == []


# fault, state right after, holds there, state hours later
FAULTS = [
    ("", "executed", 1, "executed"),
    ("read_fails", "approved", 0, "expired"),
    ("read_refused", "approved", 0, "expired"),
    ("read_other_lot", "approved", 0, "expired"),
    ("changes_after_read", "stale", 0, "stale"),
    ("held_meanwhile", "stale", 0, "stale"),
    ("refuses_writer", "failed", 0, "failed"),
    ("too_many", "failed", 0, "failed"),
    ("fails_before", "unknown", 0, "failed"),
    ("silent_before", "unknown", 0, "failed"),
    ("fails_after", "executed", 1, "executed"),
    ("silent_after", "executed", 1, "executed"),
    ("drips", "executed", 1, "executed"),
    ("wrong_answer", "executed", 1, "executed"),
    ("endless_answer", "executed", 1, "executed"),
    ("moved", "executed", 1, "executed"),
    ("forgets_proposal", "needs_human", 1, "needs_human"),
]


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case[0] or "none")
def test_whatever_the_target_does_there_is_no_second_effect(
    desk_over: Callable[..., Desk], tmp_path: Path, qms: Qms, case: tuple[str, str, int, str]
) -> None:
    fault, at_once, holds, later = case
    built = desk_over(f"sqlite:///{tmp_path / 'l.db'}", targets=[qms.target(timeout_s=1.5)])
    proposal = built.approved()
    qms.fault(fault)

    built.ledger.execute_due()

    assert built.ledger.show(proposal.id).state == at_once
    for _ in range(8):
        built.clock.advance(minutes=70)
        built.ledger.execute_due()
    assert built.ledger.show(proposal.id).state == later
    assert len(qms.placed) == holds
    assert qms.state["calls"].count("write") <= 1
    assert built.ledger.audit_verify().ok


def test_a_target_at_another_address_is_not_what_was_armed_and_shown(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target(url="http://127.0.0.1:9")])
    built.approved()
    [step] = built.ledger.execute_due()
    assert (step.state, "does not answer" in step.detail) == (State.APPROVED, True)

    built.ledger.targets = {"lab": qms.target()}
    [step] = built.ledger.execute_due()
    assert (step.state, "armed for another address" in step.detail) == (State.APPROVED, True)
    built.arm()
    [step] = built.ledger.execute_due()
    assert (step.state, "in another way than was shown" in step.detail) == (State.STALE, True)


def test_a_target_that_comes_back_is_asked_then(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    proposal = built.approved()
    qms.fault("read_fails")
    [step] = built.ledger.execute_due()
    assert (step.state, "answers 503" in step.detail) == (State.APPROVED, True)

    qms.fault("")
    [step] = built.ledger.execute_due()

    assert (step.proposal, step.state) == (proposal.id, State.EXECUTED)


def test_a_silent_target_that_can_not_be_read_either_needs_a_person(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    proposal = built.approved()
    qms.fault("fails_before")
    built.ledger.execute_due()
    qms.fault("read_fails")

    built.clock.advance(hours=2)
    assert [step.state for step in built.ledger.execute_due()] == [State.UNKNOWN]
    built.clock.advance(hours=3)
    assert [step.state for step in built.ledger.execute_due()] == [State.NEEDS_HUMAN]

    settled = built.ledger.reject(proposal.id, OTHER, "looked: there is no hold")
    assert settled.state is State.FAILED


@pytest.mark.parametrize("said", ["blocked", "inspection"])
def test_a_lot_that_changed_since_it_was_proposed_on_is_left_alone(desk: MakeDesk, qms: Qms, said: str) -> None:
    built = desk(targets=[qms.target()])
    built.approved()
    qms.set_status("A-1", said)

    [step] = built.ledger.execute_due()

    assert step.state is State.STALE
    assert said in step.detail
    assert qms.placed == []


def test_a_lot_that_the_target_does_not_know_is_left_alone(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    built.approved()
    qms.reset(lots=["A-2"])

    [step] = built.ledger.execute_due()

    assert step.state is State.STALE


def test_a_worker_that_lost_its_place_writes_nothing_down(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    proposal = built.approved()
    rival = Ledger(built.memory, built.ledger.policy, built.clock, KEY, targets=[qms.target()])
    slow = qms.target()
    place = slow.carry_out

    def overtaken(action: str, subject: Entity, body: bytes, *, key: str, condition: str | None) -> Any:
        answer = place(action, subject, body, key=key, condition=condition)
        assert rival.execute_due() == [], "the lease still runs"
        built.clock.advance(minutes=2)
        assert [step.state for step in rival.execute_due()] == [State.EXECUTED]
        return answer

    slow.carry_out = overtaken  # type: ignore[method-assign]
    built.ledger.targets = {"lab": slow}

    assert built.ledger.execute_due() == []
    assert built.states(proposal.id) == ["proposed", "approved", "executing", "unknown", "executed"]
    assert len(qms.placed) == 1


def test_the_intent_is_kept_before_the_call_and_holds_the_bytes_that_are_sent(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    proposal = built.approved()
    kept: list[str] = []
    target = qms.target()
    place = target.carry_out

    def looked_at(action: str, subject: Entity, body: bytes, *, key: str, condition: str | None) -> Any:
        with built.memory.read() as connection:
            entry = built.ledger.journal.entries(connection, proposal=key)[-1]
        kept.append(json.loads(entry.content)["data"]["body"])
        assert kept == [body.decode()]
        return place(action, subject, body, key=key, condition=condition)

    target.carry_out = looked_at  # type: ignore[method-assign]
    built.ledger.targets = {"lab": target}
    built.ledger.execute_due()

    assert json.loads(kept[0]) == qms.placed[0]["body"]
    assert built.ledger.show(proposal.id).state is State.EXECUTED
