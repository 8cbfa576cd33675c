"""How things stand at the server: its identity, the slot, the publication and the published tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineside_ingest.postgres_changes.server import Session, in_full, literal, quoted
from lineside_ingest.postgres_changes.wire import lsn_of

_MB = 1 << 20
_SERVER = """
SELECT (SELECT system_identifier FROM pg_control_system())::text AS system,
       (SELECT timeline_id FROM pg_control_checkpoint())::text AS timeline,
       (SELECT oid FROM pg_database WHERE datname = current_database())::text AS database,
       clock_timestamp() AS now, current_setting('wal_level') AS wal_level,
       current_database() AS name, current_user AS login,
       current_setting('server_version_num')::int AS version,
       (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) AS replicates,
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END::text AS written
"""
_SLOT = """
SELECT to_jsonb(s) AS slot, pg_wal_lsn_diff(%s::pg_lsn, s.restart_lsn)::int8 AS retained
FROM pg_replication_slots s WHERE slot_name = %s
"""
_PUBLICATION = "SELECT oid::int8, pubinsert AND pubupdate AND pubdelete AS whole FROM pg_publication WHERE pubname = %s"
_TABLES = """
SELECT c.oid::int8, n.nspname || '.' || c.relname AS name, c.relreplident::text AS identity,
       has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT') AS readable,
       (SELECT json_agg(json_build_array(a.attname, a.atttypid::int8, a.attgenerated::text) ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       (SELECT json_agg(a.attname) FROM pg_index i JOIN pg_attribute a
        ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
        WHERE i.indrelid = c.oid AND i.indisvalid
          AND CASE c.relreplident WHEN 'i' THEN i.indisreplident WHEN 'd' THEN i.indisprimary ELSE false END
       ) AS identified
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND (n.nspname || '.' || c.relname) = ANY (%s)
"""
_PUBLISHED = "SELECT to_jsonb(p) AS found FROM pg_publication_tables p WHERE pubname = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """confirmed: up to where its reader has everything. lost: why it can't be read any more; empty where it can.
    retained_mb: how much of the log is kept for it. expiring: its log may be removed any time."""

    confirmed: int
    lost: str
    retained_mb: float
    expiring: bool
    database: str
    plugin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A table as it is. columns: name to the type's oid, of what is published. identified: the columns that a deletion
    names. rows: which are published, as a condition; empty for all."""

    oid: int
    columns: Mapping[str, int]
    identified: frozenset[str]
    readable: bool
    published: bool
    rows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """identity: what tells this database from another one, or from itself restored. written: the end of its log."""

    identity: str
    database: str
    now: datetime
    wal_level: str
    written: int
    login: str
    replicates: bool
    slot: Slot | None
    publication: int | None
    complete: bool
    tables: Mapping[str, Found]


def look(session: Session, *, slot: str, publication: str, tables: Sequence[str]) -> Standing:
    """How things stand now. tables: those that are wanted, as `schema.name`."""
    [server] = session.asked(_SERVER)
    slots = session.asked(_SLOT, server["written"], slot)
    publications = session.asked(_PUBLICATION, publication)
    shown = {f"{each['found']['schemaname']}.{each['found']['tablename']}": each["found"]
             for each in session.asked(_PUBLISHED, publication)}  # fmt: skip
    return Standing(
        identity=f"{server['system']}/{server['timeline']}/{server['database']}",
        database=server["name"],
        now=server["now"],
        wal_level=server["wal_level"],
        written=lsn_of(server["written"]),
        login=server["login"],
        replicates=bool(server["replicates"]),
        slot=_slot(slots[0]["slot"], slots[0]["retained"]) if slots else None,
        publication=publications[0]["oid"] if publications else None,
        complete=bool(publications and publications[0]["whole"]),
        tables={each["name"]: _found(each, shown.get(each["name"])) for each in session.asked(_TABLES, list(tables))},
    )


def slot_statement(slot: str) -> str:
    return f"SELECT pg_create_logical_replication_slot({literal(slot)}, 'pgoutput')"


def drop_statement(slot: str) -> str:
    return f"SELECT pg_drop_replication_slot({literal(slot)})"


def publication_statement(publication: str, tables: Sequence[str]) -> str:
    names = ", ".join(in_full(each) for each in tables)
    return f"CREATE PUBLICATION {quoted(publication)} FOR TABLE {names} WITH (publish_via_partition_root = true)"


def added_statement(publication: str, table: str) -> str:
    return f"ALTER PUBLICATION {quoted(publication)} ADD TABLE {in_full(table)}"


def _slot(slot: Mapping[str, Any], retained: int | None) -> Slot:
    lost = slot.get("invalidation_reason") or ("its log was removed" if slot["wal_status"] == "lost" else "")
    if not lost and slot.get("conflicting"):
        lost = "it conflicted with the standby's recovery"
    return Slot(
        confirmed=lsn_of(slot["confirmed_flush_lsn"] or "0/0"),
        lost=str(lost),
        retained_mb=(retained or 0) / _MB,
        expiring=slot["wal_status"] == "unreserved",
        database=slot["database"] or "",
        plugin=slot["plugin"] or "",
    )


def _found(row: Mapping[str, Any], shown: Mapping[str, Any] | None) -> Found:
    named = None if shown is None else shown.get("attnames")  # told since PostgreSQL 15
    columns = {
        name: oid
        for name, oid, generated in row["columns"] or []
        if (not generated if named is None else name in named)
    }
    return Found(
        oid=row["oid"],
        columns=columns,
        identified=frozenset(columns if row["identity"] == "f" else row["identified"] or ()),
        readable=bool(row["readable"]),
        published=shown is not None,
        rows=str((shown or {}).get("rowfilter") or ""),
    )
