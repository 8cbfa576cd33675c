"""A source's mapping as people look at it: what it reads, what it would make of real messages, what drifted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from pathlib import Path

from lineside.app import Lineside, load_mapping_file
from lineside.connector import Connector, SourceMessage, installed
from lineside.memory.drift import known_shapes, open_drift, row_of
from lineside.memory.intake import generator
from lineside.memory.replay import Previewed, newest_messages, preview
from lineside.plant.drift import Drift, touched
from lineside.plant.mapping import uses
from lineside.plant.mapping_file import SourceMapping
from lineside.plant.proposing import propose
from lineside.plant.records import Json
from lineside.plant.shape import Shape, all_uses, fields_of, profile

Row = dict[str, Json]
_FIRST_S = 10.0  # so long a source may take to say its first word
_SHOWN = 4000
LOOKED_AT = 500


def mapping_row(lineside: Lineside, source: str) -> Row:
    """The mapping in force with its warnings, who owns what, and the drift that is open. Raises NotFound."""
    _, mapping = lineside.connector(source)
    card = lineside.plant.source(source)
    file = lineside.mapping_files.get(source)
    return {
        "source": source,
        "version": mapping.version,
        "file": file.where if file else None,
        "time_zone": str(mapping.notation.get("time_zone", lineside.plant.time_zone)),
        "notation": dict(mapping.notation),
        "owner": card.owner,
        "owns": list(card.owns),
        "streams": [
            {
                "stream": stream.name,
                "key": list(stream.key),
                "fields": [
                    {
                        "field": use.column,
                        "fact": use.fact,
                        "role": use.role,
                        "type": use.type,
                        "codes": dict(use.codes) if use.codes is not None else None,
                    }
                    for one in stream.mappings
                    for use in uses(one)
                ],
            }
            for stream in mapping.streams
        ],
        "warnings": list[Json](mapping.warnings()),
        "drift": drift_rows(open_drift(lineside.memory, mapping)),
    }


def drift_rows(found: Sequence[tuple[str, Drift]]) -> list[Json]:
    """Each drift with its stream, the facts that it touches, and in words."""
    return [
        {
            "stream": stream,
            "kind": drift.kind.value,
            "field": drift.field,
            "was": drift.was,
            "now": drift.now,
            "facts": list(drift.facts),
            "reason": drift.reason,
        }
        for stream, drift in found
    ]


def preview_rows(lineside: Lineside, source: str, *, file: Path | None, limit: int) -> list[Row]:
    """What the mapping in `file`, by default the one in force, makes of the newest messages; nothing is kept."""
    connector, mapping = lineside.connector(source, load_mapping_file(file) if file else None)
    messages = _messages(lineside, connector, limit)
    return [_preview_row(each, mapping) for each in preview(lineside.memory, source, connector.translate, messages)]


def proposal(lineside: Lineside, source: str) -> str:
    """The text of a mapping file, from the mapping in force, what drifted, and what the source sent."""
    connector, mapping = lineside.connector(source)
    shapes = known_shapes(lineside.memory, source)
    for stream, shape in _shapes(_messages(lineside, connector, LOOKED_AT), mapping).items():
        shapes.setdefault(stream, shape)
    configured = {each.name: each.connector for each in lineside.settings.sources}
    return propose(
        mapping,
        shapes,
        open_drift(lineside.memory, mapping),
        owns=lineside.plant.source(source).owns if source in lineside.mapping_files else (),
        only=installed()[configured[source]].streams == ".",
    )


def _messages(lineside: Lineside, connector: Connector, limit: int) -> list[SourceMessage]:
    """The newest that are kept; where there are none, the first batch that the source gives, which is not kept."""
    kept = newest_messages(lineside.memory, connector.source, limit)
    return kept or asyncio.run(_first(connector))[:limit]


async def _first(connector: Connector) -> list[SourceMessage]:
    with suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_S), aclosing(generator(connector.capture(None))) as batches:
            async for batch in batches:
                if batch.messages or batch.empty:
                    return list(batch.messages)
    return []


def _shapes(messages: Sequence[SourceMessage], mapping: SourceMapping) -> dict[str, Shape]:
    rows: dict[str, list[dict[str, Json]]] = {}
    for message in messages:
        if (row := row_of(message)) is not None:
            rows.setdefault(message.stream, []).append(dict(row))
    return {stream: profile(each, mapping.stream(stream)) for stream, each in rows.items()}


def _preview_row(tried: Previewed, mapping: SourceMapping) -> Row:
    message = tried.message
    row = row_of(message)
    stream = mapping.stream(message.stream)
    unmapped: list[Json] = []
    if row is not None and stream is not None and stream.mappings:
        used = all_uses(stream)
        parents = {use.column for use in used}
        unmapped = [
            name
            for name in fields_of(row)
            if name not in stream.key
            and not touched(name, used)
            and not any(each.startswith((f"{name}.", f"{name}[]")) for each in parents)
        ]
    return {
        "source_id": message.source_id,
        "stream": message.stream,
        "origin": message.origin,
        "received_at": message.received_at.isoformat(),
        "outcome": tried.outcome,
        "reason": tried.reason,
        "changed": tried.changed,
        "raw": dict(row) if row is not None else message.content[:_SHOWN].decode("utf-8", errors="replace"),
        "was": list(tried.was),
        "records": list(tried.records),
        "unmapped": unmapped,
    }
