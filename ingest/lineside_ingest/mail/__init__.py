"""Mail folders over IMAP: each letter a note, or what a rule reads out of it."""

from lineside_ingest.mail.connector import Mail

__all__ = ["Mail"]
