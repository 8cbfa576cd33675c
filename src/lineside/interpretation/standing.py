"""Decisions: what was decided and why, what came of it, whether its assumptions still hold, and what is in force."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineside.interpretation.assumptions import Check, Holding, check
from lineside.interpretation.deadlines import expiry
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.wording import alike, at, counted, late_sources, listed, names, rid, short, text_of, words
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.records import Decision

_ENDED = re.compile(
    r"\b(lifted|ended|closed|cancelled|canceled|withdrawn|removed|superseded|replaced|back to normal|no longer|revoked|"
    r"aufgehoben|beendet|zur(?:ü|ue)ckgenommen|abgeschlossen|ersetzt|hinf(?:ä|ae)llig|nicht mehr)\b",
    re.IGNORECASE,
)
_SAME_QUESTION = 0.7  # this share of words in common makes two questions one
_SUPERSEDES = ("supersedes", "replaces", "ersetzt")


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


def decided(view: View, decisions: Sequence[Decision]) -> Reading:
    """What these decisions chose, why, under what authority, what came of it, and whether each still holds.

    decisions: best first, as `pick` gives them; the verdict is about the first.
    """
    if not decisions:
        return Reading(
            verdict="No decision on that is on record.",
            missing=("A decision record on the question, or a note that tells of one.",),
        )
    known = view.decisions()
    standings = [standing(view, d, known) for d in decisions]
    findings: list[Finding] = []
    against: list[Finding] = []
    missing = list(late_sources(view, {s for st in standings for c in st.checks for s in c.sources}))
    for each in standings:
        findings += _told(view, each)
        against += [_checked(view, each, c) for c in each.checks if c.holding in (Holding.BROKEN, Holding.CONTESTED)]
        findings += [_checked(view, each, c) for c in each.checks if c.holding is Holding.HOLDS]
        missing += [f'"{c.text}": {c.found or "not checkable by records"}.' for c in each.checks if _open(c)]
        if not each.decision.outcome and not any(d.outcome for d in each.followed_by):
            missing.append(f"The outcome of {_name(each.decision)}.")
    first = standings[0]
    return Reading(
        verdict=f"{_chosen(view, first.decision)}; {_status(view, first)}.",
        findings=tuple(findings),
        against=tuple(against),
        missing=tuple(dict.fromkeys(missing)),
        next_steps=_steps(first),
        data={
            "in_force": first.in_force,
            "checks": [{"text": c.text, "holding": str(c.holding)} for c in first.checks],
        },
    )


def in_force(view: View, equipment: str | None = None, at: datetime | None = None) -> Reading:
    """The decisions in force at the moment (default: the view's `as_of`), the active holds, and what each binds."""
    moment = at or view.as_of
    standings = [s for s in standing_decisions(view, moment) if applies(view, s.decision, equipment)]
    holds = active_holds(view, equipment)
    place = f" at {view.plant.called(equipment)}" if equipment else ""
    findings = [in_force_finding(view, s) for s in standings]
    against = [_checked(view, s, c) for s in standings for c in s.broken]
    if not findings and not holds:
        return Reading(
            verdict=f"No decision or hold is in force{place} at {clock(moment, view.plant)}.",
            missing=("A decision or hold record, if one was only spoken.",),
        )
    total = listed([counted(n, w) for n, w in ((len(findings), "decision"), (len(holds), "active hold")) if n])
    verdict = f"{total} in force{place} at {clock(moment, view.plant)}"
    if standings:
        verdict += f": {listed([short(s.decision.choice, 90) for s in standings], limit=4)}"
    if holds:
        verdict += f"; on hold: {listed([str(h.data['subject']) for h in holds], limit=6)}"
    if against:
        verdict += f"; {counted(len(against), 'assumption')} no longer true"
    return Reading(
        verdict=verdict + ".",
        findings=(*findings, *holds),
        against=tuple(against),
        missing=late_sources(view, {s for st in standings for c in st.checks for s in c.sources}),
        data={"decisions": [s.decision.provenance.source_id for s in standings], "holds": len(holds)},
    )


def broken(view: View) -> Reading:
    """The decisions in force whose assumptions the records contradict."""
    standings = [s for s in standing_decisions(view, view.as_of) if s.broken]
    if not standings:
        unsure = [c for s in standing_decisions(view, view.as_of) for c in s.checks if _open(c)]
        return Reading(
            verdict="No decision in force rests on an assumption that the records contradict.",
            missing=tuple(f'"{c.text}": {c.found or "not checkable by records"}.' for c in unsure),
        )
    findings = [f for s in standings for f in (in_force_finding(view, s), *(_checked(view, s, c) for c in s.broken))]
    rest = "rests" if len(standings) == 1 else "rest"
    verdict = f"{counted(len(standings), 'decision')} in force {rest} on facts that changed: "
    verdict += listed([f"{short(s.decision.choice, 80)} ({s.broken[0].text})" for s in standings], limit=4)
    owners = [s.decision.decided_by for s in standings if s.decision.decided_by]
    return Reading(
        verdict=verdict + ".",
        findings=tuple(findings),
        next_steps=tuple(f"Ask {o} whether the decision still stands." for o in dict.fromkeys(owners)),
        data={"decisions": [s.decision.provenance.source_id for s in standings]},
    )


def pick(
    view: View, records: Iterable[str], *, entities: Sequence[Entity] = (), text: str = "", limit: int = 3
) -> list[Decision]:
    """The decisions that a question means, best first: those recalled (record ids, best first) or naming its entities,
    by the words that they share with its text; the newest of equals."""
    recalled = list(records)
    found = view.records(recalled)
    pool = {rid(d): d for d in found.values() if isinstance(d, Decision)}
    for entity in entities:
        pool |= {rid(d): d for d in view.decisions(about=entity)}
    cases = {d.case for d in pool.values() if d.case}
    pool |= {rid(d): d for d in view.decisions() if d.case in cases}
    wanted = words(text)
    place = {record_id: position for position, record_id in enumerate(recalled)}

    def score(decision: Decision) -> tuple[float, float]:
        text_said = text_of(decision)
        named = sum(names(text_said, e.id) or e in decision.entities() for e in entities)
        shared = len(wanted & words(text_said)) / len(wanted) if wanted else 0.0
        rank = 1 / (1 + place[rid(decision)]) if rid(decision) in place else 0.0
        return (round(2 * named + 2 * shared + rank, 1), at(decision).timestamp())

    return sorted(pool.values(), key=score, reverse=True)[:limit]


def standing_decisions(view: View, moment: datetime) -> list[Standing]:
    """Every decision in force at the moment, the newest first."""
    known = [d for d in view.decisions() if at(d) <= moment]
    standings = (standing(view, d, known, moment) for d in known)
    return sorted((s for s in standings if s.in_force), key=lambda s: at(s.decision), reverse=True)


def standing(view: View, decision: Decision, known: Sequence[Decision], moment: datetime | None = None) -> Standing:
    """The decision as it stands at the moment, among the known ones."""
    now = moment or view.as_of
    followed = tuple(d for d in known if at(d) > at(decision) and at(d) <= now and _follows(d, decision))
    until = _until(view, decision)
    why_not = ""
    newer = [d for d in followed if _supersedes(d, decision)]
    outcome = decision.outcome or next((d.outcome for d in followed if d.outcome), None)
    if newer:
        why_not = f"superseded at {clock(at(newer[0]), view.plant)} by: {short(newer[0].choice, 100)}"
    elif until is not None and now >= until:
        why_not = f"it ended at {clock(until, view.plant)}"
    elif outcome and (until is None or _ENDED.search(outcome)):
        why_not = f"closed with the outcome: {short(outcome, 120)}"
    checks = tuple(check(a, said_at=at(decision), view=view) for a in decision.assumptions)
    return Standing(
        decision=decision, checks=checks, until=until, followed_by=followed, in_force=not why_not, why_not=why_not
    )


def in_force_finding(view: View, each: Standing) -> Finding:
    """One decision in force: what, for what reason, under which constraints, until when."""
    decision = each.decision
    parts = [f"In force since {clock(at(decision), view.plant)}: {short(decision.choice)}"]
    if decision.rationale:
        parts.append(f"because {short(decision.rationale)}")
    if decision.constraints:
        parts.append(f"constraints: {listed([short(c, 120) for c in decision.constraints])}")
    if each.until is not None:
        parts.append(f"until {clock(each.until, view.plant)}")
    if decision.decided_by:
        parts.append(f"decided by {decision.decided_by}")
    scope = sorted(str(e) for e in decision.entities())
    text = "; ".join(parts) + (f" [{listed(scope)}]" if scope else "") + "."
    return Finding(
        text=text, kind=Kind.FACT, cites=(rid(decision),), data={"choice": decision.choice, "scope": list(scope)}
    )


def active_holds(view: View, equipment: str | None = None) -> list[Finding]:
    """The holds that a source calls active now; with equipment, those on what its job orders make or use.

    Without any link between hold and equipment in the records the hold is told: blocked stock binds everybody.
    """
    latest: dict[str, dict[str, str]] = {}
    cites: dict[str, list[str]] = {}
    for said in sorted(view.said(kind=EntityKind.HOLD), key=lambda s: (s.occurred_at, s.reported_at)):
        latest.setdefault(said.entity.id, {})[said.property] = said.text
        cites.setdefault(said.entity.id, []).append(said.record_id)
    placed = {e.hold: e for e in view.events(kinds=("hold_placed",)) if e.hold}
    released = {e.hold: e for e in view.events(kinds=("hold_released",)) if e.hold}
    for hold, event in placed.items():
        ended = released.get(hold)
        if hold not in latest and (ended is None or at(ended) < at(event)):
            subject = next((e for e in event.entities() if e.kind not in ("hold", "equipment")), None)
            reason = str(event.attributes.get("reason") or event.text)
            latest[hold] = {"status": "active", "subject": str(subject or ""), "reason": reason}
            cites[hold] = [rid(event)]
    findings = []
    for hold, said_of in sorted(latest.items()):
        if said_of.get("status", "").strip().lower() != "active":
            continue
        place = placed[hold].equipment if hold in placed else None
        if equipment and place and not _touches(place, equipment):
            continue
        held = said_of.get("subject") or hold
        reason = f": {said_of['reason']}" if said_of.get("reason") else ""
        owner = f", owner {said_of['owner']}" if said_of.get("owner") else ""
        findings.append(
            Finding(
                text=f"Hold {hold} on {held} is active{reason}{owner}.",
                kind=Kind.FACT,
                cites=tuple(dict.fromkeys(cites[hold])),
                data={"hold": hold, "subject": held},
            )
        )
    return findings


def _told(view: View, each: Standing) -> list[Finding]:
    decision, record = each.decision, (rid(each.decision),)
    sentences = [
        (f'{clock(at(decision), view.plant)}, on "{short(decision.question)}": {short(decision.choice)}', "choice")
    ]
    if decision.decided_by or decision.authority:
        by = decision.decided_by or "somebody not named"
        under = f" under {short(decision.authority)}" if decision.authority else ""
        sentences.append((f"Decided by {by}{under}", "authority"))
    rejected = [o for o in decision.options if o.strip().lower() != decision.choice.strip().lower()]
    if rejected:
        sentences.append((f"Options on the table: {listed([short(o, 120) for o in rejected], limit=8)}", "options"))
    if decision.rationale:
        sentences.append((f"Why: {short(decision.rationale, 400)}", "rationale"))
    if decision.constraints:
        sentences.append(
            (f"Constraints: {listed([short(c, 160) for c in decision.constraints], limit=8)}", "constraints")
        )
    if decision.expected:
        sentences.append((f"Expected: {short(decision.expected)}", "expected"))
    if decision.outcome:
        sentences.append((f"Outcome: {short(decision.outcome, 400)}", "outcome"))
    findings = [Finding(text=f"{t}.", kind=Kind.FACT, cites=record, data={"part": part}) for t, part in sentences]
    for later in each.followed_by[:3]:
        what = f"; outcome: {short(later.outcome)}" if later.outcome else ""
        text = f"Later, {clock(at(later), view.plant)}: {short(later.choice)}{what}."
        findings.append(Finding(text=text, kind=Kind.FACT, cites=(rid(later),), data={"part": "later"}))
    return findings


def _checked(view: View, each: Standing, found: Check) -> Finding:
    said = f": {found.found}" if found.found else ""
    text = f'Assumption "{found.text}" {_WORDS[found.holding]} at {clock(view.as_of, view.plant)}{said}.'
    cites = (rid(each.decision), *found.records)
    return Finding(
        text=text, kind=Kind.DERIVED, cites=cites, data={"assumption": found.text, "holding": str(found.holding)}
    )


_WORDS = {
    Holding.HOLDS: "holds",
    Holding.BROKEN: "no longer holds",
    Holding.CONTESTED: "is contested between sources",
    Holding.UNKNOWN: "has no record to check it",
    Holding.UNCHECKABLE: "is not checkable by records",
}


def _open(found: Check) -> bool:
    return found.holding in (Holding.UNKNOWN, Holding.UNCHECKABLE)


def _chosen(view: View, decision: Decision) -> str:
    by = f" by {decision.decided_by}" if decision.decided_by else ""
    why = f", because {short(decision.rationale)}" if decision.rationale else ""
    return f"Decided at {clock(at(decision), view.plant)}{by}: {short(decision.choice)}{why}"


def _status(view: View, each: Standing) -> str:
    if each.why_not:
        state = f"no longer in force ({each.why_not})"
    else:
        state = "still in force" + (f" until {clock(each.until, view.plant)}" if each.until else "")
    if each.broken:
        texts = listed([c.text for c in each.broken])
        return f"{state}, but {counted(len(each.broken), 'assumption')} no longer true: {texts}"
    return state


def _steps(each: Standing) -> tuple[str, ...]:
    if each.in_force and each.broken:
        return (f"Ask {each.decision.decided_by or 'who decided it'} whether it still stands.",)
    return ()


def _name(decision: Decision) -> str:
    return f'"{short(decision.question, 100)}"'


def _until(view: View, decision: Decision) -> datetime | None:
    texts = (decision.choice, *decision.constraints, *(str(decision.attributes.get(n) or "") for n in ("scope",)))
    ends = [e for t in texts if (e := expiry(t, said_at=at(decision), view=view)) is not None]
    for name in ("until", "valid_until", "expires_at"):
        value = decision.attributes.get(name)
        if isinstance(value, str) and (e := expiry(f"until {value}", said_at=at(decision), view=view)):
            ends.append(e)
    return min(ends, default=None)


def _follows(later: Decision, decision: Decision) -> bool:
    if later.case and decision.case:
        return later.case == decision.case
    return _supersedes(later, decision) or alike(words(later.question), words(decision.question)) >= _SAME_QUESTION


def _supersedes(later: Decision, decision: Decision) -> bool:
    """A later choice on the same question, or one that names the earlier record."""
    if any(decision.provenance.source_id in str(later.attributes.get(n) or "") for n in _SUPERSEDES):
        return True
    same = alike(words(later.question), words(decision.question)) >= _SAME_QUESTION
    scopes = set(decision.entities()), set(later.entities())
    return same and (scopes[0] == scopes[1] or not (scopes[0] and scopes[1]))


def applies(view: View, decision: Decision, equipment: str | None) -> bool:
    """A decision that names no equipment applies everywhere."""
    if equipment is None:
        return True
    places = {e.id for e in decision.entities() if e.kind == EntityKind.EQUIPMENT}
    text = text_of(decision)
    for known in view.plant.equipment:
        if any(names(text, n) for n in known.names()):
            places.add(known.id)
    return not places or any(_touches(p, equipment) for p in places)


def _touches(one: str, other: str) -> bool:
    return within(one, other) or within(other, one)
