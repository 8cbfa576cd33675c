"""What a server's address space holds: variables below a root, and the companion models' parts by their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import unit
from lineside_ingest.opcua.models import Rule, passed_names, rules
from lineside_ingest.opcua.session import Session
from lineside_ingest.opcua.values import Item, plain

_OBJECTS, _SERVER = 85, 2253
_OBJECT_OR_VARIABLE, _VARIABLE = 3, 2
_HAS_COMPONENT, _HAS_PROPERTY = 47, 46
_STATES = (2307, 2309)  # StateType, InitialStateType
_DEEPEST, MOST = 12, 50_000


@dataclass(slots=True, kw_only=True)
class _Node:
    id: Any
    name: str
    type: Any
    variable: bool
    parent: _Node | None
    children: list[_Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """items: what can be read. places: the equipment of each object and variable seen, for what has it as its source.
    cut: whether there was more than can be browsed."""

    items: Sequence[Item] = ()
    places: Mapping[Any, str] = field(default_factory=dict)
    cut: bool = False


async def below(session: Session, root: Any, equipment: str) -> Found:
    """An item for every variable below the root: the objects between make up the equipment path, its name the
    property."""
    tree, cut = await _tree(session, root)
    items, places = [], {}
    for node in tree:
        path = "/".join([equipment, *(_slug(each.name) for each in _line(node) if not each.variable)])
        places[node.id] = path
        if node.variable:
            items.append(
                Item(node=session.named(node.id), entity=Entity(EntityKind.EQUIPMENT, path), property=node.name)
            )
    return Found(items=await _with_units(session, items), places=places, cut=cut)


async def models(session: Session, equipment: str, fallback: Entity) -> Found:
    """An item for every member that models.toml knows, recognised by its type or a supertype of that. fallback: what
    parts are about that stand in no equipment."""
    from asyncua import ua

    tree, cut = await _tree(session, ua.NodeId(_OBJECTS))
    objects = [node for node in tree if not node.variable]
    known = await _rules_of(session, {node.type for node in objects})
    parts = {id(node) for node in objects if known.get(node.type)}
    items: list[Item] = []
    places: dict[Any, str] = {}
    for node in tree:
        path = "/".join([
            *([equipment] if equipment else []),
            *(_slug(each.name) for each in _line(node)
              if not each.variable and id(each) not in parts and each.name not in passed_names()),
        ])  # fmt: skip
        places[node.id] = path
        owner = Entity(EntityKind.EQUIPMENT, path) if path else fallback
        for rule in known.get(node.type, ()) if not node.variable else ():
            for child in node.children:
                if child.variable and child.name == rule.member:
                    names = await _state_names(session, node.type) if rule.member == "CurrentState" else {}
                    items.append(Item(node=session.named(child.id), entity=owner, property=rule.property,
                                      rule=rule.name, names=names))  # fmt: skip
    return Found(items=await _with_units(session, _told_apart(items)), places=places, cut=cut)


def _told_apart(items: Sequence[Item]) -> list[Item]:
    """Of two models that say the same of one equipment, the first in the file keeps the word."""
    order = list(rules())
    first: dict[tuple[Entity, str], str] = {}
    found = []
    for item in sorted(items, key=lambda each: order.index(each.rule)):
        model = rules()[item.rule].model
        mine = first.setdefault((item.entity, item.property), model) == model
        found.append(item if mine else replace(item, property=f"{model}_{item.property}"))
    return found


async def _tree(session: Session, root: Any) -> tuple[list[_Node], bool]:
    """Everything below the root but the server's own, each node once, nearest first; whether there was more."""
    seen: set[Any] = {root}
    found: list[_Node] = []
    level: list[tuple[Any, _Node | None]] = [(root, None)]
    for _ in range(_DEEPEST):
        below_: list[tuple[Any, _Node | None]] = []
        references = await session.browse([node for node, _ in level], mask=_OBJECT_OR_VARIABLE)
        for (_, parent), listed in zip(level, references, strict=True):
            for each in listed:
                node = _bare(each.NodeId)
                if node in seen or (node.NamespaceIndex == 0 and node.Identifier == _SERVER):
                    continue
                if len(found) >= MOST:
                    return found, True
                seen.add(node)
                made = _Node(id=node, name=each.BrowseName.Name or "", type=_bare(each.TypeDefinition),
                             variable=int(each.NodeClass) == _VARIABLE, parent=parent)  # fmt: skip
                found.append(made)
                if parent is not None:
                    parent.children.append(made)
                if not made.variable:
                    below_.append((node, made))
        if not below_:
            return found, False
        level = below_
    return found, True


async def _rules_of(session: Session, types: set[Any]) -> dict[Any, tuple[Rule, ...]]:
    from asyncua import ua

    above = await session.supertypes(types)
    every = list({each for one, more in above.items() for each in (one, *more)})
    names = await session.read(every, ua.AttributeIds.BrowseName)
    called = {
        each: (session.namespace(each), name.Value.Value.Name)
        for each, name in zip(every, names, strict=True)
        if name.Value is not None and name.Value.Value is not None
    }
    return {
        one: tuple(
            rule
            for rule in rules().values()
            if any(
                each in called and called[each][0] in rule.namespaces and called[each][1] in rule.types
                for each in (one, *more)
            )
        )
        for one, more in above.items()
    }


async def _state_names(session: Session, machine: Any) -> dict[str, str]:
    """What a state machine shows for each state, in whatever language, and the state's own name."""
    line = [machine, *(await session.supertypes([machine]))[machine]]
    return {
        each.DisplayName.Text: each.BrowseName.Name
        for states in await session.browse(line, reference=_HAS_COMPONENT, mask=1)
        for each in states
        if each.TypeDefinition.NamespaceIndex == 0
        and each.TypeDefinition.Identifier in _STATES
        and each.DisplayName.Text
    }


async def _with_units(session: Session, items: Sequence[Item]) -> list[Item]:
    """The items with the units that their nodes declare."""
    nodes = [session.resolve(item.node) for item in items]
    properties = await session.browse(nodes, reference=_HAS_PROPERTY, mask=_VARIABLE)
    having = [
        (place, _bare(each.NodeId))
        for place, listed in enumerate(properties)
        for each in listed
        if each.BrowseName.Name == "EngineeringUnits"
    ]
    found = list(items)
    for (place, _), data in zip(having, await session.read([node for _, node in having]), strict=True):
        declared = getattr(data.Value.Value if data.Value is not None else None, "DisplayName", None)
        text = plain(declared, lambda _: None) if declared is not None else None
        if isinstance(text, str) and text:
            found[place] = replace(found[place], unit=unit(text))
    return found


def _line(node: _Node) -> Iterator[_Node]:
    """The node and what it stands in, outermost first."""
    if node.parent is not None:
        yield from _line(node.parent)
    yield node


def _slug(name: str) -> str:
    return "-".join(name.lower().replace("/", " ").split()) or "-"


def _bare(node: Any) -> Any:
    from asyncua import ua

    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)
