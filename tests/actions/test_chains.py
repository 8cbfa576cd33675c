"""Actions that belong together: all as strict as the strictest, one after the other, none without the one before."""

from __future__ import annotations

from typing import Any

import pytest
from tests.actions.conftest import HEADS, PLANNER, QUALITY, Desk, MakeDesk, Qms, report

from lineside.actions import QUESTION, Proposal, Refusal, State, Wish, parse_policy
from lineside.plant.plant import Person

RULES = b"""
name = "risk decides"
version = "1"
open_per_requester = 10
may_arm = ["plant manager"]
[[rules]]
name = "medium"
actions = ["*"]
risks = ["low", "medium"]
sites = ["*"]
propose = ["planner"]
approve = ["quality"]
quorum = 1
expires_minutes = 60
verify_minutes = 120
[[rules]]
name = "high"
actions = ["*"]
risks = ["high", "critical"]
sites = ["*"]
propose = ["planner"]
approve = ["quality", "plant manager"]
quorum = 2
expires_minutes = 60
verify_minutes = 120
"""
FIRST = {"action": "hold_lot", "parameters": {"lot": "A-1", "reason": "smells"}}
SECOND = {"action": "hold_lot", "parameters": {"lot": "A-2", "reason": "smells"}}


def wish(asked: dict[str, Any], *, unvouched: bool = False, requester: Person = PLANNER) -> Wish:
    origins = {} if unvouched else dict.fromkeys(asked["parameters"], QUESTION)
    return Wish(requester=requester, origins=origins, **asked)


def asked(desk: Desk, *wishes: Wish) -> list[Proposal]:
    found = desk.ledger.propose_chain(wishes)
    assert not isinstance(found, Refusal), found
    return list(found)


def decided(desk: Desk, proposal: Proposal) -> None:
    for person in (QUALITY, *HEADS):
        if desk.ledger.show(proposal.id).state is State.PENDING:
            desk.approve(proposal, person)


def test_every_step_is_as_strict_as_the_strictest(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()], policy=parse_policy(RULES, where="test"))

    alone = asked(built, wish(FIRST))
    assert (alone[0].case.risk, alone[0].quorum, alone[0].bound["chain"]) == ("medium", 1, None)
    built.ledger.reject(alone[0].id, PLANNER, "as a chain instead")
    both = asked(built, wish(FIRST), wish(SECOND, unvouched=True))

    assert [(each.case.risk, each.quorum) for each in both] == [("high", 3), ("high", 3)]
    assert [each.bound["chain"]["after"] for each in both] == [None, both[0].id]
    assert "step 2 of 2" in both[1].bound["facts"][-1]
    built.approve(both[0], QUALITY)
    assert built.ledger.show(both[0].id).state is State.PENDING


def test_a_step_waits_until_the_one_before_it_is_verified(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()], policy=parse_policy(RULES, where="test"))
    first, second = asked(built, wish(FIRST), wish(SECOND))
    decided(built, second)
    built.ledger.execute_due()
    assert (len(qms.placed), built.ledger.show(second.id).state) == (0, State.APPROVED)

    decided(built, first)
    built.ledger.execute_due()
    built.ledger.execute_due()
    assert [each["body"]["lot"] for each in qms.placed] == ["A-1"]
    assert built.ledger.show(second.id).state is State.APPROVED

    built.tell_of_hold("H-1")
    built.clock.advance(minutes=1)
    built.ledger.verify_due()
    built.ledger.execute_due()
    assert [each["body"]["lot"] for each in qms.placed] == ["A-1", "A-2"]
    assert built.ledger.audit_verify().ok


@pytest.mark.parametrize("approved", [False, True], ids=["waiting", "approved"])
def test_what_comes_after_a_step_that_came_to_nothing_comes_to_nothing(
    desk: MakeDesk, qms: Qms, approved: bool
) -> None:
    built = desk(targets=[qms.target()], policy=parse_policy(RULES, where="test"))
    built.tell(report("lot:A-3", quality_status="unrestricted"))
    third_step = {"action": "hold_lot", "parameters": {"lot": "A-3", "reason": "smells"}}
    first, second, third = asked(built, wish(FIRST), wish(SECOND), wish(third_step))
    if approved:
        decided(built, second)
    built.ledger.reject(first.id, QUALITY, "not needed")
    for _ in range(2):  # one step after the other
        built.ledger.execute_due()

    assert [built.ledger.show(each.id).state for each in (second, third)] == [State.STALE, State.STALE]
    assert first.id in built.ledger.show(second.id).detail
    assert qms.placed == []


def test_a_chain_is_kept_whole_or_not_at_all(desk: MakeDesk, qms: Qms) -> None:
    built = desk(targets=[qms.target()], policy=parse_policy(RULES, where="test"))

    for other in (wish({"action": "hold_lot", "parameters": {"lot": "A-1", "reason": "twice"}}), _unknown()):
        found = built.ledger.propose_chain([wish(FIRST), other])
        assert isinstance(found, Refusal)
        assert built.ledger.list() == []
    assert "step 2" in found.reason
    assert len(asked(built, wish(FIRST), wish(SECOND))) == 2
    assert built.ledger.audit_verify().ok


def _unknown() -> Wish:
    return wish({"action": "hold_lot", "parameters": {"lot": "Z-404", "reason": "smells"}})
