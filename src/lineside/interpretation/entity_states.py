"""One shared state per thing, by the packs' models: the first rule that holds, and each source's own word beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lineside.interpretation import shared_states, state_words
from lineside.interpretation.assessment import LineReadiness, assess, read_ahead
from lineside.interpretation.conflict import Conflict, conflicts_of, governing
from lineside.interpretation.facts import Facts, doubts
from lineside.interpretation.holds import Hold, holds
from lineside.interpretation.linked import Linked
from lineside.interpretation.reading import Cite, Finding, Kind
from lineside.interpretation.state_models import (
    LINKS,
    Has,
    InState,
    Passes,
    Says,
    Stands,
    StateModel,
    Through,
    state_models,
)
from lineside.memory import Statement, View
from lineside.plant.entities import Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What one source itself says. means: the shared meaning; None for a word that no pack knows."""

    source: str
    property: str
    said: str
    means: str | None
    at: datetime
    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedState:
    """How a thing stands. state: None where nothing on record says; rule: its name in the pack."""

    entity: Entity
    state: str | None
    rule: str
    because: tuple[Finding, ...]
    words: tuple[Word, ...]
    means: str | None
    conflicts: tuple[Conflict, ...]
    missing: tuple[str, ...]


def shared_state(view: View, entity: Entity) -> SharedState:
    """The one shared state of the entity."""
    return States(Facts(view)).of(entity)


def shared_states_of(view: View, kind: str) -> list[SharedState]:
    """The shared state of everything of the kind, in the order of the ids."""
    states = States(Facts(view))
    return states.all_of(kind)


