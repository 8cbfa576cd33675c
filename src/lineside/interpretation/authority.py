"""Whether whoever decided had the right that the decision claims, as far as the plant file tells."""

from __future__ import annotations

import re
from enum import StrEnum

from lineside.interpretation.reading import Finding, Kind, PlantFact
from lineside.interpretation.wording import listed, rid, short, words
from lineside.memory import View
from lineside.plant.records import Decision


class Right(StrEnum):
    """What the plant file says of a decider's right."""

    BORNE_OUT = "borne out"
    CONTRADICTED = "contradicted"
    UNSAID = "unsaid"


def right(view: View, decision: Decision) -> tuple[Right, Finding | None]:
    """Whether the plant file bears out the authority that the decision names; with a sentence where it says anything.

    Limits beside the role (`up to 72 h`) are told as written: no record says what was decided in such figures.
    """
    if not decision.decided_by:
        return Right.UNSAID, None
    person = view.plant.person(decision.decided_by)
    if person is None:
        return Right.UNSAID, None
    roles = listed([_spoken(role) for role in person.roles]) if person.roles else "no role"
    fact = PlantFact(key=f"people.{person.id}", text=f"{person.id}: roles {', '.join(person.roles) or 'none'}")
    claimed = _claimed(view, decision.authority or "")
    if not claimed:
        return Right.UNSAID, _finding(f"The plant file gives {person.id} {roles}", decision, fact)
    head = short(decision.authority or "", 120)
    if claimed & {_folded(role) for role in person.roles}:
        text = f'The plant file gives {person.id} {roles}, as the authority "{head}" takes'
        return Right.BORNE_OUT, _finding(text, decision, fact)
    text = f'The authority "{head}" takes {listed(sorted(claimed))}, and the plant file gives {person.id} {roles}'
    return Right.CONTRADICTED, _finding(text, decision, fact)


def _claimed(view: View, authority: str) -> frozenset[str]:
    """The plant's roles that the authority names, before its colon where it has one."""
    head = authority.partition(":")[0]
    said = words(_folded(head))
    known = {_folded(role) for each in view.plant.people for role in each.roles}
    named = {role for role in known if words(role) and words(role) <= said}
    # `shift supervisor` names the supervisor's role, but a longer role that is named whole goes before its part.
    return frozenset(r for r in named if not any(words(r) < words(o) for o in named))


def _folded(role: str) -> str:
    return " ".join(re.sub(r"[-_]+", " ", role).casefold().split())


def _spoken(role: str) -> str:
    return f"the role {_folded(role)}"


def _finding(text: str, decision: Decision, fact: PlantFact) -> Finding:
    data = {"part": "right", "person": decision.decided_by}
    return Finding(text=f"{text}.", kind=Kind.DERIVED, cites=(fact, rid(decision)), data=data)
