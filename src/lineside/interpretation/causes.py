"""What came before a loss: the first cause and its chain, who acted since, and what speaks against it.

A cause that a record or a person states is fact or claimed. One that only follows from what two records have in
common, and from their order in time, is guessed, and says what links them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.interpretation.reading import Finding, Kind, clock
from lineside.interpretation.stops import Interval, Loss, intervals
from lineside.interpretation.waiting import meant
from lineside.interpretation.wording import alike, at, listed, names, rid, said, short, stated, text_of, words
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Decision, Event, Note, Record
from lineside.plant.windows import Window

CAUSES = (
    "pick_late", "excursion", "alarm", "parameter_change", "hold_placed", "nonconformity", "maintenance_started",
    "maintenance_finished", "maintenance_requested", "eta_changed", "change_effective", "inspection_result",
    "feed_stopped", "resequenced", "priority_changed", "cancelled", "split", "stop", "slow",
)  # fmt: skip
_FOR_CHANGEOVER = ("resequenced", "priority_changed", "change_effective", "hold_placed", "cancelled", "pick_late")
# What ends a cause: once over for half an hour, it explains nothing that comes later.
_OVER = {
    "alarm": "alarm_cleared", "pick_late": "staged", "hold_placed": "hold_released", "stop": "start",
    "slow": "slow_end", "maintenance_started": "maintenance_finished", "feed_stopped": "feed_started",
}  # fmt: skip
_SPENT = timedelta(minutes=30)
ACTIONS = (
    "maintenance_requested", "maintenance_started", "maintenance_finished", "restart_check", "resequenced",
    "parameter_change", "hold_released", "disposition", "priority_changed", "promise_changed", "alarm_cleared",
)  # fmt: skip
_BECAUSE = re.compile(
    r"\b(because|due to|caused by|cause:|root cause|as a result of|thanks to|owing to|wegen|weil|aufgrund|auf grund|"
    r"infolge|ursache|verursacht|grund:|liegt an|lag an)\b",
    re.IGNORECASE,
)
_RUNS = re.compile(
    r"(?<!not )(?<!nicht )\b(running|is up|back up|l(?:ä|ae)uft|in betrieb)\b(?! nicht)(?! not)", re.IGNORECASE
)
_STANDS = re.compile(
    r"(?<!not )(?<!nicht )\b(stopped|is down|still down|standing still|steht|stillstand|ausgefallen)\b(?! nicht)",
    re.IGNORECASE,
)
_NEAR = timedelta(hours=2)  # without a lot, job order or word in common, only so near in time is a hint
_FAR = timedelta(hours=24)
_DEPTH = 4
_BESIDE = 2  # further losses whose chains are told
_CLOCKS = timedelta(seconds=60)
_EDGE = timedelta(minutes=2)  # how far two sources' times for one change may lie apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The chain as findings, its first cause as the end of a sentence, and what speaks against it."""

    first: str = ""
    findings: tuple[Finding, ...] = ()
    against: tuple[Finding, ...] = ()
    next_steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Link:
    cause: Event
    score: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    """What a cause is sought for: its place, its moment, its subjects and its words."""

    kind: str
    source: str
    equipment: str
    moment: datetime
    figures: frozenset[str]
    subjects: frozenset[Entity]
    text: str
    feeding: Mapping[str, str] = field(default_factory=dict)  # lines that make what it waits for -> that material


