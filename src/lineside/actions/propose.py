"""Ask for an action: strict parameters, a resolved target, evidence by hash, the difference it makes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import rfc8785
from sqlalchemy import Connection, func, insert, select

from lineside.actions.action import ActionType, Carried, Draft, Form, Plan, Refusal, Risk, Terms
from lineside.actions.executors import Bounded
from lineside.actions.limits import beyond
from lineside.actions.planning import plan as planned
from lineside.actions.policy import Case, Policy, principal
from lineside.actions.proposal import (
    FORMAT,
    OPEN,
    Origin,
    Proposal,
    State,
    canonical,
    digest,
    load,
    new_id,
    open_key,
)
from lineside.actions.tables import proposals
from lineside.actions.types import ACTIONS
from lineside.memory import View
from lineside.memory.moments import stored
from lineside.memory.words import render
from lineside.plant.plant import Person
from lineside.plant.quantities import plain
from lineside.plant.records import Json, Note

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

QUESTION = "question"
OURS = "the proposal that it undoes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for. evidence: record ids. origins: parameter to `question` (the asker's own words) or to the
    id of the record that its value was taken from; a parameter that is not named counts as untrusted. undoes: the
    verified proposal whose effect this one takes back."""

    action: str
    parameters: Mapping[str, Json]
    requester: Person
    evidence: Sequence[str] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    undoes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A wish that could be proposed: resolved, its origins and evidence known. risk: of it alone."""

    wish: Wish
    action: ActionType
    plan: Plan
    origins: Sequence[Origin]
    evidence: list[Json]
    vouched: bool
    risk: Risk


def propose(ledger: Ledger, wish: Wish, *, view: View) -> Proposal | Refusal:
    """The kept proposal, or why there is none; a refusal keeps nothing. view: what the requester may read."""
    found = chain(ledger, (wish,), view=view)
    return found if isinstance(found, Refusal) else found[0]


def chain(ledger: Ledger, wishes: Sequence[Wish], *, view: View) -> Sequence[Proposal] | Refusal:
    """One proposal for each step, to be carried out one after the other, or why there is none of them.

    Each is decided on by itself, and all of them as the strictest one is; each must be possible as things stand now.
    """
    requester = principal(ledger.memory.plant, wishes[0].requester)
    if requester is None:
        return Refusal(reason=f"{wishes[0].requester.id} is not in the plant file", code="not_permitted")
    prepared: list[_Prepared] = []
    for number, wish in enumerate(wishes, 1):
        found = _prepared(ledger, wish, view)
        if isinstance(found, Refusal):
            where = f"step {number}, {wish.action}: " if len(wishes) > 1 else ""
            return Refusal(reason=f"{where}{found.reason}", code=found.code)
        prepared.append(found)
    levels = tuple(Risk)
    risk = max((each.risk for each in prepared), key=levels.index)
    vouched = all(each.vouched for each in prepared)
    cases = [
        Case(
            action=each.action.name, risk=risk, site=ledger.memory.plant.site, amount=each.plan.amount, vouched=vouched
        )
        for each in prepared
    ]
    quorum = max(ledger.policy.quorum(case) for case in cases)
    place, kept = f"C-{new_id().removeprefix('P-')}", list[Proposal]()
    with ledger.memory.write() as connection, connection.begin_nested() as all_or_none:
        for number, (each, case) in enumerate(zip(prepared, cases, strict=True), 1):
            step: dict[str, Json] | None = None
            if len(wishes) > 1:
                step = {"id": place, "step": number, "of": len(wishes), "after": kept[-1].id if kept else None}
            kept_or_not = _keep(
                connection, ledger, each, case, requester=requester, quorum=quorum, step=step, known_at=view.as_of
            )
            if isinstance(kept_or_not, Refusal):
                all_or_none.rollback()
                return kept_or_not
            kept.append(kept_or_not)
    return kept


def _prepared(ledger: Ledger, wish: Wish, view: View) -> _Prepared | Refusal:
    action = ACTIONS.get(wish.action)
    if action is None:
        return Refusal(reason=f"there is no action {wish.action!r}; there are: {', '.join(ACTIONS)}", code="no_action")
    offering = [name for name, target in ledger.targets.items() if action.name in target.offers]
    plan = planned(
        action, wish.parameters, view=view, systems=offering, terms=lambda draft: _terms(ledger, action, draft)
    )
    if isinstance(plan, Refusal):
        return plan
    origins = _origins(wish, action, plan, view)
    if isinstance(origins, Refusal):
        return origins
    evidence = _evidence(wish, plan, view)
    if isinstance(evidence, Refusal):
        return evidence
    vouched = all(origin.trusted for origin in origins)
    return _Prepared(
        wish=wish,
        action=action,
        plan=plan,
        origins=origins,
        evidence=evidence,
        vouched=vouched,
        risk=action.least if vouched else action.least.raised,
    )


def _keep(
    connection: Connection,
    ledger: Ledger,
    asked: _Prepared,
    case: Case,
    *,
    requester: Person,
    quorum: int,
    step: dict[str, Json] | None,
    known_at: datetime,
) -> Proposal | Refusal:
    """The proposal, once policy and limits allow it; its audit entry in the same transaction."""
    policy, at, action, plan, wish = ledger.policy, ledger.clock(), asked.action, asked.plan, asked.wish
    verdict = policy.may_propose(requester, case)
    if not verdict.allowed:
        return Refusal(reason=verdict.reason, code="not_permitted")
    expires_at = at + policy.expires_after(case)
    proposal_id = new_id()
    target = ledger.targets.get(plan.system)
    amount: dict[str, Json] | None
    amount = None if plan.amount is None else {"value": plain(plan.amount.value), "unit": plan.amount.unit}
    try:
        bound = canonical(
            {
                "format": FORMAT,
                "id": proposal_id,
                "nonce": secrets.token_hex(16),
                "site": case.site,
                "action": f"{action.name}@{action.version}",
                "title": action.title,
                "entity": str(plan.entity),
                "system": plan.system,
                "interface": None if target is None else target.interface,
                "parameters": dict(plan.parameters),
                "payload": {**plan.payload, "proposal": proposal_id, "requested_by": requester.id},
                "preconditions": plan.snapshot.to_json(),
                "expects": plan.effect.to_json(),
                "changes": [change.to_json() for change in plan.changes],
                "facts": [*plan.facts, *_placed(step)],
                "undo": action.undo,
                "undoes": wish.undoes or None,
                "reversal": action.reversal,
                "amount": amount,
                "evidence": asked.evidence,
                "origins": [asdict(origin) for origin in asked.origins],
                "risk": case.risk,
                "quorum": quorum,
                "chain": step,
                "requester": requester.id,
                "policy": {"name": policy.name, "version": policy.version, "digest": policy.digest},
                "created_at": at.isoformat(),
                "expires_at": expires_at.isoformat(),
                "known_at": known_at.isoformat(),
            }
        )
    except rfc8785.CanonicalizationError as error:
        return Refusal(reason=f"the parameters have no canonical form: {error}", code="bad_parameters")
    refusal = _crowded(connection, plan, action, requester, policy) or beyond(
        connection, policy, case, at=at, requester=requester.id, entity=str(plan.entity)
    )
    if refusal is not None:
        return refusal
    connection.execute(
        insert(proposals).values(
            id=proposal_id,
            action=action.name,
            system=plan.system,
            entity=str(plan.entity),
            requester=requester.id,
            bound=bound,
            digest=digest(bound),
            created_at=stored(at),
            expires_at=stored(expires_at),
            state=State.PENDING,
            version=1,
            open_key=open_key(action.name, plan.system, plan.entity),
            detail="",
            changed_at=stored(at),
            amount=None if amount is None else amount["value"],
            amount_unit=None if amount is None else amount["unit"],
            undoes=wish.undoes or None,
        )
    )
    ledger.journal.append(
        connection,
        at=at,
        kind="proposed",
        actor=requester.id,
        proposal=proposal_id,
        data={"digest": digest(bound), "action": action.name, "entity": str(plan.entity), "rule": verdict.rule},
    )
    return load(connection, proposal_id)


def _placed(step: dict[str, Json] | None) -> tuple[str, ...]:
    """Its place in a chain, for the approver."""
    if step is None:
        return ()
    after = f", carried out once {step['after']} is verified" if step["after"] else ""
    return (f"step {step['step']} of {step['of']} of {step['id']}{after}; the strictest step decides who must approve",)


def undoing(ledger: Ledger, proposal_id: str, *, requester: Person, reason: str, view: View) -> Proposal | Refusal:
    """A proposal that takes back the effect of a verified one, decided on like any other. Raises NotFound."""
    with ledger.memory.read() as connection:
        done = load(connection, proposal_id)
    action = ACTIONS.get(done.action)
    if action is None or not action.inverse or action.inverse_parameters is None:
        return Refusal(reason=f"no action undoes {done.id}: {done.bound['undo']}", code="no_undo")
    if done.state is not State.VERIFIED:
        return Refusal(reason=f"{done.id} is {done.state}; only what is verified can be undone", code="no_undo")
    carried = Carried(parameters=done.parameters, told=done.bound["preconditions"]["values"], effect=done.effect or "")
    parameters = {**action.inverse_parameters(carried), "reason": reason}
    origins = {name: QUESTION if name == "reason" else OURS for name in parameters}
    wish = Wish(action=action.inverse, parameters=parameters, requester=requester, origins=origins, undoes=proposal_id)
    return propose(ledger, wish, view=view)


def _terms(ledger: Ledger, action: ActionType, draft: Draft) -> Terms | Refusal | None:
    """What the target says beforehand; None where it has no bounds, or isn't configured."""
    target = ledger.targets.get(draft.system)
    if isinstance(target, Bounded) and action.name in target.offers:
        return target.terms(draft)
    if action.bounded and target is not None:
        return Refusal(reason=f"{draft.system} has no bounds for {action.name}", code="not_offered")
    return None


