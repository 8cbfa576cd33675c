"""Records in the open format: CloudEvents 1.0 as JSON, in files that grow, in files to import, and pushed over HTTP."""

from lineside_ingest.open_records.connector import OpenRecords
from lineside_ingest.open_records.files import read_lines
from lineside_ingest.open_records.push import messages_from_push

__all__ = ["OpenRecords", "messages_from_push", "read_lines"]