def explain(view: View, equipment: str, losses: Sequence[Interval]) -> Story:
    """The chain behind the weightiest loss, and those behind the next ones as far as records tell of any. losses:
    weightiest first."""
    if not losses:
        return Story()
    # A changeover was planned; where something else was lost too, that is what needs explaining.
    anchor, *others = _anchors([i for i in losses if i.loss is not Loss.CHANGEOVER] or losses)
    others = [i for i in _anchors(losses) if i in others or i.loss is Loss.CHANGEOVER][:_BESIDE]
    chain = list(_chain(view, anchor))
    claims = _claimed(view, equipment, anchor)
    steps = _steps(view, anchor, chain)
    findings = [stated(step, view.plant, relative_to=view.as_of) for step in steps]
    findings += [stated(note, view.plant, relative_to=view.as_of) for note in claims]
    findings += _guesses(view, steps, chain)
    used = {rid(s) for s in steps} | {rid(n) for n in claims}
    for other in others:
        if other is not anchor and (beside := list(_chain(view, other))):
            more = [s for s in _steps(view, other, beside) if rid(s) not in used]
            findings += [stated(step, view.plant, relative_to=view.as_of) for step in more]
            findings += _guesses(view, _steps(view, other, beside), beside)
            used |= {rid(s) for s in more}
    against = list(_elsewhere(view, equipment, chain[-1].cause)) if chain else []
    acted = list(_acted(view, equipment, anchor, used))
    findings += [stated(record, view.plant, relative_to=view.as_of) for record in acted]
    next_steps = () if acted else (f"Ask who owns {_brief(anchor)}: no action on it is on record.",)
    return Story(
        first=_first(view, anchor, chain, claims),
        findings=tuple(_once(findings)),
        against=tuple(against),
        next_steps=next_steps,
    )


def _anchors(losses: Sequence[Interval]) -> list[Interval]:
    """The first interval of each loss of one name, in the order of their weight."""
    first: dict[tuple[Loss, str], Interval] = {}
    for interval in losses:
        key = (interval.loss, interval.why)
        if key not in first or interval.start < first[key].start:
            first[key] = interval
    return list(first.values())


def _steps(view: View, anchor: Interval, chain: Sequence[_Link]) -> list[Record]:
    """The records of a chain, first cause first, the loss itself last."""
    opening = view.record(anchor.records[0]) if anchor.records else None
    return [*(link.cause for link in reversed(chain)), *([opening] if opening is not None else [])]


def _guesses(view: View, steps: Sequence[Record], chain: Sequence[_Link]) -> list[Finding]:
    return [_guess(view, link, effect) for link, effect in zip(reversed(chain), steps[1:], strict=False)]


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    seen = set[str]()
    for finding in findings:
        if finding.text not in seen:
            seen.add(finding.text)
            yield finding


def contradictions(view: View, equipment: str, window: Window, losses: Sequence[Interval]) -> list[Finding]:
    """Notes and states that say the line ran while it is recorded as standing, or stood while nothing says so."""
    still = [i for i in losses if i.loss is not Loss.SLOW]
    found = []
    for note in view.notes(equipment=equipment, within=window):
        moment = at(note)
        covering = [i for i in still if i.start + _EDGE < moment and (i.end is None or moment < i.end - _EDGE)]
        if covering and _RUNS.search(note.text) and not _STANDS.search(note.text):
            when = clock(moment, view.plant, relative_to=view.as_of)
            text = f"{said(note)} at {when}, while {_brief(covering[0])} is recorded."
            found.append(Finding(text=text, kind=Kind.CLAIMED, cites=(rid(note), *covering[0].records)))
        elif not any(i.start - _EDGE <= moment and (i.end is None or moment <= i.end + _EDGE) for i in still):
            state = [
                s for s in view.said(kind=EntityKind.EQUIPMENT, properties=("state",)) if within(s.entity.id, equipment)
            ]
            runs = [s for s in state if s.text.lower() == "running" and s.occurred_at <= moment]
            if runs and _STANDS.search(note.text) and not _RUNS.search(note.text):
                when = clock(moment, view.plant, relative_to=view.as_of)
                text = f"{said(note)} at {when}, while {runs[-1].source} says running."
                found.append(Finding(text=text, kind=Kind.CLAIMED, cites=(rid(note), runs[-1].record_id)))
    for sign in view.statements(kind=EntityKind.EQUIPMENT, properties=("state",), within=window):
        if sign.text.strip().lower() != "running":
            continue
        for stop in still:
            inside = stop.start + _EDGE < sign.occurred_at and (stop.end is None or sign.occurred_at < stop.end - _EDGE)
            same = sign.entity.id == stop.equipment or sign.entity.id == work_center(stop.equipment)
            if inside and same and sign.source != stop.source:
                when = clock(sign.occurred_at, view.plant, relative_to=view.as_of)
                other = f"{_brief(stop)} is recorded by {stop.source}"
                text = f"{sign.source} says {sign.entity.id} running at {when}, while {other}."
                found.append(Finding(text=text, kind=Kind.FACT, cites=(sign.record_id, *stop.records)))
    return found