def _origins(wish: Wish, action: ActionType, plan: Plan, view: View) -> list[Origin] | Refusal:
    if unknown := sorted(set(wish.origins) - set(action.parameter_names)):
        return Refusal(reason=f"{action.name} takes no {', '.join(unknown)}", code="bad_origin")
    found = []
    for parameter in plan.parameters:
        origin = wish.origins.get(parameter, "")
        if origin == OURS and wish.undoes:
            found.append(Origin(parameter=parameter, origin=wish.undoes, label=f"{OURS}, {wish.undoes}", trusted=True))
            continue
        if origin == QUESTION:
            found.append(Origin(parameter=parameter, origin=origin, label="the question", trusted=True))
            continue
        record = view.record(origin) if origin else None
        if origin and record is None:
            return Refusal(reason=f"{parameter} is said to come from {origin}, which is no record", code="bad_origin")
        if record is None:
            found.append(Origin(parameter=parameter, origin="", label="nobody knows where", trusted=False))
        elif isinstance(record, Note):
            by = f" by {record.author}" if record.author else ""
            label = f"the free text of a note{by} ({record.provenance.source})"
            found.append(
                Origin(parameter=parameter, origin=origin, label=label, trusted=False, author=record.author or "")
            )
        else:
            label = f"a record of {record.provenance.source}"
            # An id or a number of a structured record is the system's own word; any text in it may be anybody's.
            trusted = action.parameter(parameter).form is not Form.TEXT
            found.append(Origin(parameter=parameter, origin=origin, label=label, trusted=trusted))
    return found


