"""EDIFACT and X12: despatch advices and transport statuses, one message each."""

from lineside_ingest.drop_folder.edi.reading import records
from lineside_ingest.drop_folder.edi.segments import Cut, cut, is_edi

__all__ = ["Cut", "cut", "is_edi", "records"]
