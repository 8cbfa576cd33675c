"""The notes that people wrote in Lineside itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from lineside.memory import tables
from lineside.memory.bodies import record_from_row
from lineside.memory.conditions import unindexed
from lineside.memory.freshness import OURS
from lineside.memory.moments import stored
from lineside.memory.view import View
from lineside.plant.records import Note, RecordType

_records = tables.records


def own_notes(view: View, since: datetime) -> list[Note]:
    """Those that were kept since then, oldest first; found by their source, however many notes others wrote."""
    query = select(_records).where(
        _records.c.source == OURS,
        _records.c.reported_at >= stored(since),
        unindexed(_records.c.type) == RecordType.NOTE.value,
        view.sees(),
    )
    with view.read() as connection:
        rows = connection.execute(query.order_by(_records.c.reported_at, _records.c.source_id))
        return [record for row in rows if isinstance(record := record_from_row(row), Note)]
