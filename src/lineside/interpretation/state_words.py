"""Whether a state model's conditions hold of a thing, told in words with the records that they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lineside.interpretation import shared_states
from lineside.interpretation.assessment import LineReadiness
from lineside.interpretation.conflict import packaging
from lineside.interpretation.facts import spoken
from lineside.interpretation.gates import Gate, Passage, Stand
from lineside.interpretation.holds import binding
from lineside.interpretation.reading import Cite
from lineside.interpretation.state_models import (
    LINKS,
    AnyOf,
    Compares,
    Condition,
    Has,
    Held,
    InState,
    Newer,
    Not,
    Passes,
    Says,
    Short,
    Stands,
    StateModel,
    Through,
)
from lineside.memory import Statement, View
from lineside.memory.happenings import Happened, newest_of_each
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import quantity

if TYPE_CHECKING:
    from lineside.interpretation.entity_states import States

NEWEST_OF_ONE = 30
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Told:
    """That a condition holds, in words. at: when it was last said, for comparing two."""

    text: str = ""
    cites: tuple[Cite, ...] = ()
    at: datetime | None = None


@dataclass(slots=True)
class Teller:
    """Asks conditions of one thing."""

    states: States
    entity: Entity

    def all(self, conditions: Iterable[Condition]) -> Told | None:
        """What all of the conditions say together; None where one doesn't hold."""
        found = list[Told]()
        for condition in conditions:
            told = self.tell(condition)
            if told is None:
                return None
            found.append(told)
        return _together(found)

    def tell(self, condition: Condition) -> Told | None:
        """What the condition rests on; None where it doesn't hold."""
        match condition:
            case Says(name, wanted):
                return self._says(name, wanted)
            case Held(links):
                return self._held(links)
            case Compares():
                return self._compares(condition)
            case Short(name):
                return self._short(name)
            case Has(names):
                return self._has(names)
            case Stands(gates, stand):
                return self._stands(gates, stand)
            case Passes(what):
                return self._passes(what)
            case InState(wanted):
                found = self.states.of(self.entity)
                if found.state not in wanted:
                    return None
                return Told(
                    "; ".join(f.text.rstrip(".") for f in found.because),
                    tuple(c for f in found.because for c in f.cites),
                )
            case AnyOf(conditions):
                return next((told for each in conditions if (told := self.tell(each)) is not None), None)
            case Not(one):
                return None if self.tell(one) is not None else Told()
            case Newer(one, than):
                return self._newer(one, than)
            case Through():
                return self._through(condition)

    def _says(self, name: str, wanted: Sequence[str]) -> Told | None:
        governs = self.states.governing(self.entity, name)
        if governs is None or _meaning(governs) not in wanted:
            return None
        same = [s for s in self.states.words(self.entity, name) if _meaning(s) == _meaning(governs)]
        same = list({(s.source, s.scope): s for s in [*reversed(same), governs]}.values())[::-1]
        text = ", ".join(spoken(s, self.states.facts.view) for s in same[:_SHOWN])
        return Told(text, tuple(s.record_id for s in same), governs.occurred_at)

    def _held(self, links: Sequence[str]) -> Told | None:
        held, things = self.states.held_kinds, list[Entity]()
        for link in links:
            if link == "self":
                things.append(self.entity)
            elif LINKS[self.entity.kind][link] in held:
                things += self.states.linked.follow(self.entity, link)
        found = binding(self.states.known, things)
        if not found:
            return None
        told = []
        for hold in found[:_SHOWN]:
            on = f" on {hold.subject.id}" if hold.subject and hold.subject != self.entity else ""
            why = f": {hold.reason}" if hold.reason else ""
            told.append(f"hold {hold.id}{on}{why}" + (f", owner {hold.owner}" if hold.owner else ""))
        return Told("; ".join(told), tuple(c for h in found for c in h.cites), max(h.since for h in found))

    def _compares(self, condition: Compares) -> Told | None:
        facts = self.states.facts
        left, right = (facts.best(self.entity, name) for name in (condition.left, condition.right))
        if left is None or right is None or left.quantity is None or right.quantity is None:
            return None
        wanted = right.quantity
        unit = wanted.unit or left.quantity.unit
        mine = left.quantity if not left.quantity.unit else left.quantity.to(unit, packaging(facts, self.entity))
        if mine is None or (mine.value < wanted.value) is not condition.less:
            return None
        names = [each.replace("_", " ") for each in (condition.left, condition.right)]
        text = f"{names[0]} {spoken(left, facts.view)}; {names[1]} {spoken(right, facts.view)}"
        return Told(text, (left.record_id, right.record_id))

    def _short(self, name: str) -> Told | None:
        said = self.states.facts.best(self.entity, name)
        rows = said.value if said is not None and isinstance(said.value, list) else []
        short = list[str]()
        for row in rows:
            if isinstance(row, dict):
                needed, staged = quantity(row.get("quantity")), quantity(row.get("staged"))
                if needed is not None and staged is not None and staged.value < needed.value:
                    short.append(f"{row.get('material', 'a material')}: {staged} of {needed} staged")
        return Told("; ".join(short[:_SHOWN]), (said.record_id,)) if said is not None and short else None

    def _has(self, names: Sequence[str]) -> Told | None:
        for name in names:
            if words := self.states.words(self.entity, name):
                text = f"{name.replace('_', ' ')}: {spoken(words[0], self.states.facts.view)}"
                return Told(text, (words[0].record_id,), words[0].occurred_at)
        return None

    def _assessed(self) -> list[LineReadiness]:
        entity, states = self.entity, self.states
        if entity.kind == EntityKind.SALES_ORDER_LINE:
            return [states.line(entity)]
        lines = states.linked.follow(entity, "lines")
        if entity.kind == EntityKind.SHIPMENT:
            return [states.line(line, entity) for line in lines]
        return [states.line(line) for line in lines if states.of(line).state not in ("shipped", "cancelled")]

    def _stands(self, gates: Sequence[Gate], stand: Stand) -> Told | None:
        every, asked = self._assessed(), gates or tuple(Gate)
        passages = [(each.line, g) for each in every for g in each.gates if g.gate in asked]
        hits = [(line, g) for line, g in passages if g.stand is stand]
        if not hits or (stand is Stand.OPEN and len(hits) < len(passages)):
            return None
        return self._gates(hits)

    def _passes(self, what: str) -> Told | None:
        every = self._assessed()
        if what == "stops":
            hits = [(each.line, g) for each in every for g in each.closed if g.stops]
            return self._gates(hits) if hits else None
        if not every or (what == "ready" and binding(self.states.known, [self.entity])):
            return None
        buckets = [each.buckets for each in every]
        if what == "ready" and not all(each.ready for each in every):
            return None
        if what == "left" and not all(b is not None and b.shipped >= b.wanted > 0 for b in buckets):
            return None
        parts = [f"{each.line.id}: {each.amount(each.buckets.wanted)}" for each in every if each.buckets]
        cites = (c for each in every for c in (*each.cites, *(c for g in each.gates for c in g.cites)))
        return Told(_some(parts), tuple(dict.fromkeys(cites)))

    def _gates(self, hits: Sequence[tuple[Entity, Passage]]) -> Told:
        texts, cites = list[str](), list[Cite]()
        for line, gate in hits:
            about = "" if line == self.entity else f"{line.id}, "
            texts.append(f"{about}{gate.gate.value}: {gate.text}")
            cites += gate.cites
        return Told(_some(texts), tuple(dict.fromkeys(cites)))

    def _newer(self, one: Condition, than: Condition) -> Told | None:
        told, other = self.tell(one), self.tell(than)
        if told is None or other is None:
            return told
        return told if told.at is None or other.at is None or told.at >= other.at else None

    def _through(self, condition: Through) -> Told | None:
        targets = self.states.linked.follow(self.entity, condition.link)
        asked = [(t, Teller(self.states, t).tell(condition.condition)) for t in targets]
        hits = [(target, told) for target, told in asked if told is not None]
        if condition.which == "none":
            return None if hits else Told()
        if not hits or (condition.which == "every" and len(hits) < len(targets)):
            return None
        named = isinstance(condition.condition, InState)
        texts = [told.text if named else f"{target.id}: {told.text}" for target, told in hits]
        moments = [told.at for _, told in hits if told.at is not None]
        return Told(_some(texts), tuple(dict.fromkeys(c for _, t in hits for c in t.cites)), max(moments, default=None))


