"""Odoo by its external API: what changed in its models since the last read."""

from lineside_ingest.odoo.connector import Odoo

__all__ = ["Odoo"]
