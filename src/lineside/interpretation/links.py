"""What a thing hangs together with: job order, lot, sales order line, shipment, in either direction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lineside.interpretation.facts import Facts, plain_id, pointed_at
from lineside.interpretation.reading import Finding, Kind
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind

# (kind, property): the things of `kind` point at others by `property`.
LINKS = (
    ("job_order", "sales_order_line"),
    ("job_order", "equipment"),
    ("lot", "job_order"),
    ("lot", "sales_order_line"),
    ("handling_unit", "lot"),
    ("handling_unit", "sales_order_line"),
    ("handling_unit", "shipment"),
    ("shipment", "lines"),
    ("inspection", "lot"),
    ("hold", "subject"),
    ("document", "subject"),
    ("maintenance_order", "equipment"),
    ("sales_order_line", "sales_order"),
)
_POINTING = frozenset({"subject", "lines", *(kind.value for kind in EntityKind)})
# Steps that lead to what hangs on a thing, and not on to everything that shares a machine or a material with it.
_CHAIN = ("job_order", "lot", "handling_unit", "sales_order_line", "sales_order", "shipment")


_NAMED = 5


@dataclass(frozen=True, slots=True)
class Link:
    """`entity` is reached from `origin` by what `statement` says; None where the id itself says it (a line's order)."""

    origin: Entity
    entity: Entity
    statement: Statement | None


def neighbours(facts: Facts, entity: Entity) -> Iterator[Link]:
    """What the entity's own reports name, and what names the entity."""
    if entity.parent is not None:
        yield Link(entity, entity.parent, None)
    for statement in facts.about(entity):
        if statement.property in _POINTING:
            for target in pointed_at(statement.value, statement.property):
                yield Link(entity, Entity.parse(target), statement)
    for kind, name in LINKS:
        if _may_point(name, entity):
            for statement in facts.pointing(kind, name, entity):
                yield Link(entity, statement.entity, statement)
    if entity.kind == EntityKind.SALES_ORDER:
        for line in lines_of(facts, entity):
            yield Link(entity, line, None)


def lines_of(facts: Facts, order: Entity) -> list[Entity]:
    """The lines of a sales order, by their ids and by what they say."""
    named = facts.parts(order, EntityKind.SALES_ORDER_LINE)
    return sorted({*named} | {s.entity for s in facts.pointing("sales_order_line", "sales_order", order)})


def lines_on(facts: Facts, shipment: Entity) -> list[Entity]:
    """The sales order lines that a shipment carries, by its word, by theirs, and by its handling units."""
    named = {Entity.parse(t) for said in facts.words(shipment, "lines") for t in pointed_at(said.value, "lines")}
    named |= {s.entity for s in facts.pointing("sales_order_line", "shipment", shipment)}
    for unit in facts.pointing("handling_unit", "shipment", shipment):
        named |= {line for line, _ in facts.linked(unit.entity, "sales_order_line")}
    return sorted(named)


def touched(facts: Facts, entity: Entity) -> list[Link]:
    """Everything of the chain from job order to shipment that hangs on the entity, nearest first."""
    return touched_by(facts, [entity])[entity]


def touched_by(facts: Facts, entities: Iterable[Entity]) -> dict[Entity, list[Link]]:
    """What is `touched` by each of the entities, read at once."""
    found: dict[Entity, list[Link]] = {each: [] for each in entities}
    fronts = {each: [each] for each in found}
    seen = {each: {each} for each in found}
    while fronts:
        _read_around(facts, {each for front in fronts.values() for each in front})
        fronts = {start: further for start in fronts if (further := _step(facts, start, fronts[start], seen, found))}
    return found


def _step(
    facts: Facts,
    start: Entity,
    front: Sequence[Entity],
    seen: Mapping[Entity, set[Entity]],
    found: Mapping[Entity, list[Link]],
) -> list[Entity]:
    """From the front one step on, and what is still to be followed then."""
    following = list[Entity]()
    for origin in front:
        for link in neighbours(facts, origin):
            # Upwards a lot leads to its line and order; another line of that order is not touched by the lot.
            if link.entity in seen[start] or not _leads_on(start, link):
                continue
            seen[start].add(link.entity)
            found[start].append(link)
            if link.entity.kind in _CHAIN:
                following.append(link.entity)
    return following


def _read_around(facts: Facts, front: Collection[Entity]) -> None:
    """What `neighbours` tells of these is read at once."""
    facts.fetch(front)
    for kind, name in LINKS:
        asked = [each for each in sorted(front) if _may_point(name, each)]
        if asked:
            facts.look_towards(kind, name, asked)


def link_findings(facts: Facts, entity: Entity, limit: int = 8) -> tuple[Finding, ...]:
    """What the entity touches, by records: one sentence for all of a kind that belong to the same thing."""
    groups: dict[tuple[str, Entity, str], dict[str, str]] = defaultdict(dict)
    for link in touched(facts, entity):
        if link.statement is not None:
            named = link.statement.entity
            other = link.entity if named == link.origin else link.origin
            groups[named.kind, other, link.statement.source][named.id] = link.statement.record_id
    findings = []
    for (kind, other, source), ids in groups.items():
        shown = ", ".join(list(ids)[:_NAMED]) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
        verb = "belongs" if len(ids) == 1 else "belong"
        findings.append(
            Finding(
                text=f"{_spaced(kind)} {shown} {verb} to {_spaced(other.kind)} {other.id}, says {source}.",
                kind=Kind.FACT if len(ids) == 1 else Kind.DERIVED,
                cites=tuple(ids.values()),
                data={"from": [f"{kind}:{each}" for each in ids], "to": str(other)},
            )
        )
    return tuple(findings[:limit])


def _may_point(name: str, target: Entity) -> bool:
    return name in ("subject", target.kind) or (name == "lines" and target.kind == EntityKind.SALES_ORDER_LINE)


def _leads_on(start: Entity, link: Link) -> bool:
    if link.entity.kind not in _CHAIN:
        return link.origin == start
    down = link.origin.kind == EntityKind.SALES_ORDER and start.kind != EntityKind.SALES_ORDER
    sideways = link.origin.kind == EntityKind.SHIPMENT and start.kind != EntityKind.SHIPMENT
    return not down and not sideways


def customer_of(facts: Facts, line: Entity) -> tuple[str, Statement] | None:
    """The customer of a line: its own word, else its order's."""
    for entity in (line, line.parent):
        if (
            entity is not None
            and (said := facts.best(entity, "customer"))
            and (name := plain_id(said.value, "customer"))
        ):
            return name, said
    return None


def _spaced(kind: str) -> str:
    return kind.replace("_", " ")
