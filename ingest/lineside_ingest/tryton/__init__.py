"""Tryton as ERP, MES, WMS, QMS and CRM, read over its own JSON interfaces and never written."""

from lineside_ingest.tryton.connector import Tryton

__all__ = ["Tryton"]
