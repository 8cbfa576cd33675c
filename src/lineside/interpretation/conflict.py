"""Where two sources can't both be right about one property of one thing, and whose word governs meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, moment, owner_of, recency, spoken, told
from lineside.interpretation.reading import Finding, Kind
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.plant import SourceCard
from lineside.plant.quantities import Quantity
from lineside.plant.records import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two words on one property that can't both be true. go_by: the one that governs; rule: why, in words.

    owner: the source that the plant file calls the datum's owner; None where it names none.
    """

    entity: Entity
    property: str
    newer: Statement
    older: Statement
    go_by: Statement
    rule: str
    owner: SourceCard | None

    def to_change(self) -> Statement:
        """The word that must change where the governing one is right."""
        return self.older if self.go_by is self.newer else self.newer

    def strict(self) -> bool:
        """Whether one of the two words stops something."""
        return any(strictness(s) == 0 for s in (self.newer, self.older))


def conflicts_of(facts: Facts, entity: Entity, name: str) -> tuple[Conflict, ...]:
    """The pairs of sources that can't both be right about one property; differing words of one meaning are none."""
    found = []
    for newer, older in combinations(_one_each(facts.words(entity, name)), 2):
        if newer.source == older.source or newer.scope != older.scope or not differ(facts, newer, older):
            continue
        owner = owner_of(facts.plant, entity.kind, name, newer.scope)
        chosen, rule = _governing(facts, (newer, older), owner)
        found.append(
            Conflict(entity=entity, property=name, newer=newer, older=older, go_by=chosen, rule=rule, owner=owner)
        )
    return tuple(found)


def conflicts_on(facts: Facts, entity: Entity, name: str) -> tuple[Finding, ...]:
    """The same, one sentence each."""
    return tuple(conflict_finding(facts, conflict) for conflict in conflicts_of(facts, entity, name))


def conflict_finding(facts: Facts, conflict: Conflict) -> Finding:
    """What both say, and whose word governs."""
    newer, older = conflict.newer, conflict.older
    name = conflict.property.replace("_", " ")
    said = f"{spoken(newer, facts.view)}, {spoken(older, facts.view)}"
    return Finding(
        text=f"{conflict.entity.id}, {name}: {said}; {conflict.rule}.",
        kind=Kind.DERIVED,
        cites=(newer.record_id, older.record_id),
        data={
            "property": conflict.property,
            "words": {newer.source: newer.text, older.source: older.text},
            "go_by": conflict.go_by.source,
        },
    )


def differ(facts: Facts, one: Statement, other: Statement) -> bool:
    """Whether two statements on one property say different things, beyond spelling, unit and time zone."""
    kind, name = one.entity.kind, one.property
    if shared_states.has_states(kind, name):
        mine, theirs = (shared_states.state_of(kind, name, s.value) for s in (one, other))
        if mine and theirs:
            return mine != theirs and shared_states.contradict(kind, name, mine, theirs)
    times = moment(one.value), moment(other.value)
    if times[0] and times[1]:
        return times[0] != times[1]
    mine_q, theirs_q = one.quantity, other.quantity
    if mine_q is not None and theirs_q is not None:
        converted = theirs_q.to(mine_q.unit, packaging(facts, one.entity))
        return converted is None or converted != Quantity(mine_q.value, mine_q.unit)
    return one.text.strip().casefold() != other.text.strip().casefold()


def governing(facts: Facts, entity: Entity, words: Iterable[Statement]) -> Statement | None:
    """The word that counts among all on one property: its owner's, else the strictest, else the newest.

    Of words that don't contradict it the one furthest on counts: a source that is ahead is not wrong.
    """
    known = _one_each(words)
    if len(known) < 2:
        return known[0] if known else None
    kind, name = entity.kind, known[0].property
    chosen, _ = _governing(facts, known, facts.owner(kind, name))
    mine = shared_states.state_of(kind, name, chosen.value)
    best, reached = chosen, shared_states.progress(kind, name, mine)
    for word in known:
        state = shared_states.state_of(kind, name, word.value)
        further = shared_states.progress(kind, name, state)
        if mine and state and further > reached >= 0 and not shared_states.contradict(kind, name, mine, state):
            best, reached = word, further
    return best


def strictness(statement: Statement) -> int | None:
    """0 for the strictest meaning that the property has; None for a word that binds nobody."""
    kind, name = statement.entity.kind, statement.property
    return shared_states.strictness(kind, name, shared_states.state_of(kind, name, statement.value))


def packaging(facts: Facts, entity: Entity) -> dict[str, Quantity]:
    """The packaging factors of what the entity is made of."""
    material = entity if entity.kind == EntityKind.MATERIAL else entity.parent
    if material is None or material.kind != EntityKind.MATERIAL:
        linked = facts.linked(entity, "material")
        material = linked[0][0] if linked else None
    return facts.factors(material.id) if material else {}


def _governing(facts: Facts, words: Sequence[Statement], owner: SourceCard | None) -> tuple[Statement, str]:
    """The word to go by among words of one property, newest first, and the rule."""
    name = words[0].property.replace("_", " ")
    if owner and (owned := next((s for s in words if s.source == owner.name), None)):
        return owned, f"go by {owned.source}, which the plant file calls the owner of {name}"
    binding = [(rank, s) for s in words if (rank := strictness(s)) is not None and s.quality is not Quality.BAD]
    if binding:
        strict = min(binding, key=lambda pair: pair[0])[1]
        return (
            strict,
            f"no owner of {name} is declared, so the stricter word binds: {told(strict, facts.view)}",
        )
    return words[0], f"no owner of {name} is declared; the newer word is {words[0].source}'s"


def _one_each(words: Iterable[Statement]) -> list[Statement]:
    given = list(words)
    if len(given) < 2:
        return given
    newest: dict[tuple[str, str | None], Statement] = {}
    for statement in sorted(given, key=lambda s: (s.quality is Quality.BAD, *recency(s))):
        newest.setdefault((statement.source, statement.scope), statement)
    return list(newest.values())
