"""The connector of OPC UA servers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from lineside.connector import Batch, Check, Checkpoint, Options, SourceMessage, Translated
from lineside.errors import SourceError, UnreadableMessage
from lineside.plant.entities import Entity, EntityKind
from lineside_ingest.opcua import alarms, models
from lineside_ingest.opcua.alarms import Wanted
from lineside_ingest.opcua.position import Position
from lineside_ingest.opcua.session import Session, Settings, connected
from lineside_ingest.opcua.trust import MODES, POLICIES, Trust
from lineside_ingest.opcua.values import Item, report

if TYPE_CHECKING:
    from lineside_ingest.opcua.reading import Plan, Reading

_OPTIONS = {
    "url", "nodes", "root", "root_equipment", "models", "alarms", "notifiers", "events", "sampling_ms", "queue",
    "keep_alive_s", "resume_s", "history", "since", "user", "password", "user_certificate", "user_private_key",
    "security_policy", "security_mode", "certificate", "private_key", "server_certificate", "trusted", "timeout_s",
}  # fmt: skip
_NODE_OPTIONS = {"node", "equipment", "entity", "property", "unit", "scope", "type", "values"}
_EVENT_OPTIONS = {"type", "kind", "fields"}
_TYPES = ("truth", "number", "text", "list", "structure")
_SERVER = "i=2253"


class OpcUa:
    """Subscribes to the values and alarms of an OPC UA server. See README.md."""

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
            trust=_trust(read),
            timeout_s=read.number("timeout_s", 10.0, at_least=0.1),
            sampling_ms=read.number("sampling_ms", 500.0, at_least=1.0),
            keep_alive_s=read.number("keep_alive_s", 5.0, at_least=0.1),
            resume_s=read.number("resume_s", 20.0),
            queue=int(read.number("queue", 100, at_least=1)),
        )
        items = [_item(each) for each in read.tables("nodes", known=_NODE_OPTIONS)]
        self._items = {item.node: item for item in items}
        if len(self._items) < len(items):
            raise read.bad("nodes", "names a node twice")
        self._root = read.text("root", "")
        self._root_equipment = (read.text("root_equipment") if self._root else read.text("root_equipment", "")).lower()
        self._models = read.flag("models", default=not self._items and not self._root)
        self._history = read.flag("history", default=True)
        self._since = _moment(read) if "since" in read else None
        self._events = [_wanted(each) for each in read.tables("events", known=_EVENT_OPTIONS)]
        self._notifiers = read.texts("notifiers") or (_SERVER,)
        if not read.flag("alarms", default=True) and not self._events:
            self._notifiers = ()
        if not self._items and not self._root and not self._models:
            raise read.bad("nodes", "is missing: a list of nodes to read, or root to browse from, or models = true")

    async def check(self) -> Sequence[Check]:
        try:
            async with connected(self._settings, self.source) as session:
                reading = self._reading(session, Position(None))
                items = await reading.prepare()
                checks = [
                    Check(name="connect", ok=True, detail=self._settings.url),
                    Check(name="security", ok=True, detail=session.agreed),
                ]
                checks += [
                    Check(name="read", ok=False, detail=each.reason, fix="mend the node's id or its rights")
                    for each in reading.troubles()
                ]
                feed, watched = reading.feed, reading.watched
                checks.append(Check(name="read", ok=True, detail=f"{len(watched)} of {len(items)} nodes"))
                slowest = max((each.sampling_ms for each in watched), default=0.0)
                checks.append(
                    Check(
                        name="pace",
                        ok=True,
                        detail=f"sampled every {slowest:g} ms at the slowest, published every {feed.interval_ms:g} ms, "
                        f"a sign of life every {feed.keep_alive_s:g} s",
                    )
                )
                await feed.delete()
                return checks
        except SourceError as error:
            return [Check(name="connect", ok=False, detail=error.message, fix="mend the url, the server or its trust")]

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """First what a gap left out, then the current values, then every change until cancelled.

        A node that can't be read does not keep the others from being read. Raises SourceUnavailable when the session or
        the subscription is lost; read again from the last checkpoint, nothing that the server kept is lost.
        """
        async with connected(self._settings, self.source) as session:
            reading = self._reading(session, Position(checkpoint, since=self._since))
            async with aclosing(reading.batches()) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    yield batch

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: the library acknowledges notifications when they arrive, and history stands behind a gap."""

    def translate(self, message: SourceMessage) -> Translated:
        try:
            content = json.loads(message.content)
        except ValueError as error:
            raise UnreadableMessage(f"the message is no value of a node: {error}") from error
        if not isinstance(content, dict):
            raise UnreadableMessage("the message is no value of a node")
        match content:
            case {"event": dict(event), **rest} if not rest:
                return alarms.record(message, event, {each.type: each.kind for each in self._events})
            case {"value": {"undescribed": kind}}:
                raise UnreadableMessage(f"the server does not describe the structure {kind}")
            case {"rule": str()}:
                return models.records(message, content)
        return report(message, content, self._items)

    def _reading(self, session: Session, position: Position) -> Reading:
        from lineside_ingest.opcua.reading import Reading

        return Reading(self._plan(), session, position, self._clock)

    def _plan(self) -> Plan:
        from lineside_ingest.opcua.reading import Plan

        return Plan(
            source=self.source,
            url=self._settings.url,
            items=self._items,
            root=self._root,
            root_equipment=self._root_equipment,
            models=self._models,
            history=self._history,
            notifiers=self._notifiers,
            events=self._events,
        )


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
        type=options.text("type", choices=_TYPES) if "type" in options else "",
        values={str(code): meaning for code, meaning in options.table("values").items()},
    )


def _moment(options: Options) -> datetime:
    try:
        found = datetime.fromisoformat(options.text("since"))
    except ValueError as error:
        raise options.bad("since", "is no time; write it as 2026-05-04T06:00:00+02:00") from error
    if found.tzinfo is None:
        raise options.bad("since", "needs an offset, as in 2026-05-04T06:00:00+02:00")
    return found


def _wanted(options: Options) -> Wanted:
    return Wanted(type=options.text("type"), kind=options.text("kind"), fields=options.texts("fields"))


def _trust(read: Options) -> Trust:
    if ("user_certificate" in read) != ("user_private_key" in read):
        raise read.bad("user_certificate", "and user_private_key go together")
    user = {name: read.text(name, "") for name in ("user_certificate", "user_private_key")}
    if "certificate" not in read:
        for name in ("security_policy", "security_mode", "private_key", "server_certificate", "trusted"):
            if name in read:
                raise read.bad(name, "needs certificate and private_key")
        return Trust(**user)
    if "server_certificate" in read and "trusted" in read:
        raise read.bad("trusted", "or server_certificate: one of them")
    return Trust(
        policy=read.text("security_policy", "Basic256Sha256", choices=POLICIES),
        mode=read.text("security_mode", "SignAndEncrypt", choices=MODES),
        certificate=read.text("certificate"),
        private_key=read.text("private_key"),
        server_certificate=read.text("server_certificate", ""),
        trusted=read.text("trusted", ""),
        **user,
    )
