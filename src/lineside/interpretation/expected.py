"""What was expected of a decision against what came of it, where both say it in one measure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lineside.interpretation.assumptions import Holding, evaluate
from lineside.interpretation.predicates import predicates, worded
from lineside.interpretation.wording import at, words
from lineside.memory import View
from lineside.plant.quantities import Quantity, number, unit
from lineside.plant.records import Decision

_STEM = 4  # letters that make two words one where only their endings differ
_NONE = r"no|none|zero|without(?: any)?|never|kein|keine|keinen|keiner|null|ohne|nie"
_BOUND = {
    "at most": "<=", "no more than": "<=", "not more than": "<=", "up to": "<=", "under": "<", "below": "<",
    "less than": "<", "fewer than": "<", "at least": ">=", "more than": ">", "above": ">", "over": ">",
    "höchstens": "<=", "hoechstens": "<=", "maximal": "<=", "unter": "<", "weniger als": "<", "mindestens": ">=",
    "mehr als": ">", "über": ">", "ueber": ">",
}  # fmt: skip
_COUNT = re.compile(
    rf"\b(?:({'|'.join(sorted(_BOUND, key=len, reverse=True))})\s+)?(?:(\d+(?:[.,]\d+)?)\s*(%)?|({_NONE}))\s+"
    r"((?:[^\W\d_][\w-]*\s+){0,2}[^\W\d_][\w-]*)",
    re.IGNORECASE,
)


class Came(StrEnum):
    """How an outcome stands to what was expected."""

    AS_EXPECTED = "as expected"
    OTHERWISE = "otherwise"
    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """came: the comparison. found: what it rests on, in words. records: beside the decision itself."""

    came: Came
    found: str = ""
    records: tuple[str, ...] = ()


def outcome_of(view: View, decision: Decision, later: Sequence[Decision] = ()) -> Outcome:
    """How what came of the decision stands to what was expected: by the records where the expectation is a predicate,
    else by the counts that both texts name of one thing. later: decisions that followed and may tell the outcome."""
    expected = decision.expected or ""
    stated = predicates(expected, view) if expected else None
    if stated:
        checks = [evaluate(p, worded(expected), said_at=at(decision), view=view) for p in stated]
        found = "; ".join(c.found for c in checks if c.found)
        records = tuple(dict.fromkeys(r for c in checks for r in c.records))
        if any(c.holding is Holding.BROKEN for c in checks):
            return Outcome(came=Came.OTHERWISE, found=found, records=records)
        if all(c.holding is Holding.HOLDS for c in checks):
            return Outcome(came=Came.AS_EXPECTED, found=found, records=records)
        return Outcome(came=Came.UNSAID, found=found, records=records)
    told = decision.outcome or next((d.outcome for d in later if d.outcome), None)
    if not expected or not told:
        return Outcome(came=Came.UNSAID)
    return Outcome(came=compare(expected, told))


def compare(expected: str, outcome: str) -> Came:
    """Whether the outcome's counts are within what was expected of the same things; unsaid where they share none."""
    wanted, came = _counts(expected), _counts(outcome)
    verdicts = []
    for sign, amount, things in wanted:
        for _, got, others in came:
            if amount.unit == got.unit and _same(things, others):
                verdicts.append(_within(got, sign, amount))
    if not verdicts:
        return Came.UNSAID
    return Came.AS_EXPECTED if all(verdicts) else Came.OTHERWISE


def _counts(text: str) -> list[tuple[str, Quantity, frozenset[str]]]:
    """Each count with its bound and the words of what is counted; none and no are zero."""
    found = []
    for match in _COUNT.finditer(text):
        amount = number((match[2] or "0").replace(",", "."))
        things = words(match[5])
        if amount is None or not things:
            continue
        if match[2] and Quantity(amount, match[5].split()[0]).to("s"):
            continue  # how long, not how many
        bound = _BOUND.get((match[1] or "").casefold(), "=")
        found.append((bound, Quantity(amount, unit(match[3] or "")), things))
    return found


def _same(things: frozenset[str], others: frozenset[str]) -> bool:
    """Whether every word of the shorter side is in the other, its ending apart."""
    fewer, more = sorted((things, others), key=len)
    return all(any(_alike(one, other) for other in more) for one in fewer)


def _alike(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter) and (one == other or len(shorter) >= _STEM) and len(longer) - len(shorter) <= 2


def _within(got: Quantity, sign: str, amount: Quantity) -> bool:
    match sign:
        case "<=":
            return got.value <= amount.value
        case "<":
            return got.value < amount.value
        case ">=":
            return got.value >= amount.value
        case ">":
            return got.value > amount.value
        case _:
            return got.value == amount.value
