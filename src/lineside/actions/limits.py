"""Limits that add up over time: ten requests of 4,900 are one of 49,000."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from lineside.actions.action import Refusal
from lineside.actions.policy import Case, Limit, Per, Policy
from lineside.actions.proposal import State
from lineside.actions.tables import proposals
from lineside.memory.moments import stored
from lineside.plant.quantities import Quantity, plain

# Whatever was decided for, and not proved to have had no effect.
_COUNTED = (
    State.APPROVED,
    State.EXECUTING,
    State.EXECUTED,
    State.UNKNOWN,
    State.VERIFIED,
    State.COMPENSATED,
    State.VERIFY_FAILED,
    State.NEEDS_HUMAN,
)


def beyond(
    connection: Connection, policy: Policy, case: Case, *, at: datetime, requester: str, entity: str
) -> Refusal | None:
    """Why one more of these would be too many or too much, counting what was approved; None where it is neither."""
    for limit in policy.limits(case):
        columns = proposals.c
        mine = {
            Per.REQUESTER: columns.requester == requester,
            Per.SUBJECT: columns.entity == entity,
            Per.SITE: columns.id.is_not(None),  # a ledger is one site's
        }[limit.per]
        done = connection.execute(
            select(columns.amount, columns.amount_unit).where(
                columns.action == case.action,
                columns.state.in_(_COUNTED),
                columns.decided_at > stored(at - limit.window),
                mine,
            )
        ).all()
        why = _over(
            limit, case, [None if r.amount is None else Quantity(Decimal(r.amount), r.amount_unit) for r in done]
        )
        if why:
            return Refusal(reason=f"{case.action} {why}", code="over_limit")
    return None


def _over(limit: Limit, case: Case, done: list[Quantity | None]) -> str:
    hours = plain(Decimal(limit.window.total_seconds()) / 3600)
    if limit.times is not None and len(done) >= limit.times:
        return f"was approved {len(done)} times per {limit.per} within {hours} h, the most that the policy allows"
    if limit.amount is None:
        return ""
    there = [None if each is None else each.to(limit.amount.unit) for each in (*done, case.amount)]
    known = [each.value for each in there if each is not None]
    if len(known) < len(there):
        return f"has an amount that can't be counted in {limit.amount.unit}, and the policy limits it"
    total = sum(known, Decimal(0))
    if total > limit.amount.value:
        return f"would come to {plain(total)} {limit.amount.unit} per {limit.per} within {hours} h, of {limit.amount}"
    return ""
