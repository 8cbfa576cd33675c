"""Odoo's external API: a method of a model is called, by JSON-RPC or by the JSON interface of version 19 and later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineside.connector.http import Http, Session, at
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json

INTERFACES = ("jsonrpc", "json2")
_SIGN_IN = {"odoo.exceptions.AccessDenied", "odoo.http.SessionExpiredException", "werkzeug.exceptions.Unauthorized"}
_OF_THE_MODEL = {
    "odoo.exceptions.AccessError", "odoo.exceptions.UserError", "odoo.exceptions.ValidationError",
    "odoo.exceptions.MissingError", "builtins.KeyError", "builtins.ValueError", "builtins.AttributeError",
    "werkzeug.exceptions.NotFound", "werkzeug.exceptions.UnprocessableEntity",
}  # fmt: skip


class Api:
    """One database's models. Errors carry `status`: 401 where the sign-in is refused, 403 where only the model is."""

    def __init__(self, http: Http, *, interface: str, database: str, user: str, key: str) -> None:
        self._http = http
        self._interface = interface
        self._database = database
        self._user = user
        self._key = key
        self._uid: Json = None

    async def call(self, session: Session, model: str, method: str, **named: Any) -> Json:
        """What the method answers. Raises SourceUnavailable or SourceRefused."""
        if self._interface == "json2":
            return await self._json2(session, model, method, named)
        if self._uid is None:
            uid = await self._rpc(session, "common", "authenticate", [self._database, self._user, self._key, {}])
            if not isinstance(uid, int) or isinstance(uid, bool):
                raise SourceRefused(f"{self._http.source}: Odoo refuses the user or the key", status=401)
            self._uid = uid
        arguments = [self._database, self._uid, self._key, model, method, [], named]
        return await self._rpc(session, "object", "execute_kw", arguments)

    async def _rpc(self, session: Session, service: str, method: str, arguments: list[Any]) -> Json:
        params: Json = {"service": service, "method": method, "args": arguments}
        answer = (await session.post("jsonrpc", {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params})).json
        if not isinstance(answer, dict) or not answer.keys() & {"result", "error"}:
            raise SourceRefused(f"{self._http.source}: {self._http.url} does not answer as Odoo's JSON-RPC does")
        if error := answer.get("error"):
            raise self._error(str(at(error, "data.name") or ""), str(at(error, "data.message") or error))
        return answer.get("result")

    async def _json2(self, session: Session, model: str, method: str, named: Mapping[str, Any]) -> Json:
        try:
            return (await session.post(f"json/2/{model}/{method}", dict(named))).json
        except SourceRefused as error:  # 404: a module that is not installed; 422: a field that is not there
            if error.fields.get("status") in {404, 422}:
                raise SourceRefused(error.message, status=403) from error
            raise

    def _error(self, name: str, said: str) -> SourceRefused | SourceUnavailable:
        line = f"{self._http.source}: Odoo answers {name}: {said[:200]}"
        if name in _SIGN_IN or (name.endswith("OperationalError") and "does not exist" in said):
            return SourceRefused(line, status=401)
        if name in _OF_THE_MODEL:
            return SourceRefused(line, status=403)
        return SourceUnavailable(line, status=500)
