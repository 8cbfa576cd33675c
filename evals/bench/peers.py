"""python -m evals.bench.peers opcua|tryton|odata ROWS: the server, until it is killed; its address on the first line.

They speak as the peers of the tests do, and find their rows as fast as a database with an index would.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from asyncua import Server, ua
from asyncua.server.history import HistoryStorageInterface
from tests.ingest import tryton_peer, web_peer

from evals.bench.rows import COLUMNS, at, lots

OPCUA_URI = "urn:lineside:bench"
NODES = 20


class IndexedTryton(tryton_peer.Peer):
    """Rows in the order of their ids: a page begins after an id without a look at those before."""

    def _search(self, model: str, domain: Any, limit: int, order: Any, columns: list[str]) -> list[tryton_peer.Row]:
        after = _after(domain)
        if after is None or model not in self.tables:
            return super()._search(model, domain, limit, order, columns)
        table = self.tables[model]
        rows = (table[number] for number in range(after + 1, len(table) + 1))
        found = islice((row for row in rows if tryton_peer.holds(domain, row)), limit)
        return [self._told(model, row, columns) for row in found]


class IndexedOData(web_peer.Peer):
    """Rows in the order of their stamps: a page begins at a stamp without a look at those before."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = [dict(zip(COLUMNS, (*row[:-1], _stamp(row[-1])), strict=True)) for row in lots(rows)]
        self.stamps = [row["changed"] for row in self.rows]
        types = ("Int32", "String", "Int32", "String", "String", "DateTimeOffset")
        properties = {name: f"Edm.{kind}" for name, kind in zip(COLUMNS, types, strict=True)}
        self.metadata = web_peer.edmx(4, {"Stock": properties}, key="number")

    def answer(self, query: dict[str, str]) -> web_peer.Answer:
        since = re.search(r"changed ge (\S+)", query.get("$filter", ""))
        start = bisect_left(self.stamps, _stamp(datetime.fromisoformat(since[1].rstrip(")")))) if since else 0
        start += int(query.get("$skip", 0))
        return 200, {}, {"value": self.rows[start : start + int(query.get("$top", 100))]}


class Counters(HistoryStorageInterface):  # type: ignore[misc]  # asyncua has no types
    """A history that is worked out when it is asked for: a counter's value at each of its moments."""

    def __init__(self, values: int) -> None:
        super().__init__()
        self._values = values

    async def init(self) -> None:
        """Nothing is opened."""

    async def new_historized_node(self, node_id: Any, period: timedelta | None, count: int = 0) -> None:
        """Nothing is kept."""

    async def save_node_value(self, node_id: Any, datavalue: Any) -> None:
        """Nothing is kept."""

    async def new_historized_event(self, *_: Any) -> None:
        """Nothing is kept."""

    async def read_node_history(
        self, _: Any, start: datetime | None, end: datetime | None, nb_values: int
    ) -> tuple[list[Any], datetime | None]:
        start, end = _utc(start), _utc(end)
        if start is None or end is None or end < start:
            return [], None
        first = next((n for n in range(self._place(start), self._values + 1) if at(n, self._values) >= start), None)
        if first is None:
            return [], None
        until = min(self._values, first + (nb_values or 1000) - 1)
        values = [self.value(number) for number in range(first, until + 1) if at(number, self._values) <= end]
        return values, at(until + 1, self._values) if until < self._values and values else None

    async def stop(self) -> None:
        """Nothing is open."""

    def value(self, number: int) -> Any:
        moment = at(number, self._values)
        return ua.DataValue(ua.Variant(number), SourceTimestamp=moment, ServerTimestamp=moment)

    def _place(self, moment: datetime) -> int:
        """A number at that moment or shortly before it."""
        span = at(self._values, self._values) - at(0, self._values)
        return max(1, int((moment - at(0, self._values)) / span * self._values) - 1)


async def opcua(rows: int) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        url = f"opc.tcp://127.0.0.1:{door.getsockname()[1]}/"
    server = Server()
    await server.init()
    server.set_endpoint(url)
    counters = Counters(rows // NODES)
    server.iserver.history_manager.set_storage(counters)
    index = await server.register_namespace(OPCUA_URI)
    async with server:
        for each in range(NODES):
            press = await server.nodes.objects.add_object(index, f"Press{each}")
            node = await press.add_variable(ua.NodeId(f"Press{each}.Good", index), "Good", 0)
            await node.write_value(counters.value(rows // NODES))
            await server.historize_node_data_change(node)
        print(url, flush=True)
        await asyncio.Event().wait()


def tryton(rows: int) -> None:
    stamped = {"number": ("integer", ""), "lot": ("char", ""), "quantity": ("integer", ""), "place": ("char", ""),
               "status": ("selection", ""), "changed": ("timestamp", "")}  # fmt: skip
    log = {"event": ("selection", ""), "target": ("char", ""), "user": ("many2one", "res.user"),
           "resource": ("reference", "")}  # fmt: skip
    types = {"stock.lot": stamped, "ir.model.log": log, "res.user": {"rec_name": ("char", "")}}
    table = {}
    for row in lots(rows):
        written = row[-1].replace(tzinfo=None).isoformat(timespec="microseconds")
        said = dict(zip(COLUMNS, (*row[:-1], written), strict=True))
        table[row[0]] = {"id": row[0], **said, "create_date": written, "write_date": None}
    _serve(IndexedTryton(types=types, tables={"stock.lot": table, "ir.model.log": {}}), "")


def _serve(app: Any, path: str) -> None:
    with web_peer.serving(app) as url:
        print(url.removesuffix("/odata") + path, flush=True)
        asyncio.run(asyncio.Event().wait())  # type: ignore[arg-type]


def _after(domain: Any) -> int | None:
    """The id behind which the domain begins."""
    for each in domain:
        match each:
            case ["id", ">", int(number)]:
                return number
            case [list(), *_] if (found := _after(each)) is not None:
                return found
    return None


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


if __name__ == "__main__":
    wanted, count = sys.argv[1], int(sys.argv[2])
    if wanted == "opcua":
        asyncio.run(opcua(count))
    elif wanted == "tryton":
        tryton(count)
    else:
        _serve(IndexedOData(count), "/odata")
