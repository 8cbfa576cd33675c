"""Carry out what was approved: once, on a world that is still as proposed, and never twice for want of an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from lineside.actions.action import Refusal, Sets, same, shows
from lineside.actions.approve import approved_by, lacking, outdated
from lineside.actions.executors import Answer, Done, NoAnswer, NoEffect, There, Writer
from lineside.actions.proof import proof_of
from lineside.actions.proposal import OPEN, Proposal, State, canonical, load, move
from lineside.actions.switch import unarmed
from lineside.actions.tables import approvals, executions, proposals
from lineside.actions.types import ACTIONS
from lineside.errors import ProposalStale, SourceRefused, SourceUnavailable
from lineside.memory.moments import moment, stored
from lineside.memory.tables import messages

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

EXECUTOR = "lineside"
# Longer than one exchange with the target may last, so that a living worker is not overtaken.
LEASE = timedelta(seconds=60)
# A request that was on its way when we lost it has arrived or died by then; only after it does "not there" prove
# that nothing was done.
SETTLED_AFTER = timedelta(minutes=5)
READ_AGAIN_AFTER = timedelta(seconds=5)
GIVE_UP_AFTER = timedelta(hours=4)
UNSETTLED = (State.EXECUTING, State.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one pass did with one proposal."""

    proposal: str
    state: State
    detail: str


def execute_due(ledger: Ledger) -> list[Step]:
    """Every approved proposal was tried, every unanswered one read at its target, every overdue one expired.

    A target that can't be read leaves its proposals approved. Not armed: nothing is sent, they stay approved.
    """
    steps = [_expire(ledger, proposal_id) for proposal_id in _due(ledger, State.PENDING, State.APPROVED, overdue=True)]
    steps += [_cut_off(ledger, proposal_id) for proposal_id in _due(ledger, State.PENDING, State.APPROVED)]
    steps += [_execute(ledger, proposal_id) for proposal_id in _due(ledger, State.APPROVED)]
    steps += [_settle(ledger, proposal_id) for proposal_id in _due(ledger, *UNSETTLED)]
    return [step for step in steps if step is not None]


def _due(ledger: Ledger, *states: State, overdue: bool = False) -> list[str]:
    wanted = select(proposals.c.id).where(proposals.c.state.in_(states)).order_by(proposals.c.created_at)
    if overdue:
        wanted = wanted.where(proposals.c.expires_at <= stored(ledger.clock()))
    with ledger.memory.read() as connection:
        return list(connection.scalars(wanted))


def _expire(ledger: Ledger, proposal_id: str) -> Step | None:
    return _moved(ledger, _loaded(ledger, proposal_id), State.EXPIRED, "it waited too long")


def _cut_off(ledger: Ledger, proposal_id: str) -> Step | None:
    """A step of a chain goes no further once the one before it came to nothing."""
    proposal = _loaded(ledger, proposal_id)
    if isinstance(proposal, Step) or (before := _before(ledger, proposal)) is None:
        return None
    if before.state in OPEN or before.state is State.VERIFIED:
        return None
    return _moved(ledger, proposal, State.STALE, f"{before.proposal}, the step before it, is {before.state}")


def _before(ledger: Ledger, proposal: Proposal) -> Step | None:
    """How the step of its chain stands that must be verified first."""
    step = proposal.bound.get("chain")
    if not step or not step["after"]:
        return None
    found = _loaded(ledger, step["after"])
    return found if isinstance(found, Step) else Step(proposal=found.id, state=found.state, detail=found.detail)


def _not_yet(ledger: Ledger, proposal: Proposal) -> str:
    """Why it can't be its turn; empty where it may be."""
    before = _before(ledger, proposal)
    if before is not None and before.state is not State.VERIFIED:
        return f"{before.proposal}, the step before it, is {before.state}"
    if proposal.system not in ledger.targets:
        return f"{proposal.system} is not armed: nothing is sent without its url and token in [targets]"
    return ""


