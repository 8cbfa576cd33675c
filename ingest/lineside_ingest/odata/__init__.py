"""OData 2 and 4 and plain REST: what changed since the last read, page by page."""

from lineside_ingest.odata.connector import OData

__all__ = ["OData"]
