"""A server of ours that speaks as Tryton 8.2 was recorded to speak: its JSON-RPC, its REST, its domains, its errors."""

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = dict[str, Any]
SECRET = "right"


@dataclass
class Peer:
    """tables: model to its rows, with plain values and relations as rows of their own. log: what is told of deletions.

    faults: answers (status, headers, body) to give first. before_cut: how many requests
    are answered before the network breaks.
    """

    tables: dict[str, dict[int, Row]] = field(default_factory=dict)
    types: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    faults: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    made: str = "2026-01-05T08:00:00.000001"
    asked: list[tuple[str, Any]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    before_cut: float = float("inf")
    hanging: bool = False
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (said := await receive()).get("more_body") or said["type"] == "http.request":
            body += said.get("body", b"")
            if not said.get("more_body"):
                break
        if self.hanging:
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, extra, content = self._answer(scope["path"], headers, json.loads(body))
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        sent = {"content-type": "application/json", **extra}
        self.before_cut -= 1
        if self.before_cut < 0:
            sent["content-length"], raw = str(len(raw) + 100), raw[:-2]
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            }
        )
        await send({"type": "http.response.body", "body": raw})

    def _answer(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], Any]:
        self.asked.append((path, body))
        if self.faults:
            return self.faults.pop(0)
        if not path.startswith("/plant/"):
            return 404, {"content-type": "text/html"}, b"<h1>Not Found</h1>"
        if "/rest/" in path:
            return self._rest(path, headers, body)
        method, params = body["method"], body["params"]
        if method == "common.db.login":
            self.logins.append(params[1]["password"])
            if params[1]["password"] != SECRET:
                return 401, {"content-type": "text/html"}, b"<h1>Unauthorized</h1>"
            token = f"session-{len(self.logins)}"
            self.sessions.add(token)
            return 200, {}, {"id": 0, "result": [1, token, None]}
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind != "Session" or base64.b64decode(token).decode().split(":")[2] not in self.sessions:
            return 401, {"content-type": "text/plain"}, b""
        model = method.removeprefix("model.").removesuffix(".search_read")
        domain, _, limit, order, columns, context = params
        assert context["active_test"] is False
        try:
            return 200, {}, {"id": 0, "result": self._search(model, domain, limit, order, columns)}
        except KeyError as unknown:
            return 200, {}, {"id": 0, "error": [str(unknown), ""]}
        except PermissionError as error:
            return 200, {}, {"id": 0, "error": ["UserError", [str(error), "", None]]}

    def _rest(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], Any]:
        if headers.get("authorization") != f"Bearer {SECRET}":
            return 401, {"content-type": "text/html"}, b"<h1>Unauthorized</h1>"
        context = json.loads(base64.urlsafe_b64decode(headers["x-tryton-context"]))
        assert context["active_test"] is False
        model = path.removeprefix("/plant/rest/model/").removesuffix("/search_read")
        try:
            found = self._search(model, body["domain"], body["limit"], body["order"], body["fields_names"])
        except KeyError:
            return 500, {"content-type": "text/html"}, b"<h1>Internal Server Error</h1>"
        except PermissionError:
            return 403, {"content-type": "text/html"}, b"<h1>Forbidden</h1>"
        return 200, {}, found

    def _search(self, model: str, domain: Any, limit: int, order: Any, columns: list[str]) -> list[Row]:
        if model in self.forbidden:
            raise PermissionError(f'You are not allowed to access "{model}".')
        rows = [row for row in self._table(model).values() if holds(domain, row)]
        for name, way in reversed(order):
            rows.sort(key=lambda row: row.get(name) or "", reverse=way == "DESC")
        return [self._told(model, row, columns) for row in rows[:limit]]

    def _table(self, model: str) -> dict[int, Row]:
        if model == "ir.module":
            return {1: {"id": 1, "name": "ir", "create_date": self.made, "write_date": None}}
        if model == "ir.model.field":
            stamps = {"create_date": ("timestamp", ""), "write_date": ("timestamp", "")}
            lines = [(m, n, *t) for m, table in self.types.items() for n, t in (table | stamps).items()]
            names = ("model", "name", "ttype", "relation")
            return {i: {"id": i, **dict(zip(names, each, strict=True))} for i, each in enumerate(lines, 1)}
        return self.tables[model]

    def _told(self, model: str, row: Row, columns: list[str]) -> Row:
        found: Row = {}
        for column in columns:
            head, dot, rest = column.partition(".")
            if head not in {"id", "create_date", "write_date", *self.types.get(model, row)}:
                raise KeyError(head)
            value = row.get(head)
            if not dot:
                gone = isinstance(value, str) and value.startswith("said,") and not self._stands(value)
                found[head] = None if gone else shown(value)
            elif isinstance(value, dict):
                found.setdefault(f"{head}.", {"id": value["id"]})[rest] = shown(value[rest])
            elif isinstance(value, str) and self._stands(value):
                found[f"{head}."] = {"id": int(value.partition(",")[2]), rest: value}
            else:
                found[f"{head}."] = None
        return found

    def _stands(self, reference: str) -> bool:
        model, _, number = reference.partition(",")
        return int(number) in self.tables.get(model, {})


def holds(domain: Any, row: Row) -> bool:
    """Whether the row is in the domain."""
    if not domain:
        return True
    if domain[0] == "OR":
        return any(holds(each, row) for each in domain[1:])
    if isinstance(domain[0], str):
        name, operator, wanted = domain
        value = row.get(name)
        wanted = datetime_of(wanted) if isinstance(wanted, dict) else wanted
        match operator:
            case "=":
                return bool(value == wanted)
            case "!=":
                return bool(value != wanted)
            case "in":
                return value in wanted
            case "not in":
                return value not in wanted
            case "like":
                return str(value or "").startswith(wanted.rstrip("%").replace("\\", ""))
            case ">":
                return value is not None and value > wanted
            case "<=":
                return value is not None and value <= wanted
            case ">=":
                return value is not None and value >= wanted
        raise AssertionError(operator)
    return all(holds(each, row) for each in domain)


def datetime_of(wire: Row) -> str:
    """The recorded form of a time, as the tables hold it."""
    parts = [wire[name] for name in ("year", "month", "day", "hour", "minute", "second", "microsecond")]
    return datetime(*parts).isoformat(timespec="microseconds")  # noqa: DTZ001 - Tryton writes them so, in UTC


def shown(value: Any) -> Any:
    """A value as Tryton's JSON writes it; times stand in the tables as texts."""
    if isinstance(value, str) and len(value) == 26 and value[10] == "T":
        at = datetime.fromisoformat(value)
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{name: getattr(at, name) for name in names}}
    return value
