"""A real HTTP server with an ERP's habits: pages, deltas, limits, refusals, errors inside a 200."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import uvicorn

Answer = tuple[int, dict[str, str], Any]


class Peer:
    """Serves `rows` as OData. faults: answers to give first. before: called with each request's path and query."""

    def __init__(self, *, version: int = 4, links: bool = False) -> None:
        self.rows: list[dict[str, Any]] = []
        self.faults: list[Answer] = []
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.before: Callable[[], None] = lambda: None
        self.version = version
        self.links = links
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["path"], query, headers))
        self.before()
        status, extra, body = self.faults.pop(0) if self.faults else self.answer(query)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **extra}
        raw = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    def answer(self, query: dict[str, str]) -> Answer:
        rows = self.rows
        if found := re.search(r"(\w+) ge (?:datetime(?:offset)?)?'?([^')]+)'?", query.get("$filter", "")):
            rows = [row for row in rows if plain(row[found[1]]) >= found[2]]
        order = [name for name in query.get("$orderby", "").split(",") if name]
        rows = sorted(rows, key=lambda row: [plain(row.get(name, "")) for name in order])
        skip, top = int(query.get("$skip", 0)), int(query.get("$top", 100))
        page = rows[skip : skip + top]
        more = self.links and skip + top < len(rows)
        following = "http://erp.internal/odata/Lots?" + "&".join(
            f"{name}={value}".replace(" ", "%20").replace("+", "%2B")
            for name, value in {**query, "$skip": str(skip + top)}.items()
        )
        if self.version == 2:
            return 200, {}, {"d": {"results": page, **({"__next": following} if more else {})}}
        return 200, {}, {"value": page, **({"@odata.nextLink": following} if more else {})}


def plain(value: Any) -> str:
    """A value as its filter literal sorts: /Date(ms)/ by its wall clock."""
    if isinstance(value, str) and (found := re.fullmatch(r"/Date\((\d+)\)/", value)):
        from datetime import UTC, datetime

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
