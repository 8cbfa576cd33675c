"""One reading of a server: what a gap left out, what is so now, then every change. Imports asyncua: import it late."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from asyncua import ua

from lineside.connector import Batch, Gap, SourceMessage, Trouble, TroubleKind
from lineside.errors import SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.opcua import alarms, browsing, history, models
from lineside_ingest.opcua.alarms import Wanted
from lineside_ingest.opcua.feed import Feed, Held, Missed
from lineside_ingest.opcua.position import Position
from lineside_ingest.opcua.session import Session, before
from lineside_ingest.opcua.structures import Structures
from lineside_ingest.opcua.values import Item, digest, kind_of, message, overflowed, said, status_name
from lineside_ingest.opcua.watching import GONE, Notifier, Watched, Watching, listen, refresh

_MOST, _LOOK_S, _CHECKPOINT_S = 1000, 0.01, 1.0
_SKEW = timedelta(minutes=1)
_REFRESH_START, _REFRESH_END = 2787, 2788
_MODEL_CHANGES = (2132, 2133)  # BaseModelChangeEventType, GeneralModelChangeEventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is read of a server, as configured. items: the nodes that are named. history: whether gaps are bridged."""

    source: str
    url: str
    items: Mapping[str, Item]
    root: str
    root_equipment: str
    models: bool
    history: bool
    notifiers: Sequence[str]
    events: Sequence[Wanted]


@dataclass
class _Heard:
    """What a batch is made of."""

    messages: list[SourceMessage] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


