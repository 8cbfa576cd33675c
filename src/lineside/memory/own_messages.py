"""Messages that Lineside keeps of itself: what was decided, carried out or captured, as the open format has it."""

from __future__ import annotations

import json
from datetime import datetime

from lineside.connector import SourceMessage
from lineside.plant.open_format import record_from_data
from lineside.plant.records import Provenance, Record


def translate(message: SourceMessage) -> list[Record]:
    """The record in one of our own messages."""
    event = json.loads(message.content)
    provenance = Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=datetime.fromisoformat(event["time"]),
        reported_at=datetime.fromisoformat(event["reportedat"]),
        recorded_at=message.received_at,
    )
    return [record_from_data(event["type"], event["data"], provenance)]
