"""A server that follows Odoo's documented external API, JSON-RPC and JSON-2: no Odoo itself is to be had here."""

import asyncio
import json
from contextlib import suppress
from typing import Any


class OdooServer:
    """Models with their fields' types, and records. Errors come inside a 200, as JSON-RPC wants it.

    closed: the answer to everything. dripping: no answer ends. cut: so many answers more, then one breaks.
    """

    def __init__(self) -> None:
        self.url = ""
        self.uuid: str | None = "one"
        self.key = "right"
        self.types: dict[str, dict[str, str]] = {}
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.denied: set[str] = set()
        self.closed: tuple[int, dict[str, str], Any] | None = None
        self.dripping = False
        self.cut: int | None = None
        self.sign_ins = 0
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["path"].removeprefix("/odata")
        status, extra, answer = self.closed or self._answered(path, json.loads(body), headers)
        content = json.dumps(answer).encode()
        if self.cut is not None:
            self.cut -= 1
            if self.cut < 0:
                self.cut, content, extra = None, content[:10], {"content-length": str(len(content))}
        sent = {"content-type": "application/json", **extra}
        raw = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        while self.dripping:
            with suppress(TimeoutError):
                if (await asyncio.wait_for(receive(), 0.1))["type"] == "http.disconnect":
                    break
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await send({"type": "http.response.body", "body": content})

    def _answered(self, path: str, body: Any, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        if path.startswith("/json/2/"):
            if headers.get("authorization") != f"Bearer {self.key}" or headers.get("x-odoo-database") != "plant":
                return 401, {}, {"name": "werkzeug.exceptions.Unauthorized", "message": "Invalid apikey"}
            _, _, _, model, method = path.split("/")
            try:
                return 200, {}, self.call(model, method, body)
            except PermissionError as error:
                return 403, {}, {"name": "odoo.exceptions.AccessError", "message": str(error)}
            except KeyError as error:
                return 404, {}, {"name": "werkzeug.exceptions.NotFound", "message": str(error)}
        assert path == "/jsonrpc"
        params = body["params"]
        if params["service"] == "common":
            self.sign_ins += 1
            database, user, key, _ = params["args"]
            return 200, {}, _result(7 if (database, user, key) == ("plant", "lineside", self.key) else False)
        database, uid, key, model, method, arguments, named = params["args"]
        if key != self.key:
            return 200, {}, _error("odoo.exceptions.AccessDenied", "Access Denied")
        assert (database, uid, arguments) == ("plant", 7, [])
        try:
            return 200, {}, _result(self.call(model, method, named))
        except PermissionError as error:
            return 200, {}, _error("odoo.exceptions.AccessError", str(error))
        except KeyError as error:
            return 200, {}, _error("builtins.KeyError", str(error))

    def call(self, model: str, method: str, named: dict[str, Any]) -> Any:
        self.asked.append((model, method, named))
        if model == "ir.config_parameter":
            if self.uuid is None:
                raise PermissionError("You are not allowed to access 'System Parameter'")
            return [{"id": 1, "value": self.uuid}]
        if model in self.denied:
            raise PermissionError(f"You are not allowed to access {model}")
        types = self.types[model]
        if method == "fields_get":
            return {name: {"type": kind} for name, kind in types.items()}
        assert method == "search_read"
        found = [each for each in self.records[model] if _passes(each, named["domain"])]
        if not named.get("context", {}).get("active_test", True):
            pass  # archived records too
        else:
            found = [each for each in found if each.get("active", True)]
        for part in reversed(named.get("order", "id asc").split(", ")):
            name, _, way = part.partition(" ")
            found.sort(key=lambda each, name=name: each[name] or "", reverse=way == "desc")  # type: ignore[misc]
        for name in named["fields"]:
            types[name]
        return [
            {"id": each["id"], **{name: each[name] for name in named["fields"]}} for each in found[: named.get("limit")]
        ]


def _passes(record: dict[str, Any], domain: list[Any]) -> bool:
    """Odoo's domains: terms in Polish notation, joined by `and` where nothing else is said."""
    left = list(domain)

    def term() -> bool:
        one = left.pop(0)
        if one in ("&", "|"):
            first, second = term(), term()
            return (first and second) if one == "&" else (first or second)
        name, comparison, wanted = one
        value = record.get(name, False)
        if isinstance(value, list):
            value = value[0]
        match comparison:
            case "=":
                return bool(value == wanted)
            case "!=":
                return bool(value != wanted)
            case "in":
                return value in wanted
            case "not in":
                return value not in wanted
            case ">":
                return bool(value > wanted)
            case ">=":
                return value is not False and bool(value >= wanted)
            case "<=":
                return value is not False and bool(value <= wanted)
        raise AssertionError(comparison)

    every = True
    while left:
        every = term() and every
    return every


def _result(value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": value}


def _error(name: str, said: str) -> dict[str, Any]:
    data = {"name": name, "message": said, "debug": "Traceback"}
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error", "data": data}}