def _execute(ledger: Ledger, proposal_id: str) -> Step | None:
    proposal = _loaded(ledger, proposal_id)
    if isinstance(proposal, Step):
        return proposal
    if proposal.state is not State.APPROVED:
        return None
    if why := _not_yet(ledger, proposal):
        return _stays(proposal, why)
    target = ledger.targets[proposal.system]
    with ledger.memory.read() as connection:
        given, lost = approved_by(connection, proposal_id), lacking(connection, ledger, proposal)
        off = unarmed(connection, ledger, target)
    if lost:
        return _moved(ledger, proposal, State.REVOKED, lost)
    if changed := outdated(proposal, ledger.policy) or _no_longer(ledger, proposal):
        return _moved(ledger, proposal, State.STALE, changed)
    if any(each.digest != proposal.digest for each in given):
        return _moved(ledger, proposal, State.STALE, "what was approved is not what is stored")
    if off:
        return _stays(proposal, off)
    if not isinstance(target, Writer):
        return _stays(proposal, "it is for the executor to carry out")
    if proposal.bound["interface"] != target.interface:
        return _moved(ledger, proposal, State.STALE, f"{proposal.system} is written to in another way than was shown")
    try:
        found = target.read(proposal.action, proposal.entity, proposal=proposal.id)
    except (SourceUnavailable, SourceRefused) as error:
        return _stays(proposal, error.message)
    if found is None:
        what = f"{proposal.entity.kind.replace('_', ' ')} {proposal.entity.id}"
        return _moved(ledger, proposal, State.STALE, f"{proposal.system} has no {what}")
    action = ACTIONS[proposal.action]
    if differences := action.differences(proposal.parameters, proposal.bound["preconditions"]["values"], found.values):
        return _moved(ledger, proposal, State.STALE, "; ".join(differences))
    approvers = ", ".join(each.approver for each in given)
    body = canonical({**proposal.bound["payload"], "approved_by": approvers})
    if not _intend(ledger, proposal, body, found):
        return None
    answer = target.carry_out(proposal.action, proposal.entity, body, key=proposal_id, condition=found.condition)
    return _record(ledger, proposal_id, answer, fence=1)


def _no_longer(ledger: Ledger, proposal: Proposal) -> str:
    """In words, if master data would now add something else to it; empty otherwise."""
    adds = ACTIONS[proposal.action].adds
    if adds is None:
        return ""
    added = adds(ledger.memory.view(as_of=ledger.clock()), proposal.entity, proposal.parameters)
    if isinstance(added, Refusal):
        return added.reason
    payload = proposal.bound["payload"]
    changed = sorted(name for name, value in added.payload.items() if payload.get(name) != value)
    return f"{', '.join(changed)} changed since it was shown" if changed else ""


def _intend(ledger: Ledger, proposal: Proposal, body: bytes, found: There) -> bool:
    """Whether this worker won: before any call the approval is used up, the intent and its audit entry are kept."""
    at, target = ledger.clock(), ledger.targets[proposal.system]
    with ledger.memory.write() as connection:
        if unarmed(connection, ledger, target):
            return False  # switched off since it was looked at
        if not move(
            connection,
            ledger.journal,
            proposal,
            State.EXECUTING,
            at=at,
            actor=EXECUTOR,
            data={"body": body.decode(), "condition": found.condition},
            only_before_expiry=True,
        ):
            return False
        used = update(approvals).where(approvals.c.proposal_id == proposal.id, approvals.c.used_at.is_(None))
        if connection.execute(used.values(used_at=stored(at))).rowcount < proposal.quorum:
            raise ProposalStale(f"the approval of {proposal.id} was already used up", proposal=proposal.id)
        connection.execute(
            insert(executions).values(
                proposal_id=proposal.id,
                body=body,
                condition=found.condition,
                before=_seen(found),
                intended_at=stored(at),
                heard_until=connection.scalar(select(func.max(messages.c.id))) or 0,
                fence=1,
                lease_until=stored(at + LEASE),
            )
        )
    return True


def _seen(found: There) -> str:
    """What is kept of the subject as it was right before the call, as JSON: what differs afterwards may be ours."""
    effects = [each.id for each in found.effects or () if each.active]
    return json.dumps({"values": dict(found.values), "effects": effects})


