"""Writes setpoints over OPC UA: only what an allow-list has, within its bounds, looked at right before and after.

The protocol has no conditional write. So the value and the machine's state are read in the session that writes, one
exchange before, and a write without an answer is never sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from lineside.actions.executors import Answer, Done, NoAnswer, NoEffect, There
from lineside.actions.executors.allowlist import AllowList, Setpoint, holds, said
from lineside.actions.executors.known import OpcUaKnown, not_now
from lineside.actions.executors.pace import Pace
from lineside.actions.executors.trusted import Trusted
from lineside.actions.types.setpoint import STATE, WRITE_SETPOINT
from lineside.errors import SourceRefused, SourceUnavailable, StoreUnavailable
from lineside.plant.entities import Entity

_PLAIN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_LOOK_EVERY_S = 0.2
_CLOSING_S = 3.0
_IN_LINE_S = 10.0
_REFUSALS = ("BadUser", "BadIdentity", "BadSecurity", "BadCertificate", "BadApplicationSignature")
# With these the server says that it did not write; any other bad one leaves it open.
_NOT_WRITTEN = frozenset({
    "BadUserAccessDenied", "BadNotWritable", "BadWriteNotSupported", "BadTypeMismatch", "BadOutOfRange",
    "BadNodeIdUnknown", "BadNodeIdInvalid", "BadAttributeIdInvalid", "BadIndexRangeInvalid", "BadIndexRangeNoData",
    "BadDataEncodingInvalid", "BadInvalidState", "BadServiceUnsupported", "BadSessionIdInvalid", "BadSessionClosed",
    "BadSessionNotActivated", "BadSecureChannelIdInvalid", "BadTooManyOperations", "BadNothingToDo", "BadServerHalted",
})  # fmt: skip


@dataclass(slots=True)
class Attempt:
    """What became of one call, however it ends. sent: the write may have left."""

    sent: bool = False
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One row's node as it is now. wrong: why it is not the node of the row. value: None where it is not good."""

    value: Decimal | None
    state: str | None
    wrong: str = ""


