"""B2MML, the XML of ISA-95: a document is cut into its things, each a message of its own."""

from lineside_ingest.drop_folder.b2mml.cutting import Part, cut
from lineside_ingest.drop_folder.b2mml.reading import records

__all__ = ["Part", "cut", "records"]
