"""What the owner of a decision must hear: that an assumption of it broke, and that it holds again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lineside.interpretation.assumptions import Holding
from lineside.interpretation.predicates import worded
from lineside.interpretation.reading import clock
from lineside.interpretation.standing import standing_decisions, turned
from lineside.interpretation.wording import rid, short
from lineside.memory import View
from lineside.plant.records import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaking:
    """One assumption of a decision in force that the records contradict. key: the same as long as it stays so. owner:
    who decided, as the plant file calls them where it knows them. since: None where the records don't tell."""

    key: str
    decision: str
    assumption: str
    text: str
    owner: str | None
    since: datetime | None
    by: str | None


def breakings(view: View) -> list[Breaking]:
    """Every broken assumption of the decisions in force, by the decisions, the newest first."""
    found = []
    for each in standing_decisions(view, view.as_of):
        decision = each.decision
        for check in each.broken:
            turn = turned(view, decision, check)
            since = turn.since if turn else None
            when = f" since {clock(since, view.plant, relative_to=view.as_of)}" if since else ""
            by = decision.decided_by or "somebody not named"
            text = f'The decision "{short(decision.choice, 140)}" ({by}, {decision.provenance.source_id}) rests on '
            text += f'"{short(check.text, 120)}", which no longer holds{when}: {short(check.found, 160)}.'
            found.append(
                Breaking(
                    key=_key(decision, check.text),
                    decision=rid(decision),
                    assumption=check.text,
                    text=text,
                    owner=_owner(view, decision),
                    since=since,
                    by=turn.record if turn else None,
                )
            )
    return found


def holding_again(view: View, keys: Iterable[str]) -> list[str]:
    """A sentence for each of these keys whose decision is still in force and whose assumption holds again."""
    wanted = set(keys)
    if not wanted:
        return []
    found = []
    for each in standing_decisions(view, view.as_of):
        for check in each.checks:
            if check.holding is Holding.HOLDS and _key(each.decision, check.text) in wanted:
                name = short(each.decision.choice, 140)
                found.append(
                    f'The decision "{name}" rests on "{short(check.text, 120)}", which holds again: {check.found}.'
                )
    return found


def _key(decision: Decision, assumption: str) -> str:
    return f"{rid(decision)} {worded(assumption)}"


def _owner(view: View, decision: Decision) -> str | None:
    person = view.plant.person(decision.decided_by) if decision.decided_by else None
    return person.id if person else decision.decided_by
