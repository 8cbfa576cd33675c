"""The connector of OPC UA servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from lineside.connector import Batch, Check, Checkpoint, Gap, Options, SourceMessage, Unreadable
from lineside.errors import SourceError, SourceUnavailable
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Json, Record
from lineside_ingest.opcua.session import Session, Settings, connected, next_event
from lineside_ingest.opcua.values import Item, message, overflowed, report

_OPTIONS = {
    "url", "nodes", "root", "root_equipment", "sampling_ms", "keep_alive_s", "history", "user", "password",
    "security_policy", "security_mode", "certificate", "private_key", "server_certificate", "timeout_s",
}  # fmt: skip
_NODE_OPTIONS = {"node", "equipment", "entity", "property", "unit", "scope", "values"}
_MOST = 1000


class OpcUa:
    """Subscribes to the values of an OPC UA server. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        del time_zone  # OPC UA's times are UTC
        self.source = source
        self._clock = clock
        read = Options(source, options, known=_OPTIONS)
        self._settings = Settings(
            url=read.text("url"),
            user=read.text("user", ""),
            password=read.text("password", ""),
            security=_security(read),
            timeout_s=read.number("timeout_s", 10.0, at_least=0.1),
            sampling_ms=read.number("sampling_ms", 500.0, at_least=1.0),
            keep_alive_s=read.number("keep_alive_s", 5.0, at_least=0.1),
        )
        self._history = read.flag("history", default=True)
        items = [_item(each) for each in read.tables("nodes", known=_NODE_OPTIONS)]
        self._items = {item.node: item for item in items}
        if len(self._items) < len(items):
            raise read.bad("nodes", "names a node twice")
        self._root = read.text("root", "")
        self._root_equipment = read.text("root_equipment") if self._root else ""
        if not self._items and not self._root:
            raise read.bad("nodes", "is missing: a list of nodes to read, or root to browse from")

    async def check(self) -> Sequence[Check]:
        try:
            async with connected(self._settings, self.source) as session:
                checks = [Check(name="connect", ok=True, detail=self._settings.url)]
                items = await self._wanted(session)
                nodes, lost = await session.find(items)
                subscription, _, failed = await session.subscribe(nodes)
                await subscription.delete()
                wrong = [*lost.values(), *failed.values()]
                fix = "mend the node's id or its rights"
                checks.extend(Check(name="read", ok=False, detail=reason, fix=fix) for reason in wrong)
                checks.append(Check(name="read", ok=True, detail=f"{len(items) - len(wrong)} nodes"))
                return checks
        except SourceError as error:
            return [Check(name="connect", ok=False, detail=error.message, fix="mend the url, the server or its trust")]

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """First what a gap left out, then the current values, then every change until cancelled.

        A node that can't be read does not keep the others from being read. Raises SourceUnavailable when the session or
        the subscription is lost; read again from the last checkpoint, nothing that the server kept is lost.
        """
        position = _Position(checkpoint)
        async with connected(self._settings, self.source) as session:
            nodes, lost = await session.find(await self._wanted(session))
            began = self._clock()
            if position.heard is not None and position.heard < began:
                async for batch in self._bridge(session, nodes, position, position.heard, began):
                    yield batch
            subscription, by_node, failed = await session.subscribe(nodes)
            unreadable = [
                Unreadable(content=item.node.encode(), reason=reason, origin=self._settings.url)
                for item, reason in {**lost, **failed}.items()
            ]
            if unreadable:
                yield Batch(unreadable=unreadable)
            own = subscription.subscription_id
            while True:
                changes = await self._changes(subscription)
                if subscription.subscription_id != own:  # the library made a new one: what happened between is unknown
                    raise SourceUnavailable(f"{self.source}: the subscription was lost")
                messages, gaps = self._messages(changes, by_node, position)
                position.heard = self._clock()
                yield Batch(messages=messages, gaps=gaps, checkpoint=position.to_json())

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: the library acknowledges notifications when they arrive, and history stands behind a gap."""

    def translate(self, message: SourceMessage) -> Sequence[Record]:
        return (report(message, self._items),)

    async def _wanted(self, session: Session) -> list[Item]:
        browsed = await session.browse(self._root, self._root_equipment.lower()) if self._root else []
        return [*self._items.values(), *(item for item in browsed if item.node not in self._items)]

    async def _bridge(
        self, session: Session, nodes: Mapping[Item, Any], position: _Position, since: datetime, until: datetime
    ) -> AsyncIterator[Batch]:
        """What the server kept of the time that we were away, and a gap where it keeps nothing."""
        forgotten = 0
        for item, node in nodes.items():
            start = min(since, position.last(item) or since)  # the device's clock may run behind ours
            values = await session.history(node, start, until) if self._history else None
            if values is None:
                forgotten += 1
                continue
            found = [self._message(item, value) for value in values]
            fresh = [each for each in found if position.news(item, each)]
            if fresh:
                yield Batch(messages=fresh)
        if forgotten:
            reason = f"not connected; the server keeps no history of {forgotten} of {len(nodes)} nodes"
            yield Batch(gaps=[Gap(since=since, until=until, reason=reason)])

    async def _changes(self, subscription: Any) -> list[Any]:
        """The next changes; empty after a keep-alive's time in which the subscription proved to be alive."""
        first = await next_event(subscription, self._settings.keep_alive_s)
        if first is None:
            if subscription.is_stale(2.0):
                raise SourceUnavailable(f"{self.source}: the subscription went silent without a keep-alive")
            return []
        changes = [first]
        while len(changes) < _MOST and (more := await next_event(subscription, 0.01)) is not None:
            changes.append(more)
        return changes

    def _messages(
        self, changes: Sequence[Any], by_node: Mapping[Any, Item], position: _Position
    ) -> tuple[list[SourceMessage], list[Gap]]:
        messages, gaps = [], []
        for change in changes:
            if not hasattr(change, "node"):
                raise SourceUnavailable(
                    f"{self.source}: the server ended the subscription: {change.notification.Status}"
                )
            item = by_node.get(change.node.nodeid)
            if item is None:  # a value of a node that another call refused
                continue
            data = change.data.monitored_item.Value
            found = self._message(item, data)
            at = found.occurred_at or found.received_at
            since = position.last(item)
            if overflowed(data) and since is not None and since < at:
                gaps.append(Gap(since=since, until=at, reason=f"the server's queue for {item.node} overflowed"))
            if position.news(item, found):
                messages.append(found)
        return messages, gaps

    def _message(self, item: Item, data: Any) -> SourceMessage:
        return message(item, data, source=self.source, origin=self._settings.url, received_at=self._clock())


