"""The lines' controllers as one OPC UA server, with source timestamps in the plant's time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from lineside.plant.records import Json
from lineside.simulator.production import Production
from lineside.simulator.shopfloor import reading, unit_reading
from lineside.simulator.world import World

NAMESPACE: Final = "urn:northfield:scada"
STATES: Final = ("idle", "running", "stopped", "setup", "maintenance")
LINE_TAGS: Final = ("state", "reason", "rate", "target_rate", "good_count", "reject_count", "job_order")
UNIT_TAGS: Final = ("state", "reason")


def node_name(path: str, tag: str) -> str:
    """The string id of a tag, as in `line-3.filler.state`."""
    return ".".join((*path.split("/")[2:], tag))


class Scada:
    """One OPC UA server. `show` writes what changed; unchanged tags keep their source time."""

    def __init__(self, world: World, production: Production, port: int) -> None:
        self._world, self._production = world, production
        self.url = f"opc.tcp://127.0.0.1:{port}/northfield"
        self._server: Any = None
        self._nodes: dict[tuple[str, str], Any] = {}
        self._shown: dict[tuple[str, str], Json] = {}

    async def start(self, now: datetime) -> None:
        """The server answers and shows the plant at `now`."""
        from asyncua import Server, ua

        server = Server()
        await server.init()
        # The whole plant lives in its own time, the server's own stamps included.
        server.iserver.aspace.force_server_timestamp = False
        server.iserver.disabled_clock = True
        server.set_endpoint(self.url)
        server.set_server_name("northfield")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        index = await server.register_namespace(NAMESPACE)
        plant = await server.nodes.objects.add_object(
            ua.NodeId("northfield", index), ua.QualifiedName("northfield", index)
        )
        for line in self._world.lines:
            for path, tags in ((line.id, LINE_TAGS), *((f"{line.id}/{unit}", UNIT_TAGS) for unit in line.units)):
                name = ".".join(path.split("/")[2:])
                place = await plant.add_object(ua.NodeId(name, index), ua.QualifiedName(name, index))
                for tag in tags:
                    node_id = ua.NodeId(node_name(path, tag), index)
                    first = ua.Variant(_EMPTY[tag][0], getattr(ua.VariantType, _EMPTY[tag][1]))
                    self._nodes[path, tag] = await place.add_variable(node_id, ua.QualifiedName(tag, index), first)
        await server.start()
        self._server = server
        await self.show(now)

    async def show(self, now: datetime) -> int:
        """Every tag has its value of `now` (aware); how many of them changed."""
        from asyncua import ua

        at = now.astimezone(UTC).replace(tzinfo=None)
        inner = self._server.iserver
        status = replace(await inner.server_status_node.read_value(), CurrentTime=at)
        await inner.server_status_node.write_value(status)
        await inner.current_time_node.write_value(at)
        changed = 0
        for line in self._world.lines:
            shown = {line.id: reading(self._production, line, now)}
            shown |= {f"{line.id}/{unit}": unit_reading(self._production, line, unit, now) for unit in line.units}
            for path, values in shown.items():
                for tag in LINE_TAGS if path == line.id else UNIT_TAGS:
                    value = _raw(tag, values.get(tag))
                    if self._shown.get((path, tag)) == value:
                        continue
                    self._shown[path, tag] = value
                    variant = ua.Variant(value, getattr(ua.VariantType, _EMPTY[tag][1]))
                    await self._nodes[path, tag].write_value(
                        ua.DataValue(variant, SourceTimestamp=at, ServerTimestamp=at)
                    )
                    changed += 1
        return changed

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()


_EMPTY: Final[dict[str, tuple[Json, str]]] = {
    "state": (0, "Int32"), "reason": ("", "String"), "rate": (0.0, "Double"), "target_rate": (0.0, "Double"),
    "good_count": (0, "Int64"), "reject_count": (0, "Int64"), "job_order": ("", "String"),
}  # fmt: skip


def _raw(tag: str, value: Json) -> Json:
    if value is None:
        return _EMPTY[tag][0]
    if tag == "state":
        return STATES.index(str(value))
    if isinstance(value, dict):
        return float(str(value["value"]))
    return value
