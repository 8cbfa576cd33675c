"""OPC UA servers: values as they change, with their own times and their quality, and what a gap left out."""

from lineside_ingest.opcua.connector import OpcUa

__all__ = ["OpcUa"]