def about(view: View, interval: Interval) -> frozenset[Entity]:
    """The job order, lot and materials that an interval concerns: its own, and those of the job order then running."""
    found = {Entity(k, v) for k in ("job_order", "lot", "material") if (v := getattr(interval, k))}
    line = work_center(interval.equipment)
    for place in dict.fromkeys((interval.equipment, line)):
        running = [
            s
            for s in view.statements(entity=Entity(EntityKind.EQUIPMENT, place), properties=("job_order",))
            if s.occurred_at <= interval.start and s.text
        ]
        if running:
            found.add(Entity(EntityKind.JOB_ORDER, running[-1].text))
            break
    for job in [e for e in found if e.kind == EntityKind.JOB_ORDER]:
        for fact in view.said(entity=job, properties=("material", "components")):
            if isinstance(fact.value, str):
                found.add(Entity(EntityKind.MATERIAL, fact.value))
            elif isinstance(fact.value, list):
                found |= {
                    Entity(EntityKind.MATERIAL, str(c["material"]))
                    for c in fact.value
                    if isinstance(c, dict) and c.get("material")
                }
    return frozenset(found)


def _chain(view: View, anchor: Interval) -> Iterator[_Link]:
    opening = view.record(anchor.records[0]) if anchor.records else None
    own = frozenset(opening.entities()) if isinstance(opening, Event) else frozenset()
    effect = _Effect(
        kind=str(anchor.loss),
        source=anchor.source,
        figures=_figures(opening),
        equipment=anchor.equipment,
        moment=anchor.start,
        subjects=frozenset(e for e in own | about(view, anchor) if e.kind != EntityKind.EQUIPMENT),
        text=f"{anchor.reason} {anchor.code} {anchor.text}",
        feeding=_feeding(view, anchor),
    )
    seen = set(anchor.records)
    for _ in range(_DEPTH):
        # Clocks of two sources differ: what another one dates a moment later may still have come first.
        before = Window(start=effect.moment - _FAR, end=effect.moment + _CLOCKS)
        known = view.events(kinds=(*CAUSES, *_OVER.values()), within=before)
        kinds = _FOR_CHANGEOVER if effect.kind == Loss.CHANGEOVER else CAUSES
        pool = [
            e
            for e in known
            if e.kind in kinds
            and rid(e) not in seen
            and (at(e) <= effect.moment or e.provenance.source != effect.source)
            and not _passed(e)
            and not _spent(e, known, effect)
        ]
        links = [link for e in pool if (link := _linked(e, effect)) is not None]
        if not links:
            return
        best = max(links, key=lambda link: (link.score, at(link.cause), rid(link.cause)))
        seen.add(rid(best.cause))
        yield best
        subjects = frozenset(e for e in best.cause.entities() if e.kind != EntityKind.EQUIPMENT)
        effect = _Effect(
            kind=best.cause.kind,
            source=best.cause.provenance.source,
            figures=_figures(best.cause),
            equipment=best.cause.equipment or effect.equipment,
            moment=at(best.cause),
            subjects=subjects or effect.subjects,
            text=_told_by(best.cause),
        )


def _feeding(view: View, anchor: Interval) -> dict[str, str]:
    """The other lines whose job orders make a material of the one that waits; empty for a loss that is no wait."""
    if anchor.waits_for not in ("material", "upstream", "others") and anchor.loss is not Loss.IDLE:
        return {}
    wanted = {e.id for e in about(view, anchor) if e.kind == EntityKind.MATERIAL}
    told: dict[Entity, dict[str, str]] = {}
    for word in view.said(kind=EntityKind.JOB_ORDER, properties=("material", "equipment")) if wanted else ():
        told.setdefault(word.entity, {})[word.property] = word.text
    found = {
        work_center(known["equipment"]): known["material"]
        for known in told.values()
        if known.get("equipment") and known.get("material") in wanted
    }
    return {line: material for line, material in found.items() if line != work_center(anchor.equipment)}


