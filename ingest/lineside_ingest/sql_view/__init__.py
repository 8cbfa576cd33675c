"""Any SQL database's tables and views, read by a cursor with an overlap, and never written."""

from lineside_ingest.sql_view.connector import SqlView

__all__ = ["SqlView"]