class OpcUaTarget(OpcUaKnown):
    """A server on which the setpoints of an allow-list may be written.

    password: of the allow-list's user, held by this object alone. clock: ours, aware; rates are kept by it. home: where
    certificates are, and where the times of the last writes are kept. Its calls run an event loop of their own, so call
    them off any running loop. Raises BadSettings where a certificate can't be used.
    """

    def __init__(
        self,
        url: str,
        password: str,
        *,
        source: str,
        allowed: AllowList,
        home: Path,
        clock: Callable[[], datetime],
        timeout_s: float = 10.0,
    ) -> None:
        super().__init__(url, source=source, allowed=allowed, home=home)
        self._password, self._timeout_s, self._clock = password, timeout_s, clock
        self._allowed, self._server = allowed, allowed.described.server
        self._trusted = None if self.pinned is None else Trusted.load(self._server, self.pinned, home)
        named = hashlib.sha256(self._server.uri.encode()).hexdigest()[:12]
        self._pace = Pace(home / f"opcua-writes-{named}.json")

    def read(self, action: str, subject: Entity, *, proposal: str) -> There | None:
        """The machine's state and each of its listed setpoints that can be trusted, as the server has them now."""
        del action, proposal
        rows = self._allowed.rows(subject.id)
        if not rows:
            return None
        try:
            seen = asyncio.run(self._read(rows))
        except _faults() as error:
            name = type(error).__name__
            if name.startswith(_REFUSALS):
                raise SourceRefused(f"{self.source} refuses us: {name}", source=self.source) from error
            raise SourceUnavailable(f"{self.source} does not answer: {_named(error)}", source=self.source) from error
        values = {
            row.parameter: row.with_unit(s.value) for row, s in zip(rows, seen, strict=True) if s.value is not None
        }
        if seen[0].state is not None:
            values[STATE] = seen[0].state
        # Not the source's timestamp: servers that sample stamp an unchanged value anew.
        return There(values=values, condition=json.dumps(values, sort_keys=True))

    def carry_out(self, action: str, subject: Entity, body: bytes, *, key: str, condition: str | None) -> Answer:
        """What came of writing it, at most once."""
        del key  # the protocol has none
        attempt = Attempt()
        asked = self.asked(action, subject, body)
        if isinstance(asked, NoEffect):
            return asked
        began = time.monotonic()
        try:
            with self._pace.alone():
                # Later our place is given up, and what was not seen by then is taken not to have happened.
                if time.monotonic() - began > _IN_LINE_S:
                    return NoEffect(reason=f"nothing was sent to {self.source}: another write there took too long")
                asyncio.run(self._carry_out(*asked, condition, attempt))
        except _faults() as error:
            if attempt.answer is None:
                attempt.answer = (
                    NoAnswer(reason=f"{self.source} gave no answer to the write: {_named(error)}")
                    if attempt.sent
                    else NoEffect(reason=f"nothing was sent to {self.source}: {_named(error)}")
                )
        return attempt.answer or NoAnswer(reason=f"{self.source} gave no answer")

    def asked(self, action: str, subject: Entity, body: bytes) -> tuple[Setpoint, Decimal] | NoEffect:
        """The row and the number in what was approved; or that it is neither, and nothing was done."""
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if action != WRITE_SETPOINT.name or not isinstance(found, dict) or found.get("equipment") != subject.id:
            return NoEffect(reason=f"what was approved is no setpoint of {subject.id}")
        name, text = found.get("parameter"), found.get("value")
        row = self._allowed.row(subject.id, name) if isinstance(name, str) else None
        if row is None:
            return NoEffect(reason=f"{name!r} of {subject.id} is not in the allow-list of {self.source}")
        if not isinstance(text, str) or not _PLAIN.fullmatch(text):
            return NoEffect(reason=f"{str(text)[:60]!r} is no number as it is written here")
        value = Decimal(text)
        why = row.outside(value)
        return NoEffect(reason=why) if why else (row, value)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        """A client that is signed in to the one server, over a channel as the allow-list wants it."""
        from asyncua import Client, ua

        client = Client(self.url, timeout=self._timeout_s, watchdog_intervall=600)
        client.name = client.description = "Lineside"
        if self._trusted is not None:
            await self._trusted.secure(client)
        client.set_user(self._server.user)
        client.set_password(self._password)
        connected = False
        try:
            # Without: a write that was cut off would be sent again.
            await client.connect(auto_reconnect=False)
            connected = True
            ids = ua.ObjectIds
            servers, namespaces = await self._values(client, [ids.Server_ServerArray, ids.Server_NamespaceArray])
            if not servers or servers[0] != self._server.uri:
                raise ua.UaError(f"the server is {servers and servers[0]}, not {self._server.uri}")
            client.lineside_namespaces = list(namespaces or ())
            yield client
        finally:
            try:
                if connected:
                    async with asyncio.timeout(_CLOSING_S):
                        await client.disconnect()
            finally:  # cut short by a timeout of ours, the library leaves its socket open
                client.disconnect_socket()
                await asyncio.sleep(0)

    async def put(self, client: Any, row: Setpoint, value: Decimal, condition: str | None, attempt: Attempt) -> Answer:
        """The value was written, where everything still allows it."""
        from asyncua import ua

        [seen] = await self._look(client, [row])
        now, raw, at = seen.value, holds(row.type, value), self._clock()
        if seen.wrong or now is None or raw is None:
            return NoEffect(reason=seen.wrong or f"{self.source} has no good value of {row.parameter}")
        if seen.state not in row.states:
            return NoEffect(reason=not_now(row, seen.state), changed=True)
        if changed := _changed(row, now, seen.state, condition):
            return NoEffect(reason=changed, changed=True)
        elapsed_s = self._pace.elapsed_s(row.whole, at)
        if why := row.outside(value) or row.too_far(value, now) or row.too_soon(value, now, elapsed_s):
            return NoEffect(reason=why)
        self._pace.keep(row.whole, at)
        # Neither status nor time: they are the server's to say, and many refuse a write that brings them.
        data = ua.DataValue(ua.Variant(raw, ua.VariantType[row.type]), None)
        wanted = ua.WriteValue(NodeId=self._node(client, row), AttributeId=ua.AttributeIds.Value, Value=data)
        attempt.sent = True
        try:
            results = await client.uaclient.session.write(ua.WriteParameters(NodesToWrite=[wanted]))
            status = results[0].name if len(results) == 1 else f"{len(results)} results"
        except ua.UaStatusCodeError as error:
            status = type(error).__name__
        if status in _NOT_WRITTEN:
            return NoEffect(reason=f"{self.source} refuses the write: {status}")
        if not status.startswith("Good"):
            return NoAnswer(reason=f"{self.source} answers the write with {status}")
        return await self._watched(client, row, value)

    async def _watched(self, client: Any, row: Setpoint, value: Decimal) -> Answer:
        """It reads back as written, until the end of the watch."""
        loop = asyncio.get_running_loop()
        until = loop.time() + row.watch_s
        came = False
        while True:
            [seen] = await self._look(client, [row])
            there = seen.value is not None and abs(seen.value - value) <= row.tolerance
            shown = "no good value" if seen.value is None else row.with_unit(seen.value)
            if came and not there:
                return NoAnswer(reason=f"{row.parameter} was {row.with_unit(value)} and is {shown} again")
            came, left = came or there, until - loop.time()
            if left <= 0:
                break
            await asyncio.sleep(min(_LOOK_EVERY_S, left))
        if came:
            return Done(effect=row.equipment)
        return NoAnswer(reason=f"{row.parameter} was written as {row.with_unit(value)} and reads {shown}")

    async def _carry_out(self, row: Setpoint, value: Decimal, condition: str | None, attempt: Attempt) -> None:
        async with asyncio.timeout(self._timeout_s + row.watch_s), self.session() as client:
            attempt.answer = await self.put(client, row, value, condition, attempt)

    async def _read(self, rows: Sequence[Setpoint]) -> list[Seen]:
        async with asyncio.timeout(self._timeout_s), self.session() as client:
            return await self._look(client, rows)

    async def _look(self, client: Any, rows: Sequence[Setpoint]) -> list[Seen]:
        """Each row of one machine, its node checked against the row, and the machine's state, in one exchange."""
        from asyncua import ua

        state, ids = self._allowed.described.states[rows[0].equipment], ua.AttributeIds
        asked = [(self._node(client, state), ids.Value)]
        attributes = (ids.NodeClass, ids.DataType, ids.ValueRank, ids.UserAccessLevel, ids.BrowseName, ids.DisplayName,
                      ids.Value)  # fmt: skip
        asked += [(self._node(client, row), attribute) for row in rows for attribute in attributes]
        wanted = [ua.ReadValueId(NodeId=node, AttributeId=attribute) for node, attribute in asked]
        found = await client.uaclient.session.read(ua.ReadParameters(MaxAge=0, NodesToRead=wanted))
        if len(found) != len(asked):
            raise ua.UaError(f"{len(found)} values of {len(asked)}")
        says = state.said(_good(found[0]))
        seen = []
        for place, row in enumerate(rows):
            of = found[1 + place * len(attributes) : 1 + (place + 1) * len(attributes)]
            wrong = self._wrong(row, [_good(each) for each in of[:-1]])
            seen.append(Seen(value=None if wrong else _number(row, of[-1]), state=says, wrong=wrong))
        return seen

    def _wrong(self, row: Setpoint, about: Sequence[Any]) -> str:
        """Why the node is not what the row says."""
        from asyncua import ua

        node_class, data_type, rank, access, browse, display = about
        if node_class is None or data_type is None:
            return f"{self.source} has no node {row.whole}"
        if node_class != ua.NodeClass.Variable or data_type != ua.NodeId(getattr(ua.ObjectIds, row.type)) or rank != -1:
            return f"{row.whole} is no single {row.type}"
        if access is None or not access & (1 << ua.AccessLevel.CurrentWrite):
            return f"{row.whole} can't be written by {self._server.user}"
        names = [str(getattr(browse, "Name", "") or ""), str(getattr(display, "Text", "") or "")]
        return self._allowed.described.forbids(*(name for name in names if name))

    def _node(self, client: Any, row: Any) -> Any:
        """The node id on this server, by the URI of its namespace."""
        from asyncua import ua

        places = [place for place, uri in enumerate(client.lineside_namespaces) if uri == row.namespace]
        if len(places) != 1:
            raise ua.UaError(f"the server has {len(places)} namespaces {row.namespace}")
        parsed = ua.NodeId.from_string(row.node)
        return ua.NodeId(parsed.Identifier, places[0], parsed.NodeIdType)

    async def _values(self, client: Any, ids: Sequence[int]) -> list[Any]:
        from asyncua import ua

        wanted = [ua.ReadValueId(NodeId=ua.NodeId(each), AttributeId=ua.AttributeIds.Value) for each in ids]
        found = await client.uaclient.session.read(ua.ReadParameters(MaxAge=0, NodesToRead=wanted))
        return [_good(each) for each in found]