def _linked(event: Event, effect: _Effect) -> _Link | None:
    score, why = 0, []
    mine = frozenset(e for e in event.entities() if e.kind != EntityKind.EQUIPMENT)
    if shared := sorted(mine & effect.subjects):
        # What runs on a line shares its job order anyway; a lot or a material in common says more.
        score += 2 if all(e.kind == EntityKind.JOB_ORDER for e in shared) else 3
        why.append(f"both concern {listed([e.id for e in shared])}")
    if named := sorted(e.id for e in mine - effect.subjects if names(effect.text, e.id)):
        score += 4
        why.append(f"it names {listed(named)}")
    if named := sorted(e.id for e in effect.subjects - mine if names(event.text, e.id)):
        score += 4
        why.append(f"its text names {listed(named)}")
    age = max(effect.moment - at(event), timedelta(0))
    if event.equipment and age <= _NEAR:
        if event.equipment == effect.equipment:
            score += 2
            why.append(f"it was at the same equipment {max(1, round(age.total_seconds() / 60))} min before")
        elif work_center(event.equipment) == work_center(effect.equipment):
            score += 1
            why.append("it was on the same line shortly before")
    fed = effect.feeding.get(work_center(event.equipment)) if event.equipment and event.kind in ("stop", "slow") else ""
    if fed and age <= _NEAR:
        score += 3
        why.append(f"its line makes {fed}, which was waited for")
    if len(same := sorted(_figures(event) & effect.figures)) > 1:
        score += 3
        why.append(f"both move from and to the same values ({listed(same)})")
    score -= (age > _FAR / 6) + (age > _FAR / 2)
    ids = {e.id.lower() for e in mine | effect.subjects} | {str(event.equipment).lower()}
    common = sorted(w for w in words(_told_by(event)) & words(effect.text) if w not in ids)
    if common:
        score += min(2, len(common))
        why.append(f"both speak of {listed(common, limit=3)}")
    # The same again is a repetition, not a cause.
    repeats = event.kind == effect.kind and (
        event.equipment == effect.equipment or words(_told_by(event)) == words(effect.text)
    )
    return _Link(event, score, " and ".join(why)) if score >= 2 and not repeats else None


def _told_by(event: Event) -> str:
    """What the event says in words: no figures, units or ids."""
    told = (str(event.attributes.get(n) or "") for n in ("reason", "code", "parameter", "characteristic"))
    return " ".join((event.text, *told))


def _figures(record: Record | None) -> frozenset[str]:
    if not isinstance(record, Event):
        return frozenset()
    return frozenset(str(v) for n in ("from", "to") if (v := record.attributes.get(n)) is not None)


def _spent(event: Event, known: Sequence[Event], effect: _Effect) -> bool:
    """Whether it was over well before the effect."""
    closing = _OVER.get(event.kind)
    if closing is None:
        return False
    subjects = {e for e in event.entities() if e.kind != EntityKind.EQUIPMENT}
    for other in known:
        # A stop that is over has no hold on the next one; a late pick may still have the line waiting.
        grace = _EDGE if event.kind in ("stop", "slow") else _SPENT
        if other.kind == closing and at(event) <= at(other) < effect.moment - grace:
            same = subjects & set(other.entities()) if subjects else other.equipment == event.equipment
            if same and (event.kind not in ("stop", "slow", "alarm") or other.equipment == event.equipment):
                return True
    return False


def _passed(event: Event) -> bool:
    return event.kind == "inspection_result" and str(event.attributes.get("result", "")).lower() == "passed"


def _guess(view: View, link: _Link, effect: Record) -> Finding:
    when = clock(at(link.cause), view.plant, relative_to=view.as_of)
    later = clock(at(effect), view.plant, relative_to=view.as_of)
    kind = effect.kind.replace("_", " ") if isinstance(effect, Event) else "loss"
    text = f"The {link.cause.kind.replace('_', ' ')} at {when} probably led to the {kind} at {later}: {link.why}."
    return Finding(text=text, kind=Kind.GUESSED, cites=(rid(link.cause), rid(effect)))


