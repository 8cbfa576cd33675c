"""What is to be expected of a line by its last moment: it is ready, comes in time, is open to doubt, or misses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from lineside.interpretation.assessment import LineReadiness
from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.gates import Gate, Stand
from lineside.interpretation.last_moments import Deadline, deadline_of, promise
from lineside.interpretation.lead_times import LeadTimes
from lineside.interpretation.reading import Finding, Kind, clock
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.interpretation.stability import Flip
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.records import Json, quantity
from lineside.plant.timeline import duration


class Expected(StrEnum):
    """How a line stands to its last moment, what needs most attention first."""

    MISSES = "misses"
    DOUBTFUL = "doubtful"
    UNKNOWN = "not confirmed"
    SHAKY = "ready but unsteady"
    COMES = "in time"
    FIRM = "ready"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One line against its last moment. ready_at: when its last closed gate can be open."""

    line: LineReadiness
    deadline: Deadline
    expected: Expected
    ready_at: datetime | None
    guessed: bool
    promised: Statement | None
    flips: tuple[Flip, ...]

    @property
    def slack(self) -> timedelta | None:
        return None if self.ready_at is None else self.deadline.at - self.ready_at


def outlook(facts: Facts, each: LineReadiness, flips: Sequence[Flip], past: LeadTimes) -> Outlook | None:
    """What is to be expected of the line; None where neither a truck nor a promise sets it a last moment."""
    deadline = deadline_of(facts, each.line, each.question.trucks)
    if deadline is None:
        return None
    ready_at, guessed = _ready_at(each, past)
    return Outlook(
        line=each,
        deadline=deadline,
        expected=_expected(each, deadline, ready_at, flips, now=facts.view.as_of),
        ready_at=ready_at,
        guessed=guessed,
        promised=promise(facts, each.line),
        flips=tuple(flips),
    )


def outlook_finding(facts: Facts, each: Outlook) -> Finding:
    """The line against its last moment, in one sentence."""
    now, plant, line = facts.view.as_of, facts.plant, each.line
    last = clock(each.deadline.at, plant, relative_to=now)
    text = f"{line.line.id}: {each.expected.value}; last moment {last} ({each.deadline.basis})"
    cites = [*each.deadline.cites, *line.cites]
    if each.ready_at is not None and each.slack is not None:
        word = "by forecast ready" if each.guessed else "ready"
        slack = each.slack.total_seconds()
        side = "before" if slack >= 0 else "after"
        text += f"; {word} at {clock(each.ready_at, plant, relative_to=now)} at the soonest, "
        text += f"{duration(abs(slack))} {side} it"
        cites += [c for found in line.soonest.values() for c in found.cites]
    elif each.expected in (Expected.SHAKY, Expected.DOUBTFUL, Expected.MISSES) and line.closed:
        asked = [f"{g.owner or 'somebody'}: {g.opens_with}" for g in line.closed if g.gate not in line.soonest]
        text += f"; it hangs on {'; '.join(asked)}" if asked else ""
    promised = moment(each.promised.value) if each.promised else None
    if each.promised and promised and breaks(each):
        text += f"; the promise for {clock(promised, plant, relative_to=now)} would be broken"
        cites.append(each.promised.record_id)
    cites += [c for g in line.closed for c in g.cites]
    return Finding(
        text=f"{text}.",
        kind=Kind.GUESSED if each.guessed else Kind.DERIVED,
        cites=tuple(dict.fromkeys(cites)),
        data=outlook_data(each),
    )


def outlook_data(each: Outlook) -> dict[str, Json]:
    """The figures of one line's outlook."""
    return {
        "line": each.line.line.id,
        "expected": each.expected.value,
        "deadline": each.deadline.at.isoformat(),
        "leaves": each.deadline.leaves.isoformat(),
        "shipment": each.deadline.truck.id if each.deadline.truck else None,
        "ready_at": each.ready_at.isoformat() if each.ready_at else None,
        "guessed": each.guessed,
        "breaks_promise": breaks(each),
    }


def rank(facts: Facts, each: Outlook) -> tuple[object, ...]:
    """Sorts first what breaks a promise, then what costs most, then what is most urgent, then what is due soonest."""
    order = list(Expected).index(each.expected)
    return (breaks(each) is not True, order, -penalty(facts, each.line.line)[0], *_late(facts, each))


def breaks(each: Outlook) -> bool | None:
    """Whether the promise can't be kept by this departure; None where there is none, or nothing tells."""
    promised = moment(each.promised.value) if each.promised else None
    if promised is None or each.ready_at is None:
        return None
    return max(each.ready_at, each.deadline.leaves) > promised


def penalty(facts: Facts, line: Entity) -> tuple[Decimal, Statement | None]:
    """What a broken promise of the line costs, where a record says so."""
    for name in shipping_policy().rank.penalty:
        for bearer in (line, line.parent):
            said = facts.best(bearer, name) if bearer else None
            amount = quantity(said.value) if said else None
            if said and amount:
                return amount.value, said
    return Decimal(0), None


def priority(facts: Facts, line: Entity) -> tuple[float, Statement | None]:
    """How urgent the line is, lowest first, and who says so."""
    said = next((s for bearer in (line, line.parent) if bearer and (s := facts.best(bearer, "priority"))), None)
    return shipping_policy().rank.priority(said.text if said else None), said


def _late(facts: Facts, each: Outlook) -> tuple[object, ...]:
    return (priority(facts, each.line.line)[0], each.deadline.at, each.line.line)


def _ready_at(each: LineReadiness, past: LeadTimes) -> tuple[datetime | None, bool]:
    """When the last closed gate opens, what is still to be made inspected after that too; None where nothing tells."""
    last = each.earliest
    gates = [g for g in each.closed if g.gate is not Gate.CARRIER]
    if not gates:
        return None, False
    known = [each.soonest.get(g.gate) for g in gates]
    found = [k for k in known if k]
    if len(found) < len(known):
        return None, False
    last = max(found, key=lambda one: one.at)
    guessed = any(k.kind is Kind.GUESSED for k in found)
    made = each.soonest.get(Gate.MADE)
    if made and past.release:
        return max(last.at, made.at + past.release.median), True
    return last.at, guessed


def _expected(
    each: LineReadiness,
    deadline: Deadline,
    ready_at: datetime | None,
    flips: Sequence[Flip],
    *,
    now: datetime,
) -> Expected:
    if each.buckets is not None and each.buckets.shipped >= each.buckets.wanted > 0:
        return Expected.LEFT
    tight = timedelta(minutes=shipping_policy().stability.tight_min)
    closed = [g for g in each.closed if g.gate is not Gate.CARRIER]
    shaky = any(flip.near and flip.closes and flip.gate is not Gate.CARRIER for flip in flips)
    if not closed:
        carrier = next(g for g in each.gates if g.gate is Gate.CARRIER)
        if carrier.stand is Stand.CLOSED or deadline.at <= now:
            return Expected.MISSES
        if any(g.gate is not Gate.CARRIER for g in each.unknown):
            return Expected.UNKNOWN
        return Expected.SHAKY if shaky or any(f.near and f.closes for f in flips) else Expected.FIRM
    if deadline.at <= now or (ready_at is not None and ready_at > deadline.at):
        return Expected.MISSES
    if ready_at is None or any(g.stops for g in closed):
        return Expected.DOUBTFUL
    return Expected.DOUBTFUL if shaky or (deadline.at - ready_at < tight) else Expected.COMES