def _evidence(wish: Wish, plan: Plan, view: View) -> list[Json] | Refusal:
    """Each record's id and the hash of its canonical text, those behind the preconditions included."""
    ids = tuple(dict.fromkeys((*wish.evidence, *plan.snapshot.basis)))
    known = view.records(ids)
    if missing := [record_id for record_id in ids if record_id not in known]:
        return Refusal(reason=f"no record {', '.join(missing)} can be read", code="unknown_evidence")
    return [
        {"record": record_id, "sha256": hashlib.sha256(render(known[record_id]).encode()).hexdigest()}
        for record_id in ids
    ]


def _crowded(
    connection: Connection, plan: Plan, action: ActionType, requester: Person, policy: Policy
) -> Refusal | None:
    key = open_key(action.name, plan.system, plan.entity)
    already = connection.execute(select(proposals.c.id).where(proposals.c.open_key == key)).scalar()
    if already is not None:
        return Refusal(reason=f"{already} already asks for this and is still open", code="already_proposed")
    mine = connection.execute(
        select(func.count())
        .select_from(proposals)
        .where(proposals.c.requester == requester.id, proposals.c.state.in_(OPEN))
    ).scalar_one()
    if mine >= policy.open_per_requester:
        return Refusal(
            reason=f"{requester.id} has {mine} open proposals, the most that the policy allows", code="too_many"
        )
    return None
