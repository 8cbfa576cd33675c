"""One session with a server: signed in, its limits kept, nodes found, read and browsed. asyncua is imported late."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.opcua.trust import APPLICATION, Trust, advice, secure
from lineside_ingest.opcua.values import aware

# Servers say that they are busy, not for how long; so many seconds they are left in peace.
BUSY_S = 30.0
_REFUSALS = ("BadUser", "BadIdentity", "BadSecurityChecks", "BadSecurityMode", "BadSecurityPolicy", "BadCertificate",
             "BadApplicationSignature")  # fmt: skip
_BUSY = ("TooBusy", "BadTooManySessions", "BadTooManySubscriptions", "BadTooManyPublishRequests", "BadOutOfMemory",
         "BadResourceUnavailable", "BadTcpNotEnoughResources")  # fmt: skip
_TOO_MUCH = ("BadTooManyOperations", "BadEncodingLimitsExceeded", "BadResponseTooLarge", "BadRequestTooLarge",
             "BadTcpMessageTooLarge", "BadTooManyMonitoredItems")  # fmt: skip
_LIMITS = ("MaxNodesPerRead", "MaxNodesPerBrowse", "MaxMonitoredItemsPerCall", "MaxNodesPerHistoryReadData",
           "MaxNodesPerHistoryReadEvents")  # fmt: skip
_AT_ONCE = 1000
_DEEPEST_TYPE = 20

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach a server and sign in. keep_alive_s: how soon a silent subscription is told from a dead one.
    resume_s: how long a cut line may take to come back before it counts as an outage."""

    url: str
    user: str
    password: str
    trust: Trust
    timeout_s: float
    sampling_ms: float
    keep_alive_s: float
    resume_s: float
    queue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Which server answers, since when, with which namespaces."""

    server: str
    started: str
    namespaces: str

    def to_json(self) -> dict[str, Json]:
        return {"server": self.server, "started": self.started, "namespaces": self.namespaces}


@asynccontextmanager
async def connected(settings: Settings, source: str) -> AsyncIterator[Session]:
    """A session that is closed in the end. Raises SourceUnavailable or SourceRefused, also for what fails inside."""
    from asyncua import Client, ua

    client = Client(settings.url, timeout=settings.timeout_s, watchdog_intervall=settings.keep_alive_s)
    client.application_uri = client.product_uri = APPLICATION
    client.name = client.description = "Lineside"
    try:
        try:
            agreed = await secure(client, settings.trust, source)
            if settings.user:
                client.set_user(settings.user)
                client.set_password(settings.password)
            await client.connect(auto_reconnect=settings.resume_s > 0, reconnect_max_delay=5.0)
            session = Session(client, settings, agreed)
            await session.begin()
            yield session
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
    """A connected client. agreed: its security in words. sizes: how much each kind of call may ask for at once.
    now: the server's own clock when the session began; skew_s: how far it is ahead of ours."""

    def __init__(self, client: Any, settings: Settings, agreed: str) -> None:
        self.client = client
        self.settings = settings
        self.agreed = agreed
        self.wire = client.uaclient.session
        self.sizes = dict.fromkeys(_LIMITS, _AT_ONCE)
        self.namespaces: list[str] = []
        self.epoch = Epoch(server="", started="", namespaces="")
        self.now: datetime | None = None

    async def begin(self) -> None:
        """The server's limits, namespaces, start and clock are known."""
        from asyncua import ua

        ids = ua.ObjectIds
        limits = [getattr(ids, f"Server_ServerCapabilities_OperationLimits_{name}") for name in _LIMITS]
        about = [ids.Server_NamespaceArray, ids.Server_ServerArray, ids.Server_ServerStatus]
        values = [each.Value.Value if each.Value is not None else None for each in await self.read(
            [ua.NodeId(each) for each in (*about, *limits)])]  # fmt: skip
        self.namespaces = [str(each) for each in values[0] or []]
        status = values[2]
        self.now = aware(getattr(status, "CurrentTime", None))
        started = aware(getattr(status, "StartTime", None))
        self.epoch = Epoch(
            server=str((values[1] or [""])[0]),
            started="" if started is None else started.isoformat(),
            namespaces=sha256("\n".join(self.namespaces).encode()).hexdigest()[:16],
        )
        for name, limit in zip(_LIMITS, values[3:], strict=True):
            if isinstance(limit, int) and limit > 0:
                self.sizes[name] = min(limit, _AT_ONCE)

    async def in_parts(
        self, limit: str, items: Sequence[T], call: Callable[[Sequence[T]], Awaitable[Sequence[R]]]
    ) -> list[R]:
        """What `call` says of all items, asked for as many at once as the server takes; it may take fewer than it
        says."""
        from asyncua import ua

        found: list[R] = []
        while len(found) < len(items):
            part = items[len(found) : len(found) + self.sizes[limit]]
            try:
                results = await call(part)
            except ua.UaStatusCodeError as error:
                if len(part) == 1 or type(error).__name__ not in _TOO_MUCH:
                    raise
                self.sizes[limit] = max(1, len(part) // 2)
                continue
            if len(results) != len(part):
                raise SourceUnavailable(f"the server answered {len(results)} of {len(part)} questions")
            found.extend(results)
        return found

    async def read(self, nodes: Sequence[Any], attribute: int = 13) -> list[Any]:
        """The data value of each node's attribute, by default of its value."""
        from asyncua import ua

        return await self.in_parts(
            "MaxNodesPerRead", nodes, lambda part: self.wire.read_attributes(list(part), ua.AttributeIds(attribute))
        )

    async def browse(
        self, nodes: Sequence[Any], *, reference: int = 33, inverse: bool = False, mask: int = 0
    ) -> list[list[Any]]:
        """Each node's references; those of a node that can't be browsed are none. reference: 33 are the hierarchical
        ones, with all subtypes. mask: of node classes, 0 for all."""
        from asyncua import ua

        def asked(node: Any) -> Any:
            return ua.BrowseDescription(
                NodeId=node,
                BrowseDirection=ua.BrowseDirection.Inverse if inverse else ua.BrowseDirection.Forward,
                ReferenceTypeId=ua.NodeId(reference),
                IncludeSubtypes=True,
                NodeClassMask=mask,
                ResultMask=ua.BrowseResultMask.All,
            )

        async def call(part: Sequence[Any]) -> list[list[Any]]:
            parameters = ua.BrowseParameters(NodesToBrowse=[asked(each) for each in part])
            results = await self.wire.browse(parameters)
            found = [list(each.References or []) for each in results]
            waiting = {place: each.ContinuationPoint for place, each in enumerate(results) if each.ContinuationPoint}
            while waiting:
                more = await self.wire.browse_next(ua.BrowseNextParameters(ContinuationPoints=list(waiting.values())))
                for place, each in zip(list(waiting), more, strict=True):
                    found[place] += each.References or []
                    waiting[place] = each.ContinuationPoint
                waiting = {place: point for place, point in waiting.items() if point}
            return found

        return await self.in_parts("MaxNodesPerBrowse", nodes, call)

    async def supertypes(self, types: Iterable[Any]) -> dict[Any, list[Any]]:
        """Each type's supertypes, nearest first."""
        above: dict[Any, list[Any]] = {each: [] for each in types}
        tips = {each: each for each in above}
        for _ in range(_DEEPEST_TYPE):
            if not tips:
                break
            parents = await self.browse(list(tips.values()), reference=45, inverse=True)
            tips = {
                each: found[0].NodeId
                for each, found in zip(list(tips), parents, strict=True)
                if found and found[0].NodeId not in above[each]
            }
            for each, parent in tips.items():
                above[each].append(parent)
        return above

    async def definitions(self, data_types: Sequence[Any]) -> list[Any]:
        """How each structure is built; None where the server does not say."""
        from asyncua import ua

        found = await self.read(data_types, ua.AttributeIds.DataTypeDefinition)
        values = [each.Value.Value if each.Value is not None else None for each in found]
        return [each if isinstance(each, ua.StructureDefinition) else None for each in values]

    def resolve(self, written: str) -> Any:
        """The node id of `nsu=URI;s=...`. Raises ValueError with what is wrong."""
        from asyncua import ua

        try:
            parsed = ua.NodeId.from_string(written)
        except ua.UaError as error:
            raise ValueError(f"{written} is no node id: {error}") from error
        uri = getattr(parsed, "NamespaceUri", None)
        if uri and uri not in self.namespaces:
            raise ValueError(f"{written}: the server has no such namespace; it has {', '.join(self.namespaces)}")
        index = self.namespaces.index(uri) if uri else parsed.NamespaceIndex
        return ua.NodeId(parsed.Identifier, index, parsed.NodeIdType)

    def named(self, node: Any) -> str:
        """The node's id by namespace URI, which stays when the server's indexes change."""
        written: str = ua_text(node)
        identifier = written.partition(";")[2] if written.startswith("ns=") else written
        uri = self.namespace(node)
        return f"nsu={uri};{identifier}" if uri else identifier

    def namespace(self, node: Any) -> str:
        """The URI of the node id's, or of the qualified name's, namespace; empty where the server does not say."""
        index = node.NamespaceIndex
        return self.namespaces[index] if 0 <= index < len(self.namespaces) else ""


def ua_text(node: Any) -> str:
    """The node id as text, without what an expanded one says of its server."""
    from asyncua import ua

    return str(ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType).to_string())


def before(known: Mapping[str, Json]) -> Epoch:
    """The epoch that a checkpoint knows."""
    return Epoch(**{name: str(known.get(name, "")) for name in ("server", "started", "namespaces")})


def _failed(error: Any, source: str) -> SourceUnavailable | SourceRefused:
    name = type(error).__name__
    if name.startswith(_REFUSALS):
        return SourceRefused(f"{source} refuses us: {name}{advice(name)}")
    if any(sign in name for sign in _BUSY):
        return SourceUnavailable(f"{source} is too busy: {name}", retry_after_s=BUSY_S)
    return SourceUnavailable(f"{source} does not answer: {name}")
