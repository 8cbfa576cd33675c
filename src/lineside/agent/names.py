"""Everything in a view that has a name, kept for as long as nothing is taken back, and added to as things come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from lineside.agent.ask import Names
from lineside.agent.ids import Ids
from lineside.agent.places import Places
from lineside.agent.topics import Topics
from lineside.memory import View
from lineside.memory.latest import Heard
from lineside.memory.moments import stored
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.plant import Person

_ROOM = 8
_MATERIALS = ((EntityKind.MATERIAL, "description"), (EntityKind.MATERIAL, "name"))
# What is asked for by what it is to do, more often than by its number.
_WORKS = ((EntityKind.MAINTENANCE_ORDER, "description"), (EntityKind.INSPECTION, "characteristic"))


@dataclass(frozen=True, slots=True)
class _Kept:
    heard: Heard
    entities: frozenset[Entity]
    described: tuple[tuple[Entity, str], ...]
    works: tuple[tuple[Entity, str], ...]
    names: Names


_kept: dict[tuple[Callable[..., Any], Person | None], _Kept] = {}
_lock = Lock()


def names_of(view: View) -> Names:
    """What this view's reader may hear named; an entity that was not yet known at its `as_of` is not among it."""
    heard = view.heard_of()
    if stored(view.as_of) < heard.last:  # asked about the past: not all that was heard since was known then
        return _read(view, heard).names
    key = (view.read, view.reader.person)
    with _lock:
        kept = _kept.pop(key, None)
        if kept is None or kept.names.plant != view.plant or kept.heard.taken_back != heard.taken_back:
            kept = _read(view, heard)
        elif kept.heard != heard:
            kept = _added(view, heard, kept) or _read(view, heard)
        while len(_kept) >= _ROOM:
            _kept.pop(next(iter(_kept)))
        _kept[key] = kept
    return kept.names


def places_of(view: View) -> Places:
    """What this view's reader may hear equipment called."""
    return Places(view.plant, view.entities(EntityKind.EQUIPMENT))


def _read(view: View, heard: Heard) -> _Kept:
    entities = frozenset(view.entities())
    described, works = _described(view, _MATERIALS), _described(view, _WORKS)
    return _Kept(heard, entities, described, works, _named(view, Ids(entities), entities, described, works))


def _added(view: View, heard: Heard, kept: _Kept) -> _Kept | None:
    """With what was spoken of since. None where more came to be known than that, as when a past is imported."""
    spoken = frozenset(view.heard_since(kept.heard.last))
    new = spoken - kept.entities
    if kept.heard.things + len(new) != heard.things:
        return None
    described = _again(kept.described, _described(view, _MATERIALS, sorted(spoken)))
    works = _again(kept.works, _described(view, _WORKS, sorted(spoken)))
    ids = kept.names.ids.with_these(new) if new else kept.names.ids
    entities = kept.entities | new
    same = not new and (described, works) == (kept.described, kept.works)
    names = replace(kept.names, sources=_sources(view)) if same else _named(view, ids, entities, described, works)
    return _Kept(heard, entities, described, works, names)


def _named(
    view: View,
    ids: Ids,
    entities: Iterable[Entity],
    described: Sequence[tuple[Entity, str]],
    works: Sequence[tuple[Entity, str]],
) -> Names:
    return Names(
        plant=view.plant,
        ids=ids,
        places=Places(view.plant, entities),
        topics=Topics(view.plant, described),
        works=Topics(view.plant, works, customers=False),
        sources=_sources(view),
    )


def _described(
    view: View, wanted: Sequence[tuple[EntityKind, str]], of: Sequence[Entity] | None = None
) -> tuple[tuple[Entity, str], ...]:
    found = []
    for kind in dict.fromkeys(kind for kind, _ in wanted):
        properties = tuple(name for each, name in wanted if each == kind)
        found += [(s.entity, s.text) for s in view.said(kind=kind, entities=of, properties=properties) if s.text]
    return tuple(sorted(found))


def _again(before: Sequence[tuple[Entity, str]], told: Sequence[tuple[Entity, str]]) -> tuple[tuple[Entity, str], ...]:
    anew = {entity for entity, _ in told}
    return tuple(sorted([*(each for each in before if each[0] not in anew), *told]))


def _sources(view: View) -> tuple[str, ...]:
    return tuple(sorted({*(card.name for card in view.plant.sources), *view.sources()}))