def _settle(ledger: Ledger, proposal_id: str) -> Step | None:
    """What the target has to say about a call that brought no answer. It is read, never asked to do it again."""
    proposal = _loaded(ledger, proposal_id)
    if isinstance(proposal, Step):
        return proposal
    target = ledger.targets.get(proposal.system)
    if target is not None and not isinstance(target, Writer):
        return None  # for the executor to read
    fence = _take_over(ledger, proposal_id)
    if fence is None:
        return None
    if target is None:
        return _wait(ledger, proposal_id, fence, f"{proposal.system} is no longer armed and can't be read")
    try:
        found = target.read(proposal.action, proposal.entity, proposal=proposal.id)
    except (SourceUnavailable, SourceRefused) as error:
        return _wait(ledger, proposal_id, fence, error.message)
    return _conclude(ledger, proposal, found, fence=fence)


def _take_over(ledger: Ledger, proposal_id: str) -> int | None:
    """The number under which this worker may write; None while another one's lease runs, or once it is settled."""
    at = ledger.clock()
    with ledger.memory.write() as connection:
        proposal = load(connection, proposal_id)
        row = connection.execute(select(executions).where(executions.c.proposal_id == proposal_id)).one()
        if proposal.state not in UNSETTLED or row.lease_until > stored(at):
            return None
        mine = update(executions).where(executions.c.proposal_id == proposal_id, executions.c.fence == row.fence)
        connection.execute(mine.values(fence=row.fence + 1, lease_until=stored(at + LEASE)))
        if proposal.state is State.EXECUTING:
            why = "the worker went away before an answer was kept"
            move(connection, ledger.journal, proposal, State.UNKNOWN, at=at, actor=EXECUTOR, detail=why)
        return int(row.fence) + 1


def _conclude(ledger: Ledger, proposal: Proposal, found: There | None, *, fence: int) -> Step | None:
    with ledger.memory.read() as connection:
        kept = connection.execute(select(executions).where(executions.c.proposal_id == proposal.id)).one()
    since = ledger.clock() - moment(kept.intended_at)
    expected = proposal.bound["expects"]
    before = json.loads(kept.before)
    if "sets" in expected:
        seen = _seen_set(proposal, found, before["values"])
    else:
        seen = _seen_created(proposal, found, before["effects"])
    match seen:
        case Done():
            return _record(ledger, proposal.id, seen, fence=fence)
        case NoAnswer(reason=reason):
            return _give_up(ledger, proposal.id, fence, reason)
        case None if found is not None and found.effects is None and "creates" in expected:
            if proof_of(ledger, proposal, kept) is not None:  # it can't be asked, but it has told us
                return _record(ledger, proposal.id, Done(effect=proposal.id), fence=fence)
            return _wait(ledger, proposal.id, fence, f"{proposal.system} can't be asked whether it was done")
        case None if since < SETTLED_AFTER:
            return _wait(ledger, proposal.id, fence, f"{proposal.system} shows no effect yet")
    return _record(
        ledger,
        proposal.id,
        NoEffect(reason=f"{proposal.system} was read {int(since.total_seconds())} s later and shows no effect"),
        fence=fence,
    )


def _seen_set(proposal: Proposal, found: There | None, before: dict[str, str]) -> Done | NoAnswer | None:
    """What the values there say of a call without an answer: done, something else, or as before (None)."""
    expected: dict[str, str] = proposal.bound["expects"]["sets"]
    there = {} if found is None else found.values
    effect = Sets.of(proposal.bound["expects"])
    if all(shows(effect, name, there.get(name, "")) for name in expected):
        return Done(effect=proposal.entity.id)
    odd = [name for name in expected if name in there and not same(there[name], before.get(name, ""))]
    if odd:
        said = ", ".join(f"{name.replace('_', ' ')} {there[name]}" for name in odd)
        return NoAnswer(reason=f"{proposal.system} has {said}: neither as before nor as approved")
    return None


def _seen_created(proposal: Proposal, found: There | None, before: list[str]) -> Done | NoAnswer | None:
    """What stands on the subject there: ours, something that may be ours, or nothing new (None)."""
    effects = () if found is None or found.effects is None else found.effects
    if ours := next((each for each in effects if each.proposal == proposal.id), None):
        return Done(effect=ours.id)
    unmarked = [each.id for each in effects if each.active and each.proposal is None and each.id not in before]
    if unmarked:
        return NoAnswer(reason=f"{', '.join(unmarked)} may be ours; {proposal.system} doesn't say")
    return None


