"""Trackers that people keep in spreadsheets and csv files: each row that is new or changed."""

from lineside_ingest.spreadsheet.connector import Spreadsheet

__all__ = ["Spreadsheet"]
