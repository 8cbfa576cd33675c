"""How much of each product lies in each storage location, as Tryton itself adds it up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

from lineside.connector import Batch, SourceMessage
from lineside.connector.by_id import stamped
from lineside.connector.rows import digest
from lineside.plant.records import Json
from lineside_ingest.tryton.access import Row, number
from lineside_ingest.tryton.models import Model
from lineside_ingest.tryton.scan import Reading, fetched
from lineside_ingest.tryton.values import wire_day


async def read_levels(reading: Reading, model: Model, before: Json) -> AsyncIterator[tuple[Batch, Json]]:
    """A batch per location with what changed there, and the model's state. What is used up is said once, as nothing.

    Rows have the column `location` with the location's own columns, and `quantity`.
    """
    state = before if isinstance(before, dict) else {}
    now = reading.now()
    last = state.get("read_at")
    if isinstance(last, str) and datetime.fromisoformat(last) > now - timedelta(seconds=model.every_s):
        return
    known = state.get("levels")
    levels: dict[str, Json] = dict(known) if isinstance(known, dict) else {}
    day = now.astimezone(model.stream.notation.time_zone).date()
    places = reading.reader.all_rows(
        "stock.location", [["type", "=", "storage"]], ["code", "name", "rec_name"], page=200
    )
    async for place in places:
        context: dict[str, Json] = {"locations": [number(place)], "with_childs": False, "stock_date_end": wire_day(day)}
        fresh: list[SourceMessage] = []
        async for row in _stocked(reading, model, place, levels, context):
            key = f"{number(row)}@{number(place)}"
            told = digest(row)
            if levels.get(key) != told:
                fresh.append(_message(reading, model, row, key, told))
            if row.get("quantity"):
                levels[key] = told
            else:
                levels.pop(key, None)
        yield Batch(messages=fresh), {"levels": dict(levels)}
    yield Batch(), {"levels": levels, "read_at": stamped(now)}


async def _stocked(
    reading: Reading, model: Model, place: Row, levels: Mapping[str, Json], context: Mapping[str, Json]
) -> AsyncIterator[Row]:
    """What lies there, and what lay there when we last looked."""
    here = f"@{number(place)}"
    before: list[Json] = [int(key.removesuffix(here)) for key in levels if key.endswith(here)]
    after = 0
    while True:
        domain: list[Json] = [["OR", ["quantity", "!=", 0], ["id", "in", before]], ["id", ">", after]]
        found = await fetched(reading, model, domain, limit=model.page_size, context=context)
        for row in found:
            yield {**row, "location": dict(place)}
        if len(found) < model.page_size:
            return
        after = number(found[-1])


def _message(reading: Reading, model: Model, row: Row, key: str, told: str) -> SourceMessage:
    now = reading.now()
    return SourceMessage(
        source=model.stream.source,
        source_id=f"{model.name}/{key}@{stamped(now)}+{reading.epoch}~{told}",
        content=json.dumps(row, ensure_ascii=False, sort_keys=True).encode(),
        received_at=now,
        stream=model.name,
        key=key,
        origin=f"{model.model},{number(row)}",
        reported_at=now,
    )
