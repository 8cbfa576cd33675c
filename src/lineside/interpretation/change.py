"""What changed in a window: state differences with who and why, corrections and decisions; most important first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from lineside.interpretation.entity_states import States, spaced
from lineside.interpretation.facts import Facts, told
from lineside.interpretation.occurrences import KINDS
from lineside.interpretation.output import jobs_on
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.shared_states import has_states
from lineside.interpretation.wording import (
    at,
    counted,
    late_sources,
    listed,
    names,
    rid,
    said,
    short,
    stated,
    text_of,
)
from lineside.memory import Statement, View
from lineside.memory.telling import said_before
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.records import Correction, Decision, Deletion, Event, Json, Note
from lineside.plant.windows import Window

# Properties by what a change in them costs; those not named come after. Counters and rates move all the time: their
# movement is pace, not change.
_WEIGHT = (
    ("status", "quality_status", "disposition", "result", "credit"),
    ("promised_at", "eta", "planned_departure", "planned_end", "planned_start", "due_at", "priority", "sequence"),
    ("quantity", "revision", "effective_at", "target_rate", "job_order", "owner", "components", "lines"),
    ("state", "reason"),
)
_MOVING = frozenset(
    {"good_count", "reject_count", "rate", "quantity_good", "quantity_scrap", "actual_start", "as_counted_at"}
)
_FIRST_KINDS = (
    EntityKind.HOLD,
    EntityKind.LOT,
    EntityKind.SALES_ORDER,
    EntityKind.SALES_ORDER_LINE,
    EntityKind.SHIPMENT,
)
_EVENTS = (
    "hold_placed", "hold_released", "disposition", "promise_changed", "priority_changed", "cancelled", "resequenced",
    "released", "parameter_change", "eta_changed", "change_approved", "change_effective", "schema_changed",
    "feed_stopped", "feed_started", "departed", "split", "completed", "started", "stop", "start",
    "changeover_start", "changeover_end", "slow", "slow_end",
    "maintenance_requested", "maintenance_started", "maintenance_finished", "restart_check", *KINDS,
)  # fmt: skip
_NEAR = timedelta(minutes=10)
_WHY = timedelta(hours=1)  # a decision or note may be told so long before or after
_SHOWN = 40
_STATES = 8
# What passes through gates looks at much of the plant: told only where the question is about one thing or place.
_GATED = (EntityKind.SALES_ORDER, EntityKind.SALES_ORDER_LINE, EntityKind.SHIPMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property that is not what it was. before: None where nothing was said of it earlier."""

    before: Statement | None
    after: Statement
    reason: Event | None

    @property
    def weight(self) -> tuple[bool, int, bool, float]:
        name = self.after.property
        rank = next((i for i, group in enumerate(_WEIGHT) if name in group), len(_WEIGHT))
        return (
            self.before is None,
            rank,
            self.after.entity.kind not in _FIRST_KINDS,
            -self.after.occurred_at.timestamp(),
        )


def changes(view: View, window: Window, *, equipment: str | None = None, entity: Entity | None = None) -> Reading:
    """Every state that differs between the window's two ends, each with who and why where a record tells; with the
    events, decisions and corrections of the window that no difference shows. Most important first."""
    span = Window(start=window.start, end=max(window.start, min(window.end, view.as_of + timedelta(microseconds=1))))
    scope = _scope(view, span, equipment, entity)
    events = [e for e in view.events(kinds=_EVENTS, within=span) if _in(scope, e.entities())]
    decisions = [
        d for d in view.decisions(within=span) if scope is None or not list(d.entities()) or _in(scope, d.entities())
    ]
    corrections = [c for c in view.corrections(span) if _corrects(view, c, scope)]
    mended = {rid(new) for c in corrections if isinstance(c, Correction) and (new := view.replacement(c)) is not None}
    # What only a correction made different did not change in the plant, and comes after what did.
    found = sorted(differences(view, span, events, scope), key=lambda d: d.after.record_id in mended)
    told_why: list[Decision | Note] = [*decisions, *view.notes(within=span)]
    used = {rid(d.reason) for d in found if d.reason is not None}
    findings = list(_states(view, span, found, gated=scope is not None))
    findings += [_difference(view, d, told_why, corrected=d.after.record_id in mended) for d in found[:_SHOWN]]
    findings += [stated(e, view.plant, relative_to=span.start) for e in _by_weight(events) if rid(e) not in used][
        :_SHOWN
    ]
    findings += [stated(d, view.plant, relative_to=span.start) for d in decisions]
    findings += [_corrected(view, c) for c in corrections]
    since, until = clock(span.start, view.plant), clock(span.end, view.plant, relative_to=span.start)
    about = f" at {view.plant.called(equipment)}" if equipment else f" on {entity.id}" if entity else ""
    # What a silent source would tell of the whole plant is not known to be unchanged.
    told_by = {d.after.source for d in found} if scope is not None else {f.source for f in view.freshness()}
    missing = list(late_sources(view, told_by))
    if not findings:
        return Reading(
            verdict=f"Nothing changed{about} between {since} and {until}, as far as the records tell.",
            missing=tuple(missing),
            window=window,
        )
    changed = [d for d in found if d.after.record_id not in mended]
    counts = [
        counted(n, w)
        for n, w in (
            (len(changed), "state difference"), (len(events) - len(used), "event"),
            (len(decisions), "decision"), (len(corrections), "correction"),
        )
        if n
    ]  # fmt: skip
    verdict = f"Between {since} and {until}{about}: {listed(counts)}"
    if found:
        verdict += f"; first: {_change_words(view, found[0])}"
    if len(found) > _SHOWN:
        missing.append(
            f"{counted(len(found) - _SHOWN, 'lesser difference')}: ask for one piece of equipment or one order."
        )
    return Reading(
        verdict=verdict + ".",
        findings=tuple(findings),
        missing=tuple(missing),
        window=window,
        data={"differences": len(changed), "events": len(events) - len(used), "corrections": len(corrections)},
    )


