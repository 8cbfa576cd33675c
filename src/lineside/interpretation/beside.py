"""What a thing doesn't say itself but things around it do: a material's supplier, its place, an order's pallets."""

from __future__ import annotations

from collections.abc import Iterator

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, pointed_at, spoken, told
from lineside.interpretation.links import lines_of
from lineside.interpretation.reading import Finding, Kind
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.vocabulary import PROPERTIES

_MOST = 6
_SHIPPED = ("sales_order", "sales_order_line")
# On equipment the counters of the job order that runs there stand under names of their own.
_COUNTERS = {"quantity_scrap": "reject_count", "quantity_good": "good_count"}
_POINTERS = {"shipment": "lines", "hold": "subject", "document": "subject"}
_OVER = ("complete", "closed", "cancelled", "released")


def told_beside(facts: Facts, entity: Entity, name: str) -> list[tuple[Finding, tuple[Statement, ...]]]:
    """The words on the property by things that the entity names or that name it, with the statements; open ones
    first."""
    found: dict[Entity, tuple[str, list[Statement]]] = {}
    for thing, asked in _around(facts, entity, name):
        words = facts.words(thing, asked)
        if words and thing not in found and thing != entity:
            found[thing] = (asked, words)
    ranked = sorted(found, key=lambda e: _is_over(facts, e))[:_MOST]
    rows = [(_row(facts, entity, e, *found[e]), tuple(found[e][1])) for e in ranked]
    if name == "location" and entity.kind == EntityKind.MATERIAL:
        rows = [*_positions(facts, entity), *rows][:_MOST]
    return rows


def _around(facts: Facts, entity: Entity, name: str) -> Iterator[tuple[Entity, str]]:
    """The entity's neighbours whose kind has such a property, the nearest first."""
    kinds = [kind for kind, names in PROPERTIES.items() if name in names]
    own = lines_of(facts, entity) if entity.kind == EntityKind.SALES_ORDER else []
    for line in own:
        yield line, name
    for thing in (entity, *own):
        for kind in kinds:
            pointer = _POINTERS.get(kind, thing.kind)
            if kind in _POINTERS and not (kind != "shipment" or thing.kind in _SHIPPED):
                continue
            for said in facts.pointing(kind, pointer, thing):
                yield said.entity, name
        if name == "owner":  # of an inspection, whoever owns the hold on its lot
            for lot, _ in facts.linked(thing, "lot"):
                for said in facts.pointing("hold", "subject", lot):
                    yield said.entity, name
        if name in _COUNTERS and thing.kind == EntityKind.JOB_ORDER:
            for said in facts.pointing("equipment", "job_order", thing):
                yield said.entity, _COUNTERS[name]
        for said in facts.about(thing):
            if said.property in kinds:
                for target in pointed_at(said.value, said.property):
                    yield Entity.parse(target), name


def _is_over(facts: Facts, thing: Entity) -> bool:
    said = facts.best(thing, "status")
    return said is not None and shared_states.state_of(thing.kind, "status", said.value) in _OVER


def _row(facts: Facts, entity: Entity, thing: Entity, name: str, words: list[Statement]) -> Finding:
    shown = "; ".join(spoken(s, facts.view) for s in words)
    kind = thing.kind.replace("_", " ")
    named = facts.plant.called(thing.id) if thing.kind == EntityKind.EQUIPMENT else thing.id
    amount = facts.best(thing, "quantity") if thing.kind == EntityKind.HANDLING_UNIT and name != "quantity" else None
    named += f" ({told(amount, facts.view)})" if amount else ""
    links = [s for s in facts.about(thing) if entity.id in s.text][:1]
    return Finding(
        text=f"{kind} {named} of {entity.id}, {name.replace('_', ' ')}: {shown}.",
        kind=Kind.DERIVED if links else Kind.FACT,
        cites=tuple(dict.fromkeys(s.record_id for s in (*words, *links, *([amount] if amount else [])))),
        data={"entity": str(thing), "property": name},
    )


def _positions(facts: Facts, material: Entity) -> list[tuple[Finding, tuple[Statement, ...]]]:
    places: dict[str, list[Statement]] = {}
    for said in facts.positions(material.id):
        places.setdefault(said.entity.id.partition("@")[2], []).append(said)
    return [
        (
            Finding(
                text=f"{material.id} lies at {place}: {'; '.join(spoken(s, facts.view) for s in words)}.",
                kind=Kind.FACT,
                cites=tuple(s.record_id for s in words),
                data={"place": place},
            ),
            tuple(words),
        )
        for place, words in places.items()
        if place
    ]
