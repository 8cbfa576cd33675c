"""PostgreSQL's changes as they were committed, read from a logical replication slot, and never written."""

from lineside_ingest.postgres_changes.connector import PostgresChanges

__all__ = ["PostgresChanges"]
