"""Places holds in a quality system over HTTP: an idempotency key, a conditional write, and no guess about silence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from lineside.actions.executors import Answer, Done, HoldThere, LotThere, NoAnswer, NoEffect
from lineside.errors import SourceRefused, SourceUnavailable

_LONGEST_ANSWER = 1_000_000


class QmsHolds:
    """A quality system that speaks `POST /holds` and `GET /lots/{lot}`.

    token: held by this object alone, never logged. timeout_s: for one whole exchange, however slowly it drips.
    Its calls run an event loop of their own, so call them off any running loop.
    """

    def __init__(self, url: str, token: str, *, source: str, read_url: str = "", timeout_s: float = 10.0) -> None:
        self.source = source
        self._url, self._read_url = url.rstrip("/"), (read_url or url).rstrip("/")
        self._token, self._timeout_s = token, timeout_s

    def read(self, lot: str) -> LotThere | None:
        """The lot as the quality system has it now, its ETag as the condition."""
        try:
            status, headers, content = self._exchange("GET", f"{self._read_url}/lots/{quote(lot, safe='')}")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, _TooLongError) as error:
            raise SourceUnavailable(f"{self.source} does not answer: {_named(error)}", source=self.source) from error
        if status == 404:
            return None
        if status in (401, 403):
            raise SourceRefused(f"{self.source} refuses our credential ({status})", source=self.source)
        if status != 200:
            raise SourceUnavailable(f"{self.source} answers {status} for lot {lot}", source=self.source)
        found = _lot(content, headers.get("etag"))
        if found is None or found.lot != lot:
            raise SourceUnavailable(f"{self.source} answers with something else than lot {lot}", source=self.source)
        return found

    def place(self, body: bytes, *, key: str, condition: str | None) -> Answer:
        """What came of asking for the hold in `body`, once for all calls with the same key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if condition:
            headers["If-Match"] = condition
        try:
            status, _, content = self._exchange("POST", f"{self._url}/holds", headers=headers, content=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            return NoEffect(reason=f"{self.source} could not be reached, nothing was sent: {_named(error)}")
        except (httpx.HTTPError, TimeoutError, _TooLongError) as error:
            return NoAnswer(reason=f"{self.source} gave no answer: {_named(error)}")
        return self._understood(status, content)

    def _understood(self, status: int, content: bytes) -> Answer:
        match status:
            case 200 | 201:
                effect = _effect(content)
                return Done(effect=effect) if effect else NoAnswer(reason=f"{self.source} answers {status} unreadably")
            case 409 | 412:
                what = "has the lot on hold already" if status == 409 else "has changed the lot meanwhile"
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
        headers["Authorization"] = f"Bearer {self._token}"
        # No proxy out of the environment: the conduit is the one that the settings name. No redirect: the token and
        # the write go nowhere else.
        async with (
            asyncio.timeout(self._timeout_s),
            httpx.AsyncClient(timeout=self._timeout_s, trust_env=False, follow_redirects=False) as client,
            client.stream(method, url, headers=headers, content=content) as response,
        ):
            received = bytearray()
            async for piece in response.aiter_bytes():
                received += piece
                if len(received) > _LONGEST_ANSWER:
                    raise _TooLongError
            return response.status_code, response.headers, bytes(received)


class _TooLongError(Exception):
    """The answer is longer than any answer can be."""


def _named(error: Exception) -> str:
    return str(error) or type(error).__name__


def _parsed(content: bytes) -> Any:  # whatever JSON the target sent
    try:
        return json.loads(content)
    except ValueError:
        return None


def _effect(content: bytes) -> str:
    match _parsed(content):
        case {"hold": str(hold)}:
            return hold.strip()
    return ""


def _lot(content: bytes, etag: str | None) -> LotThere | None:
    match _parsed(content):
        case {"lot": str(lot), "quality_status": str(status), "holds": list(holds)}:
            found = tuple(_hold(hold) for hold in holds)
            if None in found:
                return None
            condition = etag if etag and etag.isascii() and etag.isprintable() else None
            known = tuple(hold for hold in found if hold is not None)
            return LotThere(lot=lot, quality_status=status, holds=known, condition=condition)
    return None


def _hold(data: object) -> HoldThere | None:
    match data:
        case {"hold": str(hold), "status": str(status), **rest}:
            proposal = rest.get("proposal")
            return HoldThere(
                hold=hold,
                status=status,
                reason=str(rest.get("reason") or ""),
                proposal=proposal if isinstance(proposal, str) else None,
            )
    return None
