"""Decisions: what was decided and why, what came of it, whether its assumptions still hold, and what is in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from lineside.interpretation.assumptions import Check, Holding, Span, course
from lineside.interpretation.authority import Right, right
from lineside.interpretation.expected import Came, outcome_of
from lineside.interpretation.force import Clash, Standing, applies, clashes, standing, standing_decisions, touches
from lineside.interpretation.predicates import worded
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.wording import at, counted, late_sources, listed, names, rid, short, text_of, words
from lineside.memory import View
from lineside.memory.own_notes import own_notes
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Decision, Json

__all__ = ["Standing", "active_holds", "applies", "broken", "decided", "in_force", "in_force_finding", "pick",
           "standing", "standing_decisions", "turned"]  # fmt: skip


_MOST_CLASHES = 8


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
    outcomes = _told_outcomes(view, [st.decision for st in standings])
    for each in standings:
        came_of = outcomes.get(rid(each.decision), [])
        findings += [*_told(view, each), *came_of]
        held, entitled = right(view, each.decision)
        if entitled is not None:
            (against if held is Right.CONTRADICTED else findings).append(entitled)
        against += [_checked(view, each, c) for c in each.checks if c.holding in (Holding.BROKEN, Holding.CONTESTED)]
        findings += [_checked(view, each, c) for c in each.checks if c.holding is Holding.HOLDS]
        missing += [_unchecked(each, c) for c in each.checks if _open(c)]
        came = _came(view, each)
        if came is not None:
            (against if came.data["came"] == Came.OTHERWISE else findings).append(came)
        if not came_of and not each.decision.outcome and not any(d.outcome for d in each.followed_by):
            missing.append(f"The outcome of {_name(each.decision)}.")
        elif came is None and each.decision.expected:
            missing.append(f"Whether the outcome of {_name(each.decision)} is what was expected: the texts share no "
                           f"figure; ask {_asked(each)}.")  # fmt: skip
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
            "right": str(right(view, first.decision)[0]),
            "came": str(outcome_of(view, first.decision, first.followed_by).came),
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
    opposed = clashes(view, standings)
    against += [_clashing(view, each) for each in opposed[:_MOST_CLASHES]]
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
    if gone := sum(len(s.broken) for s in standings):
        verdict += f"; {counted(gone, 'assumption')} no longer true"
    if opposed:
        verdict += f"; {counted(len(opposed), 'pair')} of them name different figures for one thing"
    return Reading(
        verdict=verdict + ".",
        findings=(*findings, *holds),
        against=tuple(against),
        missing=late_sources(view, {s for st in standings for c in st.checks for s in c.sources}),
        next_steps=tuple(dict.fromkeys(step for each in opposed[:_MOST_CLASHES] for step in _settle(each))),
        data={
            "decisions": [s.decision.provenance.source_id for s in standings],
            "holds": len(holds),
            "clashes": [[d.provenance.source_id for d in (c.earlier, c.later)] for c in opposed],
        },
    )


def broken(view: View) -> Reading:
    """The decisions in force whose assumptions the records contradict, since when and by which record; and those whose
    assumption broke and holds again."""
    everything = standing_decisions(view, view.as_of)
    standings = [s for s in everything if s.broken]
    unsure = tuple(_unchecked(s, c) for s in everything for c in s.checks if _open(c))
    late = late_sources(view, {s for st in everything for c in st.checks for s in c.sources})
    mended = [f for s in everything for c in s.checks if (f := _mended(view, s, c)) is not None]
    if not standings:
        verdict = "No decision in force rests on an assumption that the records contradict."
        if mended:
            verdict = f"{counted(len(mended), 'assumption')} broke and holds again; none is contradicted now."
        return Reading(verdict=verdict, findings=tuple(mended), missing=(*unsure, *late))
    findings = [f for s in standings for f in (in_force_finding(view, s), *(_checked(view, s, c) for c in s.broken))]
    rest = "rests" if len(standings) == 1 else "rest"
    verdict = f"{counted(len(standings), 'decision')} in force {rest} on facts that changed: "
    verdict += listed([f"{short(s.decision.choice, 80)} ({s.broken[0].text})" for s in standings], limit=4)
    owners = [s.decision.decided_by for s in standings if s.decision.decided_by]
    return Reading(
        verdict=verdict + ".",
        findings=(*findings, *mended),
        missing=(*unsure, *late),
        next_steps=tuple(f"Ask {o} whether the decision still stands." for o in dict.fromkeys(owners)),
        data={
            "decisions": [s.decision.provenance.source_id for s in standings],
            "broken": [
                {
                    "decision": s.decision.provenance.source_id,
                    "assumption": c.text,
                    "since": turn.since.isoformat() if (turn := turned(view, s.decision, c)) else None,
                    "by": turn.record if turn else None,
                }
                for s in standings
                for c in s.broken
            ],
        },
    )


def turned(view: View, decision: Decision, found: Check) -> Span | None:
    """Since when the assumption stands as it does, and by which record; None where the records don't tell."""
    spans = _course(view, decision, found)
    return spans[-1] if spans and spans[-1].holding is found.holding else None


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
        if equipment and place and not touches(place, equipment):
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


