"""JSON over HTTP for connectors: one answer, or the error that says what to do. httpx is imported by the first request.

No answer can hang (a deadline holds for the whole of it), flood (its size is bounded while it comes, unpacked), lead
elsewhere (redirects are refused, links are followed on our host) or pass for another (sign-in pages, errors in a 200).
"""

from __future__ import annotations

import asyncio
import base64
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from lineside.connector.options import Options
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.exact_json import read_json
from lineside.plant.records import Json

if TYPE_CHECKING:
    import httpx

HTTP_OPTIONS = frozenset({
    "url", "token", "user", "password", "api_key", "api_key_header", "token_url", "client_id", "client_secret", "scope",
    "headers", "timeout_s",
})  # fmt: skip
LARGEST_ANSWER = 64 << 20
LONGEST_RETRY_AFTER_S = 86_400.0
_TOKEN_SPARE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request brought. link: the next page's address where a Link header names one."""

    json: Json
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    """OAuth 2 client credentials."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str


@dataclass(slots=True, kw_only=True)
class Http:
    """A source's HTTP interface, as its options describe it. error_field: filled inside a 200, it is an error.

    Errors carry `status` where there was an answer, `too_much` where less should be asked for at once, and `slow` where
    less may help the next time.
    """

    source: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0
    error_field: str = "error"
    largest: int = LARGEST_ANSWER
    _grant: _Grant | None = None
    _token: str = ""
    _token_until: float = 0.0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Connections that are kept open from request to request, and closed in the end."""
        import httpx

        async with httpx.AsyncClient(timeout=self.timeout_s, follow_redirects=False) as client:
            yield Session(self, client)

    async def signed_in(self, client: httpx.AsyncClient, *, anew: bool = False) -> Mapping[str, str]:
        """The headers that sign us in; a token that ran out, or is asked for anew, is fetched."""
        if self._grant is None:
            return self.headers
        if anew or monotonic() >= self._token_until:
            self._token, self._token_until = await self._granted(client, self._grant)
        return {**self.headers, "Authorization": f"Bearer {self._token}"}

    @property
    def renews(self) -> bool:
        """Whether a refused token can be fetched anew."""
        return self._grant is not None

    async def _granted(self, client: httpx.AsyncClient, grant: _Grant) -> tuple[str, float]:
        asked = {"grant_type": "client_credentials", **({"scope": grant.scope} if grant.scope else {})}
        headers = {**_basic(grant.client_id, grant.client_secret), "Accept": "application/json"}
        try:
            content, _ = await self._sent(
                client, client.build_request("POST", grant.token_url, data=asked, headers=headers)
            )
        except SourceRefused as error:
            raise SourceRefused(f"{error.message} when asked for a token", status=401) from error
        said = self._read(content, grant.token_url)
        token, lasts = (said.get("access_token"), said.get("expires_in")) if isinstance(said, dict) else (None, None)
        if not isinstance(token, str) or not token:
            raise SourceRefused(f"{self.source}: the answer of {grant.token_url} holds no access_token", status=401)
        lasts_s = float(lasts) if isinstance(lasts, int | float) else 300.0
        return token, monotonic() + max(0.0, lasts_s - _TOKEN_SPARE_S)

    async def _sent(self, client: httpx.AsyncClient, request: httpx.Request) -> tuple[bytes, httpx.Response]:
        import httpx

        path = request.url.path
        try:
            async with asyncio.timeout(self.timeout_s):
                response = await client.send(request, stream=True)
                try:
                    content = await self._content(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException) as error:
            connecting = isinstance(error, httpx.ConnectTimeout)
            reason = f"{self.source}: {path} does not answer within {self.timeout_s:g} s"
            raise SourceUnavailable(reason, slow=not connecting) from error
        except httpx.TransportError as error:
            raise SourceUnavailable(
                f"{self.source} does not answer: {type(error).__name__} {error}".rstrip()
            ) from error
        self._check_status(response, content)
        return content, response

    async def _content(self, response: httpx.Response) -> bytes:
        """The body, unpacked by ourselves: the bound holds for what a packed answer becomes."""
        packing = response.headers.get("Content-Encoding", "identity").strip().lower()
        if packing not in {"identity", "", "gzip", "x-gzip"}:
            raise SourceRefused(f"{self.source}: {response.url.path} packs its answer as {packing!r}, unasked")
        unpacked = zlib.decompressobj(wbits=47) if "gzip" in packing else None
        content = bytearray()
        async for chunk in response.aiter_raw():
            room = self.largest - len(content) + 1
            try:
                content += unpacked.decompress(chunk, room) if unpacked else chunk
            except zlib.error as error:
                raise SourceUnavailable(f"{self.source}: {response.url.path} answers with broken gzip") from error
            if len(content) > self.largest:
                said = f"{self.source}: {response.url.path} answers with more than {self.largest >> 20} MiB"
                raise SourceUnavailable(said, too_much=True)
        if unpacked and content and not unpacked.eof:
            raise SourceUnavailable(f"{self.source}: {response.url.path} answers with half a gzip")
        return bytes(content)

    def _check_status(self, response: httpx.Response, content: bytes) -> None:
        status = response.status_code
        said = f"{self.source}: {response.url.path} answers {status} {response.reason_phrase}".rstrip()
        if status in {429, 503}:
            retry_after_s = _retry_after(response.headers.get("Retry-After", ""))
            raise SourceUnavailable(said, retry_after_s=retry_after_s, status=status)
        if status in {401, 403}:
            raise SourceRefused(f"{said}: the credentials or their rights are refused", status=status)
        if status >= 500 or status in {408, 413}:
            raise SourceUnavailable(said, status=status, too_much=status == 413, slow=status == 504)
        if status >= 300:
            raise SourceRefused(f"{said}: {content[:200].decode(errors='replace')}".strip(), status=status)

    def _read(self, content: bytes, path: str) -> Json:
        try:
            return read_json(content.decode("utf-8-sig"))
        except ValueError as error:
            raise SourceUnavailable(f"{self.source}: {path} answers with broken JSON: {error}") from error


