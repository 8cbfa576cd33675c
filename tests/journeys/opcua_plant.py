"""An OPC UA server in a process of its own, with the counters of a press, a saw and a line; of the line's it keeps no
history.

Started with its port. Each line of standard input, `["line", 7, "2026-03-02T08:00:00+00:00"]`, is what a counter shows
from then on, and is answered by `done` once it does, and once the history has it where one is kept.
"""

import asyncio
import json
import sys
from datetime import datetime

from asyncua import Server, ua

URI = "urn:works:hall-2"
KEEPING, COUNTERS = ("press", "saw"), ("press", "saw", "line")
KEPT = 1000


async def main(port: int) -> None:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    index = await server.register_namespace(URI)
    nodes = {
        name: await server.nodes.objects.add_variable(ua.NodeId(name, index), name, ua.Variant(0, ua.VariantType.Int64))
        for name in COUNTERS
    }
    async with server:
        for name in KEEPING:
            await server.historize_node_data_change(nodes[name], period=None, count=KEPT)
        history = server.iserver.history_manager.storage._datachanges
        print("ready", flush=True)  # noqa: T201 - it is how the test hears of it
        while said := await asyncio.to_thread(sys.stdin.readline):
            name, value, at = json.loads(said)
            when = datetime.fromisoformat(at)
            data = ua.DataValue(ua.Variant(value, ua.VariantType.Int64), SourceTimestamp=when, ServerTimestamp=when)
            await nodes[name].write_value(data)
            kept = history.get(nodes[name].nodeid)
            while kept is not None and (not kept or kept[-1].Value.Value != value):  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
            print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
