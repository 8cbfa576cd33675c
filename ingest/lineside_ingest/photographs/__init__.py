"""Photographs of travelers and whiteboards: notes with the picture kept."""

from lineside_ingest.photographs.connector import Photographs

__all__ = ["Photographs"]