class Reading:
    """One session's reading, from a position on."""

    def __init__(self, plan: Plan, session: Session, position: Position, clock: Callable[[], datetime]) -> None:
        self._plan = plan
        self._session = session
        self._position = position
        self._clock = clock
        self._structures = Structures()
        self._feed = Feed(session)
        self._watching = Watching(session, self._feed, self._structures)
        self._notifiers: dict[int, Notifier] = {}
        self._types: dict[Any, str] = {}
        self._troubles: list[Trouble] = []  # that stand as long as this session
        self._told: tuple[Trouble, ...] | None = None
        self._refreshed: set[str] | None = None  # the conditions that a refresh under way has told
        self._stood: dict[str, Json] | None = None  # the alarms that were known when it began
        self._patience = 0.0  # until when the first values are waited for

    async def batches(self) -> AsyncIterator[Batch]:
        """Never ends. Raises SourceUnavailable when the session or the subscription is lost."""
        passing = self._epoch()
        began = self._clock()
        await self._feed.open()  # first, so that nothing falls between the history and what is so now
        found = await self.wanted()
        await self._watching.watch(found)
        self._position.keep_only((item.node for item in found), (str(item.entity) for item in found))
        if self._plan.notifiers:
            await self._listen()
        since, first = self._position.heard, self._position.first
        if since is not None and since < began:
            if self._plan.history:
                async for batch in self._bridge(since, began):
                    if not first or batch.messages:
                        yield Batch(messages=batch.messages, gaps=() if first else batch.gaps)
            elif not first:
                yield Batch(gaps=[Gap(since=since, until=began, reason="not connected")])
        if self._plan.notifiers:
            self._troubles += await refresh(self._session, self._feed.subscription_id)
        saved = 0.0
        self._patience = time.monotonic() + self._session.settings.timeout_s
        while True:
            heard = await self._hear()
            if heard is None:
                await self._watching.again()
                continue
            idle = not heard.messages and not heard.gaps
            due = idle or time.monotonic() - saved > _CHECKPOINT_S
            if due:
                saved = time.monotonic()
                self._position.heard = self._clock()
                await self._watching.again()
            troubles = self._news_of_troubles(passing) if due else None
            passing = [] if due else passing
            checkpoint = self._position.to_json() if due else None
            yield Batch(messages=heard.messages, gaps=heard.gaps, checkpoint=checkpoint, troubles=troubles)

    async def wanted(self) -> list[Item]:
        """The items named, those below the root, and those of the companion models; each node once."""
        found = dict(self._plan.items)
        if self._plan.root:
            try:
                root = self._session.resolve(self._plan.root)
            except ValueError as error:
                self._troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=str(error), stream="root"))
            else:
                self._add(found, await browsing.below(self._session, root, self._plan.root_equipment))
        if self._plan.models:
            fallback = models.interface(self._plan.source)
            self._add(found, await browsing.models(self._session, self._plan.root_equipment, fallback))
        return list(found.values())

    @property
    def watched(self) -> list[Watched]:
        return list(self._watching.by_handle.values())

    def troubles(self) -> list[Trouble]:
        return [*self._troubles, *self._watching.troubles()]

    async def prepare(self) -> list[Item]:
        """Everything is watched, and nothing read: for a check."""
        await self._feed.open()
        found = await self.wanted()
        await self._watching.watch(found)
        if self._plan.notifiers:
            await self._listen()
        return found

    @property
    def feed(self) -> Feed:
        return self._feed

    def _add(self, found: dict[str, Item], more: browsing.Found) -> None:
        for item in more.items:
            found.setdefault(item.node, item)
        self._watching.places.update({node: place for node, place in more.places.items() if place})
        if more.cut:
            reason = f"there is more below than the {browsing.MOST} nodes that are browsed: name the nodes to read"
            self._troubles.append(Trouble(kind=TroubleKind.REFUSED, reason=reason, stream="browse"))

    def _epoch(self) -> list[Trouble]:
        known, now = self._position.epoch, self._session.epoch
        self._position.epoch = now.to_json()
        clock = self._session.now
        if clock is not None and abs(ahead := clock - self._clock()) > _SKEW:
            reason = f"the server's clock is {ahead.total_seconds():+.0f} s from ours"
            self._troubles.append(Trouble(kind=TroubleKind.SKEW, reason=reason))
        if not known or before(known) == now:
            return []
        was = before(known)
        if was.server != now.server:
            self._position.forget()
            reason = f"another server answers: {now.server}, no longer {was.server}; it is read from the start"
        elif was.started != now.started:
            reason = f"the server started anew at {now.started}; its nodes are found again by their namespaces"
        else:
            reason = "the server's namespaces changed; its nodes are found again by them"
        return [Trouble(kind=TroubleKind.EPOCH, reason=reason, passing=True)]

    async def _listen(self) -> None:
        self._notifiers, refused = await listen(self._session, self._feed, self._plan.notifiers, self._plan.events)
        self._troubles += refused
        nodes = [each.node for each in self._watching.by_handle.values() if each.node in self._watching.places]
        above = await self._session.browse(nodes, inverse=True)
        self._watching.place_above(
            {node: [each.NodeId for each in found] for node, found in zip(nodes, above, strict=True)}
        )
        for wanted in self._plan.events:
            try:
                top = self._session.resolve(wanted.type)
            except ValueError as error:
                self._troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=str(error), stream=wanted.type))
                continue
            level = [top]
            while level:
                self._types |= {each: wanted.type for each in level if each not in self._types}
                below = await self._session.browse(level, reference=45)
                level = [each.NodeId for found in below for each in found if each.NodeId not in self._types]

    async def _bridge(self, since: datetime, until: datetime) -> AsyncIterator[Batch]:
        """What the server kept of the time that we were away, and a gap where it keeps nothing of it."""
        watched = self.watched
        starts = [min(since, self._position.last(each.item.node) or since) for each in watched]
        unkept = 0
        async for page in history.values(self._session, [each.node for each in watched], starts, until):
            if isinstance(page, history.Unkept):
                unkept += 1
                continue
            heard = _Heard()
            for data in page.values:
                self._take(heard, watched[page.place], data)
            if not page.whole and page.values:
                first = page.values[0].SourceTimestamp or page.values[0].ServerTimestamp
                reason = f"the server no longer has what {watched[page.place].item.node} said before {first}"
                heard.gaps.append(Gap(since=since, until=until, reason=reason))
            if heard.messages or heard.gaps:
                yield Batch(messages=heard.messages, gaps=heard.gaps)
        if unkept:
            reason = f"not connected; the server keeps no history of {unkept} of {len(watched)} nodes"
            yield Batch(gaps=[Gap(since=since, until=until, reason=reason)])
        for notifier in self._notifiers.values():
            kept = await history.events(self._session, notifier.node, since, until, notifier.filter)
            heard = _Heard()
            for fields in kept or []:
                await self._take_event(heard, notifier, fields)
            if heard.messages:
                yield Batch(messages=heard.messages)

    async def _hear(self) -> _Heard | None:
        """What came, at most so much at once; nothing where the subscription proved to be alive in silence, None while
        the line is cut, or first values are still to come."""
        heard = _Heard()
        timeout, waited = self._session.settings.keep_alive_s, 0.0
        while len(heard.messages) < _MOST:
            asked = time.monotonic()
            notice = await self._feed.next(timeout)
            if notice is None:
                waited += time.monotonic() - asked
                if heard.messages or heard.gaps:
                    break
                if timeout == _LOOK_S:  # what came said nothing: that is no silence yet
                    timeout = self._session.settings.keep_alive_s
                    continue
                if self._session.client.state.value == "connected":
                    if self._feed.is_stale(2.0):
                        raise SourceUnavailable(
                            f"{self._plan.source}: the subscription went silent without a keep-alive"
                        )
                    waiting = self._watching.unheard and time.monotonic() < self._patience
                    return None if waiting else heard
                if waited >= self._session.settings.resume_s:
                    raise SourceUnavailable(f"{self._plan.source}: the connection was lost")
                timeout = min(timeout, 0.2)
                continue
            await self._notice(heard, notice)
            timeout = _LOOK_S
        return heard

    async def _notice(self, heard: _Heard, notice: Any) -> None:
        match notice:
            case Missed(count=count):
                now = self._clock()
                reason = f"{count} notifications of the server did not arrive and can't be had again"
                heard.gaps.append(
                    Gap(since=self._position.heard or now - timedelta(seconds=1), until=now, reason=reason)
                )
            case Held(since=since, until=until):
                to_ours = self._clock() - timedelta(seconds=time.monotonic())
                reason = f"we took nothing for {until - since:.0f} s: the server's queues may have overflowed"
                heard.gaps.append(
                    Gap(
                        since=to_ours + timedelta(seconds=since),
                        until=to_ours + timedelta(seconds=until),
                        reason=reason,
                    )
                )
            case ua.DataChangeNotification(MonitoredItems=items):
                for each in items or []:
                    watched = self._watching.by_handle.get(each.ClientHandle)
                    self._watching.unheard.discard(each.ClientHandle)
                    if watched is not None:
                        self._take(heard, watched, each.Value)
                        if status_name(each.Value.StatusCode) in GONE:
                            reason = f"{watched.item.node}: the server no longer has it"
                            await self._watching.lose(each.ClientHandle, reason)
            case ua.EventNotificationList(Events=events):
                for each in events or []:
                    if (notifier := self._notifiers.get(each.ClientHandle)) is not None:
                        await self._take_event(heard, notifier, each.EventFields)

    def _take(self, heard: _Heard, watched: Watched, data: Any) -> None:
        item, position = watched.item, self._position
        content = said(item, data, self._structures.decode)
        if item.rule and not content["status"]:
            self._take_model(heard, item, content, data)
            return
        if was := position.kind(item.node, kind_of(content["value"])):
            content["was"] = was
        found = self._message(content, data)
        since, at = position.last(item.node), found.occurred_at or found.received_at
        if overflowed(data) and since is not None and since < at:
            heard.gaps.append(Gap(since=since, until=at, reason=f"the server's queue for {item.node} overflowed"))
        if position.news(item.node, found):
            heard.messages.append(found)

    def _take_model(self, heard: _Heard, item: Item, content: dict[str, Json], data: Any) -> None:
        rule, position = models.rules()[item.rule], self._position
        if rule.reads == "count":
            key = f"{item.entity}#counts"
            known = position.parts.get(key)
            position.parts[key] = together = {
                **(known if isinstance(known, dict) else {}), rule.property: models.total(content["value"]),
            }  # fmt: skip
            content["together"] = dict(together)
        parts = list(models.split(content))
        if rule.reads in models.PARTS:
            known = position.parts.get(item.node)
            marks = known if isinstance(known, dict) else {}
            fresh: dict[str, Json] = {about: digest(part) for about, part in parts if about}
            position.parts[item.node] = fresh
            parts = [(about, part) for about, part in parts if about and marks.get(about) != fresh[about]]
            heard.messages += [self._message(part, data, about) for about, part in parts]
            return
        found = self._message(content, data)
        if not position.news(item.node, found):
            return
        heard.messages.append(found)
        if rule.entering or rule.leaving:
            now, key = rule.meaning(content["value"]), f"{item.entity}#{item.property}"
            was = position.parts.get(key)
            if now not in ("", None, was):
                position.parts[key] = now
                for kind in (rule.leaving.get(str(was)), rule.entering.get(str(now))):
                    if kind and was is not None:
                        event: dict[str, Json] = {**content, "event": kind}
                        heard.messages.append(self._message(event, data, f"#{kind}"))

    async def _take_event(self, heard: _Heard, notifier: Notifier, fields: Sequence[Any]) -> None:
        values = dict(zip(notifier.called, fields, strict=False))
        kind = getattr(values.get("EventType"), "Value", None)
        if kind is None:
            return
        if kind.NamespaceIndex == 0 and kind.Identifier in (_REFRESH_START, _REFRESH_END, *_MODEL_CHANGES):
            await self._housekeeping(heard, kind.Identifier)
            return
        event = alarms.told(fields, notifier.called, self._structures.decode)
        for name in ("ConditionId", "SourceNode", "EventType", "BranchId"):
            node = getattr(values.get(name), "Value", None)
            if node is not None and not node.is_null():
                event[name] = self._session.named(node)
            else:
                event.pop(name, None)
        source = getattr(values.get("SourceNode"), "Value", None)
        if alarms.is_condition(event) or kind in self._types:
            root = self._plan.root_equipment
            place = await self._watching.place_of(source, root) if source is not None else root
            if place:
                event["equipment"] = place
        if alarms.is_condition(event):
            if self._refreshed is not None:
                self._refreshed.add(alarms.key_of(event))
            change = alarms.change(event, self._position, self._stood)
            if not change:
                return
            event["change"] = change
        elif kind in self._types:
            event["type"] = self._types[kind]
        else:
            return
        heard.messages.append(self._event_message(event))

    async def _housekeeping(self, heard: _Heard, kind: int) -> None:
        if kind == _REFRESH_START:
            self._refreshed, self._stood = set(), dict(self._position.alarms)
        elif kind == _REFRESH_END and self._refreshed is not None:
            for key in sorted(self._position.alarms.keys() - self._refreshed):
                known = self._position.alarms.pop(key)
                if isinstance(known, list) and known[0]:
                    heard.messages.append(self._event_message(alarms.cleared_unheard(key, known, self._clock())))
            self._refreshed = self._stood = None
        elif kind in _MODEL_CHANGES:
            watched = {item.node for item in self._watching.items}
            await self._watching.watch([item for item in await self.wanted() if item.node not in watched])
            await self._watching.again(now=True)

    def _news_of_troubles(self, passing: Sequence[Trouble]) -> tuple[Trouble, ...] | None:
        now = (*passing, *self.troubles())
        if now == self._told:
            return None
        self._told = tuple(self.troubles())
        return now

    def _message(self, content: Mapping[str, Json], data: Any, about: str = "") -> SourceMessage:
        plan = self._plan
        return message(content, data, source=plan.source, origin=plan.url, received_at=self._clock(), about=about)

    def _event_message(self, event: Mapping[str, Json]) -> SourceMessage:
        return alarms.message(event, source=self._plan.source, origin=self._plan.url, received_at=self._clock())