def _claimed(view: View, equipment: str, anchor: Interval) -> list[Note]:
    """Notes that state a cause for the loss: near it in place and time, with its words or its equipment's name."""
    around = Window(start=anchor.start - timedelta(hours=1), end=max(view.as_of, anchor.start) + timedelta(seconds=1))
    until = (anchor.end or view.as_of) + _FAR
    unit = view.plant.called(anchor.equipment)
    reason = words(f"{anchor.reason} {anchor.code} {anchor.text}")
    found = []
    for note in view.notes(within=around):
        if at(note) > until or not _BECAUSE.search(note.text):
            continue
        here = note.equipment is not None and within(note.equipment, work_center(equipment))
        here = here or note.equipment is None
        named = names(note.text, unit) or names(note.text, anchor.equipment.rpartition("/")[2])
        # A note that only names a place which stood idle without a reason may tell of any of its other stops.
        telling = meant(note.text) if anchor.loss is Loss.IDLE and not anchor.why else ("any", False)
        if here and telling[0] and not telling[1] and (reason & words(note.text) or named):
            found.append(note)
    return found[:3]


def _acted(view: View, equipment: str, anchor: Interval, used: set[str]) -> Iterator[Record]:
    since = Window(start=anchor.start, end=max(view.as_of, anchor.start) + timedelta(seconds=1))
    line = work_center(equipment)
    subjects = about(view, anchor)
    found: list[Record] = [
        e
        for e in view.events(kinds=ACTIONS, within=since)
        if (e.equipment and within(e.equipment, line)) or subjects & frozenset(e.entities())
    ]
    found += [d for d in view.decisions(within=since) if _concerns(d, line, subjects, view.plant.called(line))]
    found += list(view.notes(equipment=line, within=since))
    fresh = sorted((r for r in found if rid(r) not in used), key=lambda r: (at(r), rid(r)))
    yield from fresh[:8]


def _concerns(decision: Decision, line: str, subjects: Iterable[Entity], name: str) -> bool:
    mine = set(decision.entities())
    text = text_of(decision)
    return (
        any(e.kind == EntityKind.EQUIPMENT and (within(e.id, line) or within(line, e.id)) for e in mine)
        or any(s in mine or names(text, s.id) for s in subjects)
        or names(text, name)
        or names(text, line)
    )


def _elsewhere(view: View, equipment: str, cause: Event) -> Iterator[Finding]:
    """Places where the same thing happened without a stop after it: the cause alone does not explain the loss."""
    around = Window(start=at(cause) - _FAR, end=view.as_of + timedelta(seconds=1))
    if cause.kind in ("stop", "slow"):
        return
    line = work_center(equipment)
    for event in view.events(kinds=(cause.kind,), within=around):
        if event.equipment is None or within(event.equipment, line) or at(event) + _NEAR > view.as_of:
            continue
        subject = bool({e for e in cause.entities() if e.kind != "equipment"} & set(event.entities()))
        if not subject and alike(words(text_of(cause)), words(text_of(event))) < 0.5:
            continue
        after = Window(start=at(event), end=at(event) + _NEAR)
        if not intervals(view, work_center(event.equipment), after):
            when = clock(at(event), view.plant, relative_to=view.as_of)
            text = f"{said(event)} at {when} was followed by no recorded loss there within 2 h."
            yield Finding(text=text[:1].upper() + text[1:], kind=Kind.DERIVED, cites=(rid(event), rid(cause)))


def _first(view: View, anchor: Interval, chain: Sequence[_Link], claims: Sequence[Note]) -> str:
    if chain:
        cause = chain[-1].cause
        return f"it probably began with {_in_brief(cause)} at {clock(at(cause), view.plant, relative_to=view.as_of)}"
    if claims:
        return f'{claims[0].author or "a note"} gives as the cause: "{short(claims[0].text, 120)}"'
    return f"the first was {_brief(anchor)} at {clock(anchor.start, view.plant, relative_to=view.as_of)}"


def _in_brief(cause: Record) -> str:
    if not isinstance(cause, Event) or not (cause.text or cause.equipment):
        return short(said(cause), 90)
    place = f" at {cause.equipment}" if cause.equipment else ""
    return f"{cause.kind.replace('_', ' ')}{place}" + (f' "{short(cause.text, 60)}"' if cause.text else "")


def _brief(interval: Interval) -> str:
    return f"the {interval.loss} at {interval.equipment}" + (f" ({interval.why})" if interval.why else "")