def _changed(row: Setpoint, now: Decimal, state: str | None, condition: str | None) -> str:
    """How the node differs from what it was when it was last looked at; empty where it doesn't, or wasn't."""
    if condition is None:
        return ""
    try:
        before = json.loads(condition)
    except ValueError:
        return "nobody knows what it was when it was looked at"
    for name, text in ((row.parameter, row.with_unit(now)), (STATE, state)):
        if before.get(name) != text:
            return f"{name} was {before.get(name)} a moment ago, is {text}"
    return ""


def _good(data: Any) -> Any:
    """The value of a data value whose status is good; None of any other."""
    if data.Value is None or (data.StatusCode is not None and not data.StatusCode.is_good()):
        return None
    return data.Value.Value


def _number(row: Setpoint, data: Any) -> Decimal | None:
    raw = _good(data)
    if data.Value is None or data.Value.VariantType.name != row.type:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        return None
    return said(row.type, raw)


def _faults() -> tuple[type[Exception], ...]:
    """What a server, the network, a disk or bytes that nobody expected can raise."""
    from asyncua import ua
    from cryptography.exceptions import InvalidSignature

    return (ua.UaError, OSError, TimeoutError, StoreUnavailable, InvalidSignature, struct.error, EOFError, ValueError,
            LookupError, TypeError, AttributeError, ArithmeticError)  # fmt: skip


def _named(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()[:200]
