"""What a source said of one property of one entity at one time."""

from __future__ import annotations

import builtins
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineside.memory.moments import moment
from lineside.memory.words import spelled
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity
from lineside.plant.records import Json, Quality, quantity

_QUALITIES = {each.value: each for each in Quality}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One property of a report. value: as the source wrote it; unit: its unit where it has one."""

    record_id: str
    source: str
    source_id: str
    entity: Entity
    property: str
    value: Json
    unit: str
    scope: str | None
    occurred_at: datetime
    reported_at: datetime
    quality: Quality

    @builtins.property  # `property` is the vocabulary's word, and a field here
    def quantity(self) -> Quantity | None:
        return quantity(self.value)

    @builtins.property  # `property` is the vocabulary's word, and a field here
    def text(self) -> str:
        """The value as people read it: `120 ea`, `blocked`."""
        return spelled(self.value)


def statement_from_row(row: Any) -> Statement:
    written = row.value
    plain = written[0] == '"' and "\\" not in written  # most are words, and need no reader
    value: Json = written[1:-1] if plain else json.loads(written)
    unit = value.get("unit") if isinstance(value, dict) else None
    return Statement(
        record_id=row.record_id,
        source=row.source,
        source_id=row.source_id,
        entity=Entity(row.kind, row.entity),
        property=row.property,
        value=value,
        unit=unit if isinstance(unit, str) else "",
        scope=row.scope,
        occurred_at=moment(row.occurred_at),
        reported_at=moment(row.reported_at),
        quality=_QUALITIES[row.quality],
    )


def order_of_statement(statement: Statement) -> tuple[datetime, datetime, int, str, str, str]:
    """The store's own order of statements, for those that several queries found."""
    told = (len(statement.source_id), statement.source_id, statement.record_id, statement.property)
    return (statement.occurred_at, statement.reported_at, *told)
