"""What each source says now of one thing, where they contradict one another, and what hangs on it."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.interpretation.beside import told_beside
from lineside.interpretation.conflict import conflict_finding, conflicts_of, conflicts_on
from lineside.interpretation.disputes import disputes, way_out
from lineside.interpretation.entity_states import SharedState, States
from lineside.interpretation.facts import Facts, doubts, spoken, told
from lineside.interpretation.holds import Hold, binding, hold_finding, holds
from lineside.interpretation.links import lines_of, lines_on, link_findings
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind

# These say how a thing stands; they come first, whatever else is known.
_STANDING = ("state", "status", "quality_status", "result", "credit")


def state(view: View, entity: Entity, *, touches: bool = False) -> Reading:
    """The one shared state and why; each source's word on how the entity stands, and its lines or operations;
    conflicts with what they endanger and the way out, holds.

    touches: what hangs together with it too, as is told anyway where it is held, where sources contradict one
    another, and where nothing says how it stands.
    """
    facts = Facts(view)
    said = facts.about(entity)
    on_it = binding(holds(facts), _bearers(facts, entity))
    below = [part for child in _children(facts, entity) for part in _standing_points(facts, child)]
    states = States(facts)
    shared = states.of(entity)
    if not said and not on_it and not below and not shared.because:
        return _nothing(view, entity)
    names = list(dict.fromkeys(s.property for s in sorted(said, key=lambda s: (_rank(s.property), s.property))))
    points = [_point(facts, entity, name) for name in names]
    disputed = disputes(facts, entity)
    pairs = [c for name in names for c in conflicts_of(facts, entity, name)]
    freed = [f for each in disputed for f in each.findings if str(f.data["go_by"]).startswith("hold ")]
    conflicts = (*(conflict_finding(facts, c) for c in pairs), *freed)
    at_stake = [f for each in disputed if (f := each.stakes.finding(facts))]
    held = [hold_finding(facts, h) for h in on_it]
    findings = (*conflicts, *shared.because, *at_stake, *held, *points, *below)
    if touches or conflicts or on_it or not (below or _has_standing(names)):
        findings += link_findings(facts, entity)
    main = [p for p, name in zip(points, names, strict=True) if _rank(name) < len(_STANDING)] or below or points
    steps = [step for each in disputed for step in each.steps] + [way_out(c) for c in pairs]
    return Reading(
        verdict=_verdict(entity, shared, on_it, conflicts, main),
        findings=findings,
        against=_once((*states.against(entity), *doubts(facts, said))),
        missing=(
            *shared.missing,
            *(f"{entity.id} has no report of its status." for _ in [0] if said and not _has_standing(names)),
        ),
        next_steps=tuple(dict.fromkeys(steps)),
        data={
            "entity": str(entity),
            "state": shared.state,
            "rule": shared.rule,
            "words": [{"source": w.source, "said": w.said, "means": w.means} for w in shared.words],
            "conflicts": len(conflicts),
            "holds": [h.id for h in on_it],
        },
    )


def _verdict(
    entity: Entity, shared: SharedState, on_it: Sequence[Hold], conflicts: Sequence[Finding], main: Sequence[Finding]
) -> str:
    """Held, the shared state and why, and the first conflict; the sources' words where the state doesn't tell them."""
    parts = [f"Held by {', '.join(h.id for h in on_it)}."] if on_it else []
    parts += [f.text for f in shared.because]
    parts += [f.text for f in conflicts[:1]]
    told = " ".join(parts)
    if not conflicts and main and not (shared.words and all(f"{w.source} says {w.said}" in told for w in shared.words)):
        parts.append(main[0].text)
    return " ".join(parts) if parts else f"{entity.id} has no reports."


def lookup(view: View, entity: Entity, properties: Sequence[str], *, history: bool = False) -> Reading:
    """What the sources say of the asked properties, unmapped ones too; with `history`, how each changed and when."""
    facts = Facts(view)
    findings, missing, heard = list[Finding](), list[str](), list[Statement]()
    conflicts = list[Finding]()
    for name in properties:
        holder = _holder(facts, entity, name)
        if holder is None and (near := told_beside(facts, entity, name)):
            findings += [finding for finding, _ in near]
            heard += [s for _, words in near for s in words]
            continue
        if holder is None:
            missing.append(f"No source has reported {_spaced(name)} of {entity.id}.")
            continue
        heard += facts.words(holder, name)
        conflicts += conflicts_on(facts, holder, name)
        findings.append(_point(facts, holder, name))
        if history:
            findings += _changes(view, holder, name)
    if not findings:
        known = sorted({s.property for s in facts.about(entity)})
        if known:
            missing.append(f"Known of {entity.id}: {', '.join(_spaced(n) for n in known)}.")
        return Reading(verdict=missing[0] if missing else f"Nothing was asked of {entity.id}.", missing=tuple(missing))
    return Reading(
        verdict=findings[0].text if not conflicts else conflicts[0].text,
        findings=(*findings, *conflicts),
        against=doubts(facts, heard),
        missing=tuple(missing),
        data={"entity": str(entity), "properties": list(properties)},
    )


def _point(facts: Facts, entity: Entity, name: str) -> Finding:
    words = facts.words(entity, name) or [s for s in facts.about(entity) if s.property == name]
    values = {(told(s, facts.view), s.scope) for s in words}
    shown = "; ".join(spoken(s, facts.view) for s in words)
    return Finding(
        text=f"{entity.id}, {_spaced(name)}: {shown}.",
        kind=Kind.FACT,
        cites=tuple(s.record_id for s in words),
        data={
            "property": name,
            "values": {s.source if not s.scope else f"{s.source}:{s.scope}": s.value for s in words},
            "agree": len(values) == 1,
            "shared_state": facts.state(entity, name),
        },
    )


def _changes(view: View, entity: Entity, name: str) -> list[Finding]:
    """One finding for each change of one source's word, oldest first; repetitions are left out."""
    last: dict[tuple[str, str | None], Statement] = {}
    findings = []
    for statement in view.statements(entity=entity, properties=(name,)):
        if statement.occurred_at > view.as_of:
            continue
        before = last.get((statement.source, statement.scope))
        if before is not None and before.value != statement.value:
            when = clock(statement.occurred_at, view.plant, relative_to=view.as_of)
            findings.append(
                Finding(
                    text=f"{statement.source} changed {_spaced(name)} of {entity.id} from {told(before, view)} "
                    f"to {told(statement, view)} at {when}.",
                    kind=Kind.DERIVED,
                    cites=(before.record_id, statement.record_id),
                    data={"from": before.value, "to": statement.value, "at": statement.occurred_at.isoformat()},
                )
            )
        last[statement.source, statement.scope] = statement
    return findings


