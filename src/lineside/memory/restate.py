"""What a correction puts in the place of a record."""

from __future__ import annotations

from datetime import datetime

from lineside.errors import UnreadableMessage
from lineside.plant.open_format import record_from_data
from lineside.plant.records import Correction, Provenance, Record, RecordType


def restated(correction: Correction, record_type: RecordType, occurred_at: datetime) -> Record | None:
    """The replacement: of the original's type and time, said by the correction at its own time. None where the
    correction only takes back. Raises UnreadableMessage where the new data are no such record."""
    if correction.replacement is None:
        return None
    own = correction.provenance
    provenance = Provenance(
        source=own.source,
        source_id=own.source_id,
        part=-1 - own.part,  # beside the correction itself, whose parts count up from 0
        occurred_at=occurred_at,
        reported_at=own.reported_at,
        recorded_at=own.recorded_at,
        quality=own.quality,
    )
    return record_from_data(record_type, dict(correction.replacement), provenance)


def check_replacement(correction: Correction) -> None:
    """Raises UnreadableMessage where the replacement could be the data of no record at all.

    The original may arrive later, so its type is not yet asked for.
    """
    if correction.replacement is None:
        return
    reasons = []
    for record_type in (RecordType.EVENT, RecordType.REPORT, RecordType.NOTE, RecordType.DECISION):
        try:
            restated(correction, record_type, correction.provenance.occurred_at)
        except UnreadableMessage as error:
            reasons.append(f"as {record_type} {error.message}")
        else:
            return
    raise UnreadableMessage(f"replacement: {'; '.join(reasons)}", field="replacement")