def _record(ledger: Ledger, proposal_id: str, answer: Answer, *, fence: int) -> Step | None:
    """The answer is kept, if this worker still holds the newest number."""
    at = ledger.clock()
    match answer:
        case Done(effect=effect):
            to, detail = State.EXECUTED, f"{effect} is done there; not yet come back through ingest"
        case NoEffect(reason=reason, changed=changed):
            to, detail = (State.STALE if changed else State.FAILED), reason
        case NoAnswer(reason=reason):
            to, detail = State.UNKNOWN, reason
    with ledger.memory.write() as connection:
        proposal = load(connection, proposal_id)
        values: dict[str, object] = {"lease_until": stored(at)}
        data: dict[str, str] = {}
        if isinstance(answer, Done):
            verify_by = at + _patience(ledger, proposal)
            values |= {"effect": answer.effect, "executed_at": stored(at), "verify_by": stored(verify_by)}
            data = {"effect": answer.effect}
        mine = update(executions).where(executions.c.proposal_id == proposal_id, executions.c.fence == fence)
        if connection.execute(mine.values(**values)).rowcount != 1:
            return None  # somebody took over and reads the target; what we heard is not ours to write
        move(connection, ledger.journal, proposal, to, at=at, actor=EXECUTOR, detail=detail, data=data)
    return Step(proposal=proposal_id, state=to, detail=detail)


def _patience(ledger: Ledger, proposal: Proposal) -> timedelta:
    """How long the effect may take to come back: the policy's word, but at least three beats of the source."""
    source = ledger.targets[proposal.system].source
    cadence_s = ledger.memory.plant.source(source).cadence_s or 0.0
    return max(ledger.policy.verify_within(proposal.case), timedelta(seconds=3 * cadence_s))


def _wait(ledger: Ledger, proposal_id: str, fence: int, why: str) -> Step | None:
    """The target is read again a little later, until there is no point in it."""
    at = ledger.clock()
    with ledger.memory.write() as connection:
        mine = update(executions).where(executions.c.proposal_id == proposal_id, executions.c.fence == fence)
        if connection.execute(mine.values(lease_until=stored(at + READ_AGAIN_AFTER))).rowcount != 1:
            return None
        intended = connection.scalar(select(executions.c.intended_at).where(executions.c.proposal_id == proposal_id))
    if at - moment(intended or 0) >= GIVE_UP_AFTER:
        return _give_up(ledger, proposal_id, fence, why)
    return Step(proposal=proposal_id, state=State.UNKNOWN, detail=why)


def _give_up(ledger: Ledger, proposal_id: str, fence: int, why: str) -> Step | None:
    at = ledger.clock()
    with ledger.memory.write() as connection:
        held = select(executions.c.fence).where(executions.c.proposal_id == proposal_id)
        if connection.scalar(held) != fence:
            return None
        proposal = load(connection, proposal_id)
        move(connection, ledger.journal, proposal, State.NEEDS_HUMAN, at=at, actor=EXECUTOR, detail=why)
    return Step(proposal=proposal_id, state=State.NEEDS_HUMAN, detail=why)


def _loaded(ledger: Ledger, proposal_id: str) -> Proposal | Step:
    """The proposal; a step that says so where its stored bytes were tampered with: the others go on."""
    with ledger.memory.read() as connection:
        try:
            return load(connection, proposal_id)
        except ProposalStale as error:
            return Step(proposal=proposal_id, state=State.STALE, detail=error.message)


def _moved(ledger: Ledger, proposal: Proposal | Step, to: State, detail: str) -> Step | None:
    if isinstance(proposal, Step):
        return proposal
    with ledger.memory.write() as connection:
        moved = move(connection, ledger.journal, proposal, to, at=ledger.clock(), actor=EXECUTOR, detail=detail)
    return Step(proposal=proposal.id, state=to, detail=detail) if moved else None


def _stays(proposal: Proposal, why: str) -> Step:
    return Step(proposal=proposal.id, state=proposal.state, detail=why)