class _Position:
    """When the server was last heard, and each node's last value, so that a new session does not send it again."""

    def __init__(self, checkpoint: Checkpoint | None) -> None:
        said = checkpoint or {}
        heard, nodes = said.get("heard"), said.get("nodes")
        self.heard = datetime.fromisoformat(heard) if isinstance(heard, str) else None
        self._nodes: dict[str, Json] = dict(nodes) if isinstance(nodes, dict) else {}

    def news(self, item: Item, message: SourceMessage) -> bool:
        """Whether the value is another than the node's last one; from now on it is the last."""
        at = (message.occurred_at or message.received_at).isoformat()
        before = self._nodes.get(item.node)
        if isinstance(before, list) and before[:1] == [message.source_id]:
            return False
        self._nodes[item.node] = [message.source_id, at]
        return True

    def last(self, item: Item) -> datetime | None:
        match self._nodes.get(item.node):
            case [_, str(at)]:
                return datetime.fromisoformat(at)
        return None

    def to_json(self) -> Checkpoint:
        return {"heard": None if self.heard is None else self.heard.isoformat(), "nodes": dict(self._nodes)}


def _item(options: Options) -> Item:
    if ("equipment" in options) == ("entity" in options):
        raise options.bad("equipment", "or entity: exactly one of them is needed")
    try:
        entity = (
            Entity(EntityKind.EQUIPMENT, options.text("equipment").lower())
            if "equipment" in options
            else Entity.parse(options.text("entity"))
        )
    except ValueError as error:
        raise options.bad("entity", str(error)) from error
    return Item(
        node=options.text("node"),
        entity=entity,
        property=options.text("property"),
        unit=options.text("unit", ""),
        scope=options.text("scope", "") or None,
        values={str(code): meaning for code, meaning in options.table("values").items()},
    )


def _security(read: Options) -> str:
    if "certificate" not in read:
        for name in ("security_policy", "security_mode", "private_key", "server_certificate"):
            if name in read:
                raise read.bad(name, "needs certificate and private_key")
        return ""
    parts = [
        read.text("security_policy", "Basic256Sha256"),
        read.text("security_mode", "SignAndEncrypt", choices=("Sign", "SignAndEncrypt")),
        read.text("certificate"),
        read.text("private_key"),
    ]
    return ",".join([*parts, read.text("server_certificate")] if "server_certificate" in read else parts)
