"""From what was asked to what would be done: the system that keeps the subject, what it says of it, the difference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from lineside.actions.action import (
    NONE,
    ActionType,
    Added,
    Change,
    Creates,
    Draft,
    Effect,
    Plan,
    Refusal,
    Sets,
    Snapshot,
    Terms,
    fits,
)
from lineside.actions.asked import typed, written
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Json

ACTIVE, HOLDS = "active", "active_holds"


def plan(
    action: ActionType,
    parameters: Mapping[str, Json],
    *,
    view: View,
    systems: Collection[str],
    terms: Callable[[Draft], Terms | Refusal | None] = lambda _: None,
) -> Plan | Refusal:
    """The plan for these parameters, or why there is none. systems: where it could be done, if any is configured.
    terms: what the target there says of it beforehand."""
    asked = typed(action, parameters, view)
    if isinstance(asked, Refusal):
        return asked
    subject = asked[action.subject]
    if not isinstance(subject, Entity):
        raise TypeError(f"{action.name} names no entity by {action.subject}")
    texts = {each.name: written(each, asked[each.name], view) for each in action.parameters if each.name in asked}
    system = _the_system(action, subject, view, systems, texts)
    if isinstance(system, Refusal):
        return system
    draft = Draft(
        action=action.name,
        asked=asked,
        written=texts,
        subject=subject,
        system=system,
        view=view,
        told=_told(subject, view, system),
    )
    said = terms(draft)
    if isinstance(said, Refusal):
        return said
    draft = replace(draft, terms=said)
    snapshot = _snapshot(action, draft)
    for refusal in (_in_the_way(action, snapshot, draft), action.check(draft) if action.check else None):
        if refusal is not None:
            return refusal
    added = action.adds(view, subject, texts) if action.adds else Added(payload={})
    if isinstance(added, Refusal):
        return added
    effect = action.effect(draft)
    return Plan(
        entity=subject,
        system=system,
        parameters=MappingProxyType(texts),
        payload=MappingProxyType({**draft.payload, **added.payload}),
        snapshot=replace(snapshot, basis=tuple(dict.fromkeys((*snapshot.basis, *added.basis)))),
        effect=effect,
        changes=_changes(action, draft, effect, snapshot),
        facts=(*_facts(action, subject, view), *added.facts, *(said.facts if said is not None else ())),
        amount=action.amount(draft) if action.amount else None,
    )


def active_holds(subject: Entity, view: View, system: str) -> dict[str, str]:
    """Each hold on the subject that is active as `system` says it, with the record that says so."""
    found: dict[str, str] = {}
    closed: set[str] = set()
    told: dict[str, dict[str, Statement]] = {}
    for said in view.said(kind=EntityKind.HOLD, properties=("subject", "status")):
        if said.source == system:
            told.setdefault(said.entity.id, {})[said.property] = said
    for hold, properties in told.items():
        pointer, status = properties.get("subject"), properties.get("status")
        if pointer is not None and names(pointer.value, subject):
            if status is None or status.value == ACTIVE:
                found[hold] = (status or pointer).record_id
            else:
                closed.add(hold)
    for event in view.events(kinds=("hold_placed", "hold_released"), about=subject):
        if event.provenance.source != system or not event.hold or event.hold in closed:
            continue
        if event.kind == "hold_placed":
            found.setdefault(event.hold, event.provenance.record_id)
        elif event.hold not in told:
            found.pop(event.hold, None)
    return dict(sorted(found.items()))


def names(value: Json, subject: Entity) -> bool:
    """Whether a property points to this subject; a plain id counts."""
    return isinstance(value, str) and bool(value.strip()) and Entity.parse(value, kind=subject.kind) == subject


def _the_system(
    action: ActionType, subject: Entity, view: View, systems: Collection[str], texts: Mapping[str, str]
) -> str | Refusal:
    """Who keeps the subject: the configured target, what the plant file calls such a system, or who spoke of it."""
    wanted = {rest.property for rest in action.rests_on(texts)}
    spoken = {said.source for said in view.said(entity=subject) if not wanted or said.property in wanted}
    cards = {card.name: card.kind for card in view.plant.sources}
    of_kind = [{name for name, kind in cards.items() if kind == each} for each in action.systems]
    for candidates in (set(systems), *of_kind):
        if len(candidates & spoken) == 1:
            return next(iter(candidates & spoken))
        if len(candidates) == 1:
            return next(iter(candidates))
        if candidates:
            return Refusal(
                reason=f"{subject} could be kept in {', '.join(sorted(candidates))}; no record says which",
                code="ambiguous_system",
            )
    holds = view.said(kind=EntityKind.HOLD) if any(rest.property == HOLDS for rest in action.rests) else []
    keepers = {said.source for said in holds} or spoken
    if len(keepers) == 1:
        return next(iter(keepers))
    kinds = " or ".join(action.systems)
    return Refusal(reason=f"no source is known to keep {subject}; name its {kinds} in plant.toml", code="no_system")


def _told(subject: Entity, view: View, system: str) -> dict[str, Statement]:
    """What the system last said of the subject, by property."""
    found: dict[str, Statement] = {}
    for said in view.said(entity=subject):
        before = found.get(said.property)
        if said.source == system and (
            before is None or (said.occurred_at, said.reported_at) >= (before.occurred_at, before.reported_at)
        ):
            found[said.property] = said
    return found


def _snapshot(action: ActionType, draft: Draft) -> Snapshot:
    values: dict[str, str | None] = {}
    basis: list[str] = []
    for rest in action.rests_on(draft.written):
        if rest.property == HOLDS:
            holds = active_holds(draft.subject, draft.view, draft.system)
            values[HOLDS] = ", ".join(holds) or NONE
            basis += holds.values()
        elif said := draft.told.get(rest.property):
            values[rest.property] = said.text
            basis.append(said.record_id)
        else:
            values[rest.property] = None
    return Snapshot(values=MappingProxyType(values), basis=tuple(dict.fromkeys(basis)))


def _in_the_way(action: ActionType, snapshot: Snapshot, draft: Draft) -> Refusal | None:
    """What of the subject's present state makes the action pointless or impossible."""
    for rest in action.rests_on(draft.written):
        words, value = rest.property.replace("_", " "), snapshot.values[rest.property]
        if value is None:
            if rest.must_be_told:
                return Refusal(reason=f"{draft.system} never said the {words} of {draft.subject}", code="not_told")
        elif not fits(rest, value):
            return Refusal(
                reason=f"{draft.subject} stands against it in {draft.system}: {words} is {value}", code="in_the_way"
            )
    return None


