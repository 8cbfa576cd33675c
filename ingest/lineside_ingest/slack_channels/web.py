"""Slack's Web API: one method asked at a time, at the pace that Slack allows; an error that says what to do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from time import monotonic

from lineside.connector.http import Http, Session
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.slack_channels.wire import read

_WINDOW_S = 60.0
_QUIET_S = 60.0  # Slack counts by the minute
_MOST_PAGES = 10_000
_SIGN_IN = {
    "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type",
    "org_login_required", "ekm_access_denied", "enterprise_is_restricted", "two_factor_setup_required",
    "invalid_token", "team_not_found",
}  # fmt: skip
_PASSING = {
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "request_timeout", "service_unavailable",
    "team_added_to_org", "external_channel_migrating",
}  # fmt: skip


class Pace:
    """How soon the next request of a method may go out: so many within any minute. Seconds on a steady clock."""

    def __init__(self, per_minute: int) -> None:
        self._most = per_minute
        self._sent: deque[float] = deque()

    def due_in(self, now: float) -> float:
        """The seconds until another request may be sent."""
        while self._sent and now - self._sent[0] >= _WINDOW_S:
            self._sent.popleft()
        return 0.0 if len(self._sent) < self._most else _WINDOW_S - (now - self._sent[0])

    def sent(self, now: float) -> None:
        """One was sent now."""
        self._sent.append(now)


@dataclass(slots=True, kw_only=True)
class Web:
    """The methods of the Web API. per_minute: requests for history and for replies, each.

    Errors carry `error`, Slack's own word; `status` is 401 where the token is refused, 403 where only what
    was asked for is.
    """

    http: Http
    per_minute: int
    _paces: dict[str, Pace] = field(default_factory=dict)

    async def call(self, session: Session, method: str, **asked: str) -> Mapping[str, Json]:
        """What the method answers. Raises SourceUnavailable or SourceRefused."""
        if method in {"conversations.history", "conversations.replies"}:
            pace = self._paces.setdefault(method, Pace(self.per_minute))
            await asyncio.sleep(pace.due_in(monotonic()))
            pace.sent(monotonic())
        given = {name: value for name, value in asked.items() if value}
        content = await session.text(method, given, accept="application/json")
        try:
            answer = read(content)
        except ValueError as error:
            line = f"{self.http.source}: {self.http.url} answers {method} with broken JSON: {error}"
            if content.lstrip().startswith(b"<"):
                raise SourceRefused(f"{line}; it is a page, so mend url", status=401) from error
            raise SourceUnavailable(line) from error
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            raise SourceRefused(f"{self.http.source}: {self.http.url} does not answer {method} as Slack does")
        if not answer["ok"]:
            raise self._error(method, answer)
        return answer

    async def pages(self, session: Session, method: str, **asked: str) -> AsyncIterator[Mapping[str, Json]]:
        """Each page of a method that is read by cursor. Raises as `call` does, and where its cursors lead nowhere."""
        cursor, seen = "", set[str]()
        while True:
            page = await self.call(session, method, **asked, cursor=cursor)
            yield page
            told = page.get("response_metadata")
            cursor = str(told.get("next_cursor") or "") if isinstance(told, dict) else ""
            if not cursor:
                return
            if cursor in seen or len(seen) >= _MOST_PAGES:
                raise SourceUnavailable(f"{self.http.source}: {method} comes to no end", status=500)
            seen.add(cursor)

    def _error(self, method: str, answer: Mapping[str, Json]) -> SourceRefused | SourceUnavailable:
        error = str(answer.get("error") or "an error without a name")[:100]
        line = f"{self.http.source}: Slack answers {method} with {error}"
        if error in _PASSING:
            quiet = _QUIET_S if "limit" in error else None
            return SourceUnavailable(line, retry_after_s=quiet, status=200, error=error)
        if error in _SIGN_IN:
            return SourceRefused(f"{line}: the token is not accepted", status=401, error=error)
        if error == "missing_scope":
            line = f"{line}: the app lacks the scope {answer.get('needed')}; add it and install the app again"
        if error in {"not_in_channel", "channel_not_found", "access_denied", "no_permission"}:
            line = f"{line}: invite the app to the channel (/invite @the-app)"
        return SourceRefused(line, status=403, error=error)
