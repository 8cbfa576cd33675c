"""The HTTP side: one answer, or the error that says what to do. httpx is imported when the first request is made."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.exact_json import read_json
from lineside.plant.records import Json
from lineside_ingest.odata.query import at

if TYPE_CHECKING:
    import httpx

LARGEST_ANSWER = 64 << 20


class Web:
    """Answers of one source. auth: (user, password) for basic. error_field: filled inside a 200, it is an error."""

    def __init__(
        self, url: str, *, source: str, headers: dict[str, str], auth: tuple[str, str] | None, timeout_s: float,
        error_field: str,
    ) -> None:  # fmt: skip
        self._url = url.rstrip("/") + "/"
        self._source = source
        self._options: dict[str, Any] = {
            "headers": {"Accept": "application/json", **headers}, "auth": auth, "timeout": timeout_s,
            "follow_redirects": False,
        }  # fmt: skip
        self._error_field = error_field

    def client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(**self._options)

    async def answer(
        self, client: httpx.AsyncClient, path: str, params: dict[str, str] | None
    ) -> tuple[Json, str | None]:
        """(the answer's JSON, the next page's address where a Link header names one).

        Raises SourceUnavailable where trying again may help, SourceRefused where it must not be tried.
        """
        import httpx

        # A link to the next page may name the host as the server calls itself; credentials go to the configured one.
        address = httpx.URL(self._url).copy_with(raw_path=httpx.URL(self._url).join(path).raw_path)
        try:
            response = await client.get(address, params=params)
        except httpx.InvalidURL as error:
            raise SourceRefused(f"{self._source}: {address} is no address: {error}") from error
        except httpx.TransportError as error:
            raise SourceUnavailable(
                f"{self._source} does not answer: {type(error).__name__} {error}".rstrip()
            ) from error
        self._check_status(response)
        if len(response.content) > LARGEST_ANSWER:
            raise SourceRefused(
                f"{self._source}: {address.path} answers with {len(response.content)} bytes; lower page_size"
            )
        return self._body(response), response.links.get("next", {}).get("url")

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        said = f"{self._source}: {response.url.path} answers {status} {response.reason_phrase}".rstrip()
        if status in {429, 503}:
            raise SourceUnavailable(said, retry_after_s=_retry_after(response.headers.get("Retry-After", "")))
        if status in {401, 403}:
            raise SourceRefused(f"{said}: the credentials or their rights are refused", status=status)
        if status >= 500 or status == 408:
            raise SourceUnavailable(said, status=status)
        if status >= 300:
            raise SourceRefused(f"{said}: {response.text[:200]}".strip(), status=status)

    def _body(self, response: httpx.Response) -> Json:
        if "html" in response.headers.get("Content-Type", ""):
            raise SourceRefused(f"{self._source}: {response.url.path} answers with a page, most likely to sign in")
        try:
            answer = read_json(response.content.decode("utf-8-sig"))
        except ValueError as error:
            raise SourceUnavailable(f"{self._source}: {response.url.path} answers with broken JSON: {error}") from error
        if self._error_field and (wrong := at(answer, self._error_field)):
            raise SourceUnavailable(
                f"{self._source}: {response.url.path} answers 200 with an error: {str(wrong)[:200]}"
            )
        return answer


def _retry_after(said: str) -> float | None:
    if said.strip().isdigit():
        return float(said)
    try:
        when = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (when.astimezone(UTC) - datetime.now(UTC)).total_seconds())