class States:
    """Derives states over one view, each once."""

    def __init__(self, facts: Facts, models: Mapping[str, StateModel] | None = None) -> None:
        self.facts = facts
        self.models = state_models() if models is None else models
        self.linked = Linked(facts)
        self._found: dict[Entity, SharedState] = {}
        self._lines: dict[tuple[Entity, Entity | None], LineReadiness] = {}
        self._events: dict[Entity, list[Statement]] = {}
        self._read_ahead = set[str]()
        self._lines_read = False
        self._governing: dict[tuple[Entity, str], Statement | None] = {}

    @cached_property
    def known(self) -> list[Hold]:
        """Every hold."""
        return holds(self.facts)

    def all_of(self, kind: str) -> list[SharedState]:
        """The states of everything of the kind that some record is about, read in columns."""
        self._read(kind)
        return [self.of(entity) for entity in self.facts.live(kind)]

    def of(self, entity: Entity) -> SharedState:
        """The state of one thing; its model's first rule that holds. Without a model only what the words mean."""
        if entity not in self._found:
            self._found[entity] = self._derive(entity)
        return self._found[entity]

    def words(self, entity: Entity, name: str) -> list[Statement]:
        """Each source's word on the property, told by a report or, for the model's own words, by an event."""
        said = self.facts.words(entity, name)
        model = self.models.get(entity.kind)
        if model is None or name != model.words or not model.events:
            return said
        return [*said, *self._told_by_events(model, entity)]

    def governing(self, entity: Entity, name: str) -> Statement | None:
        """The word on the property that counts, of reports and events."""
        key = (entity, name)
        if key not in self._governing:
            self._governing[key] = governing(self.facts, entity, self.words(entity, name))
        return self._governing[key]

    def against(self, entity: Entity) -> tuple[Finding, ...]:
        """What speaks against the state: the model's doubts, and sources that are late or silent."""
        model, found = self.models.get(entity.kind), list[Finding]()
        teller = state_words.Teller(self, entity)
        for doubt in model.doubts if model else ():
            if (told := teller.all(doubt.when)) is not None:
                found.append(self._finding(entity, entity.id, doubt.because, told))
        said = [s for name in self.names(entity) for s in self.words(entity, name)]
        return (*found, *doubts(self.facts, said))

    def line(self, line: Entity, on: Entity | None = None) -> LineReadiness:
        """The line through all its gates. on: the shipment whose share is meant."""
        if (line, on) not in self._lines:
            self._lines[line, on] = assess(self.facts, self.known, line, on=on)
        return self._lines[line, on]

    def _derive(self, entity: Entity) -> SharedState:
        model = self.models.get(entity.kind)
        names = self.names(entity)
        said = [s for name in names for s in self.words(entity, name)]
        governs = next((g for name in names if (g := self.governing(entity, name))), None)
        means = _meaning(governs)
        state, rule, because = None if model else means, "", tuple[Finding, ...]()
        missing = [
            f"What {s.source} means by {s.text!r} for {entity.id} is not known." for s in said if not _meaning(s)
        ]
        if model is not None:
            teller = state_words.Teller(self, entity)
            for each in model.rules:
                told = teller.all(each.when)
                if told is not None:
                    state, rule = each.state, each.name
                    because = (self._finding(entity, f"{entity.id} is {spaced(state)}", each.because, told),)
                    break
            if state is None:
                missing.append(f"No source says how {entity.id} stands.")
        return SharedState(
            entity=entity,
            state=state,
            rule=rule,
            because=because,
            words=tuple(_word(s) for s in said),
            means=means,
            conflicts=tuple(c for name in names for c in conflicts_of(self.facts, entity, name)),
            missing=tuple(dict.fromkeys(missing)),
        )

    def names(self, entity: Entity) -> list[str]:
        """The properties in which sources say how a thing of its kind stands."""
        model = self.models.get(entity.kind)
        return [model.words] if model else [n for n in shared_states.named_states(entity.kind) if n != "credit"]

    @cached_property
    def held_kinds(self) -> frozenset[str]:
        """The kinds of thing that an active hold is on."""
        return frozenset(hold.subject.kind for hold in self.known if hold.active and hold.subject)

    def _finding(self, entity: Entity, head: str, why: str, told: state_words.Told) -> Finding:
        cites: Sequence[Cite] = told.cites or [s.record_id for s in self.facts.about(entity)[:1]]
        text = f"{head}: {why}" + (f" ({told.text})" if told.text else "") + "."
        return Finding(text=text, kind=Kind.DERIVED, cites=tuple(cites), data={"entity": str(entity)})

    def _told_by_events(self, model: StateModel, entity: Entity) -> list[Statement]:
        if entity not in self._events:
            self._events |= state_words.read_events(self.facts.view, model, [entity])
        return self._events[entity]

    def _read(self, kind: str) -> None:
        """What the rules of the kind ask for is read at once."""
        if kind in self._read_ahead:
            return
        self._read_ahead.add(kind)
        model = self.models.get(kind)
        if model is None:
            self.facts.load(kind, *shared_states.named_states(kind))
            return
        self.facts.load(kind, *state_words.properties(model), *shared_states.named_states(kind))
        for link in LINKS[kind]:
            self.linked.load(kind, link)
        for condition in model.conditions():
            if isinstance(condition, Through):
                inner, target = condition.condition, LINKS[kind][condition.link]
                if isinstance(inner, Says):
                    self.facts.load(target, inner.property)
                elif isinstance(inner, InState):
                    self._read(target)
                elif isinstance(inner, Has):
                    self.facts.load(target, *inner.properties)
        if model.events:
            self._events |= state_words.read_events(self.facts.view, model, self.facts.live(kind))
        if any(isinstance(c, Stands | Passes) for c in model.conditions()):
            self._read_lines()

    def _read_lines(self) -> None:
        if self._lines_read:
            return
        self._lines_read = True
        self.facts.load("shipment", "planned_departure", "dock", "status", "lines")
        self.facts.load("sales_order_line", "status", "quantity", "sales_order", "shipment", "credit", "customer")
        open_lines = [
            line
            for line in self.facts.live("sales_order_line")
            if _meaning(self.governing(line, "status")) not in ("shipped", "cancelled")
        ]
        read_ahead(self.facts, open_lines)


def _meaning(statement: Statement | None) -> str | None:
    if statement is None:
        return None
    return shared_states.state_of(statement.entity.kind, statement.property, statement.value)


def _word(statement: Statement) -> Word:
    return Word(
        source=statement.source,
        property=statement.property,
        said=statement.text,
        means=_meaning(statement),
        at=statement.occurred_at,
        record_id=statement.record_id,
    )


def spaced(state: str) -> str:
    """The state as people say it."""
    return state.replace("_", " ")


def words_text(words: Iterable[Word]) -> str:
    """`erp says released, qms says blocked`."""
    return ", ".join(dict.fromkeys(f"{w.source} says {w.said}" for w in words))
