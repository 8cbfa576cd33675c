"""A subscription of which nothing is dropped in silence: what can't be taken yet waits at the server.

Imports asyncua: import it late.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.common.subscription import Subscription

from lineside.errors import SourceUnavailable
from lineside_ingest.opcua.session import Session

_WAITING = 8  # notifications of up to _AT_ONCE changes each; then publishing pauses, and the server's queues fill
_AT_ONCE = 1000
_WRAPPED = 2**31
_STATUS_BAD = 0x80000000


@dataclass(frozen=True, slots=True)
class Missed:
    """Notifications that the server sent and that can't be had again."""

    count: int


@dataclass(frozen=True, slots=True)
class Held:
    """Publishing paused for longer than the server's queues are sure to hold; not every server says what it dropped.
    Of the monotonic clock."""

    since: float
    until: float


class Feed(Subscription):  # type: ignore[misc] # the library has no types
    """A subscription as the server granted it. What comes is taken by `next`."""

    def __init__(self, session: Session) -> None:
        settings = session.settings
        asked = ua.CreateSubscriptionParameters()
        asked.RequestedPublishingInterval = settings.sampling_ms
        # asked for explicitly: left to itself the library asks for most of an hour, and a dead subscription looks idle
        asked.RequestedMaxKeepAliveCount = max(1, round(settings.keep_alive_s * 1000 / settings.sampling_ms))
        lifetime_s = max(10 * settings.keep_alive_s, settings.resume_s + 3 * settings.keep_alive_s)
        asked.RequestedLifetimeCount = max(
            3 * asked.RequestedMaxKeepAliveCount, round(lifetime_s * 1000 / settings.sampling_ms)
        )
        asked.MaxNotificationsPerPublish = _AT_ONCE
        asked.PublishingEnabled = True
        super().__init__(session.wire, asked, None, queue_maxsize=1)
        self.session = session
        self.interval_ms = settings.sampling_ms
        self.keep_alive_s = settings.keep_alive_s
        self._notices: asyncio.Queue[Any] = asyncio.Queue(maxsize=_WAITING)
        self._last = 0
        self._broken = ""
        self._handle = 0
        self._covered_s = math.inf  # so long a pause, every node's queue holds all its samples

    async def open(self) -> None:
        """The server sends, and keeps what it could not send while the line is cut."""
        granted = await self.init()
        self.interval_ms = granted.RevisedPublishingInterval
        self.keep_alive_s = granted.RevisedMaxKeepAliveCount * self.interval_ms / 1000
        self.parameters.RequestedPublishingInterval = self.interval_ms
        self.parameters.RequestedMaxKeepAliveCount = granted.RevisedMaxKeepAliveCount
        self.last_publish_at = time.monotonic()
        # so that the library, which takes up a session again after a cut line, takes up the subscription too
        self.session.client._subscriptions.append(self)  # noqa: SLF001

    async def watch(self, nodes: Sequence[Any], **how: Any) -> list[tuple[int, Any]]:
        """(each node's handle in what comes, the server's result). how: `attribute`, `filter`, `sampling_ms`."""

        def asked(node: Any) -> Any:
            self._handle += 1
            return ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=how.get("attribute", ua.AttributeIds.Value)),
                MonitoringMode=ua.MonitoringMode.Reporting,
                RequestedParameters=ua.MonitoringParameters(
                    ClientHandle=self._handle,
                    SamplingInterval=how.get("sampling_ms", self.session.settings.sampling_ms),
                    Filter=how.get("filter"),
                    QueueSize=self.session.settings.queue,
                    DiscardOldest=True,
                ),
            )

        async def create(part: Sequence[Any]) -> Sequence[tuple[int, Any]]:
            requests = [asked(each) for each in part]
            parameters = ua.CreateMonitoredItemsParameters(
                SubscriptionId=self.subscription_id,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=requests,
            )
            results = await self.session.wire.create_monitored_items(parameters)
            if "filter" not in how:  # events come when they come
                covered = [
                    max(each.RevisedQueueSize * each.RevisedSamplingInterval, self.interval_ms) / 1000
                    for each in results
                    if each.StatusCode.is_good()
                ]
                self._covered_s = min([self._covered_s, *covered])
            handles = [each.RequestedParameters.ClientHandle for each in requests]
            return list(zip(handles, results, strict=True))

        return await self.session.in_parts("MaxMonitoredItemsPerCall", nodes, create)

    async def unwatch(self, items: Sequence[int]) -> None:
        """The server forgets these monitored items, whether it still has them or not."""
        parameters = ua.DeleteMonitoredItemsParameters(
            SubscriptionId=self.subscription_id, MonitoredItemIds=list(items)
        )
        await self.session.wire.delete_monitored_items(parameters)

    async def next(self, timeout_s: float) -> Any:
        """The next notification; None where none came in time. Raises SourceUnavailable when what the server sends can
        no longer reach us: the session is dead, or stands without a sign of life."""
        if self._broken and self._notices.empty():
            raise SourceUnavailable(self._broken)
        try:
            return await asyncio.wait_for(self._notices.get(), timeout_s)
        except TimeoutError:
            return None
        finally:
            if not self._notices.empty():
                self.last_publish_at = time.monotonic()

    async def publish_callback(self, publish_result: Any) -> None:
        began = self.last_publish_at = time.monotonic()
        message = publish_result.NotificationMessage
        if not message.NotificationData:
            return
        number, last = int(message.SequenceNumber or 0), self._last
        if number and last:
            if 0 <= last - number < _WRAPPED:  # asked for again, and had already
                return
            if 1 < number - last < _WRAPPED:
                await self._notices.put(Missed(number - last - 1))
        if number:
            self._last = number
        for each in message.NotificationData:
            if isinstance(each, ua.StatusChangeNotification):
                if each.Status.value >= _STATUS_BAD:
                    self._broken = f"the server ended the subscription: {each.Status.name}"
                continue
            await self._notices.put(each)
        self.last_publish_at = time.monotonic()
        if self.last_publish_at - began > self._covered_s:
            await self._notices.put(Held(began, self.last_publish_at))

    def is_stale(self, margin: float) -> bool:
        return self._notices.empty() and bool(super().is_stale(margin))

    async def restore(self) -> None:
        """After a cut line and with the session taken up again: what the server sent into the cut is asked for."""
        while not self._broken:
            wanted = self._last + 1
            try:
                message = await self.server.republish(self.subscription_id, wanted)
            except ua.uaerrors.BadMessageNotAvailable:
                return
            except (ua.UaError, OSError, TimeoutError) as error:
                self._broken = f"the subscription did not outlive the cut: {type(error).__name__}"
                return
            await self.publish_callback(ua.PublishResult(self.subscription_id, NotificationMessage=message))

    async def recreate(self) -> None:
        """Nothing is made anew in silence: what happened between would be unknown."""
        self._broken = "the subscription went silent without a keep-alive"