class Session:
    """Asks for one thing after the other. Paths are below the url; a full address is asked of the url's own host.

    Raises SourceUnavailable where trying again may help, SourceRefused where it must not be tried.
    """

    def __init__(self, http: Http, client: httpx.AsyncClient) -> None:
        self._http = http
        self._client = client

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The JSON that stands there. headers: beside those that sign us in."""
        return self._answer(*await self._asked("GET", path, params=params, beside=headers))

    async def post(self, path: str, body: Json, params: Mapping[str, str] | None = None) -> Answer:
        """The JSON with which the source answers `body`: for interfaces that are asked by POST, as JSON-RPC is."""
        return self._answer(*await self._asked("POST", path, params=params, json=body))

    async def text(self, path: str, params: Mapping[str, str] | None = None, *, accept: str) -> bytes:
        """What stands there as it is, where it is not JSON."""
        content, _ = await self._asked("GET", path, params=params, accept=accept)
        return content

    async def _asked(
        self,
        method: str,
        path: str,
        *,
        accept: str = "application/json",
        beside: Mapping[str, str] | None = None,
        **more: Any,
    ) -> tuple[bytes, httpx.Response]:
        renewed = False
        while True:
            signed_in = await self._http.signed_in(self._client, anew=renewed)
            headers = {"Accept": accept, "Accept-Encoding": "gzip", **(beside or {}), **signed_in}
            request = self._client.build_request(method, self._address(path), headers=headers, **more)
            try:
                return await self._http._sent(self._client, request)  # noqa: SLF001 - the two are one
            except SourceRefused as error:
                if renewed or not self._http.renews or error.fields.get("status") != 401:
                    raise
                renewed = True  # the token may have been taken back before its time; a second refusal is one

    def _address(self, path: str) -> httpx.URL:
        import httpx

        # A link to the next page may name the host as the server calls itself; credentials go to the configured one.
        root = self._http.url.rstrip("/") + "/"
        try:
            return httpx.URL(root).copy_with(raw_path=httpx.URL(root).join(path).raw_path)
        except httpx.InvalidURL as error:
            raise SourceRefused(f"{self._http.source}: {root}{path} is no address: {error}") from error

    def _answer(self, content: bytes, response: httpx.Response) -> Answer:
        path = response.url.path
        if "html" in response.headers.get("Content-Type", ""):
            raise SourceRefused(f"{self._http.source}: {path} answers with a page, most likely to sign in", status=401)
        answer = self._http._read(content, path)  # noqa: SLF001 - the two are one
        if self._http.error_field and (wrong := at(answer, self._http.error_field)):
            raise SourceUnavailable(f"{self._http.source}: {path} answers 200 with an error: {str(wrong)[:200]}")
        return Answer(json=answer, link=response.links.get("next", {}).get("url"))


def read_http(
    options: Options, *, source: str, error_field: str = "error", headers: Mapping[str, str] | None = None
) -> Http:
    """The interface that HTTP_OPTIONS describe; `headers` go beside the plant's own. Raises BadSettings."""
    if sum(name in options for name in ("token", "user", "api_key", "token_url")) > 1:
        raise options.bad("token", "user, api_key or token_url: only one of them can sign us in")
    sent = {**(headers or {}), **{str(name): str(value) for name, value in options.table("headers").items()}}
    if "token" in options:
        sent["Authorization"] = f"Bearer {options.text('token')}"
    if "api_key" in options:
        sent[options.text("api_key_header", "X-API-Key")] = options.text("api_key")
    if "user" in options:
        sent |= _basic(options.text("user"), options.text("password"))
    grant = None
    if "token_url" in options:
        grant = _Grant(
            token_url=options.text("token_url"),
            client_id=options.text("client_id"),
            client_secret=options.text("client_secret"),
            scope=options.text("scope", ""),
        )
    return Http(
        source=source,
        url=options.text("url"),
        headers=sent,
        timeout_s=options.number("timeout_s", 30.0, at_least=0.1),
        error_field=error_field,
        _grant=grant,
    )


def at(value: Json, path: str) -> Json:
    """What stands at a dotted path; a key that contains the dots counts first."""
    if not isinstance(value, dict) or path in value:
        return value.get(path) if isinstance(value, dict) else None
    head, _, rest = path.partition(".")
    return at(value.get(head), rest) if rest else None


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _retry_after(said: str) -> float | None:
    """The seconds that a source asks for, as a number or a time; no source silences itself for longer than a day."""
    written = said.strip()
    try:
        if written.isascii() and written.isdecimal():
            return min(float(written), LONGEST_RETRY_AFTER_S)
        when = parsedate_to_datetime(written)
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        return min(max(0.0, (aware - datetime.now(UTC)).total_seconds()), LONGEST_RETRY_AFTER_S)
    except (ValueError, OverflowError):
        return None