def differences(
    view: View, window: Window, events: Sequence[Event], scope: frozenset[Entity] | None = None
) -> list[Difference]:
    """The properties that each source says otherwise at the window's end than at its start, most important first."""
    latest: dict[tuple[str, Entity, str, str | None], Statement] = {}
    for statement in view.statements(within=window):
        if statement.property not in _MOVING and _in(scope, (statement.entity,)):
            latest[statement.source, statement.entity, statement.property, statement.scope] = statement
    earlier: dict[tuple[str, Entity, str, str | None], Statement] = {}
    for statement in said_before(view, {key[1] for key in latest}, window.start):
        earlier[statement.source, statement.entity, statement.property, statement.scope] = statement
    named: dict[Entity, list[Event]] = {}
    for event in events:
        for entity in set(event.entities()):
            named.setdefault(entity, []).append(event)
    found = []
    for key, after in latest.items():
        before = earlier.get(key)
        if before is None or before.value != after.value:
            found.append(Difference(before=before, after=after, reason=_why(after, named.get(after.entity, ()))))
    # A thing that is new altogether shows once, by its weightiest property.
    new: set[Entity] = set()
    kept = []
    for difference in sorted(found, key=lambda d: (*d.weight, str(d.after.entity), d.after.property)):
        if difference.before is None and not any(k[1] == difference.after.entity for k in earlier):
            if difference.after.entity in new:
                continue
            new.add(difference.after.entity)
        kept.append(difference)
    return kept


def _why(after: Statement, near: Iterable[Event]) -> Event | None:
    """The nearest in time of the events about the thing."""
    close = [e for e in near if abs(at(e) - after.occurred_at) <= _NEAR]
    return min(close, key=lambda e: (abs(at(e) - after.occurred_at), rid(e)), default=None)


def _states(view: View, window: Window, found: Sequence[Difference], *, gated: bool) -> Iterator[Finding]:
    """The shared state of each thing at the two ends, as it was known then, where it is another; few of them."""
    things = [
        d.after.entity for d in found if d.before is not None and has_states(d.after.entity.kind, d.after.property)
    ]
    before = States(Facts(replace(view, as_of=window.start, kept={})))
    after = States(Facts(view if window.end > view.as_of else replace(view, as_of=window.end, kept={})))
    for entity in [e for e in dict.fromkeys(things) if gated or e.kind not in _GATED][:_STATES]:
        was, now = before.of(entity), after.of(entity)
        if was.state is None or now.state is None or was.state == now.state:
            continue
        because = f": {_without(now.because[0].text, entity)}" if now.because else ""
        cites = dict.fromkeys(c for f in (*now.because, *was.because) for c in f.cites)
        cites |= dict.fromkeys(w.record_id for w in (*now.words, *was.words))
        data: dict[str, Json] = {"entity": str(entity), "state_before": was.state, "state_after": now.state}
        text = f"{entity.id} went from {spaced(was.state)} to {spaced(now.state)}{because}"
        yield Finding(text=text.rstrip(".") + ".", kind=Kind.DERIVED, cites=tuple(cites)[:20], data=data)


