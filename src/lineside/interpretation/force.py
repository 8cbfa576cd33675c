"""Which decisions are in force at a moment, what ended the others, and which of them can't both be followed."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from math import ceil

from lineside.interpretation.assumptions import Check, Holding, check
from lineside.interpretation.deadlines import expiry
from lineside.interpretation.decision_words import decision_words
from lineside.interpretation.reading import clock
from lineside.interpretation.wording import alike, at, names, rid, short, text_of, words
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.quantities import unit
from lineside.plant.records import Decision
from lineside.plant.vocabulary import UNIT_WORDS

_AMOUNT = re.compile(r"(?<![\w.,-])(\d+(?:[.,]\d+)?)\s*(%|°?[A-Za-zäü²³]{1,12}(?:/[A-Za-z]{1,4})?)(?![\w/])")
_FIGURED = frozenset({"%", *UNIT_WORDS}) - {"s", "min", "h", "d", "wk", "mo", "a"}  # how long is no setting
_ENDS = ("until", "valid_until", "expires_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One decision as it stands. until: its own end. followed_by: later decisions on the same case or question."""

    decision: Decision
    checks: tuple[Check, ...]
    until: datetime | None
    followed_by: tuple[Decision, ...]
    in_force: bool
    why_not: str = ""

    @property
    def broken(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.holding is Holding.BROKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Two decisions in force at one place or on one thing that name different figures of the same."""

    earlier: Decision
    later: Decision
    figures: tuple[str, str]
    about: str


def standing_decisions(view: View, moment: datetime) -> list[Standing]:
    """Every decision in force at the moment, the newest first."""
    known = [d for d in view.decisions() if at(d) <= moment]
    followers = _followers(known)
    standings = (_standing(view, d, followers.get(rid(d), ()), moment) for d in known)
    found = sorted((s for s in standings if s.in_force), key=lambda s: at(s.decision), reverse=True)
    return [replace(s, checks=_checks(view, s.decision)) for s in found]


def standing(view: View, decision: Decision, known: Sequence[Decision], moment: datetime | None = None) -> Standing:
    """The decision as it stands at the moment, among the known ones."""
    now = moment or view.as_of
    followed = tuple(d for d in known if at(d) > at(decision) and at(d) <= now and _follows(d, decision))
    return replace(_standing(view, decision, followed, now), checks=_checks(view, decision))


def applies(view: View, decision: Decision, equipment: str | None) -> bool:
    """A decision that names no equipment applies everywhere."""
    if equipment is None:
        return True
    found = places(view, decision)
    return not found or any(touches(p, equipment) for p in found)


def places(view: View, decision: Decision) -> frozenset[str]:
    """The equipment that the decision names, by its fields or in its words."""
    found = {e.id for e in decision.entities() if e.kind == EntityKind.EQUIPMENT}
    text = text_of(decision)
    for known in view.plant.equipment:
        if any(names(text, n) for n in known.names()):
            found.add(known.id)
    return frozenset(found)


def touches(one: str, other: str) -> bool:
    """Whether one place lies in the other."""
    return within(one, other) or within(other, one)


def clashes(view: View, standings: Sequence[Standing]) -> list[Clash]:
    """The pairs in force that speak of one place or thing and of one matter, and name different figures for it."""
    told = [(s.decision, amounts) for s in standings if (amounts := figures(s.decision.choice))]
    scopes = [_scope(view, d) for d, _ in told]
    matters = [_matter(view, d, scope) for (d, _), scope in zip(told, scopes, strict=True)]
    found = []
    for index, (one, amounts) in enumerate(told):
        scope = scopes[index]
        for place, (other, others) in enumerate(told[index + 1 :], start=index + 1):
            reach, differing = scopes[place], _differing(amounts, others)
            if differing and matters[index] & matters[place] and _meet(scope, reach):
                earlier, later = sorted(((at(one), rid(one), one), (at(other), rid(other), other)))
                pair = differing if earlier[2] is one else differing[::-1]
                about = ", ".join(sorted(scope & reach)) or ", ".join(sorted(scope))
                found.append(Clash(earlier=earlier[2], later=later[2], figures=pair, about=about))
    return found


def figures(text: str) -> dict[str, str]:
    """What the text names by figures: the unit to the figure as written, where a unit occurs once."""
    found: dict[str, list[str]] = defaultdict(list)
    for amount in _AMOUNT.finditer(text):
        if (code := unit(amount[2])) in _FIGURED:
            found[code].append(amount[0])
    return {unit: written[0] for unit, written in found.items() if len(written) == 1}


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[str, str] | None:
    for code in sorted(set(one) & set(other)):
        if _value(one[code]) != _value(other[code]):
            return one[code], other[code]
    return None


def _value(written: str) -> float:
    return float(re.sub(r"[^\d.,]", "", written).rstrip(".,").replace(",", "."))


def _scope(view: View, decision: Decision) -> frozenset[str]:
    """The things and places it binds."""
    things = {str(e) for e in decision.entities() if e.kind != EntityKind.EQUIPMENT}
    return frozenset(things | {str(Entity(EntityKind.EQUIPMENT, p)) for p in places(view, decision)})


def _meet(one: frozenset[str], other: frozenset[str]) -> bool:
    if one & other:
        return True
    paths = [[s.partition(":")[2] for s in scope if s.startswith("equipment:")] for scope in (one, other)]
    return any(touches(a, b) for a in paths[0] for b in paths[1])


def _matter(view: View, decision: Decision, scope: frozenset[str]) -> frozenset[str]:
    """The words of its choice and question beside its figures and the things it names."""
    called = [each.replace(":", " ").replace("/", " ") for each in scope]
    called += [name for known in view.plant.equipment for name in known.names()]
    named = {w for each in called for w in _of(each)}
    return frozenset(
        w for w in _of(f"{decision.question} {decision.choice}") - named if not any(c.isdigit() for c in w)
    )


def _standing(view: View, decision: Decision, followed: Sequence[Decision], now: datetime) -> Standing:
    until = _until(view, decision)
    why_not = ""
    newer = [d for d in followed if supersedes(d, decision)]
    outcome = decision.outcome or next((d.outcome for d in followed if d.outcome), None)
    if newer:
        why_not = f"superseded at {clock(at(newer[0]), view.plant)} by: {short(newer[0].choice, 100)}"
    elif until is not None and now >= until:
        why_not = f"it ended at {clock(until, view.plant)}"
    elif outcome and (until is None or decision_words().ended.search(outcome)):
        why_not = f"closed with the outcome: {short(outcome, 120)}"
    return Standing(
        decision=decision, checks=(), until=until, followed_by=tuple(followed), in_force=not why_not, why_not=why_not
    )


def _checks(view: View, decision: Decision) -> tuple[Check, ...]:
    return tuple(check(a, said_at=at(decision), view=view) for a in decision.assumptions)


def _until(view: View, decision: Decision) -> datetime | None:
    texts = (decision.choice, *decision.constraints, *(str(decision.attributes.get(n) or "") for n in ("scope",)))
    ends = [e for t in texts if (e := expiry(t, said_at=at(decision), view=view)) is not None]
    for name in _ENDS:
        value = decision.attributes.get(name)
        if isinstance(value, str) and (e := expiry(f"until {value}", said_at=at(decision), view=view)):
            ends.append(e)
    return min(ends, default=None)


@lru_cache(maxsize=8192)
def _of(text: str) -> frozenset[str]:
    return words(text)


def _follows(later: Decision, decision: Decision) -> bool:
    if later.case and decision.case:
        return later.case == decision.case
    return supersedes(later, decision)


def supersedes(later: Decision, decision: Decision) -> bool:
    """A later choice on the same question about the same things, or one that names the earlier record."""
    for name in decision_words().supersedes:
        named = later.attributes.get(name)
        if named and names(str(named), decision.provenance.source_id):
            return True
    scopes = set(decision.entities()), set(later.entities())
    if scopes[0] != scopes[1] and scopes[0] and scopes[1]:
        return False
    return alike(_of(later.question), _of(decision.question)) >= decision_words().same_question


def _followers(known: Sequence[Decision]) -> dict[str, list[Decision]]:
    """Each decision's later ones on the same case, or on the same question about the same things, oldest first; by
    indexes, never every pair."""
    by_case: dict[str, list[Decision]] = defaultdict(list)
    by_question: dict[frozenset[str], dict[frozenset[Entity], list[Decision]]] = defaultdict(lambda: defaultdict(list))
    naming = [d for d in known if any(d.attributes.get(n) for n in decision_words().supersedes)]
    for decision in sorted(known, key=_order):
        if decision.case:
            by_case[decision.case].append(decision)
        by_question[_of(decision.question)][frozenset(decision.entities())].append(decision)
    alike_to = _alike_questions(list(by_question))
    found: dict[str, list[Decision]] = {}
    for decision in known:
        mine = frozenset(decision.entities())
        later = {rid(d): d for d in _after(by_case.get(decision.case or "", ()), decision)}
        later |= {rid(d): d for d in naming if at(d) > at(decision) and supersedes(d, decision)}
        for question in alike_to[_of(decision.question)]:
            asked = by_question[question]
            for scope in (mine, frozenset[Entity]()) if mine else tuple(asked):
                for d in _after(asked.get(scope, ()), decision):
                    if not (d.case and decision.case and d.case != decision.case):
                        later[rid(d)] = d
        if later:
            found[rid(decision)] = sorted(later.values(), key=_order)
    return found


def _after(ordered: Sequence[Decision], decision: Decision) -> Sequence[Decision]:
    return ordered[bisect_right(ordered, at(decision), key=at) :]


def _order(decision: Decision) -> tuple[datetime, datetime, str]:
    return (at(decision), decision.provenance.reported_at, rid(decision))


def _alike_questions(questions: Sequence[frozenset[str]]) -> dict[frozenset[str], list[frozenset[str]]]:
    """Each question's words to those of the questions that mean the same, its own included.

    Two sets that share enough share one of so many of their rarest words, so that only those are compared.
    """
    share = decision_words().same_question
    counts: dict[str, int] = defaultdict(int)
    for question in questions:
        for word in question:
            counts[word] += 1

    def rare(question: frozenset[str]) -> list[str]:
        ordered = sorted(question, key=lambda w: (counts[w], w))
        return ordered[: len(ordered) - ceil(share * len(ordered)) + 1]

    by_word: dict[str, list[frozenset[str]]] = defaultdict(list)
    for question in questions:
        for word in rare(question):
            by_word[word].append(question)
    return {
        question: [o for o in {o: 0 for w in rare(question) for o in by_word[w]} if alike(o, question) >= share]
        for question in questions
    }
