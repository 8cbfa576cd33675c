"""A real HTTP server with an ERP's habits: filters, pages, deltas, limits, refusals, errors inside a 200."""

import asyncio
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import uvicorn

Answer = tuple[int, dict[str, str], Any]
_TOKEN = re.compile(r"\s*(\(|\)|\w*'(?:[^']|'')*'|[^\s()]+)")


class Peer:
    """Serves `rows` as OData. faults: answers to give first. closed: the answer to all. dripping: no answer ends.
    metadata: the service's own document. before: called with each request. asked: path, query and headers of every
    request but those for metadata."""

    def __init__(self, *, version: int = 4, links: bool = False) -> None:
        self.rows: list[dict[str, Any]] = []
        self.faults: list[Answer] = []
        self.closed: Answer | None = None
        self.metadata: bytes | None = None
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.before: Callable[[], None] = lambda: None
        self.dripping = False
        self.version = version
        self.links = links
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, extra, body = self._answered(scope["path"], query, headers)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **extra}
        raw = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        while self.dripping and not scope["path"].endswith("$metadata") and not (await _left(receive)):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await send({"type": "http.response.body", "body": content})

    def _answered(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        if path.endswith("$metadata") and self.closed is None:
            if self.metadata is None:
                return 404, {}, {}
            return 200, {"content-type": "application/xml"}, self.metadata
        self.asked.append((path, query, headers))
        self.before()
        if self.closed is not None:
            return self.closed
        return self.faults.pop(0) if self.faults else self.answer(query)

    def answer(self, query: dict[str, str]) -> Answer:
        there = set(re.findall(r'<Property Name="(\w+)"', (self.metadata or b"").decode()))
        named = [each for each in query.get("$select", "").split(",") if each]
        if there and not {*named} <= there:
            return 400, {}, {"error": {"message": "there is no such property"}}
        rows = [row for row in self.rows if "$filter" not in query or matches(row, query["$filter"])]
        order = [name for name in query.get("$orderby", "").split(",") if name]
        rows = sorted(rows, key=lambda row: [plain(row.get(name, "")) for name in order])
        skip, top = int(query.get("$skip", 0)), int(query.get("$top", 100))
        page = [{n: v for n, v in row.items() if not named or n in named} for row in rows[skip : skip + top]]
        more = self.links and skip + top < len(rows)
        following = "http://erp.internal/odata/Lots?" + "&".join(
            f"{name}={value}".replace(" ", "%20").replace("+", "%2B")
            for name, value in {**query, "$skip": str(skip + top)}.items()
        )
        if self.version == 2:
            return 200, {}, {"d": {"results": page, **({"__next": following} if more else {})}}
        return 200, {}, {"value": page, **({"@odata.nextLink": following} if more else {})}


async def _left(receive: Any) -> bool:
    """Whether the client is gone, asked ten times a second."""
    with suppress(TimeoutError):
        return (await asyncio.wait_for(receive(), 0.1))["type"] == "http.disconnect"
    return False


def matches(row: dict[str, Any], filtered: str) -> bool:
    """Whether the row passes a $filter of comparisons with `and`, `or` and brackets."""
    tokens = _TOKEN.findall(filtered)

    def either() -> bool:
        found = both()
        while tokens and tokens[0] == "or":
            tokens.pop(0)
            found = both() or found
        return found

    def both() -> bool:
        found = one()
        while tokens and tokens[0] == "and":
            tokens.pop(0)
            found = one() and found
        return found

    def one() -> bool:
        name = tokens.pop(0)
        if name == "(":
            found = either()
            assert tokens.pop(0) == ")"
            return found
        comparison, literal = tokens.pop(0), tokens.pop(0)
        value = row[name]
        if literal == "null" or value is None:
            return comparison == "eq" and literal == "null" and value is None
        wanted = re.sub(r"^\w*'(.*)'$", r"\1", literal).replace("''", "'")
        return plain(value) >= wanted if comparison == "ge" else plain(value) == wanted

    return either()


def plain(value: Any) -> str:
    """A value as its filter literal sorts: /Date(ms)/ by its wall clock."""
    if isinstance(value, str) and (found := re.fullmatch(r"/Date\((\d+)\)/", value)):
        return datetime.fromtimestamp(int(found[1]) / 1000, UTC).replace(tzinfo=None).isoformat()
    return str(value)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address of `app`, served by uvicorn in a thread."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/odata"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


def edmx(version: int, sets: dict[str, dict[str, str]], *, key: str, extra: str = "") -> bytes:
    """A $metadata document: for each entity set its properties and their types."""
    types = "".join(
        f'<EntityType Name="{name}Type"><Key><PropertyRef Name="{key}"/></Key>'
        + "".join(f'<Property Name="{each}" Type="{kind}"/>' for each, kind in properties.items())
        + f"{extra}</EntityType>"
        for name, properties in sets.items()
    )
    entities = "".join(f'<EntitySet Name="{name}" EntityType="plant.{name}Type"/>' for name in sets)
    outer, inner = {
        2: ("http://schemas.microsoft.com/ado/2007/06/edmx", "http://schemas.microsoft.com/ado/2008/09/edm"),
        4: ("http://docs.oasis-open.org/odata/ns/edmx", "http://docs.oasis-open.org/odata/ns/edm"),
    }[version]
    return (
        f'<?xml version="1.0"?><edmx:Edmx Version="{version}.0" xmlns:edmx="{outer}"><edmx:DataServices>'
        f'<Schema Namespace="plant" xmlns="{inner}">{types}<EntityContainer Name="c">{entities}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()