def read_events(view: View, model: StateModel, things: Sequence[Entity]) -> dict[Entity, list[Statement]]:
    """Each source's newest event that says how each of these things of the kind stands, as a word on the model's
    property."""
    about = newest_of_each(view, tuple(model.events), things, each=NEWEST_OF_ONE)
    return {entity: _from_events(model, entity, about.get(entity, [])) for entity in things}


def _from_events(model: StateModel, entity: Entity, events: Iterable[Happened]) -> list[Statement]:
    found: dict[str, Happened] = {}
    for event in events:
        known = found.get(event.source)
        if known is None or (known.occurred_at, known.record_id) < (event.occurred_at, event.record_id):
            found[event.source] = event
    return [
        Statement(
            record_id=event.record_id,
            source=event.source,
            source_id=event.source_id,
            entity=entity,
            property=model.words,
            value=model.events[event.kind],
            unit="",
            scope=None,
            occurred_at=event.occurred_at,
            reported_at=event.reported_at,
            quality=event.quality,
        )
        for event in found.values()
    ]


def properties(model: StateModel) -> list[str]:
    """The properties of the kind itself that its rules look at."""
    found = {model.words}
    for condition in model.conditions():
        match condition:
            case Says(name, _) | Short(name):
                found.add(name)
            case Compares(left, right, _):
                found |= {left, right}
            case Has(names):
                found |= set(names)
            case _:
                pass
    return sorted(found)


def _together(found: Sequence[Told]) -> Told:
    texts = dict.fromkeys(t.text for t in found if t.text)
    moments = [t.at for t in found if t.at is not None]
    cites = dict.fromkeys(c for t in found for c in t.cites)
    return Told("; ".join(texts), tuple(cites), max(moments, default=None))


def _some(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more


def _meaning(statement: Statement) -> str | None:
    return shared_states.state_of(statement.entity.kind, statement.property, statement.value)
