"""Carries actions out over HTTP by a described interface: an idempotency key, a conditional write, no guess about
silence."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import httpx

from lineside.actions.executors import Answer, Done, NoAnswer, NoEffect, There
from lineside.actions.executors.filling import Unfilled, fill_path
from lineside.actions.executors.interface import Interface, at
from lineside.actions.executors.known import HttpKnown
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.memory.words import spelled
from lineside.plant.entities import Entity
from lineside.plant.records import Json

_LONGEST_ANSWER = 1_000_000


class HttpTarget(HttpKnown):
    """A system that is written to as its interface file says.

    token: held by this object alone, never logged. timeout_s: for one whole exchange, however slowly it drips.
    Its calls run an event loop of their own, so call them off any running loop.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        source: str,
        interface: Interface,
        read_url: str = "",
        options: Mapping[str, str] = MappingProxyType({}),
        timeout_s: float = 10.0,
    ) -> None:
        super().__init__(url, source=source, interface=interface, read_url=read_url, options=options)
        self._token, self._timeout_s = token, timeout_s

    def read(self, action: str, subject: Entity, *, proposal: str) -> There | None:
        """The subject as the system has it now, its ETag or row version as the condition."""
        read = self.described.reading(action, subject)
        if read is None:
            raise SourceRefused(f"the interface of {self.source} has no way to read {subject.kind}", source=self.source)
        try:
            path, body = self.described.asked(read, subject, self.options, proposal)
        except Unfilled:
            return None  # a system that calls such things by numbers has none of that name
        method = "GET" if body is None else "POST"
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            status, received, content = self._exchange(method, f"{self.read_url}{path}", headers=headers, content=body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, _TooLongError) as error:
            raise SourceUnavailable(f"{self.source} does not answer: {_named(error)}", source=self.source) from error
        what = f"{subject.kind.replace('_', ' ')} {subject.id}"
        if status == 404:
            return None
        if status in (401, 403):
            raise SourceRefused(f"{self.source} refuses our credential ({status})", source=self.source)
        if status != 200:
            raise SourceUnavailable(f"{self.source} answers {status} for {what}", source=self.source)
        answer = _parsed(content)
        if read.lists and at(answer, read.lists) == []:
            return None
        found = self.described.there(read, subject, answer, received.get("etag"))
        if found is None:
            raise SourceUnavailable(f"{self.source} answers with something else than {what}", source=self.source)
        return found

    def carry_out(self, action: str, subject: Entity, body: bytes, *, key: str, condition: str | None) -> Answer:
        """What came of asking for it, once for all calls with the same key."""
        do = self.described.described.do[action]
        try:
            method, path, filled = self.described.request(action, subject, _parsed(body), self.options, condition)
        except Unfilled as error:
            return NoEffect(reason=f"nothing was sent to {self.source}: {error}")
        headers = {"Content-Type": "application/json", do.key_header: key}
        if condition and do.condition_header:
            headers[do.condition_header] = condition
        try:
            status, _, content = self._exchange(
                method, f"{self.url}{path}", headers=headers, content=body if filled is None else filled
            )
        except _NotSentError as error:
            return NoEffect(reason=f"nothing was sent to {self.source}: {error}")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            return NoEffect(reason=f"{self.source} could not be reached, nothing was sent: {_named(error)}")
        except (httpx.HTTPError, TimeoutError, _TooLongError) as error:
            return NoAnswer(reason=f"{self.source} gave no answer: {_named(error)}")
        if status == 200 and self.described.described.refused:
            return self._said_within(_parsed(content)) or self._understood(status, content, do.effect, subject.id)
        return self._understood(status, content, do.effect, subject.id)

    def _said_within(self, answer: Json) -> NoEffect | NoAnswer | None:
        """What a system that answers everything with 200 says inside; None: that it is done."""
        of = self.described.described
        if not isinstance(answer, dict):
            return NoAnswer(reason=f"{self.source} answers unreadably")
        said = at(answer, of.refused)
        if said is None:
            return None
        changed = any(at(answer, pointer) == text for pointer, text in of.changed.items())
        what = "has changed it meanwhile" if changed else f"refuses the request: {spelled(said)[:200]}"
        return NoEffect(reason=f"{self.source} {what}", changed=changed)

    def _understood(self, status: int, content: bytes, pointer: str, subject: str) -> Answer:
        match status:
            case 200 | 201 | 204:
                found = at(_parsed(content), pointer) if pointer else subject
                effect = str(found).strip() if isinstance(found, str | int) else ""
                return Done(effect=effect) if effect else NoAnswer(reason=f"{self.source} answers {status} unreadably")
            case 409 | 412:
                what = "says that it stands against something there" if status == 409 else "has changed it meanwhile"
                return NoEffect(reason=f"{self.source} {what} ({status})", changed=True)
            case 401 | 403:
                return NoEffect(reason=f"{self.source} refuses our credential ({status})")
            case 408 | 425 | 499:
                # Said by something in between as often as by the target itself.
                return NoAnswer(reason=f"{self.source} answers {status}")
            case _ if 400 <= status < 500:
                return NoEffect(reason=f"{self.source} refuses the request ({status})")
            case _:
                # A server can fail after the effect as well as before it.
                return NoAnswer(reason=f"{self.source} answers {status}")

    def _exchange(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> tuple[int, httpx.Headers, bytes]:
        return asyncio.run(self._exchanged(method, url, dict(headers or {}), content))

    async def _exchanged(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None
    ) -> tuple[int, httpx.Headers, bytes]:
        of = self.described.described
        basic = base64.b64encode(f"{self.options.get('user', '')}:{self._token}".encode()).decode()
        headers |= {
            name: text.replace("{token}", self._token).replace("{basic}", basic) for name, text in of.headers.items()
        }
        # No proxy out of the environment: the conduit is the one that the settings name. No redirect: the token and
        # the write go nowhere else.
        async with (
            asyncio.timeout(self._timeout_s),
            httpx.AsyncClient(timeout=self._timeout_s, trust_env=False, follow_redirects=False) as client,
        ):
            if of.csrf and method != "GET":
                await self._fetch_csrf_token(client, headers)
            async with client.stream(method, url, headers=headers, content=content) as response:
                received = bytearray()
                async for piece in response.aiter_bytes():
                    received += piece
                    if len(received) > _LONGEST_ANSWER:
                        raise _TooLongError
                return response.status_code, response.headers, bytes(received)

    async def _fetch_csrf_token(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        """The headers have the token that the system wants with a write, and the client the session it is good for."""
        of = self.described.described
        wanted = {name: headers[name] for name in of.headers} | {"X-CSRF-Token": "Fetch"}
        try:
            path = fill_path(of.csrf, self.options)
            first = await client.get(f"{self.url}{path}", headers=wanted)
        except httpx.HTTPError as error:
            raise _NotSentError(f"no CSRF token came: {_named(error)}") from error
        if not (token := first.headers.get("x-csrf-token", "")):
            raise _NotSentError(f"no CSRF token came ({first.status_code})")
        headers["X-CSRF-Token"] = token


class _NotSentError(Exception):
    """It failed before the write was sent."""


class _TooLongError(Exception):
    """The answer is longer than any answer can be."""


def _named(error: Exception) -> str:
    return str(error) or type(error).__name__


def _parsed(content: bytes) -> Any:  # whatever JSON came
    try:
        return json.loads(content)
    except ValueError:
        return None
