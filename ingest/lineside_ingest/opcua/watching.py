"""Which nodes are watched, which could not be and why, and what the server's events are about."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineside.connector import Trouble, TroubleKind
from lineside.plant.entities import EntityKind
from lineside_ingest.opcua.alarms import Wanted, names, selected
from lineside_ingest.opcua.session import Session
from lineside_ingest.opcua.structures import Structures
from lineside_ingest.opcua.values import Item, status_name

_REFUSED = ("BadUserAccessDenied", "BadNotReadable")
GONE = ("BadNodeIdUnknown", "BadNodeIdInvalid")  # what a node says that was deleted
_AGAIN_S, _REFUSED_AGAIN_S = 30.0, 3600.0
# Each server has its own way to say that it has no conditions, or that it is at it already.
_NO_CONDITIONS = ("BadMethodInvalid", "BadNothingToDo", "BadNodeIdUnknown", "BadNodeIdInvalid", "BadNotSupported",
                  "BadNotImplemented", "BadServiceUnsupported", "BadRefreshInProgress")  # fmt: skip
_HIGHEST = 8  # so many levels up, the equipment of an event's source is looked for


@dataclass(slots=True)
class Watched:
    """An item that the server watches for us."""

    item: Item
    node: Any
    monitored: int
    sampling_ms: float


@dataclass(slots=True)
class _Lost:
    reason: str
    kind: TroubleKind
    again: float


class Watching:
    """The monitored items of one feed. One that can't be watched never keeps the others from it."""

    def __init__(self, session: Session, feed: Any, structures: Structures) -> None:
        self._session = session
        self._feed = feed
        self._structures = structures
        self._lost: dict[Item, _Lost] = {}
        self.by_handle: dict[int, Watched] = {}
        self.places: dict[Any, str] = {}
        self.unheard: set[int] = set()  # whose first value has not come yet

    async def watch(self, items: Iterable[Item]) -> None:
        """The items are watched, as far as the server lets us; the others are tried again later."""
        from asyncua import ua

        found: list[tuple[Item, Any]] = []
        for item in items:
            try:
                found.append((item, self._session.resolve(item.node)))
            except ValueError as error:
                self._lose(item, str(error), TroubleKind.UNAVAILABLE)
        nodes = [node for _, node in found]
        types = await self._session.read(nodes, ua.AttributeIds.DataType)
        known = {each.Value.Value for each in types if each.Value is not None and each.Value.Value is not None}
        await self._structures.learn(self._session, known)
        for (item, node), (handle, result) in zip(found, await self._feed.watch(nodes), strict=True):
            self._lost.pop(item, None)
            if result.StatusCode.is_good():
                self.unheard.add(handle)
                self.by_handle[handle] = Watched(item, node, result.MonitoredItemId, result.RevisedSamplingInterval)
                if item.entity.kind == EntityKind.EQUIPMENT:
                    self.places.setdefault(node, item.entity.id)
            else:
                name = status_name(result.StatusCode)
                kind = TroubleKind.REFUSED if name in _REFUSED else TroubleKind.UNAVAILABLE
                self._lose(item, f"{item.node}: {name}", kind)

    async def lose(self, handle: int, reason: str) -> None:
        """The node is no longer there: it is told, and tried again."""
        watched = self.by_handle.pop(handle)
        self.unheard.discard(handle)
        await self._feed.unwatch([watched.monitored])
        self._lose(watched.item, reason, TroubleKind.UNAVAILABLE)

    async def again(self, *, now: bool = False) -> None:
        """Those that could not be watched are tried again, where it is time to."""
        due = [item for item, lost in self._lost.items() if now or lost.again <= time.monotonic()]
        if due:
            await self.watch(due)

    @property
    def items(self) -> list[Item]:
        return [*(each.item for each in self.by_handle.values()), *self._lost]

    def troubles(self) -> list[Trouble]:
        return [
            Trouble(kind=lost.kind, reason=lost.reason, stream=item.node)
            for item, lost in sorted(self._lost.items(), key=lambda each: each[0].node)
        ]

    async def place_of(self, node: Any, fallback: str) -> str:
        """The equipment that a node belongs to: its own, or that of the nearest thing above it that has one."""
        line, at = [], node
        for _ in range(_HIGHEST):
            if at is None or at in self.places:
                break
            line.append(at)
            [above] = await self._session.browse([at], inverse=True)
            at = next((each.NodeId for each in above if each.NodeId not in line), None)
        place = self.places.get(at, fallback) if at is not None else fallback
        self.places.update(dict.fromkeys(line, place))
        return place

    def _lose(self, item: Item, reason: str, kind: TroubleKind) -> None:
        pause = _REFUSED_AGAIN_S if kind is TroubleKind.REFUSED else _AGAIN_S
        self._lost[item] = _Lost(reason, kind, time.monotonic() + pause)

    def place_above(self, parents: Mapping[Any, Sequence[Any]]) -> None:
        """What the watched nodes of one equipment stand in belongs to it too; parents: what each node stands in."""
        said: dict[Any, set[str]] = {}
        for node, above in parents.items():
            for each in above:
                said.setdefault(each, set()).add(self.places[node])
        self.places.update(
            {node: min(places) for node, places in said.items() if len(places) == 1 and node not in self.places}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """A node that tells events. called: what its fields are, in order. filter: what it was asked for."""

    node: Any
    called: Sequence[str]
    filter: Any


async def listen(
    session: Session, feed: Any, notifiers: Sequence[str], wanted: Sequence[Wanted]
) -> tuple[dict[int, Notifier], list[Trouble]]:
    """(each handle's notifier, the notifiers that can't be heard)."""
    from asyncua import ua

    heard: dict[int, Notifier] = {}
    troubles = []
    for name in notifiers:
        try:
            node = session.resolve(name)
        except ValueError as error:
            troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=str(error), stream=name))
            continue
        refused = ""
        for plain in (False, True):  # some servers take no field of a type that they don't have
            chosen = ua.EventFilter(SelectClauses=selected(wanted, plain=plain))
            [(handle, result)] = await feed.watch([node], attribute=ua.AttributeIds.EventNotifier, filter=chosen)
            if result.StatusCode.is_good():
                called = names(wanted)
                heard[handle] = Notifier(node=node, called=called[:8] if plain else called, filter=chosen)
                break
            refused = status_name(result.StatusCode)
        else:
            troubles.append(Trouble(kind=TroubleKind.REFUSED, reason=f"{name}: {refused}", stream=name))
    return heard, troubles


async def refresh(session: Session, subscription: int) -> list[Trouble]:
    """The server tells all its conditions again, if it has any; what is wrong where it has and can't."""
    from asyncua import ua

    condition = session.client.get_node(ua.NodeId(ua.ObjectIds.ConditionType))
    try:
        await condition.call_method(
            ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh), ua.Variant(subscription, ua.VariantType.UInt32)
        )
    except ua.UaStatusCodeError as error:
        name = type(error).__name__
        if name not in _NO_CONDITIONS:
            reason = f"alarms that stood before we listened can't be had: ConditionRefresh: {name}"
            return [Trouble(kind=TroubleKind.REFUSED, reason=reason, stream="alarms")]
    return []
