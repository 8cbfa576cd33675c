"""Whatever people, targets and clocks do, in whatever order: the invariants of a governed action hold."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select
from tests.actions.conftest import HEADS, KEY, PLANT, START, Clock, report
from tests.conftest import message_of, translate

from lineside.actions import Ledger, Proposal, State, load_policy, parse_policy
from lineside.actions.executors import Answer, Done, EffectThere, NoAnswer, NoEffect, There
from lineside.actions.proposal import OPEN
from lineside.actions.tables import approvals
from lineside.connector import Batch
from lineside.errors import AlreadyDecided, BadRequest, NotPermitted, ProposalStale, SourceUnavailable
from lineside.memory import Memory
from lineside.plant.entities import Entity
from lineside.plant.plant import Person
from lineside.plant.plant_file import parse_plant

LOTS = ("A-1", "A-2")
PEOPLE = st.sampled_from(["planner-9", "quality-9", "quality-8", "queenie-again", "guest-9", "stranger"])
FAULTS = st.sampled_from(["", "", "", "silent before", "silent after", "refused", "unreadable", "changed"])
ALTERED = parse_policy(
    b"""
name = "altered"
version = "2"
open_per_requester = 5
[[rules]]
name = "shorter"
actions = ["hold_lot"]
risks = ["medium", "high"]
sites = ["*"]
propose = ["*"]
approve = ["quality"]
expires_minutes = 60
verify_minutes = 30
""",
    where="altered",
)


WHOLE = parse_plant(PLANT)
WITHOUT = parse_plant(PLANT.replace('id = "quality-8"', 'id = "somebody-else"'))


class Target:
    """A quality system in this process, with faults, that keeps its own account."""

    source = "lab"
    interface = "in this process"
    offers = ("hold_lot",)

    def __init__(self) -> None:
        self.fault = ""
        self.holds: dict[str, list[EffectThere]] = {lot: [] for lot in LOTS}
        self.sent: list[tuple[str, bytes]] = []
        self.people: frozenset[str] = frozenset()
        self.on: bool = True
        self.there_when_sent: dict[str, frozenset[str]] = {}
        self.placed: list[tuple[str, bytes]] = []

    def read(self, action: str, subject: Entity, *, proposal: str) -> There | None:
        assert (action, bool(proposal)) == ("hold_lot", True)
        if self.fault == "unreadable":
            raise SourceUnavailable("no answer")
        holds = tuple(self.holds[subject.id])
        active = [hold.id for hold in holds if hold.active]
        values = {
            "quality_status": "blocked" if active else "unrestricted",
            "active_holds": ", ".join(active) or "none",
        }
        return There(values=values, effects=holds, condition=str(len(holds)))

    def carry_out(self, action: str, subject: Entity, body: bytes, *, key: str, condition: str | None) -> Answer:
        assert self.on, "sent to a target that was stopped"
        self.sent.append((key, body))
        self.there_when_sent[key] = self.people
        lot = json.loads(body)["lot"]
        assert (action, lot) == ("hold_lot", subject.id)
        match self.fault:
            case "silent before":
                return NoAnswer(reason="silence")
            case "refused":
                return NoEffect(reason="refused")
            case "changed":
                return NoEffect(reason="changed", changed=True)
        assert condition == str(len(self.holds[lot])), "a conditional write on a lot that has changed"
        hold = f"H-{len(self.placed) + 1}"
        self.holds[lot].append(EffectThere(id=hold, proposal=key))
        self.placed.append((key, body))
        return NoAnswer(reason="silence") if self.fault == "silent after" else Done(effect=hold)


class GovernedAction(RuleBasedStateMachine):
    """Everything that can happen to holds on two lots."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock, self.target, self.told = Clock(START), Target(), 0
        self.target.people = frozenset(person.id for person in WHOLE.people)
        self.memory = Memory.open(
            f"sqlite:///{Path(self.folder.name) / 'l.db'}",
            index_dir=None,
            plant=WHOLE,
            clock=self.clock,
            migrate=True,
        )
        self.ledger = Ledger(self.memory, load_policy(), self.clock, KEY, targets=[self.target])
        for head in HEADS:
            self.ledger.arm("lab", head, "ready")
        for lot in LOTS:
            self.tell(f"lot:{lot}", quality_status="unrestricted")

    def teardown(self) -> None:
        self.memory.close()
        self.folder.cleanup()

    def tell(self, entity: str, **said: str) -> None:
        self.told += 1
        event = {**report(entity, number=self.told, **said), "time": self.clock().isoformat()}
        batch = Batch(messages=[message_of(event, received_at=self.clock())])
        self.memory.remember(batch, source="lab", translate=translate)

    def some(self, number: int) -> Proposal | None:
        found = sorted(self.ledger.list(), key=lambda proposal: proposal.id)
        return found[number % len(found)] if found else None

    @rule(who=PEOPLE, lot=st.sampled_from(LOTS), vouched=st.booleans(), reason=st.text(max_size=30))
    def somebody_asks(self, who: str, lot: str, vouched: bool, reason: str) -> None:
        self.ledger.propose(
            action="hold_lot",
            parameters={"lot": lot, "reason": reason},
            requester=Person(id=who, roles=("quality",), sites=("westhafen",)),
            origins={"lot": "question", "reason": "question"} if vouched else {},
        )

    @rule(lot=st.sampled_from(LOTS), who=st.sampled_from(["planner-9", "quality-9"]))
    def somebody_with_the_right_asks(self, lot: str, who: str) -> None:
        self.somebody_asks(who=who, lot=lot, vouched=True, reason="smells")

    @rule(who=PEOPLE, number=st.integers(0, 9), other=st.integers(0, 9))
    def somebody_approves(self, who: str, number: int, other: int) -> None:
        proposal, shown = self.some(number), self.some(other)
        if proposal is None or shown is None:
            return
        try:
            approved = self.ledger.approve(proposal.id, Person(id=who), shown.digest, "web", signed_in_at=self.clock())
        except (NotPermitted, AlreadyDecided, ProposalStale):
            return
        assert approved.state in (State.APPROVED, State.PENDING)
        assert shown.id == proposal.id

    @rule(who=st.sampled_from(["quality-9", "quality-8", "guest-9"]))
    def what_waits_is_approved(self, who: str) -> None:
        for proposal in self.ledger.pending_for(Person(id=who)):
            try:
                self.ledger.approve(proposal.id, Person(id=who), proposal.digest, "web", signed_in_at=self.clock())
            except ProposalStale:
                assert self.ledger.show(proposal.id).state is State.STALE

    @rule(giver=PEOPLE, taker=PEOPLE, minutes=st.sampled_from([5, 600]))
    def somebody_lends_their_right(self, giver: str, taker: str, minutes: int) -> None:
        until = self.clock() + timedelta(minutes=minutes)
        with suppress(NotPermitted, BadRequest):
            self.ledger.lend(Person(id=giver), taker, since=self.clock(), until=until, reason="away")

    @rule()
    def a_lent_right_is_taken_back(self) -> None:
        for each in self.ledger.lent()[:1]:
            self.ledger.take_back(each.id, Person(id=each.giver))

    @rule(armed=st.booleans())
    def the_target_is_switched(self, armed: bool) -> None:
        if not armed:
            self.ledger.stop("lab", "somebody", "smoke")
            self.target.on = False
        elif not self.target.on:
            with suppress(NotPermitted):  # a policy that lets nobody arm
                for head in HEADS:
                    self.ledger.arm("lab", head, "no smoke")
                self.target.on = True

    @rule()
    def somebody_leaves_or_comes_back(self) -> None:
        self.memory.plant = WHOLE if self.memory.plant is WITHOUT else WITHOUT
        self.target.people = frozenset(person.id for person in self.memory.plant.people)

    @rule(who=PEOPLE, number=st.integers(0, 9))
    def somebody_rejects(self, who: str, number: int) -> None:
        proposal = self.some(number)
        if proposal is None:
            return
        try:
            self.ledger.reject(proposal.id, Person(id=who), "no")
        except (NotPermitted, AlreadyDecided, ProposalStale):
            return

    @rule(fault=FAULTS)
    def the_executor_runs(self, fault: str) -> None:
        self.target.fault = fault
        self.ledger.execute_due()

    @rule(lot=st.sampled_from(LOTS), fault=FAULTS)
    def a_hold_goes_its_way(self, lot: str, fault: str) -> None:
        self.somebody_with_the_right_asks(lot=lot, who="planner-9")
        self.what_waits_is_approved(who="quality-8")
        self.the_executor_runs(fault=fault)

    @rule(lot=st.sampled_from(LOTS), released=st.booleans())
    def what_was_placed_comes_back(self, lot: str, released: bool) -> None:
        self.the_feed_brings_what_is_there(lot=lot)
        self.the_verifier_runs()
        if released:
            self.quality_releases(lot=lot)
            self.the_feed_brings_what_is_there(lot=lot)

    @rule(minutes=st.sampled_from([1, 6, 70, 300]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @rule(lot=st.sampled_from(LOTS))
    def the_feed_brings_what_is_there(self, lot: str) -> None:
        for hold in self.target.holds[lot]:
            self.tell(f"hold:{hold.id}", subject=f"lot:{lot}", status="active" if hold.active else "released")

    @rule(lot=st.sampled_from(LOTS))
    def quality_releases(self, lot: str) -> None:
        released = [EffectThere(id=h.id, active=False, proposal=h.proposal) for h in self.target.holds[lot]]
        self.target.holds[lot] = released

    @rule()
    def the_verifier_runs(self) -> None:
        self.ledger.verify_due()

    @rule()
    def the_policy_changes(self) -> None:
        self.ledger.policy = load_policy() if self.ledger.policy is ALTERED else ALTERED

    @invariant()
    def nothing_is_sent_without_an_approval_of_exactly_those_bytes(self) -> None:
        with self.memory.read() as connection:
            kept = connection.execute(select(approvals).order_by(approvals.c.approved_at, approvals.c.approver)).all()
            for key, body in self.target.sent:
                proposal, given = self.ledger.show(key), [row for row in kept if row.proposal_id == key]
                sent = json.loads(body)
                assert sent.pop("approved_by") == ", ".join(row.approver for row in given)
                assert sent == proposal.bound["payload"]
                assert {row.digest for row in given} == {proposal.digest}
                assert all(row.used_at is not None for row in given)
                entries = [json.loads(e.content) for e in self.ledger.journal.entries(connection, proposal=key)]
                said = [entry for entry in entries if entry["kind"] in ("approved", "seconded")]
                assert {entry["actor"] for entry in said} == {row.approver for row in given}
                assert {entry["data"]["digest"] for entry in said} == {proposal.digest}

    @invariant()
    def enough_people_who_still_might_stood_behind_what_was_sent(self) -> None:
        same = {"queenie-again": "quality-9"}
        with self.memory.read() as connection:
            kept = connection.execute(select(approvals)).all()
        for key, there in self.target.there_when_sent.items():
            behind = [row.on_behalf or row.approver for row in kept if row.proposal_id == key and row.approver in there]
            assert len({same.get(who, who) for who in behind if who in there}) >= self.ledger.show(key).quorum

    @invariant()
    def an_approval_is_used_at_most_once(self) -> None:
        assert max(Counter(key for key, _ in self.target.sent).values(), default=0) <= 1

    @invariant()
    def the_requester_never_counts(self) -> None:
        same = {"queenie-again": "quality-9"}
        with self.memory.read() as connection:
            for row in connection.execute(select(approvals)):
                asked = self.ledger.show(row.proposal_id).requester
                for who in filter(None, (row.approver, row.on_behalf)):
                    assert same.get(who, who) != same.get(asked, asked)
                assert (row.on_behalf or row.approver) in ("quality-9", "quality-8", "queenie-again")

    @invariant()
    def every_change_of_state_is_in_the_chain_and_the_chain_is_whole(self) -> None:
        report = self.ledger.audit_verify(self.ledger.export_head())
        assert report.problems == ()
        found = self.ledger.list()
        with self.memory.read() as connection:
            others = [e for e in self.ledger.journal.entries(connection) if e.proposal in ("switches", "delegations")]
        assert sum(proposal.version for proposal in found) + len(others) == report.entries
        for proposal in found:
            story = self.ledger.story(proposal.id)
            assert len(story) == proposal.version
            pending = {"proposed", "seconded"}
            assert story[-1].kind in (pending if proposal.state is State.PENDING else {str(proposal.state)})

    @invariant()
    def a_lot_has_one_open_proposal_and_one_active_hold_at_most(self) -> None:
        open_now = Counter(str(proposal.entity) for proposal in self.ledger.list() if proposal.state in OPEN)
        assert max(open_now.values(), default=0) <= 1
        for holds in self.target.holds.values():
            assert sum(hold.active for hold in holds) <= 1

    @invariant()
    def what_is_said_to_be_done_is_there_and_what_failed_is_not(self) -> None:
        placed = {key for key, _ in self.target.placed}
        for proposal in self.ledger.list():
            if proposal.state in (State.EXECUTED, State.VERIFIED, State.VERIFY_FAILED):
                assert proposal.id in placed
            elif proposal.state not in (State.EXECUTING, State.UNKNOWN, State.NEEDS_HUMAN, State.FAILED):
                assert proposal.id not in placed

    @invariant()
    def each_verified_story_is_one_decision(self) -> None:
        told = [decision.provenance.source_id for decision in self.memory.view().decisions()]
        verified = [proposal.id for proposal in self.ledger.list() if proposal.state is State.VERIFIED]
        assert sorted(told) == sorted(verified)


TestGovernedAction = GovernedAction.TestCase
TestGovernedAction.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    derandomize=True,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.filter_too_much],
)