def _holder(facts: Facts, entity: Entity, name: str) -> Entity | None:
    """The entity itself, else the order that it is a line of, where that one has the property."""
    return next((e for e in (entity, entity.parent) if e is not None and facts.words(e, name)), None)


def _bearers(facts: Facts, entity: Entity) -> list[Entity]:
    """The things whose holds bind the entity too: a lot's material and job order, a line's order."""
    above = [entity, *([entity.parent] if entity.parent else [])]
    for name in ("material", "job_order", "sales_order_line"):
        if entity.kind in (EntityKind.LOT, EntityKind.HANDLING_UNIT, EntityKind.JOB_ORDER, EntityKind.OPERATION):
            above += [target for target, _ in facts.linked(entity, name)]
    if entity.kind == EntityKind.HANDLING_UNIT:
        above += [target for target, _ in facts.linked(entity, "lot")]
    return above


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple({finding.text: finding for finding in findings}.values())


def _nothing(view: View, entity: Entity) -> Reading:
    known = view.knows(entity)
    text = (
        f"{entity.id} is mentioned, but no source has reported its state" if known else f"No record tells of {entity}"
    )
    return Reading(verdict=f"{text}.", missing=(f"A report on {entity} from any source.",))


def _children(facts: Facts, entity: Entity) -> list[Entity]:
    """The lines of an order or a shipment, the operations of a job order."""
    match entity.kind:
        case EntityKind.SALES_ORDER:
            return lines_of(facts, entity)
        case EntityKind.SHIPMENT:
            return lines_on(facts, entity)
        case EntityKind.JOB_ORDER:
            return facts.view.parts([entity], EntityKind.OPERATION)
        case _:
            return []


def _standing_points(facts: Facts, entity: Entity) -> list[Finding]:
    names = sorted({s.property for s in facts.about(entity)} & set(_STANDING), key=_rank)
    return [_point(facts, entity, name) for name in names]


def _rank(name: str) -> int:
    return _STANDING.index(name) if name in _STANDING else len(_STANDING)


def _has_standing(names: Sequence[str]) -> bool:
    return any(_rank(name) < len(_STANDING) for name in names)


def _spaced(name: str) -> str:
    return name.replace("_", " ")