def _told_outcomes(view: View, decisions: Sequence[Decision]) -> dict[str, list[Finding]]:
    """What people told Lineside of the outcome of decisions that stand in other systems, which don't tell it."""
    untold = {rid(d): d for d in decisions if not d.outcome}
    found: dict[str, list[Finding]] = {}
    for note in own_notes(view, min(map(at, untold.values()))) if untold else ():
        of = note.attributes.get("of")
        if isinstance(of, str) and of in untold and note.attributes.get("captured_as") == "outcome":
            who, when = note.author or "somebody", clock(at(note), view.plant)
            text = f'Outcome, as {who} told at {when}: "{short(note.text, 300)}".'
            finding = Finding(text=text, kind=Kind.CLAIMED, cites=(rid(note), of), data={"part": "outcome"})
            found.setdefault(of, []).append(finding)
    return found


def _checked(view: View, each: Standing, found: Check) -> Finding:
    said = f": {found.found}" if found.found else ""
    text = f'Assumption "{found.text}" {_WORDS[found.holding]} at {clock(view.as_of, view.plant)}{said}'
    cites = [rid(each.decision), *found.records]
    data: dict[str, Json] = {"assumption": found.text, "holding": str(found.holding)}
    if found.holding is Holding.BROKEN and (turn := turned(view, each.decision, found)):
        if turn.since <= at(each.decision):
            text += "; it was not true when it was decided"
        else:
            text += f"; so since {clock(turn.since, view.plant, relative_to=view.as_of)}"
        data["since"] = turn.since.isoformat()
        if turn.record:
            data["by"] = turn.record
            cites.append(turn.record)
    return Finding(text=f"{text}.", kind=Kind.DERIVED, cites=tuple(dict.fromkeys(cites)), data=data)


def _mended(view: View, each: Standing, found: Check) -> Finding | None:
    """An assumption that broke after it was written and holds again."""
    if found.holding is not Holding.HOLDS:
        return None
    spans = _course(view, each.decision, found)
    gone = [s for s in spans[:-1] if s.holding is Holding.BROKEN]
    if not gone or spans[-1].holding is not Holding.HOLDS:
        return None
    was = clock(gone[-1].since, view.plant, relative_to=view.as_of)
    again = clock(spans[-1].since, view.plant, relative_to=view.as_of)
    text = f'"{found.text}" broke at {was} and holds again since {again}: {found.found}.'
    cites = tuple(dict.fromkeys((rid(each.decision), *(s.record for s in (gone[-1], spans[-1]) if s.record))))
    data: dict[str, Json] = {
        "assumption": found.text,
        "broke": gone[-1].since.isoformat(),
        "again": spans[-1].since.isoformat(),
    }
    return Finding(
        text=text, kind=Kind.DERIVED, cites=(*cites, *(r for r in found.records if r not in cites)), data=data
    )


def _course(view: View, decision: Decision, found: Check) -> list[Span]:
    """The course of the assumption that the check is of."""
    written = next((a for a in decision.assumptions if worded(a) == found.text), None)
    if written is None:
        return []
    key = ("course", rid(decision), written)
    spans: list[Span] | None = view.kept.get(key)
    if spans is None:
        spans = view.kept[key] = course(written, said_at=at(decision), view=view)
    return spans


def _unchecked(each: Standing, found: Check) -> str:
    """What no code can tell of an assumption, and whom to ask."""
    if found.holding is Holding.UNKNOWN:
        return f'"{found.text}": {found.found or "the sources can not be compared with it"}.'
    return f'"{found.text}" can\'t be checked by code: ask {_asked(each)}.'


def _asked(each: Standing) -> str:
    return each.decision.decided_by or "who decided it"


def _came(view: View, each: Standing) -> Finding | None:
    """How the outcome stands to what was expected; None where it can't be compared."""
    decision = each.decision
    outcome = outcome_of(view, decision, each.followed_by)
    if outcome.came is Came.UNSAID or not decision.expected:
        return None
    what = outcome.found or decision.outcome or next((d.outcome for d in each.followed_by if d.outcome), None) or ""
    how = "as expected" if outcome.came is Came.AS_EXPECTED else "not as expected"
    text = f'It came {how}: expected "{short(worded(decision.expected), 120)}", came "{short(what, 160)}".'
    cites = (rid(decision), *outcome.records, *(rid(d) for d in each.followed_by if d.outcome))
    return Finding(text=text, kind=Kind.DERIVED, cites=tuple(dict.fromkeys(cites)), data={"came": str(outcome.came)})


def _clashing(view: View, each: Clash) -> Finding:
    first, second = each.figures
    told = f'{first} ("{short(each.earlier.choice, 90)}", {clock(at(each.earlier), view.plant)})'
    told += f' and {second} ("{short(each.later.choice, 90)}", {clock(at(each.later), view.plant)})'
    text = f"Two decisions in force name different figures for one thing [{each.about}]: {told}"
    text += "; neither says that it replaces the other."
    cites = (rid(each.earlier), rid(each.later))
    return Finding(text=text, kind=Kind.DERIVED, cites=cites, data={"about": each.about, "figures": [first, second]})


def _settle(each: Clash) -> tuple[str, ...]:
    who = [d.decided_by for d in (each.earlier, each.later) if d.decided_by]
    asked = listed(list(dict.fromkeys(who))) if who else "who decided them"
    return (f"Ask {asked} which of {each.figures[0]} and {each.figures[1]} holds.",)


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
