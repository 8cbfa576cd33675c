"""Reading Tryton's models: with an application key over REST, or with a user's session over JSON-RPC.

Both answer `search_read` alike, and nothing else is ever called. A key can be taken back by itself, opens no session
and counts no failed logins; a password can do all that its user can.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from lineside.connector.http import Http, Session
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.tryton.values import readable

Row: TypeAlias = dict[str, Json]
Domain: TypeAlias = Sequence[Json]

_SESSION_LOST = ("NotLogged", "LoginException", "401", "403")


@dataclass(slots=True, kw_only=True)
class Access:
    """One database of one server. key: a user application's; else user and password. context: sent with every call."""

    http: Http
    database: str
    key: str
    user: str
    password: str
    context: Mapping[str, Json]
    _token: str = ""

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Reader]:
        """Reads until it is left; the session at Tryton outlives it, so that not every poll is a login."""
        async with self.http.session() as session:
            yield Reader(self, session)

    async def asked(self, session: Session, model: str, arguments: Row, context: Mapping[str, Json]) -> Json:
        """What `search_read` of the model answers. Raises SourceRefused or SourceUnavailable; `unknown` names what
        Tryton does not know, `status` is 401 where it does not know us."""
        if self.key:
            said = base64.urlsafe_b64encode(json.dumps(context).encode()).decode()
            self.http.headers = {"Authorization": f"Bearer {self.key}", "X-Tryton-Context": said}
            return (await session.post(f"{self.database}/rest/model/{model}/search_read", arguments)).json
        had_token = bool(self._token)
        try:
            return await self._called(session, model, arguments, context)
        except SourceRefused as error:
            if error.fields.get("status") != 401 or not had_token:
                raise
        self._token = ""  # the session has ended; a second refusal is one
        return await self._called(session, model, arguments, context)

    async def _called(self, session: Session, model: str, arguments: Row, context: Mapping[str, Json]) -> Json:
        if not self._token:
            self._token = await self._signed_in(session)
        self.http.headers = {"Authorization": f"Session {self._token}"}
        order = ("domain", "offset", "limit", "order", "fields_names")
        params: list[Json] = [*(arguments[name] for name in order), dict(context)]
        return await self._rpc(session, f"model.{model}.search_read", params)

    async def _signed_in(self, session: Session) -> str:
        """A session's token. One try: after six failed ones Tryton refuses the right password too, for a long time."""
        self.http.headers = {}
        try:
            found = await self._rpc(session, "common.db.login", [self.user, {"password": self.password}, None])
        except SourceUnavailable as error:
            if error.fields.get("status") == 429 and error.retry_after_s is None:
                reason = f"{self.http.source}: Tryton has locked {self.user} out after failed logins"
                raise SourceRefused(reason, status=401) from error
            raise
        match found:
            case [int(number), str(token), *_]:
                return base64.b64encode(f"{self.user}:{number}:{token}".encode()).decode()
        raise SourceRefused(f"{self.http.source}: the login of {self.user} is answered without a session", status=401)

    async def _rpc(self, session: Session, method: str, params: list[Json]) -> Json:
        body: Json = {"id": 0, "method": method, "params": params}
        answer = (await session.post(f"{self.database}/rpc/", body)).json
        match answer:
            case {"error": [str(kind), *said]}:
                raise self._error(method, kind, said)
            case {"result": result}:
                return result
        raise SourceUnavailable(f"{self.http.source}: {method} is answered with neither a result nor an error")

    def _error(self, method: str, kind: str, said: Sequence[Json]) -> SourceRefused | SourceUnavailable:
        """What an error inside a 200 means. Tryton writes a KeyError as the quoted name alone."""
        told = f"{self.http.source}: {method}: {kind} {_first(said)}".strip()
        if kind.startswith(_SESSION_LOST):
            return SourceRefused(told, status=401)
        if kind in {"UserError", "UserWarning", "AccessError"}:
            return SourceRefused(told, status=403)
        if len(kind) > 2 and kind[0] == kind[-1] == "'" and kind.count("'") == 2:
            return SourceUnavailable(f"{told}: Tryton does not know it", unknown=kind[1:-1])
        return SourceUnavailable(told, status=200)


class Reader:
    """Rows of models, in Tryton's order by id unless told otherwise; archived ones too."""

    def __init__(self, access: Access, session: Session) -> None:
        self._access = access
        self._session = session

    async def rows(
        self,
        model: str,
        domain: Domain,
        columns: Sequence[str],
        *,
        limit: int,
        order: Sequence[Sequence[str]] = (("id", "ASC"),),
        context: Mapping[str, Json] | None = None,
    ) -> list[Row]:
        """The first rows that fit, with values as `readable` writes them.

        Raises SourceRefused, with status 401 where nothing can be read any more; or SourceUnavailable.
        """
        arguments: Row = {
            "domain": list(domain), "offset": 0, "limit": limit, "order": [list(each) for each in order],
            "fields_names": list(dict.fromkeys(["id", *columns])),
        }  # fmt: skip
        said = {**self._access.context, "active_test": False, **(context or {})}
        found = await self._access.asked(self._session, model, arguments, said)
        if not isinstance(found, list):
            raise SourceUnavailable(f"{self._access.http.source}: {model} is answered without a list of rows")
        return [readable(row) for row in found if isinstance(row, dict)]

    async def all_rows(self, model: str, domain: Domain, columns: Sequence[str], *, page: int) -> AsyncIterator[Row]:
        """Every row that fits, page by page."""
        after = 0
        while True:
            found = await self.rows(model, [list(domain), ["id", ">", after]], columns, limit=page)
            for row in found:
                yield row
            if len(found) < page:
                return
            after = number(found[-1])


def number(row: Row) -> int:
    """The row's id at Tryton. Raises SourceUnavailable where it has none: then the answer is no answer."""
    found = row.get("id")
    if isinstance(found, bool) or not isinstance(found, int):
        raise SourceUnavailable("a row came without its id")
    return found


def _first(said: Sequence[Json]) -> str:
    match said:
        case [[str(text), *_], *_]:
            return text
        case [str(text), *_]:
            return text[:200]
    return ""
