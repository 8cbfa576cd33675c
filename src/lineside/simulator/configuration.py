"""How Lineside would be set up to read and write this plant: the text of its lineside.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineside.simulator.plant_file import literal
from lineside.simulator.scada import LINE_TAGS, NAMESPACE, STATES, UNIT_TAGS, node_name
from lineside.simulator.tables import TABLES, Table, mapping
from lineside.simulator.web import READER, WRITER
from lineside.simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the plant's systems answer. web: base URL of ERP, CMMS and QMS."""

    web: str
    opcua: str
    wms: Path
    mes: Path
    tracker: Path
    notes: Path
    clock_offset_s: float


def lineside_toml(world: World, addresses: Addresses) -> str:
    """The text of lineside.toml: eight sources through five connectors; approved actions may go to QMS and CMMS."""
    parts = [f"clock_offset_s = {literal(addresses.clock_offset_s)}"]
    for name, connector, poll_s, options in _sources(world, addresses):
        head = {"name": name, "connector": connector, "poll_s": poll_s}
        parts += ["", "[[sources]]", *(f"{key} = {literal(value)}" for key, value in head.items()), "[sources.options]"]
        parts += [f"{key} = {literal(value)}" for key, value in options.items()]
    for name, interface in (("qms", "quality-holds"), ("cmms", "plain")):
        target = {"interface": interface, "url": f"{addresses.web}/{name}", "token": WRITER, "source": name}
        parts += ["", f"[targets.{name}]", *(f"{key} = {literal(value)}" for key, value in target.items())]
    return "\n".join(parts) + "\n"


def _sources(world: World, addresses: Addresses) -> list[tuple[str, str, float, dict[str, Any]]]:
    rest = {"protocol": "rest", "token": READER}
    return [
        ("erp", "odata", 5.0, {"url": f"{addresses.web}/erp", "token": READER, "collections": _collections("erp")}),
        ("cmms", "odata", 10.0, {"url": f"{addresses.web}/cmms", **rest, "collections": _collections("cmms")}),
        ("qms", "odata", 2.0, {"url": f"{addresses.web}/qms", **rest, "collections": _collections("qms")}),
        ("wms", "sql_view", 5.0, {"url": f"sqlite:///{addresses.wms}", "views": _views("wms")}),
        ("mes", "sql_view", 5.0, {"url": f"sqlite:///{addresses.mes}", "views": _views("mes")}),
        ("tracker", "spreadsheet", 30.0, {"path": str(addresses.tracker), **_tracker(world)}),
        (
            "scada",
            "opcua",
            1.0,
            {"url": addresses.opcua, "sampling_ms": 1000, "history": False, "nodes": _nodes(world)},
        ),
        ("notes", "open_records", 5.0, {"path": str(addresses.notes)}),
    ]


def _collections(source: str) -> list[dict[str, Any]]:
    rest: Mapping[str, Any] = {
        "rows": "items", "since_param": "changed_since", "offset_param": "offset", "limit_param": "limit",
    }  # fmt: skip
    return [
        {
            "path": table.name, "key": [table.key], "changed_field": table.told, "immutable": True,
            **({} if source == "erp" else rest), "mapping": mapping(table),
        }
        for table in _tables(source)
    ]  # fmt: skip


def _views(source: str) -> list[dict[str, Any]]:
    return [
        {"table": table.name, "key": [table.key], "cursor": table.told, "immutable": True, "mapping": mapping(table)}
        for table in _tables(source)
    ]


def _tables(source: str) -> list[Table]:
    return [table for table in TABLES if table.source == source]


def _tracker(world: World) -> dict[str, Any]:
    return {
        "key": ["No."],
        "mapping": {
            "kind": "staged",
            "equipment": {"field": "Line", "codes": {line.name: line.id for line in world.lines}},
            "job_order": "{Job order}",
            "material": "{Material}",
            "text": {"field": "Remark"},
            "attributes": {"quantity": {"field": "Qty", "type": "number"}, "unit": "{Unit}"},
            "occurred_at": "{Date} {Time}",
        },
    }


def _nodes(world: World) -> list[dict[str, Any]]:
    found = []
    for line in world.lines:
        for path, tags in ((line.id, LINE_TAGS), *((f"{line.id}/{unit}", UNIT_TAGS) for unit in line.units)):
            for tag in tags:
                node: dict[str, Any] = {
                    "node": f"nsu={NAMESPACE};s={node_name(path, tag)}", "equipment": path, "property": tag,
                }  # fmt: skip
                if tag == "state":
                    node["values"] = {str(code): state for code, state in enumerate(STATES)}
                if tag.endswith("rate"):
                    node["unit"] = "/h"
                found.append(node)
    return found