def _without(text: str, entity: Entity) -> str:
    """The reason alone, where it begins with whose it is."""
    head, colon, reason = text.partition(": ")
    return reason if colon and head.startswith(entity.id) else text


def _difference(view: View, found: Difference, near: Sequence[Decision | Note], *, corrected: bool) -> Finding:
    after, before, reason = found.after, found.before, found.reason or _told_why(found, near)
    when = clock(after.occurred_at, view.plant, relative_to=view.as_of)
    text = f"{when}: {_change_words(view, found)}, says {after.source}"
    if reason is not None:
        text += f"; {said(reason)}"
    if corrected:
        text += "; a correction, no change in the plant"
    cites = tuple(dict.fromkeys(i for i in (before and before.record_id, after.record_id, reason and rid(reason)) if i))
    data: dict[str, Json] = {
        "entity": str(after.entity),
        "property": after.property,
        "before": before.value if before else None,
        "after": after.value,
        "source": after.source,
        "corrected": corrected,
    }
    return Finding(text=text + ".", kind=Kind.DERIVED, cites=cites, data=data)


def _told_why(found: Difference, near: Iterable[Decision | Note]) -> Decision | Note | None:
    """The nearest in time of the decisions and notes that name the thing, decisions first."""
    after = found.after
    close = [
        each
        for each in near
        if abs(at(each) - after.occurred_at) <= _WHY
        and (after.entity in each.entities() or names(text_of(each), after.entity.id))
    ]
    return min(close, key=lambda e: (isinstance(e, Note), abs(at(e) - after.occurred_at), rid(e)), default=None)


def _change_words(view: View, found: Difference) -> str:
    after, before = found.after, found.before
    name = f"{after.entity.id} {after.property.replace('_', ' ')}" + (f" ({after.scope})" if after.scope else "")
    if before is None:
        return f"{name} first said: {short(told(after, view))}"
    return f"{name} from {short(told(before, view))} to {short(told(after, view))}"


def _corrected(view: View, correction: Correction | Deletion) -> Finding:
    when = clock(correction.provenance.reported_at, view.plant, relative_to=view.as_of)
    old = view.taken_back(correction)
    was = f" (it said: {said(old[0])})" if old else ""
    verb = "corrected" if isinstance(correction, Correction) else "deleted"
    target = correction.corrects if isinstance(correction, Correction) else correction.of
    text = f"{when}: {correction.provenance.source} {verb} {target}{was}: {short(correction.reason)}"
    cites = [rid(correction)]
    new = view.replacement(correction) if isinstance(correction, Correction) else None
    if new is not None:
        text += f"; now: {said(new)}"
        cites.append(rid(new))
    return Finding(text=text + ".", kind=Kind.FACT, cites=tuple(cites), data={"corrects": target})


def _corrects(view: View, correction: Correction | Deletion, scope: frozenset[Entity] | None) -> bool:
    if scope is None:
        return True
    new = view.replacement(correction) if isinstance(correction, Correction) else None
    return any(_in(scope, r.entities()) for r in (*view.taken_back(correction), *((new,) if new else ())))


def _scope(view: View, window: Window, equipment: str | None, entity: Entity | None) -> frozenset[Entity] | None:
    """The entities that the question is about, with what belongs to them; None for all."""
    if entity is not None and entity.kind != EntityKind.EQUIPMENT:
        related = {entity}
        for statement in view.said(entity=entity):
            if statement.property in set(EntityKind) and isinstance(statement.value, str):
                related.add(Entity(statement.property, statement.value))
        for kind in (EntityKind.SALES_ORDER_LINE, EntityKind.OPERATION):
            related |= {e for e in view.entities(kind) if e.parent == entity}
        return frozenset(related)
    place = equipment or (entity.id if entity else None)
    if place is None:
        return None
    return frozenset({Entity(EntityKind.EQUIPMENT, place), *jobs_on(view, place, window)})


def _in(scope: frozenset[Entity] | None, entities: Iterable[Entity]) -> bool:
    if scope is None:
        return True
    places = [e.id for e in scope if e.kind == EntityKind.EQUIPMENT]
    return any(
        e in scope or (e.kind == EntityKind.EQUIPMENT and any(within(e.id, p) for p in places)) for e in entities
    )


def _by_weight(events: Iterable[Event]) -> Iterator[Event]:
    yield from sorted(events, key=lambda e: (_EVENTS.index(e.kind), -at(e).timestamp(), rid(e)))
