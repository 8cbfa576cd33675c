"""What `lineside sources check` tells of a server: what is there, which rights are lacking, and who can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lineside.connector import Check
from lineside.errors import SourceError
from lineside_ingest.postgres_changes.following import Table
from lineside_ingest.postgres_changes.server import Session, in_full, quoted
from lineside_ingest.postgres_changes.setting_up import NO_IDENTITY, WAL_LEVEL, missing
from lineside_ingest.postgres_changes.standing import Standing, added_statement
from lineside_ingest.postgres_changes.troubles import retained_too_much, skewed, unfit
from lineside_ingest.postgres_changes.wire import lsn_text

# Nothing comes: the log is read from where the slot stands to where it stands. It shows whether it may be read.
_TRY = (
    "SELECT count(*) FROM pg_logical_slot_peek_binary_changes(%s, %s::pg_lsn, 1,"
    " 'proto_version', '1', 'publication_names', %s)"
)


def checks(
    session: Session,
    standing: Standing,
    *,
    tables: Iterable[Table],
    slot: str,
    publication: str,
    now: datetime,
    max_retained_mb: float,
) -> list[Check]:
    """Each capability, tried without side effects. now: our clock."""
    wanted = list(tables)
    found = [
        Check(
            name="wal_level",
            ok=standing.wal_level == "logical",
            detail=f"wal_level is {standing.wal_level}",
            fix=f"{WAL_LEVEL}; and restart the server",
        ),
        _slot(session, standing, tables=wanted, slot=slot, publication=publication),
    ]
    found += [_table(standing, table, publication=publication) for table in wanted]
    if standing.slot is not None and (retained := retained_too_much(standing.slot, max_retained_mb=max_retained_mb)):
        found.append(Check(name="retained", ok=False, detail=retained, fix="read it more often, or drop the slot"))
    if skew := skewed(standing, now):
        found.append(Check(name="clock", ok=False, detail=skew, fix="set its clock, or clock_offset_s"))
    return found


def _slot(session: Session, standing: Standing, *, tables: list[Table], slot: str, publication: str) -> Check:
    name = f"follow {slot}"
    role = f"ALTER ROLE {quoted(standing.login)} REPLICATION"
    statements = missing(standing, slot=slot, publication=publication, tables=[table.name for table in tables])
    if standing.slot is None or standing.slot.lost or standing.publication is None:
        told = f"the slot {slot} or the publication {publication} is not there, or lost"
        if not standing.replicates:
            statements.insert(0, role)
        return Check(name=name, ok=False, detail=told, fix="; ".join([*statements]) + "; or create = true")
    try:
        with session.transaction():
            session.asked(_TRY, slot, lsn_text(standing.slot.confirmed), quoted(publication))
    except SourceError as error:
        return Check(
            name=name, ok=False, detail=error.message, fix=role if not standing.replicates else "ask its owner"
        )
    return Check(name=name, ok=True, detail=f"{standing.slot.retained_mb:.1f} MB of the log are kept for it")


def _table(standing: Standing, table: Table, *, publication: str) -> Check:
    name, found = f"read {table.stream.name}", standing.tables.get(table.name)
    if found is None:
        fix = "mend table: names are case-sensitive, and views can't be followed"
        return Check(name=name, ok=False, detail=f"there is no table {table.name}", fix=fix)
    if not found.readable:
        fix = f"GRANT SELECT ON {in_full(table.name)} TO {quoted(standing.login)}, and USAGE on its schema"
        return Check(name=name, ok=False, detail=f"{standing.login} may not read {table.name}", fix=fix)
    if not found.published:
        fix = added_statement(publication, table.name)
        if not found.identified:
            fix = NO_IDENTITY.format(table=table.name)
        return Check(name=name, ok=False, detail=f"{table.name} is not in the publication {publication}", fix=fix)
    if wrong := unfit(standing, table):
        return Check(name=name, ok=False, detail="; ".join(wrong), fix="mend the mapping, the key or the publication")
    return Check(name=name, ok=True, detail=f"readable and published, {len(found.columns)} columns")