def _changes(action: ActionType, draft: Draft, effect: Effect, snapshot: Snapshot) -> tuple[Change, ...]:
    set_to = effect.also if isinstance(effect, Creates) else effect.values
    includes = isinstance(effect, Sets) and effect.includes
    changes = [
        Change(
            field=f"{name.replace('_', ' ')} of {draft.subject} in {draft.system}",
            before=snapshot.values.get(name) or _last_told(draft, name),
            after=f"includes {value}" if includes else value,
        )
        for name, value in set_to.items()
    ]
    if isinstance(effect, Creates):
        field = f"{effect.what}s on {draft.subject} in {draft.system}"
        before = snapshot.values.get(HOLDS) if effect.kind == EntityKind.HOLD else None
        changes.append(Change(field=field, before=before or "as they are", after=_new(action, draft, effect)))
    return tuple(changes)


def _last_told(draft: Draft, name: str) -> str:
    return draft.told[name].text if name in draft.told else f"not said by {draft.system}"


def _new(action: ActionType, draft: Draft, effect: Creates) -> str:
    said = {name: text for name, text in draft.written.items() if name != action.subject}
    if len(said) == 1:
        return f"one more {effect.what}: {next(iter(said.values()))}"
    words = "; ".join(f"{name.replace('_', ' ')} {text}" for name, text in said.items())
    return f"one more {effect.what}: {words}"


def _facts(action: ActionType, subject: Entity, view: View) -> tuple[str, ...]:
    said = view.said(entity=subject, properties=action.facts) if action.facts else ()
    return tuple(
        f"{s.property.replace('_', ' ')}: {s.text} ({s.source}{f', {s.scope}' if s.scope else ''})" for s in said
    )
