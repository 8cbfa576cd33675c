"""Closing: only what came back through the target's own feed is done, and then anyone can recall why it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.actions.conftest import QUALITY, Desk, MakeDesk, Qms

from lineside.actions import State
from lineside.plant.entities import Entity


def executed(desk: MakeDesk, qms: Qms) -> tuple[Desk, str]:
    built = desk(targets=[qms.target()])
    proposal = built.approved()
    built.ledger.execute_due()
    assert built.ledger.verify_due() == []
    return built, proposal.id


def test_an_effect_is_verified_when_it_comes_back_through_ingest(desk: MakeDesk, qms: Qms) -> None:
    built, proposal_id = executed(desk, qms)

    built.tell_of_hold("H-1")
    [step] = built.ledger.verify_due()

    assert (step.proposal, step.state) == (proposal_id, State.VERIFIED)
    assert built.ledger.verify_due() == []
    shown = built.ledger.show(proposal_id)
    record = built.memory.view().record(shown.verified_record or "")
    assert record is not None
    assert list(record.entities()) == [Entity("hold", "H-1")]


def test_an_event_of_the_targets_feed_verifies_too(desk: MakeDesk, qms: Qms) -> None:
    built, _ = executed(desk, qms)

    built.tell(
        {
            "id": "e-1",
            "source": "lab",
            "time": "2026-11-20T09:00:01+01:00",
            "reportedat": "2026-11-20T09:00:00+01:00",
            "type": "lineside.event",
            "data": {"kind": "hold_placed", "lot": "A-1", "hold": "H-1"},
        }
    )
    built.clock.advance(minutes=1)

    assert [step.state for step in built.ledger.verify_due()] == [State.VERIFIED]


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        ("H-1", {"source": "mes"}),
        ("H-2", {}),
        ("H-1", {"subject": "lot:A-2"}),
        ("H-1", {"subject": "material:A-1"}),
        ("H-1", {"status": "released"}),
        ("H-1", {"subject": None}),
    ],
)
def test_another_source_hold_lot_or_status_proves_nothing(
    desk: MakeDesk, qms: Qms, hold: str, said: dict[str, Any]
) -> None:
    built, proposal_id = executed(desk, qms)

    built.tell_of_hold(hold, **said)
    assert built.ledger.verify_due() == []
    built.clock.advance(hours=3)

    [step] = built.ledger.verify_due()
    assert (step.state, "never came back" in step.detail) == (State.VERIFY_FAILED, True)
    assert built.memory.view().decisions() == []
    assert built.ledger.show(proposal_id).verified_at is None


def test_a_feed_whose_clock_is_far_behind_proves_it_all_the_same(desk: MakeDesk, qms: Qms) -> None:
    built, _ = executed(desk, qms)

    built.tell_of_hold("H-1", received_at=datetime.fromisoformat("2024-01-01T00:00:00+00:00"))

    assert [step.state for step in built.ledger.verify_due()] == [State.VERIFIED]


def test_what_was_recorded_before_the_intent_proves_nothing(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()])
    proposal = built.approved()
    built.tell_of_hold("H-1")
    built.clock.advance(minutes=1)
    built.ledger.execute_due()

    assert built.ledger.show(proposal.id).effect == "H-1"
    assert built.ledger.verify_due() == []


def test_a_proof_that_comes_late_still_counts(desk: MakeDesk, qms: Qms) -> None:
    built, proposal_id = executed(desk, qms)
    built.clock.advance(hours=3)
    built.ledger.verify_due()

    built.tell_of_hold("H-1")
    built.ledger.verify_due()

    assert built.states(proposal_id)[-2:] == ["verify_failed", "verified"]


def test_the_whole_story_is_remembered_as_one_decision(desk: MakeDesk, qms: Qms) -> None:
    built, proposal_id = executed(desk, qms)
    built.tell_of_hold("H-1")
    built.clock.advance(minutes=5)
    built.ledger.verify_due()
    built.ledger.verify_due()

    [decision] = built.memory.view().decisions(about=Entity("lot", "A-1"))

    assert (decision.provenance.source, decision.provenance.source_id) == ("lineside", proposal_id)
    assert decision.choice == "Place lot A-1 on hold"
    assert decision.rationale == "it smells of solvent"
    assert (decision.decided_by, decision.authority) == ("quality-9", "quality")
    assert decision.outcome == "hold H-1 in lab, confirmed by its own feed"
    assert decision.attributes["requested_by"] == "planner-9"


def test_a_story_that_a_crash_kept_untold_is_told_once(desk: MakeDesk, qms: Qms) -> None:
    built, _ = executed(desk, qms)
    built.tell_of_hold("H-1")
    remember = built.memory.remember

    def crash(*args: Any, **named: Any) -> Any:
        remember(*args, **named)
        raise KeyboardInterrupt

    built.memory.remember = crash  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        built.ledger.verify_due()
    built.memory.remember = remember  # type: ignore[method-assign]
    built.clock.advance(minutes=1)

    built.ledger.verify_due()

    assert len(built.memory.view().decisions()) == 1
    assert built.ledger.audit_verify().ok


def test_the_story_can_be_read_from_the_first_word_to_the_last(desk: MakeDesk, qms: Qms) -> None:
    built, proposal_id = executed(desk, qms)
    built.tell_of_hold("H-1")
    built.ledger.verify_due()

    story = built.ledger.story(proposal_id)

    assert [(chapter.kind, chapter.actor) for chapter in story] == [
        ("proposed", "planner-9"),
        ("approved", "quality-9"),
        ("executing", "lineside"),
        ("executed", "lineside"),
        ("verified", "lineside"),
    ]
    assert story[-1].detail == "H-1 came back from lab"


def told_of(built: Desk, proposal_id: str) -> list[tuple[str, str]]:
    """What the memory was told of the proposal beside its decision."""
    events = built.memory.view().events(kinds=("effect_missing", "effect_settled"), about=Entity("lot", "A-1"))
    return [(e.kind, str(e.attributes["state"])) for e in events if e.attributes["proposal"] == proposal_id]


def test_an_effect_that_stays_out_is_told_once_and_so_is_its_late_proof(desk: MakeDesk, qms: Qms) -> None:
    built, proposal_id = executed(desk, qms)
    assert told_of(built, proposal_id) == []
    built.clock.advance(hours=3)
    for _ in range(3):
        built.ledger.verify_due()
    assert told_of(built, proposal_id) == [("effect_missing", "verify_failed")]

    built.clock.advance(minutes=1)
    built.tell_of_hold("H-1")
    for _ in range(3):
        built.ledger.verify_due()

    assert told_of(built, proposal_id) == [("effect_missing", "verify_failed"), ("effect_settled", "verified")]
    assert len(built.memory.view().decisions(about=Entity("lot", "A-1"))) == 1


def test_a_person_who_looked_there_closes_it_as_failed_and_says_what_was_found(desk: MakeDesk, qms: Qms) -> None:
    built, proposal_id = executed(desk, qms)
    built.clock.advance(hours=3)
    built.ledger.verify_due()
    built.clock.advance(minutes=1)

    built.ledger.reject(proposal_id, QUALITY, "the lab threw the hold away", "web")
    built.ledger.verify_due()

    assert told_of(built, proposal_id) == [("effect_missing", "verify_failed"), ("effect_settled", "failed")]
    assert built.memory.view().decisions() == []
