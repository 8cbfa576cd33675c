"""Everything in a view that has a name, kept as long as the memory's things stay the same."""

from __future__ import annotations

from lineside.agent.ask import Names
from lineside.agent.ids import Ids
from lineside.agent.places import Places
from lineside.agent.topics import Topics
from lineside.memory import View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.plant import Plant

_kept: dict[int, tuple[tuple[Entity, ...], tuple[tuple[Entity, str], ...], Plant, Names]] = {}
_ROOM = 8
# What is asked for by what it is to do, more often than by its number.
_WORKS = ((EntityKind.MAINTENANCE_ORDER, "description"), (EntityKind.INSPECTION, "characteristic"))


def names_of(view: View) -> Names:
    """What this view's reader may hear named; an entity that was not yet known at its `as_of` is not among it."""
    entities = tuple(view.entities())
    described = tuple(
        (said.entity, said.text)
        for said in view.said(kind=EntityKind.MATERIAL, properties=("description", "name"))
        if said.text
    )
    works = tuple(
        (said.entity, said.text)
        for kind, name in _WORKS
        for said in view.said(kind=kind, properties=(name,))
        if said.text
    )
    mark = hash((entities, described, works, view.plant.site))
    kept = _kept.get(mark)
    if kept is not None and kept[:3] == (entities, (*described, *works), view.plant):
        return kept[3]
    heard = tuple(sorted({*(card.name for card in view.plant.sources), *(one.source for one in view.freshness())}))
    names = Names(
        plant=view.plant,
        ids=Ids(entities),
        places=Places(view.plant, entities),
        topics=Topics(view.plant, described),
        works=Topics(view.plant, works, customers=False),
        sources=heard,
    )
    while len(_kept) >= _ROOM:
        _kept.pop(next(iter(_kept)))
    _kept[mark] = (entities, (*described, *works), view.plant, names)
    return names
