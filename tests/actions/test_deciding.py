"""Deciding: own right, not one's own wish, in time, on exactly what was shown, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.actions.conftest import HEADS, OTHER, PLANNER, QUALITY, MakeDesk
from tests.actions.test_policy import GOOD

from lineside.actions import State, parse_policy
from lineside.actions.governed import governed
from lineside.errors import AlreadyDecided, BadRequest, LinesideError, NotFound, NotPermitted, ProposalStale
from lineside.plant.plant import Person
from lineside.plant.records import record_id


def test_somebody_else_with_the_right_approves_by_a_named_channel(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.proposed()

    approved = built.ledger.approve(proposal.id, QUALITY, proposal.digest, "web")

    assert (approved.state, approved.decided_by, approved.channel) == (State.APPROVED, "quality-9", "web")
    assert built.states(proposal.id) == ["proposed", "approved"]


@pytest.mark.parametrize("who", ["planner-9", "guest-9", "quality-far", "nobody"])
def test_without_the_right_nobody_decides(desk: MakeDesk, who: str) -> None:
    built = desk()
    proposal = built.proposed(requester=QUALITY)
    claimed = Person(id=who, roles=("quality", "plant_manager"), sites=("westhafen",))

    with pytest.raises(NotPermitted):
        built.ledger.approve(proposal.id, claimed, proposal.digest, "cli")
    with pytest.raises(NotPermitted):
        built.ledger.reject(proposal.id, claimed, "no")

    assert built.ledger.show(proposal.id).state is State.PENDING


@pytest.mark.parametrize("who", ["quality-9", "queenie-again"])
def test_the_requester_never_approves_not_even_under_another_login(desk: MakeDesk, who: str) -> None:
    built = desk()
    proposal = built.proposed(requester=QUALITY)

    with pytest.raises(NotPermitted, match="somebody else decides"):
        built.ledger.approve(proposal.id, Person(id=who), proposal.digest, "cli")


def test_who_wrote_the_text_that_fills_it_in_does_not_approve_it(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.proposed(origins={"lot": record_id("notes", "note-1"), "reason": "question"})

    with pytest.raises(NotPermitted):
        built.approve(proposal, OTHER)

    assert proposal.quorum == 2, "a parameter from free text asks for one more"
    assert built.approve(proposal, QUALITY).state is State.PENDING
    with pytest.raises(NotPermitted):
        built.approve(proposal, OTHER)
    assert built.approve(proposal, HEADS[0]).state is State.APPROVED


def test_high_risk_wants_a_sign_in_of_just_now(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.proposed(origins={})
    now = built.clock()

    for when in (None, now - timedelta(minutes=6), now + timedelta(minutes=1)):
        with pytest.raises(NotPermitted, match="sign in again"):
            built.ledger.approve(proposal.id, QUALITY, proposal.digest, "web", signed_in_at=when)

    assert built.approve(proposal, QUALITY).state is State.PENDING
    assert built.approve(proposal, HEADS[0]).state is State.APPROVED


def test_a_digest_that_was_not_shown_approves_nothing(desk: MakeDesk) -> None:
    built = desk()
    one, other = built.proposed("A-1"), built.proposed("A-2")

    for wrong in ("", other.digest, one.digest[:-1], one.digest.upper(), "ü"):
        with pytest.raises(ProposalStale, match="not what you were shown"):
            built.ledger.approve(one.id, QUALITY, wrong, "cli")

    assert built.ledger.show(one.id).state is State.PENDING


def test_the_second_decision_is_told_who_was_first_and_when(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.approved()

    with pytest.raises(AlreadyDecided, match=r"decided by quality-9 at 2026-11-20T08:00:00") as late:
        built.ledger.approve(proposal.id, OTHER, proposal.digest, "cli")

    assert late.value.fields["decided_by"] == "quality-9"
    assert built.states(proposal.id) == ["proposed", "approved"]


def test_what_waited_too_long_can_not_be_approved(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.proposed()
    built.clock.advance(hours=8)

    with pytest.raises(ProposalStale, match="expired"):
        built.ledger.approve(proposal.id, QUALITY, proposal.digest, "cli")

    assert built.ledger.show(proposal.id).state is State.EXPIRED
    assert built.states(proposal.id) == ["proposed", "expired"]
    assert built.ledger.pending_for(QUALITY) == []
    built.proposed()


def test_another_policy_voids_what_was_proposed_under_the_old_one(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.proposed()
    built.ledger.policy = parse_policy(GOOD.replace("Quality-Lead", "quality").encode(), where="new")

    with pytest.raises(ProposalStale, match="policy has changed"):
        built.ledger.approve(proposal.id, QUALITY, proposal.digest, "cli")

    assert built.ledger.show(proposal.id).state is State.STALE


def test_edited_bytes_are_noticed_before_anybody_decides_on_them(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.proposed()
    with built.memory.write() as connection:
        bound = connection.execute(text("SELECT bound FROM proposals")).scalar_one()
        edited = bytes(bound).replace(b"solvent", b"flowers")
        connection.execute(text("UPDATE proposals SET bound = :bound"), {"bound": edited})

    with pytest.raises(ProposalStale, match="not what was proposed"):
        built.ledger.approve(proposal.id, QUALITY, proposal.digest, "cli")


def test_rejecting_needs_a_reason_and_ends_it(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.proposed()

    with pytest.raises(BadRequest):
        built.ledger.reject(proposal.id, QUALITY, " ")
    rejected = built.ledger.reject(proposal.id, QUALITY, "the smell is the cleaner's")

    assert (rejected.state, rejected.detail) == (State.REJECTED, "the smell is the cleaner's")
    with pytest.raises(AlreadyDecided):
        built.ledger.approve(proposal.id, OTHER, proposal.digest, "cli")


def test_who_asked_may_withdraw_and_an_approver_may_revoke(desk: MakeDesk) -> None:
    built = desk()
    mine, approved = built.proposed("A-1"), built.approved("A-2")

    assert built.ledger.reject(mine.id, PLANNER, "wrong lot").state is State.WITHDRAWN
    assert built.ledger.reject(approved.id, OTHER, "wait for the lab").state is State.REVOKED
    with pytest.raises(AlreadyDecided):
        built.ledger.reject(approved.id, PLANNER, "too late")


def test_each_sees_what_waits_for_them(desk: MakeDesk) -> None:
    built = desk()
    by_planner, by_quality = built.proposed("A-1"), built.proposed("A-2", QUALITY)

    assert {p.id for p in built.ledger.pending_for(OTHER)} == {by_planner.id, by_quality.id}
    assert [p.id for p in built.ledger.pending_for(QUALITY)] == [by_planner.id]
    assert built.ledger.pending_for(PLANNER) == []


def test_what_does_not_exist_is_not_found(desk: MakeDesk) -> None:
    ledger = desk().ledger

    for ask in (
        lambda: ledger.show("P-0"),
        lambda: ledger.story("P-0"),
        lambda: ledger.approve("P-0", QUALITY, "", "cli"),
        lambda: ledger.reject("P-0", QUALITY, "no"),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_policy_that_fails_while_it_is_asked_lets_nothing_through(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.proposed()

    class Broken:
        digest = built.ledger.policy.digest

        def may_approve(self, *_: object, **__: object) -> object:
            raise LinesideError("no policy today")

    built.ledger.policy = Broken()  # type: ignore[assignment]

    with pytest.raises(LinesideError):
        built.ledger.approve(proposal.id, QUALITY, proposal.digest, "cli")
    assert built.ledger.show(proposal.id).state is State.PENDING


def test_a_proposal_that_two_approved_is_one_for_the_figures_and_approved_by_the_second(desk: MakeDesk) -> None:
    built = desk()
    proposal = built.proposed(origins={})  # nobody knows where from: two must approve
    built.clock.advance(minutes=3)
    built.approve(proposal, QUALITY)
    [waiting] = governed(built.memory)
    built.clock.advance(minutes=4)
    built.approve(proposal, HEADS[0])
    second = built.clock()
    built.clock.advance(minutes=5)

    [found] = governed(built.memory)
    [before] = governed(built.memory, as_of=second - timedelta(seconds=1))

    assert (waiting.approved_at, before.approved_at, found.approved_at) == (None, None, second)
