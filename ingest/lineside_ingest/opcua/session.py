"""One session with a server: signed in, nodes found, values subscribed, history read. asyncua is imported late."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.entities import Entity, EntityKind
from lineside_ingest.opcua.values import Item

_REFUSALS = ("BadUser", "BadIdentity", "BadSecurity", "BadCertificate", "BadApplicationSignature")
_DEEPEST, _MOST_NODES = 6, 5000
_QUEUE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach a server and sign in. keep_alive_s: how soon a silent subscription is told from a dead one."""

    url: str
    user: str
    password: str
    security: str  # asyncua's "policy,mode,certificate,key[,server certificate]"
    timeout_s: float
    sampling_ms: float
    keep_alive_s: float


@asynccontextmanager
async def connected(settings: Settings, source: str) -> AsyncIterator[Session]:
    """A session that is closed in the end. Raises SourceUnavailable or SourceRefused, also for what fails inside."""
    from asyncua import Client, ua

    client = Client(settings.url, timeout=settings.timeout_s, watchdog_intervall=settings.keep_alive_s)
    client.application_uri = client.product_uri = "urn:lineside:connector"
    client.name = client.description = "Lineside"
    try:
        try:
            if settings.security:
                await client.set_security_string(settings.security)
            if settings.user:
                client.set_user(settings.user)
                client.set_password(settings.password)
            await client.connect()
            yield Session(client, settings)
        except ua.UaStatusCodeError as error:
            raise _failed(error, source) from error
        except (OSError, TimeoutError) as error:
            raise SourceUnavailable(f"{source} does not answer: {type(error).__name__} {error}".rstrip()) from error
        except ua.UaError as error:  # what the library itself refuses: no endpoint, no identity that the server takes
            raise SourceRefused(f"{source}: {error}") from error
    finally:
        with suppress(ua.UaError, OSError, TimeoutError):
            await client.disconnect()


class Session:
    """A connected client. The server's limits on the size of a call are kept."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self.client = client
        self._settings = settings
        self._namespaces: list[str] = []

    async def find(self, items: Iterable[Item]) -> tuple[dict[Item, Any], dict[Item, str]]:
        """(each item's node id, the items whose node can't be named and why)."""
        from asyncua import ua

        self._namespaces = await self.client.get_namespace_array()
        found, lost = {}, {}
        for item in items:
            try:
                parsed = ua.NodeId.from_string(item.node)
                uri = getattr(parsed, "NamespaceUri", None)
                index = self._namespaces.index(uri) if uri else parsed.NamespaceIndex
                found[item] = ua.NodeId(parsed.Identifier, index, parsed.NodeIdType)
            except ValueError:
                lost[item] = f"{item.node}: the server has no such namespace; it has {', '.join(self._namespaces)}"
            except ua.UaError as error:
                lost[item] = f"{item.node} is no node id: {error}"
        return found, lost

    async def browse(self, root: str, equipment: str) -> list[Item]:
        """An item for every variable below `root`: the folders between make up the equipment path, its name the
        property."""
        [(_, node)] = (await self.find([Item(node=root, entity=Entity("equipment", equipment), property="-")]))[
            0
        ].items()
        items: list[Item] = []
        await self._browse(self.client.get_node(node), equipment, items, 0)
        return items

    async def subscribe(self, nodes: dict[Item, Any]) -> tuple[Any, dict[int, Item], dict[Item, str]]:
        """(the subscription, each client handle's item, the items that can't be subscribed and why)."""
        from asyncua import ua
        from asyncua.common.subscription import OverflowPolicy

        sampling = self._settings.sampling_ms
        asked = ua.CreateSubscriptionParameters()
        asked.RequestedPublishingInterval = sampling
        # asked for explicitly: left to itself the library asks for most of an hour, and a dead subscription looks idle
        asked.RequestedMaxKeepAliveCount = max(1, round(self._settings.keep_alive_s * 1000 / sampling))
        asked.RequestedLifetimeCount = asked.RequestedMaxKeepAliveCount * 10
        asked.MaxNotificationsPerPublish = 10_000
        asked.PublishingEnabled = True
        subscription = await self.client.create_subscription(
            asked, queue_maxsize=_QUEUE, overflow=OverflowPolicy.DISCONNECT
        )
        by_node, failed = {}, {}
        size = await self._limit(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall)
        for part in _parts(list(nodes.items()), size):
            results = await subscription.subscribe_data_change(
                [self.client.get_node(node) for _, node in part], queuesize=100, sampling_interval=sampling
            )
            for (item, node), result in zip(part, results, strict=True):
                if isinstance(result, ua.StatusCode):
                    failed[item] = f"{item.node}: {result.name}"
                else:
                    by_node[node] = item
        return subscription, by_node, failed

    async def history(self, node: Any, since: datetime, until: datetime) -> list[Any] | None:
        """The data values that the server kept of the node; None where it keeps none."""
        from asyncua import ua

        asked = self.client.get_node(node)
        try:
            access = (await asked.read_attribute(ua.AttributeIds.AccessLevel)).Value.Value
            if not access & 1 << ua.AccessLevel.HistoryRead.value:  # some servers answer anyway, with nothing
                return None
            return list(await asked.read_raw_history(since, until, return_bounds=False))
        except ua.UaStatusCodeError:
            return None

    async def _browse(self, node: Any, equipment: str, items: list[Item], depth: int) -> None:
        from asyncua import ua

        mask = ua.NodeClass.Object | ua.NodeClass.Variable
        for child in await node.get_children(refs=ua.ObjectIds.HierarchicalReferences, nodeclassmask=mask):
            if len(items) >= _MOST_NODES:
                return
            name = (await child.read_browse_name()).Name
            if await child.read_node_class() is ua.NodeClass.Variable:
                entity = Entity(EntityKind.EQUIPMENT, equipment)
                items.append(Item(node=self._named(child.nodeid), entity=entity, property=name))
            elif depth < _DEEPEST:
                below = f"{equipment}/{name.lower().replace(' ', '-')}"
                await self._browse(child, below, items, depth + 1)

    def _named(self, node: Any) -> str:
        written = node.to_string()
        identifier = written.partition(";")[2] if written.startswith("ns=") else written
        return f"nsu={self._namespaces[node.NamespaceIndex]};{identifier}"

    async def _limit(self, node: int) -> int:
        from asyncua import ua

        try:
            limit = await self.client.get_node(ua.NodeId(node)).read_value()
        except ua.UaStatusCodeError:  # servers need not tell
            return 1000
        return int(limit) or 1000


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _failed(error: Any, source: str) -> SourceUnavailable | SourceRefused:
    name = type(error).__name__
    if name.startswith(_REFUSALS):
        return SourceRefused(f"{source} refuses us: {name}")
    return SourceUnavailable(f"{source} does not answer: {name}")


async def next_event(subscription: Any, timeout_s: float) -> Any:
    """The subscription's next event; None when it stayed quiet. Raises SourceUnavailable where it was closed."""
    try:
        return await subscription.next_event(timeout_s)
    except StopAsyncIteration as error:
        raise SourceUnavailable("the subscription was closed") from error
