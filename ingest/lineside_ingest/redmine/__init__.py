"""Redmine by its REST interface: tickets as they stand, what was written in them, and what was changed when by whom."""

from lineside_ingest.redmine.connector import Redmine

__all__ = ["Redmine"]
