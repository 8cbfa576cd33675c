"""What the source's owner should know of a slot and its tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lineside.connector import Trouble, TroubleKind
from lineside_ingest.postgres_changes.following import Table
from lineside_ingest.postgres_changes.standing import Slot, Standing

SKEW_S = 60.0


def troubles_of(
    standing: Standing, slot: Slot, *, tables: Iterable[Table], now: datetime, max_retained_mb: float
) -> list[Trouble]:
    """All that is wrong now. now: our clock."""
    found = []
    if retained := retained_too_much(slot, max_retained_mb=max_retained_mb):
        found.append(Trouble(kind=TroubleKind.RETAINED, reason=retained))
    if skew := skewed(standing, now):
        found.append(Trouble(kind=TroubleKind.SKEW, reason=skew))
    found += [
        Trouble(kind=TroubleKind.DRIFT, reason="; ".join(wrong), stream=table.stream.name)
        for table in tables
        if (wrong := unfit(standing, table))
    ]
    return found


def retained_too_much(slot: Slot, *, max_retained_mb: float) -> str:
    """Why the slot endangers its server, or itself; empty where it does not."""
    kept = f"the server keeps {slot.retained_mb:.0f} MB of its log for the slot"
    if slot.expiring:
        return f"{kept}, more than max_slot_wal_keep_size allows: it may be lost any time"
    if slot.retained_mb > max_retained_mb:
        return f"{kept}, more than max_retained_mb: it is read too seldom, or a transaction is open for long"
    return ""


def skewed(standing: Standing, now: datetime) -> str:
    """How far the server's clock is off; empty where it is right."""
    ahead = (standing.now - now).total_seconds()
    if abs(ahead) <= SKEW_S:
        return ""
    return f"its clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ours"


def unfit(standing: Standing, table: Table) -> list[str]:
    """What a table lacks of what its mapping, or a deletion, needs."""
    found = standing.tables.get(table.name)
    if found is None or not found.published:
        return []
    told = []
    if lacking := table.stream.lacking(dict.fromkeys(found.columns, "")):
        told.append(f"it has no column {', '.join(lacking)} any more: mend its mapping")
    if table.whole and (unnamed := [each for each in table.stream.key if each not in found.identified]):
        told.append(
            f"what is deleted can't be told by {', '.join(unnamed)}: make it the key, or the owner has to run"
            f" ALTER TABLE {table.name} REPLICA IDENTITY FULL"
        )
    if not standing.complete:
        told.append("the publication leaves out insert, update or delete")
    return told
