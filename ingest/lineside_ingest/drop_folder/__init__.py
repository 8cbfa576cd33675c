"""Files that partners and plant systems drop in a folder or on an SFTP server: B2MML, EDIFACT, X12."""

from lineside_ingest.drop_folder.connector import DropFolder

__all__ = ["DropFolder"]
